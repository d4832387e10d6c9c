// WebAssembly text to a module, and the pieces of one that no assembler would write.

import wabt from "wabt";

const { parseWat } = await wabt();

/** All that the assembler knows: what a node may not have must be written before it can be refused. */
export const FEATURES = {
  exceptions: true, mutable_globals: true, sat_float_to_int: true, sign_extension: true, simd: true, threads: true, multi_value: true,
  tail_call: true, bulk_memory: true, reference_types: true, memory64: true, extended_const: true, relaxed_simd: true, function_references: true,
};

export const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Module of a text; with a manifest in its custom section `weft` where one is given. */
export function assemble(text: string, manifest?: unknown, names = false): Uint8Array<ArrayBuffer> {
  const parsed = parseWat("test.wat", text, FEATURES);
  try {
    const bytes = parsed.toBinary({ write_debug_names: names }).buffer;
    return manifest === undefined ? new Uint8Array(bytes) : withSection(bytes, manifestSection(manifest));
  } finally {
    parsed.destroy();
  }
}

/** The module with one more section at its end. */
export function withSection(bytes: Uint8Array, section: number[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes.length + section.length);
  whole.set(bytes);
  whole.set(section, bytes.length);
  return whole;
}

/** The custom section of a manifest: an object, or any text. */
export function manifestSection(manifest: unknown): number[] {
  const json = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
  return section(0, [...text("weft"), ...Buffer.from(json)]);
}

export function section(id: number, content: number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

export function text(value: string): number[] {
  const bytes = Buffer.from(value);
  return [...leb(bytes.length), ...bytes];
}

export function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

/** The least manifest there is: one node "null", its function `run`. */
export function manifestOf(fields: Record<string, unknown> = {}): { contract: number; nodes: Record<string, unknown>[] } {
  return { contract: 1, nodes: [{ name: "null", process: "run", next: ["error-drop", "continue"], counters: [], ...fields }] };
}

/** A module of one node whose function has this body; `more` stands behind the imports. */
export function nodeText(body: string, more = ""): string {
  return `(module (import "env" "memory" (memory 1)) ${more} (func $run (export "run") (param $node i32) (param $frame i32) (param $n i32) ${body}))`;
}
