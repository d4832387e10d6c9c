// Modules whose author means ill, or knows no better: each is refused, by name, with its place, and none of them can
// keep the verification from ending. An element segment beyond its table is not among them: instantiating such a module
// throws, which is for who loads it to catch.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import wabt from "wabt";
import { MODULE_SIZE, MODULES } from "../../assembly/abi.js";
import { WeftError } from "../../host/errors.js";
import { findingText, inspect, verify } from "../../host/graph/verify.js";
import { readSections } from "../../host/graph/wasm-bytes.js";
import { readFacts } from "../../host/graph/wasm-facts.js";
import { assemble, FEATURES, HEADER, leb, manifestOf, manifestSection, nodeText, section, text, withSection } from "../wat/assemble.js";

const REGION_1 = MODULES + MODULE_SIZE;

/** Refuses a module; what `verify` says, and what `inspect` finds, begins with these words. */
function refused(bytes: Uint8Array, ...beginnings: string[]): void {
  const found = inspect(bytes).findings.map(findingText);
  assert.equal(found.map((line, i) => line.slice(0, beginnings[i]?.length ?? 0)), beginnings, found.join("\n"));
  try {
    verify(bytes, "x.wasm");
  } catch (error) {
    assert.instance(error, WeftError);
    assert.is((error as WeftError).code, "BAD_MODULE");
    return assert.ok((error as Error).message.startsWith(`x.wasm: ${beginnings[0]}`), (error as Error).message);
  }
  assert.unreachable("it was taken");
}

const module = (body: string, more = "", manifest: unknown = manifestOf()): Uint8Array<ArrayBuffer> => assemble(nodeText(body, more), manifest);

const TYPE = section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0]);
const MEMORY = [...text("env"), ...text("memory"), 2, 0, 1];
const IMPORT = section(2, [1, ...MEMORY]);
const EXPORT = section(7, [1, ...text("run"), 0, 0]);
const codeOf = (body: number[]): number[] => section(10, [1, ...leb(body.length + 2), 0, ...body, 0x0b]);

/** A module of these sections, and the least manifest. */
function ofSections(...sections: number[][]): Uint8Array<ArrayBuffer> {
  return withSection(Uint8Array.from([...HEADER, ...sections.flat()]), manifestSection(manifestOf()));
}

/** A module whose one function has this body. */
const ofBody = (...body: number[]): Uint8Array<ArrayBuffer> => ofSections(TYPE, IMPORT, section(3, [1, 0]), EXPORT, codeOf(body));

const INSTRUCTIONS: [name: string, body: string, more: string, mend: string][] = [
  ["memory.copy, a bulk memory instruction", "(memory.copy (i32.const 0) (i32.const 0) (i32.const 1))", "", "build with --disable bulk-memory"],
  ["memory.fill, a bulk memory instruction", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 1))", "", "build with --disable bulk-memory"],
  ["memory.grow, an allocation", "(drop (memory.grow (i32.const 1)))", "", "nodes allocate nothing"],
  ["i32.atomic.load, an atomic instruction", "(drop (i32.atomic.load (i32.const 8)))", "", "nothing that a node may write is another worker's"],
  ["i64.atomic.rmw.add, an atomic instruction", "(drop (i64.atomic.rmw.add (i32.const 8) (i64.const 1)))", "", "nothing that a node may write"],
  ["atomic.fence, an atomic instruction", "(atomic.fence)", "", "nothing that a node may write"],
  ["table.get, a reference type instruction", "(drop (table.get 0 (i32.const 0)))", "(table 1 funcref)", "build with -mno-reference-types"],
  ["table.set, a reference type instruction", "(i32.const 0) (unreachable) (table.set 0)", "(table 1 funcref)", "build with"],
  ["table.size, a table instruction", "(drop (table.size 0))", "(table 1 funcref)", "fill tables with element segments"],
  ["table.copy, a table instruction", "(table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0))", "(table 1 funcref)", "fill tables"],
  ["ref.func, a reference type instruction", "(drop (ref.func $run))", "", "build with -mno-reference-types"],
  ["return_call, a tail call", "(return_call $run (local.get 0) (local.get 1) (local.get 2))", "", "build with -mno-tail-call"],
];

for (const [name, body, more, mend] of INSTRUCTIONS) {
  test(`instruction: ${name}`, () => {
    const bytes = module(body, more);
    const [finding] = inspect(bytes).findings;
    refused(bytes, name, ...inspect(bytes).findings.slice(1).map(({ what }) => what));
    assert.ok(finding!.mend!.startsWith(mend), finding!.mend!);
    assert.equal(finding!.function, { index: 0, name: "run" });
    assert.ok([0xfc, 0xfe, 0x40, 0x25, 0x26, 0xd2, 0x12].includes(bytes[finding!.at!]!), "the offset is the instruction's");
  });
}

test("instructions that only newer engines know", () => {
  refused(module("(drop (f32x4.relaxed_madd (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0)))"),
    "f32x4.relaxed_madd, a relaxed SIMD instruction");
  refused(ofBody(0x41, 1, 0xfb, 0x1c, 0x1a), "ref.i31, a garbage collection instruction");
  refused(ofBody(0x1f, 0x40, 0, 0x0b), "try_table, an exception instruction");
  refused(ofBody(0x06, 0x40, 0x0b), "try, an exception instruction");
  refused(ofBody(0xd0, 0x70, 0x1a), "ref.null, a reference type instruction");
  refused(ofBody(0x41, 0, 0x41, 0, 0x41, 0, 0x1c, 1, 0x7f, 0x1a), "select, a reference type instruction");
});

test("instructions that nobody knows", () => {
  for (const code of [[0x27], [0xc5], [0xff], [0xfc, 0x20], [0xfd, 0x9a, 1], [0xfd, 0xff, 0x1f]]) {
    refused(ofBody(...code), "cannot be read: Unknown operator");
  }
});

test("memories: none, its own, two, a 64-bit one, one of another name; nothing else is a memory", () => {
  refused(assemble('(module (func (export "run") (param i32 i32 i32)))', manifestOf()), "it does not import env.memory");
  refused(module("", "(memory 1)"), "a memory of its own at 0x26: build with --importMemory");
  refused(ofSections(TYPE, section(3, [1, 0]), section(5, [1, 0, 1]), EXPORT, codeOf([])), "a memory of its own", "it does not import env.memory");
  refused(module("", '(import "env" "memory" (memory 1))'), '"env.memory" is imported twice');
  const wide = ofSections(TYPE, section(2, [1, ...text("env"), ...text("memory"), 2, 4, 1]), section(3, [1, 0]), EXPORT, codeOf([]));
  refused(wide, "cannot be read: a memory or table of another kind, flags 4 at 0x20: build for wasm32");
  refused(assemble('(module (import "env" "mem" (memory 1)) (func (export "run") (param i32 i32 i32)))', manifestOf()),
    'an import "env.mem"', "it does not import env.memory");
  const called = '(module (import "env" "memory" (func)) (func (export "run") (param i32 i32 i32)))';
  refused(assemble(called, manifestOf()), "an import env.memory that is not a memory");
});

test("an access that names a memory by its index hides no instruction behind it", () => {
  // i32.load with bit 6 of its alignment: memory 0, offset 0. A reader that does not know of it takes the rest for something else.
  const [finding] = inspect(ofBody(0x41, 0, 0x28, 0x42, 0, 0, 0x1a)).findings;
  assert.is(finding!.what, "an access to another memory");
});

test("imports: every one that is not in the contract, each with its mend", () => {
  const imported = (module: string, name: string, kind: string): string => `(import "${module}" "${name}" ${kind})`;
  const cases: [string, string, string, string][] = [
    ["env", "abort", "(func (param i32 i32 i32 i32))", 'an import "env.abort" at 0x29: build with --use abort='],
    ["env", "memcpy", "(func)", 'an import "env.memcpy" at 0x25: there is no C library'],
    ["env", "puts", "(func)", 'an import "env.puts" at 0x25: it is not defined in the module'],
    ["wasi_snapshot_preview1", "fd_write", "(func)", 'an import "wasi_snapshot_preview1.fd_write" at 0x25: build for wasm32-unknown-unknown'],
    ["weft", "noww", "(func (result f64))", 'an import "weft.noww" at 0x26: did you mean weft.now?'],
    ["a.b", "c", "(table 1 funcref)", 'an import "a.b.c" at 0x22: a node may import env.memory'],
    ["env", "__stack_pointer", "(global (mut i32))", 'an import "env.__stack_pointer" at 0x22: link with'],
    ["env", "__memory_base", "(global (mut i32))", "an import env.__memory_base that is not an immutable i32 global"],
    ["env", "__memory_base", "(global i64)", "an import env.__memory_base that is not an immutable i32 global"],
    ["weft", "now", "(func (result i64))", "an import weft.now that is not () -> f64"],
    ["weft", "now", "(global f64)", "an import weft.now that is not () -> f64"],
    ["weft", "log", "(func (param i32))", "an import weft.log that is not (i32, i32) -> ()"],
    ["a\\1b[2J", "b", "(func)", 'an import "a?[2J.b"'],
  ];
  for (const [from, name, kind, words] of cases) refused(module("", imported(from, name, kind)), words);
  refused(module("", imported("weft", "now", "(func (result f64))").repeat(2)), '"weft.now" is imported twice');
});

test("functions that the manifest names: missing, no functions, of other signatures", () => {
  refused(module("", "", manifestOf({ process: "rum" })), 'node null: no exported function "rum": did you mean "run"?');
  refused(module("", '(global (export "limit") i32 (i32.const 0))', manifestOf({ process: "limit" })), 'node null: no exported function "limit"');
  const signature = (head: string): string => `(module (import "env" "memory" (memory 1)) (func (export "run") ${head}))`;
  for (const [head, said] of [
    ["(param i32 i32)", "(i32, i32) -> ()"], ["(param i32 i32 i64)", "(i32, i32, i64) -> ()"], ["", "() -> ()"],
    ["(param i32 i32 i32) (result i32) (i32.const 0)", "(i32, i32, i32) -> i32"],
    ["(param i32 i32 i32) (result f32 v128) (unreachable)", "(i32, i32, i32) -> (f32, v128)"],
  ] as const) {
    const words = `node null: its function "run" is ${said} in function 0 (run): it must be (i32, i32, i32) -> ()`;
    refused(assemble(signature(head), manifestOf()), words);
  }
  refused(module("", "", manifestOf({ configure: "run" })), 'node null: configure: its function "run" is (i32, i32, i32) -> ()');
  refused(module("", "", manifestOf({ configure: "gone" })), 'node null: configure: no exported function "gone"');
  const imported = '(import "weft" "log" (func $log (param i32 i32))) (export "log" (func $log))';
  refused(module("", imported, manifestOf({ process: "log" })), 'node null: its function "log" is (i32, i32) -> ()');
});

test("the manifest: none, two, or one that says something wrong", () => {
  refused(assemble(nodeText("")), 'no custom section "weft"');
  refused(withSection(module(""), manifestSection(manifestOf())), 'a second custom section "weft"');
  refused(module("", "", "{"), 'its custom section "weft" is not JSON');
  refused(module("", "", { contract: 2, nodes: [] }), "written for contract 2, this weft knows 1: update weft");
  refused(module("", "", { contract: 1, nodes: [] }), "its manifest declares no nodes");
  refused(module("", "", manifestOf({ counter: [] })), 'node 0 of its manifest: unknown field "counter": did you mean "counters"?');
  refused(module("", "", manifestOf({ next: ["continue"] })), 'node null: next[0] is "continue"');
  const [node] = manifestOf().nodes;
  refused(module("", "", { contract: 1, nodes: [node, node] }), 'its manifest declares two nodes "null"');
});

test("data: outside the modules' regions, in weft's own, in two, across a boundary, passive, at a place that varies", () => {
  const at = (offset: number | string, bytes = "abc"): string => `(data (i32.const ${offset}) "${bytes}")`;
  const found = (offset: number): string => `data segment 0, 3 bytes for address 0x${offset.toString(16)}`;
  refused(module("", at(8)), "data segment 0, 3 bytes for address 0x8, outside the modules' regions");
  refused(module("", at("0xffffffff", "a")), "data segment 0, 1 bytes for address 0xffffffff, outside");
  refused(module("", at(MODULES - 1)), `${found(MODULES - 1)}, outside`);
  refused(module("", at(MODULES + 64 * MODULE_SIZE)), `${found(MODULES + 64 * MODULE_SIZE)}, outside`);
  refused(module("", at(MODULES + 8)), `${found(MODULES + 8)}, in region 0, which is weft's own`);
  refused(module("", at(REGION_1 + MODULE_SIZE - 2)), `${found(REGION_1 + MODULE_SIZE - 2)}, ends beyond`);
  refused(module("", at(REGION_1) + at(REGION_1 + MODULE_SIZE)), "data segment 1, 3 bytes for address");
  refused(module("", '(data "abc")'), "data segment 0, a passive one");
  const base = '(import "env" "__memory_base" (global i32))';
  refused(module("", `${base} (data (i32.const 0) "a")`), "data segment 0 at the fixed address 0x0 in a module that imports env.__memory_base");
  const own = `(global $own i32 (i32.const ${REGION_1})) (data (global.get $own) "a")`;
  refused(module("", base + own), "data segment 0, whose place is not constant");
});

test("static data that its base has no room for", () => {
  const base = '(import "env" "__memory_base" (global $base i32))';
  const long = "a".repeat(MODULE_SIZE + 1);
  refused(module("", `${base} (data (global.get $base) "${long}")`), "data segment 0 ends beyond its region of 65536 bytes");
  const dylink = section(0, [...text("dylink.0"), 1, 6, ...leb(MODULE_SIZE + 1), 0, 0, 0]);
  refused(withSection(module("", base), dylink), "it needs 65537 bytes of static data");
  refused(withSection(module("", base), section(0, [...text("dylink.0"), 1, 9, 0])), "cannot be read: the file, or a part of it, ends too early");
});

test("what runs by itself, or is there without a use", () => {
  refused(module("", "(func $init) (start $init)"), "a start function at 0x33: nothing runs when a module is loaded");
  refused(module("", "(tag)"), "an exception's tag");
  refused(module("", "(table 1 externref)"), "a table of something else than functions");
  refused(module("", "(table 1 funcref) (elem func $run)"), "element segment 0, a passive one");
  const noFunction = "(table 1 funcref) (elem (table 0) (i32.const 0) funcref (ref.null func))";
  refused(module("", noFunction), "cannot be read: an element segment with something else than functions");
  refused(module("", "(global funcref (ref.func $run))"), "a global that is not a number", "ref.func, a reference type instruction");
  refused(module("", "(global i32 (i32.eqz (i32.const 0)))"), "an initial value that is not constant");
  const wideTable = section(4, [1, 0x70, 4, 1]); // addressed by 64 bits
  refused(ofSections(TYPE, IMPORT, section(3, [1, 0]), wideTable, EXPORT, codeOf([])), "a table of something else than functions");
  refused(module("", "(func (param externref))"), "cannot be read: a function of something else than numbers");
  refused(module("(local funcref)"), "a local variable that is not a number");
  refused(module("(drop (block (result funcref) (unreachable)))"), "a block with a reference as its result");
  refused(ofSections(section(1, [1, 0x5f, 0])), "cannot be read: type 0 is not a function");
});

test("sizes", () => {
  refused(withSection(module(""), section(0, [...text("padding"), ...Array<number>(2 ** 20).fill(0)])), "a file of 1048");
  refused(module("", "(func)".repeat(4096)), "4097 functions: at most 4096");
  refused(module("(nop)".repeat(131072)), "a body of 131074 bytes in function 0 (run) at ");
  refused(module(`(local ${"i32 ".repeat(1001)})`), "1001 local variables in function 0 (run)");
  refused(module("", "(table 2000 funcref) (table 2097 funcref)"), "tables of 4097 entries");
  refused(module("", "(global i32 (i32.const 0))".repeat(1025)), "1025 globals: at most 1024");
  refused(module("", `(data (i32.const ${REGION_1}) "a")`.repeat(257)), "257 data segments");
});

test("as many findings as a file can have bytes do not grow beyond a page", () => {
  const { findings, more } = inspect(module("(drop (memory.grow (i32.const 1)))".repeat(500)));
  assert.equal([findings.length, more], [100, 400]);
  assert.throws(() => verify(module("(drop (memory.grow (i32.const 1)))".repeat(500)), "x.wasm"), /\(and 499 more: weft node check x\.wasm\)$/);
});

test("what V8 alone finds has its offset in the file", () => {
  const body = module("(drop (i32.const 1))");
  const at = body.lastIndexOf(0x1a, inspect(body).sections.at(-2)!.at + inspect(body).sections.at(-2)!.size);
  body[at] = 0x01;
  refused(body, "not valid: ");
  assert.ok(Math.abs(inspect(body).findings[0]!.at! - at) <= 2);
});

test("no module at all, and all beginnings of one", () => {
  refused(new Uint8Array(0), "cannot be read: it does not begin with \\0asm");
  refused(Uint8Array.from(Buffer.from("(module)")), "cannot be read: it does not begin with \\0asm");
  refused(Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]), "cannot be read: it does not begin with version 1 at 0x4");
  const whole = module("(drop (v128.load (i32.const 8)))", `(table 1 funcref) (data (i32.const ${REGION_1}) "abc")`);
  for (let length = 0; length < whole.length; length++) assert.ok(inspect(whole.subarray(0, length)).findings.length > 0, `${length} bytes of it`);
});

test("numbers that are too long, counts that promise more than there is, sections in each other's way", () => {
  const long = [0x80, 0x80, 0x80, 0x80, 0x80, 0];
  const huge = [0xff, 0xff, 0xff, 0xff, 15];
  const rest = [section(3, [1, 0]), EXPORT, codeOf([])];
  const cases: [Uint8Array, string][] = [
    [ofSections([1, ...long]), "cannot be read: a number of more than 32 bits or five bytes at 0x9"],
    [ofSections([1, 0xff, 0xff, 0xff, 0xff, 0x10]), "cannot be read: a number of more than 32 bits or five bytes"],
    [ofSections([1, ...huge]), "cannot be read: the file, or a part of it, ends too early"],
    [ofSections(section(1, [1, 0x60, ...huge])), "cannot be read: the file, or a part of it, ends too early"],
    [ofSections(section(1, huge)), "cannot be read: the file, or a part of it, ends too early"],
    [ofSections(TYPE, section(2, huge)), "cannot be read: "],
    [ofSections(TYPE, section(2, [1, ...huge])), "cannot be read: "],
    [ofSections(TYPE, IMPORT, section(3, huge)), "cannot be read: "],
    [ofSections(TYPE, IMPORT, section(3, [1, 0]), section(7, huge)), "cannot be read: "],
    [ofSections(TYPE, IMPORT, section(9, huge)), "cannot be read: "],
    [ofSections(TYPE, IMPORT, section(3, [1, 0]), EXPORT, section(10, huge)), "cannot be read: "],
    [ofSections(TYPE, IMPORT, section(3, [1, 0]), EXPORT, section(10, [1, 8, ...huge, 0x7f, 0x0b])), "cannot be read: "],
    [ofBody(0x41, 0, 0x0e, ...huge), "cannot be read: "],
    [ofBody(0x41, ...long), "not valid: "],
    [ofSections(TYPE, section(2, [1, ...MEMORY, 0]), ...rest), "cannot be read: a section ends at another place than it says"],
    [ofSections(IMPORT, TYPE, ...rest), "not valid: "],
    [ofSections(TYPE, IMPORT, ...rest, [14, 0]), "cannot be read: an unknown section 14"],
    [ofSections(TYPE, IMPORT, ...rest, [0, 4, 9, 1, 1, 1]), "cannot be read: the file, or a part of it, ends too early"],
    [ofSections(TYPE, IMPORT, ...rest, section(0, [2, 0xff, 0xfe])), "cannot be read: a name that is not UTF-8"],
    [ofSections(TYPE, IMPORT, section(3, [1, 0]), EXPORT, section(10, [1, 3, 0, 0x0b, 0x0b])), "not valid: "],
    [ofSections(TYPE, IMPORT, section(3, [1, 0]), EXPORT, section(10, [1, 3, 0, 0x41, 0x0b])), "not valid: "],
    [ofSections(TYPE, IMPORT, section(3, [1, 0]), EXPORT, section(10, [1, 2, 0, 0x41, 0, 0x0b])), "cannot be read: function 0 ends at another place"],
  ];
  for (const [bytes, words] of cases) refused(bytes, words);
});

test("a module in the middle of a module", () => {
  const [first, second] = [module(""), module("(drop (memory.grow (i32.const 1)))")];
  refused(withSection(first, [...second]), "cannot be read: ");
  const { broken } = readFacts(withSection(first, [...second]), readSections(first), () => undefined);
  assert.equal([broken?.message, broken?.at], ["what follows cannot be read", first.length]);
});

test("a broken section of names breaks nothing else", () => {
  const grow = module("(drop (memory.grow (i32.const 1)))");
  for (const content of [[1, 5, 0xff, 0xff, 0xff, 0xff, 15], Array<number>(60000).fill(99).flatMap(() => [99, 0]), [1, 200]]) {
    refused(withSection(grow, section(0, [...text("name"), ...content])), "memory.grow, an allocation in function 0 (run) at ");
  }
});

test("bytes that V8 takes for an index are not taken for an instruction that swallows the next", () => {
  // call_indirect of table 8448, in two bytes: read as one, the second would be an i64.const whose number is what follows.
  const tables = section(4, [...leb(8449), ...Array<number[]>(8449).fill([0x70, 0, 0]).flat()]);
  const seven = Array<number[]>(7).fill([0x41, 0]).flat(); // three for memory.fill, three for the function, its place in the table
  const bytes = ofSections(TYPE, IMPORT, section(3, [1, 0]), tables, EXPORT, codeOf([...seven, 0x11, 0, 0x80, 0x42, 0xfc, 0x0b, 0]));
  assert.ok(WebAssembly.validate(bytes));
  refused(bytes, "memory.fill, a bulk memory instruction");
});

const base = module(
  `(local $v v128) (local.set $v (v128.load offset=4 (i32.const 8))) (v128.store (i32.const 32) (i32x4.add (local.get $v) (local.get $v)))
   (block $a (loop $b (br_table $a $b (local.get $n)))) (i32.store (i32.const 8) (call_indirect (type $ii) (i32.const 1) (i32.const 0)))
   (f64.store (i32.const 8) (f64.const 2.5)) (drop (i64.trunc_sat_f32_u (f32.const 1))) (drop (memory.size))`,
  `(type $ii (func (param i32) (result i32))) (table 2 funcref) (elem (i32.const 0) $next) (global (mut i32) (i32.const 7))
   (func $next (type $ii) (local.get 0)) (data (i32.const ${REGION_1}) "abc")`,
);
/** Every forbidden instruction, as wabt writes them: another reader than the one that verification uses. */
const FORBIDDEN = /memory\.(grow|copy|fill|init)|data\.drop|elem\.drop|table\.|atomic|ref\.|throw|\btry\b|catch|return_call|relaxed|\(start|\(tag/;
const { readWasm } = await wabt();

/** Whatever is wrong with some bytes: verification ends, and what it takes V8 takes too, and another reader finds nothing in it. */
function judge(bytes: Uint8Array): boolean {
  const { findings, more } = inspect(bytes);
  if (findings.length > 0) return false;
  assert.ok(more === 0 && WebAssembly.validate(new Uint8Array(bytes)), "V8 takes it too");
  const module = readWasm(bytes, { readDebugNames: false, ...FEATURES });
  try {
    assert.not.match(module.toText({}), FORBIDDEN);
  } finally {
    module.destroy();
  }
  return true;
}

test("bytes changed at random", () => {
  let taken = 0;
  const change = fc.tuple(fc.nat(base.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 0x0b, 0x40, 0x80, 0xfc, 0xfd, 0xfe, 0xff, 0x7f)));
  fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
    const bytes = new Uint8Array(base);
    for (const [at, value] of changes) bytes[at] = value;
    if (judge(bytes)) taken++;
  }), { numRuns: 3000 });
  assert.ok(judge(base) && taken > 20, `${taken} of the changed ones are good, so that the property says something`);
});

test("pieces taken out, doubled and moved at random", () => {
  const cut = fc.tuple(fc.nat(base.length), fc.nat(12), fc.nat(base.length));
  fc.assert(fc.property(fc.array(cut, { minLength: 1, maxLength: 3 }), (cuts) => {
    let bytes = [...base];
    for (const [at, size, to] of cuts) {
      const piece = bytes.slice(at, at + size);
      bytes = [...bytes.slice(0, to), ...piece, ...bytes.slice(to + (to % 2 ? size : 0))];
    }
    judge(Uint8Array.from(bytes));
  }), { numRuns: 1500 });
});

test("weft's own nodes with bytes changed at random", () => {
  const whole = readFileSync(new URL("../../../build/nodes.wasm", import.meta.url));
  fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
    const bytes = new Uint8Array(whole);
    bytes[at] = value;
    judge(bytes);
  }), { numRuns: 100 });
});

test.run();
