// The queues by way of the verbs: ibv_post_send(3), ibv_post_wq_recv(3), ibv_poll_cq(3). Where Direct Verbs cannot be had.
#pragma once

#include "incoming.h"
#include "outgoing.h"
#include "queue.h"
#include "queues.h"

/** WQEs that one call posts at most. */
constexpr uint32_t POST_MAX = 32;

class IbvReceiveQueue : public ReceiveQueue {
 public:
  /** `packets` WQEs of `segments` buffers each. */
  IbvReceiveQueue(const ReceiveObjects& objects, const ReceiveShape& shape, uint32_t lkey);
  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t at, uint32_t max, uint32_t swIfIndex) override;
  uint32_t posted() const override { return held_; }
  bool starved() const override { return starved_; }
  bool arm() override;
  bool failed() const override { return failed_; }
  void restart() override;
  void release(const WorkerMemory& memory) override;
  uint32_t cqeSize() const override { return 64; }
  std::string dump() const override;
  uint32_t lastBuffer() const override { return last_; }

 private:
  uint32_t* buffersOf(uint32_t wqe) { return &buffers_[(wqe & (count_ - 1)) * segments_]; }
  bool poll(uint32_t most);
  uint32_t take(const WorkerMemory& memory, const verbs::ibv_wc& completion, uint32_t swIfIndex);
  void refill(const WorkerMemory& memory, uint32_t swIfIndex);
  bool fill(const WorkerMemory& memory, uint32_t wqe);
  void post(const WorkerMemory& memory, uint32_t n);

  verbs::ibv_cq* cq_;
  verbs::ibv_wq* wq_;
  uint32_t count_, segments_, lkey_;
  std::vector<uint32_t> buffers_; // address of the buffer in each segment, 0: a gap
  uint32_t held_ = 0; // buffers in buffers_
  uint32_t posted_ = 0, read_ = 0; // WQEs, ever
  uint32_t last_ = 0;
  bool starved_ = false;
  bool failed_ = false;
  // Completions that were polled and not yet taken: arm() must poll once more after asking for the event.
  verbs::ibv_wc completions_[abi::VECTOR];
  uint32_t polled_ = 0, taken_ = 0;
  verbs::ibv_recv_wr requests_[POST_MAX];
  std::vector<verbs::ibv_sge> pieces_;
};

class IbvSendQueue : public SendQueue {
 public:
  IbvSendQueue(const SendObjects& objects, uint32_t lkey, bool segmentation);
  uint32_t transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) override;
  void reap(const WorkerMemory& memory, uint32_t swIfIndex) override;
  uint32_t pending() const override { return heldHead_ - heldTail_; }
  bool failed() const override { return failed_; }
  void restart(const WorkerMemory& memory, uint32_t swIfIndex) override;
  void release(const WorkerMemory& memory) override;
  std::string dump() const override;

 private:
  uint32_t read(const WorkerMemory& memory, uint32_t index);
  void build(const WorkerMemory& memory, uint32_t place);
  uint32_t post(const WorkerMemory& memory, uint32_t n, uint32_t swIfIndex);
  void give(const WorkerMemory& memory, uint32_t until);

  verbs::ibv_cq* cq_;
  verbs::ibv_qp* qp_;
  uint32_t count_, pieceMax_, lkey_;
  bool segmentation_;
  uint32_t head_ = 0, tail_ = 0; // packets, ever
  std::vector<uint8_t> bufferCounts_; // of each packet under way
  std::vector<uint32_t> held_; // addresses of their buffers, in order
  uint32_t heldHead_ = 0, heldTail_ = 0;
  bool failed_ = false;
  Outgoing packet_;
  verbs::ibv_send_wr requests_[POST_MAX];
  uint32_t lengths_[POST_MAX];
  std::vector<verbs::ibv_sge> pieces_;
};
