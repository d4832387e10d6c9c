// The ordinary way of a packet in one pass: what ethernet-input, ip4-input, ip4-lookup, ip4-rewrite and interface-output do one after the other
// with one that is forwarded, and these with ip4-local and icmp4-input between them with an echo request to the router. It decides and writes
// what they do. Of a packet that is in any respect not ordinary it says nothing: that stays as it came, for ethernet-input.

import {
  ADJ_MTU, ADJ_NEXT, ADJ_REWRITE, ADJ_REWRITE_LENGTH, ADJ_TX_IF, B_DATA, B_FLAGS, B_FLAG_L3_GOOD, B_FLAG_L4_GOOD,
  B_FLAG_LOCAL, B_GSO_SIZE, B_L2, B_LENGTH, B_RX_IF, B_TOTAL, GRAPH_ANSWERED, GRAPH_FORWARDED, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, IF_MAC,
  LOOKUP_NEXT_REWRITE,
} from "../abi";
import {
  clearOffloads, flags, lengthHere, lengthTotal, packetAt, rxInterface, segmentSize, setAdjacency, setFlags, setTxInterface,
} from "../sdk/buffer";
import { adjacencyAt, fibLookup, interfaceAt, interfaceFlags, interfaceIp4, interfaceTxSlot, isOwn, isOwnAdjacency, mayBeOwn } from "../sdk/tables";
import { NEXT_DROP, ODD, bufferAt, nextAt, setNext } from "../sdk/vector";
import { SUM_INTACT, sumBytes, updateChecksum } from "../wire/checksum";
import { ETHERNET_HEADER, TYPE_IP4, TYPE_VLAN, etherType } from "../wire/ethernet";
import { ICMP_ECHO_REQUEST, ICMP_HEADER, makeEchoReply } from "../wire/icmp";
import { IP4_HEADER, PROTOCOL_ICMP, PROTOCOL_TCP } from "../wire/ipv4";
import { TCP_HEADER, tcpHeaderLength } from "../wire/tcp";
import { UDP_HEADER } from "../wire/udp";

// Marks in place of a next slot, beside ODD
/** For the router itself. */
const OURS: u32 = 0xfffb;
/** Not ordinary, but perhaps of a flow whose ordinary packets must not overtake it: all packets behind it go node by node as well. */
const BARRIER: u32 = 0xfffc;
/** The least of the marks. */
const UNSENT: u32 = 0x8000;

/** Bytes 12 to 14 of a frame: type IPv4; version 4 and a header of five words. */
const PLAIN_IP4: u32 = 0x450008;
const HEADERS: u32 = ETHERNET_HEADER + IP4_HEADER;
const UNCHECKED: u32 = ~(B_FLAG_L3_GOOD | B_FLAG_L4_GOOD);
const UP: u32 = IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP;
const REPLY_TTL: u32 = 64;
/**
 * A sum of words that is not 0 folds to SUM_INTACT if it is a multiple of 65535. Multiplied by the inverse of 65535 modulo 2^64 the multiples
 * become the numbers from 0 on, and all others are above these.
 */
const PER_65535: u64 = 0xfffefffefffeffff;
const MULTIPLES: u64 = 0x0001000100010001;
/** Packets of a burst whose destinations tell what the others' are like. */
const PROBES: u32 = 8;

/**
 * Takes the n packets of a frame that a port has filled: gives those it can send the next slots of interface-output, the others ODD, and says in
 * GRAPH_FORWARDED and GRAPH_ANSWERED, which are 0 before, how many they are. `echo`: whether echo requests are answered.
 */
export function passOrdinary(graph: usize, frame: usize, n: u32, echo: bool): void {
  const rx = rxInterface(bufferAt(frame, 0));
  const port = interfaceAt(rx);
  if ((interfaceFlags(port) & IF_FLAG_ADMIN_UP) == 0) return; // ethernet-input takes none of it
  const mac = load<u64>(port, IF_MAC);
  let own: u32 = 0; // an address that is known to be the router's
  if (n >= PROBES) {
    if (isScattered(frame, n)) fetchRoutes(frame, n);
    const primary = interfaceIp4(port);
    if (isOwn(primary)) own = primary;
  }
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = pass(bufferAt(frame, i), rx, mac, own);
    if (slot == BARRIER) {
      slots |= passMixed(frame, i, n, rx, mac, own);
      break;
    }
    setNext(frame, i, slot);
    slots |= slot;
  }
  store<u32>(graph, n, GRAPH_FORWARDED);
  store<u32>(graph, 0, GRAPH_ANSWERED);
  if (slots >= UNSENT) settle(graph, frame, n, echo);
}

/** Whether most destinations lie in different parts of the FIB, so that a packet's route may have to be fetched from afar. */
// @ts-ignore: decorator
@inline
function isScattered(frame: usize, n: u32): bool {
  let before: u32 = 0;
  let changes: u32 = 0;
  for (let i: u32 = 0; i < PROBES; i++) {
    const prefix = load<u32>(packetAt(bufferAt(frame, i * n / PROBES)), ETHERNET_HEADER + 16) & 0xffff;
    changes += u32(prefix != before);
    before = prefix;
  }
  return changes > PROBES / 2;
}

/** Looks all routes up once: with nothing else to do between them the processor fetches many at a time, and then they are near. */
// @ts-ignore: decorator
@inline
function fetchRoutes(frame: usize, n: u32): void {
  let all: u32 = 0;
  for (let i: u32 = 0; i < n; i++) all |= fibLookup(load<u32>(packetAt(bufferAt(frame, i)), ETHERNET_HEADER + 16));
  fetched = all;
}
/** So that the compiler does not leave it out. */
let fetched: u32 = 0;

/** The rest of a burst from packet i on, which may be in pieces; gives all slots, or-ed together. A loop of its own, for there is a call in it. */
function passMixed(frame: usize, i: u32, n: u32, rx: u32, mac: u64, own: u32): u32 {
  let slots: u32 = 0;
  for (; i < n; i++) {
    const buffer = bufferAt(frame, i);
    const isWhole = lengthHere(buffer) == lengthTotal(buffer) && segmentSize(buffer) == 0;
    const slot = isWhole ? pass(buffer, rx, mac, own) : passPieces(buffer, rx, mac);
    slots |= slot;
    if (slot == BARRIER) break;
    setNext(frame, i, slot);
  }
  for (; i < n; i++) setNext(frame, i, ODD);
  return slots;
}

/** A packet all the way, without a call, so that the loop keeps everything in registers. */
// @ts-ignore: decorator
@inline
function pass(buffer: usize, rx: u32, mac: u64, own: u32): u32 {
  const arrived = lengthTotal(buffer);
  if (lengthHere(buffer) != arrived) return BARRIER; // a chain
  if (arrived < HEADERS) return ODD;
  if (rxInterface(buffer) != rx) return BARRIER;
  const packet = packetAt(buffer);
  if ((load<u32>(packet, 12) & 0xffffff) != PLAIN_IP4) return unlike(packet);
  if ((load<u64>(packet) ^ mac) << 16 != 0) return ODD;
  if ((flags(buffer) & UNCHECKED) != 0) return BARRIER;
  if (segmentSize(buffer) != 0) return BARRIER;
  const first = load<u32>(packet, ETHERNET_HEADER);
  const length = ((first >> 8) & 0xff00) | (first >> 24);
  if (length - IP4_HEADER > arrived - HEADERS) return ODD; // longer than what came, or shorter than a header
  return forward(buffer, packet, first, length, length, length + ETHERNET_HEADER, rx, own);
}

/** A super-packet, or one in several buffers, with its headers in the first of them. What it is not sure of is a BARRIER. */
function passPieces(buffer: usize, rx: u32, mac: u64): u32 {
  const here = lengthHere(buffer);
  if (here < HEADERS + TCP_HEADER) return BARRIER;
  if (rxInterface(buffer) != rx) return BARRIER;
  const packet = packetAt(buffer);
  if ((load<u32>(packet, 12) & 0xffffff) != PLAIN_IP4) return BARRIER;
  if ((load<u64>(packet) ^ mac) << 16 != 0) return BARRIER;
  if ((flags(buffer) & UNCHECKED) != 0) return BARRIER;
  const first = load<u32>(packet, ETHERNET_HEADER);
  const length = ((first >> 8) & 0xff00) | (first >> 24);
  if (length + ETHERNET_HEADER != lengthTotal(buffer)) return BARRIER;
  let longest = length;
  const segment = segmentSize(buffer);
  if (segment != 0) {
    const isTcp = load<u8>(packet, ETHERNET_HEADER + 9) == PROTOCOL_TCP;
    longest = IP4_HEADER + (isTcp ? tcpHeaderLength(packet + HEADERS) : UDP_HEADER) + segment;
  }
  const slot = forward(buffer, packet, first, length, longest, here, rx, 0);
  return slot < UNSENT ? slot : BARRIER;
}

/**
 * Judges the header of a packet of `length` bytes and sends it on; `first`: the header's first word, `longest`: bytes of the longest packet that it
 * is or will be cut into, `here`: bytes of the frame in its first buffer.
 */
// @ts-ignore: decorator
@inline
function forward(buffer: usize, packet: usize, first: u32, length: u32, longest: u32, here: u32, rx: u32, own: u32): u32 {
  const ttl = load<u32>(packet, ETHERNET_HEADER + 8); // checksum << 16 | protocol << 8 | TTL
  const from = load<u32>(packet, ETHERNET_HEADER + 12);
  const to = load<u32>(packet, ETHERNET_HEADER + 16);
  const sum = <u64>first + <u64>load<u32>(packet, ETHERNET_HEADER + 4) + <u64>ttl + <u64>from + <u64>to;
  if (sum * PER_65535 > MULTIPLES) return wrongSum(buffer);
  if ((from & 0xff) == 127) return ODD;
  if ((from & 0xff) - 1 >= 223) return ODD;
  if (mayBeOwn(from)) return ODD;
  if ((to & 0xff) == 127) return ODD;
  if ((to & 0xff) - 1 >= 223) return ODD;
  if (to == own) return OURS;

  const index = fibLookup(to);
  const adjacency = adjacencyAt(index);
  if (load<u16>(adjacency, ADJ_NEXT) != LOOKUP_NEXT_REWRITE) return isOwnAdjacency(adjacency) ? OURS : ODD;
  const tx: u32 = load<u16>(adjacency, ADJ_TX_IF);
  if (tx == rx) return ODD; // a redirect may be due
  if ((ttl & 0xff) <= 1) return ODD;
  const slot = slotTo(adjacency, longest, tx);
  if (slot >= UNSENT) return slot;
  store<u32>(packet, ttl + 0xffff + (u32(ttl >= 0xfffe0000) << 16), ETHERNET_HEADER + 8); // decrementTtl() of wire/ipv4
  finish(buffer, packet, length, here, adjacency, index, tx);
  return slot;
}

/** No IPv4 header of five words: one with options may belong to a flow of others without, and so may one with a priority. */
// @ts-ignore: decorator
@inline
function unlike(packet: usize): u32 {
  const type = etherType(packet);
  if (type == TYPE_IP4) return BARRIER;
  return type == TYPE_VLAN ? BARRIER : ODD;
}

/** The device may say all the same that the sum is right. */
// @ts-ignore: decorator
@inline
function wrongSum(buffer: usize): u32 { return (flags(buffer) & B_FLAG_L3_GOOD) != 0 ? BARRIER : ODD; }

/** Slot of interface-output for a packet of `length` bytes to a known neighbour; ODD: it cannot go there, or not as it is. */
// @ts-ignore: decorator
@inline
function slotTo(adjacency: usize, length: u32, tx: u32): u32 {
  if (load<u8>(adjacency, ADJ_REWRITE_LENGTH) != ETHERNET_HEADER) return ODD;
  if (length > <u32>load<u16>(adjacency, ADJ_MTU)) return ODD;
  const port = interfaceAt(tx);
  if ((interfaceFlags(port) & UP) != UP) return ODD;
  const slot = interfaceTxSlot(port);
  return slot == NEXT_DROP ? ODD : slot;
}

/** The link header, and what is known of the packet now: it is as long as its header says, padding is cut off; `here`: of its first buffer. */
// @ts-ignore: decorator
@inline
function finish(buffer: usize, packet: usize, length: u32, here: u32, adjacency: usize, index: u32, tx: u32): void {
  store<u64>(packet, load<u64>(adjacency, ADJ_REWRITE));
  store<u64>(packet, load<u64>(adjacency, ADJ_REWRITE + 6), 6);
  store<u16>(buffer, <u16>here, B_LENGTH);
  store<u32>(buffer, length + ETHERNET_HEADER, B_TOTAL);
  setTxInterface(buffer, tx);
  store<u16>(buffer, load<u16>(buffer, B_DATA), B_L2);
  setAdjacency(buffer, index);
}

/** Answers what can be answered, and counts. Many requests come from one sender: its route is looked up once. */
function settle(graph: usize, frame: usize, n: u32, echo: bool): void {
  let odd: u32 = 0;
  let answered: u32 = 0;
  let sender: u32 = 0;
  let index: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const mark = nextAt(frame, i);
    if (mark != OURS) {
      odd += u32(mark == ODD);
      continue;
    }
    const buffer = bufferAt(frame, i);
    const packet = packetAt(buffer);
    const from = load<u32>(packet, ETHERNET_HEADER + 12);
    if (from != sender) {
      sender = from;
      index = fibLookup(from);
    }
    const slot = echo ? answer(buffer, packet, index) : ODD;
    setNext(frame, i, slot);
    if (slot == ODD) odd++;
    else answered++;
  }
  store<u32>(graph, n - odd - answered, GRAPH_FORWARDED);
  store<u32>(graph, answered, GRAPH_ANSWERED);
}

/** An echo request whose headers have been judged becomes its reply (icmp4-input), if the way back (adjacency `index`) is to a known neighbour. */
// @ts-ignore: decorator
@inline
function answer(buffer: usize, packet: usize, index: u32): u32 {
  const header = packet + ETHERNET_HEADER;
  const message = header + IP4_HEADER;
  const length = <u32>bswap<u16>(load<u16>(header, 2));
  if (length < IP4_HEADER + ICMP_HEADER) return ODD;
  const word = load<u32>(header, 8); // checksum << 16 | protocol << 8 | TTL
  if ((word >> 8 & 0xff) != PROTOCOL_ICMP) return ODD;
  const fragment: u32 = load<u16>(header, 6);
  if ((fragment & 0xff3f) != 0) return ODD;
  if (load<u8>(message) != ICMP_ECHO_REQUEST) return ODD;
  const adjacency = adjacencyAt(index);
  if (load<u16>(adjacency, ADJ_NEXT) != LOOKUP_NEXT_REWRITE) return ODD;
  const tx: u32 = load<u16>(adjacency, ADJ_TX_IF);
  const slot = slotTo(adjacency, length, tx);
  if (slot >= UNSENT) return slot;
  if (sumBytes(message, length - IP4_HEADER) != SUM_INTACT) return ODD;

  makeEchoReply(message);
  store<u64>(header, rotl<u64>(load<u64>(header, 12), 32), 12);
  const whole = updateChecksum(word >> 16, fragment, 0); // the way back may have a smaller MTU
  store<u16>(header, 0, 6);
  const kept = (word & 0xff00) | REPLY_TTL;
  store<u32>(header, kept | (updateChecksum(whole, word & 0xffff, kept) << 16), 8);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  finish(buffer, packet, length, length + ETHERNET_HEADER, adjacency, index, tx);
  return slot;
}
