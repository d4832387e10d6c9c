// Packets that wait: in the frame of the node that they are for, and beside the graph until it is at rest.

import {
  ASIDE_MAX, GRAPH_BAD_BUFFER, GRAPH_COPIES, GRAPH_COPY, GRAPH_COPY_SIZE, GRAPH_PENDING, GRAPH_PENDING_SIZE, GRAPH_READY, GRAPH_READY_HEAD,
  GRAPH_READY_TAIL, NODE_COUNT, VECTOR,
} from "../abi";
import { bump } from "./pool";

/** Index of the node behind a slot, ARC_FREE or ARC_NONE. */
// @ts-ignore: decorator
@inline
export function arc(row: usize, slot: u32): u32 {
  return load<u16>(row + (<usize>slot << 1));
}

export function append(graph: usize, index: u32, buffer: u32): void {
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
export function makeReady(graph: usize, index: u32): void {
  const tail = load<u32>(graph, GRAPH_READY_TAIL);
  store<u16>(graph + (<usize>(tail % NODE_COUNT) << 1), <u16>index, GRAPH_READY);
  store<u32>(graph, tail + 1, GRAPH_READY_TAIL);
}

// @ts-ignore: decorator
@inline
export function pendingAt(graph: usize, index: u32): usize {
  return graph + GRAPH_PENDING + <usize>index * <usize>GRAPH_PENDING_SIZE;
}

/** Whether no other node has packets: those of the node that runs now are all there are in the graph. */
// @ts-ignore: decorator
@inline
export function isAlone(graph: usize): bool { return load<u32>(graph, GRAPH_READY_HEAD) == load<u32>(graph, GRAPH_READY_TAIL); }

/** Puts a packet aside until the graph is at rest; then it comes to this node. False when there is no room. */
export function putAside(graph: usize, buffer: u32, node: u32): bool {
  const waiting = load<u32>(graph, GRAPH_COPIES);
  if (waiting >= <u32>ASIDE_MAX) return false;
  const entry = graph + GRAPH_COPY + <usize>waiting * <usize>GRAPH_COPY_SIZE;
  store<u32>(entry, buffer);
  store<u32>(entry, node, 4);
  store<u32>(graph, waiting + 1, GRAPH_COPIES);
  return true;
}
