// One VXLAN tunnel (RFC 7348) between this router and another VTEP: frames of an interface go to the far end, and what comes from there
// goes out of that interface. Both nodes take the tunnel's configuration:
//
//    node load vxlan.wasm as vxlan config {"vni": 5, "local": "192.0.2.1", "remote": "192.0.2.2", "interface": "host-lan0"}
//    node insert vxlan before ethernet-input on host-lan0
//    node load vxlan.wasm:vxlan-input as vxlan-input config {…the same}
//    node insert vxlan-input before ip4-local
//
// vxlan may stand anywhere: a packet that has lost its Ethernet header on the way gets back the one that it came with. Behind it the outer
// IPv4 header is the packet's first, and the graph routes it like any other:
//
//   0              20           28                          36
//   +--------------+------------+---------------------------+----------------+- - -
//   | IPv4, UDP:   | UDP:       | VXLAN: 0x08, 3 bytes of 0 | the frame:     |
//   | local,remote | flow, port | VNI, 0                    | Ethernet …     |
//   +--------------+------------+---------------------------+----------------+- - -
//
// A tunnel's end must not fragment (RFC 7348, 4.3): what is too long for the route to the far end is dropped, so give the tunnel's hosts an
// MTU of 50 less. A checksum that the sender left to its device is made here; a super-packet (TSO, GSO) cannot be cut within a tunnel and
// is dropped: switch that off where it comes from, `ethtool -K eth0 tso off gso off`.

import { BUFFER_ALIGN, B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_DATA, B_FLAG_LOCAL, B_L2 } from "../abi";
import {
  adjacencyAt, adjacencyMtu, advance, clearOffloads, configU32, count, drop, fibLookup, flags, headroom, isForwarding, lengthHere, lengthTotal,
  markEthernet, packetAt, segmentSize, setFlags, setTxInterface, state, truncate,
} from "../sdk";
import { sumPacket } from "../wire/checksum";
import { ETHERNET_HEADER, TYPE_IP4, etherType } from "../wire/ethernet";
import {
  IP4_HEADER, PROTOCOL_TCP, PROTOCOL_UDP, destination, headerLength, isFragment, isUnicast, protocol, source, writeHeader,
} from "../wire/ipv4";
import { UDP_CHECKSUM, UDP_HEADER } from "../wire/udp";

const NEXT_CONTINUE: u32 = 1;
const NEXT_LOOKUP: u32 = 2; // of vxlan
const NEXT_OUTPUT: u32 = 2; // of vxlan-input

const SUPER_PACKET: u32 = 0;
const NO_FRAME: u32 = 1;
const BAD_OFFLOAD: u32 = 2;
const NO_HEADROOM: u32 = 3;
const TOO_LONG: u32 = 4;
const ENCAPSULATED: u32 = 5;

const IN_SUPER_PACKET: u32 = 0;
const IN_MALFORMED: u32 = 1;
const IN_TAKEN: u32 = 2;

const CONFIG_VNI: usize = 0;
const CONFIG_LOCAL: usize = 4;
const CONFIG_REMOTE: usize = 8;
const CONFIG_INTERFACE: usize = 12;
const CONFIG_PORT: usize = 16;
const CONFIG_TTL: usize = 20;
const CONFIG_DSCP: usize = 24;

const VXLAN_HEADER: u32 = 8;
const VXLAN_FLAGS: u32 = 8; // the VNI is valid
const HEADERS: u32 = IP4_HEADER + UDP_HEADER + VXLAN_HEADER;
const TYPE_IP6: u32 = 0xdd86;
const IP6_HEADER: u32 = 40;
const NEEDS_CHECKSUM: u32 = 1; // linux/virtio_net.h
/** RFC 7348, 5: the outer source port is one of the dynamic ones. */
const FLOW_PORTS: u32 = 49152;

function encapsulate(node: usize, buffer: usize): u32 {
  if (segmentSize(buffer) != 0) return drop(node, SUPER_PACKET);
  if (!uncoverFrame(buffer)) return drop(node, NO_FRAME);
  if (!finishChecksum(buffer)) return drop(node, BAD_OFFLOAD);
  if (headroom(buffer) < HEADERS) return drop(node, NO_HEADROOM);
  const length = lengthTotal(buffer) + HEADERS;
  const remote = configU32(node, CONFIG_REMOTE);
  if (length > mtuTo(remote)) return drop(node, TOO_LONG);

  const flow = FLOW_PORTS | (flowHash(buffer) >> 18);
  advance(buffer, -<i32>HEADERS);
  const header = packetAt(buffer);
  const tos = configU32(node, CONFIG_DSCP) << 2;
  writeHeader(header, tos, length, takeIdentification(node), configU32(node, CONFIG_TTL), PROTOCOL_UDP, configU32(node, CONFIG_LOCAL), remote);
  writeTunnel(header + IP4_HEADER, flow, configU32(node, CONFIG_PORT), length - IP4_HEADER, configU32(node, CONFIG_VNI));
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL); // our own packet: the TTL is as configured, and nobody is told what becomes of it
  count(node, ENCAPSULATED);
  return NEXT_LOOKUP;
}

/** UDP's header and VXLAN's. No checksum: the inner packet has its own (RFC 7348, 5). */
function writeTunnel(udp: usize, from: u32, to: u32, length: u32, vni: u32): void {
  store<u16>(udp, bswap<u16>(<u16>from));
  store<u16>(udp, bswap<u16>(<u16>to), 2);
  store<u16>(udp, bswap<u16>(<u16>length), 4);
  store<u16>(udp, 0, 6);
  store<u32>(udp, VXLAN_FLAGS, 8);
  store<u32>(udp, bswap<u32>(vni << 8), 12);
}

/** Goes back to the Ethernet header where the packet has passed it; false: it has none, or not in one piece. */
function uncoverFrame(buffer: usize): bool {
  const l2: u32 = load<u16>(buffer, B_L2);
  const data: u32 = load<u16>(buffer, B_DATA);
  if (l2 >= <u32>BUFFER_ALIGN && l2 < data) advance(buffer, -<i32>(data - l2));
  else if (l2 == 0 && (flags(buffer) & B_FLAG_LOCAL) != 0) return false; // the router made it, and its link header is yet to come
  return lengthHere(buffer) >= ETHERNET_HEADER;
}

/** Makes the checksum that the sender left to its device; false: it has no place in the first buffer. */
function finishChecksum(buffer: usize): bool {
  if ((load<u8>(buffer, B_CSUM_FLAGS) & NEEDS_CHECKSUM) == 0) return true;
  const data: u32 = load<u16>(buffer, B_DATA);
  const start: u32 = load<u16>(buffer, B_CSUM_START);
  const offset: u32 = load<u16>(buffer, B_CSUM_OFFSET);
  const at = start + offset;
  if (start < data || at + 2 > data + lengthHere(buffer)) return false;
  const checksum = sumPacket(buffer, start - data) ^ 0xffff; // with the pseudo header's sum, which is in the field
  store<u16>(buffer + at, <u16>(checksum == 0 && offset == UDP_CHECKSUM ? 0xffff : checksum)); // to UDP, 0 is none (RFC 768)
  return true;
}

/** Longest packet on the way to an address; where there is none, ip4-lookup says so. */
function mtuTo(address: u32): u32 {
  const entry = adjacencyAt(fibLookup(address));
  return isForwarding(entry) ? adjacencyMtu(entry) : 0xffff;
}

/** The same for all packets of a flow, so that they stay in order where routers spread flows over paths. */
function flowHash(buffer: usize): u32 {
  const frame = packetAt(buffer);
  const here = lengthHere(buffer);
  const packet = frame + ETHERNET_HEADER;
  if (etherType(frame) == TYPE_IP4 && here >= ETHERNET_HEADER + IP4_HEADER) {
    const skip = headerLength(packet);
    const whole = !isFragment(packet) && here >= ETHERNET_HEADER + skip + 4;
    return mix(source(packet), destination(packet), ports(protocol(packet), packet + skip, whole));
  }
  if (etherType(frame) == TYPE_IP6 && here >= ETHERNET_HEADER + IP6_HEADER + 4) {
    const from = load<u64>(packet, 8) ^ load<u64>(packet, 16);
    const to = load<u64>(packet, 24) ^ load<u64>(packet, 32);
    return mix(<u32>(from ^ (from >> 32)), <u32>(to ^ (to >> 32)), ports(load<u8>(packet, 6), packet + IP6_HEADER, true));
  }
  return mix(load<u32>(frame, 2), load<u32>(frame, 8), load<u16>(frame) ^ <u32>load<u16>(frame, 6));
}

function ports(protocol: u32, transport: usize, readable: bool): u32 {
  return readable && (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP) ? load<u32>(transport) ^ protocol : protocol;
}

function mix(a: u32, b: u32, c: u32): u32 {
  let hash = (a ^ rotl<u32>(b, 16)) * 0x9e3779b1;
  hash = (hash ^ (hash >> 15) ^ c) * 0x85ebca77;
  return (hash ^ (hash >> 13)) * 0xc2b2ae3d;
}

/** The state is a u32, the number of packets sent: it numbers them (RFC 791, identification). */
function takeIdentification(node: usize): u32 {
  const identification = load<u32>(state(node));
  store<u32>(state(node), identification + 1);
  return identification;
}

/** Takes the tunnel's packets out of what comes to the router; all others go on. */
function decapsulate(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  const udp = header + skip;
  if (protocol(header) != PROTOCOL_UDP || isFragment(header) || lengthHere(buffer) < skip + UDP_HEADER + VXLAN_HEADER) return NEXT_CONTINUE;
  if (<u32>bswap<u16>(load<u16>(udp, 2)) != configU32(node, CONFIG_PORT)) return NEXT_CONTINUE;
  if (source(header) != configU32(node, CONFIG_REMOTE) || destination(header) != configU32(node, CONFIG_LOCAL)) return NEXT_CONTINUE;
  // Reserved bits are not looked at (RFC 7348, 5).
  if ((load<u8>(udp, 8) & VXLAN_FLAGS) == 0 || bswap<u32>(load<u32>(udp, 12)) >> 8 != configU32(node, CONFIG_VNI)) return NEXT_CONTINUE;

  if (segmentSize(buffer) != 0) return drop(node, IN_SUPER_PACKET);
  const length: u32 = bswap<u16>(load<u16>(udp, 4));
  const stripped = skip + UDP_HEADER + VXLAN_HEADER;
  if (length < UDP_HEADER + VXLAN_HEADER + ETHERNET_HEADER || skip + length > lengthTotal(buffer)) return drop(node, IN_MALFORMED);
  if (lengthHere(buffer) < stripped + ETHERNET_HEADER) return drop(node, IN_MALFORMED);
  advance(buffer, stripped);
  truncate(buffer, length - UDP_HEADER - VXLAN_HEADER);
  markEthernet(buffer);
  // Of the frame's own offloads the far end may have left us one, but the outer checksum is gone.
  if (load<u16>(buffer, B_CSUM_START) < load<u16>(buffer, B_DATA)) clearOffloads(buffer);
  setFlags(buffer, 0);
  setTxInterface(buffer, configU32(node, CONFIG_INTERFACE));
  count(node, IN_TAKEN);
  return NEXT_OUTPUT;
}

/** 1: an end's address is not one host's. */
export function configure(node: usize): i32 {
  return isUnicast(configU32(node, CONFIG_LOCAL)) && isUnicast(configU32(node, CONFIG_REMOTE)) ? 0 : 1;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "vxlan",
  packet: "encapsulate",
  next: ["error-drop", "continue", "ip4-lookup"],
  counters: [
    "super-packet: switch tso and gso off at the sender", "no Ethernet frame", "checksum to be made is not in the first buffer", "no headroom",
    "too long for the route to the far end", "encapsulated",
  ],
  state: 4,
  configure: "configure",
  config: {
    type: "object",
    required: ["vni", "local", "remote", "interface"],
    properties: {
      vni: { type: "integer", maximum: 16777215, description: "VXLAN network identifier" },
      local: { type: "string", format: "ipv4", description: "one of the router's addresses: the outer source" },
      remote: { type: "string", format: "ipv4", description: "the far end: the outer destination" },
      "interface": { type: "string", format: "interface", description: "where frames from the tunnel go" },
      port: { type: "integer", minimum: 1, maximum: 65535, "default": 4789 },
      ttl: { type: "integer", minimum: 1, maximum: 255, "default": 64 },
      dscp: { type: "integer", maximum: 63, "default": 0 },
    },
  },
});

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "vxlan-input",
  packet: "decapsulate",
  next: ["error-drop", "continue", "interface-output"],
  counters: ["super-packet: switch tso and gso off at the far end", "malformed", "decapsulated"],
  configure: "configure",
  config: {
    type: "object",
    required: ["vni", "local", "remote", "interface"],
    properties: {
      vni: { type: "integer", maximum: 16777215, description: "VXLAN network identifier" },
      local: { type: "string", format: "ipv4", description: "one of the router's addresses: the outer source" },
      remote: { type: "string", format: "ipv4", description: "the far end: the outer destination" },
      "interface": { type: "string", format: "interface", description: "where frames from the tunnel go" },
      port: { type: "integer", minimum: 1, maximum: 65535, "default": 4789 },
      ttl: { type: "integer", minimum: 1, maximum: 255, "default": 64 },
      dscp: { type: "integer", maximum: 63, "default": 0 },
    },
  },
});
