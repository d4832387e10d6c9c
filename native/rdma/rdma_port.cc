// Opening, the link, and the end; the bursts are in rdma_bursts.cc.

#include "rdma_port.h"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "../incoming.h"
#include "rings.h"

using namespace verbs;

constexpr uint32_t VLAN_TAG = 4;
/** Strides of a WQE: the fewest that devices with small WQEs take, and enough for 16 KiB. */
constexpr uint32_t LOG_STRIDES = 3;
constexpr uint32_t SEGMENTS_MAX = 1 << LOG_STRIDES;
static_assert(SEGMENTS_MAX <= CHAIN_MAX, "ReceiveRing::fill() has room for the buffers of a WQE");

EventWatch::EventWatch() : fd_(epoll_create1(EPOLL_CLOEXEC)) {}
EventWatch::~EventWatch() { close(fd_); }
void EventWatch::add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event);
}
void EventWatch::remove(int fd) { epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr); }

RdmaPort::RdmaPort(const RdmaOptions& options, std::shared_ptr<Device> device, std::shared_ptr<EventWatch> watch)
    : options_(options), device_(std::move(device)), watch_(std::move(watch)), lanes_(options.workers), receivers_(options.rxQueues),
      flows_(*device_, spread_) {}

RdmaPort::~RdmaPort() { watch_->remove(device_->context->async_fd); }

std::shared_ptr<RdmaPort> RdmaPort::open(const RdmaOptions& options, std::shared_ptr<EventWatch> watch, Failure& error) {
  std::shared_ptr<Device> device = Device::open(options.folder, error);
  if (!device) return nullptr;
  std::shared_ptr<RdmaPort> port(new RdmaPort(options, std::move(device), std::move(watch)));
  error = port->setUp();
  return error ? nullptr : port;
}

/** Asks the kernel about the port's netdev: netdevice(7). False where it is not in this network namespace. */
static bool askNetdev(const std::string& name, unsigned long request, ifreq& answer) {
  if (name.empty() || name.size() >= IFNAMSIZ) return false;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  memcpy(answer.ifr_name, name.c_str(), name.size() + 1);
  bool answered = fd >= 0 && ioctl(fd, request, &answer) == 0;
  if (fd >= 0) close(fd);
  return answered;
}

static bool setNonBlocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0; }

Failure RdmaPort::setUp() {
  if (Failure error = chooseMode()) return error;
  if (Failure error = chooseShape()) return error;
  ifreq answer{};
  mac_ = options_.portMac;
  if (askNetdev(options_.netdev, SIOCGIFHWADDR, answer)) memcpy(mac_.data(), answer.ifr_hwaddr.sa_data, mac_.size());
  if (options_.ownMac && mac_ == Mac{}) return {"RDMA_NOT_FOUND", "open", "the port's MAC address: no netdev shares it here"};
  if (Failure error = device_->registerPool(options_.base + options_.pool, options_.poolEnd - options_.pool)) return error;
  if (Failure error = createQueues()) return error;
  if (Failure error = flows_.apply(options_.ownMac ? mac_ : options_.mac, false)) return error;
  if (!setNonBlocking(device_->context->async_fd)) return failure("fcntl", errno);
  watch_->add(device_->context->async_fd);
  queryPort();
  return {};
}

Failure RdmaPort::chooseMode() {
  bool automatic = options_.mode == "auto", able = device_->directVerbs && (device_->direct.flags & MLX5DV_CONTEXT_FLAGS_CQE_V1);
  const char* lack = device_->directVerbs ? "the adapter has no CQE version 1" : "the adapter has no Direct Verbs";
  if (options_.mode == "dv" && !able) return {"RDMA_MODE", "mlx5dv_query_device", lack};
  direct_ = able && options_.mode != "ibv";
  reason_ = !automatic ? "as asked for" : able ? "the adapter has Direct Verbs" : lack;
  return {};
}

Failure RdmaPort::chooseShape() {
  uint32_t& length = options_.maxPacketLength;
  if (length == 0) length = ETH_HLEN + VLAN_TAG + mtu();
  if (!options_.multiSegment && length > abi::BUFFER_DATA) length = abi::BUFFER_DATA;
  if (buffersFor(length) > SEGMENTS_MAX) return {"RDMA_SIZE", "open", "max-pktlen " + std::to_string(length)};
  shape_ = {options_.rxQueueSize, buffersFor(length), 0, 0};
  if (!direct_) return {};
  const auto& strides = device_->direct.striding_rq_caps;
  bool able = (device_->direct.comp_mask & MLX5DV_CONTEXT_MASK_STRIDING_RQ) && strides.supported_qpts & (1u << IBV_QPT_RAW_PACKET) &&
              strides.min_single_stride_log_num_of_bytes <= LOG_STRIDE && LOG_STRIDE <= strides.max_single_stride_log_num_of_bytes &&
              strides.min_single_wqe_log_num_of_strides <= LOG_STRIDES && LOG_STRIDES <= strides.max_single_wqe_log_num_of_strides;
  if (able && options_.striding && options_.multiSegment) shape_.logStrides = LOG_STRIDES;
  if (!options_.compression || !(device_->direct.comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION)) return {};
  // Of a striding queue a mini CQE must tell the stride, else a packet's place is lost.
  uint32_t formats = device_->direct.cqe_comp_caps.supported_format;
  shape_.compression = formats & (shape_.logStrides ? MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX : MLX5DV_CQE_RES_FORMAT_HASH);
  return {};
}

Failure RdmaPort::createQueues() {
  Failure error;
  // The send queues come first: a receive queue that is there before them hears our own broadcasts.
  bool segmentation = !direct_ && device_->segmentationMax() > 0;
  for (Lane& lane : lanes_) {
    if ((error = lane.sendObjects.create(*device_, options_.txQueueSize, direct_ ? 1 : CHAIN_MAX, segmentation, direct_))) return error;
    if (!(lane.send = makeSendQueue(*device_, lane.sendObjects, options_.inlineHeaders, direct_, error))) return error;
  }
  std::vector<ibv_wq*> queues;
  for (Receiver& receiver : receivers_) {
    if ((error = createReceiver(receiver))) return error;
    queues.push_back(receiver.objects.wq.get());
    lanes_[0].receivers.push_back(&receiver);
    lanes_[0].wakes.add(receiver.channel->fd);
  }
  return spread_.create(*device_, queues, options_.rss4, options_.rss6);
}

/** Each has a channel of its own, so that it can go from one worker to another with what wakes it. */
Failure RdmaPort::createReceiver(Receiver& receiver) {
  receiver.channel = {device_->verbs.create_comp_channel(device_->context), device_->verbs.destroy_comp_channel};
  if (!receiver.channel) return failure("ibv_create_comp_channel", errno);
  if (!setNonBlocking(receiver.channel->fd)) return failure("fcntl", errno);
  if (Failure error = receiver.objects.create(*device_, receiver.channel.get(), shape_, direct_)) return error;
  Failure error;
  receiver.queue = makeReceiveQueue(*device_, receiver.objects, shape_, options_.rxChecksum, direct_, error);
  return error;
}

void RdmaPort::place(uint32_t queue, uint32_t worker) {
  Receiver& receiver = receivers_[queue];
  if (receiver.worker < lanes_.size()) {
    Lane& lane = lanes_[receiver.worker];
    std::lock_guard<std::mutex> lock(lane.busy);
    lane.receivers.erase(std::find(lane.receivers.begin(), lane.receivers.end(), &receiver));
    lane.wakes.remove(receiver.channel->fd);
  }
  receiver.worker = worker;
  if (worker >= lanes_.size()) return;
  std::lock_guard<std::mutex> lock(lanes_[worker].busy);
  lanes_[worker].receivers.push_back(&receiver);
  lanes_[worker].wakes.add(receiver.channel->fd);
}

/** The link: ibv_query_port(3). */
void RdmaPort::queryPort() {
  ibv_port_attr port{};
  if (device_->more.query_port(device_->context, 1, &port, sizeof port) != 0) return;
  up_ = port.state == IBV_PORT_ACTIVE || port.state == IBV_PORT_ACTIVE_DEFER;
}

void RdmaPort::readEvents() {
  std::lock_guard<std::mutex> lock(eventLock_);
  ibv_async_event event{};
  while (!fatal_ && device_->verbs.get_async_event(device_->context, &event) == 0) {
    // An overrun CQ cannot be mended (PRM, "CQ error"); a queue in error tells of it in its completions.
    fatal_ = event.event_type == IBV_EVENT_DEVICE_FATAL || event.event_type == IBV_EVENT_CQ_ERR;
    device_->verbs.ack_async_event(&event);
    if (!fatal_) queryPort();
  }
  if (!fatal_) return;
  up_ = false;
  watch_->remove(device_->context->async_fd);
}

uint32_t RdmaPort::mtu() const {
  ifreq answer{};
  return askNetdev(options_.netdev, SIOCGIFMTU, answer) ? static_cast<uint32_t>(answer.ifr_mtu) : options_.mtu;
}

LinkState RdmaPort::linkState() {
  readEvents();
  return {!fatal_, up_, static_cast<int>(mtu())};
}

std::shared_ptr<Port> RdmaPort::reopened() {
  flows_.close();
  Failure error;
  RdmaOptions options = options_;
  options.ownMac = false; // it may have been changed meanwhile
  options.mac = flows_.mac();
  std::shared_ptr<RdmaPort> port = open(options, watch_, error);
  if (port && flows_.promiscuous() && port->flows_.apply(flows_.mac(), true)) return nullptr;
  if (port) for (Lane& lane : port->lanes_) lane.previous = std::static_pointer_cast<RdmaPort>(shared_from_this());
  return port;
}
