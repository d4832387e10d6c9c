// This process's devices and when they come to be.
#pragma once

#include "objects.h"

namespace emulator {

/** False in a child that fork(2) made: the devices, the folder and the threads are its parent's. */
bool ownsDevices();

/** The device's lock, for threads of the program. The NIC thread takes it all the time, so it is told that others want it. */
class DeviceLock {
 public:
  explicit DeviceLock(Device& device) : device_(device) {
    device_.commandsWaiting++;
    device_.lock.lock();
    device_.commandsWaiting--;
  }
  ~DeviceLock() { device_.lock.unlock(); }
  DeviceLock(const DeviceLock&) = delete;
  DeviceLock& operator=(const DeviceLock&) = delete;

 private:
  Device& device_;
};

} // namespace emulator
