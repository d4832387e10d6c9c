// Generator and fault ports under everything that a hostile node, a random caller and a shrinking file can do to them. Prints "ok NAME" or
// "not ok NAME: why" for each check; exit status 1 if one failed. The sanitizers see what the checks do not.

#include <unistd.h>

#include <cstdio>
#include <random>

#include "capture.h"
#include "checks.h"
#include "fault.h"
#include "pg.h"

// No capture runs here.
uint32_t captured::receive(Port& port, const WorkerMemory& memory, uint32_t frame, uint32_t max, uint32_t swIfIndex) {
  return port.receive(memory, frame, max, swIfIndex);
}
uint32_t captured::transmit(Port& port, const WorkerMemory& memory, uint32_t frame, uint32_t n, uint32_t swIfIndex) {
  return port.transmit(memory, frame, n, swIfIndex);
}

constexpr uint32_t BUFFERS = 1500;
constexpr uint32_t POOL = abi::WORKERS + abi::WORKER_SIZE;
constexpr uint32_t POOL_END = POOL + BUFFERS * abi::BUFFER_SIZE;
constexpr uint32_t FRAME = abi::WORKERS + abi::WORKER_FRAMES;

static std::mt19937_64 random64(7);
static uint64_t below(uint64_t count) { return random64() % count; }
static bool oneIn(uint64_t count) { return below(count) == 0; }

/** A linear memory that ends with its pool: one byte more is the sanitizer's. */
struct World {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(POOL_END);
  WorkerMemory memory{bytes.data(), abi::WORKERS, POOL, POOL_END};

  World() { for (uint32_t i = BUFFERS; i-- > 0;) memory.give(POOL + i * abi::BUFFER_SIZE); }
  uint32_t freeBuffers() const { return memory.read<uint32_t>(abi::WORKERS + abi::WORKER_FREE_LIST); }
  uint64_t counter(uint32_t port, uint32_t c) const { return memory.read<uint64_t>(abi::WORKERS + abi::WORKER_INTERFACES + port * abi::IFC_SIZE + c); }
  /** What a node can do: any bytes anywhere in a buffer's header. */
  void scribble() {
    uint32_t buffer = POOL + static_cast<uint32_t>(below(BUFFERS)) * abi::BUFFER_SIZE;
    uint32_t at = static_cast<uint32_t>(below(abi::BUFFER_ALIGN));
    uint64_t kind = below(3);
    if (kind == 0) bytes[buffer + at] = static_cast<uint8_t>(random64());
    else if (kind == 1) memory.write<uint32_t>(buffer + abi::B_NEXT, (POOL + static_cast<uint32_t>(below(BUFFERS)) * abi::BUFFER_SIZE) >> 6);
    else for (uint32_t i = 0; i < abi::BUFFER_ALIGN; i++) bytes[buffer + i] = static_cast<uint8_t>(random64());
  }
  void freeFrame(uint32_t n) {
    for (uint32_t i = 0; i < n; i++) memory.freeChain(memory.read<uint32_t>(FRAME + 4 * i));
  }
};

static PgRange randomRange(uint32_t longest) {
  PgRange range;
  range.at = static_cast<uint32_t>(oneIn(9) ? random64() : below(longest + 2));
  range.bytes = static_cast<uint32_t>(below(8));
  range.from = oneIn(9) ? random64() : below(1 << 20);
  range.count = oneIn(9) ? random64() : below(100);
  range.random = oneIn(2);
  return range;
}

static PgTemplateOptions randomOptions() {
  PgTemplateOptions options;
  uint32_t longest = static_cast<uint32_t>(oneIn(9) ? below(90000) : below(200));
  options.bytes.resize(longest);
  for (uint8_t& byte : options.bytes) byte = static_cast<uint8_t>(random64());
  options.size = {0, 0, oneIn(9) ? random64() : below(longest + 1), 0, oneIn(2)};
  options.size.count = oneIn(5) ? random64() : longest - options.size.from + 1;
  for (uint64_t n = below(4); n > 0; n--) options.ranges.push_back(randomRange(longest));
  options.ip = oneIn(2) ? 0 : static_cast<uint32_t>(oneIn(9) ? random64() : 14);
  if (options.ip == 14 && longest > 23) {
    options.bytes[14] = static_cast<uint8_t>(oneIn(3) ? random64() : 0x45);
    options.bytes[23] = static_cast<uint8_t>(oneIn(2) ? 17 : 6);
  }
  options.transport = options.ip && oneIn(2) ? static_cast<uint32_t>(oneIn(9) ? random64() : below(60)) : 0;
  options.checksum = options.transport ? static_cast<uint32_t>(oneIn(9) ? random64() : options.transport + below(20)) : 0;
  return options;
}

static void randomTemplates() {
  uint32_t taken = 0, sum = 0;
  for (int i = 0; i < 4000; i++) {
    std::unique_ptr<PgTemplate> made = PgTemplate::make(randomOptions());
    if (!made) continue;
    taken++;
    for (int n = 0; n < 20; n++) {
      GeneratedFrame frame = made->next();
      CHECK(frame.length >= FRAME_MIN && frame.length <= FRAME_MAX);
      sum += frame.bytes[0] + frame.bytes[frame.length - 1];
    }
  }
  CHECK(taken > 100 && taken < 4000 && sum > 0);
}

static double chance() { return oneIn(2) ? 0 : static_cast<double>(below(1000)) / 1000; }

static FaultSettings randomSettings() {
  FaultSettings settings{chance(), chance(), chance(), chance(), chance()};
  if (oneIn(2)) settings.delay = below(2000000);
  settings.jitter = settings.delay ? below(settings.delay) : 0;
  return settings;
}

/** Two ports on a wire, a fault port around each, and streams; `hostile`: nodes write over headers meanwhile. */
static void bursts(bool hostile) {
  World world;
  Failure error;
  std::shared_ptr<PgPort> inner[2] = {PgPort::open(error), PgPort::open(error)};
  inner[0]->connect(inner[1]);
  inner[1]->connect(inner[0]);
  std::shared_ptr<FaultPort> ports[2];
  for (int i = 0; i < 2; i++) {
    ports[i] = FaultPort::wrap(inner[i], world.memory, error);
    PgTemplateOptions options;
    options.bytes.resize(9000);
    options.size = {0, 0, 60, 8941, true};
    PgStream stream;
    stream.source = PgTemplate::make(options);
    stream.rate = 1e6;
    uint32_t id = inner[i]->add(std::move(stream));
    inner[i]->enable(*inner[i]->find(id), true);
  }
  for (int step = 0; step < 3000; step++) {
    uint32_t i = step % 2;
    if (oneIn(50)) {
      ports[i]->rx.configure(randomSettings(), random64());
      ports[i]->tx.configure(randomSettings(), random64());
    }
    if (oneIn(100)) ports[i]->rx.clear(), ports[i]->tx.clear();
    uint32_t n = ports[i]->receive(world.memory, FRAME, 1 + static_cast<uint32_t>(below(abi::VECTOR)), i);
    if (hostile && oneIn(3)) world.scribble();
    if (hostile && n > 0 && oneIn(10)) world.memory.write(FRAME + 4 * static_cast<uint32_t>(below(n)), static_cast<uint32_t>(random64()));
    if (oneIn(3)) world.freeFrame(n);
    else ports[1 - i]->transmit(world.memory, FRAME, n, 1 - i);
    if (oneIn(30)) ports[i]->prepareSleep(0);
    if (oneIn(30)) ports[i]->afterSleep(POLLIN, 0);
    if (!hostile) {
      uint64_t held = world.counter(0, abi::IFC_FAULT_BUFFERS) + world.counter(1, abi::IFC_FAULT_BUFFERS);
      CHECK(world.freeBuffers() + held == BUFFERS);
    }
    CHECK(world.freeBuffers() <= BUFFERS);
  }
  for (uint32_t i = 0; i < 2; i++) ports[i]->drain(world.memory, i);
  if (!hostile) CHECK(world.freeBuffers() == BUFFERS);
  for (uint32_t i = 0; i < 2; i++) CHECK(world.counter(i, abi::IFC_FAULT_HELD) == 0 && world.counter(i, abi::IFC_FAULT_BUFFERS) == 0);
}

static int fileOf(const std::vector<uint8_t>& bytes) {
  FILE* file = tmpfile();
  CHECK(fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  int fd = dup(fileno(file));
  fclose(file);
  return fd;
}

static void replay() {
  std::vector<uint8_t> bytes(3 << 20);
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
  std::vector<PgReplay::Entry> index;
  std::vector<uint64_t> places;
  for (uint64_t at = 0;;) {
    PgReplay::Entry entry{static_cast<uint32_t>(below(40)), static_cast<uint32_t>(FRAME_MIN + below(oneIn(9) ? 80000 : 1500))};
    if (at + entry.gap + entry.length > bytes.size()) break;
    index.push_back(entry);
    places.push_back(at + entry.gap);
    at += entry.gap + entry.length;
  }
  int fd = fileOf(bytes);
  std::unique_ptr<PgReplay> source = PgReplay::make(fd, index);
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < index.size(); i++) {
      GeneratedFrame frame = source->next();
      CHECK(frame.length == index[i].length && memcmp(frame.bytes, &bytes[places[i]], frame.length) == 0);
    }
  }
  source->restart();
  CHECK(ftruncate(fd, 1 << 20) == 0);
  size_t came = 0;
  while (came < index.size() && source->next().length > 0) came++;
  // what is in memory already may come
  CHECK(came < index.size() && source->failure() == "the file has become shorter");
  source->restart();
  CHECK(source->failure().empty() && source->next().length == index[0].length);
  CHECK(!PgReplay::make(fileOf(bytes), {}) && !PgReplay::make(fileOf(bytes), {{0, 13}}) && !PgReplay::make(fileOf(bytes), {{0, FRAME_MAX + 1}}));
  std::unique_ptr<PgReplay> beyond = PgReplay::make(fileOf(bytes), {{0xffffffff, 60}, {0xffffffff, 60}});
  CHECK(beyond->next().length == 0 && beyond->next().length == 0);
}

/** Records of all lengths round the ring many times, read as they were written. */
static void wire() {
  PgWire wire;
  std::vector<std::vector<uint8_t>> waiting;
  uint64_t full = 0;
  for (int step = 0; step < 8000; step++) {
    if (below(100) < 65) {
      std::vector<uint8_t> packet(FRAME_MIN + below(oneIn(20) ? FRAME_MAX - FRAME_MIN + 1 : 3000), static_cast<uint8_t>(step));
      PgWire::Record* record = wire.reserve(static_cast<uint32_t>(packet.size()));
      full += !record;
      if (!record || oneIn(10)) continue; // reserved and not put: nothing is there
      memcpy(record->bytes(), packet.data(), packet.size());
      wire.put();
      waiting.push_back(packet);
    } else if (PgWire::Record* record = wire.front()) {
      CHECK(record->length == waiting.front().size() && memcmp(record->bytes(), waiting.front().data(), record->length) == 0);
      wire.pop();
      waiting.erase(waiting.begin());
    } else {
      CHECK(waiting.empty());
    }
  }
  CHECK(full > 0);
}

int main() {
  run("templates of random options", randomTemplates);
  run("random bursts, streams and faults: every buffer is somewhere", [] { bursts(false); });
  run("the same while nodes write over headers", [] { bursts(true); });
  run("a replayed file, and one that is cut short meanwhile", replay);
  run("a wire goes round", wire);
  return failed ? 1 : 0;
}
