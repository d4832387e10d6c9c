#include "ports.h"

namespace emulator {

/** As mlx5_ib translates Ethernet speeds (ib_verbs.h: widths 1X 1, 4X 2; speeds QDR 4, EDR 32, HDR 64, NDR 128). */
static const PortRate RATES[] = {
  {1000, 1, 1, "1X SDR"},    {10000, 1, 4, "1X QDR"},   {25000, 1, 32, "1X EDR"},   {40000, 2, 4, "4X QDR"},
  {50000, 1, 64, "1X HDR"},  {100000, 2, 32, "4X EDR"}, {200000, 2, 64, "4X HDR"}, {400000, 2, 128, "4X NDR"},
};

std::array<uint8_t, 8> nodeGuid(const Device& device) {
  const auto& mac = device.mac;
  return {static_cast<uint8_t>(mac[0] ^ 2), mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
}

const PortRate& rateOf(const Device& device) {
  const PortRate* best = &RATES[0];
  for (const PortRate& rate : RATES) {
    if (rate.mbits <= device.speedMbits) best = &rate;
  }
  return *best;
}

std::string rateText(const Device& device) {
  const PortRate& rate = rateOf(device);
  return std::to_string(rate.mbits / 1000) + " Gb/sec (" + rate.name + ")";
}

} // namespace emulator
