// The forward path in native code: the same checks, counters and buffers as the five nodes' in assembly/nodes, in the same layout
// (build/abi.h), node by node as VPP runs them and as one loop. What WebAssembly costs is the quotient of the two.
//
//   forward [cold]     prints clocks a packet for vectors of 1, 4, 16, 64 and 256: a line for node by node, a line for one loop

#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../build/abi.h"

static uint8_t* memory;
template <typename T> static inline T get(uint32_t at) { T value; memcpy(&value, memory + at, sizeof value); return value; }
template <typename T> static inline void put(uint32_t at, T value) { memcpy(memory + at, &value, sizeof value); }

enum Node : uint32_t { ETHERNET, INPUT, LOOKUP, REWRITE, OUTPUT, NODES };
constexpr uint32_t NODE_BYTES = abi::NODE_STATE, FRAMES = abi::WORKERS + abi::WORKER_FRAMES, BLOCKS = abi::WORKERS + abi::WORKER_NODES;
constexpr uint32_t POOL = abi::WORKERS + abi::WORKER_SIZE;
constexpr uint32_t DROP = 0;

static inline uint32_t drop(uint32_t node, uint32_t counter) {
  uint32_t at = node + abi::NODE_COUNTERS + 8 * counter;
  put<uint64_t>(at, get<uint64_t>(at) + 1);
  return DROP;
}

static inline void advance(uint32_t buffer, int32_t by) {
  int64_t step = by;
  put<uint64_t>(buffer, get<uint64_t>(buffer) + static_cast<uint64_t>(step - step * 65536 - (step << 32)));
}

static inline uint32_t packetAt(uint32_t buffer) { return buffer + get<uint16_t>(buffer + abi::B_DATA); }

static inline uint32_t ethernetInput(uint32_t node, uint32_t buffer) {
  if (get<uint16_t>(buffer + abi::B_LENGTH) < 14) return drop(node, 0);
  uint32_t header = packetAt(buffer);
  uint32_t mac = abi::INTERFACES + abi::INTERFACE_SIZE * get<uint16_t>(buffer + abi::B_RX_IF) + abi::IF_MAC;
  if (get<uint8_t>(header) & 1) put<uint16_t>(buffer + abi::B_FLAGS, get<uint16_t>(buffer + abi::B_FLAGS) | abi::B_FLAG_LINK_BROADCAST);
  else if (get<uint32_t>(header) != get<uint32_t>(mac) || get<uint16_t>(header + 4) != get<uint16_t>(mac + 4)) return drop(node, 1);
  put<uint16_t>(buffer + abi::B_L2, get<uint16_t>(buffer + abi::B_DATA));
  uint16_t type = get<uint16_t>(header + 12);
  advance(buffer, 14);
  return type == 0x0008 ? 2 : type == 0x0608 ? 1 : drop(node, 2);
}

static inline bool isUnicast(uint32_t address) {
  uint32_t first = address & 0xff;
  return first - 1 < 223 && first != 127;
}

static inline uint32_t ip4Input(uint32_t node, uint32_t buffer) {
  if (get<uint16_t>(buffer + abi::B_LENGTH) < 20) return drop(node, 0);
  uint32_t header = packetAt(buffer);
  if (get<uint8_t>(header) != 0x45) return drop(node, 1);
  uint32_t total = __builtin_bswap16(get<uint16_t>(header + 2)), arrived = get<uint32_t>(buffer + abi::B_TOTAL);
  if (total < 20) return drop(node, 3);
  if (total > arrived) return drop(node, 4);
  uint16_t marks = get<uint16_t>(buffer + abi::B_FLAGS);
  if (!(marks & abi::B_FLAG_L3_GOOD)) {
    uint64_t sum = 0;
    for (uint32_t at = 0; at < 20; at += 4) sum += get<uint32_t>(header + at);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    if ((sum & 0xffff) + (sum >> 16) != 0xffff) return drop(node, 5);
  }
  if (!isUnicast(get<uint32_t>(header + 12))) return drop(node, 6);
  if (!isUnicast(get<uint32_t>(header + 16))) return drop(node, 7);
  if (marks & abi::B_FLAG_LINK_BROADCAST) return drop(node, 9);
  if (total != arrived) put<uint32_t>(buffer + abi::B_TOTAL, total), put<uint16_t>(buffer + abi::B_LENGTH, std::min<uint32_t>(total, get<uint16_t>(buffer + abi::B_LENGTH)));
  return 1;
}

static inline uint32_t inPly(uint32_t entry, uint32_t value) {
  uint32_t ply = get<uint32_t>(abi::FIB_PLY_PLACES + 4 * (entry ^ abi::FIB_DEEP)), word = value >> 6;
  uint64_t upTo = get<uint64_t>(ply + word * 8) & ((2ull << (value & 63)) - 1);
  return get<uint16_t>(ply + abi::FIB_PLY_ENTRIES - 2 + 2 * (get<uint8_t>(ply + abi::FIB_PLY_RANKS + word) + __builtin_popcountll(upTo)));
}

static inline uint32_t ip4Lookup(uint32_t node, uint32_t buffer) {
  uint32_t to = get<uint32_t>(packetAt(buffer) + 16);
  uint32_t entry = get<uint16_t>(abi::FIB_ROOT + 2 * (__builtin_bswap32(to) >> 8));
  if (entry >= abi::FIB_DEEP) entry = inPly(entry, to >> 24);
  uint32_t adjacency = abi::ADJACENCIES + abi::ADJACENCY_SIZE * entry;
  put<uint16_t>(buffer + abi::B_ADJ, entry);
  put<uint16_t>(buffer + abi::B_TX_IF, get<uint16_t>(adjacency + abi::ADJ_TX_IF));
  uint32_t next = get<uint16_t>(adjacency + abi::ADJ_NEXT);
  if (next == abi::LOOKUP_NEXT_DROP) drop(node, 2);
  else if (next == abi::LOOKUP_NEXT_UNREACHABLE) drop(node, 0);
  return next;
}

static inline uint32_t ip4Rewrite(uint32_t node, uint32_t buffer) {
  uint32_t adjacency = abi::ADJACENCIES + abi::ADJACENCY_SIZE * get<uint16_t>(buffer + abi::B_ADJ), header = packetAt(buffer);
  bool forwarded = !(get<uint16_t>(buffer + abi::B_FLAGS) & abi::B_FLAG_LOCAL);
  if (forwarded && get<uint8_t>(header + 8) <= 1) return drop(node, 0);
  if (get<uint16_t>(buffer + abi::B_GSO_SIZE) != 0) return drop(node, 3);
  if (get<uint32_t>(buffer + abi::B_TOTAL) > get<uint16_t>(adjacency + abi::ADJ_MTU)) return drop(node, 1);
  uint32_t size = get<uint8_t>(adjacency + abi::ADJ_REWRITE_LENGTH);
  if (get<uint16_t>(buffer + abi::B_DATA) - abi::BUFFER_ALIGN < size) return drop(node, 4);
  if (size != 14) return drop(node, 5);
  if (forwarded) {
    uint32_t word = get<uint32_t>(header + 8);
    put<uint32_t>(header + 8, word + 0xffff + (word >= 0xfffe0000u ? 1u << 16 : 0));
  }
  advance(buffer, -14);
  put<uint64_t>(header - 14, get<uint64_t>(adjacency + abi::ADJ_REWRITE));
  put<uint64_t>(header - 8, get<uint64_t>(adjacency + abi::ADJ_REWRITE + 6));
  return 1;
}

static inline uint32_t interfaceOutput(uint32_t node, uint32_t buffer) {
  uint32_t index = get<uint16_t>(buffer + abi::B_TX_IF);
  if (index >= abi::INTERFACE_COUNT) return drop(node, 0);
  uint32_t at = abi::INTERFACES + abi::INTERFACE_SIZE * index, state = get<uint32_t>(at);
  if (!(state & abi::IF_FLAG_ADMIN_UP)) return drop(node, 1);
  if (!(state & abi::IF_FLAG_LINK_UP)) return drop(node, 2);
  uint32_t slot = get<uint16_t>(at + abi::IF_TX_SLOT);
  return slot ? slot : drop(node, 3);
}

static inline uint32_t bufferIn(uint32_t frame, uint32_t i) { return get<uint32_t>(frame + 4 * i) << abi::BUFFER_SHIFT; }
static inline uint32_t block(uint32_t node) { return BLOCKS + node * NODE_BYTES; }

template <uint32_t (*process)(uint32_t, uint32_t)>
__attribute__((noinline)) static void run(uint32_t node, uint32_t frame, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) put<uint16_t>(frame + abi::FRAME_NEXT + 2 * i, process(node, bufferIn(frame, i)));
}

/** The nodes as one: the first that does not pass a packet on to the next one decides. */
__attribute__((noinline)) static void runAll(uint32_t frame, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    uint32_t buffer = bufferIn(frame, i);
    uint32_t next = ethernetInput(block(ETHERNET), buffer);
    if (next == 2) next = ip4Input(block(INPUT), buffer);
    if (next == 1) next = ip4Lookup(block(LOOKUP), buffer);
    if (next == abi::LOOKUP_NEXT_REWRITE) next = ip4Rewrite(block(REWRITE), buffer);
    if (next == 1) next = interfaceOutput(block(OUTPUT), buffer);
    put<uint16_t>(frame + abi::FRAME_NEXT + 2 * i, next);
  }
}

/** What the graph does after a node: counts, looks whether all packets have the same way, hands the frame over. */
static void account(uint32_t node, uint32_t frame, uint32_t n, uint32_t expected) {
  put<uint64_t>(block(node), get<uint64_t>(block(node)) + 1);
  put<uint64_t>(block(node) + 8, get<uint64_t>(block(node) + 8) + n);
  for (uint32_t i = 0; i < n; i++) if (get<uint16_t>(frame + abi::FRAME_NEXT + 2 * i) != expected) abort();
}

constexpr uint32_t FAR = 16384;

/** Writes the packets as they come: 60-byte UDP, the destination counting up from 10.0.0.0. */
static void fill(uint32_t from, uint32_t count) {
  static const uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 192, 0, 2, 2, 10, 0, 0, 0, 0, 1, 0, 2, 0, 26};
  for (uint32_t i = from; i < from + count; i++) {
    uint32_t buffer = POOL + i * abi::BUFFER_SIZE, ip = buffer + abi::BUFFER_START + 14;
    memset(memory + buffer, 0, abi::BUFFER_ALIGN);
    put<uint16_t>(buffer + abi::B_DATA, abi::BUFFER_START);
    put<uint16_t>(buffer + abi::B_LENGTH, 60);
    put<uint32_t>(buffer + abi::B_TOTAL, 60);
    memcpy(memory + buffer + abi::BUFFER_START, frame, 60);
    put<uint8_t>(ip + 18, (i >> 8) & 3), put<uint8_t>(ip + 19, i);
    uint32_t sum = 0;
    for (uint32_t at = 0; at < 20; at += 2) sum += get<uint16_t>(ip + at);
    sum = (sum & 0xffff) + (sum >> 16);
    put<uint16_t>(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
  }
}

static void tables() {
  for (uint32_t index = 0; index < 2; index++) {
    uint32_t at = abi::INTERFACES + abi::INTERFACE_SIZE * index;
    put<uint32_t>(at, abi::IF_FLAG_ADMIN_UP | abi::IF_FLAG_LINK_UP);
    put<uint16_t>(at + abi::IF_TX_SLOT, 1);
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    memcpy(memory + at + abi::IF_MAC, mac, 6);
  }
  uint32_t adjacency = abi::ADJACENCIES + 5 * abi::ADJACENCY_SIZE;
  put<uint16_t>(adjacency + abi::ADJ_NEXT, abi::LOOKUP_NEXT_REWRITE);
  put<uint16_t>(adjacency + abi::ADJ_TX_IF, 1);
  put<uint16_t>(adjacency + abi::ADJ_MTU, 1500);
  put<uint8_t>(adjacency + abi::ADJ_REWRITE_LENGTH, 14);
  for (uint32_t i = 0; i < 1 << 24; i++) put<uint16_t>(abi::FIB_ROOT + 2 * i, i >> 16 == 10 ? 5 : 0);
}

/** Median clocks a packet over samples of 256 packets. */
template <typename Work> static double median(uint32_t size, bool cold, Work work) {
  constexpr uint32_t SAMPLES = 3000;
  std::vector<uint64_t> all;
  uint32_t place = 0, frame = FRAMES;
  for (uint32_t sample = 0; sample < SAMPLES; sample++) {
    uint64_t clocks = 0;
    for (uint32_t done = 0; done < abi::VECTOR; done += size) {
      uint32_t buffers = cold ? FAR : size;
      if (place + size > buffers) place = 0;
      if (place == 0) fill(0, buffers);
      for (uint32_t i = 0; i < size; i++) put<uint32_t>(frame + 4 * i, (POOL + (place + i) * abi::BUFFER_SIZE) >> abi::BUFFER_SHIFT);
      place += size;
      uint64_t start = __rdtsc();
      work(frame, size);
      clocks += __rdtsc() - start;
    }
    all.push_back(clocks);
  }
  std::nth_element(all.begin() + SAMPLES / 2, all.begin() + SAMPLES / 2, all.end());
  std::nth_element(all.begin(), all.begin() + SAMPLES / 2, all.end());
  return static_cast<double>(all[SAMPLES / 2]) / abi::VECTOR;
}

int main(int argc, char** argv) {
  bool cold = argc > 1 && !strcmp(argv[1], "cold");
  memory = static_cast<uint8_t*>(aligned_alloc(1 << 21, (POOL + FAR * abi::BUFFER_SIZE + (1 << 21)) >> 21 << 21));
  memset(memory, 0, POOL);
  tables();
  const uint32_t sizes[] = {1, 4, 16, 64, 256};
  printf("nodes");
  for (uint32_t size : sizes) printf(" %.2f", median(size, cold, [](uint32_t frame, uint32_t n) {
    run<ethernetInput>(block(ETHERNET), frame, n), account(ETHERNET, frame, n, 2);
    run<ip4Input>(block(INPUT), frame, n), account(INPUT, frame, n, 1);
    run<ip4Lookup>(block(LOOKUP), frame, n), account(LOOKUP, frame, n, abi::LOOKUP_NEXT_REWRITE);
    run<ip4Rewrite>(block(REWRITE), frame, n), account(REWRITE, frame, n, 1);
    run<interfaceOutput>(block(OUTPUT), frame, n), account(OUTPUT, frame, n, 1);
  }));
  printf("\nfused");
  for (uint32_t size : sizes) printf(" %.2f", median(size, cold, [](uint32_t frame, uint32_t n) {
    runAll(frame, n);
    for (uint32_t node = ETHERNET; node < NODES; node++) account(node, frame, n, 1);
  }));
  printf("\n");
}
