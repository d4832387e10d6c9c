// Receive rings: packets into the memory that WQEs name. PRM "Receive Queue", "Striding RQ".

#include <unistd.h>

#include <algorithm>

#include "bytes.h"
#include "checksum.h"
#include "nic.h"

namespace emulator {

namespace {

constexpr uint32_t INVALID_LKEY = 0x100; // ends a scatter list that is shorter than the WQE
constexpr uint32_t SEGMENT = 16;

//  cyclic:    | byte count : 32 | lkey : 32 | address : 64 | and so on, as many as fit the stride
//  striding:  | next WQE, 16 bytes that a cyclic ring does not use | segments as above |
struct Scatter {
  const uint8_t* at;
  const uint8_t* end;
};

Scatter scatterOf(const ReceiveQueue& queue, uint16_t index) {
  const uint8_t* wqe = queue.buffer + (static_cast<size_t>(index & (queue.count - 1)) << queue.logStride);
  bool header = queue.striding || queue.signatureSegment;
  return {wqe + (header ? SEGMENT : 0), wqe + (1u << queue.logStride)};
}

uint64_t capacityOf(Scatter list) {
  uint64_t bytes = 0;
  for (; list.at < list.end && get32(list.at + 4) != INVALID_LKEY; list.at += SEGMENT) bytes += get32(list.at);
  return bytes;
}

/** Writes `length` bytes at `offset` of the memory that the list makes up. */
bool scatter(const Device& device, const ReceiveQueue& queue, Scatter list, uint64_t offset, const uint8_t* from, uint32_t length) {
  for (; length && list.at < list.end; list.at += SEGMENT) {
    uint32_t size = get32(list.at), lkey = get32(list.at + 4);
    if (lkey == INVALID_LKEY) return false;
    if (offset >= size) {
      offset -= size;
      continue;
    }
    uint32_t part = static_cast<uint32_t>(std::min<uint64_t>(size - offset, length));
    uint8_t* to = reach(device, queue.pdn, lkey, get64(list.at + 8) + offset, part, ACCESS_WRITE);
    if (!to) return false;
    memcpy(to, from, part);
    from += part;
    length -= part;
    offset = 0;
  }
  return length == 0;
}

void fail(Device& device, ReceiveQueue& queue, Syndrome syndrome) {
  device.rxErrors++;
  complete(device, *queue.cq, makeErrorCqe(CQE_RECEIVE_ERROR, queue.userIndex, queue.number, queue.consumer, syndrome));
  queue.consumer++;
  queue.stride = 0;
  if (syndrome == SYNDROME_LENGTH) return; // the packet's fault; the queue goes on
  queue.state = QueueState::error;
  flush(device, queue);
}

uint8_t l4Type(const Packet& packet) {
  if (packet.udp()) return 2;
  if (!packet.tcp()) return 0;
  const uint8_t* tcp = packet.data + packet.l4;
  bool ack = tcp[13] & 0x10, data = packet.l4 + (tcp[12] >> 4) * 4 < packet.l3End;
  return !ack ? 1 : data ? 4 : 3;
}

Cqe describe(const ReceiveQueue& queue, const Packet& packet, const Verdict& verdict, bool tagOff) {
  Cqe cqe = makeCqe(CQE_RECEIVED, queue.userIndex, verdict.tag & 0xffffff, queue.consumer); // the flow tag has the QP number's place
  put32(&cqe[CQE_HASH], verdict.hash.value);
  cqe[CQE_HASH_TYPE] = verdict.hash.type;
  uint8_t l3Type = packet.ipVersion == 4 ? 2 : packet.ipVersion == 6 ? 1 : 0;
  cqe[CQE_OK] = static_cast<uint8_t>(1 | packet.l3Good() << 1 | packet.l4Good() << 2);
  cqe[CQE_HEADERS] = static_cast<uint8_t>(tagOff | packet.extensions << 1 | l3Type << 2 | l4Type(packet) << 4 | packet.fragment << 7);
  if (tagOff) put16(&cqe[CQE_VLAN], packet.vlanTag);
  put16(&cqe[CQE_CHECKSUM], foldSum(sumBytes(packet.data + 14, packet.length - 14)));
  return cqe;
}

/** False: no WQE is posted. */
bool hasWqe(Device& device, ReceiveQueue& queue) {
  uint16_t posted = static_cast<uint16_t>(readRecord(&queue.doorbell[0]) - queue.consumer);
  if (posted != 0 && posted <= queue.count) return true;
  if (posted == 0) {
    device.rxNoWqe++;
    return false;
  }
  violation(device, "RQ %u: doorbell record tells of %u WQEs, the ring has %u", queue.number, posted, queue.count);
  fail(device, queue, SYNDROME_OPERATION);
  return false;
}

struct Piece {
  const uint8_t* data;
  uint32_t length;
};

/** The frame in one or two pieces: a VLAN tag that is taken off leaves a gap. */
bool scatterPieces(const Device& device, const ReceiveQueue& queue, Scatter list, uint64_t offset, const Piece (&pieces)[2]) {
  return scatter(device, queue, list, offset, pieces[0].data, pieces[0].length) &&
    scatter(device, queue, list, offset + pieces[0].length, pieces[1].data, pieces[1].length);
}

void refuse(Device& device, ReceiveQueue& queue) {
  violation(device, "RQ %u: WQE %u names memory outside of its lkey", queue.number, queue.consumer);
  fail(device, queue, SYNDROME_PROTECTION);
}

/** How many strides a packet takes; 0: it fits no WQE. One that does not fit the rest of this WQE leaves it with a filler. */
uint32_t takeStrides(Device& device, ReceiveQueue& queue, uint32_t length) {
  uint32_t all = 1u << queue.logStridesPerWqe;
  uint32_t needed = std::max(1u, (length + (1u << queue.logStrideBytes) - 1) >> queue.logStrideBytes);
  if (needed > all) return 0;
  if (queue.stride + needed <= all) return needed;
  Cqe filler = makeCqe(CQE_RECEIVED, queue.userIndex, 0, static_cast<uint16_t>(queue.stride));
  put16(&filler[CQE_WQE_ID], queue.consumer);
  put32(&filler[CQE_BYTE_COUNT], BYTE_COUNT_FILLER | (all - queue.stride) << 16);
  complete(device, *queue.cq, filler);
  queue.consumer++;
  queue.stride = 0;
  return hasWqe(device, queue) ? needed : UINT32_MAX;
}

void deliverStriding(Device& device, ReceiveQueue& queue, Cqe& cqe, const Piece (&pieces)[2]) {
  uint32_t length = pieces[0].length + pieces[1].length, shift = queue.twoByteShift ? 2 : 0;
  uint32_t strides = takeStrides(device, queue, length + shift);
  if (strides == UINT32_MAX) return;
  Scatter list = scatterOf(queue, queue.consumer);
  uint64_t offset = static_cast<uint64_t>(queue.stride) << queue.logStrideBytes;
  if (strides == 0 || offset + shift + length > capacityOf(list)) return fail(device, queue, SYNDROME_LENGTH);
  if (!scatterPieces(device, queue, list, offset + shift, pieces)) return refuse(device, queue);
  put16(&cqe[CQE_WQE_ID], queue.consumer);
  put16(&cqe[CQE_COUNTER], static_cast<uint16_t>(queue.stride));
  put32(&cqe[CQE_BYTE_COUNT], strides << 16 | length);
  queue.stride += strides;
  if (queue.stride == 1u << queue.logStridesPerWqe) {
    queue.stride = 0;
    queue.consumer++;
  }
  complete(device, *queue.cq, cqe);
}

void deliverCyclic(Device& device, ReceiveQueue& queue, Cqe& cqe, const Piece (&pieces)[2]) {
  uint32_t length = pieces[0].length + pieces[1].length;
  Scatter list = scatterOf(queue, queue.consumer);
  if (length > capacityOf(list)) return fail(device, queue, SYNDROME_LENGTH);
  if (!scatterPieces(device, queue, list, 0, pieces)) return refuse(device, queue);
  put32(&cqe[CQE_BYTE_COUNT], length);
  queue.consumer++;
  complete(device, *queue.cq, cqe);
}

} // namespace

uint8_t* reach(const Device& device, uint32_t pdn, uint32_t lkey, uint64_t address, uint64_t length, uint32_t access) {
  auto found = device.regions.find(lkey);
  if (found == device.regions.end()) return nullptr;
  const MemoryRegion& region = *found->second;
  if (region.pdn != pdn || (region.access & access) != access) return nullptr;
  if (address < region.iova || length > region.length || address - region.iova > region.length - length) return nullptr;
  return reinterpret_cast<uint8_t*>(region.start + (address - region.iova));
}

void rewind(ReceiveQueue& queue) {
  queue.consumer = 0;
  queue.stride = 0;
}

void flush(Device& device, ReceiveQueue& queue) {
  uint16_t posted = static_cast<uint16_t>(readRecord(&queue.doorbell[0]) - queue.consumer);
  for (uint32_t n = std::min<uint32_t>(posted, queue.count); n; n--) {
    complete(device, *queue.cq, makeErrorCqe(CQE_RECEIVE_ERROR, queue.userIndex, queue.number, queue.consumer++, SYNDROME_FLUSH));
  }
  queue.stride = 0;
}

void deliver(Port& port, ReceiveQueue& queue, const Packet& packet, const Verdict& verdict) {
  Device& device = port.device;
  if (queue.state != QueueState::ready || queue.cq->overrun) {
    device.rxNoWqe++;
    return;
  }
  if (!hasWqe(device, queue)) return;
  if (isDue(device.faults->rxErrorEvery, device.faults->received)) return fail(device, queue, SYNDROME_OPERATION);
  bool tagOff = queue.stripVlan && packet.vlan;
  Cqe cqe = describe(queue, packet, verdict, tagOff);
  uint32_t head = tagOff ? 12 : packet.length, next = tagOff ? 16 : packet.length;
  const Piece pieces[2] = {{packet.data, head}, {packet.data + next, packet.length - next}};
  if (device.faults->dmaDelayUs) usleep(static_cast<useconds_t>(device.faults->dmaDelayUs));
  if (queue.striding) deliverStriding(device, queue, cqe, pieces);
  else deliverCyclic(device, queue, cqe, pieces);
}

} // namespace emulator
