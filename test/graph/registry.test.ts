import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ARC_FREE, ARC_NONE, NEXT_COUNT, NODE_COUNT, NODE_STATE, TABLES, TABLES_END, WIRING, WIRING_SIZE, WORKER_NODES, WORKER_SIZE,
} from "../../assembly/abi.js";
import type { WeftError, WeftErrorCode } from "../../host/errors.js";
import { Registry } from "../../host/graph/registry.js";
import { Wiring } from "../../host/graph/wiring.js";
import { Tables } from "../../host/memory/tables.js";

const buffer = new ArrayBuffer(TABLES_END - TABLES);
const view = new DataView(buffer, WIRING - TABLES);
const arc = (node: { index: number }, slot: number): number => view.getUint16(node.index * WIRING_SIZE + slot * 2, true);
let registry: Registry;
let wiring: Wiring;
const declared = (name: string, next: string[] = [], state = 0) => ({ name, next, counters: [], state });

test.before.each(() => {
  registry = new Registry();
  wiring = new Wiring(new Tables(buffer), registry);
});

function refused(code: WeftErrorCode, words: string, action: () => unknown): void {
  assert.throws(action, (error: WeftError) => error.code === code && error.message.includes(words));
}

test("connect leads each slot to the node of that name, wherever it was added; error-drop frees", () => {
  const a = registry.add("wasm", declared("a", ["error-drop", "b", "a"]));
  const b = registry.add("host", declared("b", ["error-drop"]));
  const drop = registry.add("wasm", declared("error-drop"));
  assert.is(arc(a, 1), ARC_NONE, "nowhere before connect()");
  wiring.connect();
  assert.equal([0, 1, 2, 3].map((slot) => arc(a, slot)), [drop.index, b.index, a.index, ARC_NONE]);
  assert.equal([arc(b, 0), arc(drop, 0), arc(drop, 1)], [drop.index, ARC_FREE, ARC_NONE]);
  assert.equal([registry.list(), registry.find("b")], [[a, b, drop], b]);
});

test("a name twice, a name that is not there", () => {
  registry.add("wasm", declared("a", ["lost"]));
  refused("CONFLICT", '"a"', () => registry.add("host", declared("a")));
  refused("NOT_FOUND", '"lost"', () => registry.find("lost"));
  refused("NOT_FOUND", '"lost"', () => wiring.connect());
});

test("runtime blocks do not overlap, have room for the state, and stay in the worker's region", () => {
  const nodes = [0, 4, 1040, 0, 64, 65].map((state, i) => ({ state, node: registry.add("wasm", declared(`n${i}`, [], state)) }));
  let end = WORKER_NODES;
  for (const { state, node } of nodes) {
    assert.ok(node.runtime >= end && node.runtime % 64 === 0);
    end = node.runtime + NODE_STATE + state;
  }
  refused("NO_MEMORY", "big", () => registry.add("wasm", declared("big", [], WORKER_SIZE)));
  assert.is(registry.list().length, nodes.length);
});

test("a next slot added, taken away, and given out again", () => {
  const out = registry.add("wasm", declared("out", ["error-drop"]));
  const [a, b, c] = ["a", "b", "c"].map((name) => registry.add("port", declared(name)));
  assert.equal([registry.addNext(out, a!), registry.addNext(out, b!)], [1, 2]);
  registry.add("wasm", declared("error-drop"));
  out.next[1] = "";
  wiring.connect();
  assert.equal([arc(out, 1), arc(out, 2)], [ARC_NONE, b!.index]);
  assert.is(registry.addNext(out, c!), 1);
  wiring.connect();
  assert.equal([arc(out, 1), out.next], [c!.index, ["error-drop", "c", "b"]]);
  while (out.next.length < NEXT_COUNT) registry.addNext(out, a!);
  refused("NO_MEMORY", "out has 256", () => registry.addNext(out, b!));
});

test("a node that is gone leaves its index and its block to others, whatever state they have", () => {
  const [a, b, c] = [0, 4096, 0].map((state, i) => registry.add("wasm", declared(`n${i}`, [], state)));
  const { used } = registry;
  registry.remove(b!);
  refused("NOT_FOUND", '"n1"', () => registry.find("n1"));
  assert.equal(registry.list(), [a, c]);
  const small = registry.add("port", declared("small"));
  const other = registry.add("wasm", declared("other", [], 2048));
  assert.equal([small.index, small.runtime], [b!.index, b!.runtime]);
  assert.ok(other.runtime > small.runtime && other.runtime < c!.runtime, "in what was left of it");
  registry.remove(small);
  registry.remove(other);
  registry.add("wasm", declared("again", [], 4096));
  assert.is(registry.used, used);
  assert.is(new Set(registry.list().map((node) => node.index)).size, 3);
});

test("256 nodes, and no more", () => {
  for (let i = 0; i < NODE_COUNT; i++) assert.is(registry.add("port", declared(`n${i}`)).index, i);
  refused("NO_MEMORY", "256 nodes", () => registry.add("port", declared("more")));
  registry.remove(registry.find("n7"));
  assert.is(registry.add("port", declared("more")).index, 7);
});

test.run();
