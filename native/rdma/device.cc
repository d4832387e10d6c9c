#include "device.h"

#include <dirent.h>
#include <net/if.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>

using namespace verbs;

constexpr const char* MELLANOX = "15b3";

static std::string root() {
  const char* path = getenv("SYSFS_PATH"); // as libibverbs has it
  return path ? path : "/sys";
}

std::string sysfsLine(const std::string& path) {
  std::string line;
  std::ifstream file(path[0] == '/' ? path : root() + "/" + path);
  std::getline(file, line);
  return line;
}

static std::vector<std::string> entries(const std::string& folder) {
  std::vector<std::string> names;
  if (DIR* opened = opendir(folder.c_str())) {
    while (dirent* entry = readdir(opened)) {
      if (entry->d_name[0] != '.') names.push_back(entry->d_name);
    }
    closedir(opened);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void sysfsNumbers(const std::string& folder, std::vector<std::pair<std::string, double>>& into) {
  for (const std::string& name : entries(folder)) {
    std::string line = sysfsLine(folder + "/" + name);
    if (!line.empty()) into.push_back({name, strtod(line.c_str(), nullptr)});
  }
}

/** Where a symbolic link ends, "" if nowhere. */
static std::string target(const std::string& link) {
  char path[PATH_MAX];
  return realpath(link.c_str(), path) ? path : "";
}
static std::string lastPart(const std::string& path) { return path.substr(path.rfind('/') + 1); }
static std::string hexOf(const std::string& line) { return line.compare(0, 2, "0x") == 0 ? line.substr(2) : line; }

/** The devices whose rings are those of ConnectX-4 (PCI ids of drivers/net/ethernet/mellanox/mlx5/core/main.c in Linux). */
static const char* modelOf(const std::string& deviceId) {
  static const struct {
    const char *id, *name;
  } models[] = {
      {"1013", "ConnectX-4"}, {"1014", "ConnectX-4 VF"}, {"1015", "ConnectX-4 Lx"}, {"1016", "ConnectX-4 Lx VF"}, {"1017", "ConnectX-5"},
      {"1018", "ConnectX-5 VF"}, {"1019", "ConnectX-5 Ex"}, {"101a", "ConnectX-5 Ex VF"}, {"101b", "ConnectX-6"}, {"101c", "ConnectX-6 VF"},
      {"101d", "ConnectX-6 Dx"}, {"101e", "ConnectX VF"}, {"101f", "ConnectX-6 Lx"}, {"1021", "ConnectX-7"}, {"a2d2", "BlueField"},
      {"a2d3", "BlueField VF"}, {"a2d6", "BlueField-2"}, {"a2dc", "BlueField-3"},
  };
  for (const auto& model : models) {
    if (deviceId == model.id) return model.name;
  }
  return "";
}

static DeviceFacts factsOf(const ibv_device& device) {
  DeviceFacts facts;
  std::string folder = std::string(device.ibdev_path) + "/device";
  facts.device = device.name;
  facts.node = std::string("/dev/infiniband/") + device.dev_name;
  facts.pci = lastPart(target(folder));
  facts.vendor = hexOf(sysfsLine(folder + "/vendor"));
  facts.deviceId = hexOf(sysfsLine(folder + "/device"));
  if (facts.vendor == MELLANOX) facts.model = modelOf(facts.deviceId);
  facts.inlineHeaders = facts.deviceId >= "1013" && facts.deviceId <= "1016";
  facts.virtualFunction = access((folder + "/physfn").c_str(), F_OK) == 0;
  // A switch's representors are there too: the port's own netdev is dev_port 0.
  for (const std::string& netdev : entries(folder + "/net")) {
    if (facts.netdev.empty() || sysfsLine("class/net/" + netdev + "/dev_port") == "0") facts.netdev = netdev;
  }
  return facts;
}

/** Calls `visit` with every device; the list is only valid meanwhile. */
template <typename F> static RdmaError eachDevice(const Library& verbs, F visit) {
  ibv_device** list = verbs.get_device_list(nullptr);
  if (!list) return errno == EPERM ? verbFailed("ibv_get_device_list", errno) : RdmaError{"RDMA_NO_DEVICES", "ibv_get_device_list", ""};
  for (ibv_device** device = list; *device; device++) visit(*device, factsOf(**device));
  verbs.free_device_list(list);
  return {};
}

std::vector<DeviceFacts> listDevices(RdmaError& error) {
  std::vector<DeviceFacts> devices;
  if (const Library* verbs = library(error)) eachDevice(*verbs, [&](ibv_device*, const DeviceFacts& facts) { devices.push_back(facts); });
  return devices;
}

/** Why a name led to no device. */
static RdmaError notFound(const std::string& name, bool byNetdev, const std::string& known) {
  std::string folder = root() + "/class/net/" + name;
  bool exists = byNetdev && (access(folder.c_str(), F_OK) == 0 || if_nametoindex(name.c_str()) != 0);
  std::string vendor = hexOf(sysfsLine(folder + "/device/vendor"));
  if (exists && vendor != MELLANOX) {
    std::string driver = lastPart(target(folder + "/device/driver"));
    return {"RDMA_NOT_RDMA", "open", driver.empty() ? "a virtual interface" : "driver " + driver};
  }
  if (known.empty()) return {"RDMA_NO_DEVICES", "ibv_get_device_list", ""};
  return {"RDMA_NOT_FOUND", "ibv_get_device_list", known};
}

/** errno of a failed opening. libibverbs looks for a refused node elsewhere as well and leaves that search's ENOENT. */
static int openingErrno(const std::string& node) {
  int number = errno;
  return access(node.c_str(), R_OK | W_OK) != 0 && errno == EACCES ? EACCES : number;
}

/** The device with this name, opened; else `error` says why not. */
static ibv_context* openNamed(const Library& verbs, const std::string& name, bool byNetdev, DeviceFacts& chosen, RdmaError& error) {
  std::string pci = byNetdev ? target(root() + "/class/net/" + name + "/device") : "", known;
  ibv_context* context = nullptr;
  int number = 0;
  RdmaError listed = eachDevice(verbs, [&](ibv_device* device, const DeviceFacts& facts) {
    known += (known.empty() ? "" : ", ") + facts.device + (facts.netdev.empty() ? "" : " (" + facts.netdev + ")");
    bool match = byNetdev ? !pci.empty() && target(std::string(device->ibdev_path) + "/device") == pci : facts.device == name;
    if (!match || !chosen.device.empty()) return;
    chosen = facts;
    if (!facts.model.empty() && !(context = verbs.open_device(device))) number = openingErrno(facts.node);
  });
  if (chosen.device.empty()) {
    error = listed && listed.code != "RDMA_NO_DEVICES" ? listed : notFound(name, byNetdev, known);
  } else if (chosen.model.empty()) {
    error = {"RDMA_UNSUPPORTED", "open", chosen.vendor + ":" + chosen.deviceId + " " + chosen.device};
  } else if (!context) {
    error = verbFailed("ibv_open_device", number, chosen.node);
    if (number == EACCES || number == EPERM) error.code = "RDMA_NO_PERMISSION";
  }
  return context;
}

std::shared_ptr<Device> Device::open(const std::string& name, bool byNetdev, RdmaError& error) {
  const Library* verbs = library(error);
  DeviceFacts chosen;
  ibv_context* context = verbs ? openNamed(*verbs, name, byNetdev, chosen, error) : nullptr;
  if (!context) return nullptr;
  if (!extended(context)) {
    verbs->close_device(context);
    error = {"RDMA_NO_LIBRARY", "ibv_open_device", "the functions of rdma-core 16 or later"};
    return nullptr;
  }
  std::shared_ptr<Device> device(new Device(*verbs, chosen, context));
  int failed = device->more.query_device_ex(context, nullptr, &device->attributes, sizeof device->attributes);
  if (failed) error = verbFailed("ibv_query_device_ex", failed);
  else if (!(device->pd = verbs->alloc_pd(context))) error = verbFailed("ibv_alloc_pd", errno);
  return error ? nullptr : device;
}

Device::Device(const Library& library, DeviceFacts known, ibv_context* opened)
    : verbs(library), facts(std::move(known)), context(opened), more(*extended(opened)) {
  direct.comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION | MLX5DV_CONTEXT_MASK_STRIDING_RQ;
  directVerbs = verbs.mlx5dv_is_supported(context->device) && verbs.mlx5dv_query_device(context, &direct) == 0;
}

Device::~Device() {
  if (mr) verbs.dereg_mr(mr);
  if (pd) verbs.dealloc_pd(pd);
  verbs.close_device(context);
}

RdmaError Device::registerPool(uint8_t* start, size_t length) {
  mr = verbs.reg_mr(pd, start, length, IBV_ACCESS_LOCAL_WRITE);
  if (mr) return {};
  int number = errno;
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  // The kernel pins the pool and charges it (ib_umem_get: ENOMEM beyond the limit); CAP_IPC_LOCK lifts it.
  if (number == ENOMEM && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < length) {
    return {"RDMA_MEMLOCK", "ibv_reg_mr", "need " + std::to_string(length) + ", limit " + std::to_string(limit.rlim_cur)};
  }
  return verbFailed("ibv_reg_mr", number);
}
