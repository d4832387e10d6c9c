// What comes in: packets of other ports, then of streams. What goes out: counted, copied for another port where there is one, freed.

#include "chain.h"
#include "incoming.h"
#include "monotonic.h"
#include "offloads.h"
#include "pg.h"

uint32_t PgPort::receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  Burst burst{memory, frame, max, swIfIndex};
  takeWire(burst);
  uint64_t time = streams_.empty() ? 0 : monotonic();
  size_t count = streams_.size();
  for (size_t i = 0; i < count && burst.n < max; i++) takeStream(burst, streams_[(nextStream_ + i) % count], time);
  if (count > 0) nextStream_ = (nextStream_ + 1) % count; // when a frame is full, the next begins with another stream
  if (burst.n > 0) {
    memory.count(swIfIndex, abi::IFC_RX_PACKETS, burst.n);
    memory.count(swIfIndex, abi::IFC_RX_BYTES, burst.bytes);
  }
  if (burst.starved) memory.count(swIfIndex, abi::IFC_RX_NO_BUFFER, 1);
  starved_ = burst.starved;
  return burst.n;
}

void PgPort::takeWire(Burst& burst) {
  std::lock_guard<std::mutex> lock(wire_.lock());
  while (burst.n < burst.max) {
    PgWire::Record* record = wire_.front();
    if (!record || !place(burst, record->bytes(), record->length, &record->offload)) return;
    wire_.pop();
  }
}

void PgPort::takeStream(Burst& burst, PgStream& stream, uint64_t time) {
  if (!stream.enabled) return;
  for (uint32_t left = stream.due(time); left > 0 && burst.n < burst.max; left--) {
    if (stream.waiting.length == 0) stream.waiting = stream.source->next();
    if (stream.waiting.length == 0) {
      stream.enabled = false; // it says itself why
      return;
    }
    if (!place(burst, stream.waiting.bytes, stream.waiting.length, nullptr)) return;
    stream.packets++;
    stream.bytes += stream.waiting.length;
    stream.waiting.length = 0;
  }
  if (stream.limit > 0 && stream.packets == stream.limit) stream.enabled = false;
}

/** Puts a packet into buffers of its own; false when the pool has too few. */
bool PgPort::place(Burst& burst, const uint8_t* bytes, uint32_t length, const OffloadHeader* offload) {
  const WorkerMemory& memory = burst.memory;
  uint32_t count = buffersFor(length), chain[CHAIN_MAX];
  if (!memory.take(count, chain)) {
    burst.starved = true;
    return false;
  }
  uint32_t first = length < abi::BUFFER_DATA ? length : abi::BUFFER_DATA;
  linkReceived(memory, chain, first, length, burst.swIfIndex);
  for (uint32_t i = 0, left = length; i < count; i++) {
    uint32_t here = left < abi::BUFFER_DATA ? left : abi::BUFFER_DATA;
    memcpy(memory.base + chain[i] + abi::BUFFER_START, bytes, here);
    bytes += here;
    left -= here;
  }
  if (offload) writeOffload(memory, chain[0], *offload, offload->headerLength);
  memory.write(burst.frame + abi::FRAME_BUFFERS + 4 * burst.n++, chain[0] >> abi::BUFFER_SHIFT);
  burst.bytes += length;
  return true;
}

uint32_t PgPort::transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  uint32_t sent = 0;
  uint64_t bytes = 0;
  std::shared_ptr<PgPort> peer = peer_.lock();
  std::unique_lock<std::mutex> lock;
  if (peer) lock = std::unique_lock<std::mutex>(peer->wire_.lock());
  for (uint32_t i = 0; i < n; i++) {
    uint32_t index = memory.read<uint32_t>(frame + abi::FRAME_BUFFERS + 4 * i), buffer = memory.usedBufferAt(index);
    if (!buffer) {
      memory.countBadBuffer();
      continue;
    }
    Chain chain;
    PgWire::Record* record = nullptr;
    if (!chain.read(memory, index)) {
      memory.count(swIfIndex, abi::IFC_TX_ERROR, 1);
    } else if (peer && chain.total > FRAME_MAX) { // its buffers use their headroom too: it would need more of them there than a chain has
      memory.count(swIfIndex, abi::IFC_TX_TOO_LONG, 1);
    } else if (peer && !(record = peer->wire_.reserve(chain.total))) {
      memory.count(swIfIndex, abi::IFC_TX_NO_ROOM, 1);
    } else {
      if (record) {
        chain.copyTo(memory, record->bytes());
        record->offload = readOffload(memory, buffer, chain.total);
        peer->wire_.put();
      }
      sent++;
      bytes += chain.total;
    }
    memory.freeChain(index);
  }
  if (sent > 0) {
    memory.count(swIfIndex, abi::IFC_TX_PACKETS, sent);
    memory.count(swIfIndex, abi::IFC_TX_BYTES, bytes);
  }
  if (peer && peer->wire_.asleep && peer->wire_.front()) {
    peer->wire_.asleep = false;
    peer->wake();
  }
  return sent;
}
