// A port on a ConnectX: its queues, its flows and its link.
#pragma once

#include <functional>

#include "../port.h"
#include "flows.h"
#include "queue.h"

constexpr uint32_t QUEUE_MIN = 256, QUEUE_MAX = 32768, QUEUES_MAX = 64, WORKERS_MAX = 64;

struct RdmaOptions {
  std::string folder; // of the device
  std::string netdev; // that shares the port; empty: none is known
  std::string mode; // "auto", "ibv", "dv"
  uint32_t rxQueueSize = 0, txQueueSize = 0, rxQueues = 0; // powers of two; any number
  uint32_t workers = 1; // each has a send queue of its own
  uint32_t rss4 = 0, rss6 = 0; // IBV_RX_HASH_*
  uint32_t maxPacketLength = 0; // 0: what the MTU lets through
  bool multiSegment = true, striding = true, rxChecksum = true, compression = true;
  bool inlineHeaders = false; // the device's send WQEs must carry the Ethernet header
  Mac portMac{}; // the port's, and its MTU, where the netdev is not in this network namespace
  uint32_t mtu = 0;
  bool ownMac = true; // take what is for the port's
  Mac mac{};
  uint8_t* base = nullptr; // of linear memory
  uint32_t pool = 0, poolEnd = 0;
};

/** Becomes readable when a device has an asynchronous event; outlives the devices that a port is opened anew on. */
class EventWatch {
 public:
  EventWatch();
  ~EventWatch();
  void add(int fd);
  void remove(int fd);
  int fd() const { return fd_; }
  /** What is to be done when the port's handle goes; on the thread that opened it. */
  std::function<void()> closing;

 private:
  int fd_;
};

class RdmaPort final : public Port {
 public:
  static std::shared_ptr<RdmaPort> open(const RdmaOptions& options, std::shared_ptr<EventWatch> watch, Failure& error);
  ~RdmaPort() override;

  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) override;
  uint32_t transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) override;
  LinkState linkState() override;
  std::shared_ptr<Port> reopened() override;
  uint32_t rxQueues() const override { return static_cast<uint32_t>(receivers_.size()); }
  uint32_t rxWorker(uint32_t queue) const override { return receivers_[queue].worker; }
  void place(uint32_t queue, uint32_t worker) override;
  bool concerns(uint32_t worker) const override { return worker < lanes_.size(); }
  int fd(uint32_t worker) const override { return lanes_[worker].drained || fatal_ ? -1 : lanes_[worker].wakes.fd(); }
  bool prepareSleep(uint32_t worker) override;
  void afterSleep(short revents, uint32_t worker) override;
  bool starved(uint32_t worker) const override { return lanes_[worker].starved; }
  std::mutex& busy(uint32_t worker) override { return worker < lanes_.size() ? lanes_[worker].busy : Port::busy(); }
  void drain(const WorkerMemory& memory, uint32_t swIfIndex) override;
  void closing() override { watch_->closing(); }
  std::shared_ptr<RdmaPort> rdma() override { return std::static_pointer_cast<RdmaPort>(shared_from_this()); }

  /** Takes the asynchronous events that wait. */
  void readEvents();

  struct Receiver {
    Owned<verbs::ibv_comp_channel> channel{nullptr, nullptr};
    ReceiveObjects objects;
    std::unique_ptr<ReceiveQueue> queue;
    uint64_t packets = 0;
    std::atomic<uint32_t> worker{0};
  };
  /** What a worker has of the port: a send queue of its own, and the receive queues that it was given. */
  struct Lane {
    std::mutex busy; // held while any of it is used
    EventWatch wakes; // of the channels of its receive queues
    SendObjects sendObjects;
    std::unique_ptr<SendQueue> send;
    std::vector<Receiver*> receivers;
    std::shared_ptr<RdmaPort> previous; // the port that this one replaces; it still has buffers of the worker's
    uint32_t next = 0; // of the receive queues, to begin with
    bool drained = false;
    std::atomic<bool> starved{false};
  };

  // For whoever shows the port. What concerns the rings is called with busy() of its worker held.
  const Device& device() const { return *device_; }
  const RdmaOptions& options() const { return options_; } // as they came to be
  Flows& flows() { return flows_; }
  std::vector<Lane>& lanes() { return lanes_; }
  const std::vector<Receiver>& receivers() const { return receivers_; }
  const Mac& mac() const { return mac_; }
  bool direct() const { return direct_; }
  const ReceiveShape& shape() const { return shape_; }
  const std::string& reason() const { return reason_; }
  bool up() const { return up_; }
  bool fatal() const { return fatal_; }

 private:
  RdmaPort(const RdmaOptions& options, std::shared_ptr<Device> device, std::shared_ptr<EventWatch> watch);
  Failure setUp();
  Failure chooseMode();
  Failure chooseShape();
  Failure createQueues();
  Failure createReceiver(Receiver& receiver);
  void queryPort();
  uint32_t mtu() const;
  Lane* laneOf(const WorkerMemory& memory);
  void drainPrevious(Lane& lane, const WorkerMemory& memory, uint32_t swIfIndex);
  void revive(Lane& lane, const WorkerMemory& memory, uint32_t swIfIndex);
  void writeGauges(const Lane& lane, const WorkerMemory& memory, uint32_t swIfIndex) const;

  // In the order of their making; what is made of others is destroyed before them.
  RdmaOptions options_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<EventWatch> watch_;
  std::vector<Lane> lanes_;
  std::vector<Receiver> receivers_;
  Spread spread_;
  Flows flows_;

  ReceiveShape shape_{};
  Mac mac_{}; // the port's own
  bool direct_ = false;
  std::string reason_;
  std::mutex eventLock_, endLock_;
  std::atomic<bool> up_{false}, fatal_{false};
};
