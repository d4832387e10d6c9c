// Around a node that came from outside: which packets it was given, and whether it left them such that
// others can work with them.
//
// The node may write what it likes: its frame is compared with the shadow of it taken before, and each
// buffer's header is judged before the packet goes anywhere.

import {
  BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_DATA, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, FRAME_NEXT,
  GRAPH_CHAINED, GRAPH_SHADOW, GRAPH_SHADOW_NEXT, NODE_BAD_HEADER,
} from "../abi";
import { bump } from "./pool";
import { seal } from "./scribbles";

/**
 * Seals the graph and notes the packets of a frame before a node from outside gets it; true if one of them may be a chain. Reading every
 * header for that takes as long as a small node does, so it is done only where a chain is on its way at all.
 */
export function guard(graph: usize, frame: usize, n: u32): bool {
  seal(graph);
  const size = <usize>n << 2;
  if ((n & 1) != 0) store<u32>(frame + size, load<u32>(frame + size - 4)); // isSound() takes pairs
  for (let at: usize = 0; at < size; at += 16) v128.store(graph + at, v128.load(frame + at), GRAPH_SHADOW);
  const chained = mayBeChained(graph);
  if (chained) for (let i: u32 = 0; i < n; i++) store<u32>(graph + (<usize>i << 2), load<u32>(bufferIn(graph, i), B_NEXT), GRAPH_SHADOW_NEXT);
  return chained;
}

/** Puts a frame's packets back into it as guard() found them; for one whose node did not come to its end. */
export function restore(graph: usize, frame: usize, n: u32): void {
  const chained = mayBeChained(graph);
  for (let i: u32 = 0; i < n; i++) {
    store<u32>(frame + (<usize>i << 2), noted(graph, i));
    repair(bufferIn(graph, i), chained ? nextNoted(graph, i) : 0);
  }
}

/**
 * Judges the frame of a node that has processed it: a packet that is not as the contract wants it is led to error-drop, and counted.
 * `chained`: what guard() said.
 */
export function inspect(graph: usize, node: usize, frame: usize, n: u32, chained: bool): void {
  if (!chained && isSound(graph, frame, n)) return;
  for (let i: u32 = 0; i < n; i++) {
    const index = noted(graph, i);
    const next = chained ? nextNoted(graph, i) : 0;
    const buffer = bufferIn(graph, i);
    if (load<u32>(frame + (<usize>i << 2)) == index && isConsistent(buffer, next)) continue;
    store<u32>(frame + (<usize>i << 2), index);
    store<u16>(frame + (<usize>i << 1), 0, FRAME_NEXT);
    repair(buffer, next);
    bump(node, NODE_BAD_HEADER);
  }
}

/**
 * Whether all packets are as isConsistent() wants them, none of them a chain: the same judgement over the whole frame, two packets at a time
 * and without a branch. The first 16 bytes of a header are a vector, whose least and greatest values tell of its parts:
 *
 *       half-word 0   1        2 3      4 5      6       7
 *      +------------+--------+--------+--------+-------+-------+
 *      | DATA       | LENGTH | TOTAL  | NEXT   | FLAGS | STATE |
 *      +------------+--------+--------+--------+-------+-------+
 *       word 0                word 1   word 2   word 3
 */
function isSound(graph: usize, frame: usize, n: u32): bool {
  let changed: u64 = 0; // a frame's index that is not the one that was noted
  let wrong = i32x4.splat(0); // words 1 and 2, see oddity()
  let least = i16x8.splat(-1); // of DATA and STATE
  let most = i16x8.splat(0); // of DATA + LENGTH
  let note = graph + GRAPH_SHADOW;
  for (const stop = note + (<usize>n << 2); note < stop; note += 8, frame += 8) {
    changed |= load<u64>(frame) ^ load<u64>(note);
    const a = headerOf(load<u32>(note));
    const b = headerOf(load<u32>(note, 4));
    wrong = v128.or(wrong, v128.or(oddity(a), oddity(b)));
    least = i16x8.min_u(least, i16x8.min_u(a, b));
    most = i16x8.max_u(most, i16x8.max_u(end(a), end(b)));
  }
  return changed == 0 && (i32x4.extract_lane(wrong, 1) | i32x4.extract_lane(wrong, 2)) == 0
    && i16x8.extract_lane_u(least, 7) == <u16>BUFFER_USED && i16x8.extract_lane_u(least, 0) >= <u16>BUFFER_ALIGN
    && i16x8.extract_lane_u(most, 0) <= <u16>BUFFER_SIZE;
}

// @ts-ignore: decorator
@inline
function headerOf(index: u32): v128 { return v128.load(<usize>index << BUFFER_SHIFT); }

/** Word 1: TOTAL ^ LENGTH. Word 2: NEXT ^ (TOTAL >> 16), which is NEXT where word 1 is 0. */
// @ts-ignore: decorator
@inline
function oddity(header: v128): v128 {
  const high = i32x4.shr_u(header, 16);
  return v128.xor(header, v128.shuffle<i32>(high, high, 0, 0, 1, 1));
}

/** Half-word 0: DATA + LENGTH. */
// @ts-ignore: decorator
@inline
function end(header: v128): v128 { return i16x8.add_sat_u(header, i32x4.shr_u(header, 16)); }

/** B_DATA, B_LENGTH and B_TOTAL lie in one word. */
// @ts-ignore: decorator
@inline
function isConsistent(buffer: usize, next: u32): bool {
  const word = load<u64>(buffer, B_DATA);
  const data = <u32>word & 0xffff;
  const length = (<u32>word) >>> 16;
  const total = <u32>(word >>> 32);
  return data - BUFFER_ALIGN <= <u32>(BUFFER_SIZE - BUFFER_ALIGN) && data + length <= <u32>BUFFER_SIZE
    && (total == length || (next != 0 && total > length))
    && load<u32>(buffer, B_NEXT) == next && <u32>load<u16>(buffer, B_STATE) == BUFFER_USED;
}

/** An empty packet in the buffers that it had: fit to be dropped. */
function repair(buffer: usize, next: u32): void {
  store<u64>(buffer, BUFFER_START, B_DATA);
  store<u32>(buffer, next, B_NEXT);
  store<u16>(buffer, BUFFER_USED, B_STATE);
}

// @ts-ignore: decorator
@inline
export function mayBeChained(graph: usize): bool { return load<u32>(graph, GRAPH_CHAINED) != 0; }

/** Index of the buffer that was at place i of the frame, its address, and its B_NEXT, as guard() found them. */
// @ts-ignore: decorator
@inline
function noted(graph: usize, i: u32): u32 { return load<u32>(graph + (<usize>i << 2), GRAPH_SHADOW); }

// @ts-ignore: decorator
@inline
function bufferIn(graph: usize, i: u32): usize { return <usize>noted(graph, i) << BUFFER_SHIFT; }

// @ts-ignore: decorator
@inline
function nextNoted(graph: usize, i: u32): u32 { return load<u32>(graph + (<usize>i << 2), GRAPH_SHADOW_NEXT); }
