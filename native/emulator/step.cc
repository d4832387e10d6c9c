#include "step.h"

#include <emmintrin.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <sstream>

#include "cqe.h"
#include "device.h"
#include "nic.h"
#include "run_folder.h"

namespace emulator {

static std::atomic<int> descriptor{-1};

int openStep(const char* path) {
  if (!path || runFolder().empty() || runFolder() + "/step" != path) return -1;
  if (descriptor < 0) descriptor = memfd_create("weft-emulator-step", MFD_CLOEXEC);
  return descriptor;
}

bool isStep(int fd) { return fd >= 0 && fd == descriptor; }

/** CLFLUSH of the completions from `first` on. */
static void sendFar(const CompletionQueue& cq, uint32_t first) {
  for (uint32_t i = first; i != cq.producer; i++) _mm_clflush(cq.buffer + static_cast<size_t>(i & (cq.entries - 1)) * cq.entrySize);
  _mm_mfence();
}

ssize_t writeStep(const void* bytes, size_t count) {
  std::istringstream words(std::string(static_cast<const char*>(bytes), count));
  size_t index = 0;
  uint32_t frames = 0;
  std::string verb, distance;
  words >> index >> verb;
  if (verb == "receive") words >> frames;
  bool known = !words.fail() && index < devices().size() && devices()[index]->stepped && (verb == "receive" || verb == "send");
  words >> distance;
  if (!known || (!distance.empty() && distance != "far")) {
    errno = EINVAL;
    return -1;
  }
  Device& device = *devices()[index];
  DeviceLock lock(device);
  std::map<uint32_t, uint32_t> before;
  for (const auto& [number, cq] : device.completions) before[number] = cq->producer;
  bool done = verb == "send" ? stepSends(device) : stepReceives(device, frames);
  for (const auto& [number, cq] : device.completions) {
    if (!distance.empty()) sendFar(*cq, before[number]);
  }
  if (done) return static_cast<ssize_t>(count);
  errno = EIO;
  return -1;
}

} // namespace emulator
