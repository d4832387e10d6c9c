#include "options.h"

#include <cstdio>
#include <cstring>
#include <net/if.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace emulator {

/** pci.ids, vendor 15b3; firmware versions of the long-term releases. */
static const Model MODELS[] = {
  {"cx4", 0x1013, 0x1014, {12, 28, 2006}, "MT_2190110032"},
  {"cx4lx", 0x1015, 0x1016, {14, 32, 1010}, "MT_2420110034"},
  {"cx5", 0x1017, 0x1018, {16, 35, 2000}, "MT_0000000012"},
  {"cx5ex", 0x1019, 0x101a, {16, 35, 2000}, "MT_0000000009"},
  {"cx6", 0x101b, 0x101c, {20, 35, 2000}, "MT_0000000228"},
  {"cx6dx", 0x101d, 0x101e, {22, 35, 2000}, "MT_0000000359"},
  {"cx6lx", 0x101f, 0x101e, {26, 35, 2000}, "MT_0000000531"},
  {"cx7", 0x1021, 0x101e, {28, 35, 2000}, "MT_0000000838"},
  {"bf", 0xa2d2, 0xa2d3, {18, 33, 1048}, "MT_0000000205"},
  {"bf2", 0xa2d6, 0x101e, {24, 35, 2000}, "MT_0000000561"},
  {"bf3", 0xa2dc, 0x101e, {32, 35, 2000}, "MT_0000000884"},
};

const Model& modelOf(const Device& device) {
  for (const Model& model : MODELS) {
    if (device.model == model.name) return model;
  }
  throw std::invalid_argument("no such model: " + device.model);
}

uint32_t leastLogStrides(const Device& device) { return device.model == "cx4" || device.model == "cx4lx" ? 9 : 3; }

static std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t at; (at = text.find(separator, from)) != std::string::npos; from = at + 1) parts.push_back(text.substr(from, at - from));
  parts.push_back(text.substr(from));
  return parts;
}

static uint64_t numberOf(const std::string& key, const std::string& text, uint64_t least, uint64_t most) {
  char* end = nullptr;
  uint64_t value = strtoull(text.c_str(), &end, 10);
  bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits && value >= least && value <= most) return value;
  throw std::invalid_argument(key + "=" + text + " is not a number from " + std::to_string(least) + " to " + std::to_string(most));
}

static std::array<uint8_t, 6> macOf(const std::string& text) {
  std::array<uint8_t, 6> mac;
  char after;
  int fields = sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &after);
  if (fields != 6 || mac[0] & 1) throw std::invalid_argument("mac=" + text + " is not a unicast MAC address");
  return mac;
}

static void checkWire(const std::string& spec) {
  std::vector<std::string> parts = split(spec, ':');
  const std::string& kind = parts[0];
  if (kind == "sink" && parts.size() == 1) return;
  if (kind == "netdev" && parts.size() == 2 && !parts[1].empty() && parts[1].size() < IFNAMSIZ) return;
  if (kind == "pair" && parts.size() == 2) {
    numberOf("wire=pair", parts[1], 0, MAX_DEVICES - 1);
    return;
  }
  if (kind == "generator" && (parts.size() == 2 || parts.size() == 3)) {
    numberOf("wire=generator", parts[1], 0, 1000000000);
    if (parts.size() == 3) numberOf("wire=generator", parts[2], 60, 9000);
    return;
  }
  throw std::invalid_argument("wire=" + spec + " is not netdev:IF, pair:N, generator:PPS[:SIZE] or sink");
}

static void setOption(Device& device, bool& macGiven, const std::string& key, const std::string& value) {
  if (key == "wire") {
    checkWire(value);
    device.wireSpec = value;
  } else if (key == "mac") {
    device.mac = macOf(value);
    macGiven = true;
  } else if (key == "netdev") {
    device.netdev = value;
  } else if (key == "model") {
    device.model = value;
    modelOf(device);
  } else if (key == "mtu") {
    device.mtu = numberOf(key, value, 68, 9978);
  } else if (key == "speed") {
    device.speedMbits = numberOf(key, value, 1, 800000);
  } else if (key == "vf") {
    device.virtualFunction = numberOf(key, value, 0, 1);
  } else if (key == "trust") {
    device.trusted = numberOf(key, value, 0, 1);
  } else if (key == "striding") {
    device.striding = numberOf(key, value, 0, 1);
  } else if (key == "cqe-compression") {
    device.compression = numberOf(key, value, 0, 1);
  } else if (key == "stepped") {
    device.stepped = numberOf(key, value, 0, 1);
  } else if (key == "access" && (value == "none" || value == "all")) {
    device.accessible = value == "all";
  } else {
    throw std::invalid_argument("no such option: " + key + "=" + value);
  }
}

/** The netdev's own address; false where there is no such netdev (in this network namespace). */
static bool netdevMac(const std::string& name, std::array<uint8_t, 6>& mac) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  bool found = ioctl(fd, SIOCGIFHWADDR, &request) == 0;
  if (found) memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  close(fd);
  return found;
}

static std::unique_ptr<Device> parseDevice(const std::string& text, uint32_t index) {
  auto device = std::make_unique<Device>();
  device->index = index;
  device->name = "mlx5_" + std::to_string(index);
  bool macGiven = false;
  for (const std::string& option : split(text, ',')) {
    size_t equals = option.find('=');
    if (equals == std::string::npos) throw std::invalid_argument("\"" + option + "\" is not KEY=VALUE");
    setOption(*device, macGiven, option.substr(0, equals), option.substr(equals + 1));
  }
  if (device->wireSpec.empty()) throw std::invalid_argument("device " + std::to_string(index) + " has no wire=");
  if (device->wireSpec.compare(0, 7, "netdev:") == 0) device->netdev = device->wireSpec.substr(7);
  if (!macGiven && (device->netdev.empty() || !netdevMac(device->netdev, device->mac))) {
    device->mac = {0x02, 0x5e, 0, 0, 0, static_cast<uint8_t>(index + 1)};
  }
  if (device->netdev.empty()) device->netdev = "emu" + std::to_string(index);
  const Model& model = modelOf(*device);
  device->deviceId = device->virtualFunction ? model.virtualFunction : model.physical;
  device->inlineHeader = model.physical <= 0x1015;
  char address[16];
  snprintf(address, sizeof address, "0000:%02x:00.%d", 0x41 + index, device->virtualFunction ? 1 : 0);
  device->pciAddress = address;
  return device;
}

std::vector<std::unique_ptr<Device>> parseOptions(const std::string& text) {
  std::vector<std::unique_ptr<Device>> devices;
  for (const std::string& part : split(text, ';')) {
    if (part.empty()) continue; // after the last semicolon
    if (devices.size() == MAX_DEVICES) throw std::invalid_argument("more than " + std::to_string(MAX_DEVICES) + " devices");
    devices.push_back(parseDevice(part, devices.size()));
  }
  if (devices.empty()) throw std::invalid_argument("no device");
  for (const auto& device : devices) {
    if (device->wireSpec.compare(0, 5, "pair:") != 0) continue;
    size_t other = std::stoul(device->wireSpec.substr(5));
    if (other >= devices.size() || devices[other]->wireSpec != "pair:" + std::to_string(device->index)) {
      throw std::invalid_argument(device->wireSpec + ": device " + std::to_string(other) + " does not name device " + std::to_string(device->index));
    }
  }
  return devices;
}

} // namespace emulator
