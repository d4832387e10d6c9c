#include "dv_transmit.h"

#include "ring_dump.h"

void DvSend::write(const WorkerMemory& memory, const Outgoing& packet, uint32_t block, const Plan& plan) {
  auto unit = [this, block](uint32_t i) { return ring.wqes + ((block * UNITS_PER_BLOCK + i) & (ring.count * UNITS_PER_BLOCK - 1)) * WQE_UNIT; };
  ControlSegment* control = reinterpret_cast<ControlSegment*>(unit(0));
  *control = {};
  control->indexOpcode = (block & 0xffff) << 8 | (packet.segment ? OPCODE_TSO : OPCODE_SEND);
  control->qpnUnits = ring.qpn << 8 | plan.units;
  control->flags = wantsCqe(block, plan.blocks);

  EthernetSegment* ethernet = reinterpret_cast<EthernetSegment*>(unit(1));
  *ethernet = {};
  ethernet->checksumFlags = packet.checksum ? CHECKSUM_L3 | CHECKSUM_L4 : 0;
  ethernet->mss = static_cast<uint16_t>(packet.segment);
  ethernet->inlineLength = static_cast<uint16_t>(plan.inlined);
  uint8_t header[ETHERNET_INLINE + inlineUnits(HEADERS_MAX) * WQE_UNIT] = {};
  packet.copyStart(memory, header, plan.inlined);
  memcpy(ethernet->inlineStart, header, ETHERNET_INLINE);
  uint32_t next = 2;
  for (uint32_t at = ETHERNET_INLINE; at < plan.inlined; at += WQE_UNIT) memcpy(unit(next++), header + at, WQE_UNIT);

  uint32_t skip = plan.inlined;
  for (uint32_t i = 0; i < packet.pieceCount; i++) {
    Outgoing::Piece piece = packet.pieces[i];
    uint32_t gone = std::min(skip, piece.length);
    skip -= gone;
    if (gone == piece.length) continue;
    DataSegment* data = reinterpret_cast<DataSegment*>(unit(next++));
    data->length = piece.length - gone;
    data->lkey = ring.lkey;
    data->address = reinterpret_cast<uintptr_t>(memory.base) + piece.at + gone;
  }
  last_ = control;
}

uint32_t DvSend::flush(uint32_t posted) {
  if (!last_) return posted;
  last_->flags = CONTROL_WANT_CQE;
  storeRecord(&ring.doorbell[RECORD_SEND], posted & 0xffff);
  // The register takes the last WQE's first 8 bytes; BlueFlame is a single short WQE whole, which the NIC then need not fetch. Its two
  // buffers are written by turns.
  bool whole = posted - rung_ == 1 && ring.blueFlameSize >= WQE_BLOCK;
  storeRegister(ring.blueFlame + (otherHalf_ ? ring.blueFlameSize : 0), last_, whole ? WQE_BLOCK : sizeof(uint64_t));
  otherHalf_ = !otherHalf_;
  rung_ = posted;
  last_ = nullptr;
  return posted;
}

std::string DvSend::dump(uint32_t posted) const { return dumpAround(ring.wqes, ring.count, WQE_BLOCK, posted) + completions.dump(); }
