// A packet's buffers as a port takes them from a frame: each checked to be in use, its bytes to lie within it.
#pragma once

#include <cstring>

#include "worker_memory.h"

struct Chain {
  struct Piece {
    uint32_t buffer; // address
    uint32_t data; // offset of its bytes in the buffer
    uint32_t length;
  };
  uint32_t total = 0;
  uint32_t count = 0;
  Piece pieces[CHAIN_MAX];

  /** Reads the packet of this index; false where its headers make no sense. */
  bool read(const WorkerMemory& memory, uint32_t index) {
    uint32_t first = memory.usedBufferAt(index);
    if (!first) return false;
    total = memory.read<uint32_t>(first + abi::B_TOTAL);
    for (uint32_t left = total; left > 0;) {
      uint32_t buffer = memory.usedBufferAt(index);
      if (!buffer || count == CHAIN_MAX) return false;
      uint32_t data = memory.read<uint16_t>(buffer + abi::B_DATA), held = memory.read<uint16_t>(buffer + abi::B_LENGTH);
      if (data < abi::BUFFER_ALIGN || data + held > abi::BUFFER_SIZE) return false;
      pieces[count++] = {buffer, data, held < left ? held : left};
      left -= pieces[count - 1].length;
      index = memory.read<uint32_t>(buffer + abi::B_NEXT);
    }
    return count > 0;
  }

  /** Address of a byte of the packet. */
  uint32_t addressOf(uint32_t offset) const {
    uint32_t i = 0;
    for (; offset >= pieces[i].length; i++) offset -= pieces[i].length;
    return pieces[i].buffer + pieces[i].data + offset;
  }

  void copyTo(const WorkerMemory& memory, uint8_t* to) const {
    for (uint32_t i = 0; i < count; to += pieces[i++].length) memcpy(to, memory.base + pieces[i].buffer + pieces[i].data, pieces[i].length);
  }
};
