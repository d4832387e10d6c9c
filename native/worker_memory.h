// A worker's part of the linear memory: its free list, counters and the pool's buffers.
//
// Any node can write anything into linear memory at any time, so whatever is read from it is read once and checked
// before it is used. A node that scribbles there can lose or mangle packets; it cannot make the shim leave the memory.
#pragma once

#include <cstdint>

#include "abi.h"

/** Buffers of the longest packet: 64 KiB of payload, its headers, and some to spare. */
constexpr uint32_t CHAIN_MAX = 40;

/** Lines of a buffer, and the number that multiplied by it is 1, modulo 2^32 (Newton's iteration, each step doubles the right bits). */
constexpr uint32_t BUFFER_LINES = abi::BUFFER_SIZE >> abi::BUFFER_SHIFT;
constexpr uint32_t BUFFER_INVERSE = [] {
  uint32_t inverse = BUFFER_LINES; // right in its 3 lowest bits
  for (int bits = 3; bits < 32; bits *= 2) inverse *= 2 - BUFFER_LINES * inverse;
  return inverse;
}();
static_assert(BUFFER_LINES * BUFFER_INVERSE == 1 && BUFFER_LINES << abi::BUFFER_SHIFT == abi::BUFFER_SIZE, "an odd number of lines");

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
    // An offset that is n whole buffers becomes n, any other more than there can be: their inverse is exact in 32 bits.
    uint32_t number = (index - (pool >> abi::BUFFER_SHIFT)) * BUFFER_INVERSE;
    return number < (poolEnd - pool) / abi::BUFFER_SIZE ? index << abi::BUFFER_SHIFT : 0;
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

/** Buffers on their way back to the free list, which gets its new length when all are there: nothing else may touch it meanwhile. */
class Returning {
 public:
  explicit Returning(const WorkerMemory& memory)
      : memory_(memory), list_(memory.worker + abi::WORKER_FREE_LIST), count_(memory.read<uint32_t>(list_)) {}
  ~Returning() { memory_.write(list_, count_); }
  Returning(const Returning&) = delete;
  Returning& operator=(const Returning&) = delete;
  /** Returns one buffer that take() gave. */
  void give(uint32_t address) {
    if (count_ >= abi::BUFFER_COUNT_MAX) return memory_.countBadBuffer(); // scribbled over, or a buffer was given twice
    memory_.write<uint16_t>(address + abi::B_STATE, abi::BUFFER_FREE);
    memory_.write(list_ + abi::FREE_LIST_ENTRIES + 4 * count_++, address >> abi::BUFFER_SHIFT);
  }

 private:
  const WorkerMemory memory_;
  const uint32_t list_;
  uint32_t count_;
};

inline bool WorkerMemory::take(uint32_t count, uint32_t* addresses) const {
  const WorkerMemory memory = *this; // which no store below can change, as far as the compiler can see
  const uint32_t list = worker + abi::WORKER_FREE_LIST;
  uint32_t left = memory.read<uint32_t>(list);
  if (left > abi::BUFFER_COUNT_MAX) return false; // scribbled over: nothing in it can be believed
  uint32_t taken = 0;
  while (taken < count && left > 0) {
    uint32_t address = memory.bufferAt(memory.read<uint32_t>(list + abi::FREE_LIST_ENTRIES + 4 * --left));
    if (address && memory.read<uint16_t>(address + abi::B_STATE) == abi::BUFFER_FREE) {
      memory.write<uint16_t>(address + abi::B_STATE, abi::BUFFER_USED); // a second entry of the same buffer is refused
      addresses[taken++] = address;
    } else {
      memory.countBadBuffer();
    }
  }
  memory.write(list, left);
  if (taken == count) return true;
  Returning returning(memory);
  while (taken > 0) returning.give(addresses[--taken]);
  return false;
}

/** The calling thread's worker; `base` is null before attachWorker. */
extern thread_local WorkerMemory attached;
