// The virtio_net_hdr that PACKET_VNET_HDR puts before each packet. linux/virtio_net.h has it, but that header is not C++
// (a member is called `class`). Virtio 1.2, 5.1.6; the legacy form, little-endian on this machine.
#pragma once

#include <cstdint>

//   0       1          2         4          6            8             10
//   +-------+----------+---------+----------+------------+-------------+
//   | flags | gso type | headers | gso size | csum start | csum offset |
//   +-------+----------+---------+----------+------------+-------------+
struct OffloadHeader {
  uint8_t flags;
  uint8_t gsoType;
  uint16_t headerLength; // a hint only: what the sender happened to hold in one piece
  uint16_t gsoSize;
  uint16_t checksumStart; // from the Ethernet header on
  uint16_t checksumOffset; // from checksumStart on
};
static_assert(sizeof(OffloadHeader) == 10, "the drawing above");

constexpr uint8_t NEEDS_CHECKSUM = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM
constexpr uint8_t DATA_VALID = 2; // VIRTIO_NET_HDR_F_DATA_VALID: the checksum was looked at and is right
constexpr uint8_t GSO_NONE = 0;
