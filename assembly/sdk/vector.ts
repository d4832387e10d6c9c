// What every node does: walk its frame, choose each packet's next slot, count.

import { BUFFER_SHIFT, COPY_SHIFT, FRAME_NEXT, NODE_COUNTERS, NODE_STATE } from "../abi";

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

/** Sends the packets at places i to i + 3 to one next slot. */
// @ts-ignore: decorator
@inline
export function setFourNext(frame: usize, i: u32, slot: u32): void {
  store<u64>(frame + (<usize>i << 1), <u64>slot * 0x0001000100010001, FRAME_NEXT);
}

/** Next slot of the packet at place i, as setNext left it. */
// @ts-ignore: decorator
@inline
export function nextAt(frame: usize, i: u32): u32 { return load<u16>(frame + (<usize>i << 1), FRAME_NEXT); }

/**
 * Mark in place of a next slot, for nodes that look at each vector twice: a loop without a call, which keeps everything in registers, takes the
 * packets of which there is nothing to say; what it marked is judged one by one afterwards.
 */
export const ODD: u32 = 0xfffd;

/** Next slot that sends the packet to `slot` and a copy of it to `copySlot`, which is not 0: `return copyTo(CONTINUE, MIRROR);` */
// @ts-ignore: decorator
@inline
export function copyTo(slot: u32, copySlot: u32): u32 { return slot | (copySlot << COPY_SHIFT); }

/** Address of the node's state: as many bytes as its declaration says, zero at first. */
// @ts-ignore: decorator
@inline
export function state(node: usize): usize { return node + NODE_STATE; }

/** Adds to one of the node's own counters, by its place in the declaration. */
// @ts-ignore: decorator
@inline
export function count(node: usize, counter: u32, by: u64 = 1): void {
  const at = node + (<usize>counter << 3);
  store<u64>(at, load<u64>(at, NODE_COUNTERS) + by, NODE_COUNTERS);
}

/** Sets one of the node's gauges, by its place in the declaration behind the counters: with two counters the first gauge is 2. */
// @ts-ignore: decorator
@inline
export function setGauge(node: usize, gauge: u32, value: u64): void {
  store<u64>(node + (<usize>gauge << 3), value, NODE_COUNTERS);
}

/** Counts the reason and gives the slot of error-drop: `return drop(node, TOO_SHORT);` */
// @ts-ignore: decorator
@inline
export function drop(node: usize, counter: u32): u32 {
  count(node, counter);
  return NEXT_DROP;
}
