// Where packets end that no node wants. The graph wires its slot 0 to the free list; the reason was
// counted by the node that dropped.

import { NEXT_DROP, setNext } from "../sdk/vector";

export function errorDrop(_node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, NEXT_DROP);
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "error-drop",
  process: "errorDrop",
  next: [],
  counters: [],
  trace: {},
});
