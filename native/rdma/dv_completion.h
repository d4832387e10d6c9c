// Reads a completion queue: ordinary CQEs, and compressed sessions, whose receive CQEs shrink to 8 bytes each.
//
// A session of n packets takes the places of n CQEs. The NIC writes the title last, and leaves old bytes where "-" is:
//
//   place   c          c+1           c+2 … c+7   c+8            c+9 … c+15   c+16 …  c+n-1   c+n
//         +----------+-------------+-----------+--------------+------------+---------------+-----------+
//         | title, n | mini 0 … 7  |     -     | mini 8 … 15  |     -      |     …         | next CQE  |
//         +----------+-------------+-----------+--------------+------------+---------------+-----------+
//
// The title tells what is equal for all of them, and the first one's WQE; the minis tell byte count and hash, or checksum and stride index. Old
// bytes could pass for CQEs of the ring's next round, so the reader marks every place of a session invalid before the NIC may write there again.
#pragma once

#include <string>

#include "dv_layout.h"

class DvCompletionQueue {
 public:
  /** `strides`: mini CQEs are of the format with the stride index, not of the one with the hash. */
  DvCompletionQueue(const DvCompletionRing& ring, bool strides);
  /** Takes the next completions, at most `max`; gives how many there were. */
  uint32_t next(Completion* to, uint32_t max);
  /** Tells the NIC how far it may write. */
  void publish();
  /** Asks for an event at the next completion; false if one waits already. */
  bool arm();
  /** Takes all completions there are, of a queue that was reset. */
  void discard();
  std::string dump() const;

 private:
  Cqe& at(uint32_t index) const { return reinterpret_cast<Cqe*>(ring_.cqes)[index & (ring_.count - 1)]; }
  /** Owner bit that the NIC writes into the CQE with this index: it changes with every round. */
  uint8_t ownerAt(uint32_t index) const { return index & ring_.count ? CQE_OWNER : 0; }
  bool writtenAt(uint32_t index) const;
  uint32_t nextMinis(Completion* to, uint32_t max);

  DvCompletionRing ring_;
  bool strides_;
  uint32_t consumer_ = 0; // counts all CQEs
  uint32_t minis_ = 0, minisTaken_ = 0; // of the session at consumer_; no session: 0
  Completion title_{};
  uint32_t armSequence_ = 0, armedAt_ = 0;
};
