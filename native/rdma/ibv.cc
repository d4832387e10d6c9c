#include "ibv.h"

using namespace verbs;

static_assert(IBV_WC_LOC_LEN_ERR == SYNDROME_LOCAL_LENGTH, "libmlx5's error codes are the syndromes");

bool IbvCompletions::poll() {
  int got = cq_->context->poll_cq(cq_, abi::VECTOR, completions_);
  taken_ = 0;
  polled_ = got > 0 ? static_cast<uint32_t>(got) : 0;
  return polled_ > 0;
}

uint32_t IbvCompletions::next(Completion* to, uint32_t max) {
  uint32_t n = 0;
  for (; n < max && (taken_ < polled_ || poll()); n++) {
    const ibv_wc& told = completions_[taken_++];
    uint8_t opcode = told.status == 0 ? done_ : CQE_RECEIVE_ERROR;
    to[n] = {opcode, static_cast<uint8_t>(told.status), 0, 0, static_cast<uint16_t>(told.wr_id), told.byte_len};
  }
  return n;
}

/** An event comes only for what completes after the asking: ibv_req_notify_cq(3). */
bool IbvCompletions::arm() { return taken_ == polled_ && cq_->context->req_notify_cq(cq_, 0) == 0 && !poll(); }

IbvReceive::IbvReceive(const Ring& given)
    : ring(given), completions(given.cq, CQE_RECEIVED), requests_(given.count), pieces_(static_cast<size_t>(given.count) * given.segments) {
  for (ibv_sge& piece : pieces_) piece = {0, abi::BUFFER_DATA, ring.lkey};
  for (uint32_t i = 0; i < ring.count; i++) {
    requests_[i] = {i, &requests_[(i + 1) & (ring.count - 1)], &pieces_[i * ring.segments], static_cast<int>(ring.segments)};
  }
}

uint32_t IbvReceive::post(uint32_t from, uint32_t to) {
  uint32_t mask = ring.count - 1;
  ibv_recv_wr *first = &requests_[from & mask], *last = &requests_[(to - 1) & mask], *bad = nullptr;
  ibv_recv_wr* next = last->next;
  last->next = nullptr;
  bool refused = ring.wq->post_recv(ring.wq, first, &bad) != 0;
  last->next = next;
  return refused ? from + (static_cast<uint32_t>(bad - first) & mask) : to;
}

void IbvSend::write(const WorkerMemory& memory, const Outgoing& packet, uint32_t number, const Plan&) {
  ibv_send_wr& request = add(number);
  bool segments = packet.segment && packet.total > packet.headers;
  uint32_t skip = segments ? packet.headers : 0; // the NIC gets the headers apart, to repeat them
  for (uint32_t i = 0; i < packet.pieceCount; i++, skip = 0) {
    if (packet.pieces[i].length == skip) continue;
    uint64_t address = reinterpret_cast<uint64_t>(memory.base) + packet.pieces[i].at + skip;
    request.sg_list[request.num_sge++] = {address, packet.pieces[i].length - skip, ring.lkey};
  }
  request.send_flags = packet.checksum ? IBV_SEND_IP_CSUM : 0;
  if (!segments) return;
  request.opcode = IBV_WR_TSO;
  request.tso = {memory.base + packet.pieces[0].at, static_cast<uint16_t>(packet.headers), static_cast<uint16_t>(packet.segment)};
}

uint32_t IbvSend::flush(uint32_t posted) {
  if (queued_ == 0) return posted;
  requests_[queued_ - 1].send_flags |= IBV_SEND_SIGNALED; // one completion tells of all before it
  ibv_send_wr* bad = nullptr;
  bool refused = ring.qp->context->post_send(ring.qp, requests_, &bad) != 0;
  // Of what was posted none may have a completion of its own then: the next burst's last one tells of it.
  uint32_t lost = refused ? queued_ - static_cast<uint32_t>(bad - requests_) : 0;
  queued_ = 0;
  return posted - lost;
}
