// The WQEs of a send queue in Direct Verbs: SEND and TSO, written by us.
#pragma once

#include <algorithm>

#include "dv_completion.h"
#include "send_ring.h"

/** Units of the inline header after the two bytes that the Ethernet segment holds. */
constexpr uint32_t inlineUnits(uint32_t bytes) { return bytes > ETHERNET_INLINE ? (bytes - ETHERNET_INLINE + WQE_UNIT - 1) / WQE_UNIT : 0; }
static_assert(2 + inlineUnits(HEADERS_MAX) + CHAIN_MAX <= WQE_UNITS_MAX, "the longest packet fits a WQE");

constexpr uint32_t BLOCKS_PER_CQE = 32;

class DvSend {
 public:
  using Ring = DvSendRing;
  /** What a WQE is to be: basic blocks, units of 16 bytes, and how many of the packet's bytes are inline. */
  struct Plan {
    uint32_t blocks, units, inlined;
  };
  explicit DvSend(const Ring& given) : ring(given), completions(given.cq, false) {}
  Plan plan(const Outgoing& packet) const {
    uint32_t inlined = packet.segment ? packet.headers : std::min(ring.inlineHeader, packet.total);
    uint32_t skipped = 0; // pieces that are inline altogether
    for (uint32_t left = inlined; skipped < packet.pieceCount && packet.pieces[skipped].length <= left;) left -= packet.pieces[skipped++].length;
    uint32_t units = 2 + inlineUnits(inlined) + packet.pieceCount - skipped;
    return {(units + UNITS_PER_BLOCK - 1) / UNITS_PER_BLOCK, units, inlined};
  }
  /** Writes a packet's WQE at this block. */
  void write(const WorkerMemory& memory, const Outgoing& packet, uint32_t block, const Plan& plan);
  /** False: every packet begins with an inline header. */
  bool takesPlain() const { return ring.inlineHeader == 0; }
  /** Writes the WQEs of a burst's plain packets, a block each: no header inline, one piece. Each segment is one store of 16 bytes. */
  struct PlainWriter {
    uint8_t* wqes;
    uint32_t mask;
    uint64_t base;
    uint64_t lkey; // as the second word of a data segment
    __m128i control, controlWantingCqe; // but for the WQE's index

    void write(const PlainOutgoing& packet, uint32_t block) const {
      static_assert(offsetof(ControlSegment, indexOpcode) == 0 && offsetof(DataSegment, length) == 0 && offsetof(DataSegment, address) == 8);
      __m128i* segments = reinterpret_cast<__m128i*>(wqes + (block & mask) * WQE_BLOCK);
      __m128i index = _mm_cvtsi32_si128(static_cast<int>(htobe32((block & 0xffff) << 8)));
      uint64_t extent = lkey | htobe32(packet.length), address = htobe64(base + packet.at);
      _mm_store_si128(segments, _mm_or_si128(wantsCqe(block, 1) ? controlWantingCqe : control, index));
      _mm_store_si128(segments + 1, _mm_setzero_si128()); // the Ethernet segment
      _mm_store_si128(segments + 2, _mm_set_epi64x(static_cast<int64_t>(address), static_cast<int64_t>(extent)));
    }
  };
  PlainWriter plainWriter(const WorkerMemory& memory) const {
    auto control = [this](uint8_t flags) {
      ControlSegment segment{};
      segment.indexOpcode = OPCODE_SEND;
      segment.qpnUnits = ring.qpn << 8 | 3;
      segment.flags = flags;
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(&segment));
    };
    uint64_t lkey = static_cast<uint64_t>(htobe32(ring.lkey)) << 32;
    return {ring.wqes, ring.count - 1, reinterpret_cast<uintptr_t>(memory.base), lkey, control(0), control(CONTROL_WANT_CQE)};
  }
  /** After a burst of them: the last one's block. */
  void wrotePlain(uint32_t block) { last_ = reinterpret_cast<ControlSegment*>(ring.wqes + (block & (ring.count - 1)) * WQE_BLOCK); }
  /** Hands over the WQEs before block `posted`, the last of which asks for a CQE: buffers come back only with one. Gives how far they were taken. */
  uint32_t flush(uint32_t posted);
  void restart() { rung_ = 0; }
  std::string name() const { return "sq " + std::to_string(ring.qpn) + ": " + std::to_string(ring.count) + " basic blocks"; }
  std::string dump(uint32_t posted) const;

  const Ring ring;
  DvCompletionQueue completions;

 private:
  /** Of a WQE's control segment. The last WQE of every BLOCKS_PER_CQE blocks asks for a CQE: room comes back in the middle of a long burst. */
  static uint8_t wantsCqe(uint32_t block, uint32_t blocks) {
    return block % BLOCKS_PER_CQE + blocks >= BLOCKS_PER_CQE ? CONTROL_WANT_CQE : 0;
  }

  ControlSegment* last_ = nullptr; // last WQE written, if not rung yet
  uint32_t rung_ = 0; // blocks that the NIC knows of
  bool otherHalf_ = false; // of the BlueFlame register
};

using DvSendQueue = SendRing<DvSend>;
