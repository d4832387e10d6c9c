#include "device.h"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

#include "context.h"
#include "control.h"
#include "options.h"
#include "run_folder.h"
#include "sysfs.h"

namespace emulator {

static pid_t owner = 0;

bool ownsDevices() { return getpid() == owner; }

/** Not destroyed at exit: the NIC thread still runs then. */
std::vector<std::unique_ptr<Device>>& devices() {
  static auto* devices = new std::vector<std::unique_ptr<Device>>();
  return *devices;
}

__attribute__((constructor)) static void load() {
  const char* options = getenv("WEFT_EMULATOR");
  if (!options) return;
  try {
    devices() = parseOptions(options);
    owner = getpid();
    mode_t mask = umask(022);
    createRunFolder();
    createSysfs();
    umask(mask);
  } catch (const std::exception& error) {
    fprintf(stderr, "WEFT_EMULATOR: %s\n", error.what());
    _exit(2);
  }
}

__attribute__((destructor)) static void unload() {
  if (!ownsDevices()) return;
  stopControl();
  removeRunFolder();
}

void setLink(Device& device, bool up) {
  if (device.linkUp == up) return;
  device.linkUp = up;
  postAsyncEvent(device, up ? PORT_ACTIVE : PORT_ERROR, 1);
}

void setFatal(Device& device) {
  device.fatal = true;
  for (auto& [number, queue] : device.sends) queue->state = QueueState::error;
  for (auto& [number, queue] : device.receives) queue->state = QueueState::error;
  for (Context* context : device.contexts) context->dead = true;
  postAsyncEvent(device, DEVICE_FATAL, 0);
}

} // namespace emulator
