// A port around a port that loses, doubles, reorders, damages and delays packets, as often as it is told to.
//
//   receive    device → the port inside → judge() → graph
//   transmit   graph → judge() → the port inside → device
//
// A packet that is to wait stays in its buffers, which only the worker's thread takes and gives back: it is for routers with one worker.
#pragma once

#include <vector>

#include "calls.h"
#include "chain.h"
#include "port.h"
#include "random.h"

/** Of one direction: probabilities from 0 to 1, times in ns. */
struct FaultSettings {
  double loss = 0, truncate = 0, corrupt = 0, duplicate = 0, reorder = 0;
  uint64_t delay = 0, jitter = 0; // each packet's delay is from delay - jitter to delay + jitter
};

struct FaultCounts {
  uint64_t lost = 0, truncated = 0, corrupted = 0, duplicated = 0, reordered = 0, delayed = 0;
};

/** What one direction does to packets. */
class FaultyLine {
 public:
  FaultyLine(size_t room, uint32_t lostCounter) : random_(0), lostCounter_(lostCounter) { waiting_.reserve(room); }
  void configure(const FaultSettings& settings, uint64_t seed);
  /** No faults any more: what waits may pass at once, in its order. */
  void clear();

  /** A burst: where packets go that may pass now, the rest waits. */
  struct Burst {
    Burst(const WorkerMemory& memory, uint32_t swIfIndex, uint64_t now, uint32_t room = abi::VECTOR)
        : memory(memory), swIfIndex(swIfIndex), now(now), room(room) {}
    const WorkerMemory& memory;
    uint32_t swIfIndex;
    uint64_t now;
    uint32_t room;
    uint32_t n = 0;
    uint32_t indices[abi::VECTOR];
  };
  void judge(Burst& burst, uint32_t index);
  /** Lets pass what has waited long enough. */
  void release(Burst& burst);
  /** Frees what waits. */
  void drain(const WorkerMemory& memory, uint32_t swIfIndex);

  const FaultSettings& settings() const { return settings_; }
  const FaultCounts& counts() const { return counts_; }
  uint32_t held() const { return static_cast<uint32_t>(waiting_.size()) + (aside_ ? 1 : 0); }
  uint32_t buffers() const { return buffers_; }
  /** When something may pass; UINT64_MAX: nothing waits. */
  uint64_t nextDue() const;

 private:
  struct Waiting {
    uint64_t due, order;
    uint32_t index, buffers;
  };
  static bool later(const Waiting& a, const Waiting& b) { return a.due != b.due ? a.due > b.due : a.order > b.order; }
  void pass(Burst& burst, uint32_t index);
  void emit(Burst& burst, uint32_t index);
  void hold(Burst& burst, uint32_t index, uint64_t due);
  void lose(const WorkerMemory& memory, uint32_t swIfIndex, uint32_t index);

  FaultSettings settings_;
  FaultCounts counts_;
  Random random_;
  uint32_t lostCounter_; // IFC_FAULT_*_LOST
  std::vector<Waiting> waiting_; // a heap, the first one due on top
  uint64_t order_ = 0;
  uint32_t aside_ = 0; // index of a packet that lets the next one overtake it
  uint32_t asideBuffers_ = 0;
  uint64_t asideDue_ = 0;
  uint32_t buffers_ = 0; // of all that waits
};

class FaultPort final : public Port {
 public:
  static std::shared_ptr<FaultPort> wrap(std::shared_ptr<Port> inner, const WorkerMemory& memory, Failure& error);
  ~FaultPort() override;

  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) override;
  uint32_t transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) override;
  LinkState linkState() override { return inner_->linkState(); }
  std::shared_ptr<Port> reopened() override;
  int fd(uint32_t) const override { return epoll_; }
  bool prepareSleep(uint32_t worker) override;
  void afterSleep(short revents, uint32_t worker) override;
  void drain(const WorkerMemory& memory, uint32_t swIfIndex) override;
  void closing() override { inner_->closing(); }
  std::shared_ptr<RdmaPort> rdma() override { return inner_->rdma(); }
  std::shared_ptr<PgPort> pg() override { return inner_->pg(); }
  std::shared_ptr<FaultPort> fault() override { return std::static_pointer_cast<FaultPort>(shared_from_this()); }

  // With busy() held.
  FaultyLine rx, tx;
  uint64_t seed = 0;
  const std::shared_ptr<Port>& inner() const { return inner_; }

 private:
  FaultPort(std::shared_ptr<Port> inner, int epoll, int timer, size_t room);
  uint32_t sendOn(const FaultyLine::Burst& burst, uint32_t frame);
  void writeGauges(const WorkerMemory& memory, uint32_t swIfIndex) const;
  void watchInner(uint32_t worker);

  std::shared_ptr<Port> inner_;
  int epoll_, timer_;
  int watched_ = -1; // the inner port's descriptor
};
