// Each subject adds its functions to the module's exports.
#pragma once

#include <napi.h>

void addMemory(Napi::Env env, Napi::Object exports);
void addClock(Napi::Env env, Napi::Object exports);
void addWorkerMemory(Napi::Env env, Napi::Object exports);
void addPorts(Napi::Env env, Napi::Object exports);
void addWait(Napi::Env env, Napi::Object exports);
void addRdma(Napi::Env env, Napi::Object exports);
void addCapture(Napi::Env env, Napi::Object exports);
void addPg(Napi::Env env, Napi::Object exports);
void addFault(Napi::Env env, Napi::Object exports);

/** The bytes behind a Uint8Array over the linear memory; data is null if the value is not one. */
struct LinearMemory {
  uint8_t* data = nullptr;
  size_t length = 0;
};
LinearMemory linearMemory(Napi::Value value);
