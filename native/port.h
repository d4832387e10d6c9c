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

  /** What a sleeping worker polls for POLLIN. */
  virtual int fd() const = 0;
  /** Called before a sleep; false: something waits already. */
  virtual bool prepareSleep() { return true; }
  /** Called after a sleep in which something came up at fd(). */
  virtual void afterSleep(short revents) = 0;
  /** Returns every buffer that the port holds to the worker's free list; it moves no packets any more. On the worker's thread. */
  virtual void drain(const WorkerMemory&, uint32_t) {}
  /** Its handle goes; on the thread that opened it. */
  virtual void closing() {}
  /** Itself, or what it wraps, if it is one. */
  virtual std::shared_ptr<RdmaPort> rdma() { return nullptr; }
  virtual std::shared_ptr<PgPort> pg() { return nullptr; }
  virtual std::shared_ptr<FaultPort> fault() { return nullptr; }

  /** True while the port lacks buffers: until some come back, polling for packets is no use. */
  bool starved() const { return starved_; }
  /** Held during a burst, so that two threads cannot be in one ring. */
  std::mutex& busy() { return busy_; }

 protected:
  std::atomic<bool> starved_{false};

 private:
  std::mutex busy_;
};
