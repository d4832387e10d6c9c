// What Linux says of the netdev that shares a port.
#pragma once

#include "flows.h"

/** Of the netdev, or of the port's own RoCE address where no netdev is in sight; false if neither tells it. */
bool portMac(const Device& device, Mac& mac);
/** 1500 where no netdev tells it. */
int portMtu(const Device& device);
