// A socket through which a test tells the emulator of a running process what shall happen: runFolder()/control.
//
// One command a line, one line of answer: ok, error: WHY, or JSON.
//   link N up|down      fatal N      recover N      fault N NAME VALUE      stats N
#pragma once

namespace emulator {

/** From the first opened device on, so that programs that never open one get no thread. */
void startControl();
void stopControl();

} // namespace emulator
