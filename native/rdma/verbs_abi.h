// What the shim uses of the binary interface of libibverbs.so.1 (ABI "IBVERBS_1.1") and libmlx5.so.1 ("MLX5_1.0" and later).
//
// Both are loaded at run time, so building needs no rdma-core. The names are those of infiniband/verbs.h and infiniband/mlx5dv.h, where
// each is explained (ibv_create_wq(3), ibv_create_flow(3), mlx5dv_init_obj(3) …); what the shim does not touch is left as room.
// x86-64 only, as the whole project. test/native/verbs-abi-check.cc compares every size, place and value with the genuine headers.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace verbs {

struct ibv_device {
  void* room[3];
  char name[64]; // "mlx5_0"
  char dev_name[64]; // "uverbs0"
  char dev_path[256];
  char ibdev_path[256]; // of class/infiniband/mlx5_0 in sysfs
};

// Objects are the library's: each is declared as far as the shim reads it.

struct ibv_pd;
struct ibv_flow;
struct ibv_rwq_ind_table;
struct ibv_qp;
struct ibv_cq;
struct ibv_wc;
struct ibv_send_wr;
struct ibv_recv_wr;

struct ibv_context {
  ibv_device* device;
  void* room1[11];
  int (*poll_cq)(ibv_cq*, int entries, ibv_wc*);
  int (*req_notify_cq)(ibv_cq*, int solicitedOnly);
  void* room2[12];
  int (*post_send)(ibv_qp*, ibv_send_wr*, ibv_send_wr** bad);
  void* room3[6];
  int room4, async_fd;
  void* room5[6];
  void* abi_compat; // all ones: an extended_context lies before this struct
};

struct ibv_mr { void* room[4]; uint32_t handle, lkey; };
struct ibv_comp_channel { ibv_context* context; int fd; };
struct ibv_cq { ibv_context* context; };
struct ibv_qp { ibv_context* context; void* room[5]; uint32_t handle, qp_num; };

struct ibv_wq {
  void* room[4];
  uint32_t wq_num, handle;
  int state, wq_type;
  int (*post_recv)(ibv_wq*, ibv_recv_wr*, ibv_recv_wr** bad);
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  uint32_t events_completed;
};

// Capabilities

struct ibv_device_attr { char fw_ver[64]; uint32_t room1[12]; int max_qp_wr, room2[29]; };

struct ibv_device_attr_ex {
  ibv_device_attr orig_attr;
  uint32_t room1[14];
  struct { uint32_t max_tso, supported_qpts; } tso_caps; // 1 << IBV_QPT_*
  struct { uint32_t room1[2], max_rwq_indirection_table_size; uint64_t room2[2]; } rss_caps;
  uint32_t room2[4], raw_packet_caps, room3[13];
};
constexpr uint32_t IBV_RAW_PACKET_CAP_IP_CSUM = 1 << 2;

struct ibv_port_attr { int state; uint32_t room[12]; };
constexpr int IBV_PORT_ACTIVE = 4, IBV_PORT_ACTIVE_DEFER = 5;

// Asynchronous events

struct ibv_async_event { void* element; int event_type; };
constexpr int IBV_EVENT_CQ_ERR = 0, IBV_EVENT_DEVICE_FATAL = 8;

// Completion queues

struct ibv_wc {
  uint64_t wr_id;
  int status; // 0: success
  uint32_t room1[2], byte_len, room2[6];
};
constexpr int IBV_WC_LOC_LEN_ERR = 1;

struct ibv_cq_init_attr_ex { uint32_t cqe; void* cq_context; ibv_comp_channel* channel; uint64_t room[4]; };

// Queue pairs

constexpr int IBV_QPT_RAW_PACKET = 8;
enum ibv_qp_state : int { IBV_QPS_RESET, IBV_QPS_INIT, IBV_QPS_RTR, IBV_QPS_RTS };
constexpr int IBV_QP_STATE = 1 << 0, IBV_QP_PORT = 1 << 5;
struct ibv_qp_attr { int qp_state; uint8_t room1[125], port_num, room2[14]; };

struct ibv_qp_cap { uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline_data; };
struct ibv_rx_hash_conf { uint8_t rx_hash_function, rx_hash_key_len; uint8_t* rx_hash_key; uint64_t rx_hash_fields_mask; };
constexpr uint8_t IBV_RX_HASH_FUNC_TOEPLITZ = 1;

struct ibv_qp_init_attr_ex {
  void* room1;
  ibv_cq *send_cq, *recv_cq;
  void* room2;
  ibv_qp_cap cap;
  int qp_type, sq_sig_all;
  uint32_t comp_mask;
  ibv_pd* pd;
  void* room3;
  uint32_t create_flags;
  uint16_t max_tso_header;
  ibv_rwq_ind_table* rwq_ind_tbl;
  ibv_rx_hash_conf rx_hash_conf;
  uint64_t room4[2];
};
constexpr uint32_t IBV_QP_INIT_ATTR_PD = 1 << 0, IBV_QP_INIT_ATTR_MAX_TSO_HEADER = 1 << 3, IBV_QP_INIT_ATTR_IND_TABLE = 1 << 4;
constexpr uint32_t IBV_QP_INIT_ATTR_RX_HASH = 1 << 5;

// Receive work queues and their indirection table

constexpr int IBV_WQT_RQ = 0;
enum ibv_wq_state : int { IBV_WQS_RESET, IBV_WQS_RDY, IBV_WQS_ERR };
constexpr uint32_t IBV_WQ_ATTR_STATE = 1 << 0, IBV_WQ_ATTR_CURR_STATE = 1 << 1;
struct ibv_wq_init_attr { void* wq_context; int wq_type; uint32_t max_wr, max_sge; ibv_pd* pd; ibv_cq* cq; uint32_t room[2]; };
struct ibv_wq_attr { uint32_t attr_mask; int wq_state, curr_wq_state; uint32_t room[2]; };
struct ibv_rwq_ind_table_init_attr { uint32_t log_ind_tbl_size; ibv_wq** ind_tbl; uint32_t comp_mask; };

// Work requests

struct ibv_sge { uint64_t addr; uint32_t length, lkey; };
struct ibv_recv_wr { uint64_t wr_id; ibv_recv_wr* next; ibv_sge* sg_list; int num_sge; };

struct ibv_send_wr {
  uint64_t wr_id;
  ibv_send_wr* next;
  ibv_sge* sg_list;
  int num_sge, opcode;
  unsigned send_flags;
  uint64_t room1[5];
  struct { void* hdr; uint16_t hdr_sz, mss; } tso;
  uint64_t room2[4];
};
constexpr int IBV_WR_SEND = 2, IBV_WR_TSO = 10;
constexpr unsigned IBV_SEND_SIGNALED = 1 << 1, IBV_SEND_IP_CSUM = 1 << 4;
constexpr int IBV_ACCESS_LOCAL_WRITE = 1;

// Flow steering: the specs follow the attributes in memory

struct ibv_flow_eth_filter {
  uint8_t dst_mac[6], src_mac[6];
  uint16_t ether_type; // big-endian, as the tag
  uint16_t vlan_tag;
};
struct ibv_flow_spec_eth { int type; uint16_t size; ibv_flow_eth_filter val, mask; };

struct ibv_flow_attr {
  uint32_t comp_mask;
  int type; // 0: by its specs
  uint16_t size;
  uint16_t priority; // 0 comes first
  uint8_t num_of_specs, port;
  uint32_t flags;
};
constexpr int IBV_FLOW_SPEC_ETH = 0x20;
constexpr uint32_t IBV_FLOW_ATTR_FLAGS_DONT_TRAP = 1 << 1;

/**
 * The functions that verbs.h calls through the context. The struct grows towards lower addresses and ends where ibv_context begins:
 * `sz` says how much of it the library has.
 */
struct extended_context {
  int (*query_port)(ibv_context*, uint8_t port, ibv_port_attr*, size_t length);
  void* room1[18];
  int (*destroy_rwq_ind_table)(ibv_rwq_ind_table*);
  ibv_rwq_ind_table* (*create_rwq_ind_table)(ibv_context*, ibv_rwq_ind_table_init_attr*);
  int (*destroy_wq)(ibv_wq*);
  int (*modify_wq)(ibv_wq*, ibv_wq_attr*);
  ibv_wq* (*create_wq)(ibv_context*, ibv_wq_init_attr*);
  void* room2[3];
  int (*query_device_ex)(ibv_context*, const void* input, ibv_device_attr_ex*, size_t length);
  int (*destroy_flow)(ibv_flow*);
  void* room3;
  ibv_flow* (*create_flow)(ibv_qp*, ibv_flow_attr*);
  void* room4[2];
  ibv_qp* (*create_qp_ex)(ibv_context*, ibv_qp_init_attr_ex*);
  void* room5[5];
  size_t sz; // of this struct and the ibv_context
};

// Direct Verbs

struct mlx5dv_context {
  uint64_t version, flags;
  uint64_t comp_mask; // asked for and answered: MLX5DV_CONTEXT_MASK_*
  struct { uint32_t max_num, supported_format; } cqe_comp_caps;
  uint32_t room1[2];
  struct {
    uint32_t min_single_stride_log_num_of_bytes, max_single_stride_log_num_of_bytes;
    uint32_t min_single_wqe_log_num_of_strides, max_single_wqe_log_num_of_strides, supported_qpts;
  } striding_rq_caps;
  uint32_t room2[63]; // newer libraries write more
};
constexpr uint64_t MLX5DV_CONTEXT_MASK_CQE_COMPRESION = 1 << 0, MLX5DV_CONTEXT_MASK_STRIDING_RQ = 1 << 2, MLX5DV_CONTEXT_FLAGS_CQE_V1 = 1 << 0;

struct mlx5dv_cq_init_attr { uint64_t comp_mask; uint8_t cqe_comp_res_format; uint32_t flags; uint16_t cqe_size; };
constexpr uint64_t MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE = 1 << 0, MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE = 1 << 2;
constexpr uint8_t MLX5DV_CQE_RES_FORMAT_HASH = 1 << 0, MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX = 1 << 2;

struct mlx5dv_wq_init_attr {
  uint64_t comp_mask;
  uint32_t single_stride_log_num_of_bytes, single_wqe_log_num_of_strides;
  uint8_t two_byte_shift_en;
};
constexpr uint64_t MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ = 1 << 0;

struct mlx5dv_qp {
  uint32_t* dbrec;
  struct { void* buf; uint32_t wqe_cnt, stride; } sq, rq;
  struct { void* reg; uint32_t size; } bf; // size 0: no BlueFlame, only a doorbell
  uint64_t room[5];
};
struct mlx5dv_cq { void* buf; uint32_t* dbrec; uint32_t cqe_cnt, cqe_size; void* cq_uar; uint32_t cqn; uint64_t comp_mask; };
struct mlx5dv_rwq { void* buf; uint32_t* dbrec; uint32_t wqe_cnt, stride; uint64_t comp_mask; };

struct mlx5dv_obj {
  struct { ibv_qp* in; mlx5dv_qp* out; } qp;
  struct { ibv_cq* in; mlx5dv_cq* out; } cq;
  void* room1[2];
  struct { ibv_wq* in; mlx5dv_rwq* out; } rwq;
  void* room2[6];
};
constexpr uint64_t MLX5DV_OBJ_QP = 1 << 0, MLX5DV_OBJ_CQ = 1 << 1, MLX5DV_OBJ_RWQ = 1 << 3;

} // namespace verbs
