// Transmit: a frame's packets by one sendmmsg, a piece for each buffer.
//
// Not PACKET_TX_RING: a slot there is given back when the socket buffer is orphaned, which a veth pair does while the peer still
// reads the slot's pages, so a reused slot changes packets that are under way.

#include <cerrno>

#include "af_packet.h"
#include "offloads.h"

uint32_t AfPacket::transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  Burst& burst = *burst_;
  uint32_t queued = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t index = burst.indices[i] = memory.read<uint32_t>(frame + abi::FRAME_BUFFERS + 4 * i);
    if (!memory.usedBufferAt(index)) continue; // counted below, where it is not freed
    uint32_t length = buildMessage(memory, index, queued);
    if (length) burst.lengths[queued++] = length;
    else memory.count(swIfIndex, abi::IFC_TX_ERROR, 1);
  }
  uint32_t sent = sendAll(memory, queued, swIfIndex);
  // sendmmsg has copied the packets, so every buffer is free now, whatever became of its packet.
  for (uint32_t i = 0; i < n; i++) {
    if (!memory.freeChain(burst.indices[i])) memory.countBadBuffer();
  }
  return sent;
}

/** Gives the packet's length, 0 if its header makes no sense. */
uint32_t AfPacket::buildMessage(const WorkerMemory& memory, uint32_t index, uint32_t place) {
  Burst& burst = *burst_;
  iovec* pieces = burst.pieces[place];
  uint32_t first = memory.usedBufferAt(index);
  uint32_t total = memory.read<uint32_t>(first + abi::B_TOTAL), left = total, count = 1;
  while (left > 0) {
    uint32_t buffer = memory.usedBufferAt(index);
    if (!buffer || count > CHAIN_MAX) return 0;
    uint32_t data = memory.read<uint16_t>(buffer + abi::B_DATA), held = memory.read<uint16_t>(buffer + abi::B_LENGTH);
    if (data < abi::BUFFER_ALIGN || data + held > abi::BUFFER_SIZE) return 0;
    uint32_t here = held < left ? held : left;
    pieces[count++] = {memory.base + buffer + data, here};
    left -= here;
    index = memory.read<uint32_t>(buffer + abi::B_NEXT);
  }

  // Its header length is how much the kernel is to hold in one piece: then the payload begins on one of its pages, see firstPiece().
  OffloadHeader& offload = burst.headers[place] = readOffload(memory, first, total);
  pieces[0] = {&offload, sizeof offload};
  msghdr& message = burst.messages[place].msg_hdr;
  message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  return total;
}

static uint32_t lossCounter(int error) {
  switch (error) {
    case ENOBUFS: case EAGAIN: return abi::IFC_TX_NO_ROOM;
    case ENETDOWN: case ENXIO: case ENODEV: return abi::IFC_TX_DOWN;
    case EMSGSIZE: return abi::IFC_TX_TOO_LONG;
    default: return abi::IFC_TX_ERROR;
  }
}

/** sendmmsg stops at the first packet that fails and tells why only when called again from there. */
uint32_t AfPacket::sendAll(const WorkerMemory& memory, uint32_t queued, uint32_t swIfIndex) {
  Burst& burst = *burst_;
  uint32_t next = 0, sent = 0;
  uint64_t bytes = 0;
  bool errorTaken = false;
  while (next < queued) {
    int done = sendmmsg(fd_, burst.messages + next, queued - next, MSG_DONTWAIT);
    if (done > 0) {
      for (int i = 0; i < done; i++) bytes += burst.lengths[next++];
      sent += static_cast<uint32_t>(done);
      continue;
    }
    int error = errno;
    uint32_t counter = lossCounter(error);
    if (counter == abi::IFC_TX_DOWN && !errorTaken) {
      errorTaken = true; // this may have been the old error of a link that is up again: taking it has cleared it
      continue;
    }
    // With no link or no socket buffer left the rest fails as this one did; other errors are one packet's own.
    uint32_t lost = counter == abi::IFC_TX_DOWN || error == EAGAIN ? queued - next : 1;
    memory.count(swIfIndex, counter, lost);
    next += lost;
  }
  if (sent > 0) {
    memory.count(swIfIndex, abi::IFC_TX_PACKETS, sent);
    memory.count(swIfIndex, abi::IFC_TX_BYTES, bytes);
  }
  return sent;
}
