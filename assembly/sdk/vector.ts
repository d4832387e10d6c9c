// What every node does: walk its frame, choose each packet's next slot, count.

import { BUFFER_SHIFT, FRAME_NEXT, NODE_COUNTERS } from "../abi";

/** Next slot 0 of every node is error-drop. */
export const NEXT_DROP: u32 = 0;

/** Address of the buffer at place i of a frame. */
// @ts-ignore: decorator
@inline
export function bufferAt(frame: usize, i: u32): usize {
  return <usize>load<u32>(frame + (<usize>i << 2)) << BUFFER_SHIFT;
}

/** Sends the packet at place i to a next slot. */
// @ts-ignore: decorator
@inline
export function setNext(frame: usize, i: u32, slot: u32): void {
  store<u16>(frame + (<usize>i << 1), <u16>slot, FRAME_NEXT);
}

/** Adds to one of the node's own counters, by its place in the declaration. */
// @ts-ignore: decorator
@inline
export function count(node: usize, counter: u32, by: u64 = 1): void {
  const at = node + (<usize>counter << 3);
  store<u64>(at, load<u64>(at, NODE_COUNTERS) + by, NODE_COUNTERS);
}

/** Counts the reason and gives the slot of error-drop: `return drop(node, TOO_SHORT);` */
// @ts-ignore: decorator
@inline
export function drop(node: usize, counter: u32): u32 {
  count(node, counter);
  return NEXT_DROP;
}
