// What a port asks of a queue, whichever way it reaches the NIC: the verbs (ibv_*) or the rings themselves (dv_*).
//
// One call a burst. The port holds its lock and calls from the worker's thread, so a queue belongs to one caller at a time.
// A queue keeps the indices of the buffers that the NIC has in arrays of its own and never reads one back from linear memory,
// where any node may have written meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "../worker_memory.h"

/** Returns a buffer that a queue held. A node may have freed it meanwhile, against the rules: then it is not freed twice. */
inline void giveBack(const WorkerMemory& memory, uint32_t address) {
  if (memory.usedBufferAt(address >> abi::BUFFER_SHIFT)) memory.give(address);
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
  /** Buffers that the queue holds now, posted or about to be. */
  virtual uint32_t posted() const = 0;
  /** True while the ring lacks buffers that the pool could not give: its packets are lost, and no event will come for them. */
  virtual bool starved() const = 0;
  /** Asks for an event of the completion channel at the next completion; false if one waits already: do not sleep. */
  virtual bool arm() = 0;
  /** True once a completion has said that the queue stands still, in the error state. The caller resets the WQ, then calls restart(). */
  virtual bool failed() const = 0;
  /** After the WQ went RESET → RDY: forgets completions of the time before and posts every buffer it holds again. */
  virtual void restart() = 0;
  /** After the WQ is destroyed (not before: the NIC could still write): gives all buffers back. */
  virtual void release(const WorkerMemory& memory) = 0;
  /** Bytes of a completion queue entry; what the rings hold, in hex. */
  virtual uint32_t cqeSize() const = 0;
  virtual std::string dump() const = 0;
  /** Where the last packet was received, in linear memory; 0 before the first. */
  virtual uint32_t lastBuffer() const = 0;
};

class SendQueue {
 public:
  virtual ~SendQueue() = default;
  /**
   * Takes n packets, given by the index of their first buffer: all of them, whatever becomes of them. Gives how many went to the NIC;
   * the others are freed and counted (IFC_TX_NO_ROOM, IFC_TX_TOO_LONG, IFC_TX_ERROR, bad buffers). Counts IFC_TX_PACKETS and IFC_TX_BYTES.
   */
  virtual uint32_t transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) = 0;
  /** Gives the buffers of completed packets back; transmit() does so by itself, an idle worker calls it before it sleeps. */
  virtual void reap(const WorkerMemory& memory, uint32_t swIfIndex) = 0;
  /** Buffers that the queue holds now. */
  virtual uint32_t pending() const = 0;
  /** True once a completion has told of an error: the QP stands still, in the error state. The caller resets it, then calls restart(). */
  virtual bool failed() const = 0;
  /** After the QP went RESET → … → RTS: frees what was under way and moves it from IFC_TX_PACKETS to IFC_TX_ERROR. */
  virtual void restart(const WorkerMemory& memory, uint32_t swIfIndex) = 0;
  /** After the QP is destroyed: gives all buffers back. */
  virtual void release(const WorkerMemory& memory) = 0;
  virtual std::string dump() const = 0;
};
