// Documentation/ABI/stable/sysfs-class-infiniband, testing/sysfs-class-net and testing/sysfs-bus-pci say what the files hold.
//
//   devices/pci0000:40/0000:41:00.0/           vendor, device, modalias, uevent, …, physfn -> of a virtual function
//     infiniband/mlx5_0/                       node_type, node_guid, fw_ver, board_id, …
//       ports/1/                               state, rate, link_layer, gids/, counters/, hw_counters/, …
//     infiniband_verbs/uverbs0/                ibdev, abi_version, dev
//     net/IF/                                  dev_port, address, ifindex, …
//   class/infiniband/mlx5_0, class/infiniband_verbs/uverbs0, class/net/IF, bus/pci/devices/0000:41:00.0 -> the above

#include "sysfs.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <net/if.h>
#include <system_error>
#include <unistd.h>

#include "options.h"
#include "ports.h"
#include "run_folder.h"

namespace emulator {

namespace fs = std::filesystem;

static const uint16_t VENDOR = 0x15b3;

static std::atomic<bool> ready{false};

template <typename... Arguments>
static std::string text(const char* format, Arguments... arguments) {
  char line[128];
  snprintf(line, sizeof line, format, arguments...);
  return line;
}

static void put(const fs::path& path, const std::string& line) {
  FILE* file = fopen(path.c_str(), "w");
  if (!file) throw std::system_error(errno, std::generic_category(), path.string());
  fprintf(file, "%s\n", line.c_str());
  fclose(file);
}

static fs::path pciFolder(const Device& device) { return fs::path(runFolder()) / "devices/pci0000:40" / device.pciAddress; }
static fs::path ibFolder(const Device& device) { return pciFolder(device) / "infiniband" / device.name; }
static fs::path netFolder(const Device& device) { return pciFolder(device) / "net" / device.netdev; }

/** A name in class/ or bus/, relative as in sysfs. */
static void link(const std::string& name, const fs::path& target) {
  fs::path at = fs::path(runFolder()) / name;
  fs::create_directories(at.parent_path());
  fs::create_symlink(fs::path("../..") / (name.compare(0, 4, "bus/") == 0 ? ".." : "") / target.lexically_relative(runFolder()), at);
}

static void putPci(const Device& device, const fs::path& at, uint16_t id) {
  fs::create_directories(at);
  std::string address = at.filename();
  put(at / "vendor", text("0x%04x", VENDOR));
  put(at / "device", text("0x%04x", id));
  put(at / "subsystem_vendor", text("0x%04x", VENDOR));
  put(at / "subsystem_device", "0x0006");
  put(at / "class", "0x020000");
  put(at / "revision", "0x00");
  put(at / "numa_node", "-1");
  std::string resources; // six BARs, none of them mapped; DPDK's PCI scan reads them all
  for (int bar = 0; bar < 6; bar++) resources += "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
  put(at / "resource", resources);
  put(at / "modalias", text("pci:v%08Xd%08Xsv%08Xsd00000006bc02sc00i00", VENDOR, id, VENDOR));
  std::string ids = text("PCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:0006", VENDOR, id, VENDOR);
  put(at / "uevent", "DRIVER=mlx5_core\nPCI_CLASS=20000\n" + ids + "\nPCI_SLOT_NAME=" + address);
  fs::create_directories(fs::path(runFolder()) / "bus/pci/drivers/mlx5_core");
  fs::create_symlink("../../../bus/pci/drivers/mlx5_core", at / "driver");
  link("bus/pci/devices/" + address, at);
  if (id == device.deviceId && device.virtualFunction) {
    fs::path physical = at.parent_path() / (address.substr(0, address.size() - 1) + "0");
    putPci(device, physical, modelOf(device).physical);
    fs::create_symlink("../" + physical.filename().string(), at / "physfn");
  }
}

/** In groups of four digits. */
static std::string guid(const Device& device) {
  auto id = nodeGuid(device);
  return text("%02x%02x:%02x%02x:%02x%02x:%02x%02x", id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]);
}

/** The link-local address, which the kernel puts into a RoCE port's table as RoCE v1 and v2. */
static std::string linkLocalGid(const Device& device) { return "fe80:0000:0000:0000:" + guid(device); }

/** Files whose contents change while the device runs; they are written anew when they are opened. */
struct LiveFile {
  const char* name; // below the port's folder, or the netdev's
  std::string (*value)(const Device&);
  bool ofNetdev = false;
};

static const LiveFile LIVE[] = {
  {"state", [](const Device& device) { return std::string(device.linkUp ? "4: ACTIVE" : "1: DOWN"); }},
  {"phys_state", [](const Device& device) { return std::string(device.linkUp ? "5: LinkUp" : "3: Disabled"); }},
  {"operstate", [](const Device& device) { return std::string(device.linkUp ? "up" : "down"); }, true},
  {"carrier", [](const Device& device) { return std::string(device.linkUp ? "1" : "0"); }, true},
  {"counters/port_rcv_packets", [](const Device& device) { return std::to_string(device.rxPackets); }},
  {"counters/port_rcv_data", [](const Device& device) { return std::to_string(device.rxBytes / 4); }}, // InfiniBand counts words
  {"counters/port_rcv_errors", [](const Device& device) { return std::to_string(device.rxErrors); }},
  {"counters/port_xmit_packets", [](const Device& device) { return std::to_string(device.txPackets); }},
  {"counters/port_xmit_data", [](const Device& device) { return std::to_string(device.txBytes / 4); }},
  {"counters/port_xmit_discards", [](const Device& device) { return std::to_string(device.txErrors); }},
  {"hw_counters/out_of_buffer", [](const Device& device) { return std::to_string(device.rxNoWqe); }},
  {"hw_counters/rx_steer_missed_packets", [](const Device& device) { return std::to_string(device.rxNoFlow); }},
  {"hw_counters/req_cqe_error", [](const Device& device) { return std::to_string(device.txErrors); }},
  {"hw_counters/resp_cqe_error", [](const Device& device) { return std::to_string(device.rxErrors); }},
  {"hw_counters/cq_overruns", [](const Device& device) { return std::to_string(device.cqOverruns); }},
};

static fs::path pathOf(const Device& device, const LiveFile& file) {
  return (file.ofNetdev ? netFolder(device) : ibFolder(device) / "ports/1") / file.name;
}

static void putIb(const Device& device) {
  const Model& model = modelOf(device);
  fs::path at = ibFolder(device);
  fs::path port = at / "ports/1";
  for (const char* name : {"counters", "hw_counters", "gids", "gid_attrs/types", "gid_attrs/ndevs", "pkeys"}) fs::create_directories(port / name);
  put(at / "node_type", "1: CA");
  put(at / "node_desc", "weft emulator");
  put(at / "node_guid", guid(device));
  put(at / "sys_image_guid", guid(device));
  put(at / "fw_ver", text("%u.%u.%04u", model.firmware[0], model.firmware[1], model.firmware[2]));
  put(at / "hca_type", text("MT%u", device.deviceId));
  put(at / "hw_rev", "0");
  put(at / "board_id", model.board);
  put(port / "link_layer", "Ethernet");
  put(port / "rate", rateText(device));
  put(port / "lid", "0x0");
  put(port / "sm_lid", "0x0");
  put(port / "cap_mask", "0x04010000");
  put(port / "pkeys/0", "0xffff");
  for (int i = 0; i < GID_COUNT; i++) {
    put(port / "gids" / std::to_string(i), linkLocalGid(device));
    put(port / "gid_attrs/types" / std::to_string(i), i ? "RoCE v2" : "IB/RoCE v1");
    // Where no such netdev exists libibverbs would fail to find its number.
    if (if_nametoindex(device.netdev.c_str())) put(port / "gid_attrs/ndevs" / std::to_string(i), device.netdev);
  }
  fs::create_symlink("../..", at / "device");
  link("class/infiniband/" + device.name, at);
}

static void putVerbs(const Device& device) {
  std::string name = "uverbs" + std::to_string(device.index);
  fs::path at = pciFolder(device) / "infiniband_verbs" / name;
  fs::create_directories(at);
  put(at / "ibdev", device.name);
  put(at / "abi_version", "1");
  put(at / "dev", text("231:%u", 192 + device.index));
  fs::create_symlink("../..", at / "device");
  link("class/infiniband_verbs/" + name, at);
}

static void putNet(const Device& device) {
  fs::path at = netFolder(device);
  fs::create_directories(at);
  const auto& mac = device.mac;
  put(at / "address", text("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]));
  put(at / "dev_port", "0");
  put(at / "dev_id", "0x0");
  put(at / "type", "1");
  put(at / "speed", std::to_string(device.speedMbits));
  put(at / "ifindex", std::to_string(if_nametoindex(device.netdev.c_str())));
  fs::create_symlink("../..", at / "device");
  link("class/net/" + device.netdev, at);
}

static void putDevice(const Device& device) {
  putPci(device, pciFolder(device), device.deviceId);
  putIb(device);
  putVerbs(device);
  putNet(device);
  for (const LiveFile& file : LIVE) put(pathOf(device, file), file.value(device));
}

void createSysfs() {
  fs::create_directories(fs::path(runFolder()) / "class/infiniband_verbs");
  put(fs::path(runFolder()) / "class/infiniband_verbs/abi_version", "6");
  // Backwards: tmpfs lists the newest first, and programs show the devices as they find them.
  for (auto at = devices().rbegin(); at != devices().rend(); ++at) putDevice(**at);
  ready = true;
}

/** Names lead there by way of class/ too, so the file's and the device's own names have to do. */
static bool names(const std::string& path, const Device& device, const LiveFile& file) {
  std::string end = std::string("/") + file.name;
  const std::string& owner = file.ofNetdev ? device.netdev : device.name;
  bool ends = path.size() > end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
  return ends && path.find("/" + owner + "/") != std::string::npos;
}

/** Readers in other threads see the old file or the new one. */
static void replace(const fs::path& path, const std::string& line) {
  fs::path fresh = path.string() + "." + std::to_string(gettid());
  put(fresh, line);
  fs::rename(fresh, path);
}

void refreshSysfs(const char* path) {
  static thread_local bool writing = false; // put() opens files too
  if (writing || !ready || !path || strncmp(path, runFolder().c_str(), runFolder().size()) != 0) return;
  writing = true;
  int before = errno;
  try {
    for (const auto& device : devices()) {
      for (const LiveFile& file : LIVE) {
        if (names(path, *device, file)) replace(pathOf(*device, file), file.value(*device));
      }
    }
  } catch (const std::system_error&) {
    // A program that gave up its rights may not write there any more; it reads what was.
  }
  errno = before;
  writing = false;
}

} // namespace emulator
