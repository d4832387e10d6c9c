// A debugging mode: what a node from outside writes where it has no business is found, named and undone.
// All nodes share one memory, so nothing else stops it. It copies and compares everything around each
// call, which takes some hundred microseconds; routers that carry traffic do without.

import {
  BUFFER_SHIFT, BUFFER_SIZE, FRAME_SIZE, FREE_LIST_ENTRIES, GRAPH_ASLEEP, GRAPH_MAIL, GRAPH_PENDING, GRAPH_PENDING_SIZE, MODULE_COUNT, MODULE_SIZE,
  MODULES, NODE_COUNT, NODE_STATE, VECTOR, WORKER_FRAMES, WORKER_FREE_LIST, WORKER_INTERFACES,
} from "../../assembly/abi.js";
import type { PacketMemory } from "../memory/memory.js";
import type { NodeSpec } from "./messages.js";

/** Part of the memory that the node in hand must not write, by the name that its owner knows it by. */
interface Part {
  name: string;
  at: number;
  size: number;
}

export class Isolation {
  private parts: Part[] = [];
  private copies: Uint8Array[] = [];

  /** `base`: address of the worker's region. */
  constructor(private readonly packets: PacketMemory, private readonly base: number) {}

  /** Notes everything but what is the node's own: its instance's runtime blocks and static data, and its packets. */
  before(nodes: Iterable<NodeSpec>, own: NodeSpec[], region: number): void {
    this.parts = [...this.graphParts(), ...this.waitingPackets(), ...blocks(this.base, nodes, own), ...staticData(region)];
    this.copies = this.parts.map(({ at, size }) => this.packets.u8.slice(at, at + size));
  }

  /** What the node has written beyond that, undone; null: nothing. */
  after(): string | null {
    let found: string | null = null;
    for (const [i, { name, at, size }] of this.parts.entries()) {
      const now = Buffer.from(this.packets.memory.buffer, at, size);
      const copy = this.copies[i]!;
      if (now.equals(copy)) continue;
      const offset = copy.findIndex((byte, k) => byte !== now[k]);
      found ??= `it wrote into ${name}, at byte ${offset}`;
      this.packets.u8.set(copy, at);
    }
    this.copies = [];
    return found;
  }

  /** What belongs to the graph itself. The control plane writes GRAPH_MAIL at any time. */
  private graphParts(): Part[] {
    const { base } = this;
    const free = this.packets.u32[(base + WORKER_FREE_LIST) >> 2]!;
    const busy = GRAPH_MAIL;
    return [
      { name: "the graph block", at: base, size: busy },
      { name: "the graph block", at: base + GRAPH_ASLEEP, size: WORKER_INTERFACES - GRAPH_ASLEEP },
      { name: "the interface counters", at: base + WORKER_INTERFACES, size: WORKER_FRAMES - WORKER_INTERFACES },
      { name: "the free list", at: base + WORKER_FREE_LIST, size: FREE_LIST_ENTRIES + free * 4 },
    ];
  }

  /** Frames in which packets wait for other nodes, and those packets' first buffers. */
  private waitingPackets(): Part[] {
    const { u32 } = this.packets;
    const parts: Part[] = [];
    for (let index = 0; index < NODE_COUNT; index++) {
      const pending = (this.base + GRAPH_PENDING + index * GRAPH_PENDING_SIZE) >> 2;
      const [frame, n] = [u32[pending]!, Math.min(u32[pending + 1]!, VECTOR)];
      if (n === 0) continue;
      parts.push({ name: "another node's frame", at: frame, size: FRAME_SIZE });
      for (let i = 0; i < n; i++) {
        parts.push({ name: "another node's packet", at: (u32[(frame >> 2) + i]! << BUFFER_SHIFT) >>> 0, size: BUFFER_SIZE });
      }
    }
    return parts;
  }
}

function blocks(base: number, nodes: Iterable<NodeSpec>, own: NodeSpec[]): Part[] {
  const parts: Part[] = [];
  for (const { index, name, runtime, state } of nodes) {
    if (own.some((node) => node.index === index)) continue;
    parts.push({ name: `the counters of node ${name}`, at: base + runtime, size: NODE_STATE });
    if (state > 0) parts.push({ name: `the state of node ${name}`, at: base + runtime + NODE_STATE, size: state });
  }
  return parts;
}

/** All module regions but the node's own, which begins at `region`; 0: it has none. */
function staticData(region: number): Part[] {
  const regions = Array.from({ length: MODULE_COUNT }, (_, k) => ({ name: `module region ${k}`, at: MODULES + k * MODULE_SIZE, size: MODULE_SIZE }));
  return regions.filter(({ at }) => at !== region);
}
