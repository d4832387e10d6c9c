#include "dv_receive.h"

#include <cstring>

#include "incoming.h"
#include "ring_dump.h"

constexpr uint8_t DATA_VALID = 2; // VIRTIO_NET_HDR_F_DATA_VALID: the checksum was looked at and is right

DvReceiveQueue::DvReceiveQueue(const DvReceiveRing& ring)
    : ring_(ring), completions_(ring.cq, ring.striding), buffers_(static_cast<size_t>(ring.count) * ring.segments), fresh_(ring.segments) {
  memset(ring_.wqes, 0, static_cast<size_t>(ring_.count) * ring_.stride);
  uint32_t room = ring_.stride / WQE_UNIT - (ring_.striding ? 1 : 0);
  for (uint32_t wqe = 0; wqe < ring_.count; wqe++) {
    DataSegment* segment = segments(wqe);
    for (uint32_t i = 0; i < ring_.segments; i++) {
      segment[i].length = abi::BUFFER_DATA;
      segment[i].lkey = ring_.lkey;
    }
    if (ring_.segments < room) segment[ring_.segments].lkey = LKEY_END;
  }
}

DataSegment* DvReceiveQueue::segments(uint32_t wqe) const {
  uint8_t* start = ring_.wqes + static_cast<size_t>(wqe & (ring_.count - 1)) * ring_.stride;
  return reinterpret_cast<DataSegment*>(start) + (ring_.striding ? 1 : 0);
}

uint32_t DvReceiveQueue::receive(const WorkerMemory& memory, uint32_t frame, uint32_t at, uint32_t max, uint32_t swIfIndex) {
  Burst burst;
  uint32_t n = 0;
  Completion completion{};
  while (n < max && !failed_ && completions_.next(completion)) {
    uint32_t first = take(memory, completion, swIfIndex, burst);
    if (first) memory.write(frame + abi::FRAME_BUFFERS + 4 * (at + n++), first >> abi::BUFFER_SHIFT);
  }
  completions_.publish();
  if (!failed_) refill(memory, swIfIndex);
  if (n > 0) {
    memory.count(swIfIndex, abi::IFC_RX_PACKETS, n);
    memory.count(swIfIndex, abi::IFC_RX_BYTES, burst.bytes);
  }
  if (burst.errors) memory.count(swIfIndex, abi::IFC_RX_ERROR, burst.errors);
  if (burst.truncated) memory.count(swIfIndex, abi::IFC_RX_TRUNCATED, burst.truncated);
  if (burst.badChecksum) memory.count(swIfIndex, abi::IFC_RX_CHECKSUM, burst.badChecksum);
  return n;
}

/** Takes the buffers of a completion out of the ring; gives the address of the packet's first one, 0 if there is no packet. */
uint32_t DvReceiveQueue::take(const WorkerMemory& memory, const Completion& completion, uint32_t swIfIndex, Burst& burst) {
  bool tooLong = completion.opcode == CQE_RECEIVE_ERROR && completion.syndrome == SYNDROME_LOCAL_LENGTH && !ring_.striding;
  if (completion.opcode == CQE_RECEIVED || tooLong) align(completion, burst);
  if (tooLong) {
    burst.truncated++; // the WQE is used up, its buffers are not
    read_++;
    return 0;
  }
  uint32_t* buffers = buffersOf(read_) + stride_;
  uint32_t length = completion.byteCount, room = ring_.segments;
  bool posted = posted_ - read_ - 1 < ring_.count;
  if (completion.opcode != CQE_RECEIVED || !posted || (ring_.striding && !passStrides(completion.byteCount, &length, &room))) {
    burst.errors++;
    failed_ = true;
    return 0;
  }
  if (!ring_.striding) read_++;
  uint32_t count = buffersFor(length);
  if (count == 0) return 0; // a filler
  if (count > room) {
    burst.errors++;
    return 0;
  }
  linkReceived(memory, buffers, length, swIfIndex);
  uint32_t first = buffers[0];
  judge(memory, first, completion, burst);
  for (uint32_t i = 0; i < count; i++) buffers[i] = 0;
  held_ -= count;
  last_ = first + abi::BUFFER_START;
  burst.bytes += length;
  return first;
}

/**
 * Goes to the place that a completion names. Completions come in the ring's order, so we are there already, unless one was lost: then the
 * buffers it spoke of stay where they are.
 */
void DvReceiveQueue::align(const Completion& completion, Burst& burst) {
  if (!ring_.striding) {
    uint32_t lost = (completion.wqeCounter - read_) & (ring_.count - 1);
    read_ += lost;
    burst.errors += lost;
  } else if (completion.wqeCounter != stride_ && !(completion.byteCount & STRIDING_FILLER)) {
    if (completion.wqeCounter < stride_) read_++;
    stride_ = completion.wqeCounter;
    burst.errors++;
  }
}

/** Goes past the strides that the CQE of a striding queue speaks of; gives how many there are, and the packet's length (0: a filler). */
bool DvReceiveQueue::passStrides(uint32_t byteCount, uint32_t* length, uint32_t* strides) {
  *strides = byteCount >> STRIDING_STRIDES_SHIFT & STRIDING_STRIDES_MASK;
  *length = byteCount & STRIDING_FILLER ? 0 : byteCount & STRIDING_LENGTH_MASK;
  if (*strides == 0 || stride_ + *strides > ring_.segments) return false;
  stride_ += *strides;
  if (stride_ == ring_.segments) {
    stride_ = 0;
    read_++;
  }
  return true;
}

/** Tells the nodes what the NIC found out about checksums. */
void DvReceiveQueue::judge(const WorkerMemory& memory, uint32_t buffer, const Completion& completion, Burst& burst) const {
  if (!ring_.useChecksum) return;
  bool ip4 = (completion.types & CQE_L3_MASK) == CQE_L3_IPV4;
  bool transport = (completion.types & CQE_L4_MASK) && !(completion.types & CQE_FRAGMENT);
  bool ip4Good = ip4 && (completion.good & CQE_L3_GOOD), transportGood = transport && (completion.good & CQE_L4_GOOD);
  memory.write<uint16_t>(buffer + abi::B_FLAGS, (ip4Good ? abi::B_FLAG_L3_GOOD : 0) | (transportGood ? abi::B_FLAG_L4_GOOD : 0));
  if (transportGood) memory.write<uint8_t>(buffer + abi::B_CSUM_FLAGS, DATA_VALID);
  if (ip4 != ip4Good || transport != transportGood) burst.badChecksum++;
}

void DvReceiveQueue::refill(const WorkerMemory& memory, uint32_t swIfIndex) {
  uint32_t before = posted_;
  bool full = true;
  while (posted_ - read_ < ring_.count && (full = fill(memory, posted_))) posted_++;
  if (!full && !dry_) memory.count(swIfIndex, abi::IFC_RX_NO_BUFFER, 1);
  dry_ = !full;
  if (posted_ != before) storeRecord(&ring_.doorbell[RECORD_RECEIVE], posted_ & 0xffff);
}

/** Puts a buffer into each gap of a WQE; false, and nothing done, if the pool has not so many. */
bool DvReceiveQueue::fill(const WorkerMemory& memory, uint32_t wqe) {
  uint32_t* buffers = buffersOf(wqe);
  uint32_t gaps = 0;
  for (uint32_t i = 0; i < ring_.segments; i++) gaps += buffers[i] == 0;
  if (!memory.take(gaps, fresh_.data())) return false;
  held_ += gaps;
  DataSegment* segment = segments(wqe);
  for (uint32_t i = 0; i < ring_.segments; i++) {
    if (buffers[i]) continue;
    buffers[i] = fresh_[--gaps];
    segment[i].address = reinterpret_cast<uintptr_t>(memory.base) + buffers[i] + abi::BUFFER_START;
  }
  return true;
}

void DvReceiveQueue::restart() {
  completions_.discard();
  posted_ = read_ = stride_ = 0;
  failed_ = false;
}

void DvReceiveQueue::release(const WorkerMemory& memory) {
  for (uint32_t& buffer : buffers_) {
    if (buffer) giveBack(memory, buffer);
    buffer = 0;
  }
  held_ = 0;
}

std::string DvReceiveQueue::dump() const {
  std::string head = "rq: " + std::to_string(ring_.count) + " WQEs of " + std::to_string(ring_.stride) + " bytes, posted " +
                     std::to_string(posted_) + ", used up " + std::to_string(read_) + " and " + std::to_string(stride_) + " strides\n";
  return head + dumpAround(ring_.wqes, ring_.count, ring_.stride, read_) + completions_.dump();
}
