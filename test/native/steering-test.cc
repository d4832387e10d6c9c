// Receive side scaling and flow steering of the modelled ConnectX against what is published: Microsoft's RSS verification vectors, and
// ibv_create_flow(3). Prints "ok NAME" or "not ok NAME: why" for each check; exit status 1 if one failed.

#include <rdma/ib_user_verbs.h>

#include <arpa/inet.h>
#include <cstdio>
#include <cstring>
#include <string>

#include "steering.h"
#include "toeplitz.h"

using namespace emulator;
using Bytes = std::vector<uint8_t>;

static int failures = 0;

static void report(const std::string& name, bool good, const std::string& why = "") {
  printf(good ? "ok %s\n" : "not ok %s: %s\n", name.c_str(), why.c_str());
  if (!good) failures++;
}

// Frames

static Bytes mac(uint8_t last, uint8_t first = 2) { return {first, 0, 0, 0, 0, last}; }

static void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

static void append16(Bytes& to, uint16_t value) { append(to, {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}); }

static Bytes address(int family, const char* text) {
  Bytes bytes(family == AF_INET ? 4 : 16);
  inet_pton(family, text, bytes.data());
  return bytes;
}

/** Ethernet, IPv4 or IPv6 as the addresses are, and the first 20 bytes of TCP or UDP. */
static Bytes frame(const Bytes& to, const Bytes& source, const Bytes& destination, uint8_t protocol, uint16_t from, uint16_t port) {
  Bytes bytes = to;
  append(bytes, mac(0x99));
  if (source.size() == 4) {
    append16(bytes, 0x0800);
    append(bytes, {0x45, 0, 0, 40, 0, 0, 0, 0, 64, protocol, 0, 0});
  } else {
    append16(bytes, 0x86dd);
    append(bytes, {0x60, 0, 0, 0, 0, 20, protocol, 64});
  }
  append(bytes, source);
  append(bytes, destination);
  append16(bytes, from);
  append16(bytes, port);
  Bytes rest(16);
  if (protocol == PROTOCOL_TCP) rest[8] = 0x50; // data offset
  else rest[1] = 20; // length
  append(bytes, rest);
  return bytes;
}

static Packet look(const Bytes& bytes) { return parse(bytes.data(), static_cast<uint32_t>(bytes.size())); }

// Receive side scaling: "Verifying the RSS Hash Calculation", Microsoft

constexpr std::array<uint8_t, 40> KEY = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

struct Vector {
  const char* destination;
  uint16_t port;
  const char* source;
  uint16_t from;
  uint32_t addresses, withPorts;
};

static const Vector VECTORS[] = {
    {"161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178},
    {"65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea},
    {"12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a},
    {"209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f},
    {"202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2},
    {"3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x2cc18cd5, 0x40207d3d},
    {"ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0x0f0c461c, 0xdde51bbf},
    {"fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, 0x4b61e985, 0x02d1feef},
};

// IBV_RX_HASH_*, verbs.h
constexpr uint64_t IPV4 = 0x3, IPV6 = 0xc, TCP = 0x30, UDP = 0xc0;

static std::string hex(uint32_t value) {
  char text[11];
  snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

static void hashes() {
  for (const Vector& v : VECTORS) {
    int family = strchr(v.source, ':') ? AF_INET6 : AF_INET;
    uint64_t addresses = family == AF_INET ? IPV4 : IPV6;
    for (uint8_t protocol : {PROTOCOL_TCP, PROTOCOL_UDP}) {
      Bytes bytes = frame(mac(1), address(family, v.source), address(family, v.destination), protocol, v.from, v.port);
      uint64_t ports = protocol == PROTOCOL_TCP ? TCP : UDP;
      uint32_t plain = hashPacket({1, addresses, KEY}, look(bytes)).value, whole = hashPacket({1, addresses | ports, KEY}, look(bytes)).value;
      std::string name = std::string(protocol == PROTOCOL_TCP ? "TCP " : "UDP ") + v.source;
      report("RSS of the addresses, " + name, plain == v.addresses, hex(plain));
      report("RSS with the ports, " + name, whole == v.withPorts, hex(whole));
      bool other = hashPacket({1, addresses | (ports ^ (TCP | UDP)), KEY}, look(bytes)).type == 0;
      report("no RSS for the other protocol, " + name, other, "hashed");
    }
  }
}

// Flows

constexpr uint32_t SPEC_ETH = 0x20, SPEC_IPV4 = 0x30, SPEC_IPV6 = 0x31, ACTION_DROP = 0x1001;
constexpr uint32_t NORMAL = 0, ALL_DEFAULT = 1, MULTICAST_DEFAULT = 2, SNIFFER = 3, DONT_TRAP = 2;

/** A port with flows; each is known by the letter it was given. */
struct Bench {
  Device device;
  uint64_t made = 0;

  Flow& add(char letter, uint32_t type, uint16_t priority, uint32_t flags, std::vector<FlowSpec> specs = {}) {
    auto flow = std::make_shared<Flow>();
    flow->handle = static_cast<uint32_t>(letter);
    flow->type = type;
    flow->priority = priority;
    flow->flags = flags;
    flow->sequence = ++made;
    flow->specs = std::move(specs);
    device.flows[flow->handle] = flow;
    return *flow;
  }

  /** Letters of the flows that get the packet; a "+" behind them if Linux gets it too. */
  std::string of(const Bytes& bytes) {
    Steering steering;
    steering.update(device);
    std::vector<Destination> found;
    bool taken = steering.find(look(bytes), false, found);
    std::string letters;
    for (const Destination& destination : found) letters += static_cast<char>(destination.flow->handle);
    return letters + (taken ? "" : "+");
  }
};

static FlowSpec toMac(const Bytes& value, const Bytes& mask = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) {
  FlowSpec spec{SPEC_ETH, Bytes(sizeof(ib_uverbs_flow_eth_filter)), Bytes(sizeof(ib_uverbs_flow_eth_filter))};
  memcpy(spec.value.data(), value.data(), 6);
  memcpy(spec.mask.data(), mask.data(), 6);
  return spec;
}

static FlowSpec anyIp(uint32_t type) {
  size_t size = type == SPEC_IPV4 ? sizeof(ib_uverbs_flow_ipv4_filter) : sizeof(ib_uverbs_flow_ipv6_filter);
  return {type, Bytes(size), Bytes(size)};
}

static Bytes ip4To(const Bytes& to) { return frame(to, {192, 0, 2, 1}, {192, 0, 2, 2}, PROTOCOL_UDP, 1, 2); }
static Bytes ip6To(const Bytes& to) { return frame(to, Bytes(16, 1), Bytes(16, 2), PROTOCOL_UDP, 1, 2); }

static void expect(const std::string& name, Bench& bench, const Bytes& packet, const std::string& letters) {
  std::string got = bench.of(packet);
  report(name, got == letters, "\"" + got + "\", not \"" + letters + "\"");
}

static void flows() {
  const Bytes group = mac(5, 1);
  {
    Bench bench;
    bench.add('a', NORMAL, 0, 0, {toMac(mac(1))});
    expect("a flow takes its own MAC address", bench, ip4To(mac(1)), "a");
    expect("what no flow takes is Linux's", bench, ip4To(mac(2)), "+");
  }
  {
    Bench bench;
    bench.add('a', NORMAL, 3, 0, {toMac(mac(1))});
    bench.add('b', NORMAL, 2, 0, {toMac(mac(1)), anyIp(SPEC_IPV4)});
    expect("the lower number is the higher priority, made first or not", bench, ip4To(mac(1)), "b");
    expect("what the higher priority does not match goes to the lower", bench, ip6To(mac(1)), "a");
  }
  {
    Bench bench;
    bench.add('a', NORMAL, 0, DONT_TRAP, {toMac(group)});
    expect("DONT_TRAP: a copy, and Linux has the packet too", bench, ip4To(group), "a+");
    bench.add('b', NORMAL, 1, 0, {toMac(group)});
    expect("DONT_TRAP: the packet goes on to the next priority", bench, ip4To(group), "ab");
  }
  {
    Bench bench;
    bench.add('a', NORMAL, 0, DONT_TRAP, {toMac(mac(1))});
    bench.add('b', NORMAL, 0, 0, {toMac(mac(1))});
    bench.add('c', NORMAL, 1, 0, {toMac(mac(1))});
    expect("a flow that traps ends the way", bench, ip4To(mac(1)), "ab");
  }
  {
    Bench bench;
    bench.add('a', NORMAL, 0, 0, {toMac(mac(1)), anyIp(SPEC_IPV4)});
    bench.add('b', NORMAL, 0, 0, {toMac(mac(1)), anyIp(SPEC_IPV6)});
    expect("IPv4 to the flow of IPv4", bench, ip4To(mac(1)), "a");
    expect("IPv6 to the flow of IPv6", bench, ip6To(mac(1)), "b");
  }
  {
    Bench bench;
    bench.add('a', ALL_DEFAULT, 0, 0);
    bench.add('b', NORMAL, 5, 0, {toMac(mac(1))});
    expect("all default takes what the others leave", bench, ip4To(mac(2)), "a");
    expect("and nothing of theirs", bench, ip4To(mac(1)), "b");
    bench.add('s', SNIFFER, 0, 0);
    expect("a sniffer sees everything", bench, ip4To(mac(1)), "sb");
  }
  {
    Bench bench;
    bench.add('m', MULTICAST_DEFAULT, 0, 0);
    expect("multicast default takes multicast", bench, ip4To(group), "m");
    expect("and nothing else", bench, ip4To(mac(1)), "+");
  }
  {
    Bench bench;
    bench.add('a', NORMAL, 0, 0, {toMac(mac(1))});
    bench.add('b', NORMAL, 0, 0, {toMac(mac(1))});
    expect("the very same match twice: both get the packet", bench, ip4To(mac(1)), "ab");
  }
  {
    Bench bench;
    FlowSpec drop{ACTION_DROP, {}, {}};
    drop.isAction = true;
    bench.add('d', NORMAL, 0, 0, {toMac(mac(1)), drop});
    bench.add('a', ALL_DEFAULT, 0, 0);
    expect("a drop action ends the packet", bench, ip4To(mac(1)), "");
  }
}

int main() {
  hashes();
  flows();
  return failures ? 1 : 0;
}
