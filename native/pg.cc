// The port's streams and its sleep: timerfd_create(2). Its bursts are in pg_bursts.cc.

#include "pg.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "monotonic.h"

constexpr double SECOND = 1e9; // ns
constexpr double LONGEST = 1e18; // ns, 32 years: in 64 bits with any time added

void PgStream::enable(uint64_t now) {
  enabled = true;
  packets = bytes = 0;
  waiting = {nullptr, 0};
  start = seen = now;
  source->restart();
}

uint32_t PgStream::due(uint64_t now) {
  seen = now;
  uint64_t may = abi::VECTOR;
  if (rate > 0) {
    uint64_t owed = static_cast<uint64_t>(static_cast<double>(now - start) * rate / SECOND) + 1; // the first goes at once
    may = owed > packets ? owed - packets : 0;
  }
  if (limit > 0 && limit - packets < may) may = limit - packets;
  return static_cast<uint32_t>(may < abi::VECTOR ? may : abi::VECTOR);
}

uint64_t PgStream::nextDue() const {
  return start + static_cast<uint64_t>(std::min(std::ceil(static_cast<double>(packets) / rate * SECOND), LONGEST));
}

std::shared_ptr<PgPort> PgPort::open(Failure& error) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer < 0) error = failure("timerfd_create", errno);
  return timer < 0 ? nullptr : std::shared_ptr<PgPort>(new PgPort(timer));
}

PgPort::~PgPort() { close(timer_); }

uint32_t PgPort::add(PgStream stream) {
  stream.id = nextId_++;
  streams_.push_back(std::move(stream));
  return streams_.back().id;
}

void PgPort::remove(uint32_t id) {
  for (size_t i = 0; i < streams_.size(); i++) {
    if (streams_[i].id == id) streams_.erase(streams_.begin() + static_cast<ptrdiff_t>(i));
  }
}

PgStream* PgPort::find(uint32_t id) {
  for (PgStream& stream : streams_) if (stream.id == id) return &stream;
  return nullptr;
}

void PgPort::enable(PgStream& stream, bool on) {
  if (on) stream.enable(monotonic());
  else stream.enabled = false;
  wake();
}

bool PgPort::prepareSleep(uint32_t) {
  uint64_t first = 0;
  for (const PgStream& stream : streams_) {
    if (!stream.enabled) continue;
    if (stream.rate == 0) return false;
    uint64_t due = stream.nextDue();
    if (first == 0 || due < first) first = due;
  }
  if (first && first <= monotonic()) return false;
  arm(first);
  std::lock_guard<std::mutex> lock(wire_.lock());
  wire_.asleep = !wire_.front();
  return wire_.asleep;
}

void PgPort::afterSleep(short, uint32_t) {
  std::lock_guard<std::mutex> lock(wire_.lock());
  wire_.asleep = false;
  uint64_t expirations;
  while (read(timer_, &expirations, sizeof expirations) < 0 && errno == EINTR) {}
}

/** Has the timer expire then; 0: never. */
void PgPort::arm(uint64_t time) const {
  itimerspec when{};
  when.it_value = {static_cast<time_t>(time / 1000000000), static_cast<long>(time % 1000000000)};
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}
