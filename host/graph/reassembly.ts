// ip4-reassembly: fragments to the router itself, kept until their packet is whole (RFC 791, 3.2; RFC 1122, 3.3.2).
//
// What overlaps is refused with all that belongs to it (RFC 5722, 4, by analogy; RFC 1858, 4); what repeats bytes that are there is ignored.
// There are limits for all, so that packets that are never whole cannot take the pool, and for each source, so that one cannot push out the
// others': the oldest packet gives way.

import {
  BUFFER_DATA, BUFFER_SHIFT, BUFFER_SIZE, B_ADJ, B_DATA, B_FLAGS, B_FLAG_L4_GOOD, B_GSO_SIZE, B_HOLDER, B_ICMP, B_ICMP_DATA, B_LENGTH, B_OPAQUE,
  B_RX_IF, B_TOTAL, B_TX_IF, HOLDER_GLEAN, HOLDER_REASSEMBLY, HOLDER_WORKER_SHIFT, NODE_STATE, REASSEMBLY_BYTES, REASSEMBLY_CONTEXTS,
  REASSEMBLY_FRAGMENTS, REASSEMBLY_STATE_SIZE,
} from "../../assembly/abi.js";
import { Context, type Piece, type ReassemblyLimits } from "./fragments.js";
import type { Graph } from "./graph.js";
import type { NodeSpec } from "./messages.js";
import { checksum } from "./originate.js";

/** Linux' time (RFC 1122 asks for 60 to 120 s, and nobody waits that long), VPP's number. */
export const REASSEMBLY_DEFAULTS: ReassemblyLimits = { timeout: 30_000, maxReassemblies: 1024 };
/** One source has at most this share of the packets; and all of them at most this share of the pool, but not more than Linux gives them. */
const SHARE = 4;
const MEMORY_MAX = 4 * 2 ** 20;
/**
 * Fragments of one source's other packets between two of one packet, beyond which the packet begins anew: the identification may have come
 * round (RFC 4963). Linux' ipfrag_max_dist.
 */
const DISTANCE_MAX = 64;
const LENGTH_MAX = 65_535;
const TIME_EXCEEDED = (11 << 8) | 1;
const NEXT_LOCAL = 1;
const NEXT_ERROR = 2;

const WHOLE = 0;
const JOINED = 1;
const TIMED_OUT = 2;
const OVERLAPPING = 3;
const DUPLICATE = 4;
const MALFORMED = 5;
const TOO_MANY = 6;
const TOO_FAR = 7;
const MIXED_MARKS = 8;
const NO_BUFFER = 9;
const INTERFACE_GONE = 10;

export const REASSEMBLY_NODE = {
  name: "ip4-reassembly",
  next: ["error-drop", "ip4-local", "ip4-icmp-error"],
  counters: [
    "packets put together", "joined to its packet", "packet not whole in time", "overlapping", "repeats what is there", "malformed fragment",
    "gave way to newer packets", "identification has come round", "some with congestion marks, some without", "no buffer to put the packet together",
    "interface removed",
  ],
  state: REASSEMBLY_STATE_SIZE,
  trace: { layer: "ip4" as const, packet: [], state: [] },
};

/** Bytes of memory that fragments may take of a pool. */
export function reassemblyMemory(buffers: number): number {
  return Math.min(MEMORY_MAX, Math.floor((buffers * BUFFER_SIZE) / SHARE));
}

/** What is kept of one source. */
interface Source {
  /** its packets, oldest first */
  contexts: Set<Context>;
  /** fragments that have come */
  seen: number;
}

export class Reassembly {
  /** oldest first */
  private readonly contexts = new Map<string, Context>();
  private readonly sources = new Map<number, Source>();
  private fragments = 0;
  private memory = 0;
  private readonly memoryMax: number;
  private limits: ReassemblyLimits = REASSEMBLY_DEFAULTS;
  /** stands in the opaque bytes of each fragment that is held: which came first */
  private order = 0;
  private readonly block: number;

  constructor(private readonly graph: Graph, private readonly node: NodeSpec) {
    this.block = graph.base + node.runtime;
    this.memoryMax = reassemblyMemory(graph.packets.layout.buffers) / graph.packets.layout.workers;
  }

  /** Takes its packets off the frame itself: see Graph.addTaking(). */
  readonly process = (_node: number, frame: number, n: number): void => {
    for (let i = 0; i < n; i++) {
      const buffer = this.graph.bufferAt(frame, i);
      this.graph.hold(buffer >>> BUFFER_SHIFT);
      this.take(buffer);
    }
    this.publish();
  };

  setLimits(limits: ReassemblyLimits): void {
    this.limits = limits;
    this.makeRoom(undefined);
  }

  /** Gives up what has waited too long. The scheduler calls it while the graph is at rest. */
  expire(): void {
    if (this.contexts.size === 0) return;
    const now = performance.now();
    for (const context of this.contexts.values()) {
      if (now - context.born < this.limits.timeout) break;
      this.timeOut(context);
    }
    this.publish();
  }

  /** All fragments that wait, by the index of their first buffer. */
  held(): number[] {
    return [...this.contexts.values()].flatMap(({ pieces }) => pieces.map(({ buffer }) => buffer));
  }

  /** Takes over the fragments that another worker's ip4-reassembly held. Their time begins anew. */
  recover(held: readonly number[]): void {
    const { u32 } = this.graph.packets;
    const turn = (buffer: number): number => u32[(buffer + B_OPAQUE) >> 2]!;
    for (const buffer of [...held].sort((a, b) => turn(a) - turn(b))) {
      this.order = turn(buffer);
      this.take(buffer);
    }
    this.publish();
  }

  /** Drops the packets of which a part came from an interface that goes away. */
  dropInterface(index: number): void {
    const { u16 } = this.graph.packets;
    const from = ({ buffer }: Piece): number => u16[(addressOf(buffer) + B_RX_IF) >> 1]!;
    for (const context of this.contexts.values()) if (context.pieces.some((piece) => from(piece) === index)) this.drop(context, INTERFACE_GONE);
    this.publish();
  }

  /** Takes a fragment that is held already. */
  private take(buffer: number): void {
    const { u8, u16, u32, view } = this.graph.packets;
    const index = buffer >>> BUFFER_SHIFT;
    const header = buffer + Math.min(u16[(buffer + B_DATA) >> 1]!, BUFFER_SIZE);
    const [here, total] = [u16[(buffer + B_LENGTH) >> 1]!, u32[(buffer + B_TOTAL) >> 2]!];
    const skip = (u8[header]! & 15) * 4;
    if (skip < 20 || here < skip || total < skip || total > LENGTH_MAX) return this.refuse(index, MALFORMED);
    u16[(buffer + B_HOLDER) >> 1] = HOLDER_REASSEMBLY | (this.graph.worker << HOLDER_WORKER_SHIFT);
    u32[(buffer + B_OPAQUE) >> 2] = this.order++;

    const word = view.getUint16(header + 6);
    const more = (word & 0x2000) !== 0;
    const from = (word & 0x1fff) * 8;
    // RFC 791, 3.2: all but the last carry a multiple of 8 bytes; what is more than that is cut off, as Linux does.
    const to = from + (more ? (total - skip) & ~7 : total - skip);
    const memory = BUFFER_SIZE * (1 + Math.ceil(Math.max(0, total - here) / BUFFER_DATA));
    const context = this.contextOf(header);
    if (to > LENGTH_MAX) return this.refuse(index, MALFORMED, context);
    const verdict = context.add({ buffer: index, from, to, skip, memory }, more, u8[header + 1]!);
    if (verdict === "duplicate") return this.refuse(index, DUPLICATE);
    if (verdict !== "kept") return this.refuse(index, verdict === "overlapping" ? OVERLAPPING : MALFORMED, context);
    this.fragments++;
    this.memory += memory;
    if (context.whole) this.complete(context, buffer);
    else this.makeRoom(context);
  }

  /** The packet that a fragment is of: the same source, destination, protocol and identification (RFC 791, 3.2). */
  private contextOf(header: number): Context {
    const { u8, view } = this.graph.packets;
    const from = view.getUint32(header + 12, true);
    const key = `${from} ${view.getUint32(header + 16, true)} ${u8[header + 9]} ${view.getUint16(header + 4)}`;
    let source = this.sources.get(from);
    if (!source) this.sources.set(from, (source = { contexts: new Set(), seen: 0 }));
    source.seen++;
    let context = this.contexts.get(key);
    if (context && source.seen - context.newest > DISTANCE_MAX) {
      this.drop(context, TOO_FAR);
      context = undefined;
    }
    if (!context) {
      context = new Context(key, from, performance.now());
      this.contexts.set(key, context);
      this.sources.set(from, source); // dropping its only packet has taken it out
      source.contexts.add(context);
    }
    context.newest = source.seen;
    return context;
  }

  /** The oldest packets give way until all limits hold; `newest` last of all. */
  private makeRoom(newest: Context | undefined): void {
    const { maxReassemblies } = this.limits;
    const own = newest && this.sources.get(newest.source)!.contexts;
    if (own && own.size > Math.ceil(maxReassemblies / SHARE)) this.drop(first(own), TOO_MANY);
    while (this.contexts.size > maxReassemblies || this.memory > this.memoryMax) this.drop(first(this.contexts.values()), TOO_MANY);
  }

  /** Puts a packet together and sends it on; `newest`: its fragment that came now, whose route holds. */
  private complete(context: Context, newest: number): void {
    const { congestion, pieces } = context;
    const [head, ...others] = pieces as [Piece, ...Piece[]];
    if (congestion === undefined) return this.drop(context, MIXED_MARKS);
    if (head.skip + context.length > LENGTH_MAX) return this.drop(context, MALFORMED);
    this.forget(context);
    const there = this.graph.unhold(pieces.map(({ buffer }) => buffer));
    let length = head.skip + head.to;
    const joined = there.length === pieces.length && others.every(({ buffer, skip, from, to }) => {
      const done = this.graph.join(head.buffer, length, buffer, skip, to - from);
      length += to - from;
      return done;
    });
    if (!joined) return this.release(there, NO_BUFFER);
    this.release(others.map(({ buffer }) => buffer), JOINED);
    this.graph.count(this.block, WHOLE);
    this.writeHeader(addressOf(head.buffer), newest, length, congestion);
    this.graph.pass(this.node.index, NEXT_LOCAL, head.buffer);
  }

  /** The first fragment's header becomes the packet's. */
  private writeHeader(buffer: number, newest: number, length: number, congestion: number): void {
    const { u8, u16, u32, view } = this.graph.packets;
    const header = buffer + u16[(buffer + B_DATA) >> 1]!;
    view.setUint8(header + 1, u8[header + 1]! | congestion);
    view.setUint16(header + 2, length);
    view.setUint16(header + 6, 0);
    view.setUint16(header + 10, 0);
    view.setUint16(header + 10, checksum(view, header, (u8[header]! & 15) * 4));
    u16[(buffer + B_ADJ) >> 1] = u16[(newest + B_ADJ) >> 1]!;
    u16[(buffer + B_TX_IF) >> 1] = u16[(newest + B_TX_IF) >> 1]!;
    u16[(buffer + B_FLAGS) >> 1]! &= ~B_FLAG_L4_GOOD; // was said of a fragment, if at all
    u32[(buffer + B_GSO_SIZE) >> 2] = 0; // size, type and checksum flags
    this.letGo(buffer);
  }

  /** RFC 1122, 3.3.2: time exceeded, if the first fragment has come; about a later one ip4-icmp-error makes none. */
  private timeOut(context: Context): void {
    const { u16, u32 } = this.graph.packets;
    const head = context.pieces[0]!;
    if (this.graph.unhold([head.buffer]).length === 0) return this.drop(context, TIMED_OUT);
    this.drop(context, TIMED_OUT); // but not the first one, which is no longer held
    this.graph.count(this.block, TIMED_OUT);
    const buffer = addressOf(head.buffer);
    u16[(buffer + B_ICMP) >> 1] = TIME_EXCEEDED;
    u32[(buffer + B_ICMP_DATA) >> 2] = 0;
    this.letGo(buffer);
    this.graph.inject(this.graph.arc(this.node.index, NEXT_ERROR), [head.buffer]);
  }

  /** Drops a fragment that is held; and `context`, which it has spoilt. */
  private refuse(index: number, reason: number, context?: Context): void {
    this.release(this.graph.unhold([index]), reason);
    if (context) this.drop(context, reason);
  }

  private drop(context: Context, reason: number): void {
    this.forget(context);
    this.release(this.graph.unhold(context.pieces.map(({ buffer }) => buffer)), reason);
  }

  private release(buffers: readonly number[], reason: number): void {
    for (const buffer of buffers) this.graph.refuse(buffer, this.node, reason);
    this.graph.count(this.block, reason, buffers.length);
  }

  private forget(context: Context): void {
    this.contexts.delete(context.key);
    const source = this.sources.get(context.source)!;
    source.contexts.delete(context);
    if (source.contexts.size === 0) this.sources.delete(context.source);
    this.fragments -= context.pieces.length;
    this.memory -= context.pieces.reduce((sum, { memory }) => sum + memory, 0);
  }

  private letGo(buffer: number): void {
    const { u16, u32 } = this.graph.packets;
    u16[(buffer + B_HOLDER) >> 1] = HOLDER_GLEAN;
    u32[(buffer + B_OPAQUE) >> 2] = 0;
  }

  /** Tells the control plane what is held. */
  private publish(): void {
    const { u64 } = this.graph.packets;
    const state = this.block + NODE_STATE;
    u64[(state + REASSEMBLY_CONTEXTS) >> 3] = BigInt(this.contexts.size);
    u64[(state + REASSEMBLY_FRAGMENTS) >> 3] = BigInt(this.fragments);
    u64[(state + REASSEMBLY_BYTES) >> 3] = BigInt(this.memory);
  }
}

function addressOf(index: number): number {
  return (index << BUFFER_SHIFT) >>> 0;
}

function first<T>(all: Iterable<T>): T {
  for (const one of all) return one;
  throw new Error("there is none");
}
