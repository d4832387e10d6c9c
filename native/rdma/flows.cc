#include "flows.h"

#include <endian.h>
#include <linux/if_ether.h>

#include <cerrno>
#include <cstdio>

using namespace verbs;

constexpr Mac NONE{};
constexpr Mac EXACT{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac IPV6_GROUPS{0x33, 0x33}, IPV6_GROUPS_MASK{0xff, 0xff}; // RFC 2464 7
constexpr Mac GROUPS{0x01}, GROUPS_MASK{0x03}; // IEEE 802 8.2: group bit set, locally administered bit not; broadcast and 33:33 have both

std::string macText(const Mac& mac) {
  char text[18];
  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return text;
}

Failure Flows::add(const std::vector<Match>& matches, std::vector<Flow>& into) const {
  for (const Match& match : matches) {
    struct {
      ibv_flow_attr attributes;
      ibv_flow_spec_eth ethernet; // right behind, as the verb reads it
    } rule{};
    static_assert(sizeof rule == sizeof(ibv_flow_attr) + sizeof(ibv_flow_spec_eth), "ibv_create_flow(3)");
    rule.attributes.size = sizeof rule;
    rule.attributes.priority = match.priority;
    rule.attributes.num_of_specs = 1;
    rule.attributes.port = 1;
    rule.attributes.flags = match.share ? IBV_FLOW_ATTR_FLAGS_DONT_TRAP : 0;
    rule.ethernet.type = IBV_FLOW_SPEC_ETH;
    rule.ethernet.size = sizeof rule.ethernet;
    std::copy(match.value.begin(), match.value.end(), rule.ethernet.val.dst_mac);
    std::copy(match.mask.begin(), match.mask.end(), rule.ethernet.mask.dst_mac);
    rule.ethernet.val.ether_type = htobe16(match.etherType);
    rule.ethernet.mask.ether_type = match.etherType ? 0xffff : 0;
    ibv_flow* flow = device_.more.create_flow((match.ipv6 ? spread_.qp6 : spread_.qp4).get(), &rule.attributes);
    if (!flow) return failure("ibv_create_flow", errno, macText(match.value));
    into.push_back({match, {flow, device_.more.destroy_flow}});
  }
  return {};
}

Failure Flows::apply(const Mac& mac, bool promiscuous) {
  std::lock_guard<std::mutex> guard(lock_);
  if (closed_) return failure("ibv_create_flow", ENODEV);
  std::vector<Flow> unicast, shared;
  const Mac& mask = promiscuous ? NONE : EXACT;
  const Mac value = promiscuous ? NONE : mac;
  bool moved = unicast_.empty() || promiscuous != promiscuous_ || (!promiscuous && mac != mac_);
  if (moved) {
    if (Failure error = add({{value, mask, ETH_P_IPV6, 0, false, true}, {value, mask, 0, 1, false, false}}, unicast)) return error;
  }
  if (!promiscuous && shared_.empty()) {
    const Match groups6{IPV6_GROUPS, IPV6_GROUPS_MASK, 0, 0, true, true}, groups{GROUPS, GROUPS_MASK, 0, 0, true, false};
    if (Failure error = add({groups6, groups, {EXACT, EXACT, 0, 0, true, false}}, shared)) return error;
  }
  if (moved) unicast_ = std::move(unicast);
  if (promiscuous) shared_.clear();
  else if (shared_.empty()) shared_ = std::move(shared);
  mac_ = mac;
  promiscuous_ = promiscuous;
  return {};
}

void Flows::close() {
  std::lock_guard<std::mutex> guard(lock_);
  closed_ = true;
  unicast_.clear();
  shared_.clear();
}

std::vector<std::string> Flows::describe() {
  std::lock_guard<std::mutex> guard(lock_);
  std::vector<std::string> lines;
  for (const auto* flows : {&unicast_, &shared_}) {
    for (const auto& [match, handle] : *flows) {
      std::string line = match.mask == NONE ? "any destination" : macText(match.value) + (match.mask == EXACT ? "" : "/" + macText(match.mask));
      line += match.etherType ? ", IPv6" : "";
      line += ", priority " + std::to_string(match.priority) + (match.ipv6 ? ", to the IPv6 queues" : ", to the IPv4 queues");
      lines.push_back(line + (match.share ? ", shared with Linux" : ""));
    }
  }
  return lines;
}
