// What a port asks of a queue, whichever way it reaches the NIC: the verbs (ibv.h) or the rings themselves (dv_*.h). What both ways do
// alike is in receive_ring.h and send_ring.h.
//
// One call a burst. The port holds its lock and calls from the worker's thread, so a queue belongs to one caller at a time.
// A queue keeps the indices of the buffers that the NIC has in arrays of its own and never reads one back from linear memory,
// where any node may have written meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "outgoing.h"

/** Returns a buffer that a queue held. A node may have freed it meanwhile, against the rules: then it is not freed twice. */
inline void giveBack(const WorkerMemory& memory, Returning& returning, uint32_t address) {
  if (memory.read<uint16_t>(address + abi::B_STATE) == abi::BUFFER_USED) returning.give(address);
  else memory.countBadBuffer();
}

class ReceiveQueue {
 public:
  virtual ~ReceiveQueue() = default;
  /**
   * Moves up to `max` packets into places `at`, `at` + 1 … of the frame, gives how many, and posts new buffers in place of those they
   * came in; the very first call posts the whole ring. Counts IFC_RX_*.
   */
  virtual uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t at, uint32_t max, uint32_t swIfIndex) = 0;
  /** Asks for an event of the completion channel at the next completion; false if one waits already: do not sleep. */
  virtual bool arm() = 0;
  /** After the WQ went RESET → RDY: forgets completions of the time before and posts every buffer it holds again. */
  virtual void restart() = 0;
  /** What the rings hold, in hex. */
  virtual std::string dump() const = 0;

  /** After the WQ is destroyed (not before: the NIC could still write): gives all buffers back. */
  void release(const WorkerMemory& memory) {
    Returning returning(memory);
    for (uint32_t& buffer : buffers_) {
      if (buffer) giveBack(memory, returning, buffer);
      buffer = 0;
    }
    held_ = 0;
  }
  /** Buffers that the queue holds now, posted or about to be. */
  uint32_t posted() const { return held_; }
  /** True while the ring lacks buffers that the pool could not give: its packets are lost, and no event will come for them. */
  bool starved() const { return dry_ || posted_ == 0; }
  /** True once a completion has said that the queue stands still, in the error state. The caller resets the WQ, then calls restart(). */
  bool failed() const { return failed_; }
  /** Where the last packet was received, in linear memory; 0 before the first. */
  uint32_t lastBuffer() const { return last_; }

 protected:
  explicit ReceiveQueue(size_t segments) : buffers_(segments) {}

  std::vector<uint32_t> buffers_; // address of the buffer in each segment of each WQE, 0: a gap
  uint32_t held_ = 0; // buffers in buffers_
  uint32_t posted_ = 0; // WQEs ever
  uint32_t read_ = 0; // WQEs used up, ever
  uint32_t stride_ = 0; // strides used up of the next
  uint32_t last_ = 0;
  bool dry_ = false; // the pool had no buffers for the next WQE
  bool failed_ = false;
};

class SendQueue {
 public:
  virtual ~SendQueue() = default;
  /**
   * Takes n packets, at most a frame's, given by the index of their first buffer: all of them, whatever becomes of them. Gives how many
   * went to the NIC; the others are freed and counted (IFC_TX_NO_ROOM, IFC_TX_TOO_LONG, IFC_TX_ERROR, bad buffers). Counts IFC_TX_PACKETS
   * and IFC_TX_BYTES.
   */
  virtual uint32_t transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) = 0;
  /** Gives the buffers of completed packets back; transmit() does so by itself, an idle worker calls it before it sleeps. */
  virtual void reap(const WorkerMemory& memory) = 0;
  /** After the QP went RESET → … → RTS: frees what was under way and moves it from IFC_TX_PACKETS and _BYTES to IFC_TX_ERROR. */
  virtual void restart(const WorkerMemory& memory, uint32_t swIfIndex) = 0;
  virtual std::string dump() const = 0;

  /** After the QP is destroyed: gives all buffers back. */
  void release(const WorkerMemory& memory) { retire(memory, posted_); }
  /** Buffers that the queue holds now. */
  uint32_t pending() const { return postedMark_.buffers - completedMark_.buffers; }
  /** True once a completion has told of an error: the QP stands still, in the error state. The caller resets it, then calls restart(). */
  bool failed() const { return failed_; }

 protected:
  /** How far all had come where a WQE begins, and how long it is. */
  struct Mark {
    uint32_t buffers, packets, bytes;
    uint32_t blocks; // of the WQE
  };
  /** Buffers that a block of the ring may have under way: as many as it has room for data segments. */
  static constexpr uint32_t BUFFERS_PER_BLOCK = 4;

  explicit SendQueue(uint32_t blocks) : marks_(blocks), buffers_(static_cast<size_t>(blocks) * BUFFERS_PER_BLOCK) {}
  const Mark& markAt(uint32_t block) const { return block == posted_ ? postedMark_ : marks_[block & (marks_.size() - 1)]; }
  uint32_t& heldAt(uint32_t buffer) { return buffers_[buffer & (buffers_.size() - 1)]; }
  /** Gives back the buffers of all WQEs before this block. */
  void retire(const WorkerMemory& given, uint32_t upTo) {
    const WorkerMemory memory = given; // which no store below can change, as far as the compiler can see
    const Mark target = markAt(upTo);
    const uint32_t *held = buffers_.data(), mask = static_cast<uint32_t>(buffers_.size() - 1);
    Returning returning(memory);
    for (uint32_t i = completedMark_.buffers; i != target.buffers; i++) giveBack(memory, returning, held[i & mask]);
    completedMark_.buffers = target.buffers;
    completedMark_.packets = target.packets;
    completedMark_.bytes = target.bytes;
    completed_ = upTo;
  }

  Outgoing packet_; // the one that is being sent
  std::vector<Mark> marks_; // by first block
  std::vector<uint32_t> buffers_; // addresses of the buffers the NIC has, a ring
  uint32_t posted_ = 0, completed_ = 0; // blocks
  Mark postedMark_{}, completedMark_{};
  bool failed_ = false;
};
