// A worker's free list: buffers come from it and go back to it. Nothing in it is believed: a node can write there.

import {
  BUFFER_COUNT_MAX, BUFFER_FREE, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_USED, B_DATA, B_LENGTH, B_NEXT, B_STATE, CONTROL, CONTROL_POOL,
  CONTROL_POOL_END, FREE_LIST_ENTRIES, GRAPH_BAD_BUFFER, GRAPH_DROPPED, NODE_CALLS, NODE_VECTORS, WORKER_FREE_LIST,
} from "../abi";

/** Longest chain that is copied: 64 KiB and some to spare. */
const CHAIN_MAX: u32 = 40;

/** Takes a buffer off the free list, its header as it was left; its index, or 0 when the pool is empty. */
export function takeBuffer(graph: usize): u32 {
  const list = graph + WORKER_FREE_LIST;
  const free = load<u32>(list);
  if (free == 0 || free > <u32>BUFFER_COUNT_MAX) return 0;
  store<u32>(list, free - 1);
  const index = load<u32>(list + (<usize>(free - 1) << 2), FREE_LIST_ENTRIES);
  if (isBuffer(index, BUFFER_FREE)) return index;
  bump(graph, GRAPH_BAD_BUFFER); // it leaves the list: one entry scribbled over must not stop all that come after it
  return 0;
}

/** Returns a packet, all buffers of its chain, to the free list and counts it as dropped. */
export function release(graph: usize, index: u32): void {
  bump(graph, GRAPH_DROPPED);
  giveBack(graph, index);
}

/** A packet with the same bytes and the same header in buffers of its own; its index, or 0 when the pool has not enough of them. */
export function copyChain(graph: usize, index: u32): u32 {
  let first: u32 = 0;
  let last: usize = 0;
  for (let pieces: u32 = 0; index != 0; pieces++) {
    const copy = pieces < CHAIN_MAX && isBuffer(index, BUFFER_USED) ? takeBuffer(graph) : 0;
    if (copy == 0) {
      if (first != 0) giveBack(graph, first);
      return 0;
    }
    const to = <usize>copy << BUFFER_SHIFT;
    copyBuffer(<usize>index << BUFFER_SHIFT, to);
    if (first == 0) first = copy;
    else store<u32>(last, copy, B_NEXT);
    last = to;
    index = load<u32>(to, B_NEXT);
    store<u32>(to, 0, B_NEXT);
  }
  return first;
}

/** Header, and what lies before and in the packet: a node may want the headers that were stripped. */
function copyBuffer(from: usize, to: usize): void {
  const end = <u32>load<u16>(from, B_DATA) + <u32>load<u16>(from, B_LENGTH);
  const bytes = end <= <u32>BUFFER_SIZE ? end : <u32>BUFFER_SIZE;
  for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
}

/** Returns buffers to the free list, from this one of a chain on. */
export function giveBack(graph: usize, index: u32): void {
  const list = graph + WORKER_FREE_LIST;
  // A chain that a node tied into a ring ends at its first buffer that is free already.
  while (index != 0) {
    const free = load<u32>(list);
    if (free >= <u32>BUFFER_COUNT_MAX || !isBuffer(index, BUFFER_USED)) return bump(graph, GRAPH_BAD_BUFFER);
    const buffer = <usize>index << BUFFER_SHIFT;
    store<u16>(buffer, BUFFER_FREE, B_STATE);
    store<u32>(list + (<usize>free << 2), index, FREE_LIST_ENTRIES);
    store<u32>(list, free + 1);
    index = load<u32>(buffer, B_NEXT);
  }
}

/** Whether an index names a buffer of the pool that is in this state. */
export function isBuffer(index: u32, state: u32): bool {
  if (index >= <u32>1 << (32 - BUFFER_SHIFT)) return false;
  const address = index << BUFFER_SHIFT;
  const pool = load<u32>(CONTROL + CONTROL_POOL);
  if (address < pool || address >= load<u32>(CONTROL + CONTROL_POOL_END) || (address - pool) % BUFFER_SIZE != 0) return false;
  return <u32>load<u16>(address, B_STATE) == state;
}

// @ts-ignore: decorator
@inline
export function bump(at: usize, offset: usize): void {
  store<u64>(at + offset, load<u64>(at + offset) + 1);
}

/** Counts a call of a node, with n packets. */
// @ts-ignore: decorator
@inline
export function account(node: usize, n: u32): void {
  bump(node, NODE_CALLS);
  store<u64>(node, load<u64>(node, NODE_VECTORS) + n, NODE_VECTORS);
}
