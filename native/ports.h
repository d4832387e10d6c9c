// The process' ports, by handle: every thread sees the same ones, so a new worker takes over what a dead one used.
#pragma once

#include "af_packet.h"

/** The port with this handle, null if there is none; it lives on while somebody holds it, even when closed meanwhile. */
std::shared_ptr<AfPacket> portAt(uint32_t handle);
