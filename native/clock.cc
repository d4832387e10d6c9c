// Time as the scheduler counts it: TSC clocks, read around each dispatch.

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <x86intrin.h>

#include <cerrno>
#include <mutex>

#include "addon.h"
#include "calls.h"

static double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/** Measured over 20 ms rather than taken from CPUID leaf 15h: hypervisors scale the TSC and pass the host's leaf on. */
static double measureRate() {
  double start = seconds(), now;
  uint64_t clocks = __rdtsc();
  do now = seconds();
  while (now - start < 0.02);
  return static_cast<double>(__rdtsc() - clocks) / (now - start);
}

/** Plain Node-API and a small integer: it runs after every dispatch, and a double would be an allocation each time. */
static napi_value lap(napi_env env, napi_callback_info) {
  static thread_local uint64_t last = 0;
  uint64_t now = __rdtsc(), passed = now - last;
  last = now;
  napi_value result = nullptr;
  napi_create_int32(env, passed > INT32_MAX ? INT32_MAX : static_cast<int32_t>(passed), &result);
  return result;
}

static Napi::Value clockRate(const Napi::CallbackInfo& info) {
  static std::once_flag once;
  static double rate;
  std::call_once(once, [] { rate = measureRate(); });
  return Napi::Number::New(info.Env(), rate);
}

static void pinThread(const Napi::CallbackInfo& info) {
  uint32_t cpu = argument(info, 0);
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set); // an empty set is refused with EINVAL
  if (sched_setaffinity(0, sizeof set, &set) != 0) throwFailure(info.Env(), failure("sched_setaffinity", errno));
}

/** Which clock counts the calling thread's time on a CPU: pthread_getcpuclockid(3). Other threads can read it. */
static Napi::Value threadClock(const Napi::CallbackInfo& info) {
  clockid_t clock = 0;
  pthread_getcpuclockid(pthread_self(), &clock);
  return Napi::Number::New(info.Env(), clock);
}

/** What a thread's clock shows, in ms; -1 when the thread has ended. */
static Napi::Value threadTime(const Napi::CallbackInfo& info) {
  timespec now;
  int32_t clock = -1;
  napi_get_value_int32(info.Env(), info[0], &clock);
  bool running = clock_gettime(clock, &now) == 0;
  return Napi::Number::New(info.Env(), running ? static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6 : -1);
}

void addClock(Napi::Env env, Napi::Object exports) {
  setFunction(env, exports, "lap", lap);
  exports.Set("clockRate", Napi::Function::New<clockRate>(env, "clockRate"));
  exports.Set("threadClock", Napi::Function::New<threadClock>(env, "threadClock"));
  exports.Set("threadTime", Napi::Function::New<threadTime>(env, "threadTime"));
  exports.Set("pinThread", Napi::Function::New<pinThread>(env, "pinThread"));
}
