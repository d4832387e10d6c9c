// "Verifying the RSS Hash Calculation" (Microsoft) has the function and its test vectors; IBV_RX_HASH_* of ibv_create_qp_ex(3) the fields.

#include "toeplitz.h"

#include <cstring>

namespace emulator {

namespace {

constexpr uint64_t SRC_IPV4 = 1 << 0, DST_IPV4 = 1 << 1, SRC_IPV6 = 1 << 2, DST_IPV6 = 1 << 3;
constexpr uint64_t SRC_PORT_TCP = 1 << 4, DST_PORT_TCP = 1 << 5, SRC_PORT_UDP = 1 << 6, DST_PORT_UDP = 1 << 7;

/** Addresses, then ports: the order of the fields in the headers. */
struct Input {
  uint8_t bytes[36];
  uint32_t length = 0;
  void add(bool wanted, const uint8_t* from, uint32_t size) {
    if (!wanted) return;
    memcpy(bytes + length, from, size);
    length += size;
  }
};

} // namespace

uint32_t toeplitz(const std::array<uint8_t, 40>& key, const uint8_t* input, uint32_t length) {
  uint32_t result = 0;
  uint32_t window = static_cast<uint32_t>(key[0]) << 24 | key[1] << 16 | key[2] << 8 | key[3];
  for (uint32_t i = 0; i < length; i++) {
    for (int bit = 7; bit >= 0; bit--) {
      if (input[i] >> bit & 1) result ^= window;
      window = window << 1 | (key[i + 4] >> bit & 1);
    }
  }
  return result;
}

HashResult hashPacket(const Hash& hash, const Packet& packet) {
  HashResult result;
  Input input;
  uint64_t fields = hash.fields;
  const uint8_t* ip = packet.data + packet.l3;
  const uint8_t* ports = packet.data + packet.l4;
  if (packet.ipVersion == 4 && fields & (SRC_IPV4 | DST_IPV4)) {
    result.type = 1 << 2;
    input.add(fields & SRC_IPV4, ip + 12, 4);
    input.add(fields & DST_IPV4, ip + 16, 4);
  } else if (packet.ipVersion == 6 && fields & (SRC_IPV6 | DST_IPV6)) {
    result.type = 2 << 2;
    input.add(fields & SRC_IPV6, ip + 8, 16);
    input.add(fields & DST_IPV6, ip + 24, 16);
  } else if (fields & (SRC_IPV4 | DST_IPV4 | SRC_IPV6 | DST_IPV6)) {
    return {};
  }
  constexpr uint64_t TCP = SRC_PORT_TCP | DST_PORT_TCP, UDP = SRC_PORT_UDP | DST_PORT_UDP;
  if (packet.tcp() && fields & TCP) {
    result.type |= 1 << 6;
    input.add(fields & SRC_PORT_TCP, ports, 2);
    input.add(fields & DST_PORT_TCP, ports + 2, 2);
  } else if (packet.udp() && fields & UDP) {
    result.type |= 2 << 6;
    input.add(fields & SRC_PORT_UDP, ports, 2);
    input.add(fields & DST_PORT_UDP, ports + 2, 2);
  } else if (fields & (TCP | UDP)) {
    return {};
  }
  result.value = toeplitz(hash.key, input.bytes, input.length);
  return result;
}

} // namespace emulator
