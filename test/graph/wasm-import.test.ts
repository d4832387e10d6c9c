// The memory's limits that the loader puts in the place of the module's own: with them, and only with them, an access
// to a constant address in a page that is not accessible is an error of that node's alone.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Malformed, readSections } from "../../host/graph/wasm-bytes.js";
import { memoryImports, withMemoryLimits } from "../../host/graph/wasm-import.js";
import { assemble, HEADER, section, text } from "../wat/assemble.js";

const program = fileURLToPath(new URL("../wat/page-zero.js", import.meta.url));

// V8's first compiler, and the optimizing one, which decides about bounds checks anew
for (const [declared, flag] of [["712 65536 shared", "--liftoff-only"], ["712 65536 shared", "--no-liftoff"], ["1", "--no-liftoff"]] as const) {
  test(`(memory ${declared}), ${flag}: a constant address that is not accessible is a RuntimeError, not a SIGSEGV`, () => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [flag, program, declared], { encoding: "utf8", timeout: 60_000 });
    assert.equal([status, signal], [0, null], stderr);
    const lines = stdout.trim().split("\n");
    assert.is(lines.length, 5);
    for (const line of lines) assert.match(line, /: RuntimeError$/);
  });
}

const text1 = `(module (import "weft" "now" (func (result f64))) (import "env" "memory" (memory LIMITS)) (import "env" "__memory_base" (global i32))
  (func (export "run") (param i32 i32 i32) (drop (i32.load (i32.const 8)))))`;
const limitsOf = (bytes: Uint8Array) => memoryImports(bytes, readSections(bytes)).map(({ minimum, maximum, shared }) => [minimum, maximum, shared]);

function otherSections(bytes: Uint8Array): string[] {
  return readSections(bytes).filter(({ id }) => id !== 2).map(({ at, end }) => Buffer.from(bytes.subarray(at, end)).toString("hex"));
}

test("only the limits change, and the size of their section", () => {
  for (const [limits, read] of [["1", [1, null, false]], ["0 1", [0, 1, false]], ["300 65536 shared", [300, 65536, true]]] as const) {
    const bytes = assemble(text1.replace("LIMITS", limits));
    const changed = withMemoryLimits(bytes);
    assert.equal(limitsOf(bytes), [read]);
    assert.equal(limitsOf(changed), [[0, 65536, true]]);
    assert.ok(WebAssembly.validate(changed));
    assert.equal(otherSections(changed), otherSections(bytes));
    assert.equal(WebAssembly.Module.imports(new WebAssembly.Module(changed)), WebAssembly.Module.imports(new WebAssembly.Module(bytes)));
    assert.equal(withMemoryLimits(changed), changed, "once more changes nothing");
  }
});

test("a section that grows beyond 127 bytes gets a longer size", () => {
  const names = Array.from({ length: 4 }, (_, i) => `(import "weft" "${"a".repeat(19)}${i}" (func))`).join("");
  const bytes = assemble(`(module ${names} (import "env" "memory" (memory 1)))`);
  const changed = withMemoryLimits(bytes);
  const sizes = [bytes, changed].map((whole) => {
    const { at, start, end } = readSections(whole).find(({ id }) => id === 2)!;
    return [start - at, end - start];
  });
  assert.equal(sizes, [[2, 127], [3, 130]]);
  assert.ok(WebAssembly.validate(changed));
});

test("a module that imports no memory, or says strange things of it", () => {
  const refused = (bytes: Uint8Array, words: RegExp): void => {
    assert.throws(() => withMemoryLimits(bytes), (error: Error) => error instanceof Malformed && words.test(error.message));
  };
  refused(assemble("(module)"), /imports no memory/);
  refused(assemble('(module (import "env" "memory" (func)))'), /imports no memory/);
  const head = [1, ...text("env"), ...text("memory"), 2];
  const memory = (...limits: number[]): Uint8Array => Uint8Array.from([...HEADER, ...section(2, [...head, ...limits])]);
  refused(memory(4, 1), /another kind, flags 4/);
  refused(memory(8, 1, 0), /another kind, flags 8/);
  refused(memory(1, 1), /ends too early/);
  refused(memory(0, 0x80, 0x80, 0x80, 0x80, 0x80, 0), /more than 32 bits/);
});

test("any bytes end in a module or in an error of one kind", () => {
  const bytes = assemble(text1.replace("LIMITS", "1"));
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }), (changes) => {
    const changed = new Uint8Array(bytes);
    for (const [at, value] of changes) changed[at] = value;
    try {
      withMemoryLimits(changed);
    } catch (error) {
      assert.instance(error, Malformed);
    }
  }), { numRuns: 2000 });
});

test.run();
