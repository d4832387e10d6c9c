// Bifurcation: which packets of the port come to weft and which go on to Linux (ibv_create_flow(3)).
//
//   priority  destination                         EtherType  to    and Linux
//   0         the interface's MAC                 IPv6       qp6   no
//   1         the interface's MAC                 any other  qp4   no
//   0         33:33:…                             any        qp6   too (DONT_TRAP)
//   0         multicast of the universal space    any        qp4   too
//   0         broadcast                           any        qp4   too
//
// What DONT_TRAP lets pass is matched against the next priority again, so the groups' matches exclude each other: nothing comes twice.
// Promiscuous: IPv6 to qp6, everything else to qp4, nothing to Linux.
#pragma once

#include <array>
#include <mutex>

#include "queues.h"

using Mac = std::array<uint8_t, 6>;

std::string macText(const Mac& mac);

class Flows {
 public:
  Flows(const Device& device, const Spread& spread) : device_(device), spread_(spread) {}
  /**
   * Takes what is for this MAC, or everything. The new flows stand before the old ones go, so no packet is lost between them;
   * where one is refused the old state stays.
   */
  Failure apply(const Mac& mac, bool promiscuous);
  /** Takes nothing any more; for good. */
  void close();

  const Mac& mac() const { return mac_; }
  bool promiscuous() const { return promiscuous_; }
  /** A line for each flow. */
  std::vector<std::string> describe();

 private:
  struct Match {
    Mac value, mask;
    uint16_t etherType; // 0: any
    uint16_t priority;
    bool share;
    bool ipv6;
  };
  struct Flow {
    Match match;
    Owned<verbs::ibv_flow> handle;
  };
  Failure add(const std::vector<Match>& matches, std::vector<Flow>& into) const;

  const Device& device_;
  const Spread& spread_;
  std::mutex lock_; // changed by the main thread, closed by the worker's
  bool closed_ = false;
  Mac mac_{};
  bool promiscuous_ = false;
  std::vector<Flow> unicast_, shared_;
};
