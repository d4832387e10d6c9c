// How much code a node is, in WebAssembly and as V8 compiles it, and how many instructions a packet takes of it: `npm run bench:code`.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OperatorCode } from "wasmparser";
import { table } from "../host/cli/table.js";
import { parseManifest } from "../host/graph/manifest.js";
import { readSections } from "../host/graph/wasm-bytes.js";
import { readFacts } from "../host/graph/wasm-facts.js";
import { lastCpu } from "../host/lab/cpu.js";
import { Peer } from "./native.js";
import { optionsOf } from "./options.js";

const USAGE = `Usage: npm run bench:code -- [OPTION…]

For each of weft's nodes: bytes of WebAssembly, bytes and instructions of machine code that V8's optimising compiler makes of it; of its loop
alone and with all functions that it calls. For those of the forward path also the instructions that one packet takes, counted by
Valgrind, which takes some minutes: unlike clocks they are the same in each run.

  --no-count        leave Valgrind out
  --json            one line of JSON on standard output, nothing else

Example:
  npm run bench:code -- --no-count`;

const NODES = fileURLToPath(new URL("../../build/nodes.wasm", import.meta.url));
const [PEER, COUNTED] = ["peer.js", "counted.js"].map((name) => fileURLToPath(new URL(name, import.meta.url))) as [string, string];
/** V8 compiles each function once, at once, as it does for a busy one. */
const OPTIMISED = ["--no-liftoff", "--no-wasm-lazy-compilation"];
/** No threads of V8's own: then two runs hardly differ. */
const PREDICTABLE = ["--single-threaded", "--predictable"];
/** In the order in which a packet that is forwarded passes them. */
const FORWARD = ["ethernet-input", "ip4-input", "ip4-lookup", "ip4-rewrite", "interface-output"];
/** Vectors of 256 that are counted. */
const TURNS = 2000;

interface Size {
  wasm: number;
  machine: number;
  instructions: number;
}

interface NodeCode {
  name: string;
  /** of the node's function alone */
  loop: Size;
  /** with all functions that it calls */
  whole: Size;
  /** instructions for each packet that is forwarded, the loop's share of a call included */
  perPacket?: number;
}

/** Machine code by index of function, as `node --print-wasm-code` shows it. */
function machineCode(): Map<number, { machine: number; instructions: number }> {
  const program = "new WebAssembly.Module(require('node:fs').readFileSync(process.argv[1]))";
  const text = execFileSync(process.execPath, [...OPTIMISED, "--print-wasm-code", "-e", program, NODES], { encoding: "utf8", maxBuffer: 1 << 28 });
  const found = new Map<number, { machine: number; instructions: number }>();
  for (const part of text.split("--- WebAssembly code ---").slice(1)) {
    const index = Number(/^index: (\d+)$/m.exec(part)![1]);
    const machine = Number(/^Instructions \(size = (\d+)\)$/m.exec(part)![1]);
    const lines = part.slice(part.indexOf("Instructions (size")).split("\n").slice(1);
    found.set(index, { machine, instructions: lines.findIndex((line) => !/^0x[0-9a-f]+ +[0-9a-f]+ {2}[0-9a-f]+ /.test(line)) });
  }
  return found;
}

/** Sizes of each node's code. */
function sizes(): NodeCode[] {
  const bytes = readFileSync(NODES);
  const sections = readSections(bytes);
  const calls = new Map<number, Set<number>>();
  const facts = readFacts(bytes, sections, ({ code, immediate }, { index }) => {
    if (code !== OperatorCode.call) return;
    calls.set(index, (calls.get(index) ?? new Set()).add(immediate.funcIndex!));
  });
  const machine = machineCode();
  const bodies = new Map(facts.bodies.map(({ index, size }) => [index, size]));
  const add = (indices: Iterable<number>): Size => {
    const all = [...indices].filter((index) => bodies.has(index)); // imported functions are the host's
    const sum = (of: (index: number) => number): number => all.reduce((total, index) => total + of(index), 0);
    return { wasm: sum((i) => bodies.get(i)!), machine: sum((i) => machine.get(i)!.machine), instructions: sum((i) => machine.get(i)!.instructions) };
  };
  const manifest = sections.find(({ name }) => name === "weft")!;
  return parseManifest(bytes.subarray(manifest.start, manifest.end)).map(({ name, process }) => {
    const { index } = facts.exports.find((one) => one.name === process)!;
    const reached = new Set([index]);
    for (const from of reached) for (const to of calls.get(from) ?? []) reached.add(to); // a set goes on with what is added meanwhile
    return { name, loop: add([index]), whole: add(reached) };
  });
}

/** Instructions a packet of each node of the forward path: what a run with it takes more than one without. */
async function count(): Promise<Map<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "weft-code-"));
  try {
    const weft = new Peer("weft", [process.execPath, PEER, "forward", folder, "nodes"], lastCpu());
    const { rx } = await weft.greeting();
    weft.close();
    const totals: number[] = [];
    for (let nodes = 0; nodes <= FORWARD.length; nodes++) totals.push(instructionsOf([COUNTED, folder, String(rx), String(nodes), String(TURNS)]));
    return new Map(FORWARD.map((name, i) => [name, (totals[i + 1]! - totals[i]!) / (TURNS * 256)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Instructions that Node takes for a program under Valgrind. */
function instructionsOf(words: string[]): number {
  const options = ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--smc-check=all-non-file"];
  const { status, stderr } = spawnSync("valgrind", [...options, process.execPath, ...OPTIMISED, ...PREDICTABLE, ...words], { encoding: "utf8" });
  const collected = /Collected : (\d+)/.exec(stderr);
  if (status !== 0 || !collected) throw new Error(`valgrind failed:\n${stderr}`);
  return Number(collected[1]);
}

const values = optionsOf({ "no-count": { type: "boolean", default: false }, json: { type: "boolean", default: false } }, USAGE);
const nodes = sizes();
const counting = !values["no-count"] && spawnSync("valgrind", ["--version"]).status === 0;
if (counting) {
  const counted = await count();
  for (const node of nodes) if (counted.has(node.name)) node.perPacket = counted.get(node.name)!;
} else if (!values["no-count"]) console.error("no valgrind here (Debian's package valgrind): instructions a packet are left out");
if (values.json) {
  console.log(JSON.stringify({ targets: [], nodes }));
} else {
  const row = ({ loop, whole, name, perPacket }: NodeCode): (string | number)[] =>
    [name, ...[loop, whole].flatMap(({ wasm, machine, instructions }) => [wasm, machine, instructions]), perPacket?.toFixed(1) ?? ""];
  console.log(`Code by V8 ${process.versions.v8}: bytes of WebAssembly, bytes and instructions of x86-64; then with all that a node calls\n`);
  console.log(table(["Node", "wasm", "x86", "instr.", "+ wasm", "+ x86", "+ instr.", "a packet"], nodes.map(row)));
}
process.exit(0);
