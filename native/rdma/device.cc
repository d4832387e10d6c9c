#include "device.h"

#include <sys/resource.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

using namespace verbs;

static ListedDevice listed(const ibv_device& device) {
  char folder[PATH_MAX];
  bool found = realpath((std::string(device.ibdev_path) + "/device").c_str(), folder);
  return {device.name, std::string("/dev/infiniband/") + device.dev_name, found ? folder : ""};
}

/** Calls `visit` with every device; the list is only valid meanwhile. */
template <typename F> static Failure eachDevice(const Library& verbs, F visit) {
  ibv_device** list = verbs.get_device_list(nullptr);
  if (!list) return errno == EPERM ? failure("ibv_get_device_list", errno) : Failure(); // ENOSYS: no kernel module, so no device
  for (ibv_device** device = list; *device; device++) visit(*device, listed(**device));
  verbs.free_device_list(list);
  return {};
}

std::vector<ListedDevice> listDevices(Failure& error) {
  std::vector<ListedDevice> devices;
  if (const Library* verbs = library(error)) error = eachDevice(*verbs, [&](ibv_device*, const ListedDevice& one) { devices.push_back(one); });
  return devices;
}

std::shared_ptr<Device> Device::open(const std::string& folder, Failure& error) {
  const Library* verbs = library(error);
  if (!verbs) return nullptr;
  ibv_context* context = nullptr;
  error = {"RDMA_NO_DEVICES", "ibv_get_device_list", ""};
  Failure failed = eachDevice(*verbs, [&](ibv_device* device, const ListedDevice& one) {
    if (context || one.folder != folder) return;
    context = verbs->open_device(device);
    error = context ? Failure() : failure("ibv_open_device", errno, one.node);
  });
  if (failed) error = failed;
  if (!context) return nullptr;
  if (!extended(context)) {
    verbs->close_device(context);
    error = {"RDMA_NO_LIBRARY", "ibv_open_device", "the functions of rdma-core 16 or later"};
    return nullptr;
  }
  std::shared_ptr<Device> device(new Device(*verbs, context));
  int number = device->more.query_device_ex(context, nullptr, &device->attributes, sizeof device->attributes);
  if (number) error = failure("ibv_query_device_ex", number);
  else if (!(device->pd = verbs->alloc_pd(context))) error = failure("ibv_alloc_pd", errno);
  return error ? nullptr : device;
}

Device::Device(const Library& library, ibv_context* opened) : verbs(library), context(opened), more(*extended(opened)) {
  direct.comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION | MLX5DV_CONTEXT_MASK_STRIDING_RQ;
  directVerbs = verbs.mlx5dv_is_supported(context->device) && verbs.mlx5dv_query_device(context, &direct) == 0;
}

Device::~Device() {
  if (mr) verbs.dereg_mr(mr);
  if (pd) verbs.dealloc_pd(pd);
  verbs.close_device(context);
}

Failure Device::registerPool(uint8_t* start, size_t length) {
  mr = verbs.reg_mr(pd, start, length, IBV_ACCESS_LOCAL_WRITE);
  if (mr) return {};
  int number = errno;
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  // The kernel pins the pool and charges it (ib_umem_get: ENOMEM beyond the limit); CAP_IPC_LOCK lifts it.
  if (number == ENOMEM && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < length) {
    return {"RDMA_MEMLOCK", "ibv_reg_mr", "need " + std::to_string(length) + ", limit " + std::to_string(limit.rlim_cur)};
  }
  return failure("ibv_reg_mr", number);
}

uint32_t Device::segmentationMax() const {
  const auto& caps = attributes.tso_caps;
  return caps.supported_qpts & (1u << IBV_QPT_RAW_PACKET) ? caps.max_tso : 0;
}
