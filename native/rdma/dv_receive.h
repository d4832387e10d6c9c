// A receive queue in Direct Verbs: WQEs written and CQEs read by us.
//
// A WQE has S data segments, each a buffer of the pool: address of its byte BUFFER_START, 2048 bytes.
//
//   cyclic (no striding): a packet uses a WQE up, whatever its length; S buffers hold the longest packet
//
//         16 bytes each
//     +--------+--------+-----+--------+----------+---------+
//     | data 0 | data 1 | ... | S - 1  | end mark |    -    |    S = 1 … 8, padded to a power of two
//     +--------+--------+-----+--------+----------+---------+
//
//   striding: a stride is a buffer, so a WQE is S strides of 2048 bytes and each packet begins where a buffer does
//
//     +--------+--------+-----+--------+---------+
//     | header | data 0 | ... | S - 1  |    -    |            S = 8: the least that devices with small WQEs take
//     +--------+--------+-----+--------+---------+
//        |        |        `--------------------- packet B, 3,000 bytes: strides 1 and 2, a chain of two buffers
//        |        `------------------------------ packet A, 60 bytes: stride 0
//        `--- of linked lists of WQEs; zero in a ring
//
//   A packet takes as many strides as its length needs and never runs into the next WQE: strides too few for it are passed over with a
//   filler CQE. So short packets fill all buffers of a WQE, where a cyclic queue for 9,000 bytes holds five for each of them. mlx5dv_create_wq
//   wants 2^11 within the device's single_stride_log_num_of_bytes and 2^3 within its single_wqe_log_num_of_strides; devices that begin at
//   2^9 strides (ConnectX-4) would need WQEs of 8 KiB, more than they take, and get the cyclic queue.
//
// Either way buffers_ tells which buffer each segment has. A received packet takes its buffers out; those that it, or a filler, left unused stay.
// Refilling puts a buffer into each gap of a WQE and only then posts it.
#pragma once

#include <vector>

#include "dv_completion.h"
#include "queue.h"

class DvReceiveQueue : public ReceiveQueue {
 public:
  explicit DvReceiveQueue(const DvReceiveRing& ring);
  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t at, uint32_t max, uint32_t swIfIndex) override;
  uint32_t posted() const override { return held_; }
  bool starved() const override { return dry_ || posted_ == 0; }
  bool arm() override { return completions_.arm(); }
  bool failed() const override { return failed_; }
  void restart() override;
  void release(const WorkerMemory& memory) override;
  uint32_t cqeSize() const override { return sizeof(Cqe); }
  std::string dump() const override;
  uint32_t lastBuffer() const override { return last_; }

 private:
  /** What a burst adds to the interface's counters. */
  struct Burst {
    uint64_t bytes = 0, errors = 0, truncated = 0, badChecksum = 0;
  };
  DataSegment* segments(uint32_t wqe) const;
  uint32_t* buffersOf(uint32_t wqe) { return &buffers_[(wqe & (ring_.count - 1)) * ring_.segments]; }
  uint32_t take(const WorkerMemory& memory, const Completion& completion, uint32_t swIfIndex, Burst& burst);
  void align(const Completion& completion, Burst& burst);
  bool passStrides(uint32_t byteCount, uint32_t* length, uint32_t* strides);
  void judge(const WorkerMemory& memory, uint32_t buffer, const Completion& completion, Burst& burst) const;
  void refill(const WorkerMemory& memory, uint32_t swIfIndex);
  bool fill(const WorkerMemory& memory, uint32_t wqe);

  DvReceiveRing ring_;
  DvCompletionQueue completions_;
  std::vector<uint32_t> buffers_; // address of the buffer in each segment, 0: a gap
  std::vector<uint32_t> fresh_; // room for what a WQE lacks
  uint32_t held_ = 0; // buffers in buffers_
  uint32_t posted_ = 0; // WQEs ever
  uint32_t read_ = 0; // WQEs used up, ever
  uint32_t stride_ = 0; // strides used up of the next
  uint32_t last_ = 0;
  bool dry_ = false; // the pool had no buffers for the next WQE
  bool failed_ = false;
};
