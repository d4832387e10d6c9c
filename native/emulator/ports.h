// What a port says of itself, in QUERY_PORT and in sysfs.
#pragma once

#include <string>

#include "objects.h"

namespace emulator {

/** Entries of the GID table, of the P_Key table there is one. */
constexpr int GID_COUNT = 2;

/** The node's GUID, an EUI-64 of its MAC address. */
std::array<uint8_t, 8> nodeGuid(const Device& device);

/** The InfiniBand way to say a speed: IB_WIDTH_* and IB_SPEED_*. */
struct PortRate {
  uint32_t mbits;
  uint8_t width;
  uint8_t speed;
  const char* name;
};

const PortRate& rateOf(const Device& device);
/** As in sysfs: 100 Gb/sec (4X EDR). */
std::string rateText(const Device& device);

} // namespace emulator
