#include "dv_completion.h"

#include <algorithm>

#include "ring_dump.h"

DvCompletionQueue::DvCompletionQueue(const DvCompletionRing& ring, bool strides) : ring_(ring), strides_(strides) {}

bool DvCompletionQueue::writtenAt(uint32_t index) const {
  uint8_t last = loadOwner(at(index));
  return (last & CQE_OWNER) == ownerAt(index) && last >> 4 != CQE_INVALID;
}

uint32_t DvCompletionQueue::next(Completion* to, uint32_t max) {
  uint32_t n = 0;
  while (n < max) {
    if (minis_ > 0) {
      n += nextMinis(to + n, max - n);
      continue;
    }
    if (!writtenAt(consumer_)) break;
    const Cqe& cqe = at(consumer_);
    Completion told = {static_cast<uint8_t>(cqe.opOwn >> 4), cqe.syndrome, cqe.good, cqe.types, cqe.wqeCounter, cqe.byteCount};
    bool session = (cqe.opOwn >> 2 & 3) == CQE_COMPRESSED;
    if (session && told.byteCount > 0 && told.byteCount <= ring_.count) {
      title_ = told;
      minis_ = told.byteCount;
      minisTaken_ = 0;
      continue;
    }
    if (session) told.opcode = CQE_INVALID; // no session is like this; the queue's owner gives up on it
    to[n++] = told;
    consumer_++;
  }
  return n;
}

uint32_t DvCompletionQueue::nextMinis(Completion* to, uint32_t max) {
  const Completion title = title_;
  const uint32_t first = minisTaken_, count = std::min(minis_ - first, max);
  const bool strides = strides_;
  for (uint32_t number = first; number < first + count;) {
    const uint32_t array = number & ~(MINIS_PER_CQE - 1), end = std::min(array + MINIS_PER_CQE, first + count);
    const MiniCqe* minis = reinterpret_cast<const MiniCqe*>(&at(consumer_ + (array ? array : 1)));
    for (; number < end; number++) {
      const MiniCqe& mini = minis[number - array];
      uint16_t counter = static_cast<uint16_t>(strides ? mini.detail : title.wqeCounter + number);
      *to++ = {title.opcode, title.syndrome, title.good, title.types, counter, mini.byteCount};
    }
  }
  minisTaken_ += count;
  if (minisTaken_ < minis_) return count;
  Cqe* const cqes = reinterpret_cast<Cqe*>(ring_.cqes);
  const uint32_t mask = ring_.count - 1, end = consumer_ + minis_;
  for (uint32_t i = consumer_ + 1; i != end; i++) cqes[i & mask].opOwn = static_cast<uint8_t>(CQE_INVALID << 4 | (i & (mask + 1) ? CQE_OWNER : 0));
  consumer_ = end;
  minis_ = 0;
  return count;
}

/** A session counts as one: its minis are read where they stand until the last is taken. */
void DvCompletionQueue::publish() { storeRecord(&ring_.doorbell[RECORD_CONSUMER], consumer_ & CONSUMER_MASK); }

bool DvCompletionQueue::arm() {
  if (minis_ || writtenAt(consumer_)) return false;
  // The sequence number, 2 bits, tells the NIC a new request from one that it has answered with an event, as it did to the last one if
  // completions came since.
  if (consumer_ != armedAt_) armSequence_++;
  armedAt_ = consumer_;
  uint32_t request = (armSequence_ & 3) << ARM_SEQUENCE_SHIFT | (consumer_ & CONSUMER_MASK);
  storeRecord(&ring_.doorbell[RECORD_ARM], request);
  Be32 words[2];
  words[0] = request;
  words[1] = ring_.cqn;
  storeRegister(ring_.uar + UAR_ARM, words, sizeof words);
  return true; // the NIC compares its own count with ours: what it completed meanwhile is an event at once
}

void DvCompletionQueue::discard() {
  Completion old;
  while (next(&old, 1)) {}
  publish();
}

std::string DvCompletionQueue::dump() const {
  std::string head = "cq " + std::to_string(ring_.cqn) + ": " + std::to_string(ring_.count) + " CQEs of " + std::to_string(ring_.cqeSize) +
                     " bytes, consumer index " + std::to_string(consumer_) + "\n";
  return head + dumpAround(ring_.cqes, ring_.count, sizeof(Cqe), consumer_);
}
