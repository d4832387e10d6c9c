#pragma once

#include "rdma_port.h"

/** Null if the handle is none of an rdma port. */
std::shared_ptr<RdmaPort> rdmaPortAt(uint32_t handle);

/** Calls a JavaScript function, in the thread that calls this, whenever the port with this handle has an asynchronous event. */
void watchEvents(Napi::Function callback, EventWatch& watch, uint32_t handle);
