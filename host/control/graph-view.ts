// The graph as it is wired now, and what its nodes do.

import { WeftError } from "../errors.js";
import type { NodeSpec } from "../graph/messages.js";
import type { Registry } from "../graph/registry.js";
import type { Wiring } from "../graph/wiring.js";
import { nearest, quote } from "../nearest.js";
import type { CustomNodeInfo, GraphInfo, GraphNode, NodeInfo, NodeRuntime } from "./api.js";
import type { Statistics } from "./statistics.js";

export class GraphView {
  private asked = performance.now();
  /** packets of each node when the graph was last asked for */
  private before = new Map<string, number>();

  constructor(private readonly registry: Registry, private readonly wiring: Wiring, private readonly statistics: Statistics) {}

  /** Rates are since this was last called. */
  graph(): GraphInfo {
    const now = performance.now();
    const seconds = Math.max((now - this.asked) / 1000, 0.001);
    const runtime = this.runtime();
    const rate = ({ name, vectors }: NodeRuntime): number => {
      const before = this.before.get(name) ?? 0;
      return (vectors >= before ? vectors - before : vectors) / seconds; // counters were cleared since
    };
    const nodes = this.nodes().map((node) => {
      const did = runtime.get(node.name)!;
      return { ...node, rate: rate(did), clocksPerPacket: did.clocksPerPacket };
    });
    this.asked = now;
    this.before = new Map([...runtime].map(([name, { vectors }]) => [name, vectors]));
    return { seconds, nodes };
  }

  /** Throws NOT_FOUND. */
  node(name: string, customs: CustomNodeInfo[]): NodeInfo {
    const found = this.nodes().find((node) => node.name === name);
    if (!found) {
      const near = nearest(name, this.registry.list().map((node) => node.name));
      const hint = near === undefined ? '"show vlib graph" lists them' : `did you mean "${near}"?`;
      throw new WeftError("NOT_FOUND", `no node ${quote(name)} in the graph: ${hint}`);
    }
    const { calls, vectors, clocks, clocksPerPacket, vectorsPerCall, traps } = this.runtime().get(name)!;
    const errors = this.statistics.errors().filter((error) => error.node === name).map(({ count, reason }) => ({ count, reason }));
    const custom = customs.find((node) => node.name === name) ?? null;
    return { ...found, calls, vectors, clocks, clocksPerPacket, vectorsPerCall, traps, errors, custom };
  }

  private nodes(): GraphNode[] {
    const specs = this.registry.list();
    const names = new Map(specs.map(({ index, name }) => [index, name]));
    const leadsTo = (node: NodeSpec): (string | null)[] => this.wiring.targets(node).map((target) => names.get(target) ?? null);
    const wired = specs.map((spec) => ({ spec, targets: leadsTo(spec) }));
    return wired.map(({ spec: { name, index, kind, next }, targets }) => ({
      name, index, kind,
      next: next.map((declared, slot) => ({ slot, name: declared, node: targets[slot] ?? null })).filter((one) => one.name !== ""),
      previous: wired.filter((other) => other.targets.includes(name)).map(({ spec }) => spec.name),
    }));
  }

  /** Of all workers together. */
  private runtime(): Map<string, NodeRuntime> {
    const sums = new Map<string, NodeRuntime>();
    for (const node of this.statistics.runtime().workers.flatMap(({ nodes }) => nodes)) {
      const sum = sums.get(node.name);
      if (sum === undefined) sums.set(node.name, { ...node });
      else for (const key of ["calls", "vectors", "clocks", "traps"] as const) sum[key] += node[key];
    }
    for (const sum of sums.values()) {
      sum.clocksPerPacket = sum.vectors && sum.clocks / sum.vectors;
      sum.vectorsPerCall = sum.calls && sum.vectors / sum.calls;
    }
    return sums;
  }
}
