// A port on a Linux netdev (packet(7)): a mapped receive ring, sendmmsg to transmit.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "calls.h"
#include "offload_header.h"
#include "worker_memory.h"

struct LinkState {
  bool present = false;
  bool up = false;
  int mtu = 0;
};

class AfPacket {
 public:
  /** Opens a port; on failure gives null and says why in `error`. */
  static std::shared_ptr<AfPacket> open(const std::string& name, uint32_t ringSlots, SystemError& error);
  ~AfPacket();
  AfPacket(const AfPacket&) = delete;
  AfPacket& operator=(const AfPacket&) = delete;

  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex);
  uint32_t transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex);
  LinkState linkState() const;
  /** Takes a pending error off the socket, where it would make every poll() return at once. */
  void clearError() const;

  const std::string& name() const { return name_; }
  const std::string& mac() const { return mac_; }
  uint32_t ringSlots() const { return slots_; }
  int fd() const { return fd_; }
  /** True after a receive that found packets but no buffers: until some come back, polling for packets is no use. */
  bool starved() const { return starved_; }
  /** Held during a burst, so that two threads cannot be in one ring. */
  std::mutex& busy() { return busy_; }

 private:
  AfPacket() = default;
  SystemError setUp(const std::string& name, uint32_t ringSlots);
  SystemError identify();
  SystemError mapRing(uint32_t ringSlots);
  SystemError bindTo();

  enum class Taken { packet, lost, noBuffers };
  uint8_t* slotAt(uint32_t number) const;
  Taken takePacket(const WorkerMemory& memory, const uint8_t* slot, uint32_t swIfIndex, uint32_t* index);
  bool fetchLong(const WorkerMemory& memory, const uint32_t* chain, uint32_t count, uint32_t first, uint32_t length);
  void readMissed(const WorkerMemory& memory, uint32_t swIfIndex, bool now);

  uint32_t buildMessage(const WorkerMemory& memory, uint32_t index, uint32_t place);
  uint32_t sendAll(const WorkerMemory& memory, uint32_t queued, uint32_t swIfIndex);

  std::string name_;
  std::string mac_;
  int fd_ = -1;
  int ifindex_ = 0;
  std::mutex busy_;

  uint8_t* ring_ = nullptr;
  size_t ringBytes_ = 0;
  uint32_t slots_ = 0;
  uint32_t next_ = 0;
  uint64_t missedRead_ = 0; // when, ms
  std::atomic<bool> starved_{false};

  // What a burst needs, allocated once: sendmmsg's messages, their headers, pieces and lengths.
  struct Burst {
    mmsghdr messages[abi::VECTOR];
    OffloadHeader headers[abi::VECTOR];
    iovec pieces[abi::VECTOR][1 + CHAIN_MAX];
    uint32_t lengths[abi::VECTOR];
    uint32_t indices[abi::VECTOR];
  };
  std::unique_ptr<Burst> burst_;
};
