// How the clocks of one pass are shared out among the nodes that it stands for.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { GRAPH_ANSWERED, GRAPH_FORWARDED, NODE_CLOCKS, NODE_VECTORS, PAGE } from "../../assembly/abi.js";
import { FUSED_NODES, Fusion } from "../../host/graph/fusion.js";
import type { NodeSpec } from "../../host/graph/messages.js";
import type { PacketMemory } from "../../host/memory/memory.js";

const bytes = new ArrayBuffer(PAGE);
const [u32, f64] = [new Uint32Array(bytes), new Float64Array(bytes)];
const BASE = 4096;
const SPECS = FUSED_NODES.map((name, i) => ({ name, index: 10 + i, runtime: 8192 + 1024 * i }) as NodeSpec);
const roles: number[][] = [];
const wasm = { setRole: (...words: number[]) => void roles.push(words), submitFused: () => -1 };
const block = (role: number): number => BASE + SPECS[role]!.runtime;

const make = (): Fusion => {
  new Uint8Array(bytes).fill(0);
  return new Fusion({ u32, f64 } as unknown as PacketMemory, BASE, wasm, SPECS);
};
const clocks = (): number[] => SPECS.map((_, role) => Math.round(f64[(block(role) + NODE_CLOCKS) >> 3]!));

/** A burst of n packets from node to node: packets and clocks a packet in each. */
function measured(fusion: Fusion, n: number, packets: number[], costs: number[]): void {
  fusion.begin();
  for (const role of SPECS.keys()) {
    u32[(block(role) + NODE_VECTORS) >> 2]! += packets[role]!;
    f64[(block(role) + NODE_CLOCKS) >> 3]! += packets[role]! * costs[role]!;
  }
  fusion.end(n);
  for (const role of SPECS.keys()) f64[(block(role) + NODE_CLOCKS) >> 3] = 0;
}

function passed(fusion: Fusion, n: number, forwarded: number, answered: number, total: number): number[] {
  [u32[(BASE + GRAPH_FORWARDED) >> 2], u32[(BASE + GRAPH_ANSWERED) >> 2]] = [forwarded, answered];
  fusion.share(n, total);
  const found = clocks();
  for (const role of SPECS.keys()) f64[(block(role) + NODE_CLOCKS) >> 3] = 0;
  return found;
}

test("the nodes are named to assembly/graph by their roles", () => {
  assert.is(make().first, 10);
  assert.equal(roles.slice(0, 2), [[0, 10, BASE + 8192], [1, 11, BASE + 8192 + 1024]]);
});

test("one burst in 64 of about the same size is measured, the first one too", () => {
  const fusion = make();
  const due = Array.from({ length: 129 }, () => fusion.isDue(256)).flatMap((is, i) => (is ? [i] : []));
  assert.equal(due, [0, 64, 128]);
  assert.equal([3, 2, 255, 130, 1, 1].map((n) => fusion.isDue(n)), [true, false, true, false, true, false]);
});

test("forwarded: in proportion to what a packet costs in each node", () => {
  const fusion = make();
  assert.ok(fusion.isDue(256));
  measured(fusion, 256, [256, 256, 256, 256, 256, 0, 0], [1, 2, 3, 4, 10, 0, 0]);
  assert.equal(passed(fusion, 256, 256, 0, 2000), [100, 200, 300, 400, 1000, 0, 0]);
  assert.equal(passed(fusion, 4, 4, 0, 500), [100, 100, 100, 100, 100, 0, 0], "nothing is known of bursts of this size");
});

test("answered: each node as often as a packet comes to it; together with forwarded ones too", () => {
  const fusion = make();
  assert.ok(fusion.isDue(64));
  measured(fusion, 64, [64, 64, 128, 64, 64, 64, 64], [1, 1, 1, 1, 1, 2, 3]);
  assert.equal(passed(fusion, 64, 0, 64, 1100), [100, 100, 200, 100, 100, 200, 300]);
  assert.equal(passed(fusion, 64, 30, 10, 260), [40, 40, 50, 40, 40, 20, 30]);
});

test("what was only looked at is ethernet-input's", () => {
  assert.equal(passed(make(), 8, 0, 0, 77), [77, 0, 0, 0, 0, 0, 0]);
});

test("a later measurement moves the shares, one that met no packet of a node leaves its share", () => {
  const fusion = make();
  fusion.isDue(1);
  measured(fusion, 1, [1, 1, 1, 1, 1, 0, 0], [8, 8, 8, 8, 8, 0, 0]);
  fusion.isDue(1);
  measured(fusion, 1, [1, 1, 0, 0, 0, 0, 0], [40, 8, 0, 0, 0, 0, 0]);
  assert.equal(passed(fusion, 1, 1, 0, 48), [16, 8, 8, 8, 8, 0, 0]);
});

test.run();
