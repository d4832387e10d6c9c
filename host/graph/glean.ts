// ip4-glean: packets for a neighbour whose MAC address is not known yet. It has the control plane ask
// by ARP and keeps the last packets until there is an answer (RFC 1122 2.3.2.2).

import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_NEXT_HOP, ADJ_TX_IF, B_ADJ, B_DATA, B_FLAGS, B_FLAG_LOCAL, B_HOLDER, B_ICMP, B_ICMP_DATA, B_OPAQUE, BUFFER_SHIFT,
  BUFFER_SIZE, HOLDER_GLEAN, HOLDER_WORKER_SHIFT, NEXT_HOLD,
} from "../../assembly/abi.js";
import type { Graph } from "./graph.js";
import type { FromEngine } from "./messages.js";

/** Packets kept for one neighbour: as many as Linux keeps of full-sized ones (unres_qlen_bytes, 212,992 bytes). */
const HELD_PER_NEIGHBOUR = 101;
/** Neighbours that are asked for at a time; a scan of a network must not empty the pool. */
const NEIGHBOURS_MAX = 256;
const HOST_UNREACHABLE = (3 << 8) | 1;
const TIME_EXCEEDED = 11 << 8;

const NEXT_DROP = 0;
const NEXT_ICMP_ERROR = 2;
const ASKED = 0;
const OVERFLOW = 1;
const TOO_MANY = 2;
const TTL_EXPIRED = 3;

export const GLEAN_NODE = {
  name: "ip4-glean",
  next: ["error-drop", "ip4-lookup", "ip4-icmp-error"],
  counters: ["neighbour asked for", "too many packets wait for this neighbour", "too many neighbours asked for", "TTL expired"],
  trace: { layer: "ip4" as const, packet: ["tx-interface" as const], state: [] },
};

export class Glean {
  /** packets that wait, oldest first, by interface and address */
  private readonly waiting = new Map<string, number[]>();
  /** stands in the opaque bytes of each packet that is held: which came first */
  private order = 0;

  constructor(
    private readonly graph: Graph,
    private readonly targets: { lookup: number; icmpError: number; drop: number },
    private readonly emit: (message: FromEngine) => void,
  ) {}

  readonly process = (node: number, frame: number, n: number): void => {
    const evicted: number[] = [];
    for (let i = 0; i < n; i++) this.graph.setNext(frame, i, this.hold(node, this.graph.bufferAt(frame, i), evicted));
    if (evicted.length > 0) this.evicted.push(...evicted);
  };

  /** packets that newer ones pushed out; they are dropped at the end of the turn */
  private readonly evicted: number[] = [];

  /** Lets go of packets that newer ones pushed out. The scheduler calls it while the graph is at rest. */
  flush(): void {
    if (this.evicted.length === 0) return;
    this.graph.inject(this.targets.drop, this.graph.unhold(this.evicted.splice(0)), `${GLEAN_NODE.name}: ${GLEAN_NODE.counters[OVERFLOW]}`);
  }

  /** The neighbour answered (its packets are routed anew), or never will (host unreachable, RFC 1812 5.2.7.1). */
  release(index: number, address: number, reachable: boolean): void {
    const key = keyOf(index, address);
    const held = this.waiting.get(key);
    if (!held) return;
    this.waiting.delete(key);
    const buffers = this.graph.unhold(held);
    if (!reachable) for (const buffer of buffers) this.mark((buffer << BUFFER_SHIFT) >>> 0, HOST_UNREACHABLE);
    this.graph.inject(reachable ? this.targets.lookup : this.targets.icmpError, buffers);
  }

  /** Takes over the packets that another worker's ip4-glean held, in the order in which they came. */
  recover(held: readonly number[]): void {
    const { u32 } = this.graph.packets;
    const turn = (buffer: number): number => u32[(buffer + B_OPAQUE) >> 2]!;
    for (const buffer of [...held].sort((a, b) => turn(a) - turn(b))) {
      if (!this.isSound(buffer)) {
        this.evicted.push(buffer >>> BUFFER_SHIFT);
        continue;
      }
      this.order = turn(buffer) + 1;
      const [index, address] = this.wanted(buffer);
      const key = keyOf(index, address);
      if (!this.waiting.has(key)) this.emit({ type: "wanted", index, address }); // an answer may have been lost with the other worker
      this.waiting.set(key, [...(this.waiting.get(key) ?? []), buffer >>> BUFFER_SHIFT]);
    }
  }

  /** All packets that wait. */
  held(): Set<number> {
    return new Set([...this.evicted, ...[...this.waiting.values()].flat()]);
  }

  /** Drops what waits behind an interface that goes away. */
  dropInterface(index: number): void {
    for (const key of [...this.waiting.keys()]) {
      if (!key.startsWith(`${index} `)) continue;
      this.evicted.push(...this.waiting.get(key)!);
      this.waiting.delete(key);
    }
    this.flush();
  }

  private hold(node: number, buffer: number, evicted: number[]): number {
    if (this.expires(buffer)) {
      this.graph.count(node, TTL_EXPIRED);
      this.mark(buffer, TIME_EXCEEDED);
      return NEXT_ICMP_ERROR;
    }
    const [index, address] = this.wanted(buffer);
    const key = keyOf(index, address);
    let queue = this.waiting.get(key);
    if (!queue) {
      if (this.waiting.size >= NEIGHBOURS_MAX) {
        this.graph.count(node, TOO_MANY);
        return NEXT_DROP;
      }
      this.waiting.set(key, (queue = []));
      this.graph.count(node, ASKED);
      this.emit({ type: "wanted", index, address });
    }
    queue.push(buffer >>> BUFFER_SHIFT);
    this.graph.packets.u32[(buffer + B_OPAQUE) >> 2] = this.order++;
    this.graph.packets.u16[(buffer + B_HOLDER) >> 1] = HOLDER_GLEAN | (this.graph.worker << HOLDER_WORKER_SHIFT);
    if (queue.length > HELD_PER_NEIGHBOUR) {
      this.graph.count(node, OVERFLOW);
      evicted.push(queue.shift()!);
    }
    return NEXT_HOLD;
  }

  /** Whether a held packet is as it was: a node may have written over it before its worker was given up. */
  private isSound(buffer: number): boolean {
    const { u16 } = this.graph.packets;
    return u16[(buffer + B_DATA) >> 1]! < BUFFER_SIZE;
  }

  /** The neighbour that a packet waits for: interface and address. */
  private wanted(buffer: number): [index: number, address: number] {
    const { u32, u16 } = this.graph.packets;
    const adjacency = ADJACENCIES + u16[(buffer + B_ADJ) >> 1]! * ADJACENCY_SIZE;
    return [u16[(adjacency + ADJ_TX_IF) >> 1]!, u32[(adjacency + ADJ_NEXT_HOP) >> 2]! || this.destination(buffer)];
  }

  /** Destination of the IP packet in a buffer, raw: RFC 791, bytes 16 to 19. */
  private destination(buffer: number): number {
    const { view, u16 } = this.graph.packets;
    return view.getUint32(buffer + u16[(buffer + B_DATA) >> 1]! + 16, true);
  }

  /** RFC 1812 5.3.1: a packet that is at its end is not worth asking for anybody. As in ip4-rewrite, but for the router's own. */
  private expires(buffer: number): boolean {
    const { u8, u16 } = this.graph.packets;
    return (u16[(buffer + B_FLAGS) >> 1]! & B_FLAG_LOCAL) === 0 && u8[buffer + u16[(buffer + B_DATA) >> 1]! + 8]! <= 1;
  }

  /** Says which error ip4-icmp-error is to send. */
  private mark(buffer: number, error: number): void {
    const { u16, u32 } = this.graph.packets;
    u16[(buffer + B_ICMP) >> 1] = error;
    u32[(buffer + B_ICMP_DATA) >> 2] = 0;
  }
}

function keyOf(index: number, address: number): string {
  return `${index} ${address}`;
}
