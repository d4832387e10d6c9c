// The transform that takes declareNode({…}) out of a source: what it makes of a declaration, and what it says of a wrong one.

import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUFFER_SHIFT, CONTRACT_VERSION, FRAME_NEXT } from "../../assembly/abi.js";
import { compileText, regionOf } from "../../host/kit/compile.js";

// The compiler is WebAssembly itself: V8's better code for it comes too late to be worth its while.
setFlagsFromString("--liftoff-only");

const PASS = "function pass(node: usize, buffer: usize): u32 { return 1; }\n";
const VECTOR = "export function all(node: usize, frame: usize, n: u32): void {}\n";

async function manifest(text: string): Promise<unknown> {
  const { wasm, diagnostics } = await compileText("own.ts", text, 1);
  assert.ok(wasm !== null, diagnostics);
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), "weft");
  return JSON.parse(new TextDecoder().decode(section));
}

test("constants that the transform has are the layout's", () => {
  const text = readFileSync(new URL("../../../assembly/sdk/manifest.mjs", import.meta.url), "utf8");
  const constants = Object.fromEntries([...text.matchAll(/^const (\w+) = (\d+);$/gm)].map(([, name, value]) => [name, Number(value)]));
  assert.equal(constants, { BUFFER_SHIFT, CONTRACT_VERSION, FRAME_NEXT });
});

test("every kind of literal, nested as deep as one likes", async () => {
  const low = '{ type: "integer", default: -3, maximum: 0x10 }';
  const config = `{ type: "object", properties: { low: ${low}, "a b": { default: true, enum: ["x, default: })"] } }, required: [] }`;
  const tables = '[{ name: "t", at: 1_000, share: -0.5, sort: null, used: false }]';
  const text = `${PASS}declareNode({ name: "own", packet: "pass", next: ["error-drop", "continue"], gauges: ["level"], state: 8, // it's a comment
    stateVersion: 2,
    stateAccepts: [1], configure: "take", config: ${config}, tables: ${tables} });`;
  assert.equal(await manifest(text), {
    contract: 1,
    nodes: [{
      counters: [], name: "own", next: ["error-drop", "continue"], gauges: ["level"], state: 8, stateVersion: 2, stateAccepts: [1], configure: "take",
      config: {
        type: "object",
        properties: { low: { type: "integer", default: -3, maximum: 16 }, "a b": { default: true, enum: ["x, default: })"] } },
        required: [],
      },
      tables: [{ name: "t", at: 1000, share: -0.5, sort: null, used: false }], process: "passVector",
    }],
  });
});

test("a function for a packet becomes part of one exported loop; a vector function stays as it is", async () => {
  const text = `import { count, declareNode } from "weft/sdk";
    function one(node: usize, buffer: usize): u32 { if (load<u8>(buffer) > 7) { count(node, 0); return 0; } count(node, 1); return 1; }
    declareNode({ name: "a", packet: "one", next: ["error-drop", "continue"], counters: ["x", "y"] });
    declareNode({ name: "b", packet: "one", next: ["error-drop", "continue"], counters: ["x", "y"] });
    ${VECTOR}declareNode({ name: "c", process: "all", next: ["error-drop"] });`;
  const { wasm } = await compileText("own.ts", text, 1);
  const module = new WebAssembly.Module(wasm!);
  assert.equal(WebAssembly.Module.exports(module).map(({ name }) => name).sort(), ["all", "oneVector"]);
  assert.equal(WebAssembly.Module.imports(module).map(({ name }) => name), ["memory"]);
  assert.is(functions(wasm!), 2, "one is inlined in its loop");
});

/** Functions that a module defines: the count that its function section (3) begins with. */
function functions(bytes: Uint8Array): number {
  for (let at = 8; at < bytes.length; at += 2 + bytes[at + 1]!) if (bytes[at] === 3) return bytes[at + 2]!;
  return 0;
}

test("a wrong declaration: one line with file and line", async () => {
  const declare = (fields: string): string => `${PASS}${VECTOR}\ndeclareNode({\n  ${fields}\n});\n`;
  const cases: [string, string][] = [
    ['name: "own", next: [],\n  pakcet: "pass"', 'own.ts:6: a node has no field "pakcet": there are name, packet, process, next,'],
    ['name: "own", next: [],\n  packet: PASS', "own.ts:6: a declaration takes literals only, not PASS"],
    ['name: "own", next: [],\n  packet: `pass`', "own.ts:6: a declaration takes literals only, not `pass`"],
    ['name: "o" + "wn", next: [], packet: "pass"', 'own.ts:5: a declaration takes literals only, not "o" + "wn"'],
    ['name: "own", next: [], packet: "pass", state: 1 << 3', "own.ts:5: a declaration takes literals only, not 1 << 3"],
    ['name: "own", next: [], packet: "pass", state: -"1"', 'own.ts:5: a declaration takes literals only, not -"1"'],
    ['name: "own", next: [], packet: "pass", state: 0.5', "own.ts:5: state must be a whole number"],
    ['name: "own", next: [], packet: "pass", state: 0x20000000000001', "own.ts:5: 0x20000000000001 is too large"],
    ['name: "own", next: "error-drop", packet: "pass"', "own.ts:5: next must be a list of texts"],
    ['name: "own", next: [1], packet: "pass"', "own.ts:5: next must be a list of texts"],
    ['name: "own", next: [], packet: "pass", config: null', "own.ts:5: config must be an object"],
    ['name: "own", next: [], packet: "pass", config: { a: 1,\n a: 2 }', 'own.ts:6: "a" stands twice in one object'],
    ['name: "own", packet: "pass"', "own.ts:4: the node has no next"],
    ['next: [], packet: "pass"', "own.ts:4: the node has no name"],
    ['name: "own", next: []', "own.ts:4: a node has either packet or process"],
    ['name: "own", next: [], packet: "pass", process: "all"', "own.ts:4: a node has either packet or process"],
    ['name: "own", next: [], packet: "poss"', "own.ts:5: no function poss(node: usize, buffer: usize): u32 in this file"],
    ['name: "own", next: [], packet: "all"', "own.ts:2: all takes (node: usize, buffer: usize) and gives its next slot, a u32"],
  ];
  for (const [fields, message] of cases) {
    const { wasm, diagnostics } = await compileText("own.ts", declare(fields), 1);
    assert.is(wasm, null, fields);
    assert.ok(diagnostics.startsWith(`FAILURE ${message}`) && !diagnostics.includes("\n"), `${fields}: ${diagnostics}`);
  }
  assert.match((await compileText("own.ts", `${PASS}declareNode("own");`, 1)).diagnostics, "FAILURE own.ts:2: declareNode takes one object");
});

test("what the sdk and wire/ offer compiles", async () => {
  const text = `import { config, copyTo, count, declareNode, drop, log, now, packetAt, setGauge, state } from "weft/sdk";
    import { timeToLive } from "weft/wire/ipv4";
    import { B_OPAQUE } from "weft/abi";
    function one(node: usize, buffer: usize): u32 {
      store<f64>(state(node), now());
      setGauge(node, 1, load<u64>(state(node)));
      if (config(node) == 0) log(packetAt(buffer), 4);
      if (timeToLive(packetAt(buffer)) == load<u8>(buffer, B_OPAQUE)) return drop(node, 0);
      return copyTo(1, 2);
    }
    declareNode({ name: "own", packet: "one", next: ["error-drop", "continue", "mirror"], counters: ["x"], gauges: ["y"], state: 8 });`;
  const { wasm, diagnostics } = await compileText("own.ts", text, 1);
  assert.ok(wasm !== null, diagnostics);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm)).map(({ module, name }) => `${module}.${name}`);
  assert.equal(imports.sort(), ["env.memory", "weft.log", "weft.now"]);
});

test("regions by name: from 1 to 63, well spread", () => {
  const regions = Array.from({ length: 1000 }, (_, i) => regionOf(`node-${i}`));
  assert.ok(regions.every((region) => Number.isInteger(region) && region >= 1 && region < 64));
  assert.is(new Set(regions).size, 63);
});

test.run();
