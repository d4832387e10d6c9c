// The forward path in native code: the same checks, counters, tables and buffers as those of the five nodes in assembly/nodes, in the same
// layout (build/abi.h), node by node as VPP runs them or as one loop. What WebAssembly costs is the quotient of the two.
//
//   forward FOLDER nodes|loop RX     see native/peer.h; FOLDER/tables is what lies in the tables of a router's memory, RX the interface by
//                                    which the packets come
//
// Each node is a loop over the packets of which there is nothing to say, as in assembly/nodes. Others do not come here: what it takes to
// tell them apart is done and timed, what would become of them is not written down a second time.

#include <sys/mman.h>
#include <x86intrin.h>

#include <cstdint>
#include <cstring>

#include "../../build/abi.h"
#include "../native/peer.h"

static uint8_t* memory;
static uint8_t* frame;
static uint32_t pool;

template <typename T> static inline T get(const uint8_t* at) { T value; memcpy(&value, at, sizeof value); return value; }
template <typename T> static inline void put(uint8_t* at, T value) { memcpy(at, &value, sizeof value); }

/** Mark of a packet that would need a second look. */
constexpr uint32_t ODD = 0xfffd;
constexpr uint32_t ETHERNET_HEADER = 14, IP4_HEADER = 20;
/** What moves data, length and total by an Ethernet header when it is added to them as one word. */
constexpr uint64_t STRIP = 14ull - (14ull << 16) - (14ull << 32);
constexpr uint32_t NEXT_IP4 = 2, NEXT_LOOKUP = 1, NEXT_OUTPUT = 1;

static inline uint8_t* bufferAt(uint32_t i) { return memory + (static_cast<size_t>(get<uint32_t>(frame + 4 * i)) << abi::BUFFER_SHIFT); }
static inline uint8_t* packetAt(uint8_t* buffer) { return buffer + get<uint16_t>(buffer + abi::B_DATA); }
static inline uint8_t* interfaceAt(uint32_t index) { return memory + abi::INTERFACES + index * abi::INTERFACE_SIZE; }
static inline uint8_t* adjacencyAt(uint32_t index) { return memory + abi::ADJACENCIES + static_cast<size_t>(index) * abi::ADJACENCY_SIZE; }

static inline uint32_t ethernetInput(uint8_t* buffer) {
  uint64_t lengths = get<uint64_t>(buffer + abi::B_DATA);
  if (static_cast<uint32_t>(lengths) >> 16 < ETHERNET_HEADER) return ODD;
  uint8_t* header = buffer + (lengths & 0xffff);
  if (get<uint16_t>(header + 12) != 0x0008) return ODD;
  uint8_t* mac = interfaceAt(get<uint16_t>(buffer + abi::B_RX_IF)) + abi::IF_MAC;
  if ((get<uint64_t>(header) ^ get<uint64_t>(mac)) << 16) return ODD;
  put<uint16_t>(buffer + abi::B_L2, lengths);
  put<uint64_t>(buffer + abi::B_DATA, lengths + STRIP);
  return NEXT_IP4;
}

static inline bool mayBeOwn(uint32_t address) {
  uint32_t bit = (address * abi::OWN_HASH) >> abi::OWN_SHIFT;
  return get<uint8_t>(memory + abi::OWN_ADDRESSES + (bit >> 3)) >> (bit & 7) & 1;
}

static inline uint32_t ip4Input(uint8_t* buffer) {
  uint64_t lengths = get<uint64_t>(buffer + abi::B_DATA);
  uint8_t* header = buffer + (lengths & 0xffff);
  uint32_t arrived = lengths >> 32, first = get<uint32_t>(header), total = __builtin_bswap32(first) & 0xffff;
  if ((first & 0xff) != 0x45 || (static_cast<uint32_t>(lengths) >> 16) != arrived || total != arrived || total < IP4_HEADER) return ODD;
  if (get<uint16_t>(buffer + abi::B_FLAGS) & abi::B_FLAG_LINK_BROADCAST) return ODD;
  uint32_t from = get<uint32_t>(header + 12), to = get<uint32_t>(header + 16);
  uint64_t sum = static_cast<uint64_t>(first) + get<uint32_t>(header + 4) + get<uint32_t>(header + 8) + from + to;
  uint32_t half = (sum + (sum << 32 | sum >> 32)) >> 32;
  if ((half + (half << 16 | half >> 16)) >> 16 != 0xffff) return ODD;
  if ((from & 0xff) == 127 || (from & 0xff) - 1 >= 223 || mayBeOwn(from)) return ODD;
  if ((to & 0xff) == 127 || (to & 0xff) - 1 >= 223) return ODD;
  return NEXT_LOOKUP;
}

static inline uint32_t inPly(uint32_t entry, uint32_t value) {
  uint32_t place = get<uint32_t>(memory + abi::FIB_PLY_PLACES + 4 * (entry ^ abi::FIB_DEEP)), word = value >> 6;
  const uint8_t* ply = memory + place;
  uint64_t upTo = get<uint64_t>(ply + word * 8) & ((2ull << (value & 63)) - 1);
  return get<uint16_t>(ply + abi::FIB_PLY_ENTRIES - 2 + 2 * (get<uint8_t>(ply + abi::FIB_PLY_RANKS + word) + __builtin_popcountll(upTo)));
}

static inline uint32_t fibLookup(uint32_t address) {
  uint32_t entry = get<uint16_t>(memory + abi::FIB_ROOT + 2 * (__builtin_bswap32(address) >> 8));
  return entry >= abi::FIB_DEEP ? inPly(entry, address >> 24) : entry;
}

static inline uint32_t ip4Lookup(uint8_t* buffer) {
  uint32_t index = fibLookup(get<uint32_t>(packetAt(buffer) + 16));
  const uint8_t* entry = adjacencyAt(index);
  uint16_t tx = get<uint16_t>(entry + abi::ADJ_TX_IF);
  put<uint16_t>(buffer + abi::B_ADJ, index);
  put<uint16_t>(buffer + abi::B_TX_IF, tx);
  if (get<uint16_t>(entry + abi::ADJ_NEXT) != abi::LOOKUP_NEXT_REWRITE || tx == get<uint16_t>(buffer + abi::B_RX_IF)) return ODD;
  return abi::LOOKUP_NEXT_REWRITE;
}

/** RFC 1624: the TTL is the upper byte of its word, so the sum grows by 0x0100 in network order. */
static inline void decrementTtl(uint8_t* header) {
  uint32_t word = get<uint32_t>(header + 8);
  put<uint32_t>(header + 8, word + 0xffff + (word >= 0xfffe0000u ? 1u << 16 : 0));
}

static inline void putEthernet(uint8_t* header, const uint8_t* from) {
  uint64_t first = get<uint64_t>(from), last = get<uint64_t>(from + 6);
  put(header - 14, first);
  put(header - 8, last);
}

static inline uint32_t ip4Rewrite(uint8_t* buffer) {
  const uint8_t* entry = adjacencyAt(get<uint16_t>(buffer + abi::B_ADJ));
  uint64_t lengths = get<uint64_t>(buffer + abi::B_DATA);
  uint8_t* header = buffer + (lengths & 0xffff);
  if (header[8] <= 1 || get<uint16_t>(buffer + abi::B_FLAGS) & (abi::B_FLAG_LOCAL | abi::B_FLAG_OPTIONS)) return ODD;
  if (get<uint16_t>(buffer + abi::B_GSO_SIZE) || lengths >> 32 > get<uint16_t>(entry + abi::ADJ_MTU)) return ODD;
  if (entry[abi::ADJ_REWRITE_LENGTH] != ETHERNET_HEADER || (lengths & 0xffff) < abi::BUFFER_ALIGN + ETHERNET_HEADER) return ODD;
  decrementTtl(header);
  put<uint64_t>(buffer + abi::B_DATA, lengths - STRIP);
  putEthernet(header, entry + abi::ADJ_REWRITE);
  return NEXT_OUTPUT;
}

static inline uint32_t portOf(uint32_t index) {
  if (index >= abi::INTERFACE_COUNT) return ODD;
  uint64_t port = get<uint64_t>(interfaceAt(index) + abi::IF_FLAGS);
  constexpr uint32_t UP = abi::IF_FLAG_ADMIN_UP | abi::IF_FLAG_LINK_UP;
  return (port & UP) != UP || port >> 48 == 0 ? ODD : port >> 48;
}

static inline uint32_t interfaceOutput(uint8_t* buffer) { return portOf(get<uint16_t>(buffer + abi::B_TX_IF)); }

/** All five as one. */
static inline uint32_t forward(uint8_t* buffer) {
  uint32_t next = ethernetInput(buffer);
  if (next == NEXT_IP4) next = ip4Input(buffer);
  if (next == NEXT_LOOKUP) next = ip4Lookup(buffer);
  if (next == abi::LOOKUP_NEXT_REWRITE) next = ip4Rewrite(buffer);
  return next == NEXT_OUTPUT ? interfaceOutput(buffer) : ODD;
}

enum Node : uint32_t { ETHERNET, INPUT, LOOKUP, REWRITE, OUTPUT, NODES };

static void count(uint32_t node, uint32_t n) {
  uint8_t* block = memory + abi::WORKERS + abi::WORKER_NODES + node * abi::NODE_STATE;
  put<uint64_t>(block + abi::NODE_CALLS, get<uint64_t>(block + abi::NODE_CALLS) + 1);
  put<uint64_t>(block + abi::NODE_VECTORS, get<uint64_t>(block + abi::NODE_VECTORS) + n);
}

/** What the graph does after a node: it counts, and looks whether all packets go one way, four at a time; if so the frame itself goes on. */
static void scatter(uint32_t node, uint32_t n) {
  count(node, n);
  const uint8_t* slots = frame + abi::FRAME_NEXT;
  uint64_t slot = get<uint16_t>(slots), pattern = slot * 0x0001000100010001;
  uint32_t i = 0;
  for (; i + 4 <= n; i += 4) if (get<uint64_t>(slots + 2 * i) != pattern) abort();
  for (; i < n; i++) if (get<uint16_t>(slots + 2 * i) != slot) abort();
}

/** A node's loop. */
template <uint32_t (*process)(uint8_t*)> __attribute__((noinline)) static void run(uint32_t n) {
  uint32_t odd = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t slot = process(bufferAt(i));
    put<uint16_t>(frame + abi::FRAME_NEXT + 2 * i, slot);
    odd |= slot == ODD;
  }
  if (odd) peerFail("a packet that is not forwarded", "twin");
}

template <uint32_t (*process)(uint8_t*)> static uint64_t step(uint32_t node, uint32_t n, uint64_t start, uint64_t* clocks) {
  run<process>(n);
  scatter(node, n);
  uint64_t now = __rdtsc();
  clocks[node] += now - start;
  return now;
}

static void turnNodes(uint32_t n, uint64_t* clocks) {
  uint64_t at = __rdtsc();
  at = step<ethernetInput>(ETHERNET, n, at, clocks);
  at = step<ip4Input>(INPUT, n, at, clocks);
  at = step<ip4Lookup>(LOOKUP, n, at, clocks);
  at = step<ip4Rewrite>(REWRITE, n, at, clocks);
  step<interfaceOutput>(OUTPUT, n, at, clocks);
}

static void turnLoop(uint32_t n, uint64_t* clocks) {
  uint64_t start = __rdtsc();
  run<forward>(n);
  for (uint32_t node = ETHERNET; node < OUTPUT; node++) count(node, n);
  scatter(OUTPUT, n);
  clocks[0] += __rdtsc() - start;
}

static uint8_t* place(uint32_t i) { return memory + pool + i * abi::BUFFER_SIZE; }

/** As bench/source.ts does it. */
static void putFrame(uint32_t i, const uint8_t* bytes, uint32_t length) {
  uint8_t* buffer = place(i);
  if (length > abi::BUFFER_DATA) peerFail("a frame that does not fit into a buffer", "twin");
  put<uint32_t>(frame + 4 * i, (buffer - memory) >> abi::BUFFER_SHIFT);
  put<uint16_t>(buffer + abi::B_DATA, abi::BUFFER_START);
  put<uint16_t>(buffer + abi::B_LENGTH, length);
  put<uint32_t>(buffer + abi::B_TOTAL, length);
  put<uint32_t>(buffer + abi::B_NEXT, 0);
  put<uint16_t>(buffer + abi::B_FLAGS, 0);
  put<uint16_t>(buffer + abi::B_STATE, abi::BUFFER_USED);
  put<uint16_t>(buffer + abi::B_GSO_SIZE, 0);
  put<uint8_t>(buffer + abi::B_CSUM_FLAGS, 0);
  memcpy(buffer + abi::BUFFER_START, bytes, length);
}

static const uint8_t* sent(uint32_t i, uint32_t* length) {
  *length = get<uint16_t>(place(i) + abi::B_LENGTH);
  return packetAt(place(i));
}

int main(int argc, char** argv) {
  if (argc != 4) peerFail("forward FOLDER nodes|loop RX", "usage");
  size_t size;
  uint8_t* tables = peerFile(argv[1], "tables", &size);
  if (size != abi::MODULES - abi::TABLES) peerFail("not the size of weft's tables", "tables");
  memcpy(&pool, tables + abi::CONTROL + abi::CONTROL_POOL - abi::TABLES, sizeof pool);
  // As weft's memory: normal pages, at an address that fits huge ones.
  memory = static_cast<uint8_t*>(mmap(nullptr, pool + PEER_VECTOR * abi::BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) peerFail("no memory", "twin");
  memcpy(memory + abi::TABLES, tables, size);
  free(tables);
  frame = memory + abi::WORKERS + abi::WORKER_FRAMES;
  for (uint32_t i = 0; i < PEER_VECTOR; i++) put<uint16_t>(place(i) + abi::B_RX_IF, strtoul(argv[3], nullptr, 10));
  Peer nodes = {NODES, {"ethernet-input", "ip4-input", "ip4-lookup", "ip4-rewrite", "interface-output"}, putFrame, turnNodes, sent};
  Peer loop = {1, {"all in one loop"}, putFrame, turnLoop, sent};
  peerServe(strcmp(argv[2], "loop") ? &nodes : &loop, argv[1]);
}
