// Asynchronous events in Node's event loop.

#include <uv.h>

#include "rdma_calls.h"

/** Lives until the loop has let go of its handle. */
struct LoopWatch {
  uv_poll_t poll;
  Napi::FunctionReference callback;
  uint32_t port;
};

static void onEvent(uv_poll_t* poll, int, int) {
  LoopWatch& watch = *static_cast<LoopWatch*>(poll->data);
  std::shared_ptr<RdmaPort> port = rdmaPortAt(watch.port);
  if (!port) return;
  port->readEvents();
  Napi::HandleScope scope(watch.callback.Env());
  watch.callback.MakeCallback(watch.callback.Env().Global(), {});
}

static void stop(void* data) {
  LoopWatch* watch = static_cast<LoopWatch*>(data);
  uv_poll_stop(&watch->poll);
  watch->callback.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll), [](uv_handle_t* handle) { delete static_cast<LoopWatch*>(handle->data); });
}

void watchEvents(Napi::Function callback, EventWatch& events, uint32_t handle) {
  Napi::Env env = callback.Env();
  LoopWatch* watch = new LoopWatch{{}, Napi::Persistent(callback), handle};
  watch->poll.data = watch;
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  uv_poll_init(loop, &watch->poll, events.fd());
  uv_poll_start(&watch->poll, UV_READABLE, onEvent);
  uv_unref(reinterpret_cast<uv_handle_t*>(&watch->poll)); // it keeps no program running
  napi_add_env_cleanup_hook(env, stop, watch);
  events.closing = [env, watch] {
    napi_remove_env_cleanup_hook(env, stop, watch);
    stop(watch);
  };
}
