// The calls that put a fault port around a port, tell what it does, and take it away.

#include <cerrno>

#include "addon.h"
#include "fault.h"
#include "ports.h"

static FaultSettings readSettings(Napi::Object given) {
  FaultSettings settings;
  auto value = [&](const char* name) {
    double number = 0;
    napi_get_value_double(given.Env(), given.Get(name), &number);
    return number >= 0 && number <= 0x1p53 ? number : 0;
  };
  settings.loss = value("loss");
  settings.truncate = value("truncate");
  settings.corrupt = value("corrupt");
  settings.duplicate = value("duplicate");
  settings.reorder = value("reorder");
  settings.delay = static_cast<uint64_t>(value("delay"));
  settings.jitter = static_cast<uint64_t>(value("jitter"));
  return settings;
}

/** setFault(handle, settings), on the worker's thread: puts a fault port around the port where there is none yet. */
static void setFault(const Napi::CallbackInfo& info) {
  uint32_t handle = argument(info, 0);
  std::shared_ptr<Port> port = portAt(handle);
  bool valid = attached.base && port && info[1].IsObject();
  if (!valid) return throwRangeError(info.Env(), "setFault: no worker on this thread, no port or no settings");
  Napi::Object given = info[1].As<Napi::Object>();
  FaultSettings rx = readSettings(given.Get("rx").ToObject()), tx = readSettings(given.Get("tx").ToObject());
  double seed = 0;
  napi_get_value_double(info.Env(), given.Get("seed"), &seed);
  std::shared_ptr<FaultPort> fault = port->fault();
  if (!fault) {
    Failure error;
    fault = FaultPort::wrap(port, attached, error);
    if (error) return throwFailure(info.Env(), error);
  }
  {
    std::lock_guard<std::mutex> lock(fault->busy());
    fault->seed = seed >= 0 && seed <= 0x1p53 ? static_cast<uint64_t>(seed) : 0;
    fault->rx.configure(rx, fault->seed);
    fault->tx.configure(tx, fault->seed);
  }
  if (!replacePort(handle, port, fault)) throwFailure(info.Env(), failure("setFault", EAGAIN)); // it was opened anew meanwhile
}

/**
 * clearFault(handle), on the worker's thread: from now on packets pass, those that wait in the next bursts. True once none waits any more:
 * then the fault port is gone.
 */
static Napi::Value clearFault(const Napi::CallbackInfo& info) {
  uint32_t handle = argument(info, 0);
  std::shared_ptr<Port> port = portAt(handle);
  std::shared_ptr<FaultPort> fault = port ? port->fault() : nullptr;
  if (!fault) return Napi::Boolean::New(info.Env(), true);
  std::lock_guard<std::mutex> lock(fault->busy());
  fault->rx.clear();
  fault->tx.clear();
  bool empty = fault->rx.held() + fault->tx.held() == 0;
  if (empty) replacePort(handle, port, fault->inner());
  return Napi::Boolean::New(info.Env(), empty);
}

static Napi::Object describe(Napi::Env env, const FaultyLine& line) {
  const FaultSettings& set = line.settings();
  const FaultCounts& counts = line.counts();
  auto number = [](uint64_t value) { return static_cast<double>(value); };
  return object(env, "loss", set.loss, "truncate", set.truncate, "corrupt", set.corrupt, "duplicate", set.duplicate, "reorder", set.reorder,
                "delay", number(set.delay), "jitter", number(set.jitter), "lost", number(counts.lost), "truncated", number(counts.truncated),
                "corrupted", number(counts.corrupted), "duplicated", number(counts.duplicated), "reordered", number(counts.reordered),
                "delayed", number(counts.delayed), "held", line.held());
}

/** faultState(handle): null where there is no fault port */
static Napi::Value faultState(const Napi::CallbackInfo& info) {
  std::shared_ptr<Port> port = portAt(argument(info, 0));
  std::shared_ptr<FaultPort> fault = port ? port->fault() : nullptr;
  if (!fault) return info.Env().Null();
  std::lock_guard<std::mutex> lock(fault->busy());
  return object(info.Env(), "seed", static_cast<double>(fault->seed), "rx", describe(info.Env(), fault->rx), "tx", describe(info.Env(), fault->tx));
}

void addFault(Napi::Env env, Napi::Object exports) {
  exports.Set("setFault", Napi::Function::New<setFault>(env, "setFault"));
  exports.Set("clearFault", Napi::Function::New<clearFault>(env, "clearFault"));
  exports.Set("faultState", Napi::Function::New<faultState>(env, "faultState"));
}
