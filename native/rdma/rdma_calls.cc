// The rdma port's calls from JavaScript; what moves packets is in ports.cc.

#include "rdma_calls.h"

#include "../addon.h"
#include "../ports.h"

static bool readMac(Napi::Value value, Mac& mac) {
  LinearMemory bytes = linearMemory(value);
  if (bytes.length != mac.size()) return false;
  std::copy(bytes.data, bytes.data + mac.size(), mac.begin());
  return true;
}

/** Gives what is wrong with the options as far as memory is concerned; people get their message from the host before. */
static const char* readOptions(const Napi::Object& given, RdmaOptions& options) {
  napi_env env = given.Env();
  // A getter may throw; then nothing but undefined comes back, and the caller finds the exception.
  auto get = [&](const char* name) {
    napi_value value = nullptr;
    if (napi_get_named_property(env, given, name, &value) != napi_ok) napi_get_undefined(env, &value);
    return Napi::Value(env, value);
  };
  auto count = [&](const char* name) { return number(env, get(name)); };
  auto flag = [&](const char* name) {
    bool value = false;
    napi_get_value_bool(env, get(name), &value);
    return value;
  };
  auto word = [&](const char* name) {
    size_t length = 0;
    napi_value value = get(name);
    std::string text;
    if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return text;
    text.resize(length);
    napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
    return text;
  };
  options.folder = word("folder");
  options.netdev = word("netdev");
  options.mode = word("mode");
  options.rxQueueSize = count("rxQueueSize");
  options.txQueueSize = count("txQueueSize");
  options.rxQueues = count("rxQueues");
  options.workers = count("workers");
  options.rss4 = count("rss4");
  options.rss6 = count("rss6");
  options.maxPacketLength = count("maxPacketLength");
  options.mtu = count("portMtu");
  options.multiSegment = flag("multiSegment");
  options.striding = flag("striding");
  options.rxChecksum = flag("rxChecksum");
  options.compression = flag("compression");
  options.inlineHeaders = flag("inlineHeaders");
  for (uint32_t size : {options.rxQueueSize, options.txQueueSize}) {
    if (size < QUEUE_MIN || size > QUEUE_MAX || (size & (size - 1))) return "openRdma: queue size";
  }
  if (options.rxQueues < 1 || options.rxQueues > QUEUES_MAX) return "openRdma: rxQueues";
  if (options.workers < 1 || options.workers > WORKERS_MAX) return "openRdma: workers";
  if (!readMac(get("portMac"), options.portMac)) return "openRdma: portMac is not 6 bytes";
  options.ownMac = get("mac").IsNull();
  if (!options.ownMac && !readMac(get("mac"), options.mac)) return "openRdma: mac is not 6 bytes";
  LinearMemory memory = linearMemory(get("memory"));
  options.base = memory.data;
  options.pool = count("pool");
  options.poolEnd = count("poolEnd");
  bool ordered = options.pool % abi::BUFFER_ALIGN == 0 && options.pool < options.poolEnd && options.poolEnd <= memory.length;
  return memory.data && ordered ? nullptr : "openRdma: the pool is out of the memory or misaligned";
}

static Napi::Value openRdma(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  RdmaOptions options;
  const char* wrong = info[0].IsObject() && info[1].IsFunction() ? readOptions(info[0].As<Napi::Object>(), options) : "openRdma: no options";
  if (env.IsExceptionPending()) return env.Undefined();
  if (wrong) {
    throwRangeError(env, wrong);
    return env.Undefined();
  }
  Failure error;
  auto watch = std::make_shared<EventWatch>();
  std::shared_ptr<RdmaPort> port = RdmaPort::open(options, watch, error);
  uint32_t handle = 0;
  if (port) error = addPort(port, &handle);
  if (error) {
    throwFailure(env, error);
    return env.Undefined();
  }
  watchEvents(info[1].As<Napi::Function>(), *watch, handle);
  LinkState link = port->linkState();
  const char* mode = port->direct() ? "dv" : "ibv";
  return object(env, "handle", handle, "mac", macText(port->mac()), "mtu", link.mtu, "up", link.up, "mode", mode, "reason", port->reason());
}

std::shared_ptr<RdmaPort> rdmaPortAt(uint32_t handle) {
  std::shared_ptr<Port> port = portAt(handle);
  return port ? port->rdma() : nullptr;
}

/** The port of the call's first argument; null after throwing. */
static std::shared_ptr<RdmaPort> portOf(const Napi::CallbackInfo& info) {
  std::shared_ptr<RdmaPort> port = rdmaPortAt(argument(info, 0));
  if (!port) throwRangeError(info.Env(), "no rdma port has this handle");
  return port;
}

static Napi::Value rdmaInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::shared_ptr<RdmaPort> port = portOf(info);
  if (!port) return env.Undefined();
  const RdmaOptions& options = port->options();
  const Device& device = port->device();
  Napi::Array flows = Napi::Array::New(env), queues = Napi::Array::New(env);
  for (const std::string& flow : port->flows().describe()) flows[flows.Length()] = flow;
  uint32_t last = 0, pending = 0;
  for (RdmaPort::Lane& lane : port->lanes()) {
    std::lock_guard<std::mutex> lock(lane.busy);
    pending += lane.send->pending();
    for (const RdmaPort::Receiver* receiver : lane.receivers) if (receiver->queue->lastBuffer()) last = receiver->queue->lastBuffer();
  }
  for (const RdmaPort::Receiver& receiver : port->receivers()) {
    std::lock_guard<std::mutex> lock(port->busy(receiver.worker));
    queues[queues.Length()] = object(env, "posted", receiver.queue->posted(), "packets", static_cast<double>(receiver.packets));
  }
  auto address = [&](uint32_t offset) { return static_cast<double>(reinterpret_cast<uintptr_t>(options.base) + offset); };
  return object(
      env, "device", device.context->device->name, "folder", options.folder, "firmware", device.attributes.orig_attr.fw_ver,
      "mode", port->direct() ? "dv" : "ibv", "reason", port->reason(), "up", port->up(),
      "mac", macText(port->flows().mac()), "promiscuous", port->flows().promiscuous(), "flows", flows,
      "striding", port->shape().logStrides > 0, "compression", port->shape().compression != 0, "multiSegment", options.multiSegment,
      "maxPacketLength", options.maxPacketLength, "rss4", options.rss4, "rss6", options.rss6,
      "rxChecksum", options.rxChecksum && port->direct(), "txChecksum", (device.attributes.raw_packet_caps & verbs::IBV_RAW_PACKET_CAP_IP_CSUM) != 0,
      "segmentation", device.segmentationMax() > 0, "rxQueues", queues, "rxQueueSize", options.rxQueueSize, "txQueueSize", options.txQueueSize,
      "txPending", pending, "cqeSize", CQE_SIZE,
      "dmaBase", address(options.pool), "dmaEnd", address(options.poolEnd), "lkey", device.mr->lkey, "lastDma", last ? address(last) : 0.0);
}

static Napi::Value rdmaDump(const Napi::CallbackInfo& info) {
  std::shared_ptr<RdmaPort> port = portOf(info);
  std::string text;
  if (!port) return info.Env().Undefined();
  for (RdmaPort::Lane& lane : port->lanes()) {
    std::lock_guard<std::mutex> lock(lane.busy);
    if (lane.drained) continue;
    std::string number = port->lanes().size() > 1 ? " " + std::to_string(&lane - port->lanes().data()) : "";
    text += "send queue" + number + "\n" + lane.send->dump();
    for (RdmaPort::Receiver* receiver : lane.receivers) {
      text += "receive queue " + std::to_string(receiver - port->receivers().data()) + "\n" + receiver->queue->dump();
    }
  }
  return Napi::String::New(info.Env(), text);
}

/** rdmaSetFlows(handle, mac, promiscuous) */
static void rdmaSetFlows(const Napi::CallbackInfo& info) {
  Mac mac;
  std::shared_ptr<RdmaPort> port = portOf(info);
  if (!port) return;
  if (!readMac(info[1], mac)) return throwRangeError(info.Env(), "rdmaSetFlows: not 6 bytes");
  if (Failure error = port->flows().apply(mac, info[2].ToBoolean().Value())) throwFailure(info.Env(), error);
}

static Napi::Value listRdma(const Napi::CallbackInfo& info) {
  Failure error;
  Napi::Array result = Napi::Array::New(info.Env());
  for (const auto& [device, node, folder] : listDevices(error)) {
    result[result.Length()] = object(info.Env(), "device", device, "node", node, "folder", folder);
  }
  if (error) throwFailure(info.Env(), error);
  return result;
}

void addRdma(Napi::Env env, Napi::Object exports) {
  exports.Set("openRdma", Napi::Function::New<openRdma>(env, "openRdma"));
  exports.Set("rdmaInfo", Napi::Function::New<rdmaInfo>(env, "rdmaInfo"));
  exports.Set("rdmaDump", Napi::Function::New<rdmaDump>(env, "rdmaDump"));
  exports.Set("rdmaSetFlows", Napi::Function::New<rdmaSetFlows>(env, "rdmaSetFlows"));
  exports.Set("listRdma", Napi::Function::New<listRdma>(env, "listRdma"));
}
