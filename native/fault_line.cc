// One direction: each packet is judged fault by fault, in the same order, so that a seed tells what becomes of each.

#include <algorithm>

#include "fault.h"
#include "offloads.h"

/** How long a packet lets the next one overtake it at most, ns: there may be no next one. */
constexpr uint64_t ASIDE = 10000000;

void FaultyLine::configure(const FaultSettings& settings, uint64_t seed) {
  settings_ = settings;
  random_ = Random(seed);
}

void FaultyLine::clear() {
  configure({}, 0);
  asideDue_ = 0;
  std::sort(waiting_.begin(), waiting_.end(), [](const Waiting& a, const Waiting& b) { return later(b, a); }); // is a heap too
  for (Waiting& waiting : waiting_) {
    waiting.due = 0;
    waiting.order = order_++;
  }
}

static uint32_t buffersOf(const WorkerMemory& memory, uint32_t index) {
  uint32_t count = 0;
  for (uint32_t buffer; count < CHAIN_MAX && (buffer = memory.usedBufferAt(index)); count++) index = memory.read<uint32_t>(buffer + abi::B_NEXT);
  return count;
}

/** A packet with the same bytes and header in buffers of its own: its index, 0 when there are too few. */
static uint32_t copyOf(const WorkerMemory& memory, uint32_t index) {
  Chain from;
  uint32_t to[CHAIN_MAX];
  if (!from.read(memory, index) || !memory.take(from.count, to)) return 0;
  for (uint32_t i = 0; i < from.count; i++) {
    const Chain::Piece& piece = from.pieces[i];
    memcpy(memory.base + to[i], memory.base + piece.buffer, abi::BUFFER_ALIGN);
    memcpy(memory.base + to[i] + piece.data, memory.base + piece.buffer + piece.data, piece.length);
    memory.write<uint16_t>(to[i] + abi::B_STATE, abi::BUFFER_USED);
    memory.write<uint16_t>(to[i] + abi::B_DATA, piece.data); // as they were when they were looked at
    memory.write<uint16_t>(to[i] + abi::B_LENGTH, piece.length);
    memory.write<uint32_t>(to[i] + abi::B_NEXT, i + 1 < from.count ? to[i + 1] >> abi::BUFFER_SHIFT : 0);
  }
  memory.write<uint32_t>(to[0] + abi::B_TOTAL, from.total);
  return to[0] >> abi::BUFFER_SHIFT;
}

/** Whatever the device said of its checksums no longer holds. */
static void forgetChecks(const WorkerMemory& memory, uint32_t buffer) {
  uint16_t flags = memory.read<uint16_t>(buffer + abi::B_FLAGS);
  memory.write<uint16_t>(buffer + abi::B_FLAGS, flags & ~(abi::B_FLAG_L3_GOOD | abi::B_FLAG_L4_GOOD));
  memory.write<uint8_t>(buffer + abi::B_CSUM_FLAGS, 0);
}

/** Fills in a checksum that was left to the device (virtio 1.2, 5.1.6.2): else it would be made over the damage, and nobody would see it. */
static void completeChecksum(const WorkerMemory& memory, const Chain& chain) {
  OffloadHeader offload = readOffload(memory, chain.pieces[0].buffer, chain.total);
  uint32_t start = offload.checksumStart, place = start + offload.checksumOffset;
  if (!(offload.flags & NEEDS_CHECKSUM) || place + 2 > chain.total) return;
  uint64_t sum = 0;
  for (uint32_t i = 0, at = 0; i < chain.count; at += chain.pieces[i++].length) {
    const uint8_t* bytes = memory.base + chain.pieces[i].buffer + chain.pieces[i].data;
    for (uint32_t j = at < start ? start - at : 0; j < chain.pieces[i].length; j++) sum += (at + j - start) & 1 ? bytes[j] : bytes[j] << 8;
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  uint16_t checksum = static_cast<uint16_t>(~sum);
  if (checksum == 0) checksum = 0xffff; // RFC 768; to TCP it is the same
  memory.base[chain.addressOf(place)] = static_cast<uint8_t>(checksum >> 8);
  memory.base[chain.addressOf(place + 1)] = static_cast<uint8_t>(checksum);
}

static void truncate(const WorkerMemory& memory, const Chain& chain, uint32_t length) {
  memory.write<uint32_t>(chain.pieces[0].buffer + abi::B_TOTAL, length);
  for (uint32_t i = 0, left = length; i < chain.count; left -= chain.pieces[i++].length) {
    uint32_t buffer = chain.pieces[i].buffer;
    if (left > chain.pieces[i].length) continue;
    uint32_t rest = memory.read<uint32_t>(buffer + abi::B_NEXT);
    memory.write<uint16_t>(buffer + abi::B_LENGTH, left);
    memory.write<uint32_t>(buffer + abi::B_NEXT, 0);
    if (rest != 0 && !memory.freeChain(rest)) memory.countBadBuffer();
    return;
  }
}

void FaultyLine::judge(Burst& burst, uint32_t index) {
  const WorkerMemory& memory = burst.memory;
  Chain chain;
  if (!chain.read(memory, index)) return lose(memory, burst.swIfIndex, index);
  if (settings_.loss > 0 && random_.happens(settings_.loss)) return lose(memory, burst.swIfIndex, index);
  // A super-packet is many packets on the wire: damage to one of them cannot be told here.
  uint32_t first = chain.pieces[0].buffer;
  bool whole = memory.read<uint16_t>(first + abi::B_GSO_SIZE) != 0;
  if (settings_.truncate > 0 && random_.happens(settings_.truncate) && !whole && chain.total > 1) {
    completeChecksum(memory, chain);
    forgetChecks(memory, first);
    truncate(memory, chain, 1 + static_cast<uint32_t>(random_.below(chain.total - 1)));
    chain = Chain();
    if (!chain.read(memory, index)) return lose(memory, burst.swIfIndex, index);
    counts_.truncated++;
  }
  if (settings_.corrupt > 0 && random_.happens(settings_.corrupt) && !whole) {
    completeChecksum(memory, chain);
    forgetChecks(memory, first);
    uint64_t bit = random_.below(static_cast<uint64_t>(chain.total) * 8);
    memory.base[chain.addressOf(static_cast<uint32_t>(bit / 8))] ^= static_cast<uint8_t>(0x80 >> bit % 8);
    counts_.corrupted++;
  }
  uint32_t copy = settings_.duplicate > 0 && random_.happens(settings_.duplicate) ? copyOf(memory, index) : 0;
  pass(burst, index);
  if (!copy) return;
  counts_.duplicated++;
  memory.add(memory.worker + abi::GRAPH_ORIGINATED, 1);
  pass(burst, copy);
}

/** On to where it goes: now, after its delay, or after the packet behind it; where there is a delay, one that is reordered has none. */
void FaultyLine::pass(Burst& burst, uint32_t index) {
  bool reordered = settings_.reorder > 0 && random_.happens(settings_.reorder);
  if (settings_.delay + settings_.jitter > 0 && !reordered) {
    uint64_t jitter = settings_.jitter > 0 ? random_.below(2 * settings_.jitter + 1) : 0, delay = settings_.delay + jitter;
    counts_.delayed++;
    return hold(burst, index, burst.now + (delay > settings_.jitter ? delay - settings_.jitter : 0));
  }
  if (!reordered) return emit(burst, index);
  counts_.reordered++;
  if (aside_ || settings_.delay + settings_.jitter > 0) return emit(burst, index);
  aside_ = index;
  asideDue_ = burst.now + ASIDE;
  asideBuffers_ = buffersOf(burst.memory, index);
  buffers_ += asideBuffers_;
}

void FaultyLine::emit(Burst& burst, uint32_t index) {
  if (burst.n == burst.room) return hold(burst, index, burst.now);
  burst.indices[burst.n++] = index;
  if (!aside_) return;
  uint32_t overtaken = aside_;
  aside_ = 0;
  buffers_ -= asideBuffers_;
  emit(burst, overtaken);
}

void FaultyLine::hold(Burst& burst, uint32_t index, uint64_t due) {
  // A node that writes into frames can bring one buffer again and again: no more wait than there are buffers.
  if (waiting_.size() == waiting_.capacity()) return lose(burst.memory, burst.swIfIndex, index);
  uint32_t count = buffersOf(burst.memory, index);
  buffers_ += count;
  waiting_.push_back({due, order_++, index, count});
  std::push_heap(waiting_.begin(), waiting_.end(), later);
}

void FaultyLine::release(Burst& burst) {
  while (burst.n < burst.room && !waiting_.empty() && waiting_.front().due <= burst.now) {
    std::pop_heap(waiting_.begin(), waiting_.end(), later);
    Waiting waited = waiting_.back();
    waiting_.pop_back();
    buffers_ -= waited.buffers;
    if (burst.memory.usedBufferAt(waited.index)) emit(burst, waited.index);
    else lose(burst.memory, burst.swIfIndex, waited.index); // a node has written over it
  }
  if (!aside_ || asideDue_ > burst.now || burst.n == burst.room) return;
  uint32_t last = aside_;
  aside_ = 0;
  buffers_ -= asideBuffers_;
  emit(burst, last);
}

void FaultyLine::lose(const WorkerMemory& memory, uint32_t swIfIndex, uint32_t index) {
  if (!memory.freeChain(index)) memory.countBadBuffer();
  memory.count(swIfIndex, lostCounter_, 1);
  counts_.lost++;
}

void FaultyLine::drain(const WorkerMemory& memory, uint32_t swIfIndex) {
  for (const Waiting& waiting : waiting_) lose(memory, swIfIndex, waiting.index);
  if (aside_) lose(memory, swIfIndex, aside_);
  waiting_.clear();
  aside_ = buffers_ = 0;
}

uint64_t FaultyLine::nextDue() const {
  uint64_t due = waiting_.empty() ? UINT64_MAX : waiting_.front().due;
  return aside_ && asideDue_ < due ? asideDue_ : due;
}
