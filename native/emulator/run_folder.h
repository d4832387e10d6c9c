// ${TMPDIR:-/tmp}/weft-emulator-<pid>: this process's sysfs and its control socket.
#pragma once

#include <string>

namespace emulator {

/** Empty before createRunFolder(). */
const std::string& runFolder();

/** Makes the folder, sweeps those of processes that are gone, and points the environment there. Throws std::system_error. */
void createRunFolder();
void removeRunFolder();

} // namespace emulator
