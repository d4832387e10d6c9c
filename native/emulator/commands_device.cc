// GET_CONTEXT, QUERY_DEVICE, QUERY_PORT: what a ConnectX can do, with the numbers of a ConnectX-5.

#include <cerrno>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

#include "commands.h"
#include "numbers.h"
#include "options.h"
#include "ports.h"

namespace emulator {

constexpr uint32_t RAW_PACKET = 1 << 8; // in masks of QP types: IB_QPT_RAW_PACKET
/** PRM: a send WQE has at most 63 segments of 16 bytes; the capability says 1 KiB. */
constexpr uint32_t SQ_DESCRIPTOR_BYTES = 1024;
constexpr uint32_t RQ_DESCRIPTOR_BYTES = 512;

int getContext(Context& context, const Command& command) {
  if (context.async) return EINVAL;
  if (context.device.fatal) return EIO;
  auto request = command.readDriver<mlx5_ib_alloc_ucontext_req_v2>();
  // DevX needs ioctl(2) commands, which this model has not; libmlx5 asks again without it.
  if (request.flags & MLX5_IB_ALLOC_UCTX_DEVX) return EOPNOTSUPP;
  uint32_t registers = request.total_num_bfregs;
  if (registers == 0 || registers % 2 || registers > 512 || request.num_low_latency_bfregs >= registers) return EINVAL;
  if (request.max_cqe_version < 1) return EOPNOTSUPP;
  auto async = std::make_shared<EventChannel>();
  if (async->driverEnd() < 0) return ENFILE;

  mlx5_ib_alloc_ucontext_resp answer{};
  answer.qp_tab_size = 1 << 18;
  answer.bf_reg_size = 512;
  answer.tot_bfregs = registers;
  answer.cache_line_size = 64;
  answer.max_sq_desc_sz = SQ_DESCRIPTOR_BYTES;
  answer.max_rq_desc_sz = RQ_DESCRIPTOR_BYTES;
  answer.max_send_wqebb = MAX_WR;
  answer.max_recv_wr = MAX_WR;
  answer.max_srq_recv_wr = MAX_WR;
  answer.num_ports = 1;
  answer.response_length = sizeof answer;
  answer.cqe_version = 1;
  answer.cmds_supp_uhw = MLX5_USER_CMDS_SUPP_UHW_QUERY_DEVICE | MLX5_USER_CMDS_SUPP_UHW_CREATE_AH;
  answer.clock_info_versions = 1 << MLX5_IB_CLOCK_INFO_V1;
  answer.eth_min_inline = context.device.inlineHeader ? MLX5_USER_INLINE_MODE_L2 : MLX5_USER_INLINE_MODE_NONE;
  answer.log_uar_size = 12;
  answer.num_uars_per_page = 1;
  context.uarPages = registers / 2;
  context.async = async;
  command.answer(ib_uverbs_get_context_resp{static_cast<uint32_t>(async->driverEnd()), 2});
  command.answerDriver(answer);
  return 0;
}

static ib_uverbs_query_device_resp deviceAttributes(const Device& device) {
  const Model& model = modelOf(device);
  ib_uverbs_query_device_resp answer{};
  answer.fw_ver = static_cast<uint64_t>(model.firmware[0]) << 32 | model.firmware[1] << 16 | model.firmware[2];
  memcpy(&answer.node_guid, nodeGuid(device).data(), 8);
  answer.sys_image_guid = answer.node_guid;
  answer.max_mr_size = ~0ull;
  answer.page_size_cap = 0xfffffffffffff000;
  answer.vendor_id = 0x02c9; // the company id of Mellanox, not the PCI vendor
  answer.vendor_part_id = device.deviceId;
  answer.max_qp = 1 << 18;
  answer.max_qp_wr = MAX_WR;
  answer.device_cap_flags = IB_UVERBS_DEVICE_PORT_ACTIVE_EVENT | IB_UVERBS_DEVICE_SYS_IMAGE_GUID | IB_UVERBS_DEVICE_RAW_IP_CSUM |
                            IB_UVERBS_DEVICE_MANAGED_FLOW_STEERING | IB_UVERBS_DEVICE_CHANGE_PHY_PORT;
  answer.max_sge = 30;
  answer.max_sge_rd = 30;
  answer.max_cq = 1 << 24;
  answer.max_cqe = (1 << 22) - 1;
  answer.max_mr = 1 << 24;
  answer.max_pd = 1 << 24;
  answer.max_raw_ethy_qp = 1 << 18;
  answer.max_pkeys = 1;
  answer.local_ca_ack_delay = 16;
  answer.phys_port_cnt = 1;
  return answer;
}

int queryDevice(Context& context, const Command& command) {
  command.answer(deviceAttributes(context.device));
  return 0;
}

static mlx5_ib_query_device_resp mlx5Attributes(const Device& device) {
  mlx5_ib_query_device_resp answer{};
  answer.response_length = sizeof answer;
  answer.tso_caps = {1 << 18, RAW_PACKET};
  answer.rss_caps.rx_hash_function = MLX5_RX_HASH_FUNC_TOEPLITZ;
  answer.rss_caps.rx_hash_fields_mask = MLX5_RX_HASH_SRC_IPV4 | MLX5_RX_HASH_DST_IPV4 | MLX5_RX_HASH_SRC_IPV6 | MLX5_RX_HASH_DST_IPV6 |
                                        MLX5_RX_HASH_SRC_PORT_TCP | MLX5_RX_HASH_DST_PORT_TCP | MLX5_RX_HASH_SRC_PORT_UDP | MLX5_RX_HASH_DST_PORT_UDP;
  if (device.compression) {
    answer.cqe_comp_caps = {256, MLX5_IB_CQE_RES_FORMAT_HASH | MLX5_IB_CQE_RES_FORMAT_CSUM | MLX5_IB_CQE_RES_FORMAT_CSUM_STRIDX};
    answer.flags = MLX5_IB_QUERY_DEV_RESP_FLAGS_CQE_128B_COMP;
  }
  answer.mlx5_ib_support_multi_pkt_send_wqes = MLX5_IB_ALLOW_MPW | (device.inlineHeader ? 0 : MLX5_IB_SUPPORT_EMPW);
  if (device.striding) answer.striding_rq_caps = {6, 13, leastLogStrides(device), 16, RAW_PACKET, 0};
  return answer;
}

int queryDeviceEx(Context& context, const Command& command) {
  if (command.read<ib_uverbs_ex_query_device>().comp_mask) return EINVAL;
  if (command.responseBytes < offsetof(ib_uverbs_ex_query_device_resp, odp_caps)) return ENOSPC;
  const Device& device = context.device;
  ib_uverbs_ex_query_device_resp answer{};
  answer.base = deviceAttributes(device);
  answer.response_length = command.responseBytes < sizeof answer ? command.responseBytes : sizeof answer;
  answer.timestamp_mask = TIMESTAMP_MASK;
  answer.hca_core_clock = CORE_CLOCK_KHZ;
  answer.device_cap_flags_ex = answer.base.device_cap_flags | IB_UVERBS_DEVICE_RAW_SCATTER_FCS;
  answer.rss_caps = {RAW_PACKET, 1 << 20, 2048, 0};
  answer.max_wq_type_rq = 1 << 18;
  answer.raw_packet_caps = IB_UVERBS_RAW_PACKET_CAP_CVLAN_STRIPPING | IB_UVERBS_RAW_PACKET_CAP_SCATTER_FCS | IB_UVERBS_RAW_PACKET_CAP_IP_CSUM;
  answer.cq_moderation_caps = {65535, 4095, 0};
  command.answer(answer);
  command.answerDriver(mlx5Attributes(device));
  return 0;
}

/** enum ib_mtu: 256 is 1, 4096 is 5; of an Ethernet frame RoCE takes what fits beside its headers. */
static uint8_t mtuClass(uint32_t mtu) {
  uint8_t mtuClass = 1;
  while (mtuClass < 5 && (256u << mtuClass) + 62 <= mtu) mtuClass++;
  return mtuClass;
}

int queryPort(Context& context, const Command& command) {
  if (command.read<ib_uverbs_query_port>().port_num != 1) return EINVAL;
  const Device& device = context.device;
  const PortRate& rate = rateOf(device);
  ib_uverbs_query_port_resp answer{};
  answer.port_cap_flags = 0x04010000; // IB_PORT_CM_SUP, IB_PORT_IP_BASED_GIDS
  answer.max_msg_sz = 1 << 30;
  answer.gid_tbl_len = GID_COUNT;
  answer.pkey_tbl_len = 1;
  answer.state = device.linkUp ? 4 : 1; // active, down
  answer.max_mtu = 5;
  answer.active_mtu = mtuClass(device.mtu);
  answer.active_width = rate.width;
  answer.active_speed = rate.speed;
  answer.phys_state = device.linkUp ? 5 : 3; // link up, disabled
  answer.link_layer = 2; // Ethernet
  command.answer(answer);
  return 0;
}

} // namespace emulator
