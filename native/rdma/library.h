// rdma-core, loaded on first use: whoever has no ConnectX needs none of it.
#pragma once

#include <string>

#include "verbs_abi.h"

/** Why an rdma call failed: `code` is an errno's name or RDMA_*, `syscall` the verb, `detail` what the message to a person needs. */
struct RdmaError {
  std::string code, syscall, detail;
  explicit operator bool() const { return !code.empty(); }
};

/** What a verb's errno says. */
RdmaError verbFailed(const char* verb, int number, const std::string& detail = "");

/** The exported functions, by their names without "ibv_"; those of mlx5dv.h as they are. */
struct Library {
  verbs::ibv_device** (*get_device_list)(int* count);
  void (*free_device_list)(verbs::ibv_device**);
  verbs::ibv_context* (*open_device)(verbs::ibv_device*);
  int (*close_device)(verbs::ibv_context*);
  int (*query_gid)(verbs::ibv_context*, uint8_t port, int index, verbs::ibv_gid*);
  int (*get_async_event)(verbs::ibv_context*, verbs::ibv_async_event*);
  void (*ack_async_event)(verbs::ibv_async_event*);
  verbs::ibv_pd* (*alloc_pd)(verbs::ibv_context*);
  int (*dealloc_pd)(verbs::ibv_pd*);
  verbs::ibv_mr* (*reg_mr)(verbs::ibv_pd*, void* start, size_t length, int access);
  int (*dereg_mr)(verbs::ibv_mr*);
  verbs::ibv_comp_channel* (*create_comp_channel)(verbs::ibv_context*);
  int (*destroy_comp_channel)(verbs::ibv_comp_channel*);
  verbs::ibv_cq* (*create_cq)(verbs::ibv_context*, int entries, void* context, verbs::ibv_comp_channel*, int vector);
  int (*destroy_cq)(verbs::ibv_cq*);
  int (*get_cq_event)(verbs::ibv_comp_channel*, verbs::ibv_cq**, void** context);
  void (*ack_cq_events)(verbs::ibv_cq*, unsigned count);
  int (*modify_qp)(verbs::ibv_qp*, verbs::ibv_qp_attr*, int mask);
  int (*destroy_qp)(verbs::ibv_qp*);

  bool (*mlx5dv_is_supported)(verbs::ibv_device*);
  int (*mlx5dv_query_device)(verbs::ibv_context*, verbs::mlx5dv_context*);
  verbs::ibv_cq* (*mlx5dv_create_cq)(verbs::ibv_context*, verbs::ibv_cq_init_attr_ex*, verbs::mlx5dv_cq_init_attr*);
  verbs::ibv_wq* (*mlx5dv_create_wq)(verbs::ibv_context*, verbs::ibv_wq_init_attr*, verbs::mlx5dv_wq_init_attr*);
  int (*mlx5dv_init_obj)(verbs::mlx5dv_obj*, uint64_t type);
};

/** Null where it cannot be loaded; then `error` says what is missing. */
const Library* library(RdmaError& error);

/** The functions that verbs.h calls through the context; null where the library is too old (rdma-core before 16) to have them all. */
inline const verbs::extended_context* extended(const verbs::ibv_context* context) {
  const auto* found = reinterpret_cast<const verbs::extended_context*>(context) - 1;
  bool whole = context->abi_compat == reinterpret_cast<void*>(UINTPTR_MAX) && found->sz >= sizeof *found + sizeof *context;
  return whole ? found : nullptr;
}
