// The buffer headers of a packet that was received into pool buffers, whatever brought it.
#pragma once

#include <emmintrin.h>

#include <cstring>

#include "worker_memory.h"

inline uint32_t buffersFor(uint32_t length) { return (length + abi::BUFFER_DATA - 1) / abi::BUFFER_DATA; }

/** Writes the headers of the buffers that hold a packet of this length, `first` bytes of it in the first: the others are full but the last. */
inline void linkReceived(const WorkerMemory& memory, const uint32_t* buffers, uint32_t first, uint32_t length, uint32_t swIfIndex) {
  uint32_t left = length, here = first;
  if (left > here) memory.write<uint32_t>(memory.worker + abi::GRAPH_CHAINED, 1);
  for (uint32_t i = 0; left > 0; i++) {
    memset(memory.base + buffers[i], 0, abi::BUFFER_ALIGN);
    memory.write<uint16_t>(buffers[i] + abi::B_DATA, abi::BUFFER_START);
    memory.write<uint16_t>(buffers[i] + abi::B_LENGTH, here);
    memory.write<uint16_t>(buffers[i] + abi::B_STATE, abi::BUFFER_USED);
    left -= here;
    if (left > 0) memory.write<uint32_t>(buffers[i] + abi::B_NEXT, buffers[i + 1] >> abi::BUFFER_SHIFT);
    here = left < abi::BUFFER_DATA ? left : abi::BUFFER_DATA;
  }
  memory.write<uint32_t>(buffers[0] + abi::B_TOTAL, length);
  memory.write<uint16_t>(buffers[0] + abi::B_RX_IF, swIfIndex);
}

/**
 * Writes the header of the buffer here, which holds a packet whole: 16 bytes that tell of the packet, and 48 that are alike in a burst.
 * `flags`: B_FLAGS, `checksumFlags`: B_CSUM_FLAGS.
 */
inline void writeWholeHeader(uint8_t* buffer, uint32_t length, uint32_t swIfIndex, uint32_t flags, uint32_t checksumFlags) {
  static_assert(abi::B_DATA == 0 && abi::B_LENGTH == 2 && abi::B_TOTAL == 4 && abi::B_NEXT == 8 && abi::B_FLAGS == 12 && abi::B_STATE == 14);
  static_assert(abi::B_RX_IF == 26 && abi::B_CSUM_FLAGS == 35 && abi::BUFFER_ALIGN == 64);
  __m128i* header = reinterpret_cast<__m128i*>(buffer);
  uint64_t extent = abi::BUFFER_START | length << 16 | static_cast<uint64_t>(length) << 32;
  uint64_t state = static_cast<uint64_t>(flags) << 32 | static_cast<uint64_t>(abi::BUFFER_USED) << 48;
  _mm_store_si128(header, _mm_set_epi64x(static_cast<int64_t>(state), static_cast<int64_t>(extent)));
  _mm_store_si128(header + 1, _mm_set_epi64x(static_cast<int64_t>(swIfIndex) << 16, 0));
  _mm_store_si128(header + 2, _mm_cvtsi32_si128(static_cast<int>(checksumFlags << 24)));
  _mm_store_si128(header + 3, _mm_setzero_si128());
}
