// A process of its own for wasm-import.test.ts, which a wrong answer kills: a module that declares a large memory reads
// and writes constant addresses in page zero and in the tables. Prints what becomes of each, one line an access.

import { TABLES } from "../../assembly/abi.js";
import { withMemoryLimits } from "../../host/graph/wasm-import.js";
import { createMemory } from "../../host/memory/memory.js";
import { assemble } from "./assemble.js";

const declared = process.argv[2]!;
const asDeclared = process.argv[3] === "as-declared";
const { packets } = createMemory(1024, 1, () => undefined);

const ACCESSES: Record<string, string> = {
  "load 8": "(drop (i32.load (i32.const 8)))",
  "store 8": "(i32.store (i32.const 8) (i32.const 1))",
  "load 0+8": "(drop (i64.load offset=8 (i32.const 0)))",
  "simd store 16": "(v128.store (i32.const 16) (v128.const i32x4 0 0 0 0))",
  "store to the tables": `(i32.store8 (i32.const ${TABLES + 4096}) (i32.const 1))`,
};

for (const [name, body] of Object.entries(ACCESSES)) {
  const bytes = assemble(`(module (import "env" "memory" (memory ${declared})) (func (export "run") ${body}))`);
  const module = new WebAssembly.Module(asDeclared ? bytes : withMemoryLimits(bytes));
  const { run } = new WebAssembly.Instance(module, { env: { memory: packets.memory } }).exports as { run: () => void };
  let outcome = "no error";
  try {
    run();
  } catch (error) {
    outcome = (error as Error).constructor.name;
  }
  console.log(`${name}: ${outcome}`);
}
