// What each node of a router costs: medians of samples so short that the kernel interrupts few of them.

import { NODE_CLOCKS, VECTOR } from "../assembly/abi.js";
import type { Rig } from "./rig.js";
import { quantile } from "./statistics.js";

export class NodeClocks {
  private readonly f64: Float64Array;
  private readonly nodes: { name: string; word: number; before: number; samples: number[] }[];

  constructor({ engine: { graph } }: Rig) {
    this.f64 = graph.packets.f64;
    const nodes = [...graph.specs.values()].filter(({ kind }) => kind !== "port");
    this.nodes = nodes.map(({ name, runtime }) => ({ name, word: (graph.base + runtime + NODE_CLOCKS) >> 3, before: 0, samples: [] }));
  }

  /** Takes what `turns` costs, with VECTOR packets, as one sample. */
  sample(turns: () => void): void {
    for (const node of this.nodes) node.before = this.f64[node.word]!;
    turns();
    for (const { word, before, samples } of this.nodes) samples.push((this.f64[word]! - before) / VECTOR);
  }

  forget(): void {
    for (const { samples } of this.nodes) samples.length = 0;
  }

  /** Clocks a packet by node, medians of the samples; of those that had something to do. */
  medians(): [name: string, clocks: number][] {
    return this.nodes.map(({ name, samples }): [string, number] => [name, quantile(samples, 0.5)]).filter(([, clocks]) => clocks > 0);
  }
}
