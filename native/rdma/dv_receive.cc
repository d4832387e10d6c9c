#include "dv_receive.h"

#include "ring_dump.h"

DvReceive::DvReceive(const Ring& given) : ring(given), completions(given.cq, given.striding) {
  memset(ring.wqes, 0, static_cast<size_t>(ring.count) * ring.stride);
  uint32_t room = ring.stride / WQE_UNIT - (ring.striding ? 1 : 0);
  for (uint32_t wqe = 0; wqe < ring.count; wqe++) {
    DataSegment* segment = segments(wqe);
    for (uint32_t i = 0; i < ring.segments; i++) {
      segment[i].length = abi::BUFFER_DATA;
      segment[i].lkey = ring.lkey;
    }
    if (ring.segments < room) segment[ring.segments].lkey = LKEY_END;
  }
}

std::string DvReceive::dump(uint32_t read) const { return dumpAround(ring.wqes, ring.count, ring.stride, read) + completions.dump(); }
