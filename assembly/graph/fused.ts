// The ordinary way of a packet in one pass: what ethernet-input, ip4-input, ip4-lookup, ip4-rewrite and interface-output do one after the other
// with one that is forwarded, and these with ip4-local and icmp4-input between them with an echo request to the router. It decides and writes
// what they do. Of a packet that is in any respect not ordinary it says nothing: that stays as it came, for ethernet-input.

import {
  ADJ_BROADCAST, ADJ_NEXT_HOP, ADJ_REWRITE, B_ADJ, B_DATA, B_FLAGS, B_FLAG_L3_GOOD, B_FLAG_L4_GOOD, B_FLAG_LOCAL, B_GSO_SIZE, B_RX_IF, B_TX_IF,
  GRAPH_ANSWERED, GRAPH_FORWARDED, GRAPH_STAGE, GRAPH_STAGE_SIZE, IF_FLAGS, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, IF_MAC, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE,
} from "../abi";
import { clearOffloads, setAdjacency, setFlags } from "../sdk/buffer";
import { adjacencyAt, fibAdjacency, fibLookup, fibPlace, fibRoot, interfaceAt, isFibLeaf, lastByte, mayBeOwn, thirdByte } from "../sdk/tables";
import { NEXT_DROP, ODD, bufferAt, nextAt, setNext } from "../sdk/vector";
import { SUM_INTACT, fold, sumBytes, updateChecksum } from "../wire/checksum";
import { ETHERNET_HEADER, TYPE_IP4, TYPE_VLAN, etherType } from "../wire/ethernet";
import { ICMP_ECHO_REQUEST, ICMP_HEADER, icmpType, makeEchoReply } from "../wire/icmp";
import { IP4_HEADER, PROTOCOL_ICMP, isFragment, isUnicast, protocol } from "../wire/ipv4";

// Marks in place of a next slot, beside ODD; those with UNSENT are no slot in the end.
const UNSENT: u32 = 0x8000;
/** The route is not in the FIB's root. */
const DEEP: u32 = 0x4000;
/** For the router itself. */
const OURS: u32 = 0xfffb;
/** Of a flow, perhaps, whose ordinary packets must not overtake it: what is behind it goes its way. */
const BARRIER: u32 = 0xfffc;

/** Bytes 12 to 14 of a frame: type IPv4; version 4 and a header of five words. */
const PLAIN_IP4: u32 = 0x450008;
const HEADERS: u32 = ETHERNET_HEADER + IP4_HEADER;
const CHECKED: u32 = B_FLAG_L3_GOOD | B_FLAG_L4_GOOD;
/** The first eight bytes of an adjacency without interface, MTU and code, and what they are for a neighbour with an Ethernet address. */
const ADJ_KIND: u64 = 0x00ff00000000ffff;
const NEIGHBOUR: u64 = (<u64>14 << 48) | LOOKUP_NEXT_REWRITE;
const UP: u32 = IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP;
const REPLY_TTL: u32 = 64;

// Of a packet that waits in the middle of its lookup: { u32 place in the frame, u32 destination, u32 entry, then its address }
const S_DESTINATION: usize = 4;
const S_ENTRY: usize = 8;

/**
 * Takes the n packets of a frame that a port has filled: gives those it can send the next slots of interface-output, the others ODD,
 * and says in GRAPH_FORWARDED and GRAPH_ANSWERED how many they are. `echo`: whether echo requests are answered.
 */
export function passOrdinary(graph: usize, frame: usize, n: u32, echo: bool): void {
  const rx: u32 = load<u16>(bufferAt(frame, 0), B_RX_IF);
  const mac = load<u64>(interfaceAt(rx), IF_MAC) << 16;
  const stages = graph + GRAPH_STAGE;
  let end = stages;
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = begin(bufferAt(frame, i), rx, mac, end);
    setNext(frame, i, slot);
    slots |= slot;
    if (slot < DEEP) continue;
    if (slot == BARRIER) {
      for (; i < n; i++) setNext(frame, i, ODD);
    } else if (slot == DEEP) {
      store<u32>(end, i);
      end += GRAPH_STAGE_SIZE;
    }
  }
  if (end != stages) slots |= descend(frame, rx, stages, end);
  store<u32>(graph, n, GRAPH_FORWARDED);
  store<u32>(graph, 0, GRAPH_ANSWERED);
  if ((slots & UNSENT) != 0) settle(graph, frame, n, echo);
}

/** A packet up to where its route is known, if that is in the FIB's root to the end. Without a call, so that the loop keeps everything in registers. */
// @ts-ignore: decorator
@inline
function begin(buffer: usize, rx: u32, mac: u64, stage: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA); // data, here, total
  const packet = buffer + <usize>(lengths & 0xffff);
  if (((<u32>lengths) >> 16) < HEADERS) return BARRIER;
  if (<u32>load<u16>(buffer, B_RX_IF) != rx) return BARRIER;
  if ((load<u32>(packet, 12) & 0xffffff) != PLAIN_IP4) return etherType(packet) == TYPE_IP4 || etherType(packet) == TYPE_VLAN ? BARRIER : ODD;
  if (((load<u64>(packet) << 16) ^ mac) != 0) return ODD;
  if (((<u32>load<u16>(buffer, B_FLAGS) & ~CHECKED) | <u32>load<u16>(buffer, B_GSO_SIZE)) != 0) return BARRIER;
  const first = load<u32>(packet, ETHERNET_HEADER);
  const length = (((first >> 8) & 0xff00) | (first >> 24)) + ETHERNET_HEADER;
  if (length > <u32>(lengths >> 32)) return ODD;
  if (length < HEADERS) return ODD;
  const ttl = load<u32>(packet, ETHERNET_HEADER + 8); // checksum << 16 | protocol << 8 | TTL
  const from = load<u32>(packet, ETHERNET_HEADER + 12);
  const to = load<u32>(packet, ETHERNET_HEADER + 16);
  if (fold(<u64>first + <u64>load<u32>(packet, ETHERNET_HEADER + 4) + <u64>ttl + <u64>from + <u64>to) != SUM_INTACT) return orBelieved(buffer);
  if (!isUnicast(from)) return ODD;
  if (mayBeOwn(from)) return ODD;
  if (!isUnicast(to)) return ODD;
  const entry = fibRoot(to);
  if (isFibLeaf(entry)) return forward(buffer, packet, lengths, length, ttl, fibAdjacency(entry), rx);
  store<u32>(stage, to, S_DESTINATION);
  store<u32>(stage, entry, S_ENTRY);
  return DEEP;
}

/** A wrong checksum: the device may say all the same that it is right. */
// @ts-ignore: decorator
@inline
function orBelieved(buffer: usize): u32 { return (load<u16>(buffer, B_FLAGS) & B_FLAG_L3_GOOD) != 0 ? BARRIER : ODD; }

/**
 * The packets that wait: each pass takes one step down the trie, so the processor fetches many packets' entries from a far cache at once, where
 * one packet after the other would wait for each. Gives all their slots and marks together.
 */
// @ts-ignore: decorator
@inline
function descend(frame: usize, rx: u32, stages: usize, end: usize): u32 {
  for (let stage = stages; stage < end; stage += GRAPH_STAGE_SIZE) {
    store<u32>(stage, <u32>fibPlace(load<u32>(stage, S_ENTRY), thirdByte(load<u32>(stage, S_DESTINATION))), S_ENTRY);
  }
  let slots: u32 = 0;
  for (let stage = stages; stage < end; stage += GRAPH_STAGE_SIZE) {
    let entry = load<u32>(<usize>load<u32>(stage, S_ENTRY));
    if (!isFibLeaf(entry)) entry = load<u32>(fibPlace(entry, lastByte(load<u32>(stage, S_DESTINATION))));
    const i = load<u32>(stage);
    const buffer = bufferAt(frame, i);
    const lengths = load<u64>(buffer, B_DATA);
    const packet = buffer + <usize>(lengths & 0xffff);
    const slot = forward(buffer, packet, lengths, frameLength(packet), load<u32>(packet, ETHERNET_HEADER + 8), fibAdjacency(entry), rx);
    setNext(frame, i, slot);
    slots |= slot;
  }
  return slots;
}

/** To a known neighbour by another interface that is up, or not at all. `ttl`: the header's word with the TTL. */
// @ts-ignore: decorator
@inline
function forward(buffer: usize, packet: usize, lengths: u64, length: u32, ttl: u32, index: u32, rx: u32): u32 {
  const adjacency = adjacencyAt(index);
  const head = load<u64>(adjacency); // next, interface, MTU, bytes of the rewrite, code
  if ((head & ADJ_KIND) != NEIGHBOUR) return isOurs(adjacency, head) ? OURS : ODD;
  if (length - ETHERNET_HEADER > <u32>(head >> 32 & 0xffff)) return ODD;
  const tx = <u32>head >> 16;
  if (tx == rx) return ODD;
  if ((ttl & 0xff) <= 1) return ODD;
  const port = load<u64>(interfaceAt(tx), IF_FLAGS); // flags, MTU, slot
  if ((<u32>port & UP) != UP) return ODD;
  const slot = <u32>(port >> 48);
  if (slot == NEXT_DROP) return ODD;
  store<u32>(packet, ttl + 0xffff + (u32(ttl >= 0xfffe0000) << 16), ETHERNET_HEADER + 8); // decrementTtl() of wire/ipv4
  finish(buffer, packet, lengths, length, adjacency, index, tx);
  return slot;
}

/** An address of the router's, and not one of its broadcast addresses. */
// @ts-ignore: decorator
@inline
function isOurs(adjacency: usize, head: u64): bool {
  return <u32>(head & 0xffff) == LOOKUP_NEXT_LOCAL && load<u32>(adjacency, ADJ_NEXT_HOP) != <u32>ADJ_BROADCAST;
}

/** The link header, and what is known of the packet now: it is as long as its header says, padding is cut off. */
// @ts-ignore: decorator
@inline
function finish(buffer: usize, packet: usize, lengths: u64, length: u32, adjacency: usize, index: u32, tx: u32): void {
  store<u64>(packet, load<u64>(adjacency, ADJ_REWRITE));
  store<u64>(packet, load<u64>(adjacency, ADJ_REWRITE + 6), 6);
  const here = min<u32>(<u32>lengths >> 16, length); // the rest is in the buffers behind it
  store<u64>(buffer, (lengths & 0xffff) | (<u64>here << 16) | (<u64>length << 32), B_DATA);
  store<u32>(buffer, tx | (<u32>lengths << 16), B_TX_IF); // and B_L2
  setAdjacency(buffer, index);
}

/** Bytes of a frame, as its IP header has them. */
// @ts-ignore: decorator
@inline
function frameLength(packet: usize): u32 { return <u32>bswap<u16>(load<u16>(packet, ETHERNET_HEADER + 2)) + ETHERNET_HEADER; }

/** Answers what can be answered, and counts. */
function settle(graph: usize, frame: usize, n: u32, echo: bool): void {
  let odd: u32 = 0;
  let answered: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    let slot = nextAt(frame, i);
    if (slot == OURS) {
      slot = echo ? answer(bufferAt(frame, i)) : ODD;
      setNext(frame, i, slot);
      if (slot != ODD) answered++;
    }
    if (slot == ODD) odd++;
  }
  store<u32>(graph, n - odd - answered, GRAPH_FORWARDED);
  store<u32>(graph, answered, GRAPH_ANSWERED);
}

/** An echo request that lies in one buffer, and whose sender is a known neighbour or behind one, becomes its reply (icmp4-input). */
function answer(buffer: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA);
  const packet = buffer + <usize>(lengths & 0xffff);
  const header = packet + ETHERNET_HEADER;
  const message = header + IP4_HEADER;
  const length = frameLength(packet);
  if ((<u32>lengths >> 16) < length || length < HEADERS + ICMP_HEADER) return ODD;
  if (protocol(header) != PROTOCOL_ICMP || isFragment(header) || icmpType(message) != ICMP_ECHO_REQUEST) return ODD;
  const ends = load<u64>(header, 12); // source, destination
  const index = fibLookup(<u32>ends);
  const adjacency = adjacencyAt(index);
  const head = load<u64>(adjacency);
  if ((head & ADJ_KIND) != NEIGHBOUR || length - ETHERNET_HEADER > <u32>(head >> 32 & 0xffff)) return ODD;
  const tx = <u32>head >> 16;
  const port = load<u64>(interfaceAt(tx), IF_FLAGS);
  const slot = <u32>(port >> 48);
  if ((<u32>port & UP) != UP || slot == NEXT_DROP) return ODD;
  if (sumBytes(message, length - HEADERS) != SUM_INTACT) return ODD;

  makeEchoReply(message);
  store<u64>(header, rotl<u64>(ends, 32), 12);
  const word = load<u32>(header, 8);
  const whole = updateChecksum(word >> 16, load<u16>(header, 6), 0); // the way back may have a smaller MTU
  store<u16>(header, 0, 6);
  const kept = word & 0xff00;
  store<u32>(header, kept | REPLY_TTL | (updateChecksum(whole, word & 0xffff, kept | REPLY_TTL) << 16), 8);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  finish(buffer, packet, lengths, length, adjacency, index, tx);
  return slot;
}
