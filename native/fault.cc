// The port around the port: its bursts, and its sleep, which the device or the clock ends: epoll(7), timerfd_create(2).

#include "fault.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "capture.h"
#include "monotonic.h"

std::shared_ptr<FaultPort> FaultPort::wrap(std::shared_ptr<Port> inner, const WorkerMemory& memory, Failure& error) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) error = failure("epoll_create1", errno);
  int timer = error ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (!error && timer < 0) error = failure("timerfd_create", errno);
  if (error) {
    if (epoll >= 0) close(epoll);
    return nullptr;
  }
  return std::shared_ptr<FaultPort>(new FaultPort(std::move(inner), epoll, timer, (memory.poolEnd - memory.pool) / abi::BUFFER_SIZE));
}

FaultPort::FaultPort(std::shared_ptr<Port> inner, int epoll, int timer, size_t room)
    : rx(room, abi::IFC_FAULT_RX_LOST), tx(room, abi::IFC_FAULT_TX_LOST), inner_(std::move(inner)), epoll_(epoll), timer_(timer) {
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
  watchInner(0);
}

FaultPort::~FaultPort() {
  close(timer_);
  close(epoll_);
}

/** The device may have another descriptor than before, or none. */
void FaultPort::watchInner(uint32_t worker) {
  int fd = inner_->fd(worker);
  if (fd == watched_) return;
  epoll_event event{};
  event.events = EPOLLIN;
  if (watched_ >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, watched_, nullptr);
  if (fd >= 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  watched_ = fd;
}

uint32_t FaultPort::receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  std::lock_guard<std::mutex> lock(inner_->busy());
  uint64_t time = monotonic();
  FaultyLine::Burst out(memory, swIfIndex, time);
  tx.release(out);
  sendOn(out, frame); // the frame has room for them before anything is received

  FaultyLine::Burst in(memory, swIfIndex, time, max);
  rx.release(in);
  uint32_t got = in.n < max ? captured::receive(*inner_, memory, frame, max - in.n, swIfIndex) : 0, came[abi::VECTOR];
  for (uint32_t i = 0; i < got; i++) came[i] = memory.read<uint32_t>(frame + abi::FRAME_BUFFERS + 4 * i);
  for (uint32_t i = 0; i < got; i++) rx.judge(in, came[i]);
  for (uint32_t i = 0; i < in.n; i++) {
    memory.write(frame + abi::FRAME_BUFFERS + 4 * i, in.indices[i]);
    uint32_t buffer = memory.bufferAt(in.indices[i]);
    if (memory.read<uint32_t>(buffer + abi::B_NEXT) != 0) memory.write<uint32_t>(memory.worker + abi::GRAPH_CHAINED, 1);
  }
  starved_ = inner_->starved(memory.index());
  writeGauges(memory, swIfIndex);
  return in.n;
}

uint32_t FaultPort::transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  std::lock_guard<std::mutex> lock(inner_->busy());
  uint32_t indices[abi::VECTOR];
  for (uint32_t i = 0; i < n; i++) indices[i] = memory.read<uint32_t>(frame + abi::FRAME_BUFFERS + 4 * i);
  FaultyLine::Burst burst(memory, swIfIndex, monotonic());
  tx.release(burst); // in front of them, not behind
  for (uint32_t i = 0; i < n; i++) {
    if (memory.usedBufferAt(indices[i])) tx.judge(burst, indices[i]);
    else memory.countBadBuffer();
  }
  uint32_t sent = sendOn(burst, frame);
  writeGauges(memory, swIfIndex);
  return sent;
}

uint32_t FaultPort::sendOn(const FaultyLine::Burst& burst, uint32_t frame) {
  for (uint32_t i = 0; i < burst.n; i++) burst.memory.write(frame + abi::FRAME_BUFFERS + 4 * i, burst.indices[i]);
  return burst.n > 0 ? captured::transmit(*inner_, burst.memory, frame, burst.n, burst.swIfIndex) : 0;
}

void FaultPort::writeGauges(const WorkerMemory& memory, uint32_t swIfIndex) const {
  uint32_t counters = memory.worker + abi::WORKER_INTERFACES + swIfIndex * abi::IFC_SIZE;
  memory.write<uint64_t>(counters + abi::IFC_FAULT_HELD, rx.held() + tx.held());
  memory.write<uint64_t>(counters + abi::IFC_FAULT_BUFFERS, rx.buffers() + tx.buffers());
}

std::shared_ptr<Port> FaultPort::reopened() {
  std::shared_ptr<Port> fresh = inner_->reopened();
  if (!fresh) return nullptr;
  std::lock_guard<std::mutex> lock(busy());
  if (watched_ >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, watched_, nullptr); // the old port may outlive this, and the new one have its number
  watched_ = -1;
  inner_ = std::move(fresh);
  watchInner(0);
  return shared_from_this();
}

bool FaultPort::prepareSleep(uint32_t worker) {
  uint64_t due = rx.nextDue() < tx.nextDue() ? rx.nextDue() : tx.nextDue();
  if (due <= monotonic() && due != UINT64_MAX) return false;
  watchInner(worker);
  itimerspec when{};
  if (due != UINT64_MAX) when.it_value = {static_cast<time_t>(due / 1000000000), static_cast<long>(due % 1000000000)};
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
  std::lock_guard<std::mutex> lock(inner_->busy());
  return inner_->prepareSleep(worker);
}

void FaultPort::afterSleep(short, uint32_t worker) {
  std::lock_guard<std::mutex> own(busy()); // the port inside may be exchanged meanwhile
  uint64_t expirations;
  while (read(timer_, &expirations, sizeof expirations) < 0 && errno == EINTR) {}
  pollfd polled{inner_->fd(worker), POLLIN, 0};
  if (poll(&polled, 1, 0) <= 0) return;
  std::lock_guard<std::mutex> lock(inner_->busy());
  inner_->afterSleep(polled.revents, worker);
}

void FaultPort::drain(const WorkerMemory& memory, uint32_t swIfIndex) {
  rx.drain(memory, swIfIndex);
  tx.drain(memory, swIfIndex);
  writeGauges(memory, swIfIndex);
  std::lock_guard<std::mutex> lock(inner_->busy());
  inner_->drain(memory, swIfIndex);
}
