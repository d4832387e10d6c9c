// The part of sysfs that libibverbs, libmlx5, DPDK and weft read, in the run folder (SYSFS_PATH leads them there).
#pragma once

#include "objects.h"

namespace emulator {

/** Throws std::system_error. */
void createSysfs();

/** Files whose contents change (counters, the link) are written anew before a program opens them. */
void refreshSysfs(const char* path);

} // namespace emulator
