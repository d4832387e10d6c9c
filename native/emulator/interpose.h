// Descriptors that the emulator gave to the program; the calls of libc that are interposed look at no others.
#pragma once

#include <memory>

namespace emulator {

struct Context;
class EventChannel;

constexpr int DESCRIPTOR_MAX = 1 << 16;

/** close(2) and write(2) of this descriptor are of interest from now on. False: its number is too high. */
bool watchDescriptor(int fd);
/** A command descriptor; it owns the context until it is closed. */
bool addContext(int fd, std::shared_ptr<Context> context);

} // namespace emulator
