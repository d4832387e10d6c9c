// Around a node that came from outside: which packets it was given, and whether it left them such that
// others can work with them.
//
// The node may write what it likes: its frame is compared with the shadow of it taken before, and each
// buffer's header is judged before the packet goes anywhere.

import {
  ADJACENCY_COUNT, BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_ADJ, B_DATA, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, FRAME_NEXT,
  GRAPH_SHADOW, GRAPH_SHADOW_SIZE, NODE_BAD_HEADER,
} from "../abi";
import { bump } from "./pool";

/** Notes the packets of a frame before a node from outside gets it. */
export function guard(graph: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const index = load<u32>(frame + (<usize>i << 2));
    const next = load<u32>(<usize>index << BUFFER_SHIFT, B_NEXT);
    store<u64>(shadowAt(graph, i), <u64>index | (<u64>next << 32));
  }
}

/** Puts a frame's packets back into it as guard() found them; for one whose node did not come to its end. */
export function restore(graph: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const shadow = shadowAt(graph, i);
    const index = load<u32>(shadow);
    store<u32>(frame + (<usize>i << 2), index);
    repair(<usize>index << BUFFER_SHIFT, load<u32>(shadow, 4));
  }
}

/** Judges the frame of a node that has processed it: a packet that is not as the contract wants it is led to error-drop, and counted. */
export function inspect(graph: usize, node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const shadow = shadowAt(graph, i);
    const index = load<u32>(shadow);
    const next = load<u32>(shadow, 4);
    const buffer = <usize>index << BUFFER_SHIFT;
    if (load<u32>(frame + (<usize>i << 2)) == index && isConsistent(buffer, next)) continue;
    store<u32>(frame + (<usize>i << 2), index);
    store<u16>(frame + (<usize>i << 1), 0, FRAME_NEXT);
    repair(buffer, next);
    bump(node, NODE_BAD_HEADER);
  }
}

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
    && load<u32>(buffer, B_NEXT) == next && <u32>load<u16>(buffer, B_STATE) == BUFFER_USED && load<u32>(buffer, B_ADJ) < <u32>ADJACENCY_COUNT;
}

/** An empty packet in the buffers that it had: fit to be dropped. */
function repair(buffer: usize, next: u32): void {
  store<u64>(buffer, BUFFER_START, B_DATA);
  store<u32>(buffer, next, B_NEXT);
  store<u16>(buffer, BUFFER_USED, B_STATE);
}

// @ts-ignore: decorator
@inline
function shadowAt(graph: usize, i: u32): usize {
  return graph + GRAPH_SHADOW + <usize>i * <usize>GRAPH_SHADOW_SIZE;
}
