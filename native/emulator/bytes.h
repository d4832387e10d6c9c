// Big-endian fields of packets, WQEs and CQEs, at any alignment.
#pragma once

#include <cstdint>
#include <cstring>

namespace emulator {

inline uint16_t get16(const uint8_t* at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}

inline uint32_t get32(const uint8_t* at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}

inline uint64_t get64(const uint8_t* at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}

inline void put16(uint8_t* at, uint16_t value) {
  value = __builtin_bswap16(value);
  memcpy(at, &value, sizeof value);
}

inline void put32(uint8_t* at, uint32_t value) {
  value = __builtin_bswap32(value);
  memcpy(at, &value, sizeof value);
}

inline void put64(uint8_t* at, uint64_t value) {
  value = __builtin_bswap64(value);
  memcpy(at, &value, sizeof value);
}

/** A word of a doorbell record: whatever the driver stored before it is visible once it is read. */
inline uint32_t readRecord(const uint32_t* word) { return __builtin_bswap32(__atomic_load_n(word, __ATOMIC_ACQUIRE)); }

} // namespace emulator
