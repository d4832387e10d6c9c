// Flow steering rules; ibv_create_flow(3). What they match is the NIC side's business (steering.cc), here they are only checked.

#include <algorithm>
#include <cerrno>
#include <linux/capability.h>
#include <rdma/ib_user_verbs.h>

#include "commands.h"

namespace emulator {

enum : uint32_t { NORMAL = 0, ALL_DEFAULT = 1, MULTICAST_DEFAULT = 2, SNIFFER = 3 }; // enum ib_flow_attr_type
enum : uint32_t { DONT_TRAP = 2, EGRESS = 4 }; // enum ib_flow_flags
enum : uint32_t { SPEC_INNER = 0x100, SPEC_ETH = 0x20, SPEC_IPV4 = 0x30, SPEC_IPV6 = 0x31, SPEC_TCP = 0x40, SPEC_UDP = 0x41, SPEC_VXLAN = 0x50 };
enum : uint32_t { ACTION_TAG = 0x1000, ACTION_DROP = 0x1001 };
constexpr uint16_t LAST_PRIORITY = 15; // mlx5_core: regular priorities of the bypass name space

/** Bytes of a spec with its header; 0: not supported. */
static size_t sizeOfSpec(uint32_t type) {
  switch (type & ~SPEC_INNER) {
    case SPEC_ETH: return sizeof(ib_uverbs_flow_spec_eth);
    case SPEC_IPV4: return sizeof(ib_uverbs_flow_spec_ipv4);
    case SPEC_IPV6: return sizeof(ib_uverbs_flow_spec_ipv6);
    case SPEC_TCP:
    case SPEC_UDP: return sizeof(ib_uverbs_flow_spec_tcp_udp);
    case SPEC_VXLAN: return sizeof(ib_uverbs_flow_spec_tunnel);
    case ACTION_TAG: return sizeof(ib_uverbs_flow_spec_action_tag);
    case ACTION_DROP: return sizeof(ib_uverbs_flow_spec_action_drop);
    default: return 0;
  }
}

static FlowSpec specAt(uint32_t type, const uint8_t* body, size_t bytes) {
  FlowSpec spec;
  spec.type = type;
  spec.isAction = type >= ACTION_TAG;
  size_t half = spec.isAction ? bytes : bytes / 2;
  spec.value.assign(body, body + half);
  if (!spec.isAction) spec.mask.assign(body + half, body + bytes);
  return spec;
}

static int readSpecs(const Command& command, const ib_uverbs_create_flow& request, Flow& flow) {
  const uint8_t* at = command.request + sizeof request;
  const uint8_t* end = command.request + command.requestBytes;
  if (request.flow_attr.size > end - at) return EINVAL;
  end = at + request.flow_attr.size;
  for (uint32_t i = 0; i < request.flow_attr.num_of_specs; i++) {
    ib_uverbs_flow_spec_hdr header;
    if (end - at < static_cast<ptrdiff_t>(sizeof header)) return EINVAL;
    memcpy(&header, at, sizeof header);
    size_t size = sizeOfSpec(header.type);
    if (!size) return EOPNOTSUPP;
    if (header.size != size || end - at < header.size) return EINVAL;
    flow.specs.push_back(specAt(header.type, at + sizeof header, size - sizeof header));
    at += size;
  }
  return at == end ? 0 : EINVAL;
}

static const FlowSpec* specOf(const Flow& flow, uint32_t type) {
  auto at = std::find_if(flow.specs.begin(), flow.specs.end(), [type](const FlowSpec& spec) { return spec.type == type; });
  return at == flow.specs.end() ? nullptr : &*at;
}

/** A virtual function without trust has its own address, and multicast. */
static bool isSpoofed(const Device& device, const Flow& flow) {
  if (!device.virtualFunction || device.trusted) return false;
  if (flow.type == ALL_DEFAULT || flow.type == SNIFFER) return true;
  const FlowSpec* eth = specOf(flow, SPEC_ETH);
  if (flow.type != NORMAL) return false;
  if (!eth || std::any_of(eth->mask.begin(), eth->mask.begin() + 6, [](uint8_t byte) { return byte != 0xff; })) {
    bool multicast = eth && eth->mask[0] & 1 && eth->value[0] & 1;
    return !multicast;
  }
  return !(eth->value[0] & 1) && !std::equal(device.mac.begin(), device.mac.end(), eth->value.begin());
}

static int check(const Device& device, const ib_uverbs_create_flow& request, const Flow& flow) {
  if (!hasCapability(CAP_NET_RAW)) return EPERM;
  if (request.comp_mask || request.flow_attr.type > SNIFFER || request.flow_attr.port != 1) return EINVAL;
  if (request.flow_attr.flags & ~(DONT_TRAP | EGRESS)) return EINVAL;
  if (request.flow_attr.flags & EGRESS) return EOPNOTSUPP;
  if (request.flow_attr.priority > LAST_PRIORITY) return ENOMEM;
  if (flow.type != NORMAL && request.flow_attr.num_of_specs) return EINVAL;
  if (isSpoofed(device, flow)) return EPERM;
  return 0;
}

int createFlow(Context& context, const Command& command) {
  static uint64_t lastSequence = 0;
  auto request = command.read<ib_uverbs_create_flow>();
  auto qp = context.find(context.queuePairs, request.qp_handle);
  if (!qp) return EINVAL;
  auto flow = std::make_shared<Flow>();
  flow->type = request.flow_attr.type;
  flow->flags = request.flow_attr.flags;
  flow->priority = request.flow_attr.priority;
  flow->qp = qp;
  if (int error = readSpecs(command, request, *flow)) return error;
  if (int error = check(context.device, request, *flow)) return error;
  flow->sequence = ++lastSequence;
  flow->handle = context.add(context.flows, flow);
  context.device.flows[flow->sequence] = flow;
  qp->uses++;
  command.answer(ib_uverbs_create_flow_resp{0, flow->handle});
  return 0;
}

int destroyFlow(Context& context, uint32_t handle) {
  auto flow = context.find(context.flows, handle);
  if (!flow) return EINVAL;
  flow->qp->uses--;
  context.device.flows.erase(flow->sequence);
  context.flows.erase(handle);
  return 0;
}

int destroyFlowCommand(Context& context, const Command& command) {
  return destroyFlow(context, command.read<ib_uverbs_destroy_flow>().flow_handle);
}

} // namespace emulator
