// Packets from a capture file. It is read, not mapped: a mapped file that somebody cuts short ends the process (SIGBUS).

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pg_source.h"

constexpr size_t WINDOW = 1 << 20;
static_assert(WINDOW >= FRAME_MAX, "a packet is in memory whole");

std::unique_ptr<PgReplay> PgReplay::make(int fd, std::vector<Entry> index) {
  bool sound = fd >= 0 && !index.empty();
  for (const Entry& entry : index) sound &= entry.length >= FRAME_MIN && entry.length <= FRAME_MAX;
  if (sound) return std::unique_ptr<PgReplay>(new PgReplay(fd, std::move(index)));
  if (fd >= 0) close(fd);
  return nullptr;
}

PgReplay::~PgReplay() { close(fd_); }

void PgReplay::restart() {
  next_ = 0;
  offset_ = 0;
  failure_.clear();
}

GeneratedFrame PgReplay::next() {
  if (next_ == index_.size()) restart();
  const Entry& entry = index_[next_];
  uint64_t at = offset_ + entry.gap;
  if (!load(at, entry.length)) return {nullptr, 0};
  next_++;
  offset_ = at + entry.length;
  return {&window_[at - windowAt_], entry.length};
}

/** Has these bytes of the file in the window. */
bool PgReplay::load(uint64_t offset, uint32_t length) {
  if (offset >= windowAt_ && offset + length <= windowAt_ + windowLength_) return true;
  window_.resize(WINDOW);
  windowAt_ = offset;
  windowLength_ = 0;
  while (windowLength_ < WINDOW) {
    ssize_t got = pread(fd_, &window_[windowLength_], WINDOW - windowLength_, static_cast<off_t>(offset + windowLength_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failure_ = std::string("pread: ") + strerror(errno);
    if (got <= 0) break;
    windowLength_ += static_cast<size_t>(got);
  }
  if (windowLength_ >= length) return true;
  if (failure_.empty()) failure_ = "the file has become shorter";
  return false;
}
