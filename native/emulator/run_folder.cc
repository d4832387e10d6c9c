#include "run_folder.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace emulator {

namespace fs = std::filesystem;

static const char NAME[] = "weft-emulator-";
/** Where the folder is really, if it can be: making a hundred small files takes a disk a hundred times longer. */
static const char MEMORY[] = "/dev/shm";

/** Not destroyed at exit, other threads may still open files. */
static std::string& folder() {
  static std::string* folder = new std::string();
  return *folder;
}

const std::string& runFolder() { return folder(); }

static std::string temporaryFolder() {
  const char* given = getenv("TMPDIR");
  return given && *given ? given : "/tmp";
}

/** Of a process that was killed; kill(2) with signal 0 only asks whether there is one. */
static void sweep(const fs::path& under) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(under, ignored)) {
    std::string name = entry.path().filename();
    if (name.compare(0, sizeof NAME - 1, NAME) != 0) continue;
    pid_t process = atoi(name.c_str() + sizeof NAME - 1);
    if (process > 0 && kill(process, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

/** A variable that another process of ours set is as good as unset. */
static void setVariable(const char* name, const std::string& value) {
  const char* given = getenv(name);
  if (!given || strstr(given, NAME)) setenv(name, value.c_str(), 1);
}

void removeRunFolder() {
  if (folder().empty()) return;
  std::error_code ignored;
  fs::remove_all(fs::path(MEMORY) / fs::path(folder()).filename(), ignored);
  fs::remove_all(folder(), ignored);
}

void createRunFolder() {
  sweep(temporaryFolder());
  sweep(MEMORY);
  folder() = temporaryFolder() + "/" + NAME + std::to_string(getpid());
  removeRunFolder(); // of the program that called execve(2)
  fs::path inMemory = fs::path(MEMORY) / fs::path(folder()).filename();
  std::error_code refused;
  if (fs::create_directory(inMemory, refused) && inMemory != folder()) fs::create_symlink(inMemory, folder());
  fs::create_directories(folder());
  setVariable("SYSFS_PATH", folder());
  setVariable("SYSFS_PCI_DEVICES", folder() + "/bus/pci/devices"); // DPDK's name for it
}

} // namespace emulator
