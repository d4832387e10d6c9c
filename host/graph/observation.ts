// Looks at packets one by one as they pass through the graph. A frame with one that is looked at is processed in parts: what is before it, it
// alone, what is behind it. So what a node counts and decides while it has this packet is about this packet, whatever the node is; and order,
// counters and bytes are those of the whole frame.

import {
  ARC_NONE, B_DATA, B_TRACE, B_TX_IF, FRAME_NEXT, IFC_SIZE, IFC_TX_DOWN, IFC_TX_ERROR, IFC_TX_NO_ROOM, IFC_TX_TOO_LONG, INTERFACE_COUNT, NEXT_HOLD,
  NODE_COUNTERS, WORKER_INTERFACES,
} from "../../assembly/abi.js";
import type { Drops } from "./drops.js";
import type { Graph, Observer, Process } from "./graph.js";
import type { NodeSpec } from "./messages.js";
import { Kind } from "./trace-ring.js";
import { bufferOf, type Tracer } from "./tracer.js";

/** What can become of a packet in a port; a trace counts these as if they were counters of the port's node. */
export const TX_LOSSES: [offset: number, name: string][] = [
  [IFC_TX_NO_ROOM, "tx no room"], [IFC_TX_DOWN, "tx down"], [IFC_TX_TOO_LONG, "tx too long"], [IFC_TX_ERROR, "tx error"],
];

export class Observation implements Observer {
  /** counters as they were before the packet in hand */
  private readonly before = new Uint32Array(64);

  /** `tracer` and `drops`: null where nobody wants them. */
  constructor(private readonly graph: Graph, private readonly tracer: Tracer | null, private readonly drops: Drops | null) {}

  wrap(spec: NodeSpec, process: Process): Process {
    const { u16, u32 } = this.graph.packets;
    return (runtime, frame, n) => {
      this.drops?.arrived(spec, frame, n);
      const places = this.choose(spec, frame, n);
      if (places.length === 0) return process(runtime, frame, n);
      const [first, next] = [frame >> 2, (frame + FRAME_NEXT) >> 1];
      const given = u32.slice(first, first + n);
      const left = given.slice();
      const slots = new Uint16Array(n);
      const part = (from: number, to: number): number => {
        u32.set(given.subarray(from, to), first);
        process(runtime, frame, to - from);
        left.set(u32.subarray(first, first + to - from), from);
        slots.set(u16.subarray(next, next + to - from), from);
        return slots[from]!;
      };
      try {
        let done = 0;
        for (const place of places) {
          if (place > done) part(done, place);
          this.step(spec, runtime, given[place]!, () => part(place, place + 1));
          done = place + 1;
        }
        if (done < n) part(done, n);
      } catch (error) {
        u32.set(given, first);
        throw error;
      }
      u32.set(left, first);
      u16.set(slots, next);
    };
  }

  received(input: NodeSpec, frame: number, n: number): void {
    this.drops?.forget();
    this.tracer?.received(input, frame, n);
  }

  injected(buffers: readonly number[], why: string): void {
    if (this.tracer) this.tracer.live = true;
    this.drops?.forget();
    if (why !== "") for (const index of buffers) this.drops?.because(index, why);
  }

  released(buffer: number, spec: NodeSpec, counter: number): void {
    this.drops?.released(buffer, spec, counter);
  }

  resumed(): void {
    if (this.tracer) this.tracer.live = true;
  }

  astray(spec: NodeSpec, frame: number, n: number, kind: number, slot: number): void {
    this.tracer?.noteAll(spec, frame, n, kind, slot);
    this.drops?.astray(spec, frame, n, kind, slot);
  }

  private choose(spec: NodeSpec, frame: number, n: number): number[] {
    const traced = this.tracer?.choose(spec, frame, n) ?? [];
    return this.drops?.wants(spec) ? Array.from({ length: n }, (_, i) => i) : traced;
  }

  /** One packet through a node; `run` gives the slot that the node chose. */
  private step(spec: NodeSpec, runtime: number, index: number, run: () => number): void {
    const { u16, u32 } = this.graph.packets;
    const buffer = bufferOf(this.graph.packets, index);
    if (buffer === 0) return void run();
    const counters = this.countersOf(spec, runtime, buffer);
    for (const [i, at] of counters.entries()) this.before[i] = u32[at >> 2]!;
    const [id, data] = [u16[(buffer + B_TRACE) >> 1]!, u16[(buffer + B_DATA) >> 1]!];
    const traced = this.tracer?.enter(spec, buffer) ?? false;
    let slot = 0;
    try {
      slot = run();
    } catch (error) {
      if (traced) this.tracer!.leave(spec, buffer, id, Kind.trapped, 0, 0n);
      throw error;
    }
    const counted = counters.flatMap((at, i) => (u32[at >> 2] === this.before[i] ? [] : [i]));
    const takes = this.graph.takes(spec);
    const bits = counted.reduce((sum, i) => sum | (1n << BigInt(i)), 0n);
    if (traced) this.tracer!.leave(spec, buffer, id, takes ? Kind.taken : Kind.passed, slot, bits);
    if (this.drops?.wants(spec) && !takes && !(slot === NEXT_HOLD && spec.kind === "host")) {
      const target = this.graph.arc(spec.index, slot & 0xff);
      this.drops.left(spec, index, data, target === ARC_NONE ? null : target, counted);
    }
  }

  /** Addresses of what may be counted because of a packet. */
  private countersOf(spec: NodeSpec, runtime: number, buffer: number): number[] {
    if (spec.kind !== "port") return spec.counters.map((_, i) => runtime + NODE_COUNTERS + i * 8);
    const index = this.graph.packets.u16[(buffer + B_TX_IF) >> 1]!;
    const block = this.graph.base + WORKER_INTERFACES + index * IFC_SIZE;
    return index < INTERFACE_COUNT ? TX_LOSSES.map(([offset]) => block + offset) : [];
  }
}
