// Sleeping until there is something to do: poll(2) on the ports and on an eventfd(2) by which other threads wake the sleeper.

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "addon.h"
#include "calls.h"
#include "ports.h"

/** How long a port without buffers is left alone, ms; its packets are there already, so poll() would not sleep. */
constexpr int STARVED_MS = 1;

static Napi::Value openWaiter(const Napi::CallbackInfo& info) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throwFailure(info.Env(), failure("eventfd", errno));
  return Napi::Number::New(info.Env(), fd);
}

static void wake(const Napi::CallbackInfo& info) {
  if (eventfd_write(static_cast<int>(argument(info, 0)), 1) != 0 && errno != EAGAIN) throwFailure(info.Env(), failure("eventfd_write", errno));
}

static void closeWaiter(const Napi::CallbackInfo& info) { close(static_cast<int>(argument(info, 0))); }

static void wait(const Napi::CallbackInfo& info) {
  int waiter = static_cast<int>(argument(info, 0));
  // A typed array, since napi_get_element runs JavaScript's machinery: it would swallow the end of a worker that is being terminated.
  napi_typedarray_type type = napi_int8_array;
  size_t count = 0;
  void* data = nullptr;
  napi_get_typedarray_info(info.Env(), info[1], &type, &count, &data, nullptr, nullptr);
  if (type != napi_uint32_array) return throwRangeError(info.Env(), "wait: the handles are not a Uint32Array");
  int timeout = static_cast<int>(argument(info, 2));
  if (!attached.base) return throwRangeError(info.Env(), "wait: attachWorker was not called on this thread");
  uint32_t worker = attached.index();
  // Their memory stays, for a worker sleeps many thousand times a second.
  static thread_local std::vector<std::shared_ptr<Port>> ports;
  static thread_local std::vector<pollfd> polled;
  ports.clear();
  polled.assign(1, {waiter, POLLIN, 0});
  for (size_t i = 0; i < count; i++) {
    std::shared_ptr<Port> port = portAt(static_cast<uint32_t*>(data)[i]);
    if (!port || !port->concerns(worker)) continue;
    std::lock_guard<std::mutex> lock(port->busy(worker));
    bool starved = port->starved(worker);
    if (!port->prepareSleep(worker)) timeout = 0;
    else if (starved && (timeout < 0 || timeout > STARVED_MS)) timeout = STARVED_MS;
    polled.push_back({port->fd(worker), static_cast<short>(starved ? 0 : POLLIN), 0});
    ports.push_back(port);
  }
  if (poll(polled.data(), polled.size(), timeout) > 0) {
    eventfd_t wakes;
    if (polled[0].revents & POLLIN) eventfd_read(waiter, &wakes);
    for (size_t i = 0; i < ports.size(); i++) {
      if (polled[i + 1].revents) ports[i]->afterSleep(polled[i + 1].revents, worker);
    }
  }
  ports.clear(); // a closed one must not live on here
}

void addWait(Napi::Env env, Napi::Object exports) {
  exports.Set("openWaiter", Napi::Function::New<openWaiter>(env, "openWaiter"));
  exports.Set("wake", Napi::Function::New<wake>(env, "wake"));
  exports.Set("closeWaiter", Napi::Function::New<closeWaiter>(env, "closeWaiter"));
  exports.Set("wait", Napi::Function::New<wait>(env, "wait"));
}
