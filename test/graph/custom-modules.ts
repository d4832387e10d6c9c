// Modules for tests, each written as text: nodes that leave a mark in each packet, and nodes that only count.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble } from "../wat/assemble.js";

/** Each packet ends in so many bytes for marks: how many there are, the marks, and at the end what the sender wants. */
export const TRAIL = 32;

const folder = mkdtempSync(join(tmpdir(), "weft-custom-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A file with these contents. */
export function fileOf(bytes: Uint8Array | string, ending = "wasm"): string {
  const path = join(folder, `${++files}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}

const COUNT = `(i64.store offset=64 (local.get $node) (i64.add (i64.load offset=64 (local.get $node)) (i64.extend_i32_u (local.get $n))))`;

/** WAT of a function that sends each packet to next slot `slot` and counts it. */
export function counting(name: string, slot: number): string {
  return `(func (export "${name}") (param $node i32) (param $frame i32) (param $n i32) (local $i i32) ${COUNT}
    (loop $each
      (i32.store16 offset=1024 (i32.add (local.get $frame) (i32.shl (local.get $i) (i32.const 1))) (i32.const ${slot}))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $i) (local.get $n)))))`;
}

/**
 * WAT of a function that puts `mark` (an expression) at the end of each packet's trail, sends it to next slot `slot` and counts it. `first` runs
 * before that.
 */
export function marking(name: string, mark: string, slot = "(i32.const 1)", first = ""): string {
  return `(func (export "${name}") (param $node i32) (param $frame i32) (param $n i32)
    (local $i i32) (local $buffer i32) (local $trail i32) (local $end i32) ${first}
    ${COUNT}
    (loop $each
      (local.set $buffer (i32.shl (i32.load (i32.add (local.get $frame) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 6)))
      (local.set $end (i32.add (i32.load16_u (local.get $buffer)) (i32.load16_u offset=2 (local.get $buffer))))
      (local.set $trail (i32.sub (i32.add (local.get $buffer) (local.get $end)) (i32.const ${TRAIL})))
      (i32.store8 (local.get $trail) (i32.add (i32.load8_u (local.get $trail)) (i32.const 1)))
      (i32.store8 (i32.add (local.get $trail) (i32.load8_u (local.get $trail))) ${mark})
      (i32.store16 offset=1024 (i32.add (local.get $frame) (i32.shl (local.get $i) (i32.const 1))) ${slot})
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $i) (local.get $n)))))`;
}

/** Mark that a node finds in its state, and what writes it there. */
export const KEPT = "(i32.load offset=576 (local.get $node))";
export function keep(mark: string): string {
  return `(i32.store offset=576 (local.get $node) ${mark})`;
}
/** Mark of a node whose configuration says which it is. */
export const CONFIGURED = "(i32.load (i32.load offset=48 (local.get $node)))";
export const MARK_CONFIG = { type: "object", properties: { mark: { type: "integer", maximum: 255 } }, required: ["mark"] };

export function moduleOf(functions: string, ...nodes: Record<string, unknown>[]): string {
  const declared = nodes.map((fields) => ({ process: fields.name, next: ["error-drop", "continue"], counters: ["marked"], ...fields }));
  return fileOf(assemble(`(module (import "env" "memory" (memory 1)) ${functions})`, { contract: 1, nodes: declared }));
}

/** A module of one node that leaves this mark. */
export function marker(mark: number, fields: Record<string, unknown> = {}): string {
  return moduleOf(marking("mark", `(i32.const ${mark})`), { name: "mark", ...fields });
}
