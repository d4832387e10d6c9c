#include "dv_transmit.h"

#include <algorithm>

#include "ring_dump.h"

/** WQEs for one CQE at most: room comes back in the middle of a long burst. */
constexpr uint32_t WQES_PER_CQE = 32;

/** Units of the inline header after the two bytes that the Ethernet segment holds. */
static constexpr uint32_t inlineUnits(uint32_t bytes) { return bytes > ETHERNET_INLINE ? (bytes - ETHERNET_INLINE + WQE_UNIT - 1) / WQE_UNIT : 0; }
static_assert(2 + inlineUnits(HEADERS_MAX) + CHAIN_MAX <= WQE_UNITS_MAX, "the longest packet fits a WQE");

DvSendQueue::DvSendQueue(const DvSendRing& ring)
    : ring_(ring), completions_(ring.cq, false), marks_(ring.count), buffers_(static_cast<size_t>(ring.count) * UNITS_PER_BLOCK) {}

uint32_t DvSendQueue::transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) {
  reap(memory, swIfIndex);
  uint32_t sent = 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (!memory.usedBufferAt(indices[i])) {
      memory.countBadBuffer();
    } else if (uint32_t counter = send(memory, indices[i], swIfIndex)) {
      memory.count(swIfIndex, counter, 1);
      memory.freeChain(indices[i]);
    } else {
      sent++;
      bytes += packet_.total;
    }
  }
  ring();
  if (sent > 0) {
    memory.count(swIfIndex, abi::IFC_TX_PACKETS, sent);
    memory.count(swIfIndex, abi::IFC_TX_BYTES, bytes);
  }
  return sent;
}

/** Gives 0 once the packet is in the ring, or the counter that tells why it is not. */
uint32_t DvSendQueue::send(const WorkerMemory& memory, uint32_t index, uint32_t swIfIndex) {
  if (failed_) return abi::IFC_TX_ERROR;
  if (uint32_t counter = packet_.read(memory, index)) return counter;
  if (packet_.segment && packet_.total - packet_.headers > ring_.tsoMax) return abi::IFC_TX_TOO_LONG;
  uint32_t inlined = packet_.segment ? packet_.headers : std::min(ring_.inlineHeader, packet_.total);
  uint32_t skipped = 0; // pieces that are inline altogether
  for (uint32_t left = inlined; skipped < packet_.pieceCount && packet_.pieces[skipped].length <= left;) left -= packet_.pieces[skipped++].length;
  uint32_t units = 2 + inlineUnits(inlined) + packet_.pieceCount - skipped;
  uint32_t blocks = (units + UNITS_PER_BLOCK - 1) / UNITS_PER_BLOCK;
  if (!hasRoom(blocks, packet_.bufferCount)) {
    ring(); // what is not rung never completes
    reap(memory, swIfIndex);
    if (!hasRoom(blocks, packet_.bufferCount)) return abi::IFC_TX_NO_ROOM;
  }
  write(memory, units, inlined);

  marks_[posted_ & (ring_.count - 1)] = {postedMark_.buffers, postedMark_.packets, blocks};
  for (uint32_t i = 0; i < packet_.bufferCount; i++) buffers_[postedMark_.buffers++ & (buffers_.size() - 1)] = packet_.buffers[i];
  postedMark_.packets++;
  posted_ += blocks;
  return 0;
}

bool DvSendQueue::hasRoom(uint32_t blocks, uint32_t buffers) const {
  return posted_ + blocks - completed_ <= ring_.count && pending() + buffers <= buffers_.size();
}

void DvSendQueue::write(const WorkerMemory& memory, uint32_t units, uint32_t inlined) {
  ControlSegment* control = unit<ControlSegment>(0);
  *control = {};
  control->indexOpcode = (posted_ & 0xffff) << 8 | (packet_.segment ? OPCODE_TSO : OPCODE_SEND);
  control->qpnUnits = ring_.qpn << 8 | units;
  if (++sinceCqe_ == WQES_PER_CQE) {
    control->flags = CONTROL_WANT_CQE;
    sinceCqe_ = 0;
  }

  EthernetSegment* ethernet = unit<EthernetSegment>(1);
  *ethernet = {};
  ethernet->checksumFlags = packet_.checksum ? CHECKSUM_L3 | CHECKSUM_L4 : 0;
  ethernet->mss = static_cast<uint16_t>(packet_.segment);
  ethernet->inlineLength = static_cast<uint16_t>(inlined);
  uint8_t header[ETHERNET_INLINE + inlineUnits(HEADERS_MAX) * WQE_UNIT] = {};
  packet_.copyStart(memory, header, inlined);
  memcpy(ethernet->inlineStart, header, ETHERNET_INLINE);
  uint32_t next = 2;
  for (uint32_t at = ETHERNET_INLINE; at < inlined; at += WQE_UNIT) memcpy(unit<uint8_t>(next++), header + at, WQE_UNIT);

  uint32_t skip = inlined;
  for (uint32_t i = 0; i < packet_.pieceCount; i++) {
    Outgoing::Piece piece = packet_.pieces[i];
    uint32_t gone = std::min(skip, piece.length);
    skip -= gone;
    if (gone == piece.length) continue;
    DataSegment* data = unit<DataSegment>(next++);
    data->length = piece.length - gone;
    data->lkey = ring_.lkey;
    data->address = reinterpret_cast<uintptr_t>(memory.base) + piece.at + gone;
  }
  last_ = control;
}

/** Lets the NIC begin. It says when the last WQE is done: buffers come back only with a CQE. */
void DvSendQueue::ring() {
  if (!last_) return;
  last_->flags = CONTROL_WANT_CQE;
  sinceCqe_ = 0;
  storeRecord(&ring_.doorbell[RECORD_SEND], posted_ & 0xffff);
  // The register takes the last WQE's first 8 bytes; BlueFlame is a single short WQE whole, which the NIC then need not fetch. Its two
  // buffers are written by turns.
  bool whole = posted_ - rung_ == 1 && ring_.blueFlameSize >= WQE_BLOCK;
  storeRegister(ring_.blueFlame + (otherHalf_ ? ring_.blueFlameSize : 0), last_, whole ? WQE_BLOCK : sizeof(uint64_t));
  otherHalf_ = !otherHalf_;
  rung_ = posted_;
  last_ = nullptr;
}

void DvSendQueue::reap(const WorkerMemory& memory, uint32_t) {
  Completion completion{};
  uint32_t upTo = completed_;
  while (!failed_ && completions_.next(completion)) {
    uint32_t first = upTo + static_cast<uint16_t>(completion.wqeCounter - upTo); // the NIC counts 16 bits
    bool known = first - completed_ < posted_ - completed_;
    failed_ = completion.opcode != CQE_SEND_DONE || !known;
    if (!known) break;
    upTo = failed_ ? first : first + marks_[first & (ring_.count - 1)].blocks;
  }
  if (upTo == completed_) return;
  retire(memory, upTo);
  completions_.publish();
}

/** Gives back the buffers of all WQEs before this block. */
void DvSendQueue::retire(const WorkerMemory& memory, uint32_t upTo) {
  Mark target = upTo == posted_ ? postedMark_ : marks_[upTo & (ring_.count - 1)];
  while (completedMark_.buffers != target.buffers) giveBack(memory, buffers_[completedMark_.buffers++ & (buffers_.size() - 1)]);
  completedMark_.packets = target.packets;
  completed_ = upTo;
}

void DvSendQueue::restart(const WorkerMemory& memory, uint32_t swIfIndex) {
  uint64_t lost = postedMark_.packets - completedMark_.packets;
  memory.count(swIfIndex, abi::IFC_TX_ERROR, lost);
  memory.count(swIfIndex, abi::IFC_TX_PACKETS, -lost);
  completions_.discard();
  retire(memory, posted_);
  posted_ = completed_ = rung_ = sinceCqe_ = 0;
  failed_ = false;
}

void DvSendQueue::release(const WorkerMemory& memory) { retire(memory, posted_); }

std::string DvSendQueue::dump() const {
  std::string head = "sq " + std::to_string(ring_.qpn) + ": " + std::to_string(ring_.count) + " basic blocks, posted " + std::to_string(posted_) +
                     ", completed " + std::to_string(completed_) + "\n";
  return head + dumpAround(ring_.wqes, ring_.count, WQE_BLOCK, posted_) + completions_.dump();
}
