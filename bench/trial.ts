// One trial, in a process of its own: a workload in vectors of several sizes; what each node cost, as JSON.
//
//   node dist/bench/trial.js WORKLOAD [cold] [nodes]      nodes: node by node, not several at once

import { Bench } from "tinybench";
import { NODE_CLOCKS, VECTOR } from "../assembly/abi.js";
import { makeRig, type Rig } from "./rig.js";
import { quantile } from "./statistics.js";
import { WORKLOADS } from "./workloads.js";

export const VECTORS = [1, 4, 16, 64, 256];
const WARM_UP_MS = 300;
const MS = 300;

/** What one trial found. */
export interface Trial {
  /** by node, in the order of first use: clocks a packet of the burst (whatever way it takes), for each vector size the median of many samples */
  nodes: { name: string; clocks: number[] }[];
  /** to fill the tables: routes, and how many a second */
  routes: number;
  routesPerSecond: number;
}

async function trial(name: string, cold: boolean, fuse: boolean): Promise<Trial> {
  const rig = await makeRig(fuse);
  const before = rig.router.routes().length;
  const start = performance.now();
  rig.engine.graph.sleeping(true); // it takes no turn meanwhile: nothing that the tables let go of is still read
  const frames = await WORKLOADS.find((one) => one.name === name)!.prepare(rig);
  rig.engine.graph.sleeping(false);
  const seconds = (performance.now() - start) / 1000;
  const routes = rig.router.routes().length - before;
  const clocks = new Map<string, number[]>();
  for (const size of VECTORS) {
    rig.play(frames, size, cold);
    for (const [node, value] of await measure(rig, size)) clocks.set(node, [...(clocks.get(node) ?? []), value]);
  }
  await rig.router.stop();
  return { nodes: [...clocks].map(([node, values]) => ({ name: node, clocks: values })), routes, routesPerSecond: routes / seconds };
}

/**
 * Medians over samples of VECTOR packets each, so that a sample in which the kernel had something else to do does not count. Throws when not
 * every packet left: then it is not what is to be measured.
 */
async function measure({ engine, router, transmitted }: Rig, size: number): Promise<Map<string, number>> {
  const turns = VECTOR / size;
  const nodes = [...engine.graph.specs.values()].filter(({ kind }) => kind !== "port");
  const { f64 } = engine.graph.packets;
  const words = nodes.map(({ runtime }) => (engine.graph.base + runtime + NODE_CLOCKS) >> 3);
  const samples: number[][] = nodes.map(() => []);
  let before: number[] = [];
  let [received, sent] = [0, 0];
  const bench = new Bench({ time: MS, warmupTime: WARM_UP_MS });
  bench.add("turns", () => {
    before = words.map((word) => f64[word]!);
    for (let turn = 0; turn < turns; turn++) received += engine.turn();
    for (const [i, word] of words.entries()) samples[i]!.push((f64[word]! - before[i]!) / VECTOR);
  }, {
    beforeAll: () => {
      for (const one of samples) one.length = 0;
      router.clearErrors();
      [received, sent] = [0, transmitted()];
    },
  });
  await bench.run();
  if (received === 0 || transmitted() - sent !== received) throw new Error(`${received} packets came, ${transmitted() - sent} left`);
  const medians = nodes.map(({ name }, i): [string, number] => [name, quantile(samples[i]!, 0.5)]);
  return new Map(medians.filter(([, value]) => value > 0));
}

const [name, ...how] = process.argv.slice(2);
if (process.argv[1]!.endsWith("trial.js")) {
  console.log(JSON.stringify(await trial(name!, how.includes("cold"), !how.includes("nodes"))));
  process.exit(0);
}
