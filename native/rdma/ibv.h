// The queues by way of the verbs: ibv_post_send(3), ibv_post_wq_recv(3), ibv_poll_cq(3). Where Direct Verbs cannot be had.
#pragma once

#include "receive_ring.h"
#include "send_ring.h"
#include "verbs_abi.h"

/** Completions as a CQE would tell them. */
class IbvCompletions {
 public:
  /** `done`: what a good CQE of this queue has as opcode. */
  IbvCompletions(verbs::ibv_cq* cq, uint8_t done) : cq_(cq), done_(done) {}
  uint32_t next(Completion* to, uint32_t max);
  void publish() {} // polling has done it
  bool arm();
  void discard() { for (Completion old; next(&old, 1);) {} }

 private:
  bool poll();

  verbs::ibv_cq* cq_;
  uint8_t done_;
  // Those that were polled and not yet taken: arm() must poll once more after asking for the event.
  verbs::ibv_wc completions_[abi::VECTOR];
  uint32_t polled_ = 0, taken_ = 0;
};

struct IbvReceiveRing {
  verbs::ibv_cq* cq;
  verbs::ibv_wq* wq;
  uint32_t count; // WQEs, a power of two
  uint32_t segments; // buffers of each
  uint32_t lkey;
  static constexpr bool striding = false, useChecksum = false; // ibv_poll_cq(3) tells no checksums of a WQ
};

class IbvReceive {
 public:
  using Ring = IbvReceiveRing;
  explicit IbvReceive(const Ring& ring);
  void place(uint32_t wqe, const uint32_t* buffers, uint64_t start) {
    verbs::ibv_sge* piece = &pieces_[static_cast<size_t>(wqe & (ring.count - 1)) * ring.segments];
    for (uint32_t i = 0, count = ring.segments; i < count; i++) piece[i].addr = start + buffers[i];
  }
  uint32_t post(uint32_t from, uint32_t to);
  std::string name() const { return "WQ " + std::to_string(ring.wq->wq_num) + ": " + std::to_string(ring.count) + " WQEs"; }
  std::string dump(uint32_t) const { return ""; }

  const Ring ring;
  IbvCompletions completions;

 private:
  std::vector<verbs::ibv_recv_wr> requests_; // by WQE, each linked to the next
  std::vector<verbs::ibv_sge> pieces_;
};

struct IbvSendRing {
  verbs::ibv_cq* cq;
  verbs::ibv_qp* qp;
  uint32_t count; // packets, a power of two
  uint32_t pieces; // of a packet
  uint32_t lkey;
  uint32_t tsoMax;
};

class IbvSend {
 public:
  using Ring = IbvSendRing;
  struct Plan {
    uint32_t blocks; // a packet is one, whatever the library makes of it; 0: it has too many pieces
  };
  explicit IbvSend(const Ring& given) : ring(given), completions(given.cq, CQE_SEND_DONE), pieces_(abi::VECTOR * given.pieces) {}
  Plan plan(const Outgoing& packet) const { return {packet.pieceCount <= ring.pieces ? 1u : 0u}; }
  bool takesPlain() const { return true; }
  struct PlainWriter {
    IbvSend& way;
    uint64_t base;

    void write(const PlainOutgoing& packet, uint32_t number) const {
      verbs::ibv_send_wr& request = way.add(number);
      *request.sg_list = {base + packet.at, packet.length, way.ring.lkey};
      request.num_sge = 1;
    }
  };
  PlainWriter plainWriter(const WorkerMemory& memory) { return {*this, reinterpret_cast<uint64_t>(memory.base)}; }
  void wrotePlain(uint32_t) {}
  /** Makes a packet the next work request. */
  void write(const WorkerMemory& memory, const Outgoing& packet, uint32_t number, const Plan&);
  uint32_t flush(uint32_t posted);
  void restart() {}
  std::string name() const { return "QP " + std::to_string(ring.qp->qp_num) + ": " + std::to_string(ring.count) + " packets"; }
  std::string dump(uint32_t) const { return ""; }

  const Ring ring;
  IbvCompletions completions;

 private:
  /** The next work request, to send no pieces yet. */
  verbs::ibv_send_wr& add(uint32_t number) {
    verbs::ibv_send_wr& request = requests_[queued_];
    request = {};
    request.wr_id = number;
    request.sg_list = &pieces_[queued_ * ring.pieces];
    request.opcode = verbs::IBV_WR_SEND;
    if (queued_ > 0) requests_[queued_ - 1].next = &request;
    queued_++;
    return request;
  }

  uint32_t queued_ = 0; // requests that are not posted yet
  verbs::ibv_send_wr requests_[abi::VECTOR];
  std::vector<verbs::ibv_sge> pieces_;
};

using IbvReceiveQueue = ReceiveRing<IbvReceive>;
using IbvSendQueue = SendRing<IbvSend>;
