// ip4-fragment: what there is to see of it. assembly/graph does its work, since it takes buffers.

export const FRAGMENT_NODE = {
  name: "ip4-fragment",
  next: ["error-drop", "ip4-rewrite"],
  counters: [
    "packets cut into fragments", "fragments made of them", "no buffer for a fragment", "malformed packet", "too many packets to cut",
    "segments made of super-packets",
  ],
  state: 4, // u32, the next identification
  trace: { layer: "ip4" as const, packet: [], state: [] },
};
