// The fused pass, seen from the host: whole bursts through several nodes in one call (assembly/graph/fused.ts). Its clocks are shared out among the
// nodes that it stands for, in the proportion of what a packet costs in each of them when they run one by one: one burst in SAMPLE of about the
// same size goes that way and is measured. So the sum of all nodes' clocks is what was measured, and only how it is divided is inferred.

import { GRAPH_ANSWERED, GRAPH_FORWARDED, NODE_CLOCKS, NODE_VECTORS, VECTOR } from "../../assembly/abi.js";
import type { PacketMemory } from "../memory/memory.js";
import type { NodeSpec } from "./messages.js";

/** What of assembly/graph does it. */
export interface FusedFunctions {
  setRole(role: number, index: number, block: number): void;
  submitFused(graph: number, n: number, input: number): number;
}

/** The nodes by their roles, as assembly/graph/way.ts numbers them. */
export const FUSED_NODES = ["ethernet-input", "ip4-input", "ip4-lookup", "ip4-rewrite", "interface-output", "ip4-local", "icmp4-input"];
/** As many of them as a forwarded packet passes. */
const FORWARD = 5;
/** How often a packet that is answered comes to each. */
const ECHO_VISITS = [1, 1, 2, 1, 1, 1, 1];
/** A power of two. */
const SAMPLE = 64;
/** Of a new sample in what a packet is taken to cost. */
const WEIGHT = 0.25;

/** Bursts of n packets, 2^k ≤ n < 2^(k + 1). */
interface Size {
  /** how many came */
  bursts: number;
  /** clocks of a packet in each node; 1 in each until they are known */
  costs: Float64Array;
  /** their sum over the nodes of a forwarded packet */
  forward: number;
}

export class Fusion {
  /** index of the node where the way begins */
  readonly first: number;
  private readonly clockWords: number[];
  private readonly packetWords: number[];
  private readonly sizes: Size[] = Array.from({ length: Math.log2(VECTOR) + 1 }, () => (
    { bursts: 0, costs: new Float64Array(FUSED_NODES.length).fill(1), forward: FORWARD }));
  private readonly clocksBefore: Float64Array = new Float64Array(FUSED_NODES.length);
  private readonly packetsBefore: Uint32Array = new Uint32Array(FUSED_NODES.length);
  private readonly forwardedWord: number;
  private readonly answeredWord: number;

  /** `base`: of the worker's region; `nodes`: those of FUSED_NODES, in that order. */
  constructor(private readonly packets: PacketMemory, base: number, wasm: FusedFunctions, nodes: NodeSpec[]) {
    for (const [role, { index, runtime }] of nodes.entries()) wasm.setRole(role, index, base + runtime);
    this.first = nodes[0]!.index;
    this.clockWords = nodes.map(({ runtime }) => (base + runtime + NODE_CLOCKS) >> 3);
    this.packetWords = nodes.map(({ runtime }) => (base + runtime + NODE_VECTORS) >> 2);
    this.forwardedWord = (base + GRAPH_FORWARDED) >> 2;
    this.answeredWord = (base + GRAPH_ANSWERED) >> 2;
  }

  /** Whether a burst of n packets is to go from node to node, to be measured between begin() and end(). */
  isDue(n: number): boolean {
    return (this.sizes[31 - Math.clz32(n)]!.bursts++ & (SAMPLE - 1)) === 0;
  }

  begin(): void {
    const { f64, u32 } = this.packets;
    for (let role = 0; role < FUSED_NODES.length; role++) {
      this.clocksBefore[role] = f64[this.clockWords[role]!]!;
      this.packetsBefore[role] = u32[this.packetWords[role]!]!;
    }
  }

  end(n: number): void {
    const { f64, u32 } = this.packets;
    const size = this.sizes[31 - Math.clz32(n)]!;
    size.forward = 0;
    for (let role = 0; role < FUSED_NODES.length; role++) {
      const packets = (u32[this.packetWords[role]!]! - this.packetsBefore[role]!) >>> 0;
      const clocks = f64[this.clockWords[role]!]! - this.clocksBefore[role]!;
      const weight = size.bursts === 1 ? 1 : WEIGHT;
      if (packets > 0) size.costs[role]! += weight * (clocks / packets - size.costs[role]!);
      if (role < FORWARD) size.forward += size.costs[role]!;
    }
  }

  /** Shares the clocks of a burst of n packets out. */
  share(n: number, clocks: number): void {
    const { f64, u32 } = this.packets;
    const forwarded = u32[this.forwardedWord]!;
    const answered = u32[this.answeredWord]!;
    const { costs, forward } = this.sizes[31 - Math.clz32(n)]!;
    if (answered !== 0) return this.shareAnswered(costs, forwarded, answered, clocks);
    if (forwarded === 0) {
      f64[this.clockWords[0]!]! += clocks; // of which the burst was not: it has only been looked at
      return;
    }
    const part = clocks / forward;
    for (let role = 0; role < FORWARD; role++) f64[this.clockWords[role]!]! += part * costs[role]!;
  }

  private shareAnswered(costs: Float64Array, forwarded: number, answered: number, clocks: number): void {
    const { f64 } = this.packets;
    let sum = 0;
    const packets = (role: number): number => ECHO_VISITS[role]! * answered + (role < FORWARD ? forwarded : 0);
    for (let role = 0; role < FUSED_NODES.length; role++) sum += packets(role) * costs[role]!;
    for (let role = 0; role < FUSED_NODES.length; role++) f64[this.clockWords[role]!]! += (clocks * packets(role) * costs[role]!) / sum;
  }
}
