#include "ports.h"

#include <cerrno>

#include "addon.h"
#include "af_packet.h"
#include "capture.h"

constexpr uint32_t PORT_MAX = abi::INTERFACE_COUNT;

static std::mutex tableLock;
static std::shared_ptr<Port> table[PORT_MAX];

std::shared_ptr<Port> portAt(uint32_t handle) {
  std::lock_guard<std::mutex> lock(tableLock);
  return handle < PORT_MAX ? table[handle] : nullptr;
}

Failure addPort(std::shared_ptr<Port> port, uint32_t* handle) {
  std::lock_guard<std::mutex> lock(tableLock);
  *handle = 0;
  while (*handle < PORT_MAX && table[*handle]) ++*handle;
  if (*handle == PORT_MAX) return failure("addPort", EMFILE);
  table[*handle] = std::move(port);
  return {};
}

bool replacePort(uint32_t handle, const std::shared_ptr<Port>& old, std::shared_ptr<Port> fresh) {
  std::lock_guard<std::mutex> lock(tableLock);
  if (handle >= PORT_MAX || table[handle] != old) return false; // closed meanwhile
  table[handle] = std::move(fresh);
  return true;
}

static Napi::Value openAfPacket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  bool valid = info[0].IsString() && info[1].IsObject();
  if (!valid) throwRangeError(env, "openAfPacket: no name or no options");
  uint32_t ringSlots = valid ? number(env, info[1].As<Napi::Object>().Get("ringSlots")) : 0;
  if (env.IsExceptionPending()) return env.Undefined();
  std::string name = info[0].As<Napi::String>().Utf8Value();
  Failure error;
  std::shared_ptr<AfPacket> port = AfPacket::open(name, ringSlots, error);
  uint32_t handle = 0;
  if (!error) error = addPort(port, &handle);
  if (error) {
    throwFailure(env, error);
    return env.Undefined();
  }
  LinkState link = port->linkState();
  return object(env, "handle", handle, "mac", port->mac(), "mtu", link.mtu, "up", link.up);
}

/** The arguments of a burst, checked; a null port means that an exception is pending. */
struct BurstArguments {
  std::shared_ptr<Port> port;
  uint32_t frame;
  uint32_t n;
  uint32_t swIfIndex;
};

static BurstArguments burstArguments(napi_env env, napi_callback_info info) {
  napi_value words[4];
  size_t count = 4;
  napi_get_cb_info(env, info, &count, words, nullptr, nullptr);
  BurstArguments burst{portAt(number(env, words[0])), number(env, words[1]), number(env, words[2]), number(env, words[3])};
  const char* wrong = nullptr;
  if (!attached.base) wrong = "attachWorker was not called on this thread";
  else if (!burst.port) wrong = "no port has this handle";
  else if (!attached.isFrame(burst.frame)) wrong = "the frame is not in this worker's memory";
  else if (burst.n > abi::VECTOR) wrong = "more packets than a frame holds";
  else if (burst.swIfIndex >= abi::INTERFACE_COUNT) wrong = "no such interface";
  if (wrong) {
    throwRangeError(env, wrong);
    burst.port.reset();
  }
  return burst;
}

/** receive(handle, frame, max, swIfIndex) and transmit(handle, frame, n, swIfIndex): packets moved. */
template <uint32_t (*move)(Port&, const WorkerMemory&, uint32_t, uint32_t, uint32_t)>
static napi_value moveBurst(napi_env env, napi_callback_info info) {
  BurstArguments burst = burstArguments(env, info);
  if (!burst.port) return nullptr;
  napi_value packets = nullptr;
  if (move == captured::receive && !burst.port->concerns(attached.index())) { // another worker's: not even its lock is touched
    napi_create_uint32(env, 0, &packets);
    return packets;
  }
  std::lock_guard<std::mutex> lock(burst.port->busy(attached.index()));
  napi_create_uint32(env, move(*burst.port, attached, burst.frame, burst.n, burst.swIfIndex), &packets);
  return packets;
}

static Napi::Value linkState(const Napi::CallbackInfo& info) {
  std::shared_ptr<Port> port = portAt(argument(info, 0));
  LinkState link = port ? port->linkState() : LinkState();
  return object(info.Env(), "present", link.present, "up", link.up, "mtu", link.mtu);
}

/** The old port stays whole for a worker that is inside it; the handle leads to the new one from now on. */
static Napi::Value reopen(const Napi::CallbackInfo& info) {
  uint32_t handle = argument(info, 0);
  std::shared_ptr<Port> old = portAt(handle);
  if (!old) return Napi::Boolean::New(info.Env(), false);
  std::shared_ptr<Port> fresh = old->reopened();
  for (uint32_t queue = 0; fresh && fresh != old && queue < fresh->rxQueues(); queue++) fresh->place(queue, old->rxWorker(queue));
  return Napi::Boolean::New(info.Env(), fresh && replacePort(handle, old, fresh));
}

/** Before a port is closed, on its worker's thread: every buffer that it holds returns to the free list. */
static void drain(const Napi::CallbackInfo& info) {
  std::shared_ptr<Port> port = portAt(argument(info, 0));
  uint32_t swIfIndex = argument(info, 1);
  if (!port) return;
  bool valid = attached.base && swIfIndex < abi::INTERFACE_COUNT;
  if (!valid) return throwRangeError(info.Env(), "drain: no worker on this thread, or no such interface");
  std::lock_guard<std::mutex> lock(port->busy(attached.index()));
  port->drain(attached, swIfIndex);
}

/** rxPlacement(handle): the worker of each receive queue */
static Napi::Value rxPlacement(const Napi::CallbackInfo& info) {
  std::shared_ptr<Port> port = portAt(argument(info, 0));
  Napi::Array workers = Napi::Array::New(info.Env());
  for (uint32_t queue = 0; port && queue < port->rxQueues(); queue++) workers[queue] = static_cast<int32_t>(port->rxWorker(queue));
  return workers;
}

/** placeQueue(handle, queue, worker): a worker of -1 is none */
static void placeQueue(const Napi::CallbackInfo& info) {
  std::shared_ptr<Port> port = portAt(argument(info, 0));
  uint32_t queue = argument(info, 1);
  int32_t worker = -1;
  napi_get_value_int32(info.Env(), info[2], &worker);
  if (!port || queue >= port->rxQueues()) return throwRangeError(info.Env(), "placeQueue: no such port or queue");
  port->place(queue, static_cast<uint32_t>(worker));
}

static void closePort(const Napi::CallbackInfo& info) {
  uint32_t handle = argument(info, 0);
  std::shared_ptr<Port> old;
  {
    std::lock_guard<std::mutex> lock(tableLock);
    if (handle < PORT_MAX) old.swap(table[handle]);
  }
  if (old) old->closing();
}

void addPorts(Napi::Env env, Napi::Object exports) {
  exports.Set("openAfPacket", Napi::Function::New<openAfPacket>(env, "openAfPacket"));
  setFunction(env, exports, "receive", moveBurst<captured::receive>);
  setFunction(env, exports, "transmit", moveBurst<captured::transmit>);
  exports.Set("linkState", Napi::Function::New<linkState>(env, "linkState"));
  exports.Set("reopen", Napi::Function::New<reopen>(env, "reopen"));
  exports.Set("drain", Napi::Function::New<drain>(env, "drain"));
  exports.Set("rxPlacement", Napi::Function::New<rxPlacement>(env, "rxPlacement"));
  exports.Set("placeQueue", Napi::Function::New<placeQueue>(env, "placeQueue"));
  exports.Set("closePort", Napi::Function::New<closePort>(env, "closePort"));
}
