// A packet to send, read once from linear memory and checked, for both ways of sending.
#pragma once

#include <linux/if_ether.h>

#include "../offload_header.h"
#include "../worker_memory.h"

/** Ethernet with two tags, IPv4 and TCP with all their options: the longest headers that TSO repeats. */
constexpr uint32_t HEADERS_MAX = 142;

/** A packet that lies in one buffer, as most do, and wants nothing of the NIC but to be sent. */
struct PlainOutgoing {
  uint32_t buffer; // address
  uint32_t at; // address of its first byte
  uint32_t length;

  /** Reads the header of the buffer with this index, once; false: it is not in use, or the packet is for Outgoing::read to judge. */
  bool read(const WorkerMemory& memory, uint32_t index) {
    static_assert(abi::B_DATA == 0 && abi::B_LENGTH == 2 && abi::B_TOTAL == 4 && abi::B_NEXT == 8 && abi::B_FLAGS == 12 && abi::B_STATE == 14);
    static_assert(abi::B_GSO_SIZE % 4 == 0 && abi::B_CSUM_FLAGS == abi::B_GSO_SIZE + 3);
    buffer = memory.bufferAt(index);
    if (!buffer) return false;
    uint64_t extent = memory.read<uint64_t>(buffer), state = memory.read<uint64_t>(buffer + abi::B_NEXT);
    if ((state & 0xffff0000ffffffff) != static_cast<uint64_t>(abi::BUFFER_USED) << 48) return false; // or there is a next one
    if (memory.read<uint32_t>(buffer + abi::B_GSO_SIZE) & (0xffff | NEEDS_CHECKSUM << 24)) return false;
    uint32_t data = extent & 0xffff;
    length = extent >> 16 & 0xffff;
    at = buffer + data;
    return length == extent >> 32 && length >= ETH_HLEN && data >= abi::BUFFER_ALIGN && data + length <= abi::BUFFER_SIZE;
  }
};

struct Outgoing {
  struct Piece {
    uint32_t at; // address in linear memory
    uint32_t length;
  };
  Piece pieces[CHAIN_MAX]; // none is empty
  uint32_t pieceCount;
  uint32_t buffers[CHAIN_MAX]; // addresses, those of empty ones too
  uint32_t bufferCount;
  uint32_t total;
  bool checksum; // the NIC is to fill in the checksum of TCP or UDP
  uint32_t segment; // payload of each packet that the NIC makes of this one; 0: it is sent as it is
  uint32_t headers; // bytes of all headers, if `segment` is set

  /**
   * Reads the chain of the buffer with this index, which is in use. Gives 0, or the counter (IFC_TX_*) that tells why it cannot be sent.
   * A partial checksum that no NIC would find is finished here.
   */
  uint32_t read(const WorkerMemory& memory, uint32_t index);
  /** Copies the packet's first `count` bytes, at most `total`. */
  void copyStart(const WorkerMemory& memory, uint8_t* to, uint32_t count) const;

 private:
  uint32_t readChain(const WorkerMemory& memory, uint32_t index);
  uint32_t readOffloads(const WorkerMemory& memory);
  void finishChecksum(const WorkerMemory& memory, uint32_t start, uint32_t offset) const;
};
