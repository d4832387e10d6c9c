// Misbehaviour on demand, and the record of the driver's own.
#pragma once

#include <cstdint>
#include <string>

#include "objects.h"

namespace emulator {

struct Faults {
  uint64_t txErrorEvery = 0; // every nth send WQE completes with an error, and its queue is in the error state
  uint64_t rxErrorEvery = 0; // the same for packets that are received
  uint64_t dropCompletions = 0; // every nth CQE is not written
  uint64_t dmaDelayUs = 0; // from a packet's bytes to its CQE
  uint64_t txHold = 0; // doorbells are not looked at
  uint64_t rxHold = 0; // nothing is taken from the wire

  uint64_t sent = 0, received = 0;
};

/** True for every nth call with this `counter`. */
inline bool isDue(uint64_t every, uint64_t& counter) { return every != 0 && ++counter % every == 0; }

/** What a driver did that the hardware does not allow; the caller answers as the hardware would. */
__attribute__((format(printf, 2, 3))) void violation(Device& device, const char* format, ...);

} // namespace emulator
