// Modules that do not keep the contract are refused, each with what is wrong with it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type WeftErrorCode, WeftError } from "../../host/errors.js";
import { loadModule } from "../../host/graph/module.js";

const folder = mkdtempSync(join(tmpdir(), "weft-module-"));
const path = join(folder, "node.wasm");
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
const text = (value: string): number[] => [...leb(value.length), ...Buffer.from(value)];
const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
/** A module with one function `run` of no effect, and a global `value`. */
const CODE = [
  ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0]), ...section(3, [1, 0]), ...section(6, [1, 0x7f, 0, 0x41, 0, 0x0b]),
  ...section(7, [2, ...text("run"), 0, 0, ...text("value"), 3, 0]), ...section(10, [1, 2, 0, 0x0b]),
];

const declaring = (manifest: string): number[] => [...HEADER, ...CODE, ...section(0, [...text("weft"), ...Buffer.from(manifest)])];
const node = { name: "null", process: "run", next: ["error-drop"], counters: ["seen"] };
const withNodes = (...nodes: unknown[]): number[] => declaring(JSON.stringify({ contract: 1, nodes }));

function load(bytes: number[]) {
  writeFileSync(path, Uint8Array.from(bytes));
  return loadModule(path);
}

function refused(code: WeftErrorCode, words: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    assert.instance(error, WeftError);
    assert.is((error as WeftError).code, code);
    return assert.ok((error as WeftError).message.startsWith(`${folder}/`) && (error as WeftError).message.includes(words), (error as Error).message);
  }
  assert.unreachable("it was taken");
}

test("a good one gives its declarations, with what they leave out", () => {
  const full = { ...node, gauges: [], state: 0, stateVersion: 1, stateAccepts: [], configure: null, config: null, tables: [], trace: null };
  assert.equal(load(withNodes(node, { ...node, name: "two", state: 8 })).nodes, [full, { ...full, name: "two", state: 8 }]);
});

test("no file, or one that is no module", () => {
  refused("NOT_FOUND", "cannot be read", () => loadModule(join(folder, "lost.wasm")));
  const files = [[], [...Buffer.from("(module)")], HEADER.slice(0, 6), [...HEADER, 1, 99]];
  for (const bytes of files) refused("BAD_MODULE", "not a WebAssembly module", () => load(bytes));
});

test("no manifest, or one that is no JSON, or of another contract", () => {
  refused("BAD_MODULE", 'no custom section "weft"', () => load([...HEADER, ...CODE]));
  refused("BAD_MODULE", "is not JSON", () => load(declaring('{"contract":1,')));
  refused("BAD_MODULE", "written for contract 2, this weft knows 1: update weft", () => load(declaring('{"contract":2,"nodes":[]}')));
  refused("BAD_MODULE", "written for contract 0, which is no longer supported: build it again", () => load(declaring('{"contract":0}')));
  for (const manifest of ["{}", "null", "[]", "1"]) refused("BAD_MODULE", "contract undefined is no version", () => load(declaring(manifest)));
  const empty = ["", ',"nodes":[]', ',"nodes":{"length":1}'];
  for (const nodes of empty) refused("BAD_MODULE", "declares no nodes", () => load(declaring(`{"contract":1${nodes}}`)));
});

test("a function that is not exported, or no function", () => {
  for (const process of ["gone", "value"]) {
    refused("BAD_MODULE", `node null: no exported function "${process}"`, () => load(withNodes({ ...node, process })));
  }
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
