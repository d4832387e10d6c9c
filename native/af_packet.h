// A port on a Linux netdev (packet(7)): a mapped receive ring, sendmmsg to transmit.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <string>

#include "calls.h"
#include "offload_header.h"
#include "port.h"

class AfPacket final : public Port {
 public:
  /** Opens a port; on failure gives null and says why in `error`. */
  static std::shared_ptr<AfPacket> open(const std::string& name, uint32_t ringSlots, Failure& error);
  ~AfPacket() override;

  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) override;
  uint32_t transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) override;
  LinkState linkState() override;
  std::shared_ptr<Port> reopened() override;
  int fd(uint32_t) const override { return fd_; }
  void afterSleep(short revents, uint32_t) override;

  const std::string& mac() const { return mac_; }

 private:
  AfPacket() = default;
  Failure setUp(const std::string& name, uint32_t ringSlots);
  Failure identify();
  Failure mapRing(uint32_t ringSlots);
  Failure bindTo();
  void clearError() const;

  enum class Taken { packet, lost, noBuffers };
  uint8_t* slotAt(uint32_t number) const;
  Taken takePacket(const WorkerMemory& memory, const uint8_t* slot, uint32_t swIfIndex, uint32_t* index);
  bool fetchLong(const WorkerMemory& memory, const uint32_t* chain, uint32_t count, uint32_t first, uint32_t length);
  int64_t fetch(const iovec* to, uint32_t count) const;
  void readMissed(const WorkerMemory& memory, uint32_t swIfIndex, bool now);

  uint32_t buildMessage(const WorkerMemory& memory, uint32_t index, uint32_t place);
  uint32_t sendAll(const WorkerMemory& memory, uint32_t queued, uint32_t swIfIndex);

  std::string name_;
  std::string mac_;
  int fd_ = -1;
  int ifindex_ = 0;

  uint8_t* ring_ = nullptr;
  size_t ringBytes_ = 0;
  uint32_t slots_ = 0;
  uint32_t next_ = 0;
  uint64_t missedRead_ = 0; // when, ms

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
