// An open uverbs device: what one descriptor of /dev/infiniband/uverbsN stands for, and the objects made through it.
#pragma once

#include <map>
#include <memory>
#include <sys/types.h>
#include <utility>

#include "events.h"
#include "objects.h"

namespace emulator {

constexpr uint32_t UAR_SLOT_SHIFT = 16;
constexpr uint32_t UAR_OWN_MASK = (1 << UAR_SLOT_SHIFT) - 1;

/** The part of a QP that only QUERY_QP asks about. */
struct QueuePairCaps {
  uint32_t maxSendWr, maxRecvWr, maxSendSge, maxRecvSge, maxInlineData;
  bool signalAll;
};

struct Context {
  Context(Device& device, int fd);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /** A driver's objects are known by handles, which are unique in its context. */
  template <typename T>
  using Handles = std::map<uint32_t, std::shared_ptr<T>>;

  Device& device;
  int fd; // the command descriptor: a memfd whose pages are the UAR pages
  uint32_t slot; // among the device's contexts; part of the numbers of doorbell registers
  uint32_t transportDomain; // unlike a slot no other context ever has it
  uint8_t* uar = nullptr;
  uint32_t uarPages = 0; // after GET_CONTEXT
  uint32_t nextRegister = 0; // queues take the doorbell registers in turn
  bool dead = false; // the device failed under it
  std::shared_ptr<EventChannel> async; // null before GET_CONTEXT

  uint32_t lastHandle = 0;
  Handles<ProtectionDomain> domains;
  Handles<MemoryRegion> regions;
  Handles<CompletionQueue> completions;
  Handles<QueuePair> queuePairs;
  Handles<ReceiveQueue> workQueues;
  Handles<IndirectionTable> tables;
  Handles<Flow> flows;
  std::map<uint32_t, QueuePairCaps> caps; // by the QP's handle
  std::map<int, std::shared_ptr<CompletionChannel>> channels; // by the driver's descriptor

  /** The number of a doorbell register or UAR page of this context among those of all contexts. */
  uint32_t uarNumber(uint32_t own) const { return slot << UAR_SLOT_SHIFT | own; }

  template <typename T>
  uint32_t add(Handles<T>& kind, std::shared_ptr<T> object) {
    kind[++lastHandle] = std::move(object);
    return lastHandle;
  }

  /** Null where the driver made no such object. */
  template <typename T>
  std::shared_ptr<T> find(const Handles<T>& kind, uint32_t handle) const {
    auto at = kind.find(handle);
    return at == kind.end() ? nullptr : at->second;
  }

 private:
  void destroyAll();
};

/** Opens the device as open(2) does: a descriptor, or -1 with errno. */
int openContext(Device& device);

/** Pages of the memfd. */
constexpr size_t PAGE_BYTES = 4096;
constexpr size_t CLOCK_PAGE = 256; // behind the UAR pages
constexpr size_t PAGES = CLOCK_PAGE + 1;

/** Where in the memfd the page is that mmap(2) of the command descriptor asks for; -1 with errno: there is none. */
off_t pageOffset(const Context& context, size_t length, off_t offset);

/** One write(2) to a command descriptor. */
ssize_t executeCommand(Context& context, const void* bytes, size_t count);

/** Takes an object out of the device and its context, as the DESTROY commands do; 0, or EBUSY while others use it. */
int destroyQueuePair(Context& context, uint32_t handle);
int destroyWorkQueue(Context& context, uint32_t handle);
int destroyTable(Context& context, uint32_t handle);
int destroyCompletionQueue(Context& context, uint32_t handle);
int destroyFlow(Context& context, uint32_t handle);
int destroyRegion(Context& context, uint32_t handle);

} // namespace emulator
