// A frame looked at once: where its headers are and what they say.
#pragma once

#include <cstdint>

namespace emulator {

constexpr uint16_t ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_SERVICE_VLAN = 0x88a8;
constexpr uint8_t PROTOCOL_TCP = 6, PROTOCOL_UDP = 17;

struct Packet {
  const uint8_t* data;
  uint32_t length;
  uint16_t etherType; // the one after the last VLAN tag
  bool vlan = false; // and its outermost tag:
  uint16_t vlanTag = 0;
  uint8_t ipVersion = 0; // 4, 6, or 0: not IP, or malformed
  uint32_t l3 = 0; // offset of the IP header
  uint32_t l3End = 0; // end of the IP packet; an Ethernet padding may follow
  bool cut = false; // IP says that there is more than the frame holds; it is steered by its headers all the same
  uint8_t protocol = 0; // IP's, after IPv6 extension headers
  bool extensions = false; // IPv4 options or IPv6 extension headers
  bool fragment = false;
  uint32_t l4 = 0; // offset of a whole TCP or UDP header; 0: there is none to be looked at

  bool multicast() const { return data[0] & 1; }
  bool tcp() const { return l4 && protocol == PROTOCOL_TCP; }
  bool udp() const { return l4 && protocol == PROTOCOL_UDP; }
  /** Of the header the version says; IPv4: RFC 791. */
  bool l3Good() const;
  /** UDP over IPv4 without a checksum is good too. */
  bool l4Good() const;
};

/** `length` is at least an Ethernet header's. */
Packet parse(const uint8_t* data, uint32_t length);

} // namespace emulator
