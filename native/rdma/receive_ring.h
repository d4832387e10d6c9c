// What a receive queue does whichever way it reaches the NIC, `Way`: DvReceive writes WQEs and reads CQEs, IbvReceive calls the verbs. The
// buffers it has, packets made of completions, and refilling.
//
// buffers_ tells which buffer each segment of a WQE has. A received packet takes its buffers out; those that it, or a filler, left unused stay.
// Refilling puts a buffer into each gap of a WQE and only then posts it.
#pragma once

#include <algorithm>
#include <array>

#include "../incoming.h"
#include "../offload_header.h"
#include "dv_layout.h"
#include "queue.h"

/** By what a completion says of a packet's headers (Completion::types): the B_FLAG_* that the packet has if its checksums are right. */
constexpr std::array<uint8_t, 256> GOOD_IF_RIGHT = [] {
  std::array<uint8_t, 256> flags{};
  for (uint32_t types = 0; types < 256; types++) {
    bool ip4 = (types & CQE_L3_MASK) == CQE_L3_IPV4, transport = (types & CQE_L4_MASK) && !(types & CQE_FRAGMENT);
    flags[types] = static_cast<uint8_t>((ip4 ? abi::B_FLAG_L3_GOOD : 0) | (transport ? abi::B_FLAG_L4_GOOD : 0));
  }
  return flags;
}();

/** The same for a queue whose NIC is not asked. */
constexpr std::array<uint8_t, 256> NOTHING_GOOD{};

template <class Way> class ReceiveRing final : public ReceiveQueue {
 public:
  explicit ReceiveRing(const typename Way::Ring& ring) : ReceiveQueue(static_cast<size_t>(ring.count) * ring.segments), way_(ring) {}

  uint32_t receive(const WorkerMemory& memory, uint32_t frame, uint32_t at, uint32_t max, uint32_t swIfIndex) override {
    Burst burst;
    uint32_t n = 0;
    Completion told[BATCH];
    while (n < max && !failed_) {
      uint32_t count = way_.completions.next(told, std::min(max - n, BATCH));
      if (count == 0) break;
      for (uint32_t i = 0; i < count && !failed_; i++) {
        uint32_t places = frame + abi::FRAME_BUFFERS + 4 * (at + n), left = count - i;
        uint32_t plain = way_.ring.striding ? takePlain<true>(memory, told + i, left, places, swIfIndex, burst)
                                            : takePlain<false>(memory, told + i, left, places, swIfIndex, burst);
        n += plain;
        if ((i += plain) == count) break;
        uint32_t first = take(memory, told[i], swIfIndex, burst);
        if (first) memory.write(frame + abi::FRAME_BUFFERS + 4 * (at + n++), first >> abi::BUFFER_SHIFT);
      }
    }
    way_.completions.publish();
    if (!failed_) refill(memory, swIfIndex);
    if (n > 0) {
      memory.count(swIfIndex, abi::IFC_RX_PACKETS, n);
      memory.count(swIfIndex, abi::IFC_RX_BYTES, burst.bytes);
    }
    if (burst.errors) memory.count(swIfIndex, abi::IFC_RX_ERROR, burst.errors);
    if (burst.truncated) memory.count(swIfIndex, abi::IFC_RX_TRUNCATED, burst.truncated);
    if (burst.badChecksum) memory.count(swIfIndex, abi::IFC_RX_CHECKSUM, burst.badChecksum);
    return n;
  }

  bool arm() override { return way_.completions.arm(); }

  void restart() override {
    way_.completions.discard();
    posted_ = read_ = stride_ = 0;
    failed_ = false;
  }

  std::string dump() const override {
    std::string used = std::to_string(read_) + " and " + std::to_string(stride_) + " strides\n";
    return way_.name() + ", posted " + std::to_string(posted_) + ", used up " + used + way_.dump(read_);
  }

 private:
  /** What a burst adds to the interface's counters. */
  struct Burst {
    uint64_t bytes = 0, errors = 0, truncated = 0, badChecksum = 0;
  };

  /** Completions read at a time. */
  static constexpr uint32_t BATCH = 64;
  /** Packets from one to the one whose buffer header is fetched meanwhile. */
  static constexpr uint32_t AHEAD = 8;

  uint32_t* buffersOf(uint32_t wqe) { return &buffers_[(wqe & (way_.ring.count - 1)) * way_.ring.segments]; }

  /**
   * Takes the first of these completions, as many as come in the ring's order and tell of packets that one buffer holds, and writes where
   * they are to `places`, an address; gives how many. The others are for take().
   */
  template <bool striding>
  __attribute__((noinline)) uint32_t takePlain(const WorkerMemory& memory, const Completion* told, uint32_t count, uint32_t places,
                                               uint32_t swIfIndex, Burst& burst) {
    // Places of the ring that a packet can have are strides or WQEs, each with a buffer of its own or, unless striding, several.
    const uint32_t segments = way_.ring.segments, wqes = posted_ - read_, strides = striding ? segments : 1;
    const uint32_t mask = way_.ring.count * strides - 1, apart = striding ? 1 : segments;
    if (wqes > way_.ring.count) return 0;
    count = std::min(count, wqes * strides - stride_);
    uint8_t* const base = memory.base;
    uint32_t* const buffers = buffers_.data();
    uint32_t *to = reinterpret_cast<uint32_t*>(base + places), place = (read_ & (way_.ring.count - 1)) * strides + stride_, last = 0, n = 0;
    const uint8_t* const goodIfRight = goodIfRight_;
    uint64_t bytes = 0, bad = 0;
    for (; n < count; n++, place = (place + 1) & mask) {
      const Completion& one = told[n];
      const uint32_t length = one.byteCount - (striding ? 1u << STRIDING_STRIDES_SHIFT : 0);
      if (one.opcode != CQE_RECEIVED || length - 1 >= abi::BUFFER_DATA) break;
      if (striding ? one.wqeCounter != (place & (strides - 1)) : (one.wqeCounter & mask) != place) break;
      __builtin_prefetch(base + buffers[((place + AHEAD) & mask) * apart], 1);
      last = buffers[place * apart];
      buffers[place * apart] = 0;
      Judgement judgement = judge(one, goodIfRight);
      bad += judgement.bad;
      writeWholeHeader(base + last, length, swIfIndex, judgement.flags, judgement.checksumFlags);
      to[n] = last >> abi::BUFFER_SHIFT;
      bytes += length;
    }
    if (n == 0) return 0;
    read_ += (stride_ + n) / strides;
    stride_ = (stride_ + n) % strides;
    held_ -= n;
    last_ = last + abi::BUFFER_START;
    burst.bytes += bytes;
    burst.badChecksum += bad;
    return n;
  }

  /** Takes the buffers of a completion out of the ring; gives the address of the packet's first one, 0 if there is no packet. */
  uint32_t take(const WorkerMemory& memory, const Completion& completion, uint32_t swIfIndex, Burst& burst) {
    bool tooLong = completion.opcode == CQE_RECEIVE_ERROR && completion.syndrome == SYNDROME_LOCAL_LENGTH && !way_.ring.striding;
    if (completion.opcode == CQE_RECEIVED || tooLong) align(completion, burst);
    if (tooLong) {
      burst.truncated++; // the WQE is used up, its buffers are not
      read_++;
      return 0;
    }
    uint32_t* buffers = buffersOf(read_) + stride_;
    uint32_t length = completion.byteCount, room = way_.ring.segments;
    bool posted = posted_ - read_ - 1 < way_.ring.count;
    if (completion.opcode != CQE_RECEIVED || !posted || (way_.ring.striding && !passStrides(completion.byteCount, &length, &room))) {
      burst.errors++;
      failed_ = true;
      return 0;
    }
    if (!way_.ring.striding) read_++;
    uint32_t count = buffersFor(length);
    if (count == 0) return 0; // a filler
    if (count > room) {
      burst.errors++;
      return 0;
    }
    linkReceived(memory, buffers, length < abi::BUFFER_DATA ? length : abi::BUFFER_DATA, length, swIfIndex);
    uint32_t first = buffers[0];
    Judgement judgement = judge(completion, goodIfRight_);
    memory.write<uint16_t>(first + abi::B_FLAGS, judgement.flags);
    memory.write<uint8_t>(first + abi::B_CSUM_FLAGS, judgement.checksumFlags);
    burst.badChecksum += judgement.bad;
    for (uint32_t i = 0; i < count; i++) buffers[i] = 0;
    held_ -= count;
    last_ = first + abi::BUFFER_START;
    burst.bytes += length;
    return first;
  }

  /**
   * Goes to the place that a completion names. Completions come in the ring's order, so we are there already, unless one was lost: then the
   * buffers it spoke of stay where they are.
   */
  void align(const Completion& completion, Burst& burst) {
    if (!way_.ring.striding) {
      uint32_t lost = (completion.wqeCounter - read_) & (way_.ring.count - 1);
      read_ += lost;
      burst.errors += lost;
    } else if (completion.wqeCounter != stride_ && !(completion.byteCount & STRIDING_FILLER)) {
      if (completion.wqeCounter < stride_) read_++;
      stride_ = completion.wqeCounter;
      burst.errors++;
    }
  }

  /** Goes past the strides that the CQE of a striding queue speaks of; gives how many there are, and the packet's length (0: a filler). */
  bool passStrides(uint32_t byteCount, uint32_t* length, uint32_t* strides) {
    *strides = byteCount >> STRIDING_STRIDES_SHIFT & STRIDING_STRIDES_MASK;
    *length = byteCount & STRIDING_FILLER ? 0 : byteCount & STRIDING_LENGTH_MASK;
    if (*strides == 0 || stride_ + *strides > way_.ring.segments) return false;
    stride_ += *strides;
    if (stride_ == way_.ring.segments) {
      stride_ = 0;
      read_++;
    }
    return true;
  }

  /** What the nodes are told that the NIC found out about checksums. */
  struct Judgement {
    uint16_t flags; // B_FLAG_*
    uint8_t checksumFlags;
    bool bad;
  };
  static_assert(abi::B_FLAG_L3_GOOD == CQE_L3_GOOD << 1 && abi::B_FLAG_L4_GOOD == CQE_L4_GOOD << 1 && DATA_VALID == abi::B_FLAG_L4_GOOD >> 2);

  static Judgement judge(const Completion& completion, const uint8_t* goodIfRight) {
    uint32_t good = goodIfRight[completion.types], flags = completion.good << 1 & good;
    return {static_cast<uint16_t>(flags), static_cast<uint8_t>(flags >> 2 & DATA_VALID), flags != good};
  }

  void refill(const WorkerMemory& given, uint32_t swIfIndex) {
    const WorkerMemory memory = given; // which no store below can change, as far as the compiler can see
    uint32_t filled = posted_;
    bool full = true;
    while (filled - read_ < way_.ring.count && (full = fill(memory, filled))) filled++;
    if (!full && !dry_) memory.count(swIfIndex, abi::IFC_RX_NO_BUFFER, 1);
    if (filled != posted_) posted_ = way_.post(posted_, filled);
    dry_ = !full || posted_ != filled;
  }

  /** Puts a buffer into each gap of a WQE; false, and nothing done, if the pool has not so many. */
  bool fill(const WorkerMemory& memory, uint32_t wqe) {
    uint32_t *const buffers = buffersOf(wqe), segments = way_.ring.segments;
    uint32_t gaps = 0, fresh[CHAIN_MAX];
    for (uint32_t i = 0; i < segments; i++) gaps += buffers[i] == 0;
    if (!memory.take(gaps, fresh)) return false;
    held_ += gaps;
    for (uint32_t i = 0; gaps > 0; i++) {
      if (buffers[i] == 0) buffers[i] = fresh[--gaps];
    }
    way_.place(wqe, buffers, reinterpret_cast<uintptr_t>(memory.base) + abi::BUFFER_START);
    return true;
  }

  Way way_;
  const uint8_t* const goodIfRight_ = way_.ring.useChecksum ? GOOD_IF_RIGHT.data() : NOTHING_GOOD.data();
};
