// The worker's side of tracing: marks the packets that are wanted, and records each of them at each node that it passes. A packet's mark is a
// field of its buffer's header, so it goes where the packet goes, and into its copies.

import { B_DATA, B_LENGTH, B_TOTAL, B_TRACE, BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, NODE_STATE } from "../../assembly/abi.js";
import type { PacketMemory } from "../memory/memory.js";
import { COLUMN_SIZES } from "./manifest.js";
import type { NodeSpec } from "./messages.js";
import { LAYERS } from "./node-trace.js";
import type { PacketFilter } from "./packet-filter.js";
import { Kind, TRACED_BYTES, type TraceRing } from "./trace-ring.js";

/** What of assembly/graph looks through frames. */
export interface TraceFunctions {
  nextTraced(frame: number, n: number, from: number): number;
  nextWanted(frame: number, n: number, from: number, layer: number): number;
  setFilter(source: number, sourceMask: number, destination: number, destinationMask: number, protocol: number, port: number): void;
}

const ANY = 0xffffffff;

export class Tracer {
  /** a traced packet may be on its way in the graph */
  live = false;
  /** traces that have no record yet */
  private readonly fresh = new Set<number>();

  /** `base`: address of the worker's region; `clock`: ms since the control plane's start. */
  constructor(
    private readonly packets: PacketMemory, private readonly base: number, private readonly functions: TraceFunctions,
    private readonly ring: TraceRing,
    { source, sourceMask, destination, destinationMask, protocol, port }: PacketFilter, private readonly clock: () => number,
  ) {
    functions.setFilter(source, sourceMask, destination, destinationMask, protocol ?? ANY, port ?? ANY);
    ring.recover();
  }

  /** Marks those of a frame that are wanted at a node; then gives the places of all that are traced. */
  choose(spec: NodeSpec, frame: number, n: number): number[] {
    if (this.ring.wanted(spec.index) > 0) this.mark(spec, frame, n);
    const places: number[] = [];
    if (!this.live) return places;
    for (let i = this.functions.nextTraced(frame, n, 0); i < n; i = this.functions.nextTraced(frame, n, i + 1)) places.push(i);
    return places;
  }

  /** A packet comes to a node; false: it is not traced. `buffer` is an address of the pool. */
  enter(spec: NodeSpec, buffer: number): boolean {
    const { u8, u16, u32 } = this.packets;
    const id = u16[(buffer + B_TRACE) >> 1]!;
    if (!this.ring.isTaken(id)) return false;
    const data = u16[(buffer + B_DATA) >> 1]!;
    const sound = data >= BUFFER_ALIGN && data <= BUFFER_SIZE;
    const length = sound ? Math.min(u16[(buffer + B_LENGTH) >> 1]!, BUFFER_SIZE - data, TRACED_BYTES) : 0;
    const bytes = u8.subarray(buffer + data, buffer + data + length);
    return this.ring.open(id, spec.index, buffer >>> BUFFER_SHIFT, u32[(buffer + B_TOTAL) >> 2]!, this.clock(), bytes);
  }

  /** And has been there; `id`: what its mark was before. */
  leave(spec: NodeSpec, buffer: number, id: number, kind: number, slot: number, counted: bigint): void {
    const { u8 } = this.packets;
    const state = this.base + spec.runtime + NODE_STATE;
    const fields = (spec.trace?.state ?? []).map(({ at, type }) => u8.subarray(state + at, state + at + COLUMN_SIZES[type]));
    this.ring.close(kind, this.fresh.delete(id), slot, counted, fields, u8.subarray(buffer, buffer + BUFFER_ALIGN));
  }

  /** What happens to a packet between two nodes, or before it came to one. */
  note(spec: NodeSpec, buffer: number, kind: number, slot = 0): void {
    const id = this.packets.u16[(buffer + B_TRACE) >> 1]!;
    if (this.enter(spec, buffer)) this.leave(spec, buffer, id, kind, slot, 0n);
  }

  /** A burst came in by an input node. */
  received(spec: NodeSpec, frame: number, n: number): void {
    this.live = false;
    this.noteAll(spec, frame, n, Kind.passed);
  }

  /** The same happens to all packets of a frame. */
  noteAll(spec: NodeSpec, frame: number, n: number, kind: number, slot = 0): void {
    for (const i of this.choose(spec, frame, n)) {
      const buffer = bufferOf(this.packets, this.packets.u32[(frame >> 2) + i]!);
      if (buffer !== 0) this.note(spec, buffer, kind, slot);
    }
  }

  private mark(spec: NodeSpec, frame: number, n: number): void {
    const layer = layerOf(spec);
    for (let i = this.functions.nextWanted(frame, n, 0, layer); i < n; i = this.functions.nextWanted(frame, n, i + 1, layer)) {
      const buffer = bufferOf(this.packets, this.packets.u32[(frame >> 2) + i]!);
      const id = buffer === 0 ? 0 : this.ring.take(spec.index);
      if (id === 0) return;
      this.packets.u16[(buffer + B_TRACE) >> 1] = id;
      this.fresh.add(id);
      this.live = true;
    }
  }
}

/** Address of a buffer; 0: the pool has none with this index. Who got the index from the memory must ask: anyone may have written it. */
export function bufferOf({ layout }: PacketMemory, index: number): number {
  const buffer = (index << BUFFER_SHIFT) >>> 0;
  return index < 2 ** (32 - BUFFER_SHIFT) && buffer >= layout.pool && buffer + BUFFER_SIZE <= layout.poolEnd ? buffer : 0;
}

/** The number of what packets begin with at a node; those of a port are frames. */
export function layerOf({ kind, trace }: NodeSpec): number {
  if (trace?.layer) return LAYERS[trace.layer];
  return kind === "port" ? LAYERS.ethernet : 0;
}
