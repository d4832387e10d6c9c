// What the worker's thread does with a port: bursts, sleeping, and giving the buffers back.

#include <time.h>

#include <cstring>

#include "rdma_port.h"

using namespace verbs;

/** How long a port that is closed waits for what it sends, ms. */
constexpr int DRAIN_MS = 20;

/** What the worker has of the port; null when that is nothing, or no more. */
RdmaPort::Lane* RdmaPort::laneOf(const WorkerMemory& memory) {
  uint32_t worker = memory.index();
  return worker < lanes_.size() && !lanes_[worker].drained ? &lanes_[worker] : nullptr;
}

uint32_t RdmaPort::receive(const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  Lane* lane = laneOf(memory);
  if (!lane) return 0;
  drainPrevious(*lane, memory, swIfIndex);
  uint32_t n = 0, count = static_cast<uint32_t>(lane->receivers.size());
  bool starved = false;
  for (uint32_t i = 0; i < count && n < max; i++) {
    Receiver& receiver = *lane->receivers[(lane->next + i) % count];
    uint32_t got = receiver.queue->receive(memory, frame, n, max - n, swIfIndex);
    receiver.packets += got;
    n += got;
    starved |= receiver.queue->starved();
  }
  lane->next = count > 1 ? (lane->next + 1) % count : 0; // when a frame is full, the next begins with another queue
  lane->send->reap(memory);
  revive(*lane, memory, swIfIndex);
  lane->starved = starved;
  writeGauges(*lane, memory, swIfIndex);
  return n;
}

uint32_t RdmaPort::transmit(const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  uint32_t indices[abi::VECTOR];
  memcpy(indices, memory.base + frame + abi::FRAME_BUFFERS, n * sizeof *indices); // from here on nobody else can change them
  Lane* lane = laneOf(memory);
  if (!lane || !up_) {
    for (uint32_t i = 0; i < n; i++) {
      if (memory.freeChain(indices[i])) memory.count(swIfIndex, abi::IFC_TX_DOWN, 1);
      else memory.countBadBuffer();
    }
    return 0;
  }
  uint32_t sent = lane->send->transmit(memory, indices, n, swIfIndex);
  revive(*lane, memory, swIfIndex);
  writeGauges(*lane, memory, swIfIndex);
  return sent;
}

/** The port that this one replaces gives back a worker's buffers at last: only that one may take them. */
void RdmaPort::drainPrevious(Lane& lane, const WorkerMemory& memory, uint32_t swIfIndex) {
  if (!lane.previous) return;
  {
    std::lock_guard<std::mutex> lock(lane.previous->busy(memory.index()));
    lane.previous->drain(memory, swIfIndex);
  }
  lane.previous.reset();
}

/** Brings queues back that an error has stopped. */
void RdmaPort::revive(Lane& lane, const WorkerMemory& memory, uint32_t swIfIndex) {
  if (fatal_) return;
  if (lane.send->failed() && !lane.sendObjects.restart(*device_)) lane.send->restart(memory, swIfIndex);
  for (Receiver* receiver : lane.receivers) {
    if (receiver->queue->failed() && !receiver->objects.restart(*device_)) receiver->queue->restart();
  }
}

void RdmaPort::writeGauges(const Lane& lane, const WorkerMemory& memory, uint32_t swIfIndex) const {
  uint32_t counters = memory.worker + abi::WORKER_INTERFACES + swIfIndex * abi::IFC_SIZE;
  uint64_t posted = 0;
  for (const Receiver* receiver : lane.receivers) posted += receiver->queue->posted();
  memory.write<uint64_t>(counters + abi::IFC_RX_POSTED, posted);
  memory.write<uint64_t>(counters + abi::IFC_TX_PENDING, lane.send->pending());
}

bool RdmaPort::prepareSleep(uint32_t worker) {
  Lane& lane = lanes_[worker];
  if (lane.drained || fatal_) return true;
  for (Receiver* receiver : lane.receivers) {
    if (!receiver->queue->arm()) return false;
  }
  return true;
}

void RdmaPort::afterSleep(short, uint32_t worker) {
  ibv_cq* cq = nullptr;
  void* context = nullptr;
  if (lanes_[worker].drained) return;
  for (Receiver* receiver : lanes_[worker].receivers) {
    while (device_->verbs.get_cq_event(receiver->channel.get(), &cq, &context) == 0) device_->verbs.ack_cq_events(cq, 1);
  }
}

void RdmaPort::drain(const WorkerMemory& memory, uint32_t swIfIndex) {
  Lane* lane = laneOf(memory);
  if (!lane) return;
  drainPrevious(*lane, memory, swIfIndex);
  afterSleep(0, memory.index()); // a CQ with events that nobody has taken is never gone
  lane->drained = true;
  {
    std::lock_guard<std::mutex> lock(endLock_); // the first worker ends what all have in common
    flows_.close();
    spread_.destroy();
  }
  for (int ms = 0; ms < DRAIN_MS && up_ && lane->send->pending() > 0 && !lane->send->failed(); ms++) {
    timespec millisecond{0, 1000000};
    nanosleep(&millisecond, nullptr);
    lane->send->reap(memory);
  }
  for (Receiver* receiver : lane->receivers) {
    receiver->objects.destroy(); // from here on the NIC writes nowhere
    receiver->queue->release(memory);
  }
  lane->sendObjects.destroy();
  lane->send->release(memory);
  writeGauges(*lane, memory, swIfIndex);
}
