// The buffer headers of a packet that was received into pool buffers, whatever brought it.
#pragma once

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
