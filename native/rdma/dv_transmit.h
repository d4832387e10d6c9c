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
  /** The same for a packet that takes one block: no header inline, one piece. */
  void writePlain(const WorkerMemory& memory, const PlainOutgoing& packet, uint32_t block) {
    ControlSegment* control = reinterpret_cast<ControlSegment*>(ring.wqes + (block & (ring.count - 1)) * WQE_BLOCK);
    *control = {};
    control->indexOpcode = (block & 0xffff) << 8 | OPCODE_SEND;
    control->qpnUnits = ring.qpn << 8 | 3;
    control->flags = wantsCqe(block, 1);
    *reinterpret_cast<EthernetSegment*>(control + 1) = {};
    DataSegment* data = reinterpret_cast<DataSegment*>(control + 2);
    data->length = packet.length;
    data->lkey = ring.lkey;
    data->address = reinterpret_cast<uintptr_t>(memory.base) + packet.at;
    last_ = control;
  }
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
