// A worker's part of the linear memory: its free list, counters and the pool's buffers.
//
// Any node can write anything into linear memory at any time, so whatever is read from it is read once and checked
// before it is used. A node that scribbles there can lose or mangle packets; it cannot make the shim leave the memory.
#pragma once

#include <cstdint>

#include "abi.h"

/** Buffers of the longest packet: 64 KiB of payload, its headers, and some to spare. */
constexpr uint32_t CHAIN_MAX = 40;

struct WorkerMemory {
  uint8_t* base = nullptr;
  uint32_t worker = 0;
  uint32_t pool = 0;
  uint32_t poolEnd = 0;

  template <typename T> T read(uint32_t address) const { return __atomic_load_n(reinterpret_cast<T*>(base + address), __ATOMIC_RELAXED); }
  template <typename T> void write(uint32_t address, T value) const {
    __atomic_store_n(reinterpret_cast<T*>(base + address), value, __ATOMIC_RELAXED);
  }
  void add(uint32_t address, uint64_t value) const { write<uint64_t>(address, read<uint64_t>(address) + value); }

  /** The worker's number. */
  uint32_t index() const { return (worker - abi::WORKERS) / abi::WORKER_SIZE; }
  /** True if a whole frame at this address lies among the worker's frames. */
  bool isFrame(uint32_t frame) const;
  /** Adds to a counter (IFC_*) of an interface. */
  void count(uint32_t swIfIndex, uint32_t counter, uint64_t value) const {
    add(worker + abi::WORKER_INTERFACES + swIfIndex * abi::IFC_SIZE + counter, value);
  }
  void countBadBuffer() const { add(worker + abi::GRAPH_BAD_BUFFER, 1); }

  /** Address of the buffer with this index, 0 if there is none. */
  uint32_t bufferAt(uint32_t index) const {
    uint64_t address = static_cast<uint64_t>(index) << abi::BUFFER_SHIFT;
    if (address < pool || address + abi::BUFFER_SIZE > poolEnd) return 0;
    uint32_t offset = static_cast<uint32_t>(address) - pool;
    return offset % abi::BUFFER_SIZE == 0 ? static_cast<uint32_t>(address) : 0;
  }
  /** The same, also 0 unless the buffer is in use. */
  uint32_t usedBufferAt(uint32_t index) const {
    uint32_t address = bufferAt(index);
    return address && read<uint16_t>(address + abi::B_STATE) == abi::BUFFER_USED ? address : 0;
  }

  /** Takes `count` buffers off the free list into `addresses`; takes none and gives false if there are not so many. */
  bool take(uint32_t count, uint32_t* addresses) const;
  /** Returns one buffer that take() gave. */
  void give(uint32_t address) const;
  /** Returns a packet's whole chain; false if its first buffer is not in use. */
  bool freeChain(uint32_t index) const;
};

/** The calling thread's worker; `base` is null before attachWorker. */
extern thread_local WorkerMemory attached;
