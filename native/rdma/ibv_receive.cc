#include "ibv_rings.h"

using namespace verbs;

IbvReceiveQueue::IbvReceiveQueue(const ReceiveObjects& objects, const ReceiveShape& shape, uint32_t lkey)
    : cq_(objects.cq.get()), wq_(objects.wq.get()), count_(shape.packets), segments_(shape.segments), lkey_(lkey),
      buffers_(shape.packets * shape.segments), pieces_(POST_MAX * shape.segments) {}

uint32_t IbvReceiveQueue::receive(const WorkerMemory& memory, uint32_t frame, uint32_t at, uint32_t max, uint32_t swIfIndex) {
  uint32_t n = 0;
  uint64_t bytes = 0;
  while (n < max && !failed_ && (taken_ < polled_ || poll(max - n))) {
    const ibv_wc& completion = completions_[taken_++];
    uint32_t first = take(memory, completion, swIfIndex);
    if (!first) continue;
    memory.write(frame + abi::FRAME_BUFFERS + 4 * (at + n++), first >> abi::BUFFER_SHIFT);
    bytes += completion.byte_len;
  }
  if (n > 0) {
    memory.count(swIfIndex, abi::IFC_RX_PACKETS, n);
    memory.count(swIfIndex, abi::IFC_RX_BYTES, bytes);
  }
  if (!failed_) refill(memory, swIfIndex);
  return n;
}

bool IbvReceiveQueue::poll(uint32_t most) {
  int got = cq_->context->poll_cq(cq_, static_cast<int>(most), completions_);
  taken_ = 0;
  polled_ = got > 0 ? static_cast<uint32_t>(got) : 0;
  return polled_ > 0;
}

/** Makes a packet of what a completion tells; gives its first buffer, 0 if there is no packet. */
uint32_t IbvReceiveQueue::take(const WorkerMemory& memory, const ibv_wc& completion, uint32_t swIfIndex) {
  if (completion.status != 0 && completion.status != IBV_WC_LOC_LEN_ERR) {
    failed_ = true;
    if (completion.status != IBV_WC_WR_FLUSH_ERR) memory.count(swIfIndex, abi::IFC_RX_ERROR, 1);
    return 0;
  }
  uint32_t* buffers = buffersOf(read_++), length = completion.byte_len;
  if (completion.status != 0 || length == 0 || length > segments_ * abi::BUFFER_DATA) {
    memory.count(swIfIndex, abi::IFC_RX_TRUNCATED, 1); // its buffers stay in their places
    return 0;
  }
  linkReceived(memory, buffers, length, swIfIndex);
  uint32_t first = buffers[0];
  last_ = first + abi::BUFFER_START;
  for (uint32_t i = 0; i < buffersFor(length); i++, held_--) buffers[i] = 0;
  return first;
}

void IbvReceiveQueue::refill(const WorkerMemory& memory, uint32_t swIfIndex) {
  bool before = starved_;
  starved_ = false;
  while (posted_ - read_ < count_ && !starved_) {
    uint32_t n = 0;
    while (n < POST_MAX && posted_ + n - read_ < count_ && !starved_) {
      if (fill(memory, posted_ + n)) n++;
      else starved_ = true;
    }
    if (n > 0) post(memory, n);
  }
  if (starved_ && !before) memory.count(swIfIndex, abi::IFC_RX_NO_BUFFER, 1);
}

/** Puts a buffer into each gap of a WQE. */
bool IbvReceiveQueue::fill(const WorkerMemory& memory, uint32_t wqe) {
  uint32_t* buffers = buffersOf(wqe);
  for (uint32_t i = 0; i < segments_; i++) {
    if (buffers[i]) continue;
    if (!memory.take(1, &buffers[i])) return false;
    held_++;
  }
  return true;
}

void IbvReceiveQueue::post(const WorkerMemory& memory, uint32_t n) {
  for (uint32_t k = 0; k < n; k++) {
    uint32_t* buffers = buffersOf(posted_ + k);
    ibv_sge* pieces = &pieces_[k * segments_];
    for (uint32_t i = 0; i < segments_; i++) {
      pieces[i] = {reinterpret_cast<uint64_t>(memory.base) + buffers[i] + abi::BUFFER_START, abi::BUFFER_DATA, lkey_};
    }
    requests_[k] = {posted_ + k, k + 1 < n ? &requests_[k + 1] : nullptr, pieces, static_cast<int>(segments_)};
  }
  ibv_recv_wr* bad = nullptr;
  bool refused = wq_->post_recv(wq_, requests_, &bad) != 0;
  posted_ += refused ? static_cast<uint32_t>(bad - requests_) : n;
  starved_ |= refused; // tried again with the next burst
}

/** An event comes only for what completes after the asking: ibv_req_notify_cq(3). */
bool IbvReceiveQueue::arm() {
  if (taken_ < polled_) return false;
  if (cq_->context->req_notify_cq(cq_, 0) != 0) return false;
  return !poll(abi::VECTOR);
}

void IbvReceiveQueue::restart() {
  posted_ = read_ = polled_ = taken_ = 0; // every buffer is still in its place: refill posts them
  failed_ = false;
}

void IbvReceiveQueue::release(const WorkerMemory& memory) {
  for (uint32_t& buffer : buffers_) {
    if (buffer) giveBack(memory, buffer);
    buffer = 0;
  }
  held_ = 0;
}

std::string IbvReceiveQueue::dump() const {
  return "WQ " + std::to_string(wq_->wq_num) + ": " + std::to_string(posted_) + " WQEs posted, " + std::to_string(read_) + " used up\n";
}
