#include "context.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <rdma/mlx5-abi.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"
#include "device.h"
#include "interpose.h"

namespace emulator {

/** What turns the timestamps of CQEs into the time of day: both are nanoseconds, so that no driver of the page has to keep them together. */
static void writeClock(uint8_t* page) {
  timespec day, since;
  clock_gettime(CLOCK_REALTIME, &day);
  clock_gettime(CLOCK_MONOTONIC, &since);
  mlx5_ib_clock_info clock{};
  clock.nsec = (day.tv_sec - since.tv_sec) * 1000000000ull + day.tv_nsec - since.tv_nsec;
  clock.mult = 1;
  clock.mask = TIMESTAMP_MASK;
  clock.overflow_period = TIMESTAMP_MASK;
  memcpy(page, &clock, sizeof clock);
}

static uint32_t freeSlot(const Device& device) {
  uint32_t slot = 0;
  while (std::any_of(device.contexts.begin(), device.contexts.end(), [slot](const Context* context) { return context->slot == slot; })) slot++;
  return slot;
}

Context::Context(Device& device, int fd) : device(device), fd(fd) {
  void* mapped = mmap(nullptr, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  uar = mapped == MAP_FAILED ? nullptr : static_cast<uint8_t*>(mapped);
  if (uar) writeClock(uar + CLOCK_PAGE * PAGE_BYTES);
  DeviceLock lock(device);
  static std::atomic<uint32_t> lastDomain{0};
  slot = freeSlot(device);
  transportDomain = ++lastDomain;
  device.contexts.push_back(this);
  if (device.contexts.size() == 1) startNic(device);
}

Context::~Context() {
  DeviceLock lock(device);
  destroyAll();
  device.contexts.erase(std::find(device.contexts.begin(), device.contexts.end(), this));
  if (device.contexts.empty()) stopNic(device);
  if (uar) munmap(uar, PAGES * PAGE_BYTES);
}

template <typename T>
static void destroyKind(Context& context, Context::Handles<T>& kind, int (*destroy)(Context&, uint32_t)) {
  while (!kind.empty() && destroy(context, kind.begin()->first) == 0) continue;
}

/** What is used by others goes after them. */
void Context::destroyAll() {
  destroyKind(*this, flows, destroyFlow);
  destroyKind(*this, queuePairs, destroyQueuePair);
  destroyKind(*this, tables, destroyTable);
  destroyKind(*this, workQueues, destroyWorkQueue);
  destroyKind(*this, completions, destroyCompletionQueue);
  destroyKind(*this, regions, destroyRegion);
}

int openContext(Device& device) {
  if (!device.accessible || !ownsDevices()) {
    errno = device.accessible ? ENODEV : EACCES;
    return -1;
  }
  int fd = memfd_create(device.name.c_str(), MFD_CLOEXEC);
  if (fd < 0) return -1;
  bool ready = ftruncate(fd, PAGES * PAGE_BYTES) == 0;
  std::shared_ptr<Context> context;
  if (ready) context = std::make_shared<Context>(device, fd);
  if (!ready || !context->uar || !addContext(fd, context)) {
    close(fd);
    errno = ENOMEM;
    return -1;
  }
  startControl();
  return fd;
}

} // namespace emulator
