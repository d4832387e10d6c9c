// The WQEs of a receive queue in Direct Verbs, written by us.
//
// A WQE has S data segments, each a buffer of the pool: address of its byte BUFFER_START, 2048 bytes.
//
//   cyclic (no striding): a packet uses a WQE up, whatever its length; S buffers hold the longest packet
//
//         16 bytes each
//     +--------+--------+-----+--------+----------+---------+
//     | data 0 | data 1 | ... | S - 1  | end mark |    -    |    S = 1 … 8, padded to a power of two
//     +--------+--------+-----+--------+----------+---------+
//
//   striding: a stride is a buffer, so a WQE is S strides of 2048 bytes and each packet begins where a buffer does
//
//     +--------+--------+-----+--------+---------+
//     | header | data 0 | ... | S - 1  |    -    |            S = 8: the least that devices with small WQEs take
//     +--------+--------+-----+--------+---------+
//        |        |        `--------------------- packet B, 3,000 bytes: strides 1 and 2, a chain of two buffers
//        |        `------------------------------ packet A, 60 bytes: stride 0
//        `--- of linked lists of WQEs; zero in a ring
//
//   A packet takes as many strides as its length needs and never runs into the next WQE: strides too few for it are passed over with a
//   filler CQE. So short packets fill all buffers of a WQE, where a cyclic queue for 9,000 bytes holds five for each of them. mlx5dv_create_wq
//   wants 2^11 within the device's single_stride_log_num_of_bytes and 2^3 within its single_wqe_log_num_of_strides; devices that begin at
//   2^9 strides (ConnectX-4) would need WQEs of 8 KiB, more than they take, and get the cyclic queue.
#pragma once

#include "dv_completion.h"
#include "receive_ring.h"

class DvReceive {
 public:
  using Ring = DvReceiveRing;
  explicit DvReceive(const Ring& ring);
  /** Writes into a WQE which buffers its segments have; `start`: address of the packet in a buffer at 0. */
  void place(uint32_t wqe, const uint32_t* buffers, uint64_t start) {
    DataSegment* segment = segments(wqe);
    for (uint32_t i = 0, count = ring.segments; i < count; i++) segment[i].address = start + buffers[i];
  }
  /** Hands over the WQEs before `to`; gives how far they were taken. */
  uint32_t post(uint32_t, uint32_t to) {
    storeRecord(&ring.doorbell[RECORD_RECEIVE], to & 0xffff);
    return to;
  }
  std::string name() const { return "rq: " + std::to_string(ring.count) + " WQEs of " + std::to_string(ring.stride) + " bytes"; }
  std::string dump(uint32_t read) const;

  const Ring ring;
  DvCompletionQueue completions;

 private:
  DataSegment* segments(uint32_t wqe) const {
    uint8_t* start = ring.wqes + static_cast<size_t>(wqe & (ring.count - 1)) * ring.stride;
    return reinterpret_cast<DataSegment*>(start) + (ring.striding ? 1 : 0);
  }
};

using DvReceiveQueue = ReceiveRing<DvReceive>;
