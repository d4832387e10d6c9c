#include "worker_memory.h"

#include "addon.h"
#include "calls.h"

static_assert(abi::BUFFER_SIZE == abi::BUFFER_ALIGN + abi::BUFFER_HEADROOM + abi::BUFFER_DATA, "the drawing in abi.ts");
static_assert(abi::BUFFER_START == abi::BUFFER_ALIGN + abi::BUFFER_HEADROOM, "the drawing in abi.ts");
static_assert(abi::BUFFER_ALIGN == 1u << abi::BUFFER_SHIFT && abi::BUFFER_SIZE % abi::BUFFER_ALIGN == 0, "index = address >> shift");
static_assert(abi::FREE_LIST_ENTRIES + 4 * abi::BUFFER_COUNT_MAX <= abi::WORKER_NODES - abi::WORKER_FREE_LIST, "the free list's room");
static_assert(abi::INTERFACE_COUNT * abi::IFC_SIZE <= abi::WORKER_FRAMES - abi::WORKER_INTERFACES, "the counters' room");

thread_local WorkerMemory attached;

bool WorkerMemory::isFrame(uint32_t frame) const {
  uint32_t first = worker + abi::WORKER_FRAMES, last = worker + abi::WORKER_FREE_LIST - abi::FRAME_SIZE;
  return frame >= first && frame <= last && frame % 4 == 0;
}

void WorkerMemory::give(uint32_t address) const { Returning(*this).give(address); }

bool WorkerMemory::freeChain(uint32_t index) const {
  uint32_t address = usedBufferAt(index);
  if (!address) return false;
  // Ends even on a chain that is a circle: a buffer given back is no longer in use.
  while (address) {
    uint32_t next = read<uint32_t>(address + abi::B_NEXT);
    give(address);
    address = 0;
    if (next != 0 && (address = usedBufferAt(next)) == 0) countBadBuffer();
  }
  return true;
}

static void attachWorker(const Napi::CallbackInfo& info) {
  LinearMemory memory = linearMemory(info[0]);
  uint32_t worker = argument(info, 1);
  uint32_t pool = argument(info, 2), poolEnd = argument(info, 3);
  uint64_t workerEnd = static_cast<uint64_t>(worker) + abi::WORKER_SIZE;
  bool aligned = (worker - abi::WORKERS) % abi::WORKER_SIZE == 0 && pool % abi::BUFFER_ALIGN == 0;
  if (!memory.data || worker < abi::WORKERS || !aligned || workerEnd > pool || pool >= poolEnd || poolEnd > memory.length) {
    return throwRangeError(info.Env(), "attachWorker: worker or pool out of order, out of the memory or misaligned");
  }
  // The memory must outlive the thread's pointer to it; Node frees the reference with the environment.
  static thread_local napi_ref reference = nullptr;
  if (reference) napi_delete_reference(info.Env(), reference);
  napi_create_reference(info.Env(), info[0], 1, &reference);
  attached = {memory.data, worker, pool, poolEnd};
}

void addWorkerMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("attachWorker", Napi::Function::New<attachWorker>(env, "attachWorker"));
}
