// A port on a ConnectX: its queues, its flows and its link.
#pragma once

#include <functional>

#include "../port.h"
#include "flows.h"
#include "queue.h"

constexpr uint32_t QUEUE_MIN = 256, QUEUE_MAX = 32768, QUEUES_MAX = 64;

struct RdmaOptions {
  std::string folder; // of the device
  std::string netdev; // that shares the port; empty: none is known
  std::string mode; // "auto", "ibv", "dv"
  uint32_t rxQueueSize = 0, txQueueSize = 0, rxQueues = 0; // powers of two; any number
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
  int fd() const override { return drained_ || fatal_ ? -1 : channel_->fd; }
  bool prepareSleep() override;
  void afterSleep(short revents) override;
  void drain(const WorkerMemory& memory, uint32_t swIfIndex) override;
  void closing() override { watch_->closing(); }
  std::shared_ptr<RdmaPort> rdma() override { return std::static_pointer_cast<RdmaPort>(shared_from_this()); }

  /** Takes the asynchronous events that wait. */
  void readEvents();

  // For whoever shows the port. What concerns the rings is called with busy() held.
  struct Receiver {
    ReceiveObjects objects;
    std::unique_ptr<ReceiveQueue> queue;
    uint64_t packets = 0;
  };
  const Device& device() const { return *device_; }
  const RdmaOptions& options() const { return options_; } // as they came to be
  Flows& flows() { return flows_; }
  const std::vector<Receiver>& receivers() const { return receivers_; }
  const SendQueue& sender() const { return *send_; }
  const Mac& mac() const { return mac_; }
  bool drained() const { return drained_; }
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
  void queryPort();
  uint32_t mtu() const;
  void drainPrevious(const WorkerMemory& memory, uint32_t swIfIndex);
  void revive(const WorkerMemory& memory, uint32_t swIfIndex);
  void writeGauges(const WorkerMemory& memory, uint32_t swIfIndex) const;

  // In the order of their making; what is made of others is destroyed before them.
  RdmaOptions options_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<EventWatch> watch_;
  std::shared_ptr<RdmaPort> previous_; // the port that this one replaces; it still has buffers
  Owned<verbs::ibv_comp_channel> channel_{nullptr, nullptr};
  SendObjects sendObjects_;
  std::unique_ptr<SendQueue> send_;
  std::vector<Receiver> receivers_;
  Spread spread_;
  Flows flows_;

  ReceiveShape shape_{};
  Mac mac_{}; // the port's own
  bool direct_ = false;
  bool drained_ = false;
  std::string reason_;
  uint32_t nextReceiver_ = 0;
  std::mutex eventLock_;
  std::atomic<bool> up_{false}, fatal_{false};
};
