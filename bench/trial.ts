// One trial, in a process of its own: a workload in vectors of several sizes; what each node cost, as JSON.
//
//   node --expose-gc dist/bench/trial.js WORKLOAD [cold] [nodes]      nodes: node by node, not several at once

import { Bench } from "tinybench";
import { VECTOR } from "../assembly/abi.js";
import type { RouteBatch } from "../host/control/api.js";
import { NodeClocks } from "./node-clocks.js";
import { makeRig, type Rig } from "./rig.js";
import { VECTORS, WORKLOADS } from "./workloads.js";

const WARM_UP_MS = 300;
const MS = 300;

/** What one trial found. */
export interface Trial {
  /** by node, in the order of first use: clocks a packet of the burst (whatever way it takes), for each vector size the median of many samples */
  nodes: { name: string; clocks: number[] }[];
  /** of a workload with many routes: what it took to add them through the router's API */
  insertion?: Insertion;
}

interface Insertion {
  routes: number;
  /**
   * in a second of the processor's time, the compiler's and the collector's included. The worker sleeps: it takes no turn meanwhile, and nothing
   * that the tables let go of is still read.
   */
  perSecond: number;
  /** of tables and of the prefixes they are made from */
  bytes: number;
  /** that JavaScript holds more than before, those prefixes included */
  heapBytes: number;
}

async function trial(name: string, cold: boolean, fuse: boolean): Promise<Trial> {
  const rig = await makeRig(fuse);
  const workload = WORKLOADS.find((one) => one.name === name)!;
  rig.engine.graph.sleeping(true);
  const routes = workload.routes?.(rig);
  const insertion = routes && insert(rig, routes);
  const frames = await workload.prepare(rig, routes);
  rig.engine.graph.sleeping(false);
  const clocks = new Map<string, number[]>();
  for (const size of VECTORS) {
    rig.play(frames, size, cold);
    for (const [node, value] of await measure(rig, size)) clocks.set(node, [...(clocks.get(node) ?? []), value]);
  }
  await rig.router.stop();
  return { nodes: [...clocks].map(([node, values]) => ({ name: node, clocks: values })), ...(insertion && { insertion }) };
}

function insert({ router }: Rig, batch: RouteBatch): Insertion {
  const before = heap();
  const start = process.cpuUsage();
  router.addRoutes(batch);
  const { user, system } = process.cpuUsage(start);
  const routes = batch.networks.length;
  return { routes, perSecond: routes / ((user + system) / 1e6), bytes: router.fibSummary().bytes, heapBytes: heap() - before };
}

/** Bytes that are in use. */
function heap(): number {
  globalThis.gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Clocks a packet by node. Throws when not every packet left: then it is not what is to be measured. */
async function measure(rig: Rig, size: number): Promise<[name: string, clocks: number][]> {
  const { engine, router, transmitted } = rig;
  const turns = VECTOR / size;
  const clocks = new NodeClocks(rig);
  let [received, sent] = [0, 0];
  const bench = new Bench({ time: MS, warmupTime: WARM_UP_MS });
  bench.add("turns", () => clocks.sample(() => {
    for (let turn = 0; turn < turns; turn++) received += engine.turn();
  }), {
    beforeAll: () => {
      clocks.forget();
      router.clearErrors();
      [received, sent] = [0, transmitted()];
    },
  });
  await bench.run();
  if (received === 0 || transmitted() - sent !== received) throw new Error(`${received} packets came, ${transmitted() - sent} left`);
  return clocks.medians();
}

const [name, ...how] = process.argv.slice(2);
console.log(JSON.stringify(await trial(name!, how.includes("cold"), !how.includes("nodes"))));
process.exit(0);
