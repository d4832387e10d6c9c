// The virtio_net_hdr of a packet, as the header of its first buffer has it.
#pragma once

#include "offload_header.h"
#include "worker_memory.h"

/** What a packet's first buffer tells of it; `total`: the packet's length. */
inline OffloadHeader readOffload(const WorkerMemory& memory, uint32_t buffer, uint32_t total) {
  OffloadHeader offload{};
  uint32_t data = memory.read<uint16_t>(buffer + abi::B_DATA);
  if (memory.read<uint8_t>(buffer + abi::B_CSUM_FLAGS) & NEEDS_CHECKSUM) {
    offload.flags = NEEDS_CHECKSUM;
    offload.checksumStart = memory.read<uint16_t>(buffer + abi::B_CSUM_START) - data;
    offload.checksumOffset = memory.read<uint16_t>(buffer + abi::B_CSUM_OFFSET);
  }
  if (uint16_t size = memory.read<uint16_t>(buffer + abi::B_GSO_SIZE)) {
    offload.gsoType = memory.read<uint8_t>(buffer + abi::B_GSO_TYPE);
    offload.gsoSize = size;
  }
  uint16_t headers = memory.read<uint16_t>(buffer + abi::B_HEADER_LENGTH);
  if (headers <= total) offload.headerLength = headers;
  return offload;
}

/** Tells it in the first buffer of a packet that was received, `headers` bytes of it headers. */
inline void writeOffload(const WorkerMemory& memory, uint32_t buffer, const OffloadHeader& offload, uint32_t headers) {
  memory.write<uint16_t>(buffer + abi::B_HEADER_LENGTH, headers);
  memory.write<uint8_t>(buffer + abi::B_CSUM_FLAGS, offload.flags);
  if (offload.flags & NEEDS_CHECKSUM) {
    memory.write<uint16_t>(buffer + abi::B_CSUM_START, abi::BUFFER_START + offload.checksumStart);
    memory.write<uint16_t>(buffer + abi::B_CSUM_OFFSET, offload.checksumOffset);
  }
  if (offload.gsoType == GSO_NONE) return;
  memory.write<uint8_t>(buffer + abi::B_GSO_TYPE, offload.gsoType);
  memory.write<uint16_t>(buffer + abi::B_GSO_SIZE, offload.gsoSize);
}
