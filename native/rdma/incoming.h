// The buffer headers of a packet that the NIC has written into pool buffers, for both ways of receiving.
#pragma once

#include <cstring>

#include "../offload_header.h"
#include "../worker_memory.h"

inline uint32_t buffersFor(uint32_t length) { return (length + abi::BUFFER_DATA - 1) / abi::BUFFER_DATA; }

/** Writes the headers of the buffers that hold a packet of this length: all full but the last. */
inline void linkReceived(const WorkerMemory& memory, const uint32_t* buffers, uint32_t length, uint32_t swIfIndex) {
  uint32_t left = length, count = buffersFor(length);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t here = left < abi::BUFFER_DATA ? left : abi::BUFFER_DATA;
    memset(memory.base + buffers[i], 0, abi::BUFFER_ALIGN);
    memory.write<uint16_t>(buffers[i] + abi::B_DATA, abi::BUFFER_START);
    memory.write<uint16_t>(buffers[i] + abi::B_LENGTH, here);
    memory.write<uint16_t>(buffers[i] + abi::B_STATE, abi::BUFFER_USED);
    if (i + 1 < count) memory.write<uint32_t>(buffers[i] + abi::B_NEXT, buffers[i + 1] >> abi::BUFFER_SHIFT);
    left -= here;
  }
  memory.write<uint32_t>(buffers[0] + abi::B_TOTAL, length);
  memory.write<uint16_t>(buffers[0] + abi::B_RX_IF, swIfIndex);
}
