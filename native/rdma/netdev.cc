#include "netdev.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

/** Asks the kernel about a netdev of this network namespace: netdevice(7). */
static bool ask(const std::string& name, unsigned long request, ifreq& answer) {
  if (name.empty() || name.size() >= IFNAMSIZ) return false;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  memcpy(answer.ifr_name, name.c_str(), name.size() + 1);
  bool answered = fd >= 0 && ioctl(fd, request, &answer) == 0;
  if (fd >= 0) close(fd);
  return answered;
}

bool portMac(const Device& device, Mac& mac) {
  const std::string& name = device.facts.netdev;
  ifreq answer{};
  if (ask(name, SIOCGIFHWADDR, answer)) {
    memcpy(mac.data(), answer.ifr_hwaddr.sa_data, mac.size());
    return true;
  }
  Mac read{};
  std::string line = name.empty() ? "" : sysfsLine("class/net/" + name + "/address");
  if (sscanf(line.c_str(), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &read[0], &read[1], &read[2], &read[3], &read[4], &read[5]) == 6) {
    mac = read;
    return true;
  }
  // The first GID is the link-local address that the MAC makes (RFC 4291 A): fe80:: and the MAC with ff:fe in its middle, one bit turned.
  verbs::ibv_gid gid{};
  if (device.verbs.query_gid(device.context, 1, 0, &gid) != 0 || gid.raw[0] != 0xfe || gid.raw[11] != 0xff || gid.raw[12] != 0xfe) return false;
  mac = {static_cast<uint8_t>(gid.raw[8] ^ 2), gid.raw[9], gid.raw[10], gid.raw[13], gid.raw[14], gid.raw[15]};
  return true;
}

int portMtu(const Device& device) {
  ifreq answer{};
  if (ask(device.facts.netdev, SIOCGIFMTU, answer)) return answer.ifr_mtu;
  int mtu = device.facts.netdev.empty() ? 0 : atoi(sysfsLine("class/net/" + device.facts.netdev + "/mtu").c_str());
  return mtu > 0 ? mtu : 1500;
}
