// The graph's own work between two nodes: which node is next, where each packet goes, what returns to
// the free list. It follows nothing that a node wrote without checking it first.
//
// `graph` is the address of a worker's region, where its graph block lies.

import {
  ARC_FREE, ARC_NONE, BUFFER_HELD, BUFFER_SHIFT, BUFFER_START, BUFFER_USED, B_DATA, B_FLAGS, B_FLAG_LOCAL, B_NEXT, B_STATE, COPIES_MAX, COPY_SHIFT,
  FRAME_NEXT, GRAPH_ANSWERED, GRAPH_BAD_BUFFER, GRAPH_CHAINED, GRAPH_CIRCLED, GRAPH_COPIES, GRAPH_COPY, GRAPH_COPY_SIZE, GRAPH_FORWARDED,
  GRAPH_FRAME, GRAPH_HELD,
  GRAPH_HELD_BUFFERS, GRAPH_NO_COPY, GRAPH_ORIGINATED, GRAPH_PACKETS, GRAPH_READY, GRAPH_READY_HEAD, GRAPH_READY_TAIL, GRAPH_SPARE, NEXT_COUNT,
  NEXT_HOLD, NODE_BAD_NEXT, NODE_COUNT, NODE_PASSED_OVER, NODE_TRAPS, VECTOR, WIRING, WIRING_SIZE,
} from "../abi";
import { ODD } from "../sdk/vector";
import { buffersOf } from "./chain";
import { passOrdinary } from "./fused";
import { account, bump, copyChain, isBuffer, release, takeBuffer } from "./pool";
import { append, arc, makeReady, pendingAt, putAside } from "./ready";
import { isFrame, unseal } from "./scribbles";
import { inspect, mayBeChained } from "./untrusted";
import { countPassed, isEchoWay, isForwardWay, wayIn, wayOut, wayOutBlock } from "./way";

export { extend, join } from "./chain";
export { fragment } from "./ip4-fragment";
export { release } from "./pool";
export { isSafe, seal, unseal } from "./scribbles";
export { nextTraced, nextWanted, setFilter } from "./trace";
export { guard, restore } from "./untrusted";
export { setRole } from "./way";

/** How a node left its frame. */
// 0: // a next slot for each packet
const MAY_HOLD: u32 = 1; // the same, and NEXT_HOLD is allowed: a host node
const CONSUMED: u32 = 2; // the packets are gone: a port sent and freed them, or the node took them off its frame itself
const INSPECT: u32 = 3; // a next slot for each packet, but the node came from outside: guard() was called before it, and found no chain
const INSPECT_CHAINED: u32 = 4; // the same, and found one

const BROKEN = -2;

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

/**
 * submit() to ethernet-input, with what is ordinary taken all its way to the ports at once, where the nodes on it are wired as they were born:
 * GRAPH_FORWARDED and GRAPH_ANSWERED tell how many packets that were.
 */
export function submitFused(graph: usize, n: u32, input: usize): i32 {
  store<u64>(graph, 0, GRAPH_FORWARDED); // and GRAPH_ANSWERED
  const first = wayIn();
  const pending = pendingAt(graph, first);
  const frame = load<u32>(pending);
  if (!isForwardWay() || !isFrame(graph, frame, n) || isVain()) return submit(graph, first, n, input);
  passOrdinary(graph, frame, n, isEchoWay());
  if (load<u64>(graph, GRAPH_FORWARDED) == 0) {
    vain++;
    return submit(graph, first, n, input);
  }
  vain = 0;
  account(input, n);
  countPassed(load<u32>(graph, GRAPH_FORWARDED), load<u32>(graph, GRAPH_ANSWERED));
  store<u32>(pending, load<u32>(graph, GRAPH_SPARE));
  store<u32>(graph, frame, GRAPH_FRAME);
  store<u32>(graph, n, GRAPH_PACKETS);
  return sendOut(graph, frame, n);
}

/** Bursts in a row of which passOrdinary() passed nothing. */
let vain: u32 = 0;
/** After so many, only one in RETRY is looked at. */
const TRIES: u32 = 16;
const RETRY: u32 = 64; // a power of two

// @ts-ignore: decorator
@inline
function isVain(): bool { return vain >= TRIES && (++vain & (RETRY - 1)) != 0; }

/** Sends on what passOrdinary() has passed; the frame is in hand. What is ODD goes to where the way begins. */
function sendOut(graph: usize, frame: usize, n: u32): i32 {
  const row = <usize>WIRING + <usize>wayOut() * <usize>WIRING_SIZE;
  const slot: u32 = load<u16>(frame, FRAME_NEXT);
  if (sameSlots(frame, n, slot)) {
    const target = arc(row, slot);
    if (target < <u32>NODE_COUNT) return target; // the frame is in its hand
  }
  for (let i: u32 = 0; i < n; i++) {
    const next: u32 = load<u16>(frame + (<usize>i << 1), FRAME_NEXT);
    const buffer = bufferIn(frame, i);
    if (next == ODD) append(graph, wayIn(), buffer);
    else move(graph, row, wayOutBlock(), buffer, next, 0);
  }
  store<u32>(graph, frame, GRAPH_SPARE);
  return take(graph);
}

/** Adds one packet to a node's pending frame. The caller keeps to VECTOR packets in the graph. */
export function enqueue(graph: usize, index: u32, buffer: u32): void {
  if (load<u32>(<usize>buffer << BUFFER_SHIFT, B_NEXT) != 0) store<u32>(graph, 1, GRAPH_CHAINED);
  append(graph, index, buffer);
}

/** The next node that has packets, its frame in GRAPH_FRAME and GRAPH_PACKETS; -1 when the graph is at rest. Traps when that cannot be. */
export function take(graph: usize): i32 {
  const head = load<u32>(graph, GRAPH_READY_HEAD);
  const waiting = load<u32>(graph, GRAPH_READY_TAIL) - head;
  if (waiting == 0) return enterCopies(graph) ? take(graph) : rest(graph);
  const index: u32 = load<u16>(graph + (<usize>(head % NODE_COUNT) << 1), GRAPH_READY);
  const pending = pendingAt(graph, index % NODE_COUNT);
  const frame = load<u32>(pending);
  const n = load<u32>(pending, 4);
  if (waiting > <u32>NODE_COUNT || index >= <u32>NODE_COUNT || !isFrame(graph, frame, n)) unreachable();
  store<u32>(graph, head + 1, GRAPH_READY_HEAD);
  store<u32>(graph, frame, GRAPH_FRAME);
  store<u32>(graph, n, GRAPH_PACKETS);
  store<u32>(pending, load<u32>(graph, GRAPH_SPARE));
  store<u32>(pending, 0, 4);
  return index;
}

/** Nothing is on its way any more, so no chain either. */
function rest(graph: usize): i32 {
  store<u32>(graph, 0, GRAPH_CHAINED);
  return -1;
}

/**
 * Moves the n packets of the frame that node `index` has just processed to their next nodes; gives the next node to run, or BROKEN when the
 * node came from outside and has written over what is the graph's own: then that is as it was, and nothing has moved.
 */
export function scatter(graph: usize, index: u32, node: usize, frame: usize, n: u32, mode: u32): i32 {
  if (mode >= INSPECT) {
    if (unseal(graph)) return BROKEN;
    inspect(graph, node, frame, n, mode == INSPECT_CHAINED);
  }
  account(node, n);
  return sendOn(graph, index, node, frame, n, mode);
}

/** Drops the whole frame of a node that trapped; gives the next node to run. */
export function dropFrame(graph: usize, node: usize, frame: usize, n: u32): i32 {
  bump(node, NODE_TRAPS);
  for (let i: u32 = 0; i < n; i++) release(graph, bufferIn(frame, i));
  store<u32>(graph, <u32>frame, GRAPH_SPARE);
  return take(graph);
}

/** Sends a whole frame from node `index`, which does not run now, to one of its next slots; gives the next node to run. */
export function passOver(graph: usize, index: u32, node: usize, frame: usize, n: u32, slot: u32): i32 {
  store<u64>(node, load<u64>(node, NODE_PASSED_OVER) + n, NODE_PASSED_OVER);
  for (let i: u32 = 0; i < n; i++) store<u16>(frame + (<usize>i << 1), <u16>slot, FRAME_NEXT);
  return sendOn(graph, index, node, frame, n, INSPECT);
}

/** The same with the frame of a node that trapped: its packets go on as they are, but for those whose header it left inconsistent. */
export function failOpen(graph: usize, index: u32, node: usize, frame: usize, n: u32, slot: u32): i32 {
  bump(node, NODE_TRAPS);
  for (let i: u32 = 0; i < n; i++) store<u16>(frame + (<usize>i << 1), <u16>slot, FRAME_NEXT); // what it wrote is not to be believed
  inspect(graph, node, frame, n, mayBeChained(graph));
  return sendOn(graph, index, node, frame, n, INSPECT);
}

/** Drops whatever is on its way, beginning with what `index` would have in hand: it has gone from node to node without end. */
export function abandon(graph: usize, index: i32): void {
  for (; index >= 0; index = take(graph)) {
    const frame = <usize>load<u32>(graph, GRAPH_FRAME);
    const n = load<u32>(graph, GRAPH_PACKETS);
    store<u64>(graph, load<u64>(graph, GRAPH_CIRCLED) + n, GRAPH_CIRCLED);
    for (let i: u32 = 0; i < n; i++) release(graph, bufferIn(frame, i));
    store<u32>(graph, <u32>frame, GRAPH_SPARE);
  }
}

/** Takes a buffer for a packet that the router makes; its index, or 0 when the pool is empty. */
export function allocate(graph: usize): u32 {
  const index = takeBuffer(graph);
  if (index == 0) return 0;
  const buffer = <usize>index << BUFFER_SHIFT;
  for (let at: usize = 0; at < 64; at += 8) store<u64>(buffer + at, 0);
  store<u16>(buffer, BUFFER_START, B_DATA);
  store<u16>(buffer, B_FLAG_LOCAL, B_FLAGS);
  store<u16>(buffer, BUFFER_USED, B_STATE);
  bump(graph, GRAPH_ORIGINATED);
  return index;
}

/** Keeps a packet for a host node that takes its packets off its frame itself. */
export function hold(graph: usize, buffer: u32): void {
  if (!isBuffer(buffer, BUFFER_USED)) return bump(graph, GRAPH_BAD_BUFFER);
  store<u32>(graph, load<u32>(graph, GRAPH_HELD_BUFFERS) + buffersOf(buffer), GRAPH_HELD_BUFFERS);
  store<u16>(<usize>buffer << BUFFER_SHIFT, BUFFER_HELD, B_STATE);
  bump(graph, GRAPH_HELD);
}

/** Takes a packet back from a host node that held it; false if it is not held. */
export function unhold(graph: usize, buffer: u32): bool {
  if (!isBuffer(buffer, BUFFER_HELD)) return false;
  store<u16>(<usize>buffer << BUFFER_SHIFT, BUFFER_USED, B_STATE);
  store<u64>(graph, load<u64>(graph, GRAPH_HELD) - 1, GRAPH_HELD);
  store<u32>(graph, load<u32>(graph, GRAPH_HELD_BUFFERS) - buffersOf(buffer), GRAPH_HELD_BUFFERS);
  return true;
}

function sendOn(graph: usize, index: u32, node: usize, frame: usize, n: u32, mode: u32): i32 {
  const row = <usize>WIRING + <usize>index * <usize>WIRING_SIZE;
  let spare = frame;
  if (mode != CONSUMED) {
    const slot: u32 = load<u16>(frame, FRAME_NEXT);
    if (slot < <u32>NEXT_COUNT && sameSlots(frame, n, slot)) spare = moveWhole(graph, row, node, frame, n, slot, mode);
    else for (let i: u32 = 0; i < n; i++) move(graph, row, node, bufferIn(frame, i), load<u16>(frame + (<usize>i << 1), FRAME_NEXT), mode);
  }
  store<u32>(graph, <u32>spare, GRAPH_SPARE);
  return take(graph);
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
  if (slot == NEXT_HOLD && mode == MAY_HOLD) return hold(graph, buffer);
  if (slot >= <u32>NEXT_COUNT) {
    copyTo(graph, row, node, buffer, slot >> COPY_SHIFT);
    slot &= NEXT_COUNT - 1;
  }
  const target = arc(row, slot);
  if (target < <u32>NODE_COUNT) return append(graph, target, buffer);
  if (target == ARC_NONE) bump(node, NODE_BAD_NEXT);
  release(graph, buffer);
}

/** Puts a copy of a packet aside for the node behind a slot. It enters the graph when that is at rest: a frame has no room for two vectors. */
function copyTo(graph: usize, row: usize, node: usize, buffer: u32, slot: u32): void {
  const target = arc(row, slot);
  if (target == ARC_NONE) return bump(node, NODE_BAD_NEXT);
  if (target == ARC_FREE) return;
  const waiting = load<u32>(graph, GRAPH_COPIES);
  const copy = waiting < <u32>COPIES_MAX ? copyChain(graph, buffer) : 0;
  if (copy == 0) return bump(graph, GRAPH_NO_COPY);
  bump(graph, GRAPH_ORIGINATED);
  putAside(graph, copy, target);
}

/** Lets up to a vector of the packets that wait beside the graph into it, copies and what is still to be cut; false when there are none. */
function enterCopies(graph: usize): bool {
  const waiting = load<u32>(graph, GRAPH_COPIES);
  if (waiting == 0) return false;
  const left = waiting > <u32>VECTOR ? waiting - VECTOR : 0;
  for (let i = left; i < waiting; i++) {
    const entry = graph + GRAPH_COPY + <usize>i * <usize>GRAPH_COPY_SIZE;
    const node = load<u32>(entry, 4);
    const copy = load<u32>(entry);
    if (node < <u32>NODE_COUNT && isBuffer(copy, BUFFER_USED)) append(graph, node, copy);
    else bump(graph, GRAPH_BAD_BUFFER);
  }
  store<u32>(graph, left, GRAPH_COPIES);
  return true;
}

/** Whether all n next slots are `slot`; sixteen at a time. */
function sameSlots(frame: usize, n: u32, slot: u32): bool {
  const pattern = i16x8.splat(<u16>slot);
  let other = i16x8.splat(0);
  let at = frame;
  for (const stop = frame + (<usize>(n & ~15) << 1); at < stop; at += 32) {
    const some = v128.xor(v128.load(at, FRAME_NEXT), pattern);
    other = v128.or(other, v128.or(some, v128.xor(v128.load(at, FRAME_NEXT + 16), pattern)));
  }
  if (v128.any_true(other)) return false;
  for (const stop = frame + (<usize>n << 1); at < stop; at += 2) if (<u32>load<u16>(at, FRAME_NEXT) != slot) return false;
  return true;
}

// @ts-ignore: decorator
@inline
function bufferIn(frame: usize, i: u32): u32 {
  return load<u32>(frame + (<usize>i << 2));
}
