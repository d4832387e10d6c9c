// Ethernet (IEEE 802.3, 802.1Q), IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293), UDP (RFC 768).

#include "packet.h"

#include "bytes.h"
#include "checksum.h"

namespace emulator {

static void parseL4(Packet& packet, uint32_t at) {
  if (packet.protocol == PROTOCOL_UDP && at + 8 <= packet.l3End) packet.l4 = at;
  if (packet.protocol != PROTOCOL_TCP || at + 20 > packet.l3End) return;
  uint32_t header = (packet.data[at + 12] >> 4) * 4;
  if (header >= 20 && at + header <= packet.l3End) packet.l4 = at;
}

static void parseIpv4(Packet& packet, uint32_t at) {
  if (at + 20 > packet.length || packet.data[at] >> 4 != 4) return;
  const uint8_t* ip = packet.data + at;
  uint32_t header = (ip[0] & 15) * 4, total = get16(ip + 2);
  if (header < 20 || total < header || at + header > packet.length) return;
  packet.cut = at + total > packet.length;
  if (packet.cut) total = packet.length - at;
  packet.ipVersion = 4;
  packet.l3 = at;
  packet.l3End = at + total;
  packet.protocol = ip[9];
  packet.extensions = header > 20;
  packet.fragment = get16(ip + 6) & 0x3fff; // more fragments, or an offset
  if (!packet.fragment) parseL4(packet, at + header);
}

/** Hop-by-hop, routing and destination options are passed over; all but the fragment header count their length in 8 bytes. */
static void parseIpv6(Packet& packet, uint32_t at) {
  if (at + 40 > packet.length || packet.data[at] >> 4 != 6) return;
  const uint8_t* ip = packet.data + at;
  uint32_t end = at + 40 + get16(ip + 4);
  packet.cut = end > packet.length;
  if (packet.cut) end = packet.length;
  packet.ipVersion = 6;
  packet.l3 = at;
  packet.l3End = end;
  uint8_t next = ip[6];
  uint32_t header = at + 40;
  while ((next == 0 || next == 43 || next == 44 || next == 60) && header + 8 <= end) {
    packet.extensions = true;
    if (next == 44) packet.fragment = true;
    uint32_t length = next == 44 ? 8 : (packet.data[header + 1] + 1) * 8;
    next = packet.data[header];
    header += length;
  }
  packet.protocol = next;
  if (!packet.fragment && header <= end) parseL4(packet, header);
}

Packet parse(const uint8_t* data, uint32_t length) {
  Packet packet{};
  packet.data = data;
  packet.length = length;
  uint32_t at = 12;
  packet.etherType = get16(data + at);
  while ((packet.etherType == ETHERTYPE_VLAN || packet.etherType == ETHERTYPE_SERVICE_VLAN) && at + 6 <= length) {
    if (!packet.vlan) packet.vlanTag = get16(data + at + 2);
    packet.vlan = true;
    at += 4;
    packet.etherType = get16(data + at);
  }
  at += 2;
  if (packet.etherType == ETHERTYPE_IPV4) parseIpv4(packet, at);
  if (packet.etherType == ETHERTYPE_IPV6) parseIpv6(packet, at);
  return packet;
}

bool Packet::l3Good() const {
  if (ipVersion != 4) return ipVersion == 6;
  return foldSum(sumBytes(data + l3, (data[l3] & 15) * 4)) == 0xffff;
}

bool Packet::l4Good() const {
  if (!l4 || cut) return false;
  if (udp() && ipVersion == 4 && get16(data + l4 + 6) == 0) return true;
  uint32_t l4Length = l3End - l4;
  if (udp()) l4Length = get16(data + l4 + 4);
  if (l4Length < 8 || l4 + l4Length > l3End) return false;
  return foldSum(sumBytes(data + l4, l4Length, sumPseudoHeader(*this, l4Length))) == 0xffff;
}

} // namespace emulator
