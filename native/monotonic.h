// The clock by which packets wait, that of their timers too: clock_gettime(2).
#pragma once

#include <time.h>

#include <cstdint>

/** ns since some time in the past; never goes back. */
inline uint64_t monotonic() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000 + static_cast<uint64_t>(time.tv_nsec);
}
