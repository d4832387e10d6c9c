// The calls that set a packet generator port up; what comes from JavaScript is checked again as far as memory safety needs it.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "addon.h"
#include "pg.h"
#include "ports.h"

/** Most packets a second: few enough that 64 bits count what is owed after years. */
constexpr double RATE_MAX = 1e9;

/** The port of the call's first argument; null after throwing. */
static std::shared_ptr<PgPort> portOf(const Napi::CallbackInfo& info) {
  std::shared_ptr<Port> port = portAt(argument(info, 0));
  std::shared_ptr<PgPort> pg = port ? port->pg() : nullptr;
  if (!pg) throwRangeError(info.Env(), "no packet generator port has this handle");
  return pg;
}

static Napi::Value openPg(const Napi::CallbackInfo& info) {
  Failure error;
  std::shared_ptr<PgPort> port = PgPort::open(error);
  uint32_t handle = 0;
  if (!error) error = addPort(port, &handle);
  if (error) {
    throwFailure(info.Env(), error);
    return info.Env().Undefined();
  }
  LinkState link = port->linkState();
  return object(info.Env(), "handle", handle, "mtu", link.mtu, "up", link.up);
}

/** A whole number from 0 to 2^53; what is none becomes UINT64_MAX. */
static uint64_t wide(Napi::Object object, const char* name) {
  double value = -1;
  napi_get_value_double(object.Env(), object.Get(name), &value);
  return value >= 0 && value <= 0x1p53 ? static_cast<uint64_t>(value) : UINT64_MAX;
}

static PgRange readRange(Napi::Object given) {
  PgRange range;
  range.at = number(given.Env(), given.Get("at"));
  range.bytes = number(given.Env(), given.Get("bytes"));
  range.from = wide(given, "from");
  range.count = wide(given, "count");
  range.random = given.Get("random").ToBoolean().Value();
  return range;
}

static std::unique_ptr<PgSource> readTemplate(Napi::Object given) {
  PgTemplateOptions options;
  Napi::Env env = given.Env();
  if (!given.Get("bytes").IsTypedArray() || !given.Get("size").IsObject() || !given.Get("ranges").IsArray()) return nullptr;
  LinearMemory bytes = linearMemory(given.Get("bytes"));
  if (given.Get("bytes").As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) return nullptr;
  options.bytes.assign(bytes.data, bytes.data + bytes.length);
  options.size = readRange(given.Get("size").As<Napi::Object>());
  Napi::Array ranges = given.Get("ranges").As<Napi::Array>();
  for (uint32_t i = 0; i < ranges.Length(); i++) options.ranges.push_back(readRange(ranges.Get(i).ToObject()));
  options.seed = wide(given, "seed");
  options.ip = number(env, given.Get("ip"));
  options.transport = number(env, given.Get("transport"));
  options.checksum = number(env, given.Get("checksum"));
  return PgTemplate::make(std::move(options));
}

/** { file, index }: the index is pairs of words as PgReplay::Entry has them. */
static std::unique_ptr<PgSource> readReplay(Napi::Object given, Failure& error) {
  LinearMemory words = linearMemory(given.Get("index")); // its length is in words
  std::vector<PgReplay::Entry> index(words.length * sizeof(uint32_t) / sizeof(PgReplay::Entry));
  if (!words.data || index.empty() || given.Get("index").As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) return nullptr;
  memcpy(index.data(), words.data, index.size() * sizeof(PgReplay::Entry));
  int fd = ::open(given.Get("file").ToString().Utf8Value().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) error = failure("open", errno);
  return fd < 0 ? nullptr : PgReplay::make(fd, std::move(index));
}

/** pgAdd(handle, options): the stream's id */
static Napi::Value pgAdd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::shared_ptr<PgPort> port = portOf(info);
  if (!port) return env.Undefined();
  Napi::Object given = info[1].IsObject() ? info[1].As<Napi::Object>() : Napi::Object::New(env);
  PgStream stream;
  Failure error;
  stream.limit = wide(given, "limit");
  napi_get_value_double(env, given.Get("rate"), &stream.rate);
  stream.source = given.Has("file") ? readReplay(given, error) : readTemplate(given);
  if (error) throwFailure(env, error);
  else if (!stream.source || !(stream.rate >= 0 && stream.rate <= RATE_MAX)) throwRangeError(env, "pgAdd: the options do not fit each other");
  if (env.IsExceptionPending()) return env.Undefined();
  std::lock_guard<std::mutex> lock(port->busy());
  return Napi::Number::New(env, port->add(std::move(stream)));
}

static void pgRemove(const Napi::CallbackInfo& info) {
  std::shared_ptr<PgPort> port = portOf(info);
  if (!port) return;
  std::lock_guard<std::mutex> lock(port->busy());
  port->remove(argument(info, 1));
}

/** pgEnable(handle, id, on) */
static void pgEnable(const Napi::CallbackInfo& info) {
  std::shared_ptr<PgPort> port = portOf(info);
  if (!port) return;
  std::lock_guard<std::mutex> lock(port->busy());
  PgStream* stream = port->find(argument(info, 1));
  if (stream) port->enable(*stream, info[2].ToBoolean().Value());
}

/** pgState(handle, id) */
static Napi::Value pgState(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::shared_ptr<PgPort> port = portOf(info);
  if (!port) return env.Undefined();
  std::lock_guard<std::mutex> lock(port->busy());
  PgStream* stream = port->find(argument(info, 1));
  if (!stream) return env.Undefined();
  return object(env, "enabled", stream->enabled, "packets", static_cast<double>(stream->packets), "bytes", static_cast<double>(stream->bytes),
                "elapsed", static_cast<double>(stream->seen - stream->start), "failure", stream->source->failure());
}

/** pgConnect(handle, peer): a peer of -1 is none */
static void pgConnect(const Napi::CallbackInfo& info) {
  std::shared_ptr<PgPort> port = portOf(info);
  if (!port) return;
  std::shared_ptr<Port> peer = portAt(argument(info, 1));
  std::shared_ptr<PgPort> pg = peer ? peer->pg() : nullptr;
  std::lock_guard<std::mutex> lock(port->busy());
  port->connect(pg);
}

void addPg(Napi::Env env, Napi::Object exports) {
  exports.Set("openPg", Napi::Function::New<openPg>(env, "openPg"));
  exports.Set("pgAdd", Napi::Function::New<pgAdd>(env, "pgAdd"));
  exports.Set("pgRemove", Napi::Function::New<pgRemove>(env, "pgRemove"));
  exports.Set("pgEnable", Napi::Function::New<pgEnable>(env, "pgEnable"));
  exports.Set("pgState", Napi::Function::New<pgState>(env, "pgState"));
  exports.Set("pgConnect", Napi::Function::New<pgConnect>(env, "pgConnect"));
}
