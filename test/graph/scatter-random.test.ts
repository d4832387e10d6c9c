// Random graphs: each packet has a slot for each hop, and so a path that does not depend on what the
// others do. The oracle walks it alone; the graph's functions have all of them at once.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ARC_FREE, ARC_NONE, GRAPH_BAD_BUFFER, GRAPH_DROPPED, GRAPH_HELD, NEXT_HOLD, NODE_BAD_NEXT, NODE_VECTORS, VECTOR,
} from "../../assembly/abi.js";
import {
  allocate, BUFFERS, buffersIn, counted, free, G, graph, INPUT, HOST, pending, reset, running, runtime, setSlots, tables, total, u32, WASM,
} from "./driver.js";

const NODES = 5;
const target = fc.oneof(fc.nat(NODES - 1), fc.nat(NODES - 1), fc.constantFrom(ARC_FREE, ARC_NONE));
const slot = fc.oneof({ weight: 8, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.constantFrom(NEXT_HOLD, 44) });

interface Case {
  /** next node of each slot of each node */
  rows: number[][];
  kinds: ("wasm" | "host" | "traps")[];
  /** slots that each packet takes, hop by hop */
  paths: number[][];
}

const cases: fc.Arbitrary<Case> = fc.record({
  rows: fc.array(fc.array(target, { minLength: 4, maxLength: 4 }), { minLength: NODES, maxLength: NODES }),
  kinds: fc.array(fc.constantFrom("wasm", "wasm", "host", "traps"), { minLength: NODES, maxLength: NODES }),
  paths: fc.array(fc.array(slot, { maxLength: 6 }), { minLength: 1, maxLength: VECTOR }),
});

/** After its path a packet takes a slot that no row has, so it ends. */
const slotOf = (path: number[], hop: number): number => path[hop] ?? 4;

/** What must become of the packets. */
function oracle({ rows, kinds, paths }: Case) {
  const expected = { dropped: 0, held: [] as number[], bad: Array<number>(NODES).fill(0), vectors: Array<number>(NODES).fill(0) };
  const walk = (path: number[], packet: number): void => {
    for (let node = 0, hop = 0; ; hop++) {
      const traps = kinds[node] === "traps";
      if (!traps) expected.vectors[node]!++;
      const next = slotOf(path, hop);
      if (kinds[node] === "host" && next === NEXT_HOLD) return void expected.held.push(packet);
      if (next === NEXT_HOLD && !traps) expected.bad[node]!++; // elsewhere it asks for a copy to a slot that no row has either
      const to = traps ? ARC_FREE : (rows[node]![next] ?? ARC_NONE);
      if (to === ARC_NONE) expected.bad[node]!++;
      if (to >= NODES) return void expected.dropped++;
      node = to;
    }
  };
  paths.forEach(walk);
  return expected;
}

/** Runs the graph to its rest; gives the packets that host nodes held. */
function drive({ kinds, paths }: Case, buffers: number[]): number[] {
  const hops = paths.map(() => 0);
  const held: number[] = [];
  u32.set(buffers, pending(0).frame >> 2);
  for (let node = graph.submit(G, 0, buffers.length, INPUT); node >= 0; ) {
    const { frame, n } = running();
    const packets = buffersIn(running()).map((index) => buffers.indexOf(index));
    assert.is(new Set(packets).size, n);
    const slots = packets.map((packet) => slotOf(paths[packet]!, hops[packet]!++));
    if (kinds[node] === "host") held.push(...packets.filter((_, i) => slots[i] === NEXT_HOLD));
    setSlots(slots);
    const mode = kinds[node] === "host" ? HOST : WASM;
    node = kinds[node] === "traps" ? graph.dropFrame(G, runtime(node), frame, n) : graph.scatter(G, node, runtime(node), frame, n, mode);
  }
  return held.sort((a, b) => a - b);
}

test("random graphs and slots: every packet ends where its path, walked alone, ends", () => {
  fc.assert(fc.property(cases, (one) => {
    reset();
    one.rows.forEach((row, node) => row.forEach((to, place) => tables.wire(node, place, to)));
    const expected = oracle(one);
    const buffers = allocate(one.paths.length);
    const held = drive(one, buffers);
    const nodes = one.kinds.map((_, node) => node);
    assert.equal(held, expected.held);
    assert.equal([total(GRAPH_DROPPED), total(GRAPH_HELD), total(GRAPH_BAD_BUFFER)], [expected.dropped, expected.held.length, 0]);
    assert.equal(nodes.map((node) => counted(node, NODE_BAD_NEXT)), expected.bad);
    assert.equal(nodes.map((node) => counted(node, NODE_VECTORS)), expected.vectors);
    assert.is(free(), BUFFERS - held.length);
    for (const packet of held) {
      graph.unhold(G, buffers[packet]!);
      graph.release(G, buffers[packet]!);
    }
    assert.equal([graph.take(G), free()], [-1, BUFFERS]);
  }), { numRuns: 1000 });
});

test.run();
