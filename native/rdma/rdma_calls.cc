// The rdma port's calls from JavaScript; what moves packets is in ports.cc.

#include "rdma_calls.h"

#include "../addon.h"
#include "../ports.h"
#include "rings.h"

using namespace verbs;

static const struct RssKind {
  const char* name;
  bool ipv6;
  uint64_t fields;
} rssKinds[] = {
    {"ipv4", false, IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4},
    {"ipv4-udp", false, IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 | IBV_RX_HASH_SRC_PORT_UDP | IBV_RX_HASH_DST_PORT_UDP},
    {"ipv4-tcp", false, IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 | IBV_RX_HASH_SRC_PORT_TCP | IBV_RX_HASH_DST_PORT_TCP},
    {"ipv6", true, IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6},
    {"ipv6-udp", true, IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6 | IBV_RX_HASH_SRC_PORT_UDP | IBV_RX_HASH_DST_PORT_UDP},
    {"ipv6-tcp", true, IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6 | IBV_RX_HASH_SRC_PORT_TCP | IBV_RX_HASH_DST_PORT_TCP},
};

static void throwRdmaError(napi_env env, const RdmaError& error) {
  std::string text = error.syscall + ": " + error.code + (error.detail.empty() ? "" : " (" + error.detail + ")");
  napi_value message = nullptr, thrown = nullptr;
  napi_create_string_utf8(env, text.c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, nullptr, message, &thrown);
  for (const auto& [name, value] : {std::pair{"code", error.code}, {"syscall", error.syscall}, {"detail", error.detail}}) {
    napi_value property = nullptr;
    napi_create_string_utf8(env, value.c_str(), NAPI_AUTO_LENGTH, &property);
    napi_set_named_property(env, thrown, name, property);
  }
  napi_throw(env, thrown);
}

static bool readMac(Napi::Value value, Mac& mac) {
  LinearMemory bytes = linearMemory(value);
  if (bytes.length != mac.size()) return false;
  std::copy(bytes.data, bytes.data + mac.size(), mac.begin());
  return true;
}

static void readRss(const Napi::Value& value, RdmaOptions& options) {
  options.rss4 = rssKinds[2].fields;
  options.rss6 = rssKinds[5].fields;
  Napi::Array names = value.As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); i++) {
    std::string name = names.Get(i).ToString().Utf8Value();
    for (const RssKind& kind : rssKinds) {
      if (name == kind.name) (kind.ipv6 ? options.rss6 : options.rss4) = kind.fields;
    }
  }
}

/** Gives what is wrong with the options as far as memory is concerned; people get their message from the host before. */
static const char* readOptions(const Napi::Object& given, RdmaOptions& options) {
  auto count = [&](const char* name) { return number(given.Env(), given.Get(name)); };
  auto flag = [&](const char* name) { return given.Get(name).ToBoolean().Value(); };
  auto word = [&](const char* name) { return given.Get(name).ToString().Utf8Value(); };
  options.name = word("name");
  options.byNetdev = word("kind") != "device";
  options.mode = word("mode") == "dv" ? RdmaOptions::Mode::dv : word("mode") == "ibv" ? RdmaOptions::Mode::ibv : RdmaOptions::Mode::automatic;
  options.rxQueueSize = count("rxQueueSize");
  options.txQueueSize = count("txQueueSize");
  options.rxQueues = count("rxQueues");
  if (!given.Get("rss").IsArray()) return "openRdma: rss is not an array";
  readRss(given.Get("rss"), options);
  options.maxPacketLength = count("maxPacketLength");
  options.multiSegment = flag("multiSegment");
  options.striding = flag("striding");
  options.rxChecksum = flag("rxChecksum");
  options.compression = flag("compression");
  options.ownMac = given.Get("mac").IsNull();
  if (!options.ownMac && !readMac(given.Get("mac"), options.mac)) return "openRdma: mac is not 6 bytes";
  LinearMemory memory = linearMemory(given.Get("memory"));
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
  RdmaError error;
  auto watch = std::make_shared<EventWatch>();
  std::shared_ptr<RdmaPort> port = RdmaPort::open(options, watch, error);
  uint32_t handle = 0;
  if (port) {
    if (SystemError full = addPort(port, &handle)) error = verbFailed(full.syscall, full.number);
  }
  if (error) {
    throwRdmaError(env, error);
    return env.Undefined();
  }
  watchEvents(env, info[1], *watch, handle);
  Napi::Object result = Napi::Object::New(env);
  result["handle"] = handle;
  result["mac"] = macText(port->mac());
  result["mtu"] = port->linkState().mtu;
  result["up"] = port->up();
  result["mode"] = port->direct() ? "dv" : "ibv";
  result["reason"] = port->reason();
  return result;
}

std::shared_ptr<RdmaPort> rdmaPortAt(uint32_t handle) {
  std::shared_ptr<Port> port = portAt(handle);
  return port && port->rdma() ? std::static_pointer_cast<RdmaPort>(port) : nullptr;
}

/** The port of the call's first argument; null after throwing. */
static std::shared_ptr<RdmaPort> portOf(const Napi::CallbackInfo& info) {
  std::shared_ptr<RdmaPort> port = rdmaPortAt(argument(info, 0));
  if (!port) throwRangeError(info.Env(), "no rdma port has this handle");
  return port;
}

template <typename T> static Napi::Array list(Napi::Env env, const std::vector<T>& values) {
  Napi::Array array = Napi::Array::New(env);
  for (uint32_t i = 0; i < values.size(); i++) array[i] = values[i];
  return array;
}

static std::string hex(const void* address) {
  char text[24];
  snprintf(text, sizeof text, "0x%zx", reinterpret_cast<size_t>(address));
  return text;
}

static void showQueues(Napi::Env env, const RdmaPort& port, Napi::Object result) {
  Napi::Array queues = Napi::Array::New(env);
  uint32_t last = 0, i = 0;
  for (const RdmaPort::Receiver& receiver : port.receivers()) {
    Napi::Object queue = Napi::Object::New(env);
    queue["size"] = port.options().rxQueueSize;
    queue["posted"] = receiver.queue->posted();
    queue["packets"] = static_cast<double>(receiver.packets);
    queue["cqeSize"] = CQE_SIZE;
    queues[i++] = queue;
    if (receiver.queue->lastBuffer()) last = receiver.queue->lastBuffer();
  }
  result["rxQueues"] = queues;
  Napi::Object sender = Napi::Object::New(env);
  sender["size"] = port.options().txQueueSize;
  sender["pending"] = port.sender().pending();
  result["txQueue"] = sender;
  const RdmaOptions& options = port.options();
  Napi::Object dma = Napi::Object::New(env);
  dma["base"] = hex(options.base + options.pool);
  dma["end"] = hex(options.base + options.poolEnd);
  dma["lkey"] = port.device().mr->lkey;
  result["dma"] = dma;
  result["lastDma"] = hex(last ? options.base + last : nullptr);
}

static void showOffloads(Napi::Env env, const RdmaPort& port, Napi::Object result) {
  const RdmaOptions& options = port.options();
  std::vector<std::string> rss, offloads;
  for (const RssKind& kind : rssKinds) {
    if (kind.fields == (kind.ipv6 ? options.rss6 : options.rss4)) rss.push_back(kind.name);
  }
  result["rss"] = list(env, rss);
  if (options.rxChecksum && port.direct()) offloads.push_back("rx-checksum");
  if (port.device().attributes.raw_packet_caps & IBV_RAW_PACKET_CAP_IP_CSUM) offloads.push_back("tx-checksum");
  if (segmentationMax(port.device())) offloads.push_back("tso");
  result["offloads"] = list(env, offloads);
  result["striding"] = port.striding();
  result["compression"] = port.compression();
  result["multiSegment"] = options.multiSegment;
  result["maxPacketLength"] = options.maxPacketLength;
}

static Napi::Value rdmaInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::shared_ptr<RdmaPort> port = portOf(info);
  if (!port) return env.Undefined();
  const DeviceFacts& facts = port->device().facts;
  Napi::Object result = Napi::Object::New(env);
  result["device"] = facts.device;
  result["netdev"] = facts.netdev.empty() ? env.Null() : Napi::Value(Napi::String::New(env, facts.netdev));
  result["pci"] = facts.pci;
  result["model"] = facts.model;
  result["virtualFunction"] = facts.virtualFunction;
  result["firmware"] = port->device().attributes.orig_attr.fw_ver;
  result["mode"] = port->direct() ? "dv" : "ibv";
  result["reason"] = port->reason();
  result["speed"] = port->speed();
  result["up"] = port->up();
  result["mac"] = macText(port->flows().mac());
  result["promiscuous"] = port->flows().promiscuous();
  result["flows"] = list(env, port->flows().describe());
  showOffloads(env, *port, result);
  std::vector<std::pair<std::string, double>> counters;
  std::string folder = std::string(port->device().context->device->ibdev_path) + "/ports/1/";
  for (const char* kind : {"counters", "hw_counters"}) sysfsNumbers(folder + kind, counters);
  Napi::Object shown = Napi::Object::New(env);
  for (const auto& [name, value] : counters) shown[name] = value;
  result["counters"] = shown;
  std::lock_guard<std::mutex> lock(port->busy());
  showQueues(env, *port, result);
  return result;
}

static Napi::Value rdmaDump(const Napi::CallbackInfo& info) {
  std::shared_ptr<RdmaPort> port = portOf(info);
  std::string text;
  if (port) {
    std::lock_guard<std::mutex> lock(port->busy());
    if (!port->drained()) {
      text = "send queue\n" + port->sender().dump();
      for (size_t i = 0; i < port->receivers().size(); i++) text += "receive queue " + std::to_string(i) + "\n" + port->receivers()[i].queue->dump();
    }
  }
  return Napi::String::New(info.Env(), text);
}

static void rdmaSetMac(const Napi::CallbackInfo& info) {
  Mac mac;
  std::shared_ptr<RdmaPort> port = portOf(info);
  if (!port) return;
  if (!readMac(info[1], mac)) return throwRangeError(info.Env(), "rdmaSetMac: not 6 bytes");
  if (RdmaError error = port->flows().apply(mac, port->flows().promiscuous())) throwRdmaError(info.Env(), error);
}

static void rdmaSetPromiscuous(const Napi::CallbackInfo& info) {
  std::shared_ptr<RdmaPort> port = portOf(info);
  if (!port) return;
  if (RdmaError error = port->flows().apply(port->flows().mac(), info[1].ToBoolean().Value())) throwRdmaError(info.Env(), error);
}

static Napi::Value rdmaEvents(const Napi::CallbackInfo& info) {
  std::shared_ptr<RdmaPort> port = portOf(info);
  Napi::Object result = Napi::Object::New(info.Env());
  if (!port) return result;
  port->readEvents();
  result["up"] = port->up();
  result["speed"] = port->speed();
  result["fatal"] = port->fatal();
  return result;
}

static Napi::Value listRdma(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  RdmaError error;
  Napi::Array result = Napi::Array::New(env);
  uint32_t i = 0;
  for (const DeviceFacts& facts : listDevices(error)) {
    Napi::Object device = Napi::Object::New(env);
    device["device"] = facts.device;
    device["netdev"] = facts.netdev.empty() ? env.Null() : Napi::Value(Napi::String::New(env, facts.netdev));
    device["pci"] = facts.pci;
    device["model"] = facts.model.empty() ? env.Null() : Napi::Value(Napi::String::New(env, facts.model));
    device["vendor"] = facts.vendor;
    device["deviceId"] = facts.deviceId;
    result[i++] = device;
  }
  if (error) throwRdmaError(env, error);
  return result;
}

void addRdma(Napi::Env env, Napi::Object exports) {
  exports.Set("openRdma", Napi::Function::New<openRdma>(env, "openRdma"));
  exports.Set("rdmaInfo", Napi::Function::New<rdmaInfo>(env, "rdmaInfo"));
  exports.Set("rdmaDump", Napi::Function::New<rdmaDump>(env, "rdmaDump"));
  exports.Set("rdmaSetMac", Napi::Function::New<rdmaSetMac>(env, "rdmaSetMac"));
  exports.Set("rdmaSetPromiscuous", Napi::Function::New<rdmaSetPromiscuous>(env, "rdmaSetPromiscuous"));
  exports.Set("rdmaEvents", Napi::Function::New<rdmaEvents>(env, "rdmaEvents"));
  exports.Set("listRdma", Napi::Function::New<listRdma>(env, "listRdma"));
}
