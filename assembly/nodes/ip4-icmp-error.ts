// Turns a packet into the ICMP error about it (RFC 792; RFC 1812, 4.3.2): an IP and an ICMP header before
// it, its tail cut off. What to send, requestIcmp left in the buffer.

import { B_FLAG_LINK_BROADCAST, B_FLAG_LOCAL, LOOKUP_NEXT_LOCAL, NODE_STATE, OWN_HASH } from "../abi";
import {
  advance, clearOffloads, flags, headroom, lengthHere, lengthTotal, packetAt, requestedIcmp, requestedIcmpData, rxInterface, setFlags, truncate,
} from "../sdk/buffer";
import { mayLeave, mayReachDestination } from "../sdk/icmp-limits";
import { now } from "../sdk/imports";
import { adjacencyAt, adjacencyNext, adjacencyTxInterface, fibLookup, interfaceAt, interfaceIp4, isBroadcastAdjacency } from "../sdk/tables";
import { bufferAt, drop, setNext } from "../sdk/vector";
import { sumPacket } from "../wire/checksum";
import {
  CODE_FRAGMENTATION_NEEDED, ICMP_HEADER, ICMP_REDIRECT, ICMP_UNREACHABLE, icmpType, isErrorType, setIcmpChecksum, writeErrorHeader,
} from "../wire/icmp";
import {
  IP4_HEADER, PROTOCOL_ICMP, destination, headerLength, isLaterFragment, isUnicast, protocol, source, typeOfService, writeHeader,
} from "../wire/ipv4";

const NEXT_LOOKUP: u32 = 1;

const ABOUT_OWN: u32 = 0;
const ABOUT_ERROR: u32 = 1;
const ABOUT_FRAGMENT: u32 = 2;
const ABOUT_BROADCAST: u32 = 3;
const BAD_SOURCE: u32 = 4;
const NO_ADDRESS: u32 = 5;
const NO_HEADROOM: u32 = 6;
const TOO_MANY_TO_ONE: u32 = 7;
const TOO_MANY: u32 = 8;

const HEADERS: u32 = IP4_HEADER + ICMP_HEADER;
/** RFC 1812, 4.3.2.3: as much of the original as fits in 576 bytes. */
const QUOTE_MAX: u32 = 576 - HEADERS;
const ERROR_TTL: u32 = 64;
// RFC 1812, 4.3.2.5: precedence 6, internetwork control, and the TOS bits (RFC 1349) of the packet.
const ERROR_PRECEDENCE: u32 = 0xc0;
const TOS_BITS: u32 = 0x1e;

// The state
//
//   0                4      8 ......... 15   16 .............................. 4111
//   +----------------+------+---------------+---------------------------------+
//   | errors sent    |  -   | bucket of all | 256 destinations, 16 bytes each |    { u32 address, u32 -, bucket }
//   +----------------+------+---------------+---------------------------------+
const STATE_BUCKET: usize = NODE_STATE + 8;
const STATE_DESTINATIONS: usize = NODE_STATE + 16;
const DESTINATION_SHIFT: u32 = 24;
const DESTINATION_SIZE: usize = 16;
const DESTINATION_BUCKET: usize = 8;

export function ip4IcmpError(node: usize, frame: usize, n: u32): void {
  const time = now();
  for (let i: u32 = 0; i < n; i++) {
    const buffer = bufferAt(frame, i);
    let refused = forbidden(buffer);
    if (refused < 0) refused = limited(node, buffer, time);
    setNext(frame, i, refused < 0 ? send(node, buffer) : drop(node, refused));
  }
}

/** RFC 1812, 4.3.2.7: the counter of the reason why no error may be sent about this packet; -1: it may. */
function forbidden(buffer: usize): i32 {
  const header = packetAt(buffer);
  if ((flags(buffer) & B_FLAG_LOCAL) != 0) return ABOUT_OWN;
  if (isLaterFragment(header)) return ABOUT_FRAGMENT;
  if (protocol(header) == PROTOCOL_ICMP && mayBeError(buffer, header)) return ABOUT_ERROR;
  if ((flags(buffer) & B_FLAG_LINK_BROADCAST) != 0 || !isHost(destination(header))) return ABOUT_BROADCAST;
  if (!isHost(source(header))) return BAD_SOURCE;
  if (addressToward(source(header), buffer) == 0) return NO_ADDRESS;
  if (headroom(buffer) < HEADERS) return NO_HEADROOM;
  return -1;
}

/** Whether an ICMP message is an error, or too short to tell. */
function mayBeError(buffer: usize, header: usize): bool {
  const skip = headerLength(header);
  return lengthHere(buffer) <= skip || isErrorType(icmpType(header + skip));
}

/** Whether an address is one host's: neither special nor a broadcast address that the host marked. */
function isHost(address: u32): bool {
  return isUnicast(address) && !isBroadcastAdjacency(adjacencyAt(fibLookup(address)));
}

/**
 * RFC 1812, 4.3.2.8: the counter of the limit that is reached; -1: none. A path MTU is told to whoever asks (RFC 1191), else its connection hangs;
 * a redirect is no error, and whoever asks for one limits it (RFC 1812, 5.2.7.2).
 * A destination takes the place of another that has the same hash: the limit for all of them bounds what a forger of many gets out of that.
 */
function limited(node: usize, buffer: usize, time: f64): i32 {
  const message = requestedIcmp(buffer);
  if (message == (ICMP_UNREACHABLE << 8 | CODE_FRAGMENTATION_NEEDED) || message >> 8 == ICMP_REDIRECT) return -1;
  const to = source(packetAt(buffer));
  const place = node + STATE_DESTINATIONS + <usize>((to * <u32>OWN_HASH) >> DESTINATION_SHIFT) * DESTINATION_SIZE;
  if (load<u32>(place) != to) {
    store<u32>(place, to);
    store<f64>(place, 0, DESTINATION_BUCKET);
  }
  if (!mayReachDestination(place + DESTINATION_BUCKET, time)) return TOO_MANY_TO_ONE;
  return mayLeave(node + STATE_BUCKET, time) ? -1 : TOO_MANY;
}

/**
 * RFC 1812, 4.3.2.4: an address of the interface that the error leaves by; 0: none. Where that has none, and where a NAT has given the packet
 * the router's own address and will take the error back, of the interface that the packet came by.
 */
function addressToward(to: u32, buffer: usize): u32 {
  const entry = adjacencyAt(fibLookup(to));
  const leaving = adjacencyNext(entry) == LOOKUP_NEXT_LOCAL ? 0 : interfaceIp4(interfaceAt(adjacencyTxInterface(entry)));
  return leaving != 0 ? leaving : interfaceIp4(interfaceAt(rxInterface(buffer)));
}

function send(node: usize, buffer: usize): u32 {
  const original = packetAt(buffer);
  const to = source(original);
  const from = addressToward(to, buffer);
  const tos = ERROR_PRECEDENCE | (typeOfService(original) & TOS_BITS);
  truncate(buffer, min(lengthTotal(buffer), QUOTE_MAX));
  advance(buffer, -<i32>HEADERS);
  const header = original - HEADERS;
  writeHeader(header, tos, lengthTotal(buffer), takeIdentification(node), ERROR_TTL, PROTOCOL_ICMP, from, to);
  const message = header + IP4_HEADER;
  writeErrorHeader(message, requestedIcmp(buffer), requestedIcmpData(buffer));
  setIcmpChecksum(message, sumPacket(buffer, IP4_HEADER) ^ 0xffff);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  return NEXT_LOOKUP;
}

/** The number of errors sent numbers the packets (RFC 791, identification). */
function takeIdentification(node: usize): u32 {
  const identification = load<u32>(node, NODE_STATE);
  store<u32>(node, identification + 1, NODE_STATE);
  return identification;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-icmp-error",
  process: "ip4IcmpError",
  next: ["error-drop", "ip4-lookup"],
  counters: [
    "about a packet of the router's own", "about an ICMP error", "about a later fragment", "about a broadcast or multicast",
    "source not one host", "no source address for it", "no headroom", "rate limited for the destination", "rate limited",
  ],
  state: 4112,
  trace: { layer: "ip4", packet: ["icmp-error"] },
});
