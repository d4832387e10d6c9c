// Numbers in and errors out of a call from JavaScript.
//
// By plain Node-API where a call can fail: a worker may be terminated while its thread is in here, then nothing can be thrown
// any more, and node-addon-api ends the process over an error that it cannot throw.
#pragma once

#include <napi.h>

#include <cstring>
#include <string>

struct SystemError {
  const char* syscall = nullptr;
  int number = 0;
  explicit operator bool() const { return number != 0; }
};

/** Throws Error with `code` (the errno's name) and `syscall`. */
inline void throwSystemError(napi_env env, const SystemError& error) {
  const char* name = strerrorname_np(error.number);
  std::string text = std::string(error.syscall) + ": " + strerror(error.number);
  napi_value code = nullptr, syscall = nullptr, message = nullptr, thrown = nullptr;
  napi_create_string_utf8(env, name ? name : "UNKNOWN", NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, error.syscall, NAPI_AUTO_LENGTH, &syscall);
  napi_create_string_utf8(env, text.c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &thrown);
  napi_set_named_property(env, thrown, "syscall", syscall);
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

/** Offers a function that is called for every burst or dispatch: by plain Node-API, which costs a third. */
inline void setFunction(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}
