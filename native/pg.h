// A packet generator port: what it receives, its streams make; what is sent through it is counted, and dropped or handed to another one.
#pragma once

#include <vector>

#include "calls.h"
#include "pg_source.h"
#include "pg_wire.h"
#include "port.h"

/** Packets of one source, some of them a second, as many as there are to be. */
struct PgStream {
  uint32_t id = 0;
  std::unique_ptr<PgSource> source;
  uint64_t limit = 0; // packets; 0: without end
  double rate = 0; // packets a second; 0: as fast as they are taken
  bool enabled = false;
  uint64_t packets = 0, bytes = 0; // since it was enabled
  uint64_t start = 0, seen = 0; // ns: when it was enabled, and when it was last looked at
  GeneratedFrame waiting{nullptr, 0}; // a packet that found no buffers

  void enable(uint64_t now);
  /** How many packets may go now, at most VECTOR. */
  uint32_t due(uint64_t now);
  /** When the next packet may go; only where there is a rate. */
  uint64_t nextDue() const;
};

class PgPort final : public Port {
 public:
  static std::shared_ptr<PgPort> open(Failure& error);
  ~PgPort() override;

  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) override;
  uint32_t transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) override;
  LinkState linkState() override { return {true, true, MTU}; }
  std::shared_ptr<Port> reopened() override { return nullptr; }
  int fd(uint32_t) const override { return timer_; }
  bool prepareSleep(uint32_t) override;
  void afterSleep(short revents, uint32_t) override;
  std::shared_ptr<PgPort> pg() override { return std::static_pointer_cast<PgPort>(shared_from_this()); }

  // With busy() held.
  uint32_t add(PgStream stream);
  void remove(uint32_t id);
  PgStream* find(uint32_t id);
  void enable(PgStream& stream, bool on);
  /** Where packets go that are sent through this port; null: nowhere. */
  void connect(std::weak_ptr<PgPort> peer) { peer_ = std::move(peer); }

 private:
  /** What a burst has brought so far. */
  struct Burst {
    const WorkerMemory& memory;
    uint32_t frame, max, swIfIndex;
    uint32_t n = 0;
    uint64_t bytes = 0;
    bool starved = false;
  };
  explicit PgPort(int timer) : timer_(timer) {}
  void takeWire(Burst& burst);
  void takeStream(Burst& burst, PgStream& stream, uint64_t time);
  static bool place(Burst& burst, const uint8_t* bytes, uint32_t length, const OffloadHeader* offload);
  void arm(uint64_t time) const;
  void wake() const { arm(1); }

  static constexpr int MTU = 9000;
  int timer_;
  uint32_t nextId_ = 1, nextStream_ = 0;
  std::vector<PgStream> streams_;
  PgWire wire_; // what another port hands over
  std::weak_ptr<PgPort> peer_;
};
