// Asynchronous events in Node's event loop.

#include <uv.h>

#include "rdma_calls.h"

/** Lives until the loop has let go of its handle. */
struct LoopWatch {
  uv_poll_t poll{};
  napi_env env = nullptr;
  napi_ref callback = nullptr;
  napi_async_context context = nullptr;
  uint32_t port = 0;
};

static void onEvent(uv_poll_t* poll, int, int) {
  LoopWatch& watch = *static_cast<LoopWatch*>(poll->data);
  std::shared_ptr<RdmaPort> port = rdmaPortAt(watch.port);
  if (!port) return;
  port->readEvents();
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(watch.env, &scope);
  napi_value global = nullptr, callback = nullptr;
  napi_get_global(watch.env, &global);
  napi_get_reference_value(watch.env, watch.callback, &callback);
  napi_make_callback(watch.env, watch.context, global, callback, 0, nullptr, nullptr);
  napi_close_handle_scope(watch.env, scope);
}

static void stop(void* data) {
  LoopWatch* watch = static_cast<LoopWatch*>(data);
  uv_poll_stop(&watch->poll);
  napi_delete_reference(watch->env, watch->callback);
  napi_async_destroy(watch->env, watch->context);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll), [](uv_handle_t* handle) { delete static_cast<LoopWatch*>(handle->data); });
}

void watchEvents(napi_env env, napi_value callback, EventWatch& events, uint32_t handle) {
  LoopWatch* watch = new LoopWatch();
  watch->env = env;
  watch->port = handle;
  watch->poll.data = watch;
  napi_value name = nullptr;
  napi_create_string_utf8(env, "weft.rdma", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &watch->context);
  napi_create_reference(env, callback, 1, &watch->callback);
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
