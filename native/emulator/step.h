// Modelled NICs that work when they are told to, on the thread that tells them, and stand still in between: whoever wants to time the
// driver alone asks for them with the option stepped=1.
//
// A program writes a line to the file runFolder()/step, which is there once it is opened, and finds all of it done when write(2) comes back:
//   DEVICE receive N [far]   takes N frames from the wire
//   DEVICE send [far]        sends what the doorbells told of
// far: what the NIC wrote into completion queues is in memory alone then, as far from the processor as it can be.
#pragma once

#include <sys/types.h>

namespace emulator {

/** A descriptor for such lines where `path` is that file, else -1. */
int openStep(const char* path);
bool isStep(int fd);
/** As write(2): EINVAL for another line, EIO when fewer frames came. */
ssize_t writeStep(const void* bytes, size_t count);

} // namespace emulator
