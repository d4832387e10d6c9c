// What a driver reads its events from: completion channels and the asynchronous event descriptor.
//
// In the kernel each is an anonymous file with a list of events; here a stream socket, of which the driver has one end. An object
// that is destroyed takes its unread events with it, so the emulator reads them back from the driver's end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emulator {

/** ib_verbs.h, enum ib_event_type. */
enum EventType : uint32_t { CQ_ERROR = 0, DEVICE_FATAL = 8, PORT_ACTIVE = 9, PORT_ERROR = 10, WQ_FATAL = 19 };

class EventChannel {
 public:
  /** driverEnd is -1 where the system refused. */
  EventChannel();
  ~EventChannel();
  EventChannel(const EventChannel&) = delete;
  EventChannel& operator=(const EventChannel&) = delete;

  int driverEnd() const { return driverEnd_; }
  /** The driver closed its end. */
  void forgetDriverEnd() { driverEnd_ = -1; }

  bool post(const void* event, size_t bytes);
  /** Takes back the unread events, of `bytes` bytes each, that begin with `element`; says how many. */
  uint32_t takeBack(uint64_t element, size_t bytes);

 private:
  int driverEnd_ = -1;
  int end_ = -1;
};

} // namespace emulator
