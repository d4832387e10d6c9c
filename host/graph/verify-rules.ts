// What the contract asks of a module beside its instructions: imports, exports, tables, globals, sizes.

import { ExternalKind, OperatorCode } from "wasmparser";
import { nearest } from "../nearest.js";
import { Findings, quoted } from "./findings.js";
import type { NodeDeclaration } from "./manifest.js";
import { CUSTOM, MEMORY, type Section, START } from "./wasm-bytes.js";
import { type Body, EMPTY, F32, F64, type Facts, FUNCREF, type FunctionType, I32, I64, type ImportFact, type Operator, V128 } from "./wasm-facts.js";
import { refusal } from "./wasm-opcodes.js";
const FUNCTIONS_MAX = 4096;
const BODY_MAX = 128 * 1024;
const LOCALS_MAX = 1000;
const TABLE_ENTRIES_MAX = 4096;
const GLOBALS_MAX = 1024;
/** Exports among which a mistyped one is looked for: a hostile file can have a million. */
const CANDIDATES_MAX = 256;

const NAMES: Record<number, string> = { [I32]: "i32", [I64]: "i64", [F32]: "f32", [F64]: "f64", [V128]: "v128" };
const VALUES: number[] = [I32, I64, F32, F64, V128];

const FUNCTIONS: Record<string, FunctionType> = {
  "weft.now": { params: [], results: [F64] },
  "weft.log": { params: [I32, I32], results: [] },
};
export const MEMORY_BASE = "env.__memory_base";
const IMPORTS = ["env.memory", MEMORY_BASE, ...Object.keys(FUNCTIONS)];
const PROCESS = { params: [I32, I32, I32], results: [] };
const CONFIGURE = { params: [I32], results: [I32] };

const IMPORT_MEMORY = "build with --importMemory (asc), --import-memory (wasm-ld)";
const NO_START = "nothing runs when a module is loaded: leave out code at top level and static constructors";
const WITHOUT_REFERENCES = "build without reference types";

/** How to get rid of an import that toolchains bring in by themselves. */
const MENDS: [RegExp, string][] = [
  [/^env\.abort$/, "build with --use abort="],
  [/^env\.(trace|seed)$/, "nodes do not print or roll dice: leave the call out"],
  [/^wasi/, "build for wasm32-unknown-unknown, without a libc that does I/O"],
  [/^env\.__(stack_pointer|table_base|indirect_function_table)$/, "link with --import-memory --global-base, not as a shared library"],
  [/^env\.mem(cpy|move|set|cmp)$/, "there is no C library: copy in a loop, and build with -fno-builtin"],
  [/^(GOT|env)\./, "it is not defined in the module: a node links no library at run time"],
];

export function checkSections(sections: Section[], findings: Findings): void {
  for (const { id, name, at } of sections) {
    if (id === MEMORY) findings.add("a memory of its own", at, IMPORT_MEMORY);
    if (id === START) findings.add("a start function", at, NO_START);
    if (id === CUSTOM && name === "weft" && sections.some((other) => other.name === "weft" && other.at < at)) {
      findings.add('a second custom section "weft"', at, "declare all nodes in one");
    }
  }
}

export function checkImports(facts: Facts, findings: Findings): void {
  const seen = new Set<string>();
  for (const one of facts.imports) {
    const name = `${one.module}.${one.name}`;
    if (seen.has(name)) findings.add(`${quoted(name)} is imported twice`, one.at, name === "env.memory" ? "a node has one memory" : null);
    seen.add(name);
    if (IMPORTS.includes(name)) checkKnownImport(one, name, facts, findings);
    else findings.add(`an import ${quoted(name)}`, one.at, mendOf(name));
  }
  if (!seen.has("env.memory")) findings.add("it does not import env.memory", null, IMPORT_MEMORY);
}

function checkKnownImport({ kind, at, type, global }: ImportFact, name: string, facts: Facts, findings: Findings): void {
  const wanted = FUNCTIONS[name];
  if (wanted) {
    if (kind !== ExternalKind.Function || !same(facts.types[type!], wanted)) findings.add(`an import ${name} that is not ${signature(wanted)}`, at);
  } else if (name === MEMORY_BASE) {
    if (global === undefined || global.type !== I32 || global.mutable) findings.add(`an import ${name} that is not an immutable i32 global`, at);
  } else if (kind !== ExternalKind.Memory) findings.add(`an import ${name} that is not a memory`, at);
}

function mendOf(name: string): string {
  const near = name.startsWith("weft.") ? nearest(name, IMPORTS) : undefined;
  if (near !== undefined) return `did you mean ${near}?`;
  const known = MENDS.find(([form]) => form.test(name));
  return known ? known[1] : `a node may import ${IMPORTS.join(", ")}`;
}

/** The functions that the manifest names. */
export function checkExports(nodes: NodeDeclaration[], facts: Facts, findings: Findings): void {
  for (const { name, process, configure } of nodes) {
    checkExport(`node ${name}`, process, PROCESS, facts, findings);
    if (configure !== null) checkExport(`node ${name}: configure`, configure, CONFIGURE, facts, findings);
  }
}

function checkExport(where: string, name: string, wanted: FunctionType, facts: Facts, findings: Findings): void {
  const functions = facts.exports.filter(({ kind }) => kind === ExternalKind.Function);
  const found = functions.find((one) => one.name === name);
  if (found === undefined) {
    const near = nearest(name, functions.slice(0, CANDIDATES_MAX).map((one) => one.name));
    const mend = near === undefined ? "export it" : `did you mean ${quoted(near)}?`;
    return findings.add(`${where}: no exported function ${quoted(name)}`, null, mend);
  }
  const types = [...facts.imports.filter(({ kind }) => kind === ExternalKind.Function).map(({ type }) => type!), ...facts.functions];
  const type = facts.types[types[found.index]!];
  if (same(type, wanted)) return;
  findings.add(`${where}: its function ${quoted(name)} is ${signature(type)}`, null, `it must be ${signature(wanted)}`, found.index);
}

function same(type: FunctionType | undefined, wanted: FunctionType): boolean {
  return type !== undefined && String(type.params) === String(wanted.params) && String(type.results) === String(wanted.results);
}

function signature(type: FunctionType | undefined): string {
  if (!type) return "no function";
  const list = (types: number[]): string => types.map((kind) => NAMES[kind] ?? "?").join(", ");
  return `(${list(type.params)}) -> ${type.results.length === 1 ? list(type.results) : `(${list(type.results)})`}`;
}

export function checkTables({ tables, elements, tags }: Facts, findings: Findings): void {
  if (tags > 0) findings.add("an exception's tag", null, "build without exceptions");
  for (const { at, type, flags } of tables) {
    if (type !== FUNCREF || flags > 1) findings.add("a table of something else than functions", at, WITHOUT_REFERENCES);
  }
  const entries = tables.reduce((sum, { minimum }) => sum + minimum, 0);
  if (entries > TABLE_ENTRIES_MAX) findings.add(`tables of ${entries} entries`, tables[0]!.at, `at most ${TABLE_ENTRIES_MAX} are allowed`);
  for (const [i, { at, active }] of elements.entries()) {
    if (!active) findings.add(`element segment ${i}, a passive one`, at, "build with -mno-reference-types and without bulk memory");
  }
}

export function checkGlobals({ globals, imports, elements }: Facts, findings: Findings): void {
  const count = globals.length + imports.filter(({ kind }) => kind === ExternalKind.Global).length;
  if (count > GLOBALS_MAX) findings.add(`${count} globals`, null, `at most ${GLOBALS_MAX} are allowed`);
  for (const { at, type } of globals) {
    if (!VALUES.includes(type)) findings.add("a global that is not a number", at, WITHOUT_REFERENCES);
  }
  for (const expression of [...globals.map(({ value }) => value), ...elements.map(({ offset }) => offset)]) {
    for (const operator of expression) checkOperator(operator, findings);
  }
}

export function checkSizes({ functions, imports, bodies }: Facts, findings: Findings): void {
  const count = functions.length + imports.filter(({ kind }) => kind === ExternalKind.Function).length;
  if (count > FUNCTIONS_MAX) findings.add(`${count} functions`, null, `at most ${FUNCTIONS_MAX} are allowed`);
  for (const { index, at, size, locals } of bodies) {
    if (size > BODY_MAX) findings.add(`a body of ${size} bytes`, at, `at most ${BODY_MAX} are allowed: divide it`, index);
    const sum = locals.reduce((total, local) => total + local.count, 0);
    if (sum > LOCALS_MAX) findings.add(`${sum} local variables`, at, `at most ${LOCALS_MAX} are allowed: divide it`, index);
    if (!locals.every(({ type }) => VALUES.includes(type))) findings.add("a local variable that is not a number", at, WITHOUT_REFERENCES, index);
  }
}

/** One instruction; `body` is undefined in a constant expression. */
export function checkOperator({ at, code, immediate }: Operator, findings: Findings, body?: Body): void {
  const refused = refusal(code);
  if (refused) return findings.add(refused.what, at, refused.mend, body?.index);
  const { memoryAddress, blockType } = immediate;
  // Bit 6 of the alignment: an index of a memory follows, which the parser would take for the offset.
  if (memoryAddress !== undefined && memoryAddress.flags > 15) findings.add("an access to another memory", at, "a node has one memory", body?.index);
  if (blockType !== undefined && blockType.code < 0 && blockType.code !== EMPTY && !VALUES.includes(blockType.code)) {
    findings.add("a block with a reference as its result", at, WITHOUT_REFERENCES, body?.index);
  }
  if (body === undefined && !isConstant(code)) findings.add("an initial value that is not constant", at);
}

/** Instructions that a constant expression may have. */
function isConstant(code: number): boolean {
  return (code >= OperatorCode.i32_const && code <= OperatorCode.f64_const) || code === OperatorCode.v128_const
    || code === OperatorCode.global_get || code === OperatorCode.end || code === OperatorCode.i32_add || code === OperatorCode.i32_sub
    || code === OperatorCode.i32_mul || code === OperatorCode.i64_add || code === OperatorCode.i64_sub || code === OperatorCode.i64_mul;
}
