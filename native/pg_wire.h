// Packets on their way from one generator port to another: copies, so that the ports may belong to different workers or routers.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "offload_header.h"

// A ring of bytes, each packet in one piece. Positions only ever count up.
//
//   +--------+-------+---------------+--------+-------+----------+------+
//   | length | offload | packet, to 8  | length | offload | packet … | SKIP |  SKIP: what follows is at the ring's start
//   +--------+-------+---------------+--------+-------+----------+------+
class PgWire {
 public:
  struct Record {
    uint32_t length;
    OffloadHeader offload;
    uint16_t unused;
    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  /** Held while anything else here is called. */
  std::mutex& lock() { return lock_; }
  /** Room for a packet at the ring's end; null when there is none. It is there for the reader when put() follows. */
  Record* reserve(uint32_t length);
  void put() { head_ += pending_; }
  /** The packet at its front, null when it is empty; pop() takes it off. */
  Record* front();
  void pop();

  /** The reader sleeps: whoever puts something in has to wake it. */
  bool asleep = false;

 private:
  Record* at(uint64_t position) { return reinterpret_cast<Record*>(&ring_[position % SIZE]); }

  static constexpr uint32_t SIZE = 4 << 20, SKIP = UINT32_MAX;
  std::mutex lock_;
  std::unique_ptr<uint64_t[]> words_;
  uint8_t* ring_ = nullptr;
  uint64_t head_ = 0, tail_ = 0, pending_ = 0;
};
