// A send queue in Direct Verbs: SEND and TSO WQEs written by us, a CQE asked for at the end of each burst and now and then within.
//
// Basic blocks are counted for ever, and so are buffers and packets; marks_ tells how far buffers and packets had come where a WQE began.
// A CQE names its WQE's first block: everything before the next WQE's mark is done.
//
//   blocks     completed_                                posted_
//                v                                         v
//     ...------+-------------+-----+-----+-----+---------+-----...
//              | WQE         | WQE | WQE | WQE | WQE     |
//     ...------+-------------+-----+-----+-----+---------+-----...
//              ^ mark        ^ mark …          ^ mark
//              { 100, 40 }   { 105, 41 } …     { 108, 44 }       buffers, packets before it
#pragma once

#include <vector>

#include "dv_completion.h"
#include "outgoing.h"
#include "queue.h"

class DvSendQueue : public SendQueue {
 public:
  explicit DvSendQueue(const DvSendRing& ring);
  uint32_t transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) override;
  void reap(const WorkerMemory& memory, uint32_t swIfIndex) override;
  uint32_t pending() const override { return postedMark_.buffers - completedMark_.buffers; }
  bool failed() const override { return failed_; }
  void restart(const WorkerMemory& memory, uint32_t swIfIndex) override;
  void release(const WorkerMemory& memory) override;
  std::string dump() const override;

 private:
  struct Mark {
    uint32_t buffers, packets;
    uint32_t blocks; // of the WQE
  };
  uint32_t send(const WorkerMemory& memory, uint32_t index, uint32_t swIfIndex);
  bool hasRoom(uint32_t blocks, uint32_t buffers) const;
  /** Unit `i` of the WQE that is being written. */
  template <typename Segment> Segment* unit(uint32_t i) const {
    return reinterpret_cast<Segment*>(ring_.wqes + ((posted_ * UNITS_PER_BLOCK + i) & (ring_.count * UNITS_PER_BLOCK - 1)) * WQE_UNIT);
  }
  void write(const WorkerMemory& memory, uint32_t units, uint32_t inlined);
  void ring();
  void retire(const WorkerMemory& memory, uint32_t upTo);

  DvSendRing ring_;
  DvCompletionQueue completions_;
  Outgoing packet_; // the one that is being sent
  std::vector<Mark> marks_; // by first block
  std::vector<uint32_t> buffers_; // addresses of the buffers the NIC has, a ring
  uint32_t posted_ = 0, completed_ = 0; // blocks
  Mark postedMark_{}, completedMark_{};
  ControlSegment* last_ = nullptr; // last WQE written, if not rung yet
  uint32_t rung_ = 0; // blocks that the NIC knows of
  uint32_t sinceCqe_ = 0; // WQEs since the last that asks for a CQE
  bool otherHalf_ = false; // of the BlueFlame register
  bool failed_ = false;
};
