// Receive side scaling's hash.
#pragma once

#include <array>
#include <cstdint>

#include "objects.h"
#include "packet.h"

namespace emulator {

/** Toeplitz over `length` ≤ 36 bytes: for each bit that is set, the 32 bits of the key that begin at its place. */
uint32_t toeplitz(const std::array<uint8_t, 40>& key, const uint8_t* input, uint32_t length);

struct HashResult {
  uint32_t value = 0;
  uint8_t type = 0; // as in a CQE: bits 3:2 IPv4 1 or IPv6 2, bits 7:6 TCP 1 or UDP 2; 0: the packet has not what is to be hashed
};

/** A packet of another protocol than the fields name is not hashed; it goes to the first queue of the table. */
HashResult hashPacket(const Hash& hash, const Packet& packet);

} // namespace emulator
