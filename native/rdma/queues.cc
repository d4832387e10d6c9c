#include "queues.h"

#include <cerrno>

#include "outgoing.h"

using namespace verbs;

/** The key of Microsoft's RSS verification suite, which drivers use as their default: its hash values are published. */
static uint8_t hashKey[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                              0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static uint32_t powerOfTwo(uint32_t least) {
  uint32_t power = 1;
  while (power < least) power *= 2;
  return power;
}

/** A CQ of entries of CQE_SIZE; a sender's is never compressed (VPP 00f5d96f043: mini CQEs leave out which WQE they complete). */
static Failure createCq(const Device& device, int entries, ibv_comp_channel* channel, bool direct, uint8_t compression, Owned<ibv_cq>& cq) {
  if (!direct) {
    cq = {device.verbs.create_cq(device.context, entries, nullptr, channel, 0), device.verbs.destroy_cq};
    return cq ? Failure() : failure("ibv_create_cq", errno);
  }
  ibv_cq_init_attr_ex attributes{};
  attributes.cqe = static_cast<uint32_t>(entries);
  attributes.channel = channel;
  mlx5dv_cq_init_attr own{};
  own.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE;
  own.cqe_size = CQE_SIZE;
  if (compression) {
    own.comp_mask |= MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE;
    own.cqe_comp_res_format = compression;
  }
  cq = {device.verbs.mlx5dv_create_cq(device.context, &attributes, &own), device.verbs.destroy_cq};
  return cq ? Failure() : failure("mlx5dv_create_cq", errno);
}

/** Basic blocks of a WQE: control and Ethernet segment with inline headers, then a 16-byte data segment for each piece (PRM, "Send WQE"). */
static uint32_t blocksOf(uint32_t pieces, bool segmentation) { return (48 + (segmentation ? 144 : 0) + 16 * pieces + 63) / 64; }

Failure SendObjects::create(const Device& device, uint32_t count, uint32_t most, bool segmentation, bool direct) {
  packets = count;
  pieces = most;
  auto ring = [&] { return powerOfTwo(packets * blocksOf(pieces, segmentation)); };
  while (pieces > 1 && ring() > static_cast<uint32_t>(device.attributes.orig_attr.max_qp_wr)) pieces--;
  if (Failure error = createCq(device, static_cast<int>(packets), nullptr, direct, 0, cq)) return error;

  ibv_qp_init_attr_ex attributes{};
  attributes.send_cq = attributes.recv_cq = cq.get();
  attributes.cap.max_send_wr = packets;
  attributes.cap.max_send_sge = pieces;
  attributes.qp_type = IBV_QPT_RAW_PACKET;
  attributes.comp_mask = IBV_QP_INIT_ATTR_PD;
  attributes.pd = device.pd;
  if (segmentation) {
    attributes.comp_mask |= IBV_QP_INIT_ATTR_MAX_TSO_HEADER;
    attributes.max_tso_header = HEADERS_MAX;
  }
  qp = {device.more.create_qp_ex(device.context, &attributes), device.verbs.destroy_qp};
  return qp ? restart(device) : failure("ibv_create_qp", errno);
}

Failure SendObjects::restart(const Device& device) {
  for (int state : {IBV_QPS_RESET, IBV_QPS_INIT, IBV_QPS_RTR, IBV_QPS_RTS}) {
    ibv_qp_attr attributes{};
    attributes.qp_state = state;
    attributes.port_num = 1;
    int number = device.verbs.modify_qp(qp.get(), &attributes, IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0));
    if (number) return failure("ibv_modify_qp", number);
  }
  return {};
}

Failure ReceiveObjects::create(const Device& device, ibv_comp_channel* channel, const ReceiveShape& shape, bool direct) {
  if (Failure error = createCq(device, static_cast<int>(shape.packets), channel, direct, shape.compression, cq)) return error;
  ibv_wq_init_attr attributes{};
  attributes.wq_type = IBV_WQT_RQ;
  attributes.max_wr = shape.packets >> shape.logStrides;
  attributes.max_sge = shape.logStrides ? 1u << shape.logStrides : shape.segments;
  attributes.pd = device.pd;
  attributes.cq = cq.get();
  ibv_wq* made = nullptr;
  if (shape.logStrides) {
    mlx5dv_wq_init_attr striding{MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ, LOG_STRIDE, shape.logStrides, 0};
    made = device.verbs.mlx5dv_create_wq(device.context, &attributes, &striding);
  } else {
    made = device.more.create_wq(device.context, &attributes);
  }
  if (!made) return failure("ibv_create_wq", errno);
  // What verbs.h does after the call: ibv_destroy_wq waits on these.
  made->events_completed = 0;
  pthread_mutex_init(&made->mutex, nullptr);
  pthread_cond_init(&made->cond, nullptr);
  wq = {made, device.more.destroy_wq};
  return restart(device);
}

/** 0, or the errno. `from` is said where the library may be mistaken about the current state. */
static int moveTo(const Device& device, ibv_wq& wq, int state, int from = -1) {
  ibv_wq_attr attributes{};
  attributes.attr_mask = IBV_WQ_ATTR_STATE | (from < 0 ? 0 : IBV_WQ_ATTR_CURR_STATE);
  attributes.wq_state = state;
  if (from >= 0) attributes.curr_wq_state = from;
  return device.more.modify_wq(&wq, &attributes);
}

Failure ReceiveObjects::restart(const Device& device) {
  int number = 0;
  if (wq->state != IBV_WQS_RESET) {
    // The NIC may have put it into the error state by itself, of which the library does not know: then this fails, and it is there already.
    moveTo(device, *wq, IBV_WQS_ERR);
    number = moveTo(device, *wq, IBV_WQS_RESET, IBV_WQS_ERR);
  }
  if (number == 0) number = moveTo(device, *wq, IBV_WQS_RDY);
  return number ? failure("ibv_modify_wq", number) : Failure{};
}

/** An RSS QP: Toeplitz over these fields, over all WQs of the table. */
static Failure createRss(const Device& device, ibv_rwq_ind_table* table, uint64_t fields, Owned<ibv_qp>& qp) {
  ibv_qp_init_attr_ex attributes{};
  attributes.qp_type = IBV_QPT_RAW_PACKET;
  attributes.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_IND_TABLE | IBV_QP_INIT_ATTR_RX_HASH;
  attributes.pd = device.pd;
  attributes.rwq_ind_tbl = table;
  attributes.rx_hash_conf = {IBV_RX_HASH_FUNC_TOEPLITZ, sizeof hashKey, hashKey, fields};
  qp = {device.more.create_qp_ex(device.context, &attributes), device.verbs.destroy_qp};
  return qp ? Failure() : failure("ibv_create_qp (RSS)", errno);
}

Failure Spread::create(const Device& device, const std::vector<ibv_wq*>& queues, uint64_t fields4, uint64_t fields6) {
  // The table's size is a power of two: where the number of queues is none, a long table keeps their shares nearly equal.
  uint32_t count = static_cast<uint32_t>(queues.size()), entries = powerOfTwo(count);
  uint32_t most = device.attributes.rss_caps.max_rwq_indirection_table_size;
  if (entries != count) entries = most < 128 ? most : 128;
  std::vector<ibv_wq*> entry(entries);
  for (uint32_t i = 0; i < entries; i++) entry[i] = queues[i % count];
  ibv_rwq_ind_table_init_attr attributes{};
  attributes.ind_tbl = entry.data();
  while (1u << attributes.log_ind_tbl_size < entries) attributes.log_ind_tbl_size++;
  table = {device.more.create_rwq_ind_table(device.context, &attributes), device.more.destroy_rwq_ind_table};
  if (!table) return failure("ibv_create_rwq_ind_table", errno);
  if (Failure error = createRss(device, table.get(), fields4, qp4)) return error;
  return createRss(device, table.get(), fields6, qp6);
}
