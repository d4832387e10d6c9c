// Packets that end without having been sent, for a capture: each with the reason, "NODE: REASON" as `show errors` has it. A reason is known where
// the packet is sent to error-drop, and waits for the packet there.

import { B_DATA, B_L2, BUFFER_ALIGN, BUFFER_SHIFT } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import type { PacketMemory } from "../memory/memory.js";
import type { NodeSpec } from "./messages.js";
import { Kind } from "./trace-ring.js";
import { bufferOf, layerOf } from "./tracer.js";
import { LAYERS } from "./node-trace.js";

const DROP = "error-drop";
const ETHERNET_HEADER = 14;
/** What stands before a packet without an Ethernet header, by the layer that it begins with. */
const ETHER_TYPES: Record<number, number> = { [LAYERS.ip4]: 0x0800, [LAYERS.arp]: 0x0806 };
const REASONS: Record<number, string> = { [Kind.lost]: "frame lost to a trap", [Kind.passedOver]: "passed over: the node is not running" };

interface Reason {
  text: string;
  /** offset of the bytes that the node saw, and what they begin with */
  data: number;
  layer: number;
}

export class Drops {
  /** of packets on their way to error-drop, by buffer index */
  private readonly reasons = new Map<number, Reason>();

  /** `drop`: index of error-drop. */
  constructor(private readonly packets: PacketMemory, private readonly drop: number) {}

  /** Whether it is to be asked about each packet that a node lets go. What a port does not send, the shim captures. */
  wants(spec: NodeSpec): boolean {
    return spec.kind !== "port" && spec.name !== DROP;
  }

  /** A node sends a packet on, after it had counted this; `target`: null is nowhere. */
  left(spec: NodeSpec, index: number, data: number, target: number | null, counted: number[]): void {
    if (target === null) return this.capture(index, { text: `${spec.name}: next slot that does not exist`, data, layer: layerOf(spec) });
    if (target !== this.drop) {
      // What the graph finds wrong after it, it sends to error-drop by itself.
      if (spec.custom) this.reasons.set(index, { text: `${spec.name}: header left inconsistent`, data, layer: layerOf(spec) });
      return;
    }
    const why = counted.map((i) => spec.counters[i]!).join("; ") || "no reason counted";
    this.reasons.set(index, { text: `${spec.name}: ${why}`, data, layer: layerOf(spec) });
  }

  /** A packet that is sent to error-drop from outside of the graph. */
  because(index: number, why: string): void {
    const buffer = bufferOf(this.packets, index);
    if (buffer !== 0) this.reasons.set(index, { text: why, data: this.packets.u16[(buffer + B_DATA) >> 1]!, layer: LAYERS.ip4 });
  }

  /** See Observer.released. */
  released(index: number, spec: NodeSpec, counter: number): void {
    this.capture(index, { text: `${spec.name}: ${spec.counters[counter]}`, data: 0, layer: layerOf(spec) });
  }

  /** Packets come to a node; at error-drop they end. */
  arrived(spec: NodeSpec, frame: number, n: number): void {
    if (spec.index !== this.drop) return;
    for (const index of this.packets.u32.subarray(frame >> 2, (frame >> 2) + n)) {
      const reason = this.reasons.get(index) ?? { text: "error-drop: nobody says why", data: 0, layer: 0 };
      this.reasons.delete(index);
      this.capture(index, reason);
    }
  }

  /** See Observer.astray. */
  astray(spec: NodeSpec, frame: number, n: number, kind: number, slot: number): void {
    const text = kind === Kind.circled ? "graph: went round in circles" : `${spec.name}: ${REASONS[kind]}`;
    for (const index of this.packets.u32.subarray(frame >> 2, (frame >> 2) + n)) {
      const buffer = bufferOf(this.packets, index);
      if (buffer === 0) continue;
      const reason = { text, data: this.packets.u16[(buffer + B_DATA) >> 1]!, layer: layerOf(spec) };
      if (kind !== Kind.passedOver) this.capture(index, reason);
      else if (slot === 0) this.reasons.set(index, reason);
    }
  }

  /** The packets of one burst are gone, and their buffers are others' now. */
  forget(): void {
    this.reasons.clear();
  }

  private capture(index: number, { text, data, layer }: Reason): void {
    const buffer = bufferOf(this.packets, index);
    if (buffer === 0) return;
    const from = data || this.packets.u16[(buffer + B_DATA) >> 1]!;
    const link = this.packets.u16[(buffer + B_L2) >> 1]!;
    if (layer === LAYERS.ethernet) addon.captureDrop(buffer >>> BUFFER_SHIFT, from, -1, text);
    else if (link >= BUFFER_ALIGN && link + ETHERNET_HEADER <= from) addon.captureDrop(buffer >>> BUFFER_SHIFT, link, -1, text);
    else addon.captureDrop(buffer >>> BUFFER_SHIFT, from, ETHER_TYPES[layer] ?? 0, text);
  }
}
