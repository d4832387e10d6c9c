// A Linux interface as the wire, through a packet socket; packet(7). What its other end (a veth peer, say) leaves to hardware that
// does not exist is done here: checksums are finished, super-packets cut, VLAN tags put back (Documentation/networking/segmentation-offloads.rst).

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "../offload_header.h"
#include "bytes.h"
#include "checksum.h"
#include "wire.h"

namespace emulator {

namespace {

constexpr uint32_t BATCH = 32;
constexpr uint32_t SUPER_PACKET = (64 << 10) + 256; // the longest frame that GRO or TSO makes, with its headers
constexpr uint32_t LONGEST_SENT = 16 << 10;
constexpr uint8_t GSO_ECN = 0x80; // VIRTIO_NET_HDR_GSO_ECN
constexpr int SOCKET_BUFFER = 8 << 20;

class Netdev : public Wire {
 public:
  Netdev() : in_(BATCH * SUPER_PACKET), out_(BATCH * LONGEST_SENT) {}
  ~Netdev() override {
    if (fd_ >= 0) close(fd_);
  }

  bool open(const std::string& name, std::string& error);
  uint32_t receive(uint32_t max, const FrameHandler& handler) override;
  void transmit(const uint8_t* frame, uint32_t length) override;
  void finish() override;
  int descriptor() const override { return fd_; }
  bool carrier() override;

 private:
  bool fail(const char* call, std::string& error) const;
  void handOver(uint8_t* frame, uint32_t length, const OffloadHeader& offload, const msghdr& message, const FrameHandler& handler);

  std::string name_;
  int fd_ = -1;
  std::vector<uint8_t> in_, out_;
  uint32_t lengths_[BATCH];
  uint32_t waiting_ = 0; // frames in out_
};

bool Netdev::fail(const char* call, std::string& error) const {
  error = "wire netdev:" + name_ + ": " + call + ": " + strerror(errno);
  return false;
}

bool Netdev::open(const std::string& name, std::string& error) {
  name_ = name;
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return fail("socket(AF_PACKET)", error);
  int index = static_cast<int>(if_nametoindex(name.c_str()));
  if (index == 0) return fail("if_nametoindex", error);
  int one = 1, size = SOCKET_BUFFER;
  // Without CAP_NET_ADMIN in the first user namespace the kernel holds it to net.core.rmem_max.
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd_, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) != 0) return fail("PACKET_VNET_HDR", error);
  if (setsockopt(fd_, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one) != 0) return fail("PACKET_AUXDATA", error);
  if (setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0) return fail("PACKET_IGNORE_OUTGOING", error);
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = index;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (setsockopt(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0) return fail("PACKET_ADD_MEMBERSHIP", error);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = index;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return fail("bind", error);
  return true;
}

bool Netdev::carrier() {
  ifreq request{};
  strncpy(request.ifr_name, name_.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd_, SIOCGIFFLAGS, &request) != 0) return false;
  return (request.ifr_flags & IFF_UP) && (request.ifr_flags & IFF_RUNNING);
}

/** The tag that the kernel took off, if it did: packet(7), PACKET_AUXDATA. */
static const tpacket_auxdata* tagOf(const msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
    const tpacket_auxdata* data = reinterpret_cast<const tpacket_auxdata*>(CMSG_DATA(part));
    return data->tp_status & TP_STATUS_VLAN_VALID ? data : nullptr;
  }
  return nullptr;
}

/** `frame` has 4 bytes of room before it. */
void Netdev::handOver(uint8_t* frame, uint32_t length, const OffloadHeader& offload, const msghdr& message, const FrameHandler& handler) {
  uint32_t start = offload.checksumStart;
  if (offload.flags & NEEDS_CHECKSUM && start + offload.checksumOffset + 2u <= length && offload.gsoType == GSO_NONE) {
    // The field holds the sum of the pseudo header already.
    uint16_t sum = foldSum(sumBytes(frame + start, length - start)) ^ 0xffff;
    put16(frame + start + offload.checksumOffset, sum ? sum : 0xffff);
  }
  const tpacket_auxdata* tag = tagOf(message);
  if (tag) {
    frame -= 4;
    length += 4;
    memmove(frame, frame + 4, 12);
    put16(frame + 12, tag->tp_status & TP_STATUS_VLAN_TPID_VALID ? tag->tp_vlan_tpid : ETH_P_8021Q);
    put16(frame + 14, tag->tp_vlan_tci);
    start += 4;
  }
  if ((offload.gsoType & ~GSO_ECN) == GSO_NONE) return handler(frame, length);
  // TCP's header says its own length; a UDP super-packet (USO) has 8 bytes of it.
  if (start + 13 > length) return;
  uint32_t headers = start + (offload.checksumOffset == 16 ? (frame[start + 12] >> 4) * 4 : 8);
  segment(frame, length, headers, offload.gsoSize, handler);
}

uint32_t Netdev::receive(uint32_t max, const FrameHandler& handler) {
  constexpr uint32_t CONTROL = CMSG_SPACE(sizeof(tpacket_auxdata));
  alignas(cmsghdr) char control[BATCH][CONTROL];
  OffloadHeader offloads[BATCH];
  iovec parts[BATCH][2];
  mmsghdr messages[BATCH]{};
  uint32_t wanted = std::min(max, BATCH);
  for (uint32_t i = 0; i < wanted; i++) {
    parts[i][0] = {&offloads[i], sizeof offloads[i]};
    parts[i][1] = {&in_[i * SUPER_PACKET + 4], SUPER_PACKET - 4};
    messages[i].msg_hdr.msg_iov = parts[i];
    messages[i].msg_hdr.msg_iovlen = 2;
    messages[i].msg_hdr.msg_control = control[i];
    messages[i].msg_hdr.msg_controllen = CONTROL;
  }
  int n = recvmmsg(fd_, messages, wanted, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < n; i++) {
    uint32_t length = messages[i].msg_len - static_cast<uint32_t>(sizeof(OffloadHeader));
    if (messages[i].msg_len < sizeof(OffloadHeader) + ETH_HLEN) continue;
    handOver(static_cast<uint8_t*>(parts[i][1].iov_base), length, offloads[i], messages[i].msg_hdr, handler);
  }
  return n > 0 ? static_cast<uint32_t>(n) : 0;
}

void Netdev::transmit(const uint8_t* frame, uint32_t length) {
  if (length > LONGEST_SENT) return;
  if (waiting_ == BATCH) finish();
  memcpy(&out_[waiting_ * LONGEST_SENT], frame, length);
  lengths_[waiting_++] = length;
}

void Netdev::finish() {
  static OffloadHeader none{};
  iovec parts[BATCH][2];
  mmsghdr messages[BATCH]{};
  for (uint32_t i = 0; i < waiting_; i++) {
    parts[i][0] = {&none, sizeof none};
    parts[i][1] = {&out_[i * LONGEST_SENT], lengths_[i]};
    messages[i].msg_hdr.msg_iov = parts[i];
    messages[i].msg_hdr.msg_iovlen = 2;
  }
  // A frame that cannot be sent (the interface is down, its queue full) is lost, as on a cable; the ones behind it are not.
  for (uint32_t sent = 0; sent < waiting_;) {
    int n = sendmmsg(fd_, messages + sent, waiting_ - sent, MSG_DONTWAIT);
    sent += n > 0 ? static_cast<uint32_t>(n) : 1;
  }
  waiting_ = 0;
}

} // namespace

std::shared_ptr<Wire> openNetdev(const std::string& name, std::string& error) {
  auto wire = std::make_shared<Netdev>();
  if (!wire->open(name, error)) return nullptr;
  return wire;
}

} // namespace emulator
