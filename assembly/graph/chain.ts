// Packets over several buffers: their bytes read from one chain and put at the end of another.
//
// A chain is followed only as far as isWhole() has judged it, and only while no other code runs: any node can write over a link.

import {
  BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_DATA, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, GRAPH_CHAINED,
} from "../abi";
import { giveBack, isBuffer, takeBuffer } from "./pool";

/** Buffers of the longest chain that is followed: 64 KiB need 33. */
const CHAIN_MAX: u32 = 64;

/** Where reading goes on: a buffer's address, and how many of its bytes are behind. */
let source: usize = 0;
let behind: u32 = 0;

/** Whether a packet lies in buffers of the pool that are in use, as long as its header says. */
export function isWhole(index: u32): bool {
  let left = load<u32>(<usize>index << BUFFER_SHIFT, B_TOTAL);
  for (let pieces: u32 = 0; pieces < CHAIN_MAX && isBuffer(index, BUFFER_USED); pieces++) {
    const buffer = <usize>index << BUFFER_SHIFT;
    const data = <u32>load<u16>(buffer, B_DATA);
    const here = <u32>load<u16>(buffer, B_LENGTH);
    if (data < <u32>BUFFER_ALIGN || data + here > <u32>BUFFER_SIZE) return false;
    if (here >= left) return true;
    left -= here;
    index = load<u32>(buffer, B_NEXT);
  }
  return false;
}

/** How many buffers a packet has, those behind its end too. */
export function buffersOf(index: u32): u32 {
  let pieces: u32 = 0;
  for (; pieces < CHAIN_MAX && isBuffer(index, BUFFER_USED); pieces++) index = load<u32>(<usize>index << BUFFER_SHIFT, B_NEXT);
  return pieces;
}

/** Has append() read from a packet that is whole, from `skip` bytes after its current layer's first on; no packet (0): it makes room only. */
export function readFrom(buffer: usize, skip: u32): void {
  source = buffer;
  behind = skip;
}

/** Puts n bytes at the end of a packet that is whole and ends with its last buffer; false when there are not enough buffers for them. */
export function append(graph: usize, packet: usize, n: u32): bool {
  let last = lastOf(packet);
  store<u32>(packet, load<u32>(packet, B_TOTAL) + n, B_TOTAL);
  for (n -= fill(last, n); n > 0; n -= fill(last, n)) {
    const index = takeBuffer(graph);
    if (index == 0) return false;
    store<u32>(last, index, B_NEXT);
    last = <usize>index << BUFFER_SHIFT;
    for (let at: usize = 0; at < <usize>BUFFER_ALIGN; at += 16) v128.store(last + at, i64x2.splat(0));
    store<u16>(last, BUFFER_START, B_DATA);
    store<u16>(last, BUFFER_USED, B_STATE);
    store<u32>(graph, 1, GRAPH_CHAINED);
  }
  return true;
}

/** As many of n bytes as there is room for in one buffer; gives how many. */
function fill(buffer: usize, n: u32): u32 {
  const held = <u32>load<u16>(buffer, B_LENGTH);
  const end = <u32>load<u16>(buffer, B_DATA) + held;
  const here = min(n, <u32>BUFFER_SIZE - end);
  if (source != 0) read(buffer + end, here);
  store<u16>(buffer, <u16>(held + here), B_LENGTH);
  return here;
}

/** Makes a packet that has one buffer n bytes longer, whatever they are; false when it cannot be. */
export function extend(graph: usize, index: u32, n: u32): bool {
  readFrom(0, 0);
  return isWhole(index) && append(graph, <usize>index << BUFFER_SHIFT, n);
}

/**
 * Cuts packet `into` to `length` bytes and puts n bytes of packet `from` behind them, beginning `skip` after its first; `from` stays as it
 * is. False when either is not so long, or when there are not enough buffers.
 */
export function join(graph: usize, into: u32, length: u32, from: u32, skip: u32, n: u32): bool {
  const packet = <usize>into << BUFFER_SHIFT;
  const buffer = <usize>from << BUFFER_SHIFT;
  if (!isWhole(into) || !isWhole(from) || load<u32>(packet, B_TOTAL) < length || load<u32>(buffer, B_TOTAL) < skip + n) return false;
  cutTo(graph, packet, length);
  readFrom(buffer, skip);
  return append(graph, packet, n);
}

/** Shortens a whole packet, and gives the buffers behind its end back. */
function cutTo(graph: usize, packet: usize, length: u32): void {
  store<u32>(packet, length, B_TOTAL);
  let last = packet;
  for (let here: u32; (here = <u32>load<u16>(last, B_LENGTH)) < length; length -= here) last = <usize>load<u32>(last, B_NEXT) << BUFFER_SHIFT;
  store<u16>(last, <u16>length, B_LENGTH);
  const rest = load<u32>(last, B_NEXT);
  store<u32>(last, 0, B_NEXT);
  giveBack(graph, rest);
}

function lastOf(buffer: usize): usize {
  for (let next: u32; (next = load<u32>(buffer, B_NEXT)) != 0; ) buffer = <usize>next << BUFFER_SHIFT;
  return buffer;
}

/** Copies the next n bytes. */
function read(to: usize, n: u32): void {
  while (n > 0) {
    const held = <u32>load<u16>(source, B_LENGTH);
    if (behind >= held) {
      behind -= held;
      source = <usize>load<u32>(source, B_NEXT) << BUFFER_SHIFT;
      continue;
    }
    const here = min(n, held - behind);
    copyBytes(source + <usize>load<u16>(source, B_DATA) + behind, to, here);
    behind += here;
    to += here;
    n -= here;
  }
}

function copyBytes(from: usize, to: usize, n: u32): void {
  for (; n >= 16; n -= 16, from += 16, to += 16) v128.store(to, v128.load(from));
  if ((n & 8) != 0) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
  for (n &= 7; n > 0; n--, from++, to++) store<u8>(to, load<u8>(from));
}
