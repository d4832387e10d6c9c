// The uverbs write interface (rdma/ib_user_verbs.h, rdma/mlx5-abi.h): one handler a command.
//
//   legacy    | header 8 | request, response address first | driver's request |          lengths in 4-byte words, header included
//   extended  | header 8 | response address 8, driver's words 8 | request | driver's request |     lengths in 8-byte words, headers not
//
// The answer goes to the response address, the driver's part of it behind it.
#pragma once

#include <cstdint>
#include <cstring>

#include "context.h"

namespace emulator {

struct Command {
  const uint8_t* request;
  size_t requestBytes;
  const uint8_t* driverRequest;
  size_t driverRequestBytes;
  uint8_t* response;
  size_t responseBytes;
  uint8_t* driverResponse;
  size_t driverResponseBytes;

  /** Structs grow from one version to the next: what a caller did not send is 0, what it does not know is not answered. */
  template <typename T>
  T read() const {
    T value{};
    memcpy(&value, request, requestBytes < sizeof value ? requestBytes : sizeof value);
    return value;
  }
  template <typename T>
  T readDriver() const {
    T value{};
    memcpy(&value, driverRequest, driverRequestBytes < sizeof value ? driverRequestBytes : sizeof value);
    return value;
  }
  template <typename T>
  void answer(const T& value) const {
    memcpy(response, &value, responseBytes < sizeof value ? responseBytes : sizeof value);
  }
  template <typename T>
  void answerDriver(const T& value) const {
    memcpy(driverResponse, &value, driverResponseBytes < sizeof value ? driverResponseBytes : sizeof value);
  }
};

// Each returns 0 or an errno. Called with the device's lock held.
using Handler = int(Context&, const Command&);

Handler getContext, queryDevice, queryDeviceEx, queryPort; // commands_device.cc
Handler allocPd, deallocPd, registerRegion, reregisterRegion, deregisterRegion; // commands_memory.cc
Handler createChannel, createCq, createCqEx, resizeCq, modifyCq, destroyCq; // commands_cq.cc
Handler createQp, createQpEx, modifyQp, modifyQpEx, queryQp, destroyQp; // commands_qp.cc
Handler createWq, modifyWq, destroyWq, createTable, destroyTableCommand; // commands_wq.cc
Handler createFlow, destroyFlowCommand; // commands_flow.cc

/** capabilities(7): CAP_NET_RAW for raw packets and flows, CAP_IPC_LOCK for memory beyond RLIMIT_MEMLOCK. */
bool hasCapability(int capability);
/** What the kernel finds when it pins pages: they are there, and writable if they have to be. */
bool isMapped(uint64_t start, uint64_t length, bool writable);

} // namespace emulator
