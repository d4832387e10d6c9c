// The NIC side of a port: what its thread keeps for each device that is in use.
#pragma once

#include <vector>

#include "cqe.h"
#include "faults.h"
#include "objects.h"
#include "packet.h"
#include "steering.h"
#include "toeplitz.h"

namespace emulator {

constexpr uint32_t SHORTEST_FRAME = 60; // without FCS; shorter ones are padded
constexpr uint32_t LONGEST_HEADER = 22; // Ethernet with two VLAN tags, which the MTU does not count

struct Port {
  explicit Port(Device& device) : device(device) {}

  Device& device;
  bool carrier = true; // of the wire, when it was last looked at
  Steering steering;
  std::vector<Destination> found; // of the packet in hand
  std::vector<uint8_t> packet; // that a send WQE describes
};

constexpr uint32_t ACCESS_WRITE = 1; // IB_UVERBS_ACCESS_LOCAL_WRITE; any region may be read

/** The bytes that an lkey gives a queue of this protection domain access to; null unless it does to all of them. */
uint8_t* reach(const Device& device, uint32_t pdn, uint32_t lkey, uint64_t address, uint64_t length, uint32_t access);

/** The WQEs that the doorbells told of, some of each queue; true if there was one. */
bool serveSends(Port& port);

/** Does at once what the NIC's thread leaves to a stepped device: sends all that the doorbells told of; takes frames from the wire. */
bool stepSends(Device& device);
/** False: fewer came, or the device is fatal or has no wire. */
bool stepReceives(Device& device, uint32_t frames);

/** A packet from the wire (`sender` null) or one that a queue of this port has sent; false if no flow took it. */
bool steer(Port& port, const uint8_t* frame, uint32_t length, const SendQueue* sender);

/** What a flow and RSS found out about a packet. */
struct Verdict {
  uint32_t tag;
  HashResult hash;
};

/** To a receive queue. */
void deliver(Port& port, ReceiveQueue& queue, const Packet& packet, const Verdict& verdict);

} // namespace emulator
