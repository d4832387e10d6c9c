// The module's entry: what host/addon.ts describes. Each environment (main thread, worker) runs it once.

#include "addon.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  addMemory(env, exports);
  addClock(env, exports);
  addWorkerMemory(env, exports);
  addPorts(env, exports);
  addWait(env, exports);
  addRdma(env, exports);
  addCapture(env, exports);
  addPg(env, exports);
  addFault(env, exports);
  return exports;
}

NODE_API_MODULE(weft, init)
