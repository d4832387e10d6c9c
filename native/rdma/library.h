// rdma-core, loaded on first use: whoever has no ConnectX needs none of it.
#pragma once

#include "../calls.h"
#include "verbs_abi.h"

/** Finds functions in one shared object, and notes in `missing` the first thing that is not there. */
class SharedObject {
 public:
  SharedObject(const char* file, std::string& missing);
  struct Symbol {
    void* address;
    template <typename F> operator F*() const { return reinterpret_cast<F*>(address); }
  };
  /** The default version of the name: the one that the headers of today describe. */
  Symbol operator[](const char* name);

 private:
  const char* file_;
  std::string& missing_;
  void* handle_; // for the life of the process, as its contexts
};

/** The exported functions, by their names without "ibv_"; those of mlx5dv.h as they are. */
struct Library {
  std::string missing;
  SharedObject ibv{"libibverbs.so.1", missing};
  verbs::ibv_device** (*get_device_list)(int* count) = ibv["ibv_get_device_list"];
  void (*free_device_list)(verbs::ibv_device**) = ibv["ibv_free_device_list"];
  verbs::ibv_context* (*open_device)(verbs::ibv_device*) = ibv["ibv_open_device"];
  int (*close_device)(verbs::ibv_context*) = ibv["ibv_close_device"];
  int (*get_async_event)(verbs::ibv_context*, verbs::ibv_async_event*) = ibv["ibv_get_async_event"];
  void (*ack_async_event)(verbs::ibv_async_event*) = ibv["ibv_ack_async_event"];
  verbs::ibv_pd* (*alloc_pd)(verbs::ibv_context*) = ibv["ibv_alloc_pd"];
  int (*dealloc_pd)(verbs::ibv_pd*) = ibv["ibv_dealloc_pd"];
  verbs::ibv_mr* (*reg_mr)(verbs::ibv_pd*, void* start, size_t length, int access) = ibv["ibv_reg_mr"];
  int (*dereg_mr)(verbs::ibv_mr*) = ibv["ibv_dereg_mr"];
  verbs::ibv_comp_channel* (*create_comp_channel)(verbs::ibv_context*) = ibv["ibv_create_comp_channel"];
  int (*destroy_comp_channel)(verbs::ibv_comp_channel*) = ibv["ibv_destroy_comp_channel"];
  verbs::ibv_cq* (*create_cq)(verbs::ibv_context*, int entries, void* context, verbs::ibv_comp_channel*, int vector) = ibv["ibv_create_cq"];
  int (*destroy_cq)(verbs::ibv_cq*) = ibv["ibv_destroy_cq"];
  int (*get_cq_event)(verbs::ibv_comp_channel*, verbs::ibv_cq**, void** context) = ibv["ibv_get_cq_event"];
  void (*ack_cq_events)(verbs::ibv_cq*, unsigned count) = ibv["ibv_ack_cq_events"];
  int (*modify_qp)(verbs::ibv_qp*, verbs::ibv_qp_attr*, int mask) = ibv["ibv_modify_qp"];
  int (*destroy_qp)(verbs::ibv_qp*) = ibv["ibv_destroy_qp"];

  SharedObject mlx5{"libmlx5.so.1", missing};
  bool (*mlx5dv_is_supported)(verbs::ibv_device*) = mlx5["mlx5dv_is_supported"];
  int (*mlx5dv_query_device)(verbs::ibv_context*, verbs::mlx5dv_context*) = mlx5["mlx5dv_query_device"];
  verbs::ibv_cq* (*mlx5dv_create_cq)(verbs::ibv_context*, verbs::ibv_cq_init_attr_ex*, verbs::mlx5dv_cq_init_attr*) = mlx5["mlx5dv_create_cq"];
  verbs::ibv_wq* (*mlx5dv_create_wq)(verbs::ibv_context*, verbs::ibv_wq_init_attr*, verbs::mlx5dv_wq_init_attr*) = mlx5["mlx5dv_create_wq"];
  int (*mlx5dv_init_obj)(verbs::mlx5dv_obj*, uint64_t type) = mlx5["mlx5dv_init_obj"];
};

/** Null where it cannot be loaded; then `error` says what is missing. */
const Library* library(Failure& error);

/** The functions that verbs.h calls through the context; null where the library is too old (rdma-core before 16) to have them all. */
inline const verbs::extended_context* extended(const verbs::ibv_context* context) {
  const auto* found = reinterpret_cast<const verbs::extended_context*>(context) - 1;
  bool whole = context->abi_compat == reinterpret_cast<void*>(UINTPTR_MAX) && found->sz >= sizeof *found + sizeof *context;
  return whole ? found : nullptr;
}
