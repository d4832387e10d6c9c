// Modules that keep the contract: what verification says of them, and that V8 runs what it gives.

import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MODULE_SIZE, MODULES } from "../../assembly/abi.js";
import { findingText, inspect, verify } from "../../host/graph/verify.js";
import { assemble, leb, manifestOf, manifestSection, nodeText, section, text, withSection } from "../wat/assemble.js";

const pages = Math.ceil((MODULES + 4 * MODULE_SIZE) / 65536);
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const REGION_2 = MODULES + 2 * MODULE_SIZE;

/** Instantiates a verified module and runs its node; what it returns is what its function `run` left in the memory at 0. */
function run(bytes: Uint8Array, more: Record<string, WebAssembly.ImportValue> = {}): number {
  const { module } = verify(bytes, "test.wasm");
  const weft = { now: () => 7.5, log: () => undefined };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, ...more }, weft });
  const view = new DataView(memory.buffer);
  view.setUint32(0, 0, true);
  (exports.run as (node: number, frame: number, n: number) => void)(0, 0, 1);
  return view.getUint32(0, true);
}

test("the least node there is", () => {
  const { nodes, region, relocatable, imports } = verify(assemble(nodeText(""), manifestOf()), "test.wasm");
  assert.equal(nodes.map(({ name, next }) => [name, next]), [["null", ["error-drop", "continue"]]]);
  assert.equal([region, relocatable, imports], [null, false, { now: false, log: false }]);
});

test("the built-in nodes keep the contract that custom ones must keep", () => {
  const { findings, nodes } = inspect(readFileSync(new URL("../../../build/nodes.wasm", import.meta.url)));
  assert.equal(findings.map(findingText), []);
  assert.ok(nodes.length >= 10);
});

test("all that a module may have: every kind of instruction, tables, globals, weft's functions", () => {
  const body = `
    (local $v v128) (local $d f64)
    (local.set $v (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.load offset=4 (i32.const 8)) (v128.const i32x4 1 2 3 4)))
    (v128.store (i32.const 32) (i32x4.add (local.get $v) (i32x4.splat (i32.const 1))))
    (local.set $d (call $now))
    (call $log (i32.const 0) (i32.const 0))
    (block $a (block $b (block $c (br_table $a $b $c (local.get $n)))))
    (drop (i32.trunc_sat_f64_s (local.get $d)))
    (drop (i64.extend8_s (i64.const -1)))
    (drop (memory.size))
    (global.set $g (f32.const 1.5))
    (if (local.get $n) (then (i32.store (i32.const 0) (call_indirect (type $ii) (call $sum) (i32.const 1)))))`;
  const more = `
    (import "weft" "now" (func $now (result f64))) (import "weft" "log" (func $log (param i32 i32)))
    (type $ii (func (param i32) (result i32))) (table 2 4 funcref) (elem (i32.const 0) $next $next) (global $g (mut f32) (f32.const 0))
    (func $next (type $ii) (i32.add (local.get 0) (i32.const 1)))
    (func $two (result i32 i32) (i32.const 20) (i32.const 21))
    (func $sum (result i32) (call $two) (i32.add))`;
  const bytes = assemble(nodeText(body, more), manifestOf());
  assert.equal(inspect(bytes).findings.map(findingText), []);
  assert.is(run(bytes), 42);
  assert.equal(verify(bytes, "test.wasm").imports, { now: true, log: true });
});

test("static data in one region", () => {
  const node = `(i32.store (i32.const 0) (i32.load (i32.const ${REGION_2 + 100})))`;
  const data = `(data (i32.const ${REGION_2 + 100}) "\\2a\\00\\00\\00") (data (i32.const ${REGION_2 + MODULE_SIZE - 2}) "ab")`;
  const bytes = assemble(nodeText(node, data), manifestOf());
  assert.equal([verify(bytes, "test.wasm").region, verify(bytes, "test.wasm").relocatable, run(bytes)], [2, false, 42]);
});

test("static data that goes wherever __memory_base says", () => {
  const base = '(import "env" "__memory_base" (global $base i32))';
  const node = "(i32.store (i32.const 0) (i32.load (global.get $base)))";
  const bytes = assemble(nodeText(node, `${base} (data (global.get $base) "\\2b\\00\\00\\00")`), manifestOf());
  assert.equal([verify(bytes, "test.wasm").region, verify(bytes, "test.wasm").relocatable], [null, true]);
  assert.is(run(bytes, { __memory_base: new WebAssembly.Global({ value: "i32", mutable: false }, REGION_2) }), 43);
});

test("configure has a signature of its own", () => {
  const bytes = assemble(nodeText("", '(func (export "set") (param i32) (result i32) (i32.const 0))'), manifestOf({ configure: "set" }));
  assert.is(verify(bytes, "test.wasm").nodes[0]!.configure, "set");
});

test("an index of a table in five bytes, as linkers leave it, is not taken for instructions", () => {
  const body = (index: number[]): number[] => [0x41, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0x11, 0, ...index, 0x0b];
  for (const index of [[0], [0x80, 0x80, 0x80, 0x80, 0]]) {
    assert.equal(inspect(handmade(body(index), [4, [1, 0x70, 0, 1]])).findings.map(findingText), []);
  }
});

/** A module whose one function has this body; a further section before the export section. */
function handmade(body: number[], further?: [id: number, content: number[]]): Uint8Array {
  const code = [0, ...body];
  return withSection(Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0]),
    ...section(2, [1, ...text("env"), ...text("memory"), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...(further ? section(...further) : []),
    ...section(7, [1, ...text("run"), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]), manifestSection(manifestOf()));
}

test("a number of data segments, as linkers write it for bulk memory, alone is no matter", () => {
  const base = assemble(nodeText("", `(data (i32.const ${REGION_2}) "a")`), manifestOf());
  const bytes = [...base];
  const code = inspect(base).sections.find(({ name }) => name === "code")!;
  bytes.splice(code.at, 0, ...section(12, [1]));
  assert.equal(inspect(Uint8Array.from(bytes)).findings.map(findingText), []);
});

test("an inspection says what there is, and where", () => {
  const bytes = assemble(nodeText("(drop (memory.grow (i32.const 1)))", "(func)"), manifestOf(), true);
  const { size, sections, imports, exports, functions, memory: declared, findings } = inspect(bytes);
  assert.is(size, bytes.length);
  assert.is(sections.reduce((sum, one) => sum + one.size, 8), size);
  assert.equal(sections.map(({ name }) => name), ["type", "import", "function", "export", "code", "name", "weft"]);
  assert.equal([imports, exports, functions], [[{ name: "env.memory", kind: "memory" }], [{ name: "run", kind: "function" }], 2]);
  assert.equal(declared, { minimum: 1, maximum: null, shared: false });
  assert.is(findings.length, 1);
  const { at, function: place } = findings[0]!;
  assert.is(bytes[at!], 0x40, "the offset is the instruction's");
  assert.equal(place, { index: 1, name: "run" });
});

test("the bytes may lie anywhere in a larger buffer", () => {
  const bytes = assemble(nodeText(""), manifestOf());
  const larger = Buffer.alloc(bytes.length + 32, 0x40);
  larger.set(bytes, 16);
  assert.equal(inspect(larger.subarray(16, 16 + bytes.length)), inspect(bytes));
});

test.run();
