#include "library.h"

#include <dlfcn.h>

#include <memory>
#include <mutex>

SharedObject::SharedObject(const char* file, std::string& missing) : file_(file), missing_(missing), handle_(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
  if (!handle_ && missing_.empty()) missing_ = file;
}

SharedObject::Symbol SharedObject::operator[](const char* name) {
  void* found = handle_ ? dlsym(handle_, name) : nullptr;
  if (!found && missing_.empty()) missing_ = std::string(name) + " in " + file_;
  return {found};
}

const Library* library(Failure& error) {
  static std::mutex lock;
  static std::unique_ptr<Library> loaded;
  std::lock_guard<std::mutex> guard(lock);
  // A failure is not kept: rdma-core may be installed while the process runs.
  if (!loaded || !loaded->missing.empty()) loaded = std::make_unique<Library>();
  if (loaded->missing.empty()) return loaded.get();
  error = {"RDMA_NO_LIBRARY", "dlopen", loaded->missing};
  return nullptr;
}
