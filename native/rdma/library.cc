#include "library.h"

#include <dlfcn.h>

#include <cstring>
#include <mutex>

RdmaError verbFailed(const char* verb, int number, const std::string& detail) {
  const char* name = strerrorname_np(number);
  return {name ? name : "UNKNOWN", verb, detail};
}

/** Looks every function up in one library; false and the name of what is missing otherwise. */
class Loader {
 public:
  explicit Loader(const char* file) : file_(file), handle_(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_) missing_ = file;
  }
  template <typename F> Loader& find(const char* name, F*& function) {
    // The default version of the name: the one that the headers of today describe.
    if (handle_) function = reinterpret_cast<F*>(dlsym(handle_, name));
    if (handle_ && !function && missing_.empty()) missing_ = std::string(name) + " in " + file_;
    return *this;
  }
  const std::string& missing() const { return missing_; }

 private:
  const char* file_;
  void* handle_; // for the life of the process, as its contexts
  std::string missing_;
};

static std::string loadVerbs(Library& l) {
  return Loader("libibverbs.so.1")
      .find("ibv_get_device_list", l.get_device_list).find("ibv_free_device_list", l.free_device_list)
      .find("ibv_open_device", l.open_device).find("ibv_close_device", l.close_device).find("ibv_query_gid", l.query_gid)
      .find("ibv_get_async_event", l.get_async_event).find("ibv_ack_async_event", l.ack_async_event)
      .find("ibv_alloc_pd", l.alloc_pd).find("ibv_dealloc_pd", l.dealloc_pd)
      .find("ibv_reg_mr", l.reg_mr).find("ibv_dereg_mr", l.dereg_mr)
      .find("ibv_create_comp_channel", l.create_comp_channel).find("ibv_destroy_comp_channel", l.destroy_comp_channel)
      .find("ibv_create_cq", l.create_cq).find("ibv_destroy_cq", l.destroy_cq)
      .find("ibv_get_cq_event", l.get_cq_event).find("ibv_ack_cq_events", l.ack_cq_events)
      .find("ibv_modify_qp", l.modify_qp).find("ibv_destroy_qp", l.destroy_qp).missing();
}

static std::string loadDirectVerbs(Library& l) {
  return Loader("libmlx5.so.1")
      .find("mlx5dv_is_supported", l.mlx5dv_is_supported).find("mlx5dv_query_device", l.mlx5dv_query_device)
      .find("mlx5dv_create_cq", l.mlx5dv_create_cq).find("mlx5dv_create_wq", l.mlx5dv_create_wq)
      .find("mlx5dv_init_obj", l.mlx5dv_init_obj).missing();
}

const Library* library(RdmaError& error) {
  static std::mutex lock;
  static Library loaded;
  static bool whole = false;
  std::lock_guard<std::mutex> guard(lock);
  if (whole) return &loaded;
  // A failure is not kept: rdma-core may be installed while the process runs.
  std::string missing = loadVerbs(loaded);
  if (missing.empty()) missing = loadDirectVerbs(loaded);
  whole = missing.empty();
  if (!whole) error = {"RDMA_NO_LIBRARY", "dlopen", missing};
  return whole ? &loaded : nullptr;
}
