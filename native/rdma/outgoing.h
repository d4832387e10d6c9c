// A packet to send, read once from linear memory and checked, for both ways of sending.
#pragma once

#include "../worker_memory.h"

/** Ethernet with two tags, IPv4 and TCP with all their options: the longest headers that TSO repeats. */
constexpr uint32_t HEADERS_MAX = 142;

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
