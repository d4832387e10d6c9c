#include "commands.h"

#include <cerrno>
#include <rdma/ib_user_verbs.h>

#include "device.h"

namespace emulator {

struct Entry {
  uint32_t number;
  size_t requestBytes; // legacy only: where the driver's part begins
  size_t responseBytes;
  Handler* run;
  bool destroys = false; // works on a dead device too
};

static const Entry LEGACY[] = {
  {IB_USER_VERBS_CMD_GET_CONTEXT, sizeof(ib_uverbs_get_context), sizeof(ib_uverbs_get_context_resp), getContext},
  {IB_USER_VERBS_CMD_QUERY_DEVICE, sizeof(ib_uverbs_query_device), sizeof(ib_uverbs_query_device_resp), queryDevice},
  {IB_USER_VERBS_CMD_QUERY_PORT, sizeof(ib_uverbs_query_port), sizeof(ib_uverbs_query_port_resp), queryPort},
  {IB_USER_VERBS_CMD_ALLOC_PD, sizeof(ib_uverbs_alloc_pd), sizeof(ib_uverbs_alloc_pd_resp), allocPd},
  {IB_USER_VERBS_CMD_DEALLOC_PD, sizeof(ib_uverbs_dealloc_pd), 0, deallocPd, true},
  {IB_USER_VERBS_CMD_REG_MR, sizeof(ib_uverbs_reg_mr), sizeof(ib_uverbs_reg_mr_resp), registerRegion},
  {IB_USER_VERBS_CMD_REREG_MR, sizeof(ib_uverbs_rereg_mr), sizeof(ib_uverbs_rereg_mr_resp), reregisterRegion},
  {IB_USER_VERBS_CMD_DEREG_MR, sizeof(ib_uverbs_dereg_mr), 0, deregisterRegion, true},
  {IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, sizeof(ib_uverbs_create_comp_channel), sizeof(ib_uverbs_create_comp_channel_resp), createChannel},
  {IB_USER_VERBS_CMD_CREATE_CQ, sizeof(ib_uverbs_create_cq), sizeof(ib_uverbs_create_cq_resp), createCq},
  {IB_USER_VERBS_CMD_RESIZE_CQ, sizeof(ib_uverbs_resize_cq), sizeof(ib_uverbs_resize_cq_resp), resizeCq},
  {IB_USER_VERBS_CMD_DESTROY_CQ, sizeof(ib_uverbs_destroy_cq), sizeof(ib_uverbs_destroy_cq_resp), destroyCq, true},
  {IB_USER_VERBS_CMD_CREATE_QP, sizeof(ib_uverbs_create_qp), sizeof(ib_uverbs_create_qp_resp), createQp},
  {IB_USER_VERBS_CMD_QUERY_QP, sizeof(ib_uverbs_query_qp), sizeof(ib_uverbs_query_qp_resp), queryQp},
  {IB_USER_VERBS_CMD_MODIFY_QP, sizeof(ib_uverbs_modify_qp), 0, modifyQp},
  {IB_USER_VERBS_CMD_DESTROY_QP, sizeof(ib_uverbs_destroy_qp), sizeof(ib_uverbs_destroy_qp_resp), destroyQp, true},
};

static const Entry EXTENDED[] = {
  {IB_USER_VERBS_EX_CMD_QUERY_DEVICE, 0, 0, queryDeviceEx},
  {IB_USER_VERBS_EX_CMD_CREATE_CQ, 0, 0, createCqEx},
  {IB_USER_VERBS_EX_CMD_CREATE_QP, 0, 0, createQpEx},
  {IB_USER_VERBS_EX_CMD_MODIFY_QP, 0, 0, modifyQpEx},
  {IB_USER_VERBS_EX_CMD_CREATE_FLOW, 0, 0, createFlow},
  {IB_USER_VERBS_EX_CMD_DESTROY_FLOW, 0, 0, destroyFlowCommand, true},
  {IB_USER_VERBS_EX_CMD_CREATE_WQ, 0, 0, createWq},
  {IB_USER_VERBS_EX_CMD_MODIFY_WQ, 0, 0, modifyWq},
  {IB_USER_VERBS_EX_CMD_DESTROY_WQ, 0, 0, destroyWq, true},
  {IB_USER_VERBS_EX_CMD_CREATE_RWQ_IND_TBL, 0, 0, createTable},
  {IB_USER_VERBS_EX_CMD_DESTROY_RWQ_IND_TBL, 0, 0, destroyTableCommand, true},
  {IB_USER_VERBS_EX_CMD_MODIFY_CQ, 0, 0, modifyCq},
};

static uint8_t* address(uint64_t value) { return reinterpret_cast<uint8_t*>(value); }

static int parseLegacy(const Entry& entry, const ib_uverbs_cmd_hdr& header, const uint8_t* bytes, size_t count, Command& command) {
  if (header.in_words * 4u != count) return EINVAL;
  command.request = bytes + sizeof header;
  command.requestBytes = count - sizeof header;
  size_t outBytes = header.out_words * 4u;
  if (command.requestBytes < entry.requestBytes || outBytes < entry.responseBytes) return ENOSPC;
  command.driverRequest = command.request + entry.requestBytes;
  command.driverRequestBytes = command.requestBytes - entry.requestBytes;
  command.requestBytes = entry.requestBytes;
  if (entry.responseBytes == 0) return 0;
  uint64_t response;
  memcpy(&response, command.request, sizeof response);
  command.response = address(response);
  command.responseBytes = entry.responseBytes;
  command.driverResponse = command.response + entry.responseBytes;
  command.driverResponseBytes = outBytes - entry.responseBytes;
  return 0;
}

static int parseExtended(const ib_uverbs_cmd_hdr& header, const uint8_t* bytes, size_t count, Command& command) {
  ib_uverbs_ex_cmd_hdr more;
  if (count < sizeof header + sizeof more) return EINVAL;
  memcpy(&more, bytes + sizeof header, sizeof more);
  if ((header.in_words + more.provider_in_words) * 8u != count - sizeof header - sizeof more) return EINVAL;
  if (more.cmd_hdr_reserved) return EINVAL;
  if (!more.response && header.out_words + more.provider_out_words) return EINVAL;
  command.request = bytes + sizeof header + sizeof more;
  command.requestBytes = header.in_words * 8u;
  command.driverRequest = command.request + command.requestBytes;
  command.driverRequestBytes = more.provider_in_words * 8u;
  command.response = address(more.response);
  command.responseBytes = header.out_words * 8u;
  command.driverResponse = command.response + command.responseBytes;
  command.driverResponseBytes = more.provider_out_words * 8u;
  return 0;
}

template <size_t N>
static const Entry* entryOf(const Entry (&table)[N], uint32_t number) {
  for (const Entry& entry : table) {
    if (entry.number == number) return &entry;
  }
  return nullptr;
}

static int run(Context& context, const uint8_t* bytes, size_t count) {
  ib_uverbs_cmd_hdr header;
  if (count < sizeof header) return EINVAL;
  memcpy(&header, bytes, sizeof header);
  uint32_t number = header.command & IB_USER_VERBS_CMD_COMMAND_MASK;
  bool extended = header.command & IB_USER_VERBS_CMD_FLAG_EXTENDED;
  const Entry* entry = extended ? entryOf(EXTENDED, number) : entryOf(LEGACY, number);
  if (!entry) return EOPNOTSUPP;
  Command command{};
  int error = extended ? parseExtended(header, bytes, count, command) : parseLegacy(*entry, header, bytes, count, command);
  if (error) return error;
  DeviceLock lock(context.device);
  if (!context.async && entry->run != getContext) return EINVAL;
  if (context.dead && !entry->destroys) return EIO;
  return entry->run(context, command);
}

ssize_t executeCommand(Context& context, const void* bytes, size_t count) {
  int error = run(context, static_cast<const uint8_t*>(bytes), count);
  if (!error) return count;
  errno = error;
  return -1;
}

} // namespace emulator
