// Answers ARP requests for the router's own addresses, and as a proxy (RFC 1027) where it is told to, and tells the host what it heard
// about neighbours (RFC 826, "Packet Reception"; RFC 5227). What is to be learned goes into a ring in the node's state,
// drawn in abi.ts: the packet itself is sent back or dropped.

import {
  ADJ_BROADCAST, ARP_LEARN_COUNT, ARP_LEARN_ENTRIES, ARP_LEARN_ENTRY_SIZE, ARP_LEARN_IF, ARP_LEARN_IP4, ARP_LEARN_MAC, ARP_LEARN_READ,
  ARP_LEARN_WRITTEN, IF_FLAG_PROXY_ARP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE, NODE_STATE,
} from "../abi";
import { advance, lengthHere, packetAt, rxInterface, setTxInterface, truncate } from "../sdk/buffer";
import {
  adjacencyAt, adjacencyNext, adjacencyNextHop, adjacencyRewrite, adjacencyTxInterface, fibLookup, interfaceAt, interfaceFlags, interfaceMac,
  isForwarding, isOwnAdjacency,
} from "../sdk/tables";
import { bufferAt, count, drop, setNext } from "../sdk/vector";
import {
  ARP_ETHERNET, ARP_IP4, ARP_LENGTHS, ARP_PACKET, ARP_REPLY, ARP_REQUEST, addressLengths, hardwareType, makeReply, operation, protocolType,
  senderIp4, senderMac, targetIp4, targetMac,
} from "../wire/arp";
import { ETHERNET_HEADER, TYPE_ARP, isGroup, isZeroMac, sameMac, writeHeader } from "../wire/ethernet";
import { isUnicast } from "../wire/ipv4";

const NEXT_OUTPUT: u32 = 1;

const TOO_SHORT: u32 = 0;
const HARDWARE_TYPE: u32 = 1;
const PROTOCOL_TYPE: u32 = 2;
const ADDRESS_LENGTHS: u32 = 3;
const OPERATION: u32 = 4;
const SENDER_MAC: u32 = 5;
const SENDER_IP4: u32 = 6;
const OWN_FRAME: u32 = 7;
const CONFLICT: u32 = 8;
const NOT_FOR_US: u32 = 9;
const REPLY_TAKEN: u32 = 10;
const RING_FULL: u32 = 11;
const PROXY: u32 = 12;

export function arpInput(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const buffer = bufferAt(frame, i);
    const refused = malformed(buffer);
    setNext(frame, i, refused < 0 ? receive(node, buffer) : drop(node, refused));
  }
}

/** The counter of what is wrong with the packet; -1: nothing. */
function malformed(buffer: usize): i32 {
  if (lengthHere(buffer) < ARP_PACKET) return TOO_SHORT;
  const arp = packetAt(buffer);
  if (hardwareType(arp) != ARP_ETHERNET) return HARDWARE_TYPE;
  if (protocolType(arp) != ARP_IP4) return PROTOCOL_TYPE;
  if (addressLengths(arp) != ARP_LENGTHS) return ADDRESS_LENGTHS;
  if (operation(arp) != ARP_REQUEST && operation(arp) != ARP_REPLY) return OPERATION;
  if (isGroup(senderMac(arp)) || isZeroMac(senderMac(arp))) return SENDER_MAC;
  // RFC 1122, 3.2.1.3: nobody has such an address, but a probe comes from 0.0.0.0 (RFC 5227, 1.1). The frame's own source says nothing:
  // bridges, VRRP and proxies send for others.
  if (senderIp4(arp) != 0 && !isUnicast(senderIp4(arp))) return SENDER_IP4;
  return -1;
}

function receive(node: usize, buffer: usize): u32 {
  const arp = packetAt(buffer);
  const rx = rxInterface(buffer);
  const mac = interfaceMac(interfaceAt(rx));
  // Our own frame, or one in our name: what we sent to such a neighbour would come back at best.
  if (sameMac(senderMac(arp), mac)) return drop(node, OWN_FRAME);
  // RFC 5227, 2.4: somebody else uses our address. It must not enter the table.
  const sender = adjacencyAt(fibLookup(senderIp4(arp)));
  if (isOwn(sender, rx)) return drop(node, CONFLICT);

  const request = operation(arp) == ARP_REQUEST;
  const target = adjacencyAt(fibLookup(targetIp4(arp)));
  const own = isOwn(target, rx);
  // A reply may be to an address of another interface: one without an address of its own asks in the name of such.
  const forUs = own || (request ? isProxied(arp, sender, target, rx) : isOwnAdjacency(target));
  if (isNews(arp, sender, rx, forUs, request)) learn(node, arp, rx);
  if (!forUs) return drop(node, NOT_FOR_US);
  if (!request) return drop(node, REPLY_TAKEN);

  if (!own) count(node, PROXY);
  // A probe (RFC 5227, 1.1) has sender address 0 and is answered all the same, with target address 0.
  truncate(buffer, ARP_PACKET);
  makeReply(arp, mac);
  advance(buffer, -<i32>ETHERNET_HEADER);
  writeHeader(packetAt(buffer), targetMac(arp), mac, TYPE_ARP);
  setTxInterface(buffer, rx);
  return NEXT_OUTPUT;
}

/** Whether the adjacency is that of one of the router's addresses on this interface. */
// @ts-ignore: decorator
@inline
function isOwn(entry: usize, rx: u32): bool {
  return adjacencyNext(entry) == LOOKUP_NEXT_LOCAL && adjacencyTxInterface(entry) == rx && adjacencyNextHop(entry) != <u32>ADJ_BROADCAST;
}

/**
 * RFC 1027: whether a host of this link asks for an address to which we have a route by another interface. Never for a probe: it looks for
 * others on the link that have its address (RFC 5227, 1.1).
 */
function isProxied(arp: usize, sender: usize, target: usize, rx: u32): bool {
  if ((interfaceFlags(interfaceAt(rx)) & IF_FLAG_PROXY_ARP) == 0 || senderIp4(arp) == 0) return false;
  if (adjacencyTxInterface(sender) != rx || !isForwarding(sender)) return false;
  if (adjacencyTxInterface(target) == rx || !isUnicast(targetIp4(arp))) return false;
  return isForwarding(target) || (adjacencyNext(target) == LOOKUP_NEXT_LOCAL && adjacencyNextHop(target) != <u32>ADJ_BROADCAST);
}

/**
 * Whether the host should hear of the sender. A known neighbour is updated by whatever it sends (RFC 826, the merge flag); an unknown
 * one is learned only if it speaks to us. A reply to us is told even if it says nothing new: it confirms that the neighbour is there.
 */
function isNews(arp: usize, entry: usize, rx: u32, forUs: bool, request: bool): bool {
  // On this link: covered by a connected prefix, not by a route through a gateway.
  const nextHop = adjacencyNextHop(entry);
  if (adjacencyTxInterface(entry) != rx || (nextHop != 0 && nextHop != senderIp4(arp))) return false;
  const next = adjacencyNext(entry);
  if (next == LOOKUP_NEXT_GLEAN) return forUs;
  if (next != LOOKUP_NEXT_REWRITE) return false;
  return (forUs && !request) || !sameMac(senderMac(arp), adjacencyRewrite(entry));
}

function learn(node: usize, arp: usize, rx: u32): void {
  const state = node + NODE_STATE;
  const written = load<u32>(state, ARP_LEARN_WRITTEN);
  if (written - load<u32>(state, ARP_LEARN_READ) >= <u32>ARP_LEARN_COUNT) return count(node, RING_FULL);
  const entry = state + ARP_LEARN_ENTRIES + <usize>(written % ARP_LEARN_COUNT) * <usize>ARP_LEARN_ENTRY_SIZE;
  store<u32>(entry, senderIp4(arp), ARP_LEARN_IP4);
  store<u32>(entry, load<u32>(senderMac(arp)), ARP_LEARN_MAC);
  store<u16>(entry, load<u16>(senderMac(arp), 4), ARP_LEARN_MAC + 4);
  store<u16>(entry, <u16>rx, ARP_LEARN_IF);
  store<u32>(state, written + 1, ARP_LEARN_WRITTEN);
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "arp-input",
  process: "arpInput",
  next: ["error-drop", "interface-output"],
  counters: [
    "packet too short", "hardware type not Ethernet", "protocol type not IPv4", "address lengths not 6 and 4", "neither request nor reply",
    "sender MAC zero or a group address", "sender address that no host can have", "own frame came back", "address conflict",
    "not for an own address", "reply taken", "learn ring full", "answered for a host behind another interface",
  ],
  state: 4112,
  trace: { layer: "arp" },
});
