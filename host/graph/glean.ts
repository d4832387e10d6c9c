// ip4-glean: packets for a neighbour whose MAC address is not known yet. It has the control plane ask
// by ARP and keeps the last packets until there is an answer (RFC 1122 2.3.2.2).

import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_NEXT_HOP, ADJ_TX_IF, B_ADJ, B_DATA, B_FLAGS, B_FLAG_LOCAL, B_HOLDER, B_ICMP, B_ICMP_DATA, B_LENGTH, B_OPAQUE,
  B_TOTAL, BUFFER_DATA, BUFFER_SHIFT, BUFFER_SIZE, HOLDER_GLEAN, HOLDER_WORKER_SHIFT, NEXT_HOLD,
} from "../../assembly/abi.js";
import type { Graph } from "./graph.js";
import type { FromEngine } from "./messages.js";

/** Packets kept for one neighbour: as many as Linux keeps of full-sized ones (unres_qlen_bytes, 212,992 bytes). */
const HELD_PER_NEIGHBOUR = 101;
/** Neighbours that are asked for at a time. */
const NEIGHBOURS_MAX = 256;
/** All that waits has at most this share of the worker's buffers: traffic to hosts that are not there must not stop all other. */
const SHARE = 4;
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

/** A packet that waits: the index of its first buffer, and how many it has. */
interface Held {
  index: number;
  buffers: number;
}

export class Glean {
  /** packets that wait, oldest first, by interface and address */
  private readonly waiting = new Map<string, Held[]>();
  /** that all of them have */
  private buffers = 0;
  private readonly buffersMax: number;
  /** stands in the opaque bytes of each packet that is held: which came first */
  private order = 0;

  constructor(
    private readonly graph: Graph,
    private readonly targets: { lookup: number; icmpError: number; drop: number },
    private readonly emit: (message: FromEngine) => void,
  ) {
    const { buffers, workers } = graph.packets.layout;
    this.buffersMax = Math.floor(buffers / workers / SHARE);
  }

  readonly process = (node: number, frame: number, n: number): void => {
    for (let i = 0; i < n; i++) this.graph.setNext(frame, i, this.hold(node, this.graph.bufferAt(frame, i)));
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
    if (!this.waiting.has(key)) return;
    const buffers = this.graph.unhold(this.forget(key));
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
      this.keep(key, buffer);
    }
  }

  /** All packets that wait. */
  held(): Set<number> {
    return new Set([...this.evicted, ...[...this.waiting.values()].flat().map(({ index }) => index)]);
  }

  /** Drops what waits behind an interface that goes away. */
  dropInterface(index: number): void {
    for (const key of [...this.waiting.keys()]) {
      if (key.startsWith(`${index} `)) this.evicted.push(...this.forget(key));
    }
  }

  private hold(node: number, buffer: number): number {
    if (this.expires(buffer)) {
      this.graph.count(node, TTL_EXPIRED);
      this.mark(buffer, TIME_EXCEEDED);
      return NEXT_ICMP_ERROR;
    }
    const [index, address] = this.wanted(buffer);
    const key = keyOf(index, address);
    if (!this.waiting.has(key)) {
      if (this.waiting.size >= NEIGHBOURS_MAX) {
        this.graph.count(node, TOO_MANY);
        return NEXT_DROP;
      }
      this.graph.count(node, ASKED);
      this.emit({ type: "wanted", index, address });
    }
    const queue = this.keep(key, buffer);
    this.graph.packets.u32[(buffer + B_OPAQUE) >> 2] = this.order++;
    this.graph.packets.u16[(buffer + B_HOLDER) >> 1] = HOLDER_GLEAN | (this.graph.worker << HOLDER_WORKER_SHIFT);
    if (queue.length > HELD_PER_NEIGHBOUR) this.evict(node, queue);
    while (this.buffers > this.buffersMax) this.evict(node, this.longest());
    return NEXT_HOLD;
  }

  /** Has a packet wait, as the last one of its neighbour's; gives these. */
  private keep(key: string, buffer: number): Held[] {
    const { u16, u32 } = this.graph.packets;
    const behind = u32[(buffer + B_TOTAL) >> 2]! - u16[(buffer + B_LENGTH) >> 1]!;
    const buffers = 1 + Math.ceil(Math.max(behind, 0) / BUFFER_DATA);
    const queue = this.waiting.get(key) ?? [];
    queue.push({ index: buffer >>> BUFFER_SHIFT, buffers });
    this.waiting.set(key, queue);
    this.buffers += buffers;
    return queue;
  }

  /** Takes out the packets that wait for a neighbour. */
  private forget(key: string): number[] {
    const queue = this.waiting.get(key)!;
    this.waiting.delete(key);
    this.buffers -= queue.reduce((sum, { buffers }) => sum + buffers, 0);
    return queue.map(({ index }) => index);
  }

  /** The oldest packet of a queue gives way. */
  private evict(node: number, queue: Held[]): void {
    const { index, buffers } = queue.shift()!;
    this.graph.count(node, OVERFLOW);
    this.buffers -= buffers;
    this.evicted.push(index);
  }

  /** Who has most packets that wait has to give way: a neighbour that has only just been asked for keeps its own. */
  private longest(): Held[] {
    let most: Held[] = [];
    for (const queue of this.waiting.values()) if (queue.length > most.length) most = queue;
    return most;
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
