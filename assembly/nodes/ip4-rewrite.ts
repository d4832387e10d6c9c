// Forwards: TTL (RFC 1812, 5.3.1), MTU (RFC 1191, 4), options that ask for the router's address or time, and the link header before the packet.

import { ADJ_MTU, ADJ_REWRITE, BUFFER_ALIGN, B_DATA, B_FLAG_LOCAL, B_FLAG_OPTIONS } from "../abi";
import {
  adjacency, advance, flags, headroom, lengthHere, lengthTotal, packetAt, requestIcmp, segmentSize, rxInterface, txInterface,
} from "../sdk/buffer";
import { adjacencyAt, adjacencyMtu, adjacencyRewrite, adjacencyRewriteLength, interfaceAt, interfaceIp4, isOwn } from "../sdk/tables";
import { ODD, bufferAt, count, drop, nextAt, setNext } from "../sdk/vector";
import { timeOfDay } from "../sdk/icmp-limits";
import { now } from "../sdk/imports";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { CODE_FRAGMENTATION_NEEDED, CODE_TTL_EXCEEDED, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from "../wire/icmp";
import { PROTOCOL_TCP, decrementTtl, dontFragment, headerLength, protocol, timeToLive } from "../wire/ipv4";
import { askedAddress, registerInOptions } from "../wire/options";
import { TCP_HEADER, tcpHeaderLength } from "../wire/tcp";
import { UDP_HEADER } from "../wire/udp";

/** What strips an Ethernet header when it is added to data, here and total (sdk/buffer.ts, advance()). */
const STRIP: u64 = 14 - (14 << 16) - (14 << 32);

const NEXT_OUTPUT: u32 = 1;
const NEXT_ICMP_ERROR: u32 = 2;
const NEXT_FRAGMENT: u32 = 3;

const TTL_EXPIRED: u32 = 0;
const FRAGMENTATION_NEEDED: u32 = 1;
const BAD_SUPER_PACKET: u32 = 2;
const NO_HEADROOM: u32 = 3;
const NO_LINK_HEADER: u32 = 4;

export function ip4Rewrite(node: usize, frame: usize, n: u32): void {
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = ordinary(bufferAt(frame, i));
    setNext(frame, i, slot);
    slots |= slot;
  }
  if (slots == NEXT_OUTPUT) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, rewrite(node, bufferAt(frame, i)));
}

/** A packet without options that fits, to an Ethernet neighbour. */
// @ts-ignore: decorator
@inline
function ordinary(buffer: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA); // data, here, total
  const entry = adjacencyAt(adjacency(buffer));
  const limits = load<u32>(entry, ADJ_MTU); // MTU, rewrite length, ICMP code
  if ((limits >> 16 & 0xff) != ETHERNET_HEADER) return ODD;
  if (<u32>(lengths >> 32) > (limits & 0xffff)) return ODD;
  if ((<u32>lengths & 0xffff) < <u32>BUFFER_ALIGN + ETHERNET_HEADER) return ODD;
  if (segmentSize(buffer) != 0) return ODD;
  const header = buffer + <usize>(lengths & 0xffff);
  const marks = flags(buffer);
  if ((marks & (B_FLAG_LOCAL | B_FLAG_OPTIONS)) == 0) {
    if (timeToLive(header) <= 1) return ODD;
    decrementTtl(header);
  } else if ((marks & B_FLAG_OPTIONS) != 0) {
    return ODD;
  }
  // The link header, and two bytes as they are: one store
  v128.store(header - ETHERNET_HEADER, v128.load_lane<u16>(header, v128.load(entry, ADJ_REWRITE), 7));
  store<u64>(buffer, lengths - STRIP, B_DATA);
  return NEXT_OUTPUT;
}

function rewrite(node: usize, buffer: usize): u32 {
  const entry = adjacencyAt(adjacency(buffer));
  const header = packetAt(buffer);
  const plain = (flags(buffer) & (B_FLAG_LOCAL | B_FLAG_OPTIONS)) == 0;
  if (timeToLive(header) <= 1 && !isLocal(buffer)) return expire(node, buffer);
  const length = segmentSize(buffer) == 0 ? lengthTotal(buffer) : segmentLength(buffer, header);
  if (length > adjacencyMtu(entry)) return tooLong(node, buffer, header, length, adjacencyMtu(entry));
  const size = adjacencyRewriteLength(entry);
  if (headroom(buffer) < size) return drop(node, NO_HEADROOM);
  // The host may have taken the neighbour away since ip4-lookup ran.
  if (size == 0) return drop(node, NO_LINK_HEADER);

  if (plain) decrementTtl(header);
  else if (!isLocal(buffer)) register(buffer, header);
  if (size == ETHERNET_HEADER) putEthernet(buffer, header, adjacencyRewrite(entry));
  else putOther(buffer, header, adjacencyRewrite(entry), size);
  return NEXT_OUTPUT;
}

/** Whether the router itself has made the packet. */
function isLocal(buffer: usize): bool { return (flags(buffer) & B_FLAG_LOCAL) != 0; }

/**
 * RFC 1812, 5.3.13.5 and 5.3.13.6: the address of record route is that of the way on; a timestamp is of the arrival, and so is its address.
 */
function register(buffer: usize, header: usize): void {
  decrementTtl(header);
  const length = headerLength(header);
  if (length > lengthHere(buffer)) return; // a node that stands between has changed it
  const route = interfaceIp4(interfaceAt(txInterface(buffer)));
  const arrival = interfaceIp4(interfaceAt(rxInterface(buffer)));
  const asked = askedAddress(header, length);
  registerInOptions(header, length, route, arrival, timeOfDay(now()), asked != 0 && isOwn(asked), true);
}

/** Puts 14 bytes before the packet: two copies of 8 that overlap. */
// @ts-ignore: decorator
@inline
function putEthernet(buffer: usize, header: usize, from: usize): void {
  advance(buffer, -<i32>ETHERNET_HEADER);
  const to = header - ETHERNET_HEADER;
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 6), 6);
}

/** Puts a link header of any other length before the packet. */
function putOther(buffer: usize, header: usize, from: usize, size: u32): void {
  advance(buffer, -<i32>size);
  for (let i: u32 = 0; i < size; i++) store<u8>(header - size + i, load<u8>(from + i));
}

/**
 * Bytes of the IP packet that each full segment of a super-packet will be; over any MTU if the transport header is not whole.
 * It is read from the headers: the kernel's hdr_len is how much of the packet was linear, not how long the headers are.
 */
function segmentLength(buffer: usize, header: usize): u32 {
  const ip = headerLength(header);
  if (protocol(header) != PROTOCOL_TCP) return ip + UDP_HEADER + segmentSize(buffer);
  if (lengthHere(buffer) < ip + TCP_HEADER) return u32.MAX_VALUE;
  return ip + tcpHeaderLength(header + ip) + segmentSize(buffer);
}

function expire(node: usize, buffer: usize): u32 {
  count(node, TTL_EXPIRED);
  requestIcmp(buffer, ICMP_TIME_EXCEEDED, CODE_TTL_EXCEEDED);
  return NEXT_ICMP_ERROR;
}

function tooLong(node: usize, buffer: usize, header: usize, length: u32, mtu: u32): u32 {
  if (length == u32.MAX_VALUE) return drop(node, BAD_SUPER_PACKET);
  if (!dontFragment(header)) return NEXT_FRAGMENT; // whose fragments come back here
  count(node, FRAGMENTATION_NEEDED);
  requestIcmp(buffer, ICMP_UNREACHABLE, CODE_FRAGMENTATION_NEEDED, mtu); // RFC 1191, 4: the MTU in the low half
  return NEXT_ICMP_ERROR;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-rewrite",
  process: "ip4Rewrite",
  next: ["error-drop", "interface-output", "ip4-icmp-error", "ip4-fragment"],
  counters: [
    "TTL expired", "fragmentation needed but not allowed", "malformed super-packet", "no headroom", "no link header",
  ],
  trace: { layer: "ip4", packet: ["tx-interface"] },
});
