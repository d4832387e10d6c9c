// Compares native/rdma/verbs_abi.h with the genuine headers of rdma-core. It only has to compile (g++ -fsyntax-only), where libibverbs-dev
// is installed: every difference is an error of a static_assert.

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "../../native/rdma/verbs_abi.h"

// Same size and same offset of a member, also when its name differs.
#define SAME_SIZE(type) static_assert(sizeof(verbs::type) == sizeof(::type), "size of " #type)
#define SAME_AS(type, ours, theirs) \
  static_assert(offsetof(verbs::type, ours) == offsetof(::type, theirs) && sizeof(verbs::type::ours) == sizeof(((::type*)0)->theirs), #type "." #theirs)
#define SAME(type, member) SAME_AS(type, member, member)
#define SAME_VALUE(name) static_assert(static_cast<uint64_t>(verbs::name) == static_cast<uint64_t>(::name), #name)

SAME_SIZE(ibv_device);
SAME(ibv_device, name);
SAME(ibv_device, dev_name);
SAME(ibv_device, ibdev_path);

SAME_SIZE(ibv_context);
SAME(ibv_context, device);
SAME_AS(ibv_context, poll_cq, ops.poll_cq);
SAME_AS(ibv_context, req_notify_cq, ops.req_notify_cq);
SAME_AS(ibv_context, post_send, ops.post_send);
SAME(ibv_context, async_fd);
SAME(ibv_context, abi_compat);

// verbs_context grows towards lower addresses: what counts is the distance from the ibv_context at its end.
static_assert(sizeof(verbs::extended_context) == offsetof(::verbs_context, context), "verbs_context");
#define SAME_FUNCTION(ours, theirs) \
  static_assert(sizeof(verbs::extended_context) - offsetof(verbs::extended_context, ours) == \
                    offsetof(::verbs_context, context) - offsetof(::verbs_context, theirs), "verbs_context." #theirs)
SAME_FUNCTION(query_port, query_port);
SAME_FUNCTION(destroy_rwq_ind_table, destroy_rwq_ind_table);
SAME_FUNCTION(create_rwq_ind_table, create_rwq_ind_table);
SAME_FUNCTION(destroy_wq, destroy_wq);
SAME_FUNCTION(modify_wq, modify_wq);
SAME_FUNCTION(create_wq, create_wq);
SAME_FUNCTION(query_device_ex, query_device_ex);
SAME_FUNCTION(destroy_flow, ibv_destroy_flow);
SAME_FUNCTION(create_flow, ibv_create_flow);
SAME_FUNCTION(create_qp_ex, create_qp_ex);
SAME_FUNCTION(sz, sz);

SAME(ibv_mr, lkey);
SAME(ibv_comp_channel, fd);
SAME(ibv_cq, context);
SAME(ibv_qp, context);
SAME(ibv_qp, qp_num);
SAME(ibv_wq, wq_num);
SAME(ibv_wq, state);
SAME(ibv_wq, post_recv);
SAME(ibv_wq, mutex);
SAME(ibv_wq, cond);
SAME(ibv_wq, events_completed);

SAME_SIZE(ibv_device_attr);
SAME(ibv_device_attr, fw_ver);
SAME(ibv_device_attr, max_qp_wr);
SAME_SIZE(ibv_device_attr_ex);
SAME(ibv_device_attr_ex, tso_caps);
SAME(ibv_device_attr_ex, rss_caps);
SAME(ibv_device_attr_ex, raw_packet_caps);
SAME_AS(ibv_device_attr_ex, tso_caps.max_tso, tso_caps.max_tso);
SAME_AS(ibv_device_attr_ex, tso_caps.supported_qpts, tso_caps.supported_qpts);
SAME_AS(ibv_device_attr_ex, rss_caps.max_rwq_indirection_table_size, rss_caps.max_rwq_indirection_table_size);
SAME_SIZE(ibv_port_attr);
SAME(ibv_port_attr, state);
SAME_SIZE(ibv_async_event);
SAME(ibv_async_event, event_type);

SAME_SIZE(ibv_wc);
SAME(ibv_wc, wr_id);
SAME(ibv_wc, status);
SAME(ibv_wc, byte_len);
SAME_SIZE(ibv_cq_init_attr_ex);
SAME(ibv_cq_init_attr_ex, cqe);
SAME(ibv_cq_init_attr_ex, channel);
SAME_SIZE(ibv_qp_cap);
SAME_SIZE(ibv_qp_attr);
SAME(ibv_qp_attr, qp_state);
SAME(ibv_qp_attr, port_num);
SAME_SIZE(ibv_rx_hash_conf);
SAME(ibv_rx_hash_conf, rx_hash_key);
SAME(ibv_rx_hash_conf, rx_hash_fields_mask);
SAME_SIZE(ibv_qp_init_attr_ex);
SAME(ibv_qp_init_attr_ex, send_cq);
SAME(ibv_qp_init_attr_ex, recv_cq);
SAME(ibv_qp_init_attr_ex, cap);
SAME(ibv_qp_init_attr_ex, qp_type);
SAME(ibv_qp_init_attr_ex, comp_mask);
SAME(ibv_qp_init_attr_ex, pd);
SAME(ibv_qp_init_attr_ex, max_tso_header);
SAME(ibv_qp_init_attr_ex, rwq_ind_tbl);
SAME(ibv_qp_init_attr_ex, rx_hash_conf);
SAME_SIZE(ibv_wq_init_attr);
SAME(ibv_wq_init_attr, max_wr);
SAME(ibv_wq_init_attr, max_sge);
SAME(ibv_wq_init_attr, pd);
SAME(ibv_wq_init_attr, cq);
SAME_SIZE(ibv_wq_attr);
SAME(ibv_wq_attr, wq_state);
SAME(ibv_wq_attr, curr_wq_state);
SAME_SIZE(ibv_rwq_ind_table_init_attr);
SAME(ibv_rwq_ind_table_init_attr, log_ind_tbl_size);
SAME(ibv_rwq_ind_table_init_attr, ind_tbl);
SAME_SIZE(ibv_sge);
SAME(ibv_sge, lkey);
SAME_SIZE(ibv_send_wr);
SAME(ibv_send_wr, sg_list);
SAME(ibv_send_wr, num_sge);
SAME(ibv_send_wr, opcode);
SAME(ibv_send_wr, send_flags);
SAME_AS(ibv_send_wr, tso.hdr, tso.hdr);
SAME_AS(ibv_send_wr, tso.hdr_sz, tso.hdr_sz);
SAME_AS(ibv_send_wr, tso.mss, tso.mss);
SAME_SIZE(ibv_recv_wr);
SAME(ibv_recv_wr, sg_list);
SAME(ibv_recv_wr, num_sge);
SAME_SIZE(ibv_flow_eth_filter);
SAME(ibv_flow_eth_filter, ether_type);
SAME_SIZE(ibv_flow_spec_eth);
SAME(ibv_flow_spec_eth, size);
SAME(ibv_flow_spec_eth, val);
SAME(ibv_flow_spec_eth, mask);
SAME_SIZE(ibv_flow_attr);
SAME(ibv_flow_attr, type);
SAME(ibv_flow_attr, size);
SAME(ibv_flow_attr, priority);
SAME(ibv_flow_attr, num_of_specs);
SAME(ibv_flow_attr, port);
SAME(ibv_flow_attr, flags);

static_assert(sizeof(verbs::mlx5dv_context) >= sizeof(::mlx5dv_context), "mlx5dv_query_device writes it whole");
SAME(mlx5dv_context, flags);
SAME(mlx5dv_context, comp_mask);
SAME(mlx5dv_context, cqe_comp_caps);
SAME(mlx5dv_context, striding_rq_caps);
SAME_SIZE(mlx5dv_cq_init_attr);
SAME(mlx5dv_cq_init_attr, cqe_comp_res_format);
SAME(mlx5dv_cq_init_attr, cqe_size);
SAME_SIZE(mlx5dv_wq_init_attr);
SAME_AS(mlx5dv_wq_init_attr, single_stride_log_num_of_bytes, striding_rq_attrs.single_stride_log_num_of_bytes);
SAME_AS(mlx5dv_wq_init_attr, single_wqe_log_num_of_strides, striding_rq_attrs.single_wqe_log_num_of_strides);
SAME_AS(mlx5dv_wq_init_attr, two_byte_shift_en, striding_rq_attrs.two_byte_shift_en);
SAME_SIZE(mlx5dv_qp);
SAME(mlx5dv_qp, dbrec);
SAME(mlx5dv_qp, sq);
SAME(mlx5dv_qp, bf);
SAME_SIZE(mlx5dv_cq);
SAME(mlx5dv_cq, buf);
SAME(mlx5dv_cq, dbrec);
SAME(mlx5dv_cq, cqe_cnt);
SAME(mlx5dv_cq, cqe_size);
SAME(mlx5dv_cq, cq_uar);
SAME(mlx5dv_cq, cqn);
SAME_SIZE(mlx5dv_rwq);
SAME(mlx5dv_rwq, buf);
SAME(mlx5dv_rwq, dbrec);
SAME(mlx5dv_rwq, wqe_cnt);
SAME(mlx5dv_rwq, stride);
SAME_SIZE(mlx5dv_obj);
SAME(mlx5dv_obj, qp);
SAME(mlx5dv_obj, cq);
SAME(mlx5dv_obj, rwq);

SAME_VALUE(IBV_RAW_PACKET_CAP_IP_CSUM);
SAME_VALUE(IBV_PORT_ACTIVE);
SAME_VALUE(IBV_PORT_ACTIVE_DEFER);
SAME_VALUE(IBV_EVENT_CQ_ERR);
SAME_VALUE(IBV_EVENT_DEVICE_FATAL);
SAME_VALUE(IBV_WC_LOC_LEN_ERR);
SAME_VALUE(IBV_QPT_RAW_PACKET);
SAME_VALUE(IBV_QPS_RESET);
SAME_VALUE(IBV_QPS_INIT);
SAME_VALUE(IBV_QPS_RTR);
SAME_VALUE(IBV_QPS_RTS);
SAME_VALUE(IBV_QP_STATE);
SAME_VALUE(IBV_QP_PORT);
SAME_VALUE(IBV_RX_HASH_FUNC_TOEPLITZ);
SAME_VALUE(IBV_QP_INIT_ATTR_PD);
SAME_VALUE(IBV_QP_INIT_ATTR_MAX_TSO_HEADER);
SAME_VALUE(IBV_QP_INIT_ATTR_IND_TABLE);
SAME_VALUE(IBV_QP_INIT_ATTR_RX_HASH);
SAME_VALUE(IBV_WQT_RQ);
SAME_VALUE(IBV_WQS_RESET);
SAME_VALUE(IBV_WQS_RDY);
SAME_VALUE(IBV_WQS_ERR);
SAME_VALUE(IBV_WQ_ATTR_STATE);
SAME_VALUE(IBV_WQ_ATTR_CURR_STATE);
SAME_VALUE(IBV_WR_SEND);
SAME_VALUE(IBV_WR_TSO);
SAME_VALUE(IBV_SEND_SIGNALED);
SAME_VALUE(IBV_SEND_IP_CSUM);
SAME_VALUE(IBV_FLOW_SPEC_ETH);
SAME_VALUE(IBV_FLOW_ATTR_FLAGS_DONT_TRAP);
SAME_VALUE(IBV_ACCESS_LOCAL_WRITE);
SAME_VALUE(MLX5DV_CONTEXT_MASK_CQE_COMPRESION);
SAME_VALUE(MLX5DV_CONTEXT_MASK_STRIDING_RQ);
SAME_VALUE(MLX5DV_CONTEXT_FLAGS_CQE_V1);
SAME_VALUE(MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE);
SAME_VALUE(MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE);
SAME_VALUE(MLX5DV_CQE_RES_FORMAT_HASH);
SAME_VALUE(MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX);
SAME_VALUE(MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ);
SAME_VALUE(MLX5DV_OBJ_QP);
SAME_VALUE(MLX5DV_OBJ_CQ);
SAME_VALUE(MLX5DV_OBJ_RWQ);

// RSS_FIELDS of host/ports/rdma-options.ts, which native.test.ts defines here: ipv4-udp is RSS_ipv4_udp.
#define SAME_FIELDS(ours, addresses, ports) static_assert(ours == (::IBV_RX_HASH_SRC_##addresses | ::IBV_RX_HASH_DST_##addresses | (ports)), #ours)
SAME_FIELDS(RSS_ipv4, IPV4, 0);
SAME_FIELDS(RSS_ipv4_udp, IPV4, ::IBV_RX_HASH_SRC_PORT_UDP | ::IBV_RX_HASH_DST_PORT_UDP);
SAME_FIELDS(RSS_ipv4_tcp, IPV4, ::IBV_RX_HASH_SRC_PORT_TCP | ::IBV_RX_HASH_DST_PORT_TCP);
SAME_FIELDS(RSS_ipv6, IPV6, 0);
SAME_FIELDS(RSS_ipv6_udp, IPV6, ::IBV_RX_HASH_SRC_PORT_UDP | ::IBV_RX_HASH_DST_PORT_UDP);
SAME_FIELDS(RSS_ipv6_tcp, IPV6, ::IBV_RX_HASH_SRC_PORT_TCP | ::IBV_RX_HASH_DST_PORT_TCP);
