#include "pg_wire.h"

static uint64_t sizeOf(uint32_t length) { return (sizeof(PgWire::Record) + length + 7) / 8 * 8; }
static_assert(sizeof(PgWire::Record) % 8 == 0, "records are aligned");

PgWire::Record* PgWire::reserve(uint32_t length) {
  if (!ring_) { // the first packet there ever is
    words_ = std::make_unique<uint64_t[]>(SIZE / 8);
    ring_ = reinterpret_cast<uint8_t*>(words_.get());
  }
  uint64_t size = sizeOf(length), toEnd = SIZE - head_ % SIZE, skipped = toEnd < size ? toEnd : 0;
  if (head_ + skipped + size - tail_ > SIZE) return nullptr;
  if (skipped) {
    at(head_)->length = SKIP; // a word is always left, for sizes are multiples of 8
    head_ += skipped;
  }
  pending_ = size;
  Record* record = at(head_);
  record->length = length;
  return record;
}

PgWire::Record* PgWire::front() {
  if (tail_ < head_ && at(tail_)->length == SKIP) tail_ += SIZE - tail_ % SIZE;
  return tail_ < head_ ? at(tail_) : nullptr;
}

void PgWire::pop() { tail_ += sizeOf(at(tail_)->length); }
