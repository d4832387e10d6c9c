// Which node stands behind each next slot of each node. A node declares its next nodes by name; custom
// nodes are put into the arcs that lead there:
//
//   after X     the arc of X's slot 1, its way on
//   before X    every arc that leads to X
//
//   X ──▶ gate ──▶ custom ──▶ custom ──▶ Y        one chain; a gate leads past a custom node the packets of the
//          └────────────────▶                     interfaces for which it does not stand there
//
// A slot is two bytes, so a worker sees each arc as it was or as it is. What a change takes out of the
// way keeps its own slots until a turn has ended: packets that are in it find their way on.

import { ARC_FREE, ARC_NONE, NEXT_COUNT, NODE_COUNT } from "../../assembly/abi.js";
import type { Tables } from "../memory/tables.js";
import type { NodeSpec } from "./messages.js";
import type { Registry } from "./registry.js";

/** The slot through which a node's packets go on when nothing is wrong with them. */
const WAY_ON = 1;
const GATED = 1;
const PAST = 2;
/** Name of the next slot to where a packet would have gone without the node. */
export const CONTINUE = "continue";

/** A custom node's place in a chain. */
export interface Link {
  node: NodeSpec;
  /** null: all packets of the arc go through the node */
  gate: NodeSpec | null;
}

export interface Chain {
  anchor: "after" | "before";
  node: NodeSpec;
  /** in the order in which packets meet them */
  links: Link[];
}

export class Wiring {
  readonly chains: Chain[] = [];
  /** what stands in the tables */
  private readonly wired = new Uint16Array(NODE_COUNT * NEXT_COUNT).fill(ARC_NONE);

  constructor(private readonly tables: Tables, private readonly registry: Registry) {}

  /** The chain in which a custom node stands. */
  chainOf(node: NodeSpec): Chain | undefined {
    return this.chains.find((chain) => chain.links.some((link) => link.node === node));
  }

  /** The chain at a place, made when there is none. */
  chainAt(anchor: Chain["anchor"], node: NodeSpec): Chain {
    const found = this.chains.find((chain) => chain.anchor === anchor && chain.node === node);
    if (found) return found;
    const chain: Chain = { anchor, node, links: [] };
    this.chains.push(chain);
    return chain;
  }

  /** Takes a node out of its chain; its own slots stay as they are. */
  unlink(node: NodeSpec): Link {
    const chain = this.chainOf(node)!;
    const [link] = chain.links.splice(chain.links.findIndex((one) => one.node === node), 1);
    if (chain.links.length === 0) this.chains.splice(this.chains.indexOf(chain), 1);
    return link!;
  }

  /** Brings the tables up to date: the nodes of chains first, then the arcs that lead to them. */
  connect(): void {
    const inChain = new Set(this.chains.flatMap(({ links }) => links.flatMap(({ node, gate }) => (gate ? [node, gate] : [node]))));
    for (const chain of this.chains) this.connectChain(chain);
    for (const node of this.registry.list()) if (!inChain.has(node)) this.connectNode(node);
    this.wire(this.registry.find("error-drop"), 0, ARC_FREE);
  }

  /** Whether any node that is there leads to this one by name. */
  leadsTo(name: string): NodeSpec | undefined {
    return this.registry.list().find((node) => node.name !== name && node.next.includes(name));
  }

  /** Forgets a node that is gone: whatever came to its slots is dropped. */
  clear(node: NodeSpec): void {
    for (let slot = 0; slot < NEXT_COUNT; slot++) this.wire(node, slot, ARC_NONE);
  }

  private connectChain(chain: Chain): void {
    let onward = this.endOf(chain);
    for (const link of [...chain.links].reverse()) {
      this.connectNode(link.node, chain, onward);
      if (link.gate) {
        this.wire(link.gate, GATED, link.node.index);
        this.wire(link.gate, PAST, onward);
      }
      onward = (link.gate ?? link.node).index;
    }
  }

  /** Wires a node's slots; of one in a chain, "continue" leads onward, of one in none it stays. */
  private connectNode(node: NodeSpec, chain?: Chain, onward?: number): void {
    for (const [slot, name] of node.next.entries()) {
      if (name === CONTINUE) {
        if (onward !== undefined) this.wire(node, slot, onward);
      } else {
        this.wire(node, slot, name === "" ? ARC_NONE : this.target(node, slot, name, chain));
      }
    }
    for (let slot = node.next.length; slot < NEXT_COUNT; slot++) this.wire(node, slot, ARC_NONE);
  }

  private target(node: NodeSpec, slot: number, name: string, within: Chain | undefined): number {
    const after = slot === WAY_ON ? this.chains.find((chain) => chain.anchor === "after" && chain.node === node) : undefined;
    if (after) return first(after);
    return this.entry(this.registry.find(name), within);
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
