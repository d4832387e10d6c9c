// The graph's own work between two nodes: which node is next, where each packet goes, what returns to
// the free list. It follows nothing that a node wrote without checking it first.
//
// `graph` is the address of a worker's region, where its graph block lies.

import {
  ARC_FREE, ARC_NONE, BUFFER_FREE, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_DATA, B_FLAGS, B_FLAG_LOCAL, B_NEXT, B_STATE,
  CONTROL, CONTROL_POOL, CONTROL_POOL_END, FRAME_NEXT, FREE_LIST_ENTRIES, GRAPH_BAD_BUFFER, GRAPH_DROPPED, GRAPH_FRAME, GRAPH_HELD, GRAPH_ORIGINATED,
  GRAPH_PACKETS, GRAPH_PENDING, GRAPH_PENDING_SIZE, GRAPH_READY, GRAPH_READY_HEAD, GRAPH_READY_TAIL, GRAPH_SPARE, NEXT_COUNT, NEXT_HOLD,
  NODE_BAD_NEXT, NODE_CALLS, NODE_COUNT, NODE_TRAPS, NODE_VECTORS, VECTOR, WIRING, WIRING_SIZE, WORKER_FREE_LIST,
} from "../abi";

/** How a node left its frame. */
// 0: // a next slot for each packet
const MAY_HOLD: u32 = 1; // the same, and NEXT_HOLD is allowed: a host node
const CONSUMED: u32 = 2; // the packets are gone: a port sent and freed them

/**
 * Puts n packets, which a port has put into the node's pending frame, before that node; gives the first node to run. `input` is the runtime
 * block that counts the burst.
 */
export function submit(graph: usize, index: u32, n: u32, input: usize): i32 {
  account(input, n);
  store<u32>(pendingAt(graph, index), n, 4);
  makeReady(graph, index);
  return take(graph);
}

/** Adds one packet to a node's pending frame. The caller keeps to VECTOR packets in the graph. */
export function enqueue(graph: usize, index: u32, buffer: u32): void {
  append(graph, index, buffer);
}

/** The next node that has packets, its frame in GRAPH_FRAME and GRAPH_PACKETS; -1 when the graph is at rest. */
export function take(graph: usize): i32 {
  const head = load<u32>(graph, GRAPH_READY_HEAD);
  if (head == load<u32>(graph, GRAPH_READY_TAIL)) return -1;
  store<u32>(graph, head + 1, GRAPH_READY_HEAD);
  const index: u32 = load<u16>(graph + (<usize>(head % NODE_COUNT) << 1), GRAPH_READY);
  const pending = pendingAt(graph, index);
  store<u32>(graph, load<u32>(pending), GRAPH_FRAME);
  store<u32>(graph, load<u32>(pending, 4), GRAPH_PACKETS);
  store<u32>(pending, load<u32>(graph, GRAPH_SPARE));
  store<u32>(pending, 0, 4);
  return index;
}

/** Moves the n packets of the frame that node `index` has just processed to their next nodes; gives the next node to run. */
export function scatter(graph: usize, index: u32, node: usize, frame: usize, n: u32, mode: u32): i32 {
  account(node, n);
  const row = <usize>WIRING + <usize>index * <usize>WIRING_SIZE;
  let spare = frame;
  if (mode != CONSUMED) {
    const slot: u32 = load<u16>(frame, FRAME_NEXT);
    if (sameSlots(frame, n, slot)) spare = moveWhole(graph, row, node, frame, n, slot, mode);
    else for (let i: u32 = 0; i < n; i++) move(graph, row, node, bufferIn(frame, i), load<u16>(frame + (<usize>i << 1), FRAME_NEXT), mode);
  }
  store<u32>(graph, <u32>spare, GRAPH_SPARE);
  return take(graph);
}

/** Drops the whole frame of a node that trapped; gives the next node to run. */
export function dropFrame(graph: usize, node: usize, frame: usize, n: u32): i32 {
  store<u64>(node, load<u64>(node, NODE_TRAPS) + 1, NODE_TRAPS);
  for (let i: u32 = 0; i < n; i++) release(graph, bufferIn(frame, i));
  store<u32>(graph, <u32>frame, GRAPH_SPARE);
  return take(graph);
}

/** Takes a buffer for a packet that the router makes; its index, or 0 when the pool is empty. */
export function allocate(graph: usize): u32 {
  const list = graph + WORKER_FREE_LIST;
  const free = load<u32>(list);
  if (free == 0) return 0;
  const index = load<u32>(list + (<usize>(free - 1) << 2), FREE_LIST_ENTRIES);
  if (!isBuffer(index, BUFFER_FREE)) {
    bump(graph, GRAPH_BAD_BUFFER);
    return 0;
  }
  store<u32>(list, free - 1);
  const buffer = <usize>index << BUFFER_SHIFT;
  for (let at: usize = 0; at < 64; at += 8) store<u64>(buffer + at, 0);
  store<u16>(buffer, BUFFER_START, B_DATA);
  store<u16>(buffer, B_FLAG_LOCAL, B_FLAGS);
  store<u16>(buffer, BUFFER_USED, B_STATE);
  bump(graph, GRAPH_ORIGINATED);
  return index;
}

/** Returns a packet, all buffers of its chain, to the free list and counts it as dropped. */
export function release(graph: usize, index: u32): void {
  bump(graph, GRAPH_DROPPED);
  const list = graph + WORKER_FREE_LIST;
  // A chain that a node tied into a ring ends at its first buffer that is free already.
  while (index != 0) {
    if (!isBuffer(index, BUFFER_USED)) return bump(graph, GRAPH_BAD_BUFFER);
    const buffer = <usize>index << BUFFER_SHIFT;
    store<u16>(buffer, BUFFER_FREE, B_STATE);
    const free = load<u32>(list);
    store<u32>(list + (<usize>free << 2), index, FREE_LIST_ENTRIES);
    store<u32>(list, free + 1);
    index = load<u32>(buffer, B_NEXT);
  }
}

/** Tells that a host node has given back packets that it held. */
export function unhold(graph: usize, n: u32): void {
  store<u64>(graph, load<u64>(graph, GRAPH_HELD) - n, GRAPH_HELD);
}

/**
 * Sends a whole frame on; gives the frame that is free now. Where the next node has nothing waiting, the frames change places and nothing is
 * copied.
 */
function moveWhole(graph: usize, row: usize, node: usize, frame: usize, n: u32, slot: u32, mode: u32): usize {
  const target = arc(row, slot);
  if (target < <u32>NODE_COUNT) {
    const pending = pendingAt(graph, target);
    if (load<u32>(pending, 4) == 0) {
      const free = load<u32>(pending);
      store<u32>(pending, <u32>frame);
      store<u32>(pending, n, 4);
      makeReady(graph, target);
      return free;
    }
  }
  for (let i: u32 = 0; i < n; i++) move(graph, row, node, bufferIn(frame, i), slot, mode);
  return frame;
}

/** Sends one packet on. */
function move(graph: usize, row: usize, node: usize, buffer: u32, slot: u32, mode: u32): void {
  if (slot == NEXT_HOLD && mode == MAY_HOLD) return bump(graph, GRAPH_HELD);
  const target = arc(row, slot);
  if (target < <u32>NODE_COUNT) return append(graph, target, buffer);
  if (target == ARC_NONE) bump(node, NODE_BAD_NEXT);
  release(graph, buffer);
}

/** Index of the node behind a slot, ARC_FREE or ARC_NONE. */
// @ts-ignore: decorator
@inline
function arc(row: usize, slot: u32): u32 {
  return slot < <u32>NEXT_COUNT ? <u32>load<u16>(row + (<usize>slot << 1)) : <u32>ARC_NONE;
}

function append(graph: usize, index: u32, buffer: u32): void {
  const pending = pendingAt(graph, index);
  const n = load<u32>(pending, 4);
  // Cannot happen while indices are unique; a node that copied one about would get here.
  if (n >= <u32>VECTOR) return bump(graph, GRAPH_BAD_BUFFER);
  store<u32>(<usize>load<u32>(pending) + (<usize>n << 2), buffer);
  store<u32>(pending, n + 1, 4);
  if (n == 0) makeReady(graph, index);
}

// @ts-ignore: decorator
@inline
function makeReady(graph: usize, index: u32): void {
  const tail = load<u32>(graph, GRAPH_READY_TAIL);
  store<u16>(graph + (<usize>(tail % NODE_COUNT) << 1), <u16>index, GRAPH_READY);
  store<u32>(graph, tail + 1, GRAPH_READY_TAIL);
}

/** Whether all n next slots are `slot`; four at a time. */
function sameSlots(frame: usize, n: u32, slot: u32): bool {
  const pattern = <u64>slot * 0x0001000100010001;
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) if (load<u64>(frame + (<usize>i << 1), FRAME_NEXT) != pattern) return false;
  for (; i < n; i++) if (<u32>load<u16>(frame + (<usize>i << 1), FRAME_NEXT) != slot) return false;
  return true;
}

/** Whether an index names a buffer of the pool that is in this state. */
function isBuffer(index: u32, state: u32): bool {
  if (index >= <u32>1 << (32 - BUFFER_SHIFT)) return false;
  const address = index << BUFFER_SHIFT;
  const pool = load<u32>(CONTROL + CONTROL_POOL);
  if (address < pool || address >= load<u32>(CONTROL + CONTROL_POOL_END) || (address - pool) % BUFFER_SIZE != 0) return false;
  return <u32>load<u16>(address, B_STATE) == state;
}

// @ts-ignore: decorator
@inline
function pendingAt(graph: usize, index: u32): usize {
  return graph + GRAPH_PENDING + <usize>index * <usize>GRAPH_PENDING_SIZE;
}

// @ts-ignore: decorator
@inline
function bufferIn(frame: usize, i: u32): u32 {
  return load<u32>(frame + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function account(node: usize, n: u32): void {
  bump(node, NODE_CALLS);
  store<u64>(node, load<u64>(node, NODE_VECTORS) + n, NODE_VECTORS);
}

// @ts-ignore: decorator
@inline
function bump(at: usize, offset: usize): void {
  store<u64>(at + offset, load<u64>(at + offset) + 1);
}
