// The NIC's thread: one for all devices of the process that are in use. It looks at doorbells and wires, in rounds.

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <thread>

#include "nic.h"
#include "wire.h"

namespace emulator {

namespace {

constexpr uint32_t FRAMES_PER_ROUND = 64;
constexpr uint64_t SPIN_NS = 100000; // how long it goes on looking after it last had something to do
constexpr uint64_t SHORTEST_SLEEP_NS = 50000, LONGEST_SLEEP_NS = 1000000; // doorbells are memory: nothing wakes a sleeper
constexpr uint64_t LINK_CHECK_NS = 20000000;

struct Nic {
  std::mutex lock; // of what follows; taken after a device's lock, never before it
  std::condition_variable used;
  std::vector<std::shared_ptr<Port>> ports;
  std::map<const Device*, std::shared_ptr<Port>> stepped;
  bool running = false;
};

Nic& nic() {
  static Nic* one = new Nic; // the thread outlives static destructors
  return *one;
}

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/**
 * Whether a receiver hears what a queue of the same port sends. Contexts that share the port hear each other. Within one context a receiver does if
 * it has asked for that, or if it is older than the sender (hence transmit queues before receive queues, as VPP's rdma plugin learnt).
 */
bool hears(const QueuePair& receiver, const SendQueue& sender, bool multicast) {
  bool asked = multicast ? receiver.loopbackMulticast : receiver.loopbackUnicast;
  return asked || receiver.transportDomain != sender.transportDomain || receiver.number < sender.number;
}

void receiveFrame(Port& port, const uint8_t* frame, uint32_t length) {
  Device& device = port.device;
  if (length < 14 || length > device.mtu + LONGEST_HEADER) {
    device.rxErrors++;
    return;
  }
  device.rxPackets++;
  device.rxBytes += length;
  if (!steer(port, frame, length, nullptr)) device.rxNoFlow++;
}

/** Queues in the error state complete what is posted to them with an error. */
void flushErrors(Device& device) {
  for (auto& [number, queue] : device.receives) {
    if (queue->state == QueueState::error) flush(device, *queue);
  }
}

/** How many frames came. */
uint32_t takeFrames(Port& port, uint32_t most) {
  Device& device = port.device;
  if (device.faults->rxHold) return 0;
  return device.wire->receive(most, [&](const uint8_t* frame, uint32_t length) {
    if (device.linkUp) receiveFrame(port, frame, length);
  });
}

void finishSessions(Device& device) {
  for (auto& [number, cq] : device.completions) finishSession(device, *cq);
}

bool serve(Port& port) {
  Device& device = port.device;
  if (device.fatal || !device.wire) return false;
  port.steering.update(device);
  takeArms(device);
  flushErrors(device);
  bool busy = serveSends(port);
  device.wire->finish();
  busy |= takeFrames(port, FRAMES_PER_ROUND) != 0;
  finishSessions(device);
  return busy;
}

/** Null: it is not stepped, or not in use. */
Port* steppedPort(Device& device) {
  std::lock_guard<std::mutex> guard(nic().lock);
  auto found = nic().stepped.find(&device);
  return found == nic().stepped.end() || device.fatal || !device.wire ? nullptr : found->second.get();
}

/** An edge of the wire's carrier; a link that was set on demand stays as it is until the next one. */
void checkLink(Port& port) {
  bool carrier = port.device.wire && port.device.wire->carrier();
  if (carrier == port.carrier) return;
  port.carrier = carrier;
  if (carrier != port.device.linkUp) setLink(port.device, carrier);
}

/** Waits until there are some. */
std::vector<std::shared_ptr<Port>> portsInUse() {
  std::unique_lock<std::mutex> guard(nic().lock);
  nic().used.wait(guard, [] { return !nic().ports.empty(); });
  return nic().ports;
}

void sleepUntilFrames(const std::vector<std::shared_ptr<Port>>& ports, uint64_t ns) {
  std::vector<pollfd> polled;
  for (const auto& port : ports) {
    std::lock_guard<std::recursive_mutex> guard(port->device.lock);
    bool held = port->device.faults->rxHold || !port->device.wire;
    polled.push_back({held ? -1 : port->device.wire->descriptor(), POLLIN, 0});
  }
  timespec timeout{0, static_cast<long>(ns)};
  ppoll(polled.data(), polled.size(), &timeout, nullptr);
}

bool round(const std::vector<std::shared_ptr<Port>>& ports, bool linkDue) {
  bool busy = false;
  for (const auto& port : ports) {
    while (port->device.commandsWaiting.load(std::memory_order_relaxed)) sched_yield();
    std::lock_guard<std::recursive_mutex> guard(port->device.lock);
    if (linkDue) checkLink(*port);
    busy |= serve(*port);
  }
  return busy;
}

void run() {
  pthread_setname_np(pthread_self(), "weft-nic");
  uint64_t lastWork = 0, lastLinkCheck = 0, sleep = SHORTEST_SLEEP_NS;
  for (;;) {
    std::vector<std::shared_ptr<Port>> ports = portsInUse();
    uint64_t time = now();
    bool linkDue = time - lastLinkCheck >= LINK_CHECK_NS;
    if (linkDue) lastLinkCheck = time;
    if (round(ports, linkDue)) {
      lastWork = time;
      sleep = SHORTEST_SLEEP_NS;
    } else if (time - lastWork > SPIN_NS) {
      sleepUntilFrames(ports, sleep);
      sleep = std::min(sleep * 2, LONGEST_SLEEP_NS);
    }
  }
}

} // namespace

/** One destination: RSS picks a queue of the table by the hash's low bits. */
static void deliverTo(Port& port, const Destination& to, const Packet& packet) {
  const QueuePair& pair = *to.flow->qp;
  to.flow->packets++;
  if (!pair.table) {
    if (pair.rq) deliver(port, *pair.rq, packet, {to.tag, {}});
    return;
  }
  HashResult hash = hashPacket(pair.hash, packet);
  const auto& queues = pair.table->queues;
  deliver(port, *queues[hash.value & (queues.size() - 1)], packet, {to.tag, hash});
}

bool steer(Port& port, const uint8_t* frame, uint32_t length, const SendQueue* sender) {
  Packet packet = parse(frame, length);
  port.found.clear();
  bool taken = port.steering.find(packet, sender && !packet.multicast(), port.found);
  bool heard = false;
  for (const Destination& to : port.found) {
    if (sender && !hears(*to.flow->qp, *sender, packet.multicast())) continue;
    heard = true;
    deliverTo(port, to, packet);
  }
  return sender ? heard : taken;
}

bool stepSends(Device& device) {
  Port* port = steppedPort(device);
  if (!port) return false;
  port->steering.update(device);
  while (serveSends(*port)) {}
  device.wire->finish();
  finishSessions(device);
  return true;
}

bool stepReceives(Device& device, uint32_t frames) {
  Port* port = steppedPort(device);
  if (!port) return false;
  port->steering.update(device);
  while (frames > 0) {
    uint32_t came = takeFrames(*port, std::min(frames, FRAMES_PER_ROUND));
    finishSessions(device);
    if (came == 0) return false;
    frames -= std::min(came, frames);
  }
  return true;
}

void startNic(Device& device) {
  if (!device.faults) device.faults = std::make_shared<Faults>();
  std::string error;
  device.wire = openWire(device, error);
  if (!device.wire) fprintf(stderr, "weft-emulator: %s: %s\n", device.name.c_str(), error.c_str());
  device.linkUp = device.wire && device.wire->carrier();
  auto port = std::make_shared<Port>(device);
  port->carrier = device.linkUp;
  std::lock_guard<std::mutex> guard(nic().lock);
  if (device.stepped) {
    nic().stepped[&device] = std::move(port);
    return;
  }
  nic().ports.push_back(port);
  nic().used.notify_one();
  if (nic().running) return;
  nic().running = true;
  sigset_t all, before; // signals are for the program's own threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(run).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void stopNic(Device& device) {
  std::lock_guard<std::mutex> guard(nic().lock);
  auto& ports = nic().ports;
  ports.erase(std::remove_if(ports.begin(), ports.end(), [&](const auto& port) { return &port->device == &device; }), ports.end());
  nic().stepped.erase(&device);
  device.wire.reset(); // the thread may still have the port in hand, and finds no wire
}

} // namespace emulator
