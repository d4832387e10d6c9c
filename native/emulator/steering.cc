#include "steering.h"

#include <rdma/ib_user_verbs.h>

#include <algorithm>
#include <cstring>

#include "bytes.h"

namespace emulator {

namespace {

// IBV_FLOW_SPEC_* of verbs.h
constexpr uint32_t SPEC_ETH = 0x20, SPEC_IPV4 = 0x30, SPEC_IPV6 = 0x31, SPEC_IPV4_EXT = 0x32, SPEC_TCP = 0x40, SPEC_UDP = 0x41;
constexpr uint32_t ACTION_TAG = 0x1000, ACTION_DROP = 0x1001;
constexpr uint32_t TYPE_NORMAL = 0, TYPE_ALL_DEFAULT = 1, TYPE_MULTICAST_DEFAULT = 2, TYPE_SNIFFER = 3;
constexpr uint32_t DONT_TRAP = 2, EGRESS = 4;
constexpr uint32_t MULTICAST_PLACE = 1 << 20, DEFAULT_PLACE = MULTICAST_PLACE + 1; // behind all priorities

using EthFilter = ib_uverbs_flow_eth_filter;
using Ipv4Filter = ib_uverbs_flow_ipv4_filter;
using Ipv6Filter = ib_uverbs_flow_ipv6_filter;
using PortFilter = ib_uverbs_flow_tcp_udp_filter;

bool masked(const uint8_t* packet, const std::vector<uint8_t>& value, const std::vector<uint8_t>& mask, size_t from, size_t size) {
  for (size_t i = 0; i < size && from + i < mask.size(); i++) {
    if ((packet[i] ^ value[from + i]) & mask[from + i]) return false;
  }
  return true;
}

bool anyBit(const std::vector<uint8_t>& mask, size_t from, size_t size) {
  return std::any_of(mask.begin() + from, mask.begin() + std::min(mask.size(), from + size), [](uint8_t byte) { return byte != 0; });
}

bool allBits(const std::vector<uint8_t>& mask, size_t from, size_t size) {
  if (from + size > mask.size()) return false;
  return std::all_of(mask.begin() + from, mask.begin() + from + size, [](uint8_t byte) { return byte == 0xff; });
}

bool matchEth(const FlowSpec& spec, const Packet& packet) {
  uint8_t tail[4];
  put16(tail, packet.etherType);
  put16(tail + 2, packet.vlanTag);
  if (anyBit(spec.mask, offsetof(EthFilter, vlan_tag), 2) && !packet.vlan) return false;
  return masked(packet.data, spec.value, spec.mask, 0, 12) && masked(tail, spec.value, spec.mask, offsetof(EthFilter, ether_type), 4);
}

bool matchIpv4(const FlowSpec& spec, const Packet& packet) {
  if (packet.ipVersion != 4) return false;
  const uint8_t* ip = packet.data + packet.l3;
  uint8_t tail[4] = {ip[9], ip[1], ip[8], static_cast<uint8_t>(ip[6] >> 5)};
  return masked(ip + 12, spec.value, spec.mask, 0, 8) && masked(tail, spec.value, spec.mask, offsetof(Ipv4Filter, proto), 4);
}

bool matchIpv6(const FlowSpec& spec, const Packet& packet) {
  if (packet.ipVersion != 6) return false;
  const uint8_t* ip = packet.data + packet.l3;
  uint8_t tail[7];
  put32(tail, get32(ip) & 0xfffff); // flow label
  tail[4] = packet.protocol;
  tail[5] = static_cast<uint8_t>(get16(ip) >> 4); // traffic class
  tail[6] = ip[7];
  return masked(ip + 8, spec.value, spec.mask, 0, 32) && masked(tail, spec.value, spec.mask, offsetof(Ipv6Filter, flow_label), 7);
}

bool matchPorts(const FlowSpec& spec, const Packet& packet, uint8_t protocol) {
  if (!packet.l4 || packet.protocol != protocol) return false;
  uint8_t ports[4]; // the filter has the destination first
  memcpy(ports, packet.data + packet.l4 + 2, 2);
  memcpy(ports + 2, packet.data + packet.l4, 2);
  return masked(ports, spec.value, spec.mask, 0, 4);
}

bool matches(const FlowSpec& spec, const Packet& packet) {
  switch (spec.type) {
    case SPEC_ETH: return matchEth(spec, packet);
    case SPEC_IPV4:
    case SPEC_IPV4_EXT: return matchIpv4(spec, packet);
    case SPEC_IPV6: return matchIpv6(spec, packet);
    case SPEC_TCP: return matchPorts(spec, packet, PROTOCOL_TCP);
    case SPEC_UDP: return matchPorts(spec, packet, PROTOCOL_UDP);
    default: return spec.isAction;
  }
}

bool matches(const Flow& flow, const Packet& packet) {
  if (flow.type == TYPE_MULTICAST_DEFAULT) return packet.multicast();
  return std::all_of(flow.specs.begin(), flow.specs.end(), [&](const FlowSpec& spec) { return matches(spec, packet); });
}

bool namesDestination(const FlowSpec& spec) {
  switch (spec.type) {
    case SPEC_ETH: return allBits(spec.mask, offsetof(EthFilter, dst_mac), 6);
    case SPEC_IPV4:
    case SPEC_IPV4_EXT: return allBits(spec.mask, offsetof(Ipv4Filter, dst_ip), 4);
    case SPEC_IPV6: return allBits(spec.mask, offsetof(Ipv6Filter, dst_ip), 16);
    default: return false;
  }
}

/** The kernel's flow_is_multicast_only(): the first match names a multicast destination. */
bool multicastOnly(const Flow& flow) {
  if (flow.specs.empty()) return false;
  const FlowSpec& spec = flow.specs[0];
  if (spec.type == SPEC_ETH && spec.mask.size() >= 6) return spec.value[0] & spec.mask[0] & 1;
  bool ipv4 = (spec.type == SPEC_IPV4 || spec.type == SPEC_IPV4_EXT) && spec.mask.size() >= 8;
  return ipv4 && (spec.value[4] & 0xf0) == 0xe0 && (spec.mask[4] & 0xf0) == 0xf0;
}

uint32_t placeOf(const Flow& flow) {
  if (flow.type == TYPE_ALL_DEFAULT || flow.type == TYPE_MULTICAST_DEFAULT) return DEFAULT_PLACE;
  if (!(flow.flags & DONT_TRAP) && multicastOnly(flow)) return MULTICAST_PLACE;
  return flow.priority * 2 + (flow.flags & DONT_TRAP ? 0 : 1);
}

bool alike(const Flow& a, const Flow& b, bool values) {
  if (a.type != b.type || a.specs.size() != b.specs.size()) return false;
  for (size_t i = 0; i < a.specs.size(); i++) {
    const FlowSpec &x = a.specs[i], &y = b.specs[i];
    if (x.isAction != y.isAction || (x.isAction && !values)) continue;
    if (x.type != y.type || x.mask != y.mask || (values && x.value != y.value)) return false;
  }
  return true;
}

} // namespace

void Steering::update(const Device& device) {
  // Sequences only grow: with as many flows as before, others than before have another sum.
  uint64_t sum = 0;
  for (const auto& [handle, flow] : device.flows) sum += flow->sequence;
  if (device.flows.size() == count_ && sum == sequences_) return;
  count_ = device.flows.size();
  sequences_ = sum;
  rules_.clear();
  sniffers_.clear();
  for (const auto& [handle, flow] : device.flows) {
    if (flow->flags & EGRESS) continue;
    Rule rule{flow.get(), placeOf(*flow), flow->sequence};
    rule.exact = flow->type == TYPE_NORMAL && std::any_of(flow->specs.begin(), flow->specs.end(), namesDestination);
    for (const FlowSpec& spec : flow->specs) {
      if (spec.type == ACTION_DROP) rule.drop = true;
      if (spec.type == ACTION_TAG && spec.value.size() >= 4) memcpy(&rule.tag, spec.value.data(), 4); // in the host's byte order
    }
    (flow->type == TYPE_SNIFFER ? sniffers_ : rules_).push_back(rule);
  }
  group();
}

void Steering::group() {
  std::sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) { return a.flow->sequence < b.flow->sequence; });
  for (Rule& rule : rules_) {
    for (const Rule& older : rules_) {
      if (older.place != rule.place || !alike(*older.flow, *rule.flow, false)) continue;
      rule.group = older.flow->sequence;
      break;
    }
  }
  std::stable_sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) {
    return a.place != b.place ? a.place < b.place : a.group < b.group;
  });
}

bool Steering::find(const Packet& packet, bool exact, std::vector<Destination>& found) const {
  if (!exact) {
    for (const Rule& rule : sniffers_) found.push_back({rule.flow, 0});
  }
  for (size_t i = 0; i < rules_.size(); i++) {
    const Rule& first = rules_[i];
    if ((exact && !first.exact) || !matches(*first.flow, packet)) continue;
    if (first.drop) return true;
    for (size_t j = i; j < rules_.size() && rules_[j].place == first.place; j++) {
      if (j == i || alike(*first.flow, *rules_[j].flow, true)) found.push_back({rules_[j].flow, rules_[j].tag});
    }
    if (!(first.flow->flags & DONT_TRAP)) return true;
    while (i + 1 < rules_.size() && rules_[i + 1].place == first.place) i++;
  }
  return false;
}

} // namespace emulator
