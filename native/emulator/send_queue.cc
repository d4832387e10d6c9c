// Send rings: packets out of WQEs. PRM "Send Queue", "Ethernet segment", "Enhanced multi-packet send"; mlx5dv.h, DPDK's mlx5_prm.h.

#include <algorithm>

#include "bytes.h"
#include "checksum.h"
#include "nic.h"
#include "wire.h"

namespace emulator {

namespace {

constexpr uint32_t BLOCK = 64, SEGMENT = 16, LONGEST_WQE = 63 * SEGMENT;
constexpr uint32_t WQES_PER_ROUND = 64; // of one queue, so that the others get their turn
constexpr uint32_t LONGEST_MESSAGE = 256 << 10; // more than a super-packet

enum Opcode : uint8_t { NOP = 0, SEND = 0x0a, TSO = 0x0e, ENHANCED_MPW = 0x29 };
constexpr uint8_t TSO_IS_MPW = 1; // operation modifier

//  control segment   0: modifier : 8, index : 16, opcode : 8     4: QP number : 24, segments : 8     8: signature, -, -, fm_ce_se     12: immediate
//  Ethernet segment  16: -   20: checksum flags   22: MSS   24: metadata   28: inline header's length, or VLAN flag   30: its bytes …, or the tag
//  then, at multiples of 16, data segments: byte count, lkey, address; or byte count | INLINE and the bytes
constexpr uint32_t ETH = 16, ETH_CHECKSUM = 20, ETH_MSS = 22, ETH_INLINE = 28, ETH_BYTES = 30, ETH_END = 32;
constexpr uint8_t CHECKSUM_L3 = 1 << 6, CHECKSUM_L4 = 1 << 7;
constexpr uint16_t INSERT_VLAN = 1 << 15, INSERT_SERVICE_VLAN = 1 << 14;
constexpr uint32_t INLINE = 1u << 31;
constexpr uint32_t L2_INLINE = 14; // the Ethernet header, which a ConnectX-4 has to see in the WQE

struct Wqe {
  uint8_t bytes[LONGEST_WQE + BLOCK];
  uint32_t length;
  uint32_t blocks;
  uint8_t opcode, modifier;
  bool signaled;
};

/** What is wrong with a WQE: a syndrome and words for it; good while `text` is null. */
struct Fault {
  Syndrome syndrome = SYNDROME_OPERATION;
  const char* text = nullptr;
};

void transmit(Port& port, const SendQueue& queue, uint8_t* frame, uint32_t length) {
  Device& device = port.device;
  if (!device.linkUp) return; // as into an unplugged cable
  uint8_t padded[SHORTEST_FRAME] = {};
  if (length < SHORTEST_FRAME) {
    memcpy(padded, frame, length);
    frame = padded;
    length = SHORTEST_FRAME;
  }
  if (length > device.mtu + LONGEST_HEADER) {
    device.txErrors++;
    return;
  }
  device.txPackets++;
  device.txBytes += length;
  // What a flow of this port took stays in the NIC, unless others may want it too.
  bool taken = steer(port, frame, length, &queue);
  if (!taken || frame[0] & 1) device.wire->transmit(frame, length);
}

/** Takes one data segment's bytes into the packet; moves `at` behind it. */
Fault gather(Port& port, const SendQueue& queue, const Wqe& wqe, uint32_t& at) {
  std::vector<uint8_t>& packet = port.packet;
  uint32_t count = get32(wqe.bytes + at);
  if (count & INLINE) {
    count &= ~INLINE;
    if (at + 4 + count > wqe.length) return {SYNDROME_OPERATION, "inline data reaches beyond the WQE"};
    packet.insert(packet.end(), wqe.bytes + at + 4, wqe.bytes + at + 4 + count);
    at += (4 + count + SEGMENT - 1) / SEGMENT * SEGMENT;
    return {};
  }
  if (count == 0 || packet.size() + count > LONGEST_MESSAGE) return {SYNDROME_LENGTH, "a data segment is too long (0 stands for 2 GiB)"};
  uint8_t* from = reach(port.device, queue.pdn, get32(wqe.bytes + at + 4), get64(wqe.bytes + at + 8), count, 0);
  if (!from) return {SYNDROME_PROTECTION, "a data segment names memory outside of its lkey"};
  packet.insert(packet.end(), from, from + count);
  at += SEGMENT;
  return {};
}

void insertVlan(std::vector<uint8_t>& packet, uint16_t kind, const uint8_t* tag) {
  if (!(kind & INSERT_VLAN) || packet.size() < 12) return;
  uint8_t bytes[4] = {0, 0, tag[0], tag[1]};
  put16(bytes, kind & INSERT_SERVICE_VLAN ? ETHERTYPE_SERVICE_VLAN : ETHERTYPE_VLAN);
  packet.insert(packet.begin() + 12, bytes, bytes + 4);
}

Fault finishPacket(Port& port, const SendQueue& queue, const Wqe& wqe) {
  std::vector<uint8_t>& packet = port.packet;
  insertVlan(packet, get16(wqe.bytes + ETH_INLINE), wqe.bytes + ETH_BYTES);
  if (packet.size() < 14) return {SYNDROME_LENGTH, "a packet is shorter than an Ethernet header"};
  uint8_t flags = wqe.bytes[ETH_CHECKSUM];
  uint32_t length = static_cast<uint32_t>(packet.size());
  if (flags & (CHECKSUM_L3 | CHECKSUM_L4)) writeChecksums(packet.data(), length, flags & CHECKSUM_L3, flags & CHECKSUM_L4);
  transmit(port, queue, packet.data(), length);
  return {};
}

/** An ordinary packet, or with TSO a super-packet whose headers are inline. */
Fault sendOne(Port& port, const SendQueue& queue, const Wqe& wqe) {
  uint16_t header = get16(wqe.bytes + ETH_INLINE);
  uint32_t inlined = header & INSERT_VLAN ? 0 : header;
  if (ETH_BYTES + inlined > wqe.length && inlined) return {SYNDROME_OPERATION, "the inline header reaches beyond the WQE"};
  port.packet.assign(wqe.bytes + ETH_BYTES, wqe.bytes + ETH_BYTES + inlined);
  uint32_t at = ETH_END + (inlined > 2 ? (inlined - 2 + SEGMENT - 1) / SEGMENT * SEGMENT : 0);
  while (at < wqe.length) {
    if (Fault fault = gather(port, queue, wqe, at); fault.text) return fault;
  }
  if (port.device.inlineHeader && inlined < L2_INLINE) return {SYNDROME_OPERATION, "the Ethernet header is not inline, as this device wants it"};
  if (wqe.opcode != TSO) return finishPacket(port, queue, wqe);
  auto send = [&](const uint8_t* frame, uint32_t length) { transmit(port, queue, const_cast<uint8_t*>(frame), length); };
  uint32_t length = static_cast<uint32_t>(port.packet.size());
  if (segment(port.packet.data(), length, inlined, get16(wqe.bytes + ETH_MSS), send)) return {};
  return {SYNDROME_OPERATION, "TSO without an MSS, or without TCP or UDP headers inline"};
}

/** Each data segment is a packet of its own. */
Fault sendMany(Port& port, const SendQueue& queue, const Wqe& wqe) {
  for (uint32_t at = ETH_END; at < wqe.length;) {
    port.packet.clear();
    if (Fault fault = gather(port, queue, wqe, at); fault.text) return fault;
    if (Fault fault = finishPacket(port, queue, wqe); fault.text) return fault;
  }
  return {};
}

Fault execute(Port& port, const SendQueue& queue, const Wqe& wqe) {
  if (wqe.opcode == NOP) return {};
  if (wqe.length < ETH_END) return {SYNDROME_OPERATION, "a WQE has no Ethernet segment"};
  if (wqe.opcode == SEND || (wqe.opcode == TSO && wqe.modifier != TSO_IS_MPW)) return sendOne(port, queue, wqe);
  if (wqe.opcode == ENHANCED_MPW || wqe.opcode == TSO) return sendMany(port, queue, wqe);
  return {SYNDROME_OPERATION, "an opcode that an Ethernet send queue does not know"};
}

/** Copies the WQE at the consumer out of the ring, where it may wrap, and checks its control segment. */
Fault readWqe(const SendQueue& queue, Wqe& wqe) {
  auto blockAt = [&](uint32_t index) { return queue.buffer + static_cast<size_t>(index & (queue.count - 1)) * BLOCK; };
  memcpy(wqe.bytes, blockAt(queue.consumer), BLOCK);
  uint32_t segments = get32(wqe.bytes + 4) & 0x3f;
  wqe.opcode = wqe.bytes[3];
  wqe.modifier = wqe.bytes[0];
  wqe.length = segments * SEGMENT;
  wqe.blocks = std::max(1u, (wqe.length + BLOCK - 1) / BLOCK);
  wqe.signaled = queue.signalAll || (wqe.bytes[11] >> 2 & 3) >= 2; // completion mode: always, or always with an event
  if (segments == 0) return {SYNDROME_OPERATION, "a WQE of no segments"};
  if (get16(wqe.bytes + 1) != queue.consumer) return {SYNDROME_OPERATION, "a WQE has not the index of its place"};
  if (get32(wqe.bytes + 4) >> 8 != queue.number) return {SYNDROME_OPERATION, "a WQE has another queue's number"};
  if (wqe.blocks > static_cast<uint16_t>(queue.known - queue.consumer)) return {SYNDROME_OPERATION, "a WQE reaches beyond what is posted"};
  for (uint32_t i = 1; i < wqe.blocks; i++) memcpy(wqe.bytes + i * BLOCK, blockAt(queue.consumer + i), BLOCK);
  return {};
}

uint32_t opcodeAndNumber(const SendQueue& queue, const Wqe& wqe) { return static_cast<uint32_t>(wqe.opcode) << 24 | queue.number; }

void fail(Device& device, SendQueue& queue, const Wqe& wqe, Fault fault) {
  device.txErrors++;
  if (fault.text) violation(device, "SQ %u, WQE %u: %s", queue.number, queue.consumer, fault.text); // an error on demand is not the driver's
  complete(device, *queue.cq, makeErrorCqe(CQE_REQUEST_ERROR, queue.userIndex, opcodeAndNumber(queue, wqe), queue.consumer, fault.syndrome));
  queue.consumer = static_cast<uint16_t>(queue.consumer + std::min<uint32_t>(wqe.blocks, static_cast<uint16_t>(queue.known - queue.consumer)));
  queue.state = QueueState::error;
  flush(device, queue);
}

bool serve(Port& port, SendQueue& queue) {
  Device& device = port.device;
  Wqe wqe{};
  if (static_cast<uint16_t>(queue.known - queue.consumer) > queue.count) {
    fail(device, queue, wqe, {SYNDROME_OPERATION, "the doorbell record tells of more than the ring holds"});
    return true;
  }
  uint32_t n = 0;
  for (; n < WQES_PER_ROUND && queue.consumer != queue.known && !queue.cq->overrun; n++) {
    bool onDemand = isDue(device.faults->txErrorEvery, device.faults->sent);
    Fault fault = readWqe(queue, wqe);
    if (!fault.text && !onDemand) fault = execute(port, queue, wqe);
    if (fault.text || onDemand) {
      fail(device, queue, wqe, fault);
      break;
    }
    if (wqe.signaled) complete(device, *queue.cq, makeCqe(CQE_REQUEST, queue.userIndex, opcodeAndNumber(queue, wqe), queue.consumer));
    queue.consumer = static_cast<uint16_t>(queue.consumer + wqe.blocks);
  }
  return n != 0;
}

/** Takes the rings of the doorbell registers; a queue on a register that was rung now knows what its record says. */
void takeDoorbells(Device& device) {
  std::vector<uint32_t> rung;
  for (auto& [number, queue] : device.sends) {
    for (uint32_t half = 0; half < 2; half++) {
      volatile uint64_t* doorbell = uarRegister(device, queue->uarRegister, half);
      if (doorbell && *doorbell && __atomic_exchange_n(doorbell, 0, __ATOMIC_ACQ_REL)) rung.push_back(queue->uarRegister);
    }
  }
  if (rung.empty()) return;
  for (auto& [number, queue] : device.sends) {
    if (std::find(rung.begin(), rung.end(), queue->uarRegister) == rung.end()) continue;
    queue->known = static_cast<uint16_t>(readRecord(&queue->doorbell[1]));
    if (queue->state == QueueState::error) flush(device, *queue);
  }
}

} // namespace

bool serveSends(Port& port) {
  Device& device = port.device;
  if (device.faults->txHold) return false;
  takeDoorbells(device);
  bool busy = false;
  for (auto& [number, queue] : device.sends) {
    if (queue->state == QueueState::readyToSend && queue->consumer != queue->known) busy |= serve(port, *queue);
  }
  return busy;
}

void rewind(SendQueue& queue) { queue.consumer = queue.known = 0; }

void flush(Device& device, SendQueue& queue) {
  if (static_cast<uint16_t>(queue.known - queue.consumer) > queue.count) queue.consumer = queue.known;
  while (queue.consumer != queue.known) {
    Wqe wqe{};
    readWqe(queue, wqe);
    uint32_t blocks = std::min<uint32_t>(wqe.blocks, static_cast<uint16_t>(queue.known - queue.consumer));
    complete(device, *queue.cq, makeErrorCqe(CQE_REQUEST_ERROR, queue.userIndex, opcodeAndNumber(queue, wqe), queue.consumer, SYNDROME_FLUSH));
    queue.consumer = static_cast<uint16_t>(queue.consumer + blocks);
  }
}

} // namespace emulator
