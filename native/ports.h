// The process' ports, by handle: every thread sees the same ones, so a new worker takes over what a dead one used.
#pragma once

#include "calls.h"
#include "port.h"

/** The port with this handle, null if there is none; it lives on while somebody holds it, even when closed meanwhile. */
std::shared_ptr<Port> portAt(uint32_t handle);
/** Gives an opened port a handle; EMFILE when there are too many. */
Failure addPort(std::shared_ptr<Port> port, uint32_t* handle);
/** Has the handle lead to another port; false when it does not lead to this one any more. */
bool replacePort(uint32_t handle, const std::shared_ptr<Port>& old, std::shared_ptr<Port> fresh);
