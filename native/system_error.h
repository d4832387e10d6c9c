// How a failed system call reaches JavaScript: Error with `code` (the errno's name) and `syscall`.
#pragma once

#include <napi.h>

#include <cstring>
#include <string>

struct SystemError {
  const char* syscall = nullptr;
  int number = 0;
  explicit operator bool() const { return number != 0; }
};

inline void throwSystemError(Napi::Env env, const SystemError& error) {
  const char* name = strerrorname_np(error.number);
  std::string code = name ? name : "E" + std::to_string(error.number);
  Napi::Error thrown = Napi::Error::New(env, std::string(error.syscall) + ": " + strerror(error.number));
  thrown.Set("code", Napi::String::New(env, code));
  thrown.Set("syscall", Napi::String::New(env, error.syscall));
  thrown.ThrowAsJavaScriptException();
}

/** For arguments that would harm memory safety; the host gives people their message before it comes to this. */
inline void throwRangeError(Napi::Env env, const char* message) { Napi::RangeError::New(env, message).ThrowAsJavaScriptException(); }
