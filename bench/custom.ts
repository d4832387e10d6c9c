// What it costs a node to come from outside: the same module, in the same place, with what contains a custom
// node around it and without, in turns. Clocks a packet of the node's dispatch and scatter, vectors of 256.

import { NODE_CLOCKS, NODE_VECTORS } from "../assembly/abi.js";
import { table } from "../host/cli/table.js";
import { makeRig } from "./rig.js";
import { quantile } from "./statistics.js";
import { WORKLOADS } from "./workloads.js";

const ROUNDS = 60;
const TURNS = 400;
const VECTORS = [1, 16, 256];

const rig = await makeRig();
const { router, engine } = rig;
const frames = await WORKLOADS.find(({ name }) => name === "custom")!.prepare(rig);
const { index, runtime } = engine.graph.specs.get(engine.graph.arc(router["registry"].find("ip4-input").index, 1))!;
const node = engine.graph["nodes"][index]!;
const { containment, mode } = node;
const { f64, u64 } = engine.graph.packets;
const block = engine.graph.base + runtime;

/** Clocks a packet of some turns. */
function measure(custom: boolean): number {
  Object.assign(node, custom ? { containment, mode } : { containment: undefined, mode: 0 });
  const [clocks, packets] = [f64[(block + NODE_CLOCKS) >> 3]!, u64[(block + NODE_VECTORS) >> 3]!];
  for (let turn = 0; turn < TURNS; turn++) engine.turn();
  return (f64[(block + NODE_CLOCKS) >> 3]! - clocks) / Number(u64[(block + NODE_VECTORS) >> 3]! - packets);
}

const rows = VECTORS.map((size) => {
  rig.play(frames, size, false);
  for (let warm = 0; warm < 10; warm++) measure(warm % 2 === 0);
  const [inside, outside]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    inside.push(measure(false));
    outside.push(measure(true));
  }
  const differences = outside.map((clocks, round) => clocks - inside[round]!);
  const shown = [inside, outside].map((all) => quantile(all, 0.5));
  return [size, ...[...shown, ...[0.25, 0.5, 0.75].map((q) => quantile(differences, q))].map((clocks) => clocks.toFixed(2))];
});
console.log("Clocks a packet: a node as one of weft's own, and as a custom one");
console.log(table(["Vector", "Own", "Custom", "Difference 25 %", "median", "75 %"], rows));
await router.stop();
