// punt: packets for the host itself. Today that is the replies to its own pings; whatever nobody
// waits for is counted and dropped.

import { B_DATA, B_PUNT, B_TOTAL, PUNT_ECHO_REPLY } from "../../assembly/abi.js";
import type { Graph } from "./graph.js";
import type { FromEngine } from "./messages.js";
import { PING_TIME } from "./originate.js";

const ECHO_REPLY = 0;
const NOT_ASKED = 1;
const NO_LISTENER = 2;
const NEXT_DROP = 0;

export const PUNT_NODE = {
  name: "punt",
  next: ["error-drop"],
  counters: ["echo reply delivered", "echo reply that was not asked for", "nobody listens for it"],
  trace: { layer: "ip4" as const, packet: [], state: [] },
};

export class Punt {
  /** sequence numbers that a ping still waits for, by its identifier */
  private readonly pings = new Map<number, Set<number>>();

  constructor(private readonly graph: Graph, private readonly emit: (message: FromEngine) => void) {}

  open(id: number): void {
    this.pings.set(id, new Set());
  }

  close(id: number): void {
    this.pings.delete(id);
  }

  expect(id: number, sequence: number): void {
    this.pings.get(id)?.add(sequence);
  }

  readonly process = (node: number, frame: number, n: number): void => {
    for (let i = 0; i < n; i++) {
      this.deliver(node, this.graph.bufferAt(frame, i));
      this.graph.setNext(frame, i, NEXT_DROP);
    }
  };

  /** Gives the packet to who waits for it, and counts it before that one can look. */
  private deliver(node: number, buffer: number): void {
    const { view, u16, u32 } = this.graph.packets;
    if (u16[(buffer + B_PUNT) >> 1] !== PUNT_ECHO_REPLY) return this.graph.count(node, NO_LISTENER);
    const ip = buffer + u16[(buffer + B_DATA) >> 1]!;
    const header = (view.getUint8(ip) & 15) * 4;
    const icmp = ip + header; // identifier at 4, sequence number at 6: RFC 792
    const id = view.getUint16(icmp + 4);
    const sequence = view.getUint16(icmp + 6);
    if (!this.pings.get(id)?.delete(sequence)) return this.graph.count(node, NOT_ASKED);

    const bytes = u32[(buffer + B_TOTAL) >> 2]! - header;
    const time = bytes >= PING_TIME + 8 ? performance.timeOrigin + performance.now() - view.getFloat64(icmp + PING_TIME, true) : 0;
    this.graph.count(node, ECHO_REPLY);
    this.emit({ type: "ping-reply", id, sequence, from: view.getUint32(ip + 12, true), bytes, ttl: view.getUint8(ip + 8), time });
  }
}
