// What each node of the forward path costs: 60-byte UDP frames, one route, vectors of several sizes.

import { Bench } from "tinybench";
import { table } from "../host/cli/table.js";
import { engine, router, setVector } from "./rig.js";

const VECTORS = [1, 4, 16, 64, 256];
const MS = 500;

const clocks = new Map<string, number[]>();
for (const size of VECTORS) {
  setVector(size);
  const bench = new Bench({ time: MS, warmupTime: MS });
  bench.add(`vectors of ${size}`, () => engine.turn(), { beforeAll: () => router.clearRuntime() });
  await bench.run();
  for (const node of router.runtime().workers[0]!.nodes) {
    if (node.calls > 0 && node.kind === "wasm") clocks.set(node.name, [...(clocks.get(node.name) ?? []), node.clocksPerPacket]);
  }
}
const rows = [...clocks].map(([name, values]) => [name, ...values.map((value) => value.toFixed(1))]);
const sums = VECTORS.map((_, i) => [...clocks.values()].reduce((sum, values) => sum + values[i]!, 0).toFixed(1));
console.log("Clocks a packet, by the packets of a vector");
console.log(table(["Node", ...VECTORS.map(String)], [...rows, ["sum", ...sums]]));
await router.stop();
