// The verbs devices of this machine as sysfs and libibverbs show them, and an opened one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "library.h"

/** What is known of a device before it is opened. */
struct DeviceFacts {
  std::string device; // "mlx5_0"
  std::string netdev; // the Linux interface that shares the port; empty: none in this network namespace
  std::string node; // "/dev/infiniband/uverbs0"
  std::string pci; // "0000:5e:00.0"; empty for what is not on PCI
  std::string vendor, deviceId; // "15b3", "1017"
  std::string model; // empty: not one that weft drives
  bool virtualFunction = false;
  bool inlineHeaders = false; // its send WQEs must carry the Ethernet header (ConnectX-4 and 4 Lx)
};

std::vector<DeviceFacts> listDevices(RdmaError& error);

/** The first line of a sysfs file below the root ($SYSFS_PATH or /sys); empty if there is none. */
std::string sysfsLine(const std::string& path);
/** Every file of a folder of numbers, as the kernel's counters are: adds name and value to `into`. */
void sysfsNumbers(const std::string& folder, std::vector<std::pair<std::string, double>>& into);

/** A context with a protection domain and the registered pool; gone, with everything that was made in it, when the last user lets go. */
class Device {
 public:
  /** By netdev or by the verbs device's own name. */
  static std::shared_ptr<Device> open(const std::string& name, bool byNetdev, RdmaError& error);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /** Lets the NIC write into and read from the pool; once. */
  RdmaError registerPool(uint8_t* start, size_t length);

  const Library& verbs;
  const DeviceFacts facts;
  verbs::ibv_context* const context;
  const verbs::extended_context& more;
  verbs::ibv_pd* pd = nullptr;
  verbs::ibv_mr* mr = nullptr;
  verbs::ibv_device_attr_ex attributes{};
  verbs::mlx5dv_context direct{}; // comp_mask says what of it is valid
  bool directVerbs = false;

 private:
  Device(const Library& verbs, DeviceFacts facts, verbs::ibv_context* context);
};
