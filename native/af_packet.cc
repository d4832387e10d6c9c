// The port's set-up and its link; packet(7), netdevice(7), Documentation/networking/packet_mmap.rst.

#include "af_packet.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

constexpr uint32_t BLOCK_SIZE = 64 << 10;
/** Headers of tpacket_rcv (76 bytes), RESERVE and a packet of one buffer; longer ones come through the socket's queue. */
constexpr uint32_t SLOT_SIZE = 2176;
/** Puts the Ethernet header at byte 126 of a slot: the payload of TCP with timestamps, 66 bytes on, begins on a cache line and is copied fast. */
constexpr int RESERVE = 50;
constexpr uint32_t SLOTS_PER_BLOCK = BLOCK_SIZE / SLOT_SIZE;
constexpr int SOCKET_BUFFER = 32 << 20;

static_assert(SLOT_SIZE % TPACKET_ALIGNMENT == 0 && SLOT_SIZE >= 76 + RESERVE + abi::BUFFER_DATA, "packet_mmap.rst");

std::shared_ptr<AfPacket> AfPacket::open(const std::string& name, uint32_t ringSlots, Failure& error) {
  std::shared_ptr<AfPacket> port(new AfPacket());
  error = port->setUp(name, ringSlots);
  if (error) port.reset();
  return port;
}

AfPacket::~AfPacket() {
  if (ring_) munmap(ring_, ringBytes_);
  if (fd_ >= 0) close(fd_);
}

Failure AfPacket::setUp(const std::string& name, uint32_t ringSlots) {
  if (name.size() >= IFNAMSIZ) return failure("ioctl(SIOCGIFINDEX)", ENODEV);
  name_ = name;
  burst_ = std::make_unique<Burst>();
  // Protocol 0: nothing is received before the ring stands and bind() names the netdev.
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return failure("socket(AF_PACKET)", errno);
  if (Failure error = identify()) return error;
  if (Failure error = mapRing(ringSlots)) return error;
  return bindTo();
}

static ifreq requestFor(const std::string& name) {
  ifreq request{};
  memcpy(request.ifr_name, name.c_str(), name.size() + 1);
  return request;
}

Failure AfPacket::identify() {
  ifreq request = requestFor(name_);
  if (ioctl(fd_, SIOCGIFINDEX, &request) != 0) return failure("ioctl(SIOCGIFINDEX)", errno);
  ifindex_ = request.ifr_ifindex;
  if (ioctl(fd_, SIOCGIFHWADDR, &request) != 0) return failure("ioctl(SIOCGIFHWADDR)", errno);
  unsigned family = request.ifr_hwaddr.sa_family;
  if (family != ARPHRD_ETHER && family != ARPHRD_LOOPBACK) return failure("ioctl(SIOCGIFHWADDR)", EMEDIUMTYPE); // no Ethernet header
  const uint8_t* mac = reinterpret_cast<const uint8_t*>(request.ifr_hwaddr.sa_data);
  char text[18];
  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  mac_ = text;
  return {};
}

static bool setOption(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value) == 0; }

Failure AfPacket::mapRing(uint32_t ringSlots) {
  // Long packets wait in the socket's queue and sent ones count against its send buffer. Without CAP_NET_ADMIN in the first user namespace
  // the kernel holds both to net.core.rmem_max and wmem_max.
  if (!setOption(fd_, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER)) setOption(fd_, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
  if (!setOption(fd_, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER)) setOption(fd_, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);

  if (!setOption(fd_, SOL_PACKET, PACKET_VERSION, TPACKET_V2)) return failure("setsockopt(PACKET_VERSION)", errno);
  // Offloads stay undone: super-packets come whole, with a virtio_net_hdr before each.
  if (!setOption(fd_, SOL_PACKET, PACKET_VNET_HDR, 1)) return failure("setsockopt(PACKET_VNET_HDR)", errno);
  if (!setOption(fd_, SOL_PACKET, PACKET_RESERVE, RESERVE)) return failure("setsockopt(PACKET_RESERVE)", errno);
  // What does not fit a slot is queued whole as well.
  if (!setOption(fd_, SOL_PACKET, PACKET_COPY_THRESH, 1)) return failure("setsockopt(PACKET_COPY_THRESH)", errno);
  // Not our own packets back (Linux 4.20).
  if (!setOption(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)) return failure("setsockopt(PACKET_IGNORE_OUTGOING)", errno);

  uint32_t blocks = ringSlots / SLOTS_PER_BLOCK + (ringSlots % SLOTS_PER_BLOCK ? 1 : 0);
  slots_ = blocks * SLOTS_PER_BLOCK;
  tpacket_req ring{BLOCK_SIZE, blocks, SLOT_SIZE, slots_};
  if (setsockopt(fd_, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) != 0) return failure("setsockopt(PACKET_RX_RING)", errno);
  ringBytes_ = static_cast<size_t>(blocks) * BLOCK_SIZE;
  void* mapped = mmap(nullptr, ringBytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (mapped == MAP_FAILED) return failure("mmap(PACKET_RX_RING)", errno);
  ring_ = static_cast<uint8_t*>(mapped);
  return {};
}

Failure AfPacket::bindTo() {
  // weft may use a MAC address of its own, which the netdev would filter out.
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = ifindex_;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (setsockopt(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0) {
    return failure("setsockopt(PACKET_ADD_MEMBERSHIP)", errno);
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = ifindex_;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return failure("bind", errno);
  clearError(); // binding to a netdev that is down leaves ENETDOWN pending
  return {};
}

uint8_t* AfPacket::slotAt(uint32_t number) const {
  return ring_ + number / SLOTS_PER_BLOCK * BLOCK_SIZE + number % SLOTS_PER_BLOCK * SLOT_SIZE;
}

LinkState AfPacket::linkState() {
  LinkState state;
  // By its index: one that was removed and made again has another, one that was renamed is the same.
  ifreq request{};
  request.ifr_ifindex = ifindex_;
  if (ioctl(fd_, SIOCGIFNAME, &request) != 0) return state;
  // One that came back from another network namespace has it, and yet the kernel has taken the socket off it.
  sockaddr_ll bound{};
  socklen_t length = sizeof bound;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length) != 0 || bound.sll_ifindex != ifindex_) return state;
  if (ioctl(fd_, SIOCGIFFLAGS, &request) != 0) return state;
  state.present = true;
  state.up = (request.ifr_flags & IFF_UP) && (request.ifr_flags & IFF_RUNNING);
  if (ioctl(fd_, SIOCGIFMTU, &request) == 0) state.mtu = request.ifr_mtu;
  return state;
}

std::shared_ptr<Port> AfPacket::reopened() {
  Failure error;
  return open(name_, slots_, error);
}

void AfPacket::afterSleep(short revents, uint32_t) {
  if (revents & POLLERR) clearError();
}

/** Takes a pending error off the socket, where it would make every poll() return at once. */
void AfPacket::clearError() const {
  int error;
  socklen_t length = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
}
