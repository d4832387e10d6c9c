// The Direct Verbs rings against a fake NIC (fake-nic.h). Prints "ok NAME" or "not ok NAME: why" for each check; exit status 1 if one failed.
// Built with native/rdma/{dv_completion,dv_receive,dv_transmit,outgoing,ring_dump}.cc and native/worker_memory.cc.

#include <cstdio>
#include <deque>
#include <random>

#include "checks.h"
#include "dv_receive.h"
#include "dv_transmit.h"
#include "fake-nic.h"
#include "watched-page.h"

constexpr uint32_t IF = 3;
constexpr uint32_t BUFFERS = 2000;
constexpr uint32_t POOL = abi::WORKERS + abi::WORKER_SIZE;
constexpr uint32_t POOL_END = POOL + BUFFERS * abi::BUFFER_SIZE;
constexpr uint32_t FRAME = abi::WORKERS + abi::WORKER_FRAMES;

/** A linear memory with one worker, its pool full, and what the NIC may reach of it. */
struct World {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(POOL_END);
  WorkerMemory memory{bytes.data(), abi::WORKERS, POOL, POOL_END};
  Bus bus{reinterpret_cast<uint64_t>(bytes.data()) + POOL, reinterpret_cast<uint64_t>(bytes.data()) + POOL_END, 0x1234, ""};
  std::deque<uint32_t> held; // taken off the pool by the test

  World() { for (uint32_t i = BUFFERS; i-- > 0;) memory.give(POOL + i * abi::BUFFER_SIZE); }
  uint32_t freeBuffers() const { return memory.read<uint32_t>(abi::WORKERS + abi::WORKER_FREE_LIST); }
  uint64_t counter(uint32_t c) const { return memory.read<uint64_t>(abi::WORKERS + abi::WORKER_INTERFACES + IF * abi::IFC_SIZE + c); }
  uint64_t badBuffers() const { return memory.read<uint64_t>(abi::WORKERS + abi::GRAPH_BAD_BUFFER); }
  uint32_t frameIndex(uint32_t i) const { return memory.read<uint32_t>(FRAME + abi::FRAME_BUFFERS + 4 * i); }

  /** A received chain's bytes; its buffers are freed. */
  Bytes read(uint32_t index, uint32_t* buffers = nullptr, bool free = true) const {
    Bytes all;
    uint32_t count = 0, total = memory.read<uint32_t>((index << 6) + abi::B_TOTAL);
    for (uint32_t at = index; at; at = memory.read<uint32_t>((at << 6) + abi::B_NEXT), count++) {
      uint32_t data = (at << 6) + memory.read<uint16_t>((at << 6) + abi::B_DATA);
      CHECK(data % abi::BUFFER_ALIGN == 0 && memory.usedBufferAt(at));
      all.insert(all.end(), bytes.begin() + data, bytes.begin() + data + memory.read<uint16_t>((at << 6) + abi::B_LENGTH));
    }
    CHECK(total == all.size() && memory.read<uint16_t>((index << 6) + abi::B_RX_IF) == IF);
    if (buffers) *buffers = count;
    if (free) memory.freeChain(index);
    return all;
  }

  /** A packet in buffers that hold `pieces` bytes each; gives its index. */
  uint32_t make(const Bytes& packet, const std::vector<uint32_t>& pieces) {
    uint32_t at[CHAIN_MAX], done = 0, n = static_cast<uint32_t>(pieces.size());
    if (!memory.take(n, at)) return 0;
    for (uint32_t i = 0; i < n; i++) {
      memset(memory.base + at[i], 0, 64);
      memory.write<uint16_t>(at[i] + abi::B_STATE, abi::BUFFER_USED);
      memory.write<uint16_t>(at[i] + abi::B_DATA, abi::BUFFER_START);
      memory.write<uint16_t>(at[i] + abi::B_LENGTH, pieces[i]);
      if (i + 1 < n) memory.write<uint32_t>(at[i] + abi::B_NEXT, at[i + 1] >> 6);
      memcpy(memory.base + at[i] + abi::BUFFER_START, packet.data() + done, pieces[i]);
      done += pieces[i];
    }
    memory.write<uint32_t>(at[0] + abi::B_TOTAL, done);
    return at[0] >> 6;
  }
  uint32_t make(const Bytes& packet) { return make(packet, {static_cast<uint32_t>(packet.size())}); }
};

static Bytes packetOf(uint32_t length, uint32_t seed) {
  Bytes packet(length);
  for (uint32_t i = 0; i < length; i++) packet[i] = static_cast<uint8_t>(seed * 31 + i * 7 + (i >> 8));
  return packet;
}

struct Receiving : World {
  FakeReceive nic;
  DvReceiveQueue queue;
  Receiving(uint32_t count, uint32_t segments, bool striding, bool checksum = true)
      : nic(bus, count, segments, striding), queue(nic.ring(checksum)) { queue.receive(memory, FRAME, 0, 256, IF); }
  uint32_t receive(uint32_t max = 256) { return queue.receive(memory, FRAME, 0, max, IF); }
  void finish() {
    CHECK(bus.fault.empty());
    if (!bus.fault.empty()) why = bus.fault;
    queue.release(memory);
    CHECK(queue.posted() == 0 && freeBuffers() == BUFFERS);
  }
};

/** Bytes of a packet that go into the WQE where a test does not say: 0 lets plain packets take the short way. */
static uint32_t usualInline = 18;

struct Sending : World {
  FakeSend nic;
  DvSendQueue queue;
  explicit Sending(uint32_t count, uint32_t inlineHeader = usualInline, uint32_t tsoMax = 65536)
      : nic(bus, count), queue(nic.ring(inlineHeader, tsoMax)) {}
  uint32_t transmit(const std::vector<uint32_t>& indices) {
    return queue.transmit(memory, indices.data(), static_cast<uint32_t>(indices.size()), IF);
  }
  /** Sends one and gives what left the NIC. */
  Sent roundTrip(uint32_t index) {
    nic.sent.clear();
    CHECK(transmit({index}) == 1);
    nic.poll(true);
    queue.reap(memory);
    CHECK(queue.pending() == 0 && nic.sent.size() == 1);
    return nic.sent.empty() ? Sent{} : nic.sent[0];
  }
  void finish() {
    CHECK(bus.fault.empty());
    if (!bus.fault.empty()) why = bus.fault;
    queue.release(memory);
    CHECK(freeBuffers() == BUFFERS);
  }
};

// Receive

/** Random packets in random bursts, many times round every ring: WQEs, CQEs, and the WQE counter's 16 bits. */
static void receiveMany(uint32_t count, uint32_t segments, bool striding, bool compressed, uint32_t longest, uint32_t packets) {
  Receiving t(count, segments, striding);
  std::mt19937 random(7);
  std::deque<Bytes> expected;
  uint32_t got = 0;
  for (uint32_t n = 0; got < packets && n < 2 * packets && why.empty();) {
    std::vector<Bytes> burst(2 + random() % 70);
    for (Bytes& packet : burst) packet = packetOf(random() % 4 ? 60 + random() % 60 : 14 + random() % (longest - 13), n++);
    burst.resize(std::min<size_t>(burst.size(), t.nic.postedWqes() / 2)); // none is lost: two WQEs are enough for any of them
    for (const Bytes& packet : burst) expected.push_back(packet);
    if (compressed && burst.size() > 1 && random() % 4) t.nic.deliverCompressed(burst);
    else for (const Bytes& packet : burst) CHECK(t.nic.deliver(packet));
    uint32_t taken = t.receive(1 + random() % 100);
    for (uint32_t i = 0; i < taken && !expected.empty(); i++, got++) {
      CHECK(t.read(t.frameIndex(i)) == expected.front());
      expected.pop_front();
    }
    CHECK(t.counter(abi::IFC_RX_PACKETS) == got && t.queue.posted() + t.freeBuffers() == BUFFERS);
  }
  CHECK(got >= packets);
  for (uint32_t taken = 1; taken && why.empty();) {
    taken = t.receive();
    for (uint32_t i = 0; i < taken; i++) t.read(t.frameIndex(i));
  }
  t.finish();
}

static void chainLengths(bool striding) {
  Receiving t(64, striding ? 8 : 5, striding);
  for (uint32_t length : {14u, 60u, 2047u, 2048u, 2049u, 4096u, 4097u, 9000u, 9018u}) {
    CHECK(t.nic.deliver(packetOf(length, length)) && t.receive() == 1);
    uint32_t buffers = 0;
    CHECK(t.read(t.frameIndex(0), &buffers) == packetOf(length, length) && buffers == (length + 2047) / 2048);
  }
  CHECK(t.queue.posted() >= 63u * (striding ? 8 : 5) && t.queue.lastBuffer() % 2240 == (POOL + abi::BUFFER_START) % 2240);
  t.finish();
}

static void fillersKeepBuffers() {
  Receiving t(16, 8, true);
  for (int i = 0; i < 100; i++) { // five strides of eight, then three passed over
    CHECK(t.nic.deliver(packetOf(9000, i)) && t.receive() == 1 && t.read(t.frameIndex(0)) == packetOf(9000, i));
    CHECK(t.queue.posted() + t.freeBuffers() == BUFFERS);
  }
  CHECK(t.counter(abi::IFC_RX_PACKETS) == 100 && t.counter(abi::IFC_RX_ERROR) == 0);
  t.finish();
}

static void exhaustion(uint32_t segments, bool striding) {
  Receiving t(64, segments, striding);
  uint32_t all[BUFFERS], left = t.freeBuffers(), sent = 0;
  CHECK(!t.queue.starved() && t.memory.take(left, all));
  while (t.nic.deliver(packetOf(100, sent))) sent++;
  uint32_t got = t.receive();
  CHECK(got == 64 * (striding ? 8 : 1) || got == 256);
  std::vector<uint32_t> held;
  for (uint32_t i = 0; i < got; i++) held.push_back(t.frameIndex(i));
  while ((got = t.receive()) > 0) for (uint32_t i = 0; i < got; i++) held.push_back(t.frameIndex(i));
  CHECK(t.queue.starved() && held.size() == sent && t.counter(abi::IFC_RX_NO_BUFFER) == 1 && !t.nic.deliver(packetOf(100, 0)));
  CHECK(t.queue.posted() == 64 * segments - sent && !t.bus.fault.size());
  for (uint32_t index : held) t.memory.freeChain(index);
  CHECK(t.receive() == 0 && !t.queue.starved() && t.nic.deliver(packetOf(100, 9)) && t.receive() == 1 && t.read(t.frameIndex(0)) == packetOf(100, 9));
  for (uint32_t i = 0; i < left; i++) t.memory.give(all[i]);
  t.finish();
}

static void partialRefill() {
  Receiving t(16, 8, true);
  uint32_t all[BUFFERS], left = t.freeBuffers();
  CHECK(t.memory.take(left - 3, all)); // fewer than a WQE needs: none of them may be lost
  for (int i = 0; i < 8; i++) t.nic.deliver(packetOf(60, i));
  std::vector<uint32_t> held;
  uint32_t got = t.receive();
  for (uint32_t i = 0; i < got; i++) held.push_back(t.frameIndex(i));
  CHECK(t.nic.postedWqes() == 15 && t.freeBuffers() == 3 && t.queue.posted() == 15 * 8 && t.queue.starved());
  for (uint32_t index : held) t.memory.freeChain(index);
  t.receive();
  CHECK(t.nic.postedWqes() == 16 && t.freeBuffers() == 3);
  for (uint32_t i = 0; i < left - 3; i++) t.memory.give(all[i]);
  t.finish();
}

static void tooLong() {
  Receiving t(16, 1, false);
  CHECK(t.nic.deliver(packetOf(60, 1)));
  t.nic.consumer++;
  t.nic.cq.complete(14, 1, 0, 0, 1);
  CHECK(t.nic.deliver(packetOf(60, 2)) && t.receive() == 2);
  CHECK(t.read(t.frameIndex(0)) == packetOf(60, 1) && t.read(t.frameIndex(1)) == packetOf(60, 2));
  CHECK(t.counter(abi::IFC_RX_TRUNCATED) == 1 && t.counter(abi::IFC_RX_ERROR) == 0 && !t.queue.failed());
  t.receive();
  CHECK(t.nic.postedWqes() == 16);
  t.finish();
}

static void errorAndRestart(bool striding) {
  Receiving t(16, striding ? 8 : 5, striding);
  CHECK(t.nic.deliver(packetOf(5000, 1)));
  t.nic.cq.complete(14, t.nic.consumer, 0, 0, 4);
  for (int i = 0; i < 5; i++) t.nic.cq.complete(14, t.nic.consumer, 0, 0, 5);
  CHECK(t.receive() == 1 && t.read(t.frameIndex(0)) == packetOf(5000, 1));
  CHECK(t.queue.failed() && t.counter(abi::IFC_RX_ERROR) == 1 && t.receive() == 0);
  t.nic.record[0] = 0;
  t.nic.consumer = 0;
  t.nic.used = 0;
  t.queue.restart();
  CHECK(!t.queue.failed() && t.queue.starved() && t.receive() == 0 && t.nic.postedWqes() == 16 && !t.queue.starved());
  for (int i = 0; i < 40; i++) CHECK(t.nic.deliver(packetOf(3000, i)) && t.receive() == 1 && t.read(t.frameIndex(0)) == packetOf(3000, i));
  t.finish();
}

/** A CQE never comes: the packets after it are in their own buffers all the same. */
static void missingCompletion(bool striding) {
  Receiving t(16, striding ? 8 : 1, striding);
  for (int i = 0; i < 60; i++) {
    std::vector<FakeReceive::Told> lost;
    CHECK(t.nic.deliver(packetOf(60, i)) && t.nic.take(packetOf(60, 2), lost));
    t.nic.deliverCompressed({packetOf(61, i), packetOf(62, i)});
    CHECK(t.nic.take(packetOf(60, 2), lost) && t.nic.deliver(packetOf(63, i)) && t.receive() == 4);
    for (uint32_t k = 0; k < 4; k++) CHECK(t.read(t.frameIndex(k)) == packetOf(60 + k, i));
    CHECK(t.counter(abi::IFC_RX_ERROR) == 2u * (i + 1) && !t.queue.failed());
  }
  t.finish();
}

static void checksumBits() {
  struct { uint16_t cqe; uint16_t flags; uint8_t virtio; uint64_t bad; } cases[] = {
    {0x0608, 4, 0, 0}, // IPv4, no transport, both good
    {0x0618, 4 | 8, 2, 0}, // IPv4, TCP
    {0x0624, 8, 2, 0}, // IPv6, UDP: no IPv4 header checksum to be good
    {0x0418, 8, 2, 1}, // header checksum bad
    {0x0218, 4, 0, 1}, // TCP's bad
    {0x0298, 4, 0, 0}, // a fragment: nobody can tell
    {0x0700, 0, 0, 0}, // not IP
  };
  for (bool compressed : {false, true}) {
    Receiving t(16, 1, false);
    uint64_t bad = 0;
    for (auto& c : cases) {
      if (compressed) t.nic.deliverCompressed({packetOf(60, 1), packetOf(60, 2)}, c.cqe);
      else CHECK(t.nic.deliver(packetOf(60, 1), c.cqe));
      uint32_t n = t.receive();
      CHECK(n == (compressed ? 2 : 1));
      for (uint32_t i = 0; i < n; i++) {
        uint32_t at = t.frameIndex(i) << 6;
        CHECK(t.memory.read<uint16_t>(at + abi::B_FLAGS) == c.flags && t.memory.read<uint8_t>(at + abi::B_CSUM_FLAGS) == c.virtio);
        t.memory.freeChain(t.frameIndex(i));
        bad += c.bad;
      }
    }
    CHECK(t.counter(abi::IFC_RX_CHECKSUM) == bad);
    t.finish();
  }
  Receiving off(16, 1, false, false);
  CHECK(off.nic.deliver(packetOf(60, 1), 0x0218) && off.receive() == 1 && off.counter(abi::IFC_RX_CHECKSUM) == 0);
  CHECK(off.memory.read<uint16_t>((off.frameIndex(0) << 6) + abi::B_FLAGS) == 0);
  off.memory.freeChain(off.frameIndex(0));
  off.finish();
}

// Completion queue

/** 2^24 completions and more: the consumer index has 24 bits. */
static void consumerIndexWraps() {
  Bus bus;
  FakeCompletions nic(bus, 1024);
  DvCompletionQueue queue(nic.ring(), false);
  Completion completion{};
  std::vector<uint32_t> counts(256, 60);
  for (uint32_t n = 0; n < (1 << 24) + 5000; n += 512) {
    nic.session(counts, 0, counts, 0);
    nic.session(counts, 0, counts, 0);
    for (int i = 0; i < 512; i++) if (!queue.next(&completion, 1) || completion.byteCount != 60) return CHECK(!"a whole session");
    CHECK(!queue.next(&completion, 1));
    queue.publish();
    CHECK(nic.consumer() == (nic.producer & 0xffffff));
  }
  CHECK(bus.fault.empty());
}

/** A session is half read: the NIC may not write over it, and the rest comes with the next burst. */
static void sessionAcrossBursts() {
  Bus bus;
  FakeCompletions nic(bus, 64);
  DvCompletionQueue queue(nic.ring(), false);
  Completion completion{};
  for (uint32_t round = 0; round < 50; round++) {
    uint32_t before = nic.producer & 0xffffff, n = 2 + round;
    std::vector<uint32_t> counts;
    for (uint32_t i = 0; i < n; i++) counts.push_back(1000 * round + i);
    nic.session(counts, 0x0618, counts, 7);
    for (uint32_t i = 0; i < n; i++) {
      CHECK(queue.next(&completion, 1) && completion.byteCount == counts[i] && completion.opcode == 2);
      CHECK(completion.good == 6 && completion.types == 0x18 && completion.wqeCounter == 7 + i);
      queue.publish();
      CHECK(nic.consumer() == (i + 1 < n ? before : (nic.producer & 0xffffff)) && queue.arm() == (i + 1 == n));
    }
    CHECK(!queue.next(&completion, 1));
  }
  CHECK(bus.fault.empty());
}

static void armRequests() {
  Bus bus;
  FakeCompletions nic(bus, 64);
  DvCompletionQueue queue(nic.ring(), false);
  Completion completion{};
  for (uint32_t i = 0; i < 200; i++) {
    CHECK(queue.arm() && queue.arm());
    CHECK(be32toh(nic.record[1]) == ((i & 3) << 28 | i) && get32(nic.uar + 0x20) == be32toh(nic.record[1]) && get32(nic.uar + 0x24) == 0x77);
    nic.complete(2, 0, 60);
    CHECK(!queue.arm() && queue.next(&completion, 1));
    queue.publish();
  }
}

// Send

static void sendLengths(uint32_t inlineHeader) {
  Sending t(256, inlineHeader);
  for (uint32_t length : {14u, 17u, 18u, 19u, 60u, 1514u, 2048u}) {
    Sent sent = t.roundTrip(t.make(packetOf(length, length)));
    CHECK(sent.bytes == packetOf(length, length) && sent.opcode == 0x0a && sent.checksumFlags == 0 && sent.inlined == std::min(inlineHeader, length));
  }
  std::vector<std::vector<uint32_t>> chains = {{10, 100}, {9, 9}, {1, 0, 16, 1, 2048}, {2048, 2048, 2048, 2048, 808}};
  for (const std::vector<uint32_t>& pieces : chains) {
    uint32_t total = 0;
    for (uint32_t piece : pieces) total += piece;
    CHECK(t.roundTrip(t.make(packetOf(total, 3), pieces)).bytes == packetOf(total, 3));
  }
  CHECK(t.nic.rings[0] == 6 && t.nic.rings[1] == 5); // BlueFlame's two buffers by turns
  CHECK(t.nic.wholeWqes > 0 && t.counter(abi::IFC_TX_PACKETS) == 11 && t.counter(abi::IFC_TX_ERROR) == 0);
  t.finish();
}

/** Random bursts of random chains, many times round the ring and the 16-bit counters; WQEs run over the ring's end. */
static void sendMany() {
  Sending t(256);
  std::mt19937 random(11);
  uint32_t seed = 0, checked = 0;
  std::deque<Bytes> expected;
  for (uint32_t turn = 0; turn < 2500 && why.empty(); turn++) {
    std::vector<uint32_t> indices;
    std::vector<Bytes> packets;
    for (uint32_t n = 1 + random() % 60; n > 0; n--) {
      std::vector<uint32_t> pieces(random() % 4 ? 1 : 1 + random() % CHAIN_MAX);
      uint32_t total = 0;
      for (uint32_t& piece : pieces) total += piece = 20 + random() % 60;
      packets.push_back(packetOf(total, seed++));
      if (uint32_t index = t.make(packets.back(), pieces)) indices.push_back(index);
      else packets.pop_back();
    }
    uint64_t lost = t.counter(abi::IFC_TX_NO_ROOM);
    uint32_t sent = t.transmit(indices);
    CHECK(sent + t.counter(abi::IFC_TX_NO_ROOM) - lost == indices.size());
    if (sent == indices.size()) for (Bytes& packet : packets) expected.push_back(std::move(packet));
    else { // which ones went is not told: look at them only
      t.nic.poll();
      expected.clear();
      t.nic.sent.clear();
    }
    if (random() % 3) t.nic.poll();
    for (Sent& packet : t.nic.sent) {
      CHECK(!expected.empty() && packet.bytes == expected.front());
      if (!expected.empty()) expected.pop_front();
      checked++;
    }
    t.nic.sent.clear();
    CHECK(t.queue.pending() + t.freeBuffers() == BUFFERS);
  }
  CHECK(checked > 25000 && t.nic.cqesWanted * 3 < t.nic.wqesDone);
  t.finish();
}

static void sendNoRoom() {
  Sending t(256);
  std::vector<uint32_t> indices;
  for (int i = 0; i < 300; i++) indices.push_back(t.make(packetOf(60, i)));
  CHECK(t.transmit(indices) == 256 && t.counter(abi::IFC_TX_NO_ROOM) == 44 && t.queue.pending() == 256 && t.freeBuffers() == BUFFERS - 256);
  t.nic.poll();
  CHECK(t.nic.sent.size() == 256 && t.nic.cqesWanted == 8);
  t.queue.reap(t.memory);
  CHECK(t.queue.pending() == 0 && t.freeBuffers() == BUFFERS);
  t.finish();
}

static void longestChain() {
  Sending t(256);
  std::vector<uint32_t> pieces(CHAIN_MAX, 50);
  Sent sent = t.roundTrip(t.make(packetOf(50 * CHAIN_MAX, 1), pieces));
  CHECK(sent.bytes == packetOf(50 * CHAIN_MAX, 1) && sent.units == (usualInline ? 3 : 2) + CHAIN_MAX);
  t.finish();
}

static void sendErrorAndRestart() {
  Sending t(256);
  t.nic.failAt = 5;
  std::vector<uint32_t> indices;
  for (int i = 0; i < 10; i++) indices.push_back(t.make(packetOf(60, i)));
  CHECK(t.transmit(indices) == 10);
  t.nic.poll();
  t.queue.reap(t.memory);
  CHECK(t.queue.failed() && t.queue.pending() == 5 && t.counter(abi::IFC_TX_PACKETS) == 10);
  CHECK(t.transmit({t.make(packetOf(60, 1))}) == 0 && t.counter(abi::IFC_TX_ERROR) == 1 && t.queue.pending() == 5);
  t.nic.consumer = 0;
  t.nic.record[1] = 0;
  t.nic.dead = false;
  t.queue.restart(t.memory, IF);
  CHECK(!t.queue.failed() && t.counter(abi::IFC_TX_PACKETS) == 5 && t.counter(abi::IFC_TX_ERROR) == 6 && t.freeBuffers() == BUFFERS);
  CHECK(t.counter(abi::IFC_TX_BYTES) == 5 * 60);
  t.nic.failAt = UINT32_MAX;
  CHECK(t.roundTrip(t.make(packetOf(60, 77))).bytes == packetOf(60, 77));
  t.finish();
}

/** IPv4 or IPv6 with TCP or UDP (or another protocol), the checksum left to the device. */
static Bytes transportPacket(bool ip6, uint8_t protocol, uint32_t payload, bool tag = false) {
  uint32_t network = tag ? 18 : 14, header = ip6 ? 40 : 20, transport = protocol == 6 ? 32 : 8;
  Bytes packet(network + header + transport + payload, 0x5c);
  if (tag) put32(&packet[12], 0x81000064);
  put16(&packet[network - 2], ip6 ? 0x86dd : 0x0800);
  packet[network] = ip6 ? 0x60 : 0x45;
  if (!ip6) put16(&packet[network + 6], 0);
  packet[network + (ip6 ? 6 : 9)] = protocol;
  if (protocol == 6) packet[network + header + 12] = 0x80;
  return packet;
}

static void setPartial(World& t, uint32_t index, uint32_t start, uint32_t offset, uint8_t gsoType = 0, uint16_t gsoSize = 0) {
  uint32_t at = index << 6;
  t.memory.write<uint8_t>(at + abi::B_CSUM_FLAGS, 1);
  t.memory.write<uint16_t>(at + abi::B_CSUM_START, abi::BUFFER_START + start);
  t.memory.write<uint16_t>(at + abi::B_CSUM_OFFSET, offset);
  t.memory.write<uint8_t>(at + abi::B_GSO_TYPE, gsoType);
  t.memory.write<uint16_t>(at + abi::B_GSO_SIZE, gsoSize);
}

static void checksumOffload() {
  Sending t(256);
  struct { bool ip6; uint8_t protocol; bool tag; uint32_t offset; } cases[] = {
    {false, 6, false, 16}, {false, 17, true, 6}, {true, 6, true, 16}, {true, 17, false, 6}};
  for (auto& c : cases) {
    Bytes packet = transportPacket(c.ip6, c.protocol, 100, c.tag);
    uint32_t index = t.make(packet);
    setPartial(t, index, (c.tag ? 18 : 14) + (c.ip6 ? 40 : 20), c.offset);
    Sent sent = t.roundTrip(index);
    CHECK(sent.checksumFlags == 0xc0 && sent.bytes == packet);
  }
  t.finish();
}

static void softwareChecksum() {
  Sending t(256);
  Bytes packet = transportPacket(true, 0, 101); // hop-by-hop options first: a NIC's parser would not find the UDP behind them
  for (const std::vector<uint32_t>& pieces : std::vector<std::vector<uint32_t>>{{163}, {100, 63}, {101, 30, 1, 31}}) {
    uint32_t index = t.make(packet, pieces), start = 62;
    setPartial(t, index, start, 6);
    Sent sent = t.roundTrip(index);
    uint32_t sum = 0;
    for (uint32_t i = start; i < packet.size(); i++) sum += i % 2 ? packet[i] : packet[i] << 8;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    CHECK(sent.checksumFlags == 0 && sent.bytes.size() == packet.size() && get16(&sent.bytes[start + 6]) == (~sum & 0xffff));
  }
  Bytes fragment = transportPacket(false, 17, 100);
  put16(&fragment[20], 0x2000);
  uint32_t index = t.make(fragment);
  setPartial(t, index, 34, 6);
  CHECK(t.roundTrip(index).checksumFlags == 0);
  t.finish();
}

static void segmentation() {
  for (uint32_t inlineHeader : {0u, 18u}) {
    Sending t(256, inlineHeader, 60000);
    for (bool ip6 : {false, true}) {
      uint32_t headers = 14 + (ip6 ? 40 : 20) + 32;
      Bytes packet = transportPacket(ip6, 6, 3 * 2048 + 100);
      uint32_t index = t.make(packet, {headers, 2048, 2048, 2048, 100});
      setPartial(t, index, headers - 32, 16, ip6 ? 4 : 1, 1448);
      Sent sent = t.roundTrip(index);
      CHECK(sent.opcode == 0x0e && sent.mss == 1448 && sent.inlined == headers && sent.checksumFlags == 0xc0 && sent.bytes == packet);
    }
    Bytes packet = transportPacket(false, 6, 31 * 2000);
    std::vector<uint32_t> pieces(32, 2000);
    pieces[0] = 66;
    uint32_t tooLong = t.make(packet, pieces), udp = t.make(transportPacket(false, 17, 1000)), bare = t.make(packetOf(100, 1));
    setPartial(t, tooLong, 34, 16, 1, 1448);
    setPartial(t, udp, 34, 6, 5, 500);
    t.memory.write<uint16_t>((bare << 6) + abi::B_GSO_SIZE, 10); // a super-packet whose checksum nobody left open
    CHECK(t.transmit({tooLong, udp, bare}) == 0 && t.counter(abi::IFC_TX_TOO_LONG) == 2 && t.counter(abi::IFC_TX_ERROR) == 1);
    t.finish();
  }
}

static void refused() {
  Sending t(256);
  uint32_t good = t.make(packetOf(60, 1)), tiny = t.make(packetOf(13, 1)), circle = t.make(packetOf(60, 1)), wild = t.make(packetOf(60, 1));
  t.memory.write<uint32_t>((circle << 6) + abi::B_NEXT, circle);
  t.memory.write<uint32_t>((circle << 6) + abi::B_TOTAL, 1 << 30);
  t.memory.write<uint16_t>((wild << 6) + abi::B_LENGTH, 60000);
  CHECK(t.transmit({0, 12345, UINT32_MAX, tiny, circle, wild, good, good}) == 2); // the same twice is found out when it is freed
  t.nic.poll();
  t.queue.reap(t.memory);
  CHECK(t.badBuffers() == 5 && t.counter(abi::IFC_TX_ERROR) == 3);
  t.finish();
}

/** A node scribbles over everything it can reach; the rings stay whole and the NIC inside the pool. */
static void hostileNode() {
  World world;
  FakeReceive receiveNic(world.bus, 32, 8, true);
  FakeSend sendNic(world.bus, 256);
  DvReceiveQueue receive(receiveNic.ring());
  DvSendQueue send(sendNic.ring(usualInline));
  std::mt19937 random(5);
  for (uint32_t turn = 0; turn < 1000; turn++) {
    for (uint32_t i = random() % 40; i > 0; i--) receiveNic.deliver(packetOf(14 + random() % 9000, i), static_cast<uint16_t>(random()));
    uint32_t n = receive.receive(world.memory, FRAME, 0, 256, IF), indices[256];
    for (uint32_t i = 0; i < 50; i++) {
      uint32_t buffer = POOL + random() % BUFFERS * abi::BUFFER_SIZE;
      world.memory.write<uint16_t>(buffer + random() % 32 * 2, static_cast<uint16_t>(random() % 3 ? random() : random() % 4096));
      if (random() % 2) world.memory.write<uint32_t>(buffer + abi::B_NEXT, (POOL + random() % BUFFERS * abi::BUFFER_SIZE) >> 6);
      if (random() % 4 == 0) world.memory.write<uint16_t>(buffer + abi::B_STATE, random() % 2 ? abi::BUFFER_FREE : abi::BUFFER_USED);
      world.memory.write<uint32_t>(abi::WORKERS + abi::WORKER_FREE_LIST + 64 + random() % 2000 * 4, random() % 2 ? random() : buffer >> 6);
    }
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t any = random() % 8 ? (POOL + random() % BUFFERS * abi::BUFFER_SIZE) >> 6 : random();
      indices[i] = i < n ? world.frameIndex(i) : any;
    }
    send.transmit(world.memory, indices, random() % 256, IF);
    if (random() % 2) sendNic.poll();
    sendNic.sent.clear();
  }
  if (!world.bus.fault.empty()) why = world.bus.fault;
  CHECK(!receive.failed() && !send.failed());
  receive.release(world.memory);
  send.release(world.memory);
}

/** A NIC that hears the doorbell must find record and WQE; one that sees the record, the WQE. */
static void storesInOrder() {
  World world;
  FakeSend nic(world.bus, 64);
  uint32_t record = 0;
  uint64_t wqe = 0;
  WatchedPage doorbell([&] {
    record = be32toh(nic.record[1]);
    wqe = get64(nic.wqes.data());
  });
  DvSendRing ring = nic.ring(usualInline);
  ring.blueFlame = doorbell.bytes();
  DvSendQueue queue(ring);
  uint32_t index = world.make(packetOf(1000, 1));
  CHECK(queue.transmit(world.memory, &index, 1, IF) == 1);
  CHECK(record == 1 && wqe == get64(doorbell.bytes()) && wqe != 0);
  queue.release(world.memory);
}

static void receiveStoresInOrder(bool striding) {
  World world;
  uint32_t segments = striding ? 8 : 1, empty = 1;
  FakeReceive nic(world.bus, 64, segments, striding);
  WatchedPage record([&] {
    empty = 0;
    for (uint32_t wqe = 0; wqe < 64; wqe++) {
      for (uint32_t i = 0; i < segments; i++) empty += get64(&nic.wqes[wqe * nic.stride + (i + striding) * 16 + 8]) == 0;
    }
  });
  DvReceiveRing ring = nic.ring();
  ring.doorbell = reinterpret_cast<uint32_t*>(record.bytes());
  DvReceiveQueue queue(ring);
  queue.receive(world.memory, FRAME, 0, 256, IF);
  CHECK(empty == 0 && be32toh(ring.doorbell[0]) == 64);
  queue.release(world.memory);
}

static void dumps() {
  Receiving r(64, 8, true);
  Sending s(256);
  std::string receive = r.queue.dump(), send = s.queue.dump();
  CHECK(receive.find("00000000: 00 00 00 00") != std::string::npos && receive.find("posted 64") != std::string::npos);
  CHECK(receive.find("00 00 08 00 00 00 12 34") != std::string::npos); // length and lkey of a data segment
  CHECK(send.find("sq 20485: 256 basic blocks") != std::string::npos && send.find("\n00003fc0: ") != std::string::npos);
}

int main() {
  run("cyclic receive, one buffer a WQE", [] { receiveMany(256, 1, false, false, 2048, 70000); });
  run("cyclic receive, five buffers a WQE", [] { receiveMany(128, 5, false, false, 9000, 20000); });
  run("cyclic receive, compressed CQEs with hash", [] { receiveMany(256, 1, false, true, 2048, 70000); });
  run("striding receive", [] { receiveMany(64, 8, true, false, 9000, 20000); });
  run("striding receive, compressed CQEs with stride index", [] { receiveMany(64, 8, true, true, 9000, 20000); });
  run("chains, cyclic", [] { chainLengths(false); });
  run("chains, striding", [] { chainLengths(true); });
  run("fillers leave buffers where they are", fillersKeepBuffers);
  run("pool exhaustion and recovery, one buffer a WQE", [] { exhaustion(1, false); });
  run("pool exhaustion and recovery, five buffers a WQE", [] { exhaustion(5, false); });
  run("pool exhaustion and recovery, striding", [] { exhaustion(8, true); });
  run("no buffer is lost in a refill that cannot be whole", partialRefill);
  run("a packet longer than its WQE", tooLong);
  run("receive error and restart, cyclic", [] { errorAndRestart(false); });
  run("receive error and restart, striding", [] { errorAndRestart(true); });
  run("a completion that is lost, cyclic", [] { missingCompletion(false); });
  run("a completion that is lost, striding", [] { missingCompletion(true); });
  run("checksum bits", checksumBits);
  run("consumer index of 24 bits", consumerIndexWraps);
  run("compressed session over several bursts", sessionAcrossBursts);
  run("arm requests", armRequests);
  run("send, header inline", [] { sendLengths(18); });
  run("send, nothing inline", [] { sendLengths(0); });
  for (uint32_t inlined : {18u, 0u}) {
    usualInline = inlined;
    auto sending = [&](const char* name, void (*test)()) { run((name + std::string(inlined ? ", header inline" : ", nothing inline")).c_str(), test); };
    sending("send many", sendMany);
    sending("send queue full", sendNoRoom);
    sending("longest chain", longestChain);
    sending("send error and restart", sendErrorAndRestart);
    sending("checksum offload", checksumOffload);
    sending("checksum in software", softwareChecksum);
    sending("TSO", segmentation);
    sending("what cannot be sent", refused);
    sending("hostile node", hostileNode);
    sending("send: WQE, record, doorbell, in this order", storesInOrder);
  }
  run("receive: WQEs, then the record", [] { receiveStoresInOrder(false), receiveStoresInOrder(true); });
  run("dumps", dumps);
  return failed ? 1 : 0;
}
