#include "faults.h"

#include <cstdarg>
#include <cstdio>

namespace emulator {

bool setFault(Device& device, const std::string& name, uint64_t value) {
  static const struct {
    const char* name;
    uint64_t Faults::*field;
  } NAMES[] = {
    {"tx-error-every", &Faults::txErrorEvery},
    {"rx-error-every", &Faults::rxErrorEvery},
    {"drop-completions", &Faults::dropCompletions},
    {"dma-delay-us", &Faults::dmaDelayUs},
    {"tx-hold", &Faults::txHold},
    {"rx-hold", &Faults::rxHold},
  };
  if (!device.faults) device.faults = std::make_shared<Faults>();
  for (const auto& known : NAMES) {
    if (name != known.name) continue;
    *device.faults.*known.field = value;
    return true;
  }
  return false;
}

void violation(Device& device, const char* format, ...) {
  char text[200];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  device.violations++;
  device.lastViolation = text;
}

} // namespace emulator
