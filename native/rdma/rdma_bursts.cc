// What the worker's thread does with a port: bursts, sleeping, and giving the buffers back.

#include <time.h>

#include <cstring>

#include "rdma_port.h"

using namespace verbs;

/** How long a port that is closed waits for what it sends, ms. */
constexpr int DRAIN_MS = 20;

uint32_t RdmaPort::receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  if (drained_) return 0;
  drainPrevious(memory, swIfIndex);
  uint32_t n = 0, count = static_cast<uint32_t>(receivers_.size());
  bool starved = false;
  for (uint32_t i = 0; i < count && n < max; i++) {
    Receiver& receiver = receivers_[(nextReceiver_ + i) % count];
    uint32_t got = receiver.queue->receive(memory, frame, n, max - n, swIfIndex);
    receiver.packets += got;
    n += got;
    starved |= receiver.queue->starved();
  }
  nextReceiver_ = (nextReceiver_ + 1) % count; // when a frame is full, the next begins with another queue
  send_->reap(memory);
  revive(memory, swIfIndex);
  starved_ = starved;
  writeGauges(memory, swIfIndex);
  return n;
}

uint32_t RdmaPort::transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  uint32_t indices[abi::VECTOR];
  memcpy(indices, memory.base + frame + abi::FRAME_BUFFERS, n * sizeof *indices); // from here on nobody else can change them
  if (drained_ || !up_) {
    for (uint32_t i = 0; i < n; i++) {
      if (memory.freeChain(indices[i])) memory.count(swIfIndex, abi::IFC_TX_DOWN, 1);
      else memory.countBadBuffer();
    }
    return 0;
  }
  uint32_t sent = send_->transmit(memory, indices, n, swIfIndex);
  revive(memory, swIfIndex);
  writeGauges(memory, swIfIndex);
  return sent;
}

/** The port that this one replaces gives back its buffers at last: only the worker may take them. */
void RdmaPort::drainPrevious(const WorkerMemory& memory, uint32_t swIfIndex) {
  if (!previous_) return;
  {
    std::lock_guard<std::mutex> lock(previous_->busy());
    previous_->drain(memory, swIfIndex);
  }
  previous_.reset();
}

/** Brings queues back that an error has stopped. */
void RdmaPort::revive(const WorkerMemory& memory, uint32_t swIfIndex) {
  if (fatal_) return;
  if (send_->failed() && !sendObjects_.restart(*device_)) send_->restart(memory, swIfIndex);
  for (Receiver& receiver : receivers_) {
    if (receiver.queue->failed() && !receiver.objects.restart(*device_)) receiver.queue->restart();
  }
}

void RdmaPort::writeGauges(const WorkerMemory& memory, uint32_t swIfIndex) const {
  uint32_t counters = memory.worker + abi::WORKER_INTERFACES + swIfIndex * abi::IFC_SIZE;
  uint64_t posted = 0;
  for (const Receiver& receiver : receivers_) posted += receiver.queue->posted();
  memory.write<uint64_t>(counters + abi::IFC_RX_POSTED, posted);
  memory.write<uint64_t>(counters + abi::IFC_TX_PENDING, send_ ? send_->pending() : 0);
}

bool RdmaPort::prepareSleep() {
  if (drained_ || fatal_) return true;
  for (Receiver& receiver : receivers_) {
    if (!receiver.queue->arm()) return false;
  }
  return true;
}

void RdmaPort::afterSleep(short) {
  ibv_cq* cq = nullptr;
  void* context = nullptr;
  while (!drained_ && device_->verbs.get_cq_event(channel_.get(), &cq, &context) == 0) device_->verbs.ack_cq_events(cq, 1);
}

void RdmaPort::drain(const WorkerMemory& memory, uint32_t swIfIndex) {
  if (drained_) return;
  drainPrevious(memory, swIfIndex);
  afterSleep(0); // a CQ with events that nobody has taken is never gone
  drained_ = true;
  flows_.close();
  for (int ms = 0; ms < DRAIN_MS && up_ && send_->pending() > 0 && !send_->failed(); ms++) {
    timespec millisecond{0, 1000000};
    nanosleep(&millisecond, nullptr);
    send_->reap(memory);
  }
  spread_.destroy();
  for (Receiver& receiver : receivers_) {
    receiver.objects.destroy(); // from here on the NIC writes nowhere
    receiver.queue->release(memory);
  }
  sendObjects_.destroy();
  send_->release(memory);
  writeGauges(memory, swIfIndex);
}
