// The calls of libc that reach the modelled device: LD_PRELOAD puts these before libc's own (ld.so(8)).
//
// Programs make them all the time and for other things, so each first asks the cheapest question that tells: a bit of a map for
// descriptors, the beginning of a path for names. Without WEFT_EMULATOR there is no device, and all of it is handed on.

#include "interpose.h"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "context.h"
#include "device.h"
#include "step.h"
#include "sysfs.h"

#define INTERPOSED extern "C" __attribute__((visibility("default")))

namespace emulator {

constexpr char NODE[] = "/dev/infiniband/uverbs";
/** Documentation/admin-guide/devices.txt; the minor is 192 + N. */
constexpr unsigned UVERBS_MAJOR = 231;
constexpr unsigned UVERBS_MINOR = 192;
constexpr int NETLINK_OF_RDMA = 20; // linux/netlink.h, NETLINK_RDMA

static std::atomic<uint64_t> watched[DESCRIPTOR_MAX / 64];

/** Not destroyed at exit: other threads may still make calls then. */
struct Tables {
  std::mutex lock;
  std::map<int, std::shared_ptr<Context>> contexts;
};
static Tables& tables() {
  static Tables* tables = new Tables();
  return *tables;
}

static bool isWatched(int fd) {
  return fd >= 0 && fd < DESCRIPTOR_MAX && watched[fd / 64].load(std::memory_order_relaxed) >> fd % 64 & 1;
}

bool watchDescriptor(int fd) {
  if (fd < 0 || fd >= DESCRIPTOR_MAX) return false;
  watched[fd / 64].fetch_or(1ull << fd % 64);
  return true;
}

bool addContext(int fd, std::shared_ptr<Context> context) {
  if (!watchDescriptor(fd)) return false;
  std::lock_guard<std::mutex> lock(tables().lock);
  tables().contexts[fd] = std::move(context);
  return true;
}

static std::shared_ptr<Context> contextOf(int fd) {
  if (!isWatched(fd)) return nullptr;
  std::lock_guard<std::mutex> lock(tables().lock);
  auto at = tables().contexts.find(fd);
  return at == tables().contexts.end() ? nullptr : at->second;
}

/** The driver's end of an event channel: completion channels have no other destructor. */
static void forgetChannel(int fd) {
  std::lock_guard<std::mutex> lock(tables().lock);
  for (auto& [number, context] : tables().contexts) {
    DeviceLock deviceLock(context->device);
    auto at = context->channels.find(fd);
    if (at != context->channels.end()) {
      at->second->forgetDriverEnd();
      context->channels.erase(at);
    }
    if (context->async && context->async->driverEnd() == fd) context->async->forgetDriverEnd();
  }
}

/** A child of fork(2) closes copies only: the model lives in the parent. */
static void closed(int fd) {
  if (!isWatched(fd)) return;
  watched[fd / 64].fetch_and(~(1ull << fd % 64));
  if (!ownsDevices()) return;
  std::shared_ptr<Context> context;
  {
    std::lock_guard<std::mutex> lock(tables().lock);
    auto at = tables().contexts.find(fd);
    if (at != tables().contexts.end()) {
      context = at->second;
      tables().contexts.erase(at);
    }
  }
  if (!context) forgetChannel(fd);
}

static Device* deviceAt(const char* path) {
  if (!path || strncmp(path, NODE, sizeof NODE - 1) != 0) return nullptr;
  for (const auto& device : devices()) {
    if (std::to_string(device->index) == path + sizeof NODE - 1) return device.get();
  }
  return nullptr;
}

static void describe(const Device& device, struct stat* about) {
  about->st_mode = S_IFCHR | (device.accessible ? 0666 : 0600);
  about->st_nlink = 1;
  about->st_rdev = makedev(UVERBS_MAJOR, UVERBS_MINOR + device.index);
}

/** libc's own function of this name. */
static void* next(std::atomic<void*>& cached, const char* name) {
  void* found = cached.load(std::memory_order_relaxed);
  if (!found) {
    found = dlsym(RTLD_NEXT, name);
    cached.store(found, std::memory_order_relaxed);
  }
  return found;
}
#define NEXT(name) \
  (reinterpret_cast<decltype(&::name)>([] { \
    static std::atomic<void*> cached; \
    return next(cached, #name); \
  }()))

/** The argument that open(2) has only when it creates. */
static mode_t modeArgument(int flags, va_list arguments) {
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

static void* mapPage(const Context& context, void* at, size_t length, int protection, int flags, off_t offset) {
  off_t page = pageOffset(context, length, offset);
  if (page < 0) return MAP_FAILED;
  return NEXT(mmap)(at, length, protection, flags, context.fd, page);
}

} // namespace emulator

using namespace emulator;

#define OPEN(name, parameters, call) \
  INTERPOSED int name parameters { \
    va_list arguments; \
    va_start(arguments, flags); \
    mode_t mode = modeArgument(flags, arguments); \
    va_end(arguments); \
    if (Device* device = deviceAt(path)) return openContext(*device); \
    if (int step = openStep(path); step >= 0) return step; \
    refreshSysfs(path); \
    return NEXT(name) call; \
  }
OPEN(open, (const char* path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char* path, int flags, ...), (path, flags, mode))
OPEN(openat, (int folder, const char* path, int flags, ...), (folder, path, flags, mode))
OPEN(openat64, (int folder, const char* path, int flags, ...), (folder, path, flags, mode))

INTERPOSED FILE* fopen(const char* path, const char* mode) {
  refreshSysfs(path);
  return NEXT(fopen)(path, mode);
}

INTERPOSED FILE* fopen64(const char* path, const char* mode) {
  refreshSysfs(path);
  return NEXT(fopen64)(path, mode);
}

INTERPOSED int stat(const char* path, struct stat* about) {
  Device* device = deviceAt(path);
  if (!device) return NEXT(stat)(path, about);
  *about = {};
  describe(*device, about);
  return 0;
}

INTERPOSED int fstat(int fd, struct stat* about) {
  int result = NEXT(fstat)(fd, about);
  std::shared_ptr<Context> context = result == 0 ? contextOf(fd) : nullptr;
  if (context) describe(context->device, about);
  return result;
}

INTERPOSED int access(const char* path, int mode) {
  Device* device = deviceAt(path);
  if (!device) return NEXT(access)(path, mode);
  if (mode == F_OK || device->accessible) return 0;
  errno = EACCES;
  return -1;
}

INTERPOSED ssize_t write(int fd, const void* bytes, size_t count) {
  if (isStep(fd)) return writeStep(bytes, count);
  std::shared_ptr<Context> context = contextOf(fd);
  if (!context) return NEXT(write)(fd, bytes, count);
  if (ownsDevices()) return executeCommand(*context, bytes, count);
  errno = EACCES; // in a child of fork(2), where the device is not
  return -1;
}

INTERPOSED int close(int fd) {
  closed(fd);
  return NEXT(close)(fd);
}

/** Commands come through write(2): for those that exist as ioctl(2) alone libibverbs learns that they are not supported. */
INTERPOSED int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (!contextOf(fd)) return NEXT(ioctl)(fd, request, argument);
  errno = request == RDMA_VERBS_IOCTL ? EPROTONOSUPPORT : ENOTTY;
  return -1;
}

INTERPOSED int socket(int family, int type, int protocol) {
  if (family == AF_NETLINK && protocol == NETLINK_OF_RDMA && !devices().empty()) {
    errno = EPROTONOSUPPORT; // libibverbs looks into sysfs then
    return -1;
  }
  return NEXT(socket)(family, type, protocol);
}

INTERPOSED void* mmap(void* at, size_t length, int protection, int flags, int fd, off_t offset) {
  if (std::shared_ptr<Context> context = contextOf(fd)) return mapPage(*context, at, length, protection, flags, offset);
  return NEXT(mmap)(at, length, protection, flags, fd, offset);
}

// On 64-bit machines off_t and struct stat have one form.
INTERPOSED int stat64(const char* path, struct stat64* about) { return stat(path, reinterpret_cast<struct stat*>(about)); }
INTERPOSED int fstat64(int fd, struct stat64* about) { return fstat(fd, reinterpret_cast<struct stat*>(about)); }
INTERPOSED void* mmap64(void* at, size_t length, int protection, int flags, int fd, off64_t offset) {
  return mmap(at, length, protection, flags, fd, offset);
}
