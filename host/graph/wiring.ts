// Which node stands behind each next slot of each node. A node declares its next nodes by name; custom
// nodes are put into the arcs that lead there:
//
//   after X     the arc of X's slot 1, its way on
//   before X    every arc that leads to X
//
//   X ──▶ gate ──▶ custom ──▶ custom ──▶ Y        one chain; a gate leads past a custom node the packets of the
//          └────────────────▶                     interfaces for which it does not stand there
//
// A slot is two bytes, so a worker sees each arc as it was or as it is. What no packet gets to yet is
// wired before anything leads to it, and what a change takes out of the way keeps its own slots until a
// turn has ended: packets that are in it find their way on.

import { ARC_FREE, ARC_NONE, NEXT_COUNT, NODE_COUNT } from "../../assembly/abi.js";
import type { Tables } from "../memory/tables.js";
import type { NodeSpec } from "./messages.js";
import type { Registry } from "./registry.js";

/** The slot through which a node's packets go on when nothing is wrong with them. */
const WAY_ON = 1;
/** The gate's slot to the node behind it. */
const GATED = 1;
/** Name of the next slot to where a packet would have gone without the node. */
export const CONTINUE = "continue";
/** Next slots of a gate: to the node behind it, and past that. */
export const GATE_NEXT = ["error-drop", CONTINUE, CONTINUE];

/** A custom node's place in a chain. */
export interface Link {
  node: NodeSpec;
  /** the others of its instance: where they continue, packets leave it as well */
  siblings: NodeSpec[];
  /** null: all packets of the arc go through the node */
  gate: NodeSpec | null;
}

export interface Chain {
  anchor: "after" | "before";
  node: NodeSpec;
  /** in the order in which packets meet them */
  links: Link[];
}

/** Where the slots named "continue" of a node in a chain lead. */
interface Place {
  chain: Chain;
  onward: number;
  /** of a gate: the node behind it */
  gated?: number;
}

export class Wiring {
  readonly chains: Chain[] = [];
  /** what stands in the tables */
  private readonly wired = new Uint16Array(NODE_COUNT * NEXT_COUNT).fill(ARC_NONE);
  /** nodes that others have taken the place of: their slots stay */
  private readonly retired = new Set<NodeSpec>();

  constructor(private readonly tables: Tables, private readonly registry: Registry) {}

  /** The chain in which a custom node stands. */
  chainOf(node: NodeSpec): Chain | undefined {
    return this.chains.find((chain) => chain.links.some((link) => link.node === node));
  }

  isGate(node: NodeSpec): boolean {
    return this.chains.some(({ links }) => links.some(({ gate }) => gate === node));
  }

  /** Indices of the nodes that a node's slots lead to; NODE_COUNT and above: none. */
  targets({ index, next }: NodeSpec): number[] {
    return [...this.wired.subarray(index * NEXT_COUNT, index * NEXT_COUNT + next.length)];
  }

  /** Whether one of a node's arcs is the way on of all its packets: those of interface-output lead to ports. */
  hasWayOn({ next }: NodeSpec): boolean {
    return Boolean(next[WAY_ON]) && this.registry.find(next[WAY_ON]!).kind !== "port";
  }

  /** Takes a node out of its chain; its own slots stay as they are. */
  unlink(node: NodeSpec): Link {
    const chain = this.chainOf(node)!;
    const [link] = chain.links.splice(chain.links.findIndex((one) => one.node === node), 1);
    if (chain.links.length === 0) this.chains.splice(this.chains.indexOf(chain), 1);
    return link!;
  }

  /** Wires nodes that nothing leads to yet; `as`: like this one, whose place they are to take. */
  admit(nodes: NodeSpec[], as?: NodeSpec): void {
    const place = as && this.places().get(as);
    const rows = nodes.map((node) => this.rowOf(node, place));
    for (const [i, node] of nodes.entries()) this.write(node, rows[i]!);
  }

  /** Leaves the slots of nodes as they are, whatever becomes of the nodes that they name. */
  retire(nodes: NodeSpec[]): void {
    for (const node of nodes) this.retired.add(node);
  }

  /** Brings the tables up to date: first the nodes that no packet gets to yet. Throws NOT_FOUND, and then has changed nothing. */
  connect(): void {
    const places = this.places();
    const nodes = this.registry.list().filter((node) => !this.retired.has(node));
    const rows = nodes.map((node) => this.rowOf(node, places.get(node)));
    const reached = this.reached(nodes, places);
    for (const later of [false, true]) {
      for (const [i, node] of nodes.entries()) if (reached.has(node.index) === later) this.write(node, rows[i]!);
    }
  }

  /** Forgets a node that is gone: whatever came to its slots is dropped. */
  clear(node: NodeSpec): void {
    this.retired.delete(node);
    for (let slot = 0; slot < NEXT_COUNT; slot++) this.wire(node, slot, ARC_NONE);
  }

  /** What stands in chains, and where it leads on. */
  private places(): Map<NodeSpec, Place> {
    const places = new Map<NodeSpec, Place>();
    for (const chain of this.chains) {
      let onward = this.endOf(chain);
      for (const { node, siblings, gate } of [...chain.links].reverse()) {
        for (const one of [node, ...siblings]) places.set(one, { chain, onward });
        if (gate) places.set(gate, { chain, onward, gated: node.index });
        onward = (gate ?? node).index;
      }
    }
    return places;
  }

  /** Indices of the nodes that packets can get to as the tables are: from weft's own, wherever the slots lead. */
  private reached(nodes: NodeSpec[], places: Map<NodeSpec, Place>): Set<number> {
    const own = nodes.filter((node) => !node.custom && !places.has(node));
    const reached = new Set(own.map((node) => node.index));
    for (const index of reached) {
      for (const target of this.wired.subarray(index * NEXT_COUNT, (index + 1) * NEXT_COUNT)) if (target < NODE_COUNT) reached.add(target);
    }
    return reached;
  }

  /** Where a node's slots are to lead; "continue" of one in no chain stays. */
  private rowOf(node: NodeSpec, place: Place | undefined): Uint16Array {
    const row = this.wired.slice(node.index * NEXT_COUNT, (node.index + 1) * NEXT_COUNT).fill(ARC_NONE, node.next.length);
    for (const [slot, name] of node.next.entries()) {
      if (name !== CONTINUE) row[slot] = name === "" ? ARC_NONE : this.target(node, slot, name, place?.chain);
      else if (place) row[slot] = slot === GATED ? (place.gated ?? place.onward) : place.onward;
    }
    if (node.name === "error-drop") row[0] = ARC_FREE;
    return row;
  }

  private target(node: NodeSpec, slot: number, name: string, within: Chain | undefined): number {
    const after = slot === WAY_ON ? this.chains.find((chain) => chain.anchor === "after" && chain.node === node) : undefined;
    return after ? first(after) : this.entry(this.registry.find(name), within);
  }

  /** Where packets for a node enter; those that come out of the chain before it go to the node itself. */
  private entry(node: NodeSpec, within: Chain | undefined): number {
    const before = this.chains.find((chain) => chain.anchor === "before" && chain.node === node);
    return before && before !== within ? first(before) : node.index;
  }

  private endOf({ anchor, node }: Chain): number {
    if (anchor === "before") return node.index;
    return this.entry(this.registry.find(node.next[WAY_ON]!), undefined);
  }

  private write(node: NodeSpec, row: Uint16Array): void {
    for (const [slot, target] of row.entries()) this.wire(node, slot, target);
  }

  private wire(node: NodeSpec, slot: number, target: number): void {
    const at = node.index * NEXT_COUNT + slot;
    if (this.wired[at] === target) return;
    this.wired[at] = target;
    this.tables.wire(node.index, slot, target);
  }
}

function first({ links }: Chain): number {
  const link = links[0]!;
  return (link.gate ?? link.node).index;
}
