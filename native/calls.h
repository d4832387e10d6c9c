// Numbers in and errors out of a call from JavaScript.
//
// By plain Node-API where a call can fail: a worker may be terminated while its thread is in here, then nothing can be thrown
// any more, and node-addon-api ends the process over an error that it cannot throw.
#pragma once

#include <napi.h>

#include <cstring>
#include <string>

/** Why a call failed: `code` is an errno's name or RDMA_*, `syscall` the system call or verb, `detail` what the message to a person needs. */
struct Failure {
  std::string code, syscall, detail, reason{};
  explicit operator bool() const { return !code.empty(); }
};

/** What a call's errno says. */
inline Failure failure(const char* syscall, int number, const std::string& detail = "") {
  const char* name = strerrorname_np(number);
  return {name ? name : "UNKNOWN", syscall, detail, strerror(number)};
}

/** Throws Error with `code`, `syscall` and `detail`. */
inline void throwFailure(napi_env env, const Failure& failure) {
  const std::string& reason = failure.reason.empty() ? failure.code : failure.reason;
  std::string text = failure.syscall + ": " + reason + (failure.detail.empty() ? "" : " (" + failure.detail + ")");
  napi_value message = nullptr, thrown = nullptr;
  napi_create_string_utf8(env, text.c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, nullptr, message, &thrown);
  for (const auto& [name, value] : {std::pair{"code", failure.code}, {"syscall", failure.syscall}, {"detail", failure.detail}}) {
    napi_value property = nullptr;
    napi_create_string_utf8(env, value.c_str(), NAPI_AUTO_LENGTH, &property);
    napi_set_named_property(env, thrown, name, property);
  }
  napi_throw(env, thrown);
}

/** For arguments that would harm memory safety; the host gives people their message before it comes to this. */
inline void throwRangeError(napi_env env, const char* message) { napi_throw_range_error(env, nullptr, message); }

/** A number from JavaScript; what is none becomes one that no check of a handle, an address or a count lets through. */
inline uint32_t number(napi_env env, napi_value value) {
  uint32_t result = UINT32_MAX;
  napi_get_value_uint32(env, value, &result);
  return result;
}
inline uint32_t argument(const Napi::CallbackInfo& info, size_t position) { return number(info.Env(), info[position]); }

/** An object of these properties: name, value, name, value … */
inline void setProperties(Napi::Object) {}
template <typename V, typename... Rest> void setProperties(Napi::Object object, const char* name, const V& value, const Rest&... rest) {
  object.Set(name, value);
  setProperties(object, rest...);
}
template <typename... Properties> Napi::Object object(Napi::Env env, const Properties&... properties) {
  Napi::Object made = Napi::Object::New(env);
  setProperties(made, properties...);
  return made;
}

/** Offers a function that is called for every burst or dispatch: by plain Node-API, which costs a third. */
inline void setFunction(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}
