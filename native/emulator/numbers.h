// Numbers of queues, and what else the commands_*.cc share.
#pragma once

#include <atomic>

#include "context.h"

namespace emulator {

/** WQEs of a ring. */
constexpr uint32_t MAX_WR = 32768;

/** Queue, QP and table numbers are of 24 bits and unique in the process, which keeps mistaken ones apart in a test. */
inline uint32_t newQueueNumber() {
  static std::atomic<uint32_t> last{0x100};
  return ++last & 0xffffff;
}

inline bool isPowerOfTwo(uint32_t value) { return value && !(value & (value - 1)); }

/** The protection domain of this number in the context; it exists while anything uses it. */
std::shared_ptr<ProtectionDomain> domainOf(const Context& context, uint32_t pdn);

} // namespace emulator
