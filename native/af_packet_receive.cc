// Receive: from the ring, and from the socket's queue what is too long for it, into buffers of the linear memory.

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "af_packet.h"
#include "incoming.h"
#include "offloads.h"

constexpr uint32_t VLAN_TAG = 4;
constexpr uint64_t MISSED_EVERY_MS = 100;

uint32_t AfPacket::receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  uint32_t n = 0;
  uint64_t bytes = 0;
  bool losing = false, starved = false;
  while (n < max) {
    uint8_t* slot = slotAt(next_);
    tpacket2_hdr* header = reinterpret_cast<tpacket2_hdr*>(slot);
    uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER)) break;
    uint32_t index = 0;
    Taken taken = takePacket(memory, slot, swIfIndex, &index);
    if (taken == Taken::noBuffers) {
      starved = true; // the packet stays where it is; the next burst tries again
      break;
    }
    losing |= (status & TP_STATUS_LOSING) != 0;
    __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    if (++next_ == slots_) next_ = 0;
    if (taken == Taken::lost) continue;
    memory.write(frame + abi::FRAME_BUFFERS + 4 * n++, index);
    bytes += memory.read<uint32_t>((index << abi::BUFFER_SHIFT) + abi::B_TOTAL); // tp_len leaves a VLAN tag out
  }
  if (n > 0) {
    memory.count(swIfIndex, abi::IFC_RX_PACKETS, n);
    memory.count(swIfIndex, abi::IFC_RX_BYTES, bytes);
  }
  if (starved) memory.count(swIfIndex, abi::IFC_RX_NO_BUFFER, 1);
  starved_ = starved;
  readMissed(memory, swIfIndex, losing);
  return n;
}

/** Bytes of the packet that buffer i of a chain holds when the first one holds `first`. */
static uint32_t pieceLength(uint32_t i, uint32_t first, uint32_t length) {
  if (i == 0) return first;
  uint32_t left = length - first - (i - 1) * abi::BUFFER_DATA;
  return left < abi::BUFFER_DATA ? left : abi::BUFFER_DATA;
}

/**
 * Bytes of all headers of a packet whose sender left its checksum to us; else what the kernel says, which is only how much it happened
 * to hold in one piece (0 for ordinary packets).
 */
static uint32_t headerLength(const uint8_t* packet, uint32_t held, const OffloadHeader& offload) {
  uint32_t transport = offload.checksumStart;
  if (!(offload.flags & NEEDS_CHECKSUM) || transport + 20 > held) return offload.headerLength;
  // Where the checksum stands tells the protocol: byte 6 of UDP (RFC 768), byte 16 of TCP (RFC 9293 3.1), whose data offset is in words.
  return transport + (offload.checksumOffset == 16 ? (packet[transport + 12] >> 4) * 4 : 8);
}

/** Puts a VLAN tag that the kernel took out back behind the addresses (IEEE 802.1Q 9.3): they move into the headroom. */
static void restoreTag(const WorkerMemory& memory, uint32_t buffer, const tpacket2_hdr& header) {
  uint16_t held = memory.read<uint16_t>(buffer + abi::B_LENGTH);
  if (held < 2 * ETH_ALEN) return;
  uint8_t* start = memory.base + buffer + abi::BUFFER_START;
  memmove(start - VLAN_TAG, start, 2 * ETH_ALEN);
  uint16_t tag[2] = {htons(header.tp_status & TP_STATUS_VLAN_TPID_VALID ? header.tp_vlan_tpid : ETH_P_8021Q), htons(header.tp_vlan_tci)};
  memcpy(start - VLAN_TAG + 2 * ETH_ALEN, tag, sizeof tag);
  memory.write<uint16_t>(buffer + abi::B_DATA, abi::BUFFER_START - VLAN_TAG);
  memory.write<uint16_t>(buffer + abi::B_LENGTH, held + VLAN_TAG);
  memory.write<uint32_t>(buffer + abi::B_TOTAL, memory.read<uint32_t>(buffer + abi::B_TOTAL) + VLAN_TAG);
  uint16_t headers = memory.read<uint16_t>(buffer + abi::B_HEADER_LENGTH);
  if (headers) memory.write<uint16_t>(buffer + abi::B_HEADER_LENGTH, headers + VLAN_TAG);
}

/**
 * A long packet's first buffer holds the headers alone. So its payload begins on a cache line, here and in the kernel's own pages: where
 * source and destination are not aligned to each other, x86 copies twenty times slower.
 */
static uint32_t firstPiece(uint32_t headers, uint32_t length) {
  if (length <= abi::BUFFER_DATA) return length;
  return headers > 0 && headers < abi::BUFFER_DATA ? headers : abi::BUFFER_DATA;
}

AfPacket::Taken AfPacket::takePacket(const WorkerMemory& memory, const uint8_t* slot, uint32_t swIfIndex, uint32_t* index) {
  const tpacket2_hdr& header = *reinterpret_cast<const tpacket2_hdr*>(slot);
  const uint8_t* packet = slot + header.tp_mac;
  OffloadHeader offload;
  memcpy(&offload, packet - sizeof offload, sizeof offload); // the kernel puts the virtio_net_hdr right before the packet
  uint32_t length = header.tp_len, headers = headerLength(packet, header.tp_snaplen, offload);
  uint32_t first = firstPiece(headers, length);
  uint32_t count = 1 + buffersFor(length - first);
  bool queued = header.tp_status & TP_STATUS_COPY;
  if (length == 0 || count > CHAIN_MAX || (!queued && header.tp_snaplen < length)) {
    if (queued) fetch(nullptr, 0); // its place in the queue must not stay for the next one
    memory.count(swIfIndex, abi::IFC_RX_TRUNCATED, 1);
    return Taken::lost;
  }
  uint32_t chain[CHAIN_MAX];
  if (!memory.take(count, chain)) return Taken::noBuffers;
  linkReceived(memory, chain, first, length, swIfIndex);
  if (!queued) {
    for (uint32_t i = 0; i < count; packet += pieceLength(i++, first, length)) {
      memcpy(memory.base + chain[i] + abi::BUFFER_START, packet, pieceLength(i, first, length));
    }
  } else if (!fetchLong(memory, chain, count, first, length)) {
    for (uint32_t i = 0; i < count; i++) memory.give(chain[i]);
    memory.count(swIfIndex, abi::IFC_RX_ERROR, 1);
    return Taken::lost;
  }
  writeOffload(memory, chain[0], offload, headers);
  if (header.tp_status & TP_STATUS_VLAN_VALID) restoreTag(memory, chain[0], header);
  *index = chain[0] >> abi::BUFFER_SHIFT;
  return Taken::packet;
}

/** Slots marked TP_STATUS_COPY and packets in the socket's queue are in the same order: the kernel adds both under one lock. */
bool AfPacket::fetchLong(const WorkerMemory& memory, const uint32_t* chain, uint32_t count, uint32_t first, uint32_t length) {
  iovec pieces[CHAIN_MAX];
  for (uint32_t i = 0; i < count; i++) pieces[i] = {memory.base + chain[i] + abi::BUFFER_START, pieceLength(i, first, length)};
  return fetch(pieces, count) == length;
}

/** Takes the next packet out of the socket's queue into these pieces; gives how many bytes that were, -1: there was none. */
int64_t AfPacket::fetch(const iovec* to, uint32_t count) const {
  OffloadHeader offload; // the ring has it too
  iovec pieces[1 + CHAIN_MAX];
  pieces[0] = {&offload, sizeof offload};
  std::copy(to, to + count, pieces + 1);
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 1 + count;
  ssize_t got = recvmsg(fd_, &message, MSG_DONTWAIT);
  // The first try may have met the error that a link going down left behind, in place of the packet.
  if (got < 0 && errno != EAGAIN) got = recvmsg(fd_, &message, MSG_DONTWAIT);
  return got < 0 ? -1 : got - static_cast<ssize_t>(sizeof offload);
}

/** Adds what the kernel dropped since the last time. Reading resets its counter; it is a system call, so not in every burst. */
void AfPacket::readMissed(const WorkerMemory& memory, uint32_t swIfIndex, bool now) {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  uint64_t ms = static_cast<uint64_t>(time.tv_sec) * 1000 + static_cast<uint64_t>(time.tv_nsec) / 1000000;
  if (!now && ms - missedRead_ < MISSED_EVERY_MS) return;
  missedRead_ = ms;
  tpacket_stats stats;
  socklen_t length = sizeof stats;
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0 && stats.tp_drops) {
    memory.count(swIfIndex, abi::IFC_RX_MISSED, stats.tp_drops);
  }
}
