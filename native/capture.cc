// The capture: which packets it takes, and the Enhanced Packet Block (draft-ietf-opsawg-pcapng, 4.3) that it makes of each.
//
//   0      4        8           12         16        20         24         28
//   +------+--------+-----------+----------+---------+----------+----------+- - - - - - -+- - - - -+--------+
//   | 6    | length | interface | time, high and low | captured | original | packet, pad | options | length |
//   +------+--------+-----------+----------+---------+----------+----------+- - - - - - -+- - - - -+--------+

#include "capture.h"

#include <netinet/in.h>
#include <time.h>

#include <cerrno>
#include <cstdio>

#include "addon.h"
#include "calls.h"
#include "capture_ring.h"
#include "offload_header.h"

enum Direction : uint32_t { RECEIVED = 1, SENT = 2, DROPPED = 4 };
constexpr uint32_t OPTION_END = 0, OPTION_COMMENT = 1, OPTION_FLAGS = 2;
constexpr uint32_t INBOUND = 1, OUTBOUND = 2; // of the flags' word, 4.3.1
constexpr uint32_t ETHERNET_HEADER = 14, COMMENT_MAX = 240;
constexpr uint32_t PACKET_MAX = ETHERNET_HEADER + CHAIN_MAX * abi::BUFFER_DATA;

/** One for the process; it is of one packet memory, though there can be others. */
static struct {
  std::atomic<uint32_t> directions{0}; // 0: nothing is captured
  std::atomic<const uint8_t*> base{nullptr};
  std::atomic<int32_t> numbers[abi::INTERFACE_COUNT]; // of interfaces in the file; -1: not captured
  std::atomic<uint64_t> received{0}, sent{0}, dropped{0}, missed{0};
  std::mutex lock; // of who captures
  std::shared_ptr<CaptureRing> ring; // made before there are directions, gone after them: on the main thread
  uint64_t left = 0;
} capture;

/** The interface's number in the file if its packets in this direction are wanted, else -1. */
static int32_t wanted(uint32_t direction, const WorkerMemory& memory, uint32_t swIfIndex) {
  if (!(capture.directions.load(std::memory_order_relaxed) & direction) || capture.base.load(std::memory_order_relaxed) != memory.base) return -1;
  return swIfIndex < abi::INTERFACE_COUNT ? capture.numbers[swIfIndex].load(std::memory_order_relaxed) : -1;
}

/** A packet's bytes in one piece, and what is to be said of it. */
struct Copy {
  uint32_t size = 0, original = 0;
  char comment[COMMENT_MAX + 4];
  uint8_t bytes[PACKET_MAX + 4];
};
static thread_local std::unique_ptr<Copy> scratch;

/** Copies a packet from offset `from` of its first buffer on, `before` bytes before it left free; false: there is no such packet. */
static bool copyPacket(const WorkerMemory& memory, uint32_t index, uint32_t from, uint32_t before) {
  uint32_t buffer = memory.usedBufferAt(index);
  if (!buffer) return false;
  if (!scratch) scratch = std::make_unique<Copy>();
  uint32_t data = memory.read<uint16_t>(buffer + abi::B_DATA), held = memory.read<uint16_t>(buffer + abi::B_LENGTH);
  uint32_t total = memory.read<uint32_t>(buffer + abi::B_TOTAL);
  if (from < abi::BUFFER_ALIGN || from > abi::BUFFER_SIZE || data > abi::BUFFER_SIZE) return false;
  held = data + held > from ? data + held - from : 0;
  total = total + data > from ? total + data - from : 0;
  scratch->size = before;
  scratch->original = before + total;
  for (uint32_t pieces = 0; total > 0 && buffer && pieces < CHAIN_MAX; pieces++) {
    uint32_t room = abi::BUFFER_SIZE - from;
    uint32_t here = held < room ? held : room;
    if (here > total) here = total;
    if (here > PACKET_MAX - scratch->size) here = PACKET_MAX - scratch->size;
    memcpy(scratch->bytes + scratch->size, memory.base + buffer + from, here);
    scratch->size += here;
    total -= here;
    buffer = memory.usedBufferAt(memory.read<uint32_t>(buffer + abi::B_NEXT));
    if (!buffer) break;
    from = memory.read<uint16_t>(buffer + abi::B_DATA);
    held = memory.read<uint16_t>(buffer + abi::B_LENGTH);
    if (from > abi::BUFFER_SIZE) break;
  }
  if (scratch->original < scratch->size) scratch->original = scratch->size;
  return true;
}

/** What is left to a device to do is said of the packet: its checksum is not wrong, and its length no mistake. */
static void commentOffload(const WorkerMemory& memory, uint32_t index) {
  uint32_t buffer = index << abi::BUFFER_SHIFT;
  uint32_t segment = memory.read<uint16_t>(buffer + abi::B_GSO_SIZE);
  bool unfinished = memory.read<uint8_t>(buffer + abi::B_CSUM_FLAGS) & NEEDS_CHECKSUM;
  scratch->comment[0] = 0;
  if (segment) snprintf(scratch->comment, COMMENT_MAX, "super-packet: to be cut into segments of %u bytes, checksums not filled in yet", segment);
  else if (unfinished) snprintf(scratch->comment, COMMENT_MAX, "transport checksum not filled in yet");
}

static uint32_t padded(uint32_t size) { return (size + 3) & ~3u; }

/** Puts the packet in the thread's copy into the ring. `flags`: 0 says nothing of the direction. */
static void commit(Direction direction, const WorkerMemory& memory, uint32_t swIfIndex, uint32_t flags, std::atomic<uint64_t>& counter) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t time = static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
  uint32_t options[4 + COMMENT_MAX / 4], words = 0;
  if (flags) {
    options[words++] = OPTION_FLAGS | 4 << 16;
    options[words++] = flags;
  }
  uint32_t comment = static_cast<uint32_t>(strnlen(scratch->comment, COMMENT_MAX));
  if (comment) {
    options[words++] = OPTION_COMMENT | comment << 16;
    options[words + padded(comment) / 4 - 1] = 0;
    memcpy(options + words, scratch->comment, comment);
    words += padded(comment) / 4;
  }
  options[words++] = OPTION_END;
  memset(scratch->bytes + scratch->size, 0, 4);
  uint32_t length = 32 + padded(scratch->size) + 4 * words;
  uint32_t head[7] = {6, length, 0, static_cast<uint32_t>(time >> 32), static_cast<uint32_t>(time), scratch->size,
                      scratch->original};
  CaptureRing::Part parts[] = {{head, sizeof head}, {scratch->bytes, padded(scratch->size)}, {options, 4 * words}, {&length, sizeof length}};

  std::lock_guard<std::mutex> lock(capture.lock);
  int32_t number = wanted(direction, memory, swIfIndex); // another capture may run by now, that numbers interfaces otherwise
  if (number < 0 || capture.left == 0) return;
  head[2] = static_cast<uint32_t>(number);
  if (!capture.ring->put(parts, 4)) {
    capture.missed++;
    return;
  }
  counter++;
  if (--capture.left == 0) capture.directions = 0;
}

uint32_t captured::receive(Port& port, const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  uint32_t n = port.receive(memory, frame, max, swIfIndex);
  if (wanted(RECEIVED, memory, swIfIndex) < 0 || port.fault()) return n; // a fault port has captured what its device brought
  for (uint32_t i = 0; i < n; i++) {
    uint32_t index = memory.read<uint32_t>(frame + abi::FRAME_BUFFERS + 4 * i);
    uint32_t buffer = memory.usedBufferAt(index);
    if (!buffer || !copyPacket(memory, index, memory.read<uint16_t>(buffer + abi::B_DATA), 0)) continue;
    commentOffload(memory, index);
    commit(RECEIVED, memory, swIfIndex, INBOUND, capture.received);
  }
  return n;
}

/** Which of an interface's counters has grown since `before`, by the name that `show interface` has for it. */
static const char* loss(const WorkerMemory& memory, uint32_t swIfIndex, uint64_t* before) {
  static constexpr struct { uint32_t counter; const char* name; } losses[] = {
    {abi::IFC_TX_NO_ROOM, "tx no room"}, {abi::IFC_TX_DOWN, "tx down"}, {abi::IFC_TX_TOO_LONG, "tx too long"}, {abi::IFC_TX_ERROR, "tx errors"}};
  const char* found = nullptr;
  for (uint32_t i = 0; i < 4; i++) {
    uint64_t value = memory.read<uint64_t>(memory.worker + abi::WORKER_INTERFACES + swIfIndex * abi::IFC_SIZE + losses[i].counter);
    if (value != before[i]) found = losses[i].name;
    before[i] = value;
  }
  return found;
}

/** One packet at a time, so that each is captured as what became of it: sent, or lost for a reason. */
uint32_t captured::transmit(Port& port, const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  bool either = wanted(SENT, memory, swIfIndex) >= 0 || wanted(DROPPED, memory, swIfIndex) >= 0;
  if (!either || port.fault()) return port.transmit(memory, frame, n, swIfIndex);
  uint64_t before[4] = {};
  loss(memory, swIfIndex, before);
  uint32_t sent = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = frame + abi::FRAME_BUFFERS + 4 * i, index = memory.read<uint32_t>(at);
    uint32_t buffer = memory.usedBufferAt(index);
    bool copied = buffer && copyPacket(memory, index, memory.read<uint16_t>(buffer + abi::B_DATA), 0);
    if (copied) commentOffload(memory, index);
    uint32_t went = port.transmit(memory, at - abi::FRAME_BUFFERS, 1, swIfIndex);
    sent += went;
    const char* lost = loss(memory, swIfIndex, before);
    if (!copied) continue;
    if (went) commit(SENT, memory, swIfIndex, OUTBOUND, capture.sent);
    if (went || !lost) continue;
    snprintf(scratch->comment, COMMENT_MAX, "%s", lost);
    commit(DROPPED, memory, swIfIndex, 0, capture.dropped);
  }
  return sent;
}

static void captureDrop(const Napi::CallbackInfo& info) {
  napi_env env = info.Env();
  uint32_t index = argument(info, 0), from = argument(info, 1);
  int32_t etherType = -1;
  napi_get_value_int32(env, info[2], &etherType);
  uint32_t buffer = attached.base ? attached.usedBufferAt(index) : 0;
  if (!buffer) return;
  uint32_t swIfIndex = attached.read<uint16_t>(buffer + abi::B_RX_IF);
  if (wanted(DROPPED, attached, swIfIndex) < 0 || !copyPacket(attached, index, from, etherType < 0 ? 0 : ETHERNET_HEADER)) return;
  if (etherType >= 0) {
    memset(scratch->bytes, 0, ETHERNET_HEADER - 2);
    uint16_t type = htons(static_cast<uint16_t>(etherType));
    memcpy(scratch->bytes + ETHERNET_HEADER - 2, &type, sizeof type);
  }
  size_t length = 0;
  napi_get_value_string_utf8(env, info[3], scratch->comment, COMMENT_MAX, &length);
  scratch->comment[length] = 0;
  commit(DROPPED, attached, swIfIndex, 0, capture.dropped);
}

static void startCapture(const Napi::CallbackInfo& info) {
  LinearMemory memory = linearMemory(info[0]);
  if (!memory.data) return throwRangeError(info.Env(), "startCapture: no memory");
  std::lock_guard<std::mutex> lock(capture.lock);
  if (capture.ring) return throwFailure(info.Env(), failure("startCapture", EBUSY));
  capture.ring = std::make_shared<CaptureRing>();
  capture.left = argument(info, 2);
  for (std::atomic<uint64_t>* counter : {&capture.received, &capture.sent, &capture.dropped, &capture.missed}) *counter = 0;
  for (std::atomic<int32_t>& number : capture.numbers) number = -1;
  capture.base = memory.data;
  capture.directions = argument(info, 1);
}

static void captureInterface(const Napi::CallbackInfo& info) {
  uint32_t index = argument(info, 0);
  int32_t number = -1;
  napi_get_value_int32(info.Env(), info[1], &number);
  if (index < abi::INTERFACE_COUNT) capture.numbers[index] = number;
}

static Napi::Value drain(napi_env env) {
  uint64_t size = capture.ring ? capture.ring->waiting() : 0;
  if (size == 0) return Napi::Env(env).Null();
  Napi::Buffer<uint8_t> buffer = Napi::Buffer<uint8_t>::New(env, size);
  capture.ring->take(buffer.Data(), size);
  return buffer;
}

static Napi::Value drainCapture(const Napi::CallbackInfo& info) { return drain(info.Env()); }

static Napi::Value captureState(const Napi::CallbackInfo& info) {
  auto count = [](const std::atomic<uint64_t>& counter) { return static_cast<double>(counter.load()); };
  return object(info.Env(), "received", count(capture.received), "sent", count(capture.sent), "dropped", count(capture.dropped), "missed",
                count(capture.missed), "full", capture.ring && capture.left == 0);
}

static Napi::Value stopCapture(const Napi::CallbackInfo& info) {
  {
    std::lock_guard<std::mutex> lock(capture.lock);
    capture.directions = 0;
    capture.base = nullptr;
  }
  Napi::Value rest = drain(info.Env()); // nobody adds to it any more, so nobody waits for this
  capture.ring.reset();
  return rest;
}

void addCapture(Napi::Env env, Napi::Object exports) {
  exports.Set("startCapture", Napi::Function::New<startCapture>(env, "startCapture"));
  exports.Set("captureInterface", Napi::Function::New<captureInterface>(env, "captureInterface"));
  exports.Set("drainCapture", Napi::Function::New<drainCapture>(env, "drainCapture"));
  exports.Set("captureState", Napi::Function::New<captureState>(env, "captureState"));
  exports.Set("stopCapture", Napi::Function::New<stopCapture>(env, "stopCapture"));
  exports.Set("captureDrop", Napi::Function::New<captureDrop>(env, "captureDrop"));
}
