// The verbs devices of this machine as libibverbs lists them, and an opened one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "library.h"

struct ListedDevice {
  std::string device; // "mlx5_0"
  std::string node; // "/dev/infiniband/uverbs0"
  std::string folder; // of the PCI function in sysfs, by which a device is known even when its name changes
};
std::vector<ListedDevice> listDevices(Failure& error);

/** A context with a protection domain and the registered pool; gone, with everything that was made in it, when the last user lets go. */
class Device {
 public:
  /** The device with this folder. */
  static std::shared_ptr<Device> open(const std::string& folder, Failure& error);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /** Lets the NIC write into and read from the pool; once. */
  Failure registerPool(uint8_t* start, size_t length);
  /** Payload of the longest super-packet that the device cuts up itself, 0: none. */
  uint32_t segmentationMax() const;

  const Library& verbs;
  verbs::ibv_context* const context;
  const verbs::extended_context& more;
  verbs::ibv_pd* pd = nullptr;
  verbs::ibv_mr* mr = nullptr;
  verbs::ibv_device_attr_ex attributes{};
  verbs::mlx5dv_context direct{}; // comp_mask says what of it is valid
  bool directVerbs = false;

 private:
  Device(const Library& verbs, verbs::ibv_context* context);
};
