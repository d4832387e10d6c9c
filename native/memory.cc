// Lays the linear memory out: an inaccessible page zero, read-only tables with a writable alias, a pool on huge pages.
// WebAssembly's loads and stores that hit a protected page become a RuntimeError, V8's trap handler sees to that.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "abi.h"
#include "addon.h"
#include "calls.h"

constexpr size_t SMALL_PAGE = 4096;
constexpr size_t HUGE_PAGE = 2 << 20;

LinearMemory linearMemory(Napi::Value value) {
  LinearMemory memory;
  // Not Napi::Uint8Array: it insists on an ArrayBuffer, and a shared memory's buffer is a SharedArrayBuffer.
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(value.Env(), value, nullptr, &length, &data, nullptr, nullptr) != napi_ok) return memory;
  memory.data = static_cast<uint8_t*>(data);
  memory.length = length;
  return memory;
}

static size_t roundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

/**
 * Has the kernel put what a file in memory has here on huge pages, which it does from Linux 6.1 on, whatever its own policy is: lookups in a
 * large FIB touch pages at random, and each page that the processor does not know costs as much as the lookup. Only speed depends on it.
 */
static void useHugePages(uint8_t* at, size_t length) {
  constexpr int COLLAPSE = 25; // MADV_COLLAPSE, which glibc has from 2.37 on
  uintptr_t base = reinterpret_cast<uintptr_t>(at), first = roundUp(base, HUGE_PAGE), last = (base + length) / HUGE_PAGE * HUGE_PAGE;
  for (uintptr_t page = first; page < last; page += HUGE_PAGE) {
    *reinterpret_cast<volatile uint8_t*>(page) = 0; // nothing can be put together from nothing
    if (madvise(reinterpret_cast<void*>(page), HUGE_PAGE, COLLAPSE) != 0) return;
  }
}

/** Puts a memfd's pages into [at, at + length) read-only and anywhere else writable; gives the writable place. */
static Failure mapWindow(uint8_t* at, size_t length, uint8_t** alias) {
  // As far from a huge page's boundary in the file and at both places.
  size_t before = reinterpret_cast<uintptr_t>(at) % HUGE_PAGE, reserved = before + length + HUGE_PAGE;
  void* room = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return failure("mmap", errno);
  uint8_t* first = static_cast<uint8_t*>(room);
  uintptr_t start = reinterpret_cast<uintptr_t>(room);
  *alias = first + (roundUp(start, HUGE_PAGE) - start) + before;
  munmap(first, *alias - first);
  munmap(*alias + length, first + reserved - (*alias + length));

  Failure error;
  off_t offset = static_cast<off_t>(before);
  int fd = memfd_create("weft-tables", MFD_CLOEXEC);
  if (fd < 0) {
    error = failure("memfd_create", errno);
  } else if (ftruncate(fd, offset + static_cast<off_t>(length)) != 0) {
    error = failure("ftruncate", errno);
  } else if (mmap(*alias, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED) {
    error = failure("mmap", errno);
  } else if (mmap(at, length, PROT_READ, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED) {
    error = failure("mmap", errno);
  }
  if (fd >= 0) close(fd); // the mappings keep the pages
  if (error) munmap(*alias, length);
  else useHugePages(*alias, length);
  return error;
}

/** True if the range lies on huge pages now; its former contents are gone either way. */
static Failure mapPool(uint8_t* at, size_t length, bool* huge) {
  *huge = false;
  if (length == 0) return {};
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap(at, length, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0) != MAP_FAILED) {
    // A reservation can still be refused at the first touch (a cgroup's limit, a NUMA policy), and that is a SIGBUS:
    // touch every page here, where a refusal is an errno. Kernels before 5.14 do not know the advice (EINVAL).
    if (madvise(at, length, MADV_POPULATE_WRITE) == 0 || errno == EINVAL) {
      *huge = true;
      return {};
    }
  }
  // A failed MAP_FIXED may have unmapped what was there, so normal pages are mapped anew.
  if (mmap(at, length, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) return failure("mmap", errno);
  madvise(at, length, MADV_HUGEPAGE); // transparent ones where the kernel has them: only speed depends on it
  return {};
}

static Napi::Value mapMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  LinearMemory memory = linearMemory(info[0]);
  size_t tables = argument(info, 1), tablesEnd = argument(info, 2);
  size_t pool = argument(info, 3), poolEnd = argument(info, 4);
  bool ordered = abi::PAGE <= tables && tables < tablesEnd && tablesEnd <= pool && pool < poolEnd && poolEnd <= memory.length;
  if (!memory.data || !ordered || tables % SMALL_PAGE || tablesEnd % SMALL_PAGE) {
    throwRangeError(env, "mapMemory: regions out of order, out of the memory or not on page boundaries");
    return env.Undefined();
  }

  Failure error;
  uint8_t* alias = nullptr;
  bool huge = false;
  uintptr_t base = reinterpret_cast<uintptr_t>(memory.data);
  size_t first = roundUp(base + pool, HUGE_PAGE) - base;
  size_t last = (base + poolEnd) / HUGE_PAGE * HUGE_PAGE - base;
  if (mprotect(memory.data, abi::PAGE, PROT_NONE) != 0) error = failure("mprotect", errno);
  if (!error) error = mapPool(memory.data + first, last > first ? last - first : 0, &huge);
  if (!error) error = mapWindow(memory.data + tables, tablesEnd - tables, &alias);
  if (error) {
    throwFailure(env, error);
    return env.Undefined();
  }

  size_t length = tablesEnd - tables;
  auto unmap = [length](Napi::Env, void* data) { munmap(data, length); };
  return object(env, "tables", Napi::ArrayBuffer::New(env, static_cast<void*>(alias), length, unmap), "hugePages", huge);
}

static Napi::Value memoryOffset(const Napi::CallbackInfo& info) {
  uintptr_t base = reinterpret_cast<uintptr_t>(linearMemory(info[0]).data);
  return Napi::Number::New(info.Env(), static_cast<double>(base % HUGE_PAGE));
}

void addMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("mapMemory", Napi::Function::New<mapMemory>(env, "mapMemory"));
  exports.Set("memoryOffset", Napi::Function::New<memoryOffset>(env, "memoryOffset"));
}
