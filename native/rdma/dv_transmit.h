// The WQEs of a send queue in Direct Verbs: SEND and TSO, written by us.
#pragma once

#include <algorithm>

#include "dv_completion.h"
#include "send_ring.h"

/** Units of the inline header after the two bytes that the Ethernet segment holds. */
constexpr uint32_t inlineUnits(uint32_t bytes) { return bytes > ETHERNET_INLINE ? (bytes - ETHERNET_INLINE + WQE_UNIT - 1) / WQE_UNIT : 0; }
static_assert(2 + inlineUnits(HEADERS_MAX) + CHAIN_MAX <= WQE_UNITS_MAX, "the longest packet fits a WQE");

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
  /** Hands over the WQEs before block `posted`, the last of which asks for a CQE: buffers come back only with one. Gives how far they were taken. */
  uint32_t flush(uint32_t posted);
  void restart() { rung_ = sinceCqe_ = 0; }
  std::string name() const { return "sq " + std::to_string(ring.qpn) + ": " + std::to_string(ring.count) + " basic blocks"; }
  std::string dump(uint32_t posted) const;

  const Ring ring;
  DvCompletionQueue completions;

 private:
  ControlSegment* last_ = nullptr; // last WQE written, if not rung yet
  uint32_t rung_ = 0; // blocks that the NIC knows of
  uint32_t sinceCqe_ = 0; // WQEs since the last that asks for a CQE
  bool otherHalf_ = false; // of the BlueFlame register
};

using DvSendQueue = SendRing<DvSend>;
