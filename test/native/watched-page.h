// A page that tells of the first store to it, at that very moment: what else is in memory by then is what a NIC could see.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <cstdint>
#include <functional>

class WatchedPage {
 public:
  /** One at a time. */
  explicit WatchedPage(std::function<void()> stored) {
    current() = this;
    stored_ = std::move(stored);
    bytes_ = static_cast<uint8_t*>(mmap(nullptr, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    struct sigaction action{};
    action.sa_sigaction = [](int, siginfo_t* info, void*) { current()->fault(static_cast<uint8_t*>(info->si_addr)); };
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &before_);
  }
  ~WatchedPage() {
    sigaction(SIGSEGV, &before_, nullptr);
    munmap(bytes_, SIZE);
  }
  uint8_t* bytes() const { return bytes_; }

 private:
  static constexpr size_t SIZE = 4096;
  static WatchedPage*& current() {
    static WatchedPage* page = nullptr;
    return page;
  }
  void fault(uint8_t* address) {
    if (address < bytes_ || address >= bytes_ + SIZE) { // somebody else's: it faults again, as it would without us
      sigaction(SIGSEGV, &before_, nullptr);
      return;
    }
    mprotect(bytes_, SIZE, PROT_READ | PROT_WRITE);
    stored_();
  }

  std::function<void()> stored_;
  uint8_t* bytes_;
  struct sigaction before_;
};
