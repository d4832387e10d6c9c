// Bursts of any port with a capture beside them: what moves is copied, as blocks of pcapng, into a ring that the main thread empties.
// What a fault port does to packets happens between the capture and the graph: captured is what its device receives and is given to send.
#pragma once

#include "port.h"

namespace captured {
/** As the functions of Port; without a capture they cost one load more. */
uint32_t receive(Port& port, const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex);
uint32_t transmit(Port& port, const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex);
} // namespace captured
