#include "events.h"

#include <cstring>
#include <rdma/ib_user_verbs.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "context.h"
#include "interpose.h"

namespace emulator {

EventChannel::EventChannel() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  driverEnd_ = ends[0];
  end_ = ends[1];
  watchDescriptor(driverEnd_);
}

EventChannel::~EventChannel() {
  if (end_ >= 0) close(end_);
}

bool EventChannel::post(const void* event, size_t bytes) {
  return driverEnd_ >= 0 && send(end_, event, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(bytes);
}

uint32_t EventChannel::takeBack(uint64_t element, size_t bytes) {
  if (driverEnd_ < 0) return 0;
  std::vector<uint8_t> kept;
  std::vector<uint8_t> event(bytes);
  uint32_t taken = 0;
  while (recv(driverEnd_, event.data(), bytes, MSG_DONTWAIT) == static_cast<ssize_t>(bytes)) {
    if (memcmp(event.data(), &element, sizeof element) == 0) taken++;
    else kept.insert(kept.end(), event.begin(), event.end());
  }
  if (!kept.empty()) post(kept.data(), kept.size());
  return taken;
}

void postCompletionEvent(CompletionQueue& cq) {
  ib_uverbs_comp_event_desc event{cq.userHandle};
  if (cq.channel && cq.channel->post(&event, sizeof event)) cq.eventsDelivered++;
}

static bool post(Context& context, uint32_t type, uint64_t element) {
  ib_uverbs_async_event_desc event{element, type, 0};
  return context.async && context.async->post(&event, sizeof event);
}

static bool isPortEvent(uint32_t type) { return (type >= DEVICE_FATAL && type <= 13) || type == 17 || type == 18; }

/** Counts the event at the object it is about, which must answer for it when it is destroyed. */
template <typename T>
static void postToOwner(Device& device, const Context::Handles<T> Context::*kind, uint32_t type, uint64_t element) {
  for (Context* context : device.contexts) {
    for (const auto& [handle, object] : context->*kind) {
      if (object->userHandle != element) continue;
      if (post(*context, type, element)) object->asyncEventsDelivered++;
      return;
    }
  }
}

void postAsyncEvent(Device& device, uint32_t type, uint64_t element) {
  if (isPortEvent(type)) {
    for (Context* context : device.contexts) post(*context, type, element);
  } else if (type == CQ_ERROR) {
    postToOwner<CompletionQueue>(device, &Context::completions, type, element);
  } else if (type == WQ_FATAL) {
    postToOwner<ReceiveQueue>(device, &Context::workQueues, type, element);
  } else {
    postToOwner<QueuePair>(device, &Context::queuePairs, type, element);
  }
}

} // namespace emulator
