// Where captured packets wait to be written: a ring of whole blocks. Threads that capture take turns; whoever empties it takes no lock, and
// where it is full a block is left out and counted. Nobody ever waits for the file.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>

class CaptureRing {
 public:
  static constexpr uint64_t SIZE = 16 << 20;

  /** The parts of a block, one behind the other; false: there was no room for all of them. */
  struct Part {
    const void* data;
    uint32_t size;
  };
  bool put(const Part* parts, uint32_t count) {
    uint64_t size = 0, head = head_.load(std::memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) size += parts[i].size;
    if (head + size - tail_.load(std::memory_order_acquire) > SIZE) return false;
    for (uint32_t i = 0; i < count; i++) head = write(head, static_cast<const uint8_t*>(parts[i].data), parts[i].size);
    head_.store(head, std::memory_order_release);
    return true;
  }

  uint64_t waiting() const { return head_.load(std::memory_order_acquire) - tail_.load(std::memory_order_relaxed); }

  /** The next `size` bytes, of those that wait. */
  void take(uint8_t* to, uint64_t size) {
    uint64_t tail = tail_.load(std::memory_order_relaxed), at = tail % SIZE, here = size < SIZE - at ? size : SIZE - at;
    memcpy(to, bytes_.get() + at, here);
    memcpy(to + here, bytes_.get(), size - here);
    tail_.store(tail + size, std::memory_order_release);
  }

 private:
  uint64_t write(uint64_t head, const uint8_t* from, uint64_t size) {
    uint64_t at = head % SIZE, here = size < SIZE - at ? size : SIZE - at;
    memcpy(bytes_.get() + at, from, here);
    memcpy(bytes_.get(), from + here, size - here);
    return head + size;
  }

  std::unique_ptr<uint8_t[]> bytes_{new uint8_t[SIZE]};
  std::atomic<uint64_t> head_{0}, tail_{0};
};
