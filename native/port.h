// What the calls from JavaScript need of a port, whatever moves its packets.
#pragma once

#include <poll.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "worker_memory.h"

struct LinkState {
  bool present = false;
  bool up = false;
  int mtu = 0;
};

class RdmaPort;
class PgPort;
class FaultPort;

class Port : public std::enable_shared_from_this<Port> {
 public:
  Port() = default;
  virtual ~Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /** Moves a burst between the port and a frame; counts packets and losses in the interface's counters. */
  virtual uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) = 0;
  virtual uint32_t transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) = 0;
  virtual LinkState linkState() = 0;
  /** The port opened anew after its device went away; null when it is not back. */
  virtual std::shared_ptr<Port> reopened() = 0;

  // Which worker receives what. Every worker may transmit.

  /** Receive queues; each belongs to one worker, or to none (UINT32_MAX) on its way from one to another. */
  virtual uint32_t rxQueues() const { return 1; }
  virtual uint32_t rxWorker(uint32_t) const { return receiver_; }
  /** Gives a queue to another worker. What the one before has received by now must have left its graph, or flows are reordered. */
  virtual void place(uint32_t, uint32_t worker) { receiver_ = worker; }
  /** Whether there is anything in the port for a worker but to transmit. */
  virtual bool concerns(uint32_t worker) const { return receiver_ == worker; }

  /** What a sleeping worker polls for POLLIN. */
  virtual int fd(uint32_t worker) const = 0;
  /** Called before a sleep; false: something waits already. */
  virtual bool prepareSleep(uint32_t) { return true; }
  /** Called after a sleep in which something came up at fd(). */
  virtual void afterSleep(short revents, uint32_t worker) = 0;
  /** Returns every buffer that the port holds of the worker's to its free list; it moves no packets of its any more. On the worker's thread. */
  virtual void drain(const WorkerMemory&, uint32_t) {}
  /** Its handle goes; on the thread that opened it. */
  virtual void closing() {}
  /** Itself, or what it wraps, if it is one. */
  virtual std::shared_ptr<RdmaPort> rdma() { return nullptr; }
  virtual std::shared_ptr<PgPort> pg() { return nullptr; }
  virtual std::shared_ptr<FaultPort> fault() { return nullptr; }

  /** True while a worker lacks buffers for the port: until some come back, polling for packets is no use. */
  virtual bool starved(uint32_t) const { return starved_; }
  /** Held during a burst, so that two threads cannot be in one ring: one for all workers, or one each where they share none. */
  virtual std::mutex& busy(uint32_t = 0) { return busy_; }

 protected:
  std::atomic<bool> starved_{false};

 private:
  std::atomic<uint32_t> receiver_{0};
  std::mutex busy_;
};
