#include "ibv_rings.h"

using namespace verbs;

/** Room for the buffers of packets under way: more than four for each are seldom. */
constexpr uint32_t HELD_PER_PACKET = 4;

IbvSendQueue::IbvSendQueue(const SendObjects& objects, uint32_t lkey, bool segmentation)
    : cq_(objects.cq.get()), qp_(objects.qp.get()), count_(objects.packets), pieceMax_(objects.pieces), lkey_(lkey), segmentation_(segmentation),
      bufferCounts_(objects.packets), held_(objects.packets * HELD_PER_PACKET), pieces_(POST_MAX * objects.pieces) {}

uint32_t IbvSendQueue::transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) {
  reap(memory, swIfIndex);
  uint32_t queued = 0, sent = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (!memory.usedBufferAt(indices[i])) {
      memory.countBadBuffer();
      continue;
    }
    if (uint32_t counter = read(memory, indices[i])) {
      memory.count(swIfIndex, counter, 1);
      memory.freeChain(indices[i]);
      continue;
    }
    build(memory, queued++);
    if (queued < POST_MAX) continue;
    sent += post(memory, queued, swIfIndex);
    queued = 0;
  }
  if (queued > 0) sent += post(memory, queued, swIfIndex);
  return sent;
}

/** Reads a packet; gives 0 or the counter that tells why it cannot be sent. */
uint32_t IbvSendQueue::read(const WorkerMemory& memory, uint32_t index) {
  if (uint32_t counter = packet_.read(memory, index)) return counter;
  if (packet_.pieceCount > pieceMax_ || (packet_.segment && !segmentation_)) return abi::IFC_TX_TOO_LONG;
  bool room = head_ - tail_ < count_ && heldHead_ - heldTail_ + packet_.bufferCount <= held_.size();
  return room ? 0 : abi::IFC_TX_NO_ROOM;
}

/** Makes the packet that was read the `place`th work request of the next post. */
void IbvSendQueue::build(const WorkerMemory& memory, uint32_t place) {
  ibv_sge* pieces = &pieces_[place * pieceMax_];
  int count = 0;
  bool segments = packet_.segment && packet_.total > packet_.headers;
  uint32_t skip = segments ? packet_.headers : 0; // the NIC gets the headers apart, to repeat them
  for (uint32_t i = 0; i < packet_.pieceCount; i++, skip = 0) {
    if (packet_.pieces[i].length == skip) continue;
    pieces[count++] = {reinterpret_cast<uint64_t>(memory.base) + packet_.pieces[i].at + skip, packet_.pieces[i].length - skip, lkey_};
  }
  ibv_send_wr& request = requests_[place];
  request = {};
  request.wr_id = head_;
  request.sg_list = pieces;
  request.num_sge = count;
  request.opcode = IBV_WR_SEND;
  request.send_flags = packet_.checksum ? IBV_SEND_IP_CSUM : 0;
  lengths_[place] = packet_.total;
  if (segments) {
    request.opcode = IBV_WR_TSO;
    request.tso = {memory.base + packet_.pieces[0].at, static_cast<uint16_t>(packet_.headers), static_cast<uint16_t>(packet_.segment)};
  }
  if (place > 0) requests_[place - 1].next = &request;

  for (uint32_t i = 0; i < packet_.bufferCount; i++) held_[heldHead_++ & (held_.size() - 1)] = packet_.buffers[i];
  bufferCounts_[head_++ & (count_ - 1)] = static_cast<uint8_t>(packet_.bufferCount);
}

uint32_t IbvSendQueue::post(const WorkerMemory& memory, uint32_t n, uint32_t swIfIndex) {
  requests_[n - 1].send_flags |= IBV_SEND_SIGNALED; // one completion tells of all before it
  ibv_send_wr* bad = nullptr;
  uint32_t posted = qp_->context->post_send(qp_, requests_, &bad) == 0 ? n : static_cast<uint32_t>(bad - requests_);
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < posted; i++) bytes += lengths_[i];
  memory.count(swIfIndex, abi::IFC_TX_PACKETS, posted);
  memory.count(swIfIndex, abi::IFC_TX_BYTES, bytes);
  if (posted < n) {
    memory.count(swIfIndex, abi::IFC_TX_ERROR, n - posted);
    for (uint32_t left = n - posted; left > 0; left--) {
      for (uint32_t i = bufferCounts_[--head_ & (count_ - 1)]; i > 0; i--) giveBack(memory, held_[--heldHead_ & (held_.size() - 1)]);
    }
    // What was posted has no completion of its own any more: the next burst's last one tells of it.
  }
  return posted;
}

void IbvSendQueue::reap(const WorkerMemory& memory, uint32_t) {
  ibv_wc completions[POST_MAX];
  int got = 0;
  while (!failed_ && head_ != tail_ && (got = cq_->context->poll_cq(cq_, POST_MAX, completions)) > 0) {
    for (int i = 0; i < got && !failed_; i++) {
      failed_ = completions[i].status != 0;
      // Packets before a failed one were sent.
      give(memory, static_cast<uint32_t>(completions[i].wr_id) + (failed_ ? 0 : 1));
    }
  }
}

/** Gives back the buffers of all packets before `until`. */
void IbvSendQueue::give(const WorkerMemory& memory, uint32_t until) {
  while (tail_ != until) {
    for (uint32_t i = bufferCounts_[tail_++ & (count_ - 1)]; i > 0; i--) giveBack(memory, held_[heldTail_++ & (held_.size() - 1)]);
  }
}

void IbvSendQueue::restart(const WorkerMemory& memory, uint32_t swIfIndex) {
  uint64_t lost = head_ - tail_;
  memory.count(swIfIndex, abi::IFC_TX_ERROR, lost);
  memory.count(swIfIndex, abi::IFC_TX_PACKETS, -lost);
  give(memory, head_);
  failed_ = false;
}

void IbvSendQueue::release(const WorkerMemory& memory) { give(memory, head_); }

std::string IbvSendQueue::dump() const {
  return "QP " + std::to_string(qp_->qp_num) + ": " + std::to_string(head_) + " packets posted, " + std::to_string(tail_) + " completed\n";
}
