// Which receive queues a packet goes to: the port's flows.
#pragma once

#include <cstdint>
#include <vector>

#include "objects.h"
#include "packet.h"

namespace emulator {

struct Destination {
  Flow* flow;
  uint32_t tag;
};

/**
 * The flows in the order in which they are tried: ibv_create_flow(3), and drivers/infiniband/hw/mlx5/fs.c of Linux for what the man page leaves open.
 *
 *   priority 0, DONT_TRAP │ priority 0 │ priority 1, DONT_TRAP │ … │ multicast only │ multicast default, all default
 *
 * In each place the packet goes to the first flow that matches it, and to the others with the very same match. It goes on to the next place only
 * from a DONT_TRAP flow. Sniffers get a copy of all that is received. What no flow takes is Linux's.
 */
class Steering {
 public:
  /** Makes the order anew if flows came or went. */
  void update(const Device& device);
  /** Appends to `found`; false if no flow took the packet. `exact`: only flows that name a whole destination address. */
  bool find(const Packet& packet, bool exact, std::vector<Destination>& found) const;

 private:
  struct Rule {
    Flow* flow;
    uint32_t place;
    uint64_t group; // sequence of the first flow in this place with these masks
    bool exact = false;
    bool drop = false;
    uint32_t tag = 0;
  };
  void group();

  std::vector<Rule> rules_, sniffers_;
  size_t count_ = 0;
  uint64_t sequences_ = 0;
};

} // namespace emulator
