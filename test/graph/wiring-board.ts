// A small graph whose arcs are kept here instead of in the tables, so that a test sees each single store, and
// what a packet would meet after it.

import * as assert from "uvu/assert";
import { ARC_FREE, ARC_NONE, NODE_COUNT } from "../../assembly/abi.js";
import type { NodeSpec } from "../../host/graph/messages.js";
import { Registry } from "../../host/graph/registry.js";
import { type Chain, CONTINUE, GATE_NEXT, Wiring } from "../../host/graph/wiring.js";
import type { Tables } from "../../host/memory/tables.js";

/** The graph's own nodes and their next slots. */
export const OWN: Record<string, string[]> = {
  "error-drop": [],
  input: ["a"],
  a: ["error-drop", "b", "c"],
  b: ["error-drop", "c"],
  c: ["error-drop", "out", "a"],
  out: ["error-drop", "port"],
  port: [],
};

export class Board {
  readonly registry = new Registry();
  readonly stores: [node: string, slot: number, target: string][] = [];
  readonly wiring: Wiring;
  /** called after each store */
  watch: () => void = () => {};
  private readonly rows = new Map<number, number>();

  constructor() {
    const tables = { wire: (node: number, slot: number, target: number) => this.store(node, slot, target) };
    this.wiring = new Wiring(tables as unknown as Tables, this.registry);
    for (const [name, next] of Object.entries(OWN)) this.registry.add(name === "port" ? "port" : "wasm", { name, next, counters: [] });
    this.wiring.connect();
    this.stores.length = 0;
  }

  /** A node from outside, as the control plane makes it known. */
  custom(name: string, next = ["error-drop", CONTINUE], as?: NodeSpec): NodeSpec {
    const node = this.registry.add("wasm", { name, next, counters: [] }, true);
    this.wiring.clear(node);
    this.wiring.admit([node], as);
    return node;
  }

  gate(name: string): NodeSpec {
    return this.registry.add("wasm", { name, next: GATE_NEXT, counters: [] });
  }

  /** Puts a node into a chain, at its end. */
  link(anchor: Chain["anchor"], name: string, node: NodeSpec, gate: NodeSpec | null = null, siblings: NodeSpec[] = []): void {
    const found = this.wiring.chains.find((chain) => chain.anchor === anchor && chain.node.name === name);
    const chain = found ?? { anchor, node: this.registry.find(name), links: [] };
    if (!found) this.wiring.chains.push(chain);
    chain.links.push({ node, siblings, gate });
    this.wiring.connect();
  }

  arc(node: NodeSpec, slot: number): string {
    return this.nameOf(this.rows.get(node.index * NODE_COUNT + slot) ?? ARC_NONE);
  }

  /** What a packet that leaves a node by a slot comes through until it is in one of the graph's own again; not `gated`: past gates' nodes. */
  path(from: string, slot: number, gated = true): string[] {
    const path: string[] = [];
    let [node, way] = [this.registry.find(from), slot];
    while (path.length < 50) {
      const name = this.arc(node, way);
      path.push(name);
      if (name in OWN || name === "none" || name === "free") return path;
      node = this.registry.find(name);
      if (!node.custom) path.pop(); // gates leave no trace
      way = node.custom ? node.next.indexOf(CONTINUE) : gated ? 1 : 2;
    }
    throw new Error(`round in circles: ${path.join(" ")}`);
  }

  /** What has gone out of its chain is taken away, as the control plane does after a turn. */
  forgetUnused(): void {
    const used = new Set(this.wiring.chains.flatMap(({ links }) => links.flatMap(({ node, gate }) => [node, gate])));
    for (const node of this.registry.list()) {
      if (node.name in OWN || used.has(node)) continue;
      this.wiring.clear(node);
      this.registry.remove(node);
    }
  }

  /** Every way from one of the graph's own nodes to the next. */
  paths(): Record<string, string> {
    const ways = Object.entries(OWN).flatMap(([name, next]) => next.flatMap((_, slot) => [true, false].map((gated) => [name, slot, gated] as const)));
    return Object.fromEntries(ways.map(([name, slot, gated]) => [`${name} ${slot} ${gated}`, this.path(name, slot, gated).join(" ")]));
  }

  /** Whatever packets can get to has all its slots. */
  complete(): void {
    const seen = new Set(Object.keys(OWN));
    for (const name of seen) {
      const node = this.registry.find(name);
      for (let slot = 0; slot < (name === "error-drop" ? 1 : node.next.length); slot++) {
        const target = this.arc(node, slot);
        assert.is.not(target, "none", `${name} leads nowhere by slot ${slot}`);
        if (target !== "free") seen.add(target);
      }
    }
  }

  private store(node: number, slot: number, target: number): void {
    this.rows.set(node * NODE_COUNT + slot, target);
    this.stores.push([this.nameOf(node), slot, this.nameOf(target)]);
    this.watch();
  }

  private nameOf(index: number): string {
    if (index === ARC_NONE) return "none";
    if (index === ARC_FREE) return "free";
    return this.registry.list().find((node) => node.index === index)?.name ?? "nobody";
  }
}
