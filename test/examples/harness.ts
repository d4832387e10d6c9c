// An example's nodes, compiled as a user's are, in a plain shared memory: packets in and out as hex text, next slots, copies, counters and
// table rows by the names that the node declares, the clock as the test sets it. After every frame it checks what a node may not do.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, B_DATA, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, CONFIGURATIONS, CONFIGURATIONS_SIZE, COPY_SHIFT,
  FRAME_BUFFERS, FRAME_NEXT, FRAME_SIZE, MODULES, MODULE_SIZE, NODE_CONFIG, NODE_CONFIG_SIZE, NODE_COUNTERS, NODE_STATE, VECTOR, WORKERS,
  WORKER_FRAMES, WORKER_NODES,
} from "../../assembly/abi.js";
import type { NodeDeclaration } from "../../host/graph/manifest.js";
import { encodeConfig } from "../../host/graph/node-config.js";
import { decodeTable } from "../../host/graph/node-table.js";
import { verify } from "../../host/graph/verify.js";
import { type Packet, bufferAt, bytes, memory, packetHex, putPacket, view } from "../nodes/memory.js";

export {
  type Packet, bufferAt, bytes, fromHex, memory, packetHex, putPacket, raw, resetTables, setAdjacency, setInterface, setRoute, toHex, u16, u32, view,
} from "../nodes/memory.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FRAME = WORKERS + WORKER_FRAMES;
/** What a frame, and what follows a node's state, is filled with before each run. */
const GUARD = 0xee;
const GUARD_SIZE = 64;

/** Nanoseconds that weft.now() gives. */
export const clock = { now: 0 };
/** What nodes have said with weft.log(). */
export const logged: string[] = [];

/**
 * The module of assembly/examples/NAME.ts as `weft node build` makes it, its static data in module region `region`. Files that test/run.ts
 * runs share what one of them has compiled.
 */
export function compileExample(name: string, region = 1): Uint8Array<ArrayBuffer> {
  const folder = process.env["WEFT_TEST_FOLDER"];
  const kept = folder === undefined ? null : join(folder, `${name}-${region}.wasm`);
  if (kept !== null && existsSync(kept)) return new Uint8Array(readFileSync(kept));
  // The compiler is WebAssembly itself: V8's better code for it comes too late to be worth its while.
  const words = ["--liftoff-only", fileURLToPath(new URL("./compile.js", import.meta.url)), join(ROOT, `assembly/examples/${name}.ts`), String(region)];
  const wasm = new Uint8Array(execFileSync(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"], maxBuffer: 2 ** 24 }));
  if (kept !== null) {
    writeFileSync(`${kept}.${process.pid}`, wasm);
    renameSync(`${kept}.${process.pid}`, kept);
  }
  return wasm;
}

type Exports = Record<string, (...words: number[]) => number>;

let nextRegion = 1;
let nextBlock = WORKERS + WORKER_NODES;
let nextConfiguration = CONFIGURATIONS;

/** Interfaces that a configuration may name. */
export const interfaces: Record<string, number> = { "host-a": 1, "host-b": 2, "host-c": 3 };

/**
 * Loads an example by name, or a module that is there already: its nodes by name, with empty state. The first one is the module's main
 * node; all of them read its configuration, which is {} if none is given.
 */
export function loadExample(source: string | Uint8Array<ArrayBuffer>, config: Record<string, unknown> = {}): Record<string, ExampleNode> {
  const region = nextRegion++;
  const named = typeof source === "string";
  const { module, nodes } = verify(named ? compileExample(source, region) : source, named ? source : "module");
  const log = (at: number, length: number): void => void logged.push(new TextDecoder().decode(bytes.slice(at, at + length)));
  const base = new WebAssembly.Global({ value: "i32", mutable: false }, MODULES + region * MODULE_SIZE);
  const { exports } = new WebAssembly.Instance(module, { env: { memory, __memory_base: base }, weft: { now: () => clock.now, log } });
  const family: ExampleNode[] = [];
  for (const declared of nodes) family.push(new ExampleNode(declared, exports as Exports, family));
  if (nodes[0]!.config) family[0]!.configure(config);
  return Object.fromEntries(family.map((node) => [node.declared.name, node]));
}

export interface Outcome {
  next: string | number;
  /** where a copy of the packet goes as well */
  copy: string | number | null;
  /** the packet afterwards, from its current layer on */
  hex: string;
}

export class ExampleNode {
  /** address of its runtime block, and of its state */
  readonly block = nextBlock;
  readonly state = this.block + NODE_STATE;
  /** the configuration as it was written: nobody may change it */
  private configuration: Uint8Array = new Uint8Array();

  constructor(readonly declared: NodeDeclaration, private readonly exports: Exports, private readonly family: ExampleNode[]) {
    nextBlock = Math.ceil((this.end + GUARD_SIZE) / 64) * 64;
    if (nextBlock > bufferAt(0)) throw new Error(`${declared.name}: its state does not fit`);
    this.clear();
  }

  private get end(): number { return this.state + (this.declared.state); }

  /** Zeroes counters, gauges and state; the configuration stays. */
  clear(): void {
    bytes.fill(0, this.block + NODE_COUNTERS, this.end);
    bytes.fill(GUARD, this.end, this.end + GUARD_SIZE);
  }

  /** Gives all nodes of the module a configuration, and shows it to the main one; what its `configure` says: 0 is fine. */
  configure(config: Record<string, unknown>): number {
    const main = this.family[0]!;
    const interfaceIndex = (name: string): number => {
      if (interfaces[name] === undefined) throw new Error(`no interface ${name}`);
      return interfaces[name];
    };
    const { size, write } = encodeConfig(main.declared.config!, config, { interfaceIndex });
    const at = nextConfiguration + size > CONFIGURATIONS + CONFIGURATIONS_SIZE ? CONFIGURATIONS : nextConfiguration; // round and round
    nextConfiguration = at + Math.ceil(size / 8) * 8;
    const data = write(at);
    bytes.set(data, at);
    for (const node of this.family) node.pointTo(at, data);
    return main.declared.configure === null ? 0 : main.exports[main.declared.configure]!(main.block);
  }

  private pointTo(at: number, configuration: Uint8Array): void {
    view.setUint32(this.block + NODE_CONFIG, at, true);
    view.setUint32(this.block + NODE_CONFIG_SIZE, configuration.length, true);
    this.configuration = configuration;
  }

  /** Sends packets through the node, up to VECTOR at a time; a chained one alone. */
  send(...packets: Packet[]): Outcome[] {
    return Array.from({ length: Math.ceil(packets.length / VECTOR) }, (_, k) => packets.slice(k * VECTOR, (k + 1) * VECTOR)).flatMap((some) => {
      some.forEach((packet, i) => putPacket(i, packet));
      return this.runFrame(some.length);
    });
  }

  /** Sends one packet through the node. */
  pass(packet: Packet): Outcome { return this.send(packet)[0]!; }

  /** Runs the node over buffers 0 … n-1 as they are. */
  runFrame(n: number): Outcome[] {
    const before = Array.from({ length: n }, (_, i) => links(bufferAt(i)));
    bytes.fill(GUARD, FRAME, FRAME + FRAME_SIZE);
    for (let i = 0; i < n; i++) view.setUint32(FRAME + FRAME_BUFFERS + i * 4, bufferAt(i) >>> BUFFER_SHIFT, true);
    this.exports[this.declared.process]!(this.block, FRAME, n);
    this.checkFrame(n);
    return before.map((linked, i) => {
      if (links(bufferAt(i)) !== linked) throw new Error(`${this.declared.name} changed how buffer ${i} is linked`);
      checkHeader(this.declared.name, i);
      const slots = view.getUint16(FRAME + FRAME_NEXT + i * 2, true);
      const copy = slots >>> COPY_SHIFT;
      return { next: this.nextName(slots & 0xff), copy: copy === 0 ? null : this.nextName(copy), hex: packetHex(i) };
    });
  }

  private nextName(slot: number): string | number { return this.declared.next[slot] ?? slot; }

  /** What only the frame's owner may write is as it was, and nothing was written beside the node's own. */
  private checkFrame(n: number): void {
    const { name } = this.declared;
    const guarded = (from: number, to: number): boolean => bytes.subarray(from, to).every((byte) => byte === GUARD);
    for (let i = 0; i < n; i++) {
      const buffer = view.getUint32(FRAME + FRAME_BUFFERS + i * 4, true) << BUFFER_SHIFT;
      if (buffer !== bufferAt(i)) throw new Error(`${name} changed its frame's buffers`);
      if (view.getUint16(FRAME + FRAME_NEXT + i * 2, true) === GUARD * 0x101) throw new Error(`${name} chose no next slot for packet ${i}`);
    }
    if (!guarded(FRAME + FRAME_NEXT + n * 2, FRAME + FRAME_SIZE)) throw new Error(`${name} wrote beyond its ${n} next slots`);
    if (!guarded(this.end, this.end + GUARD_SIZE)) throw new Error(`${name} wrote beyond its state`);
    const at = view.getUint32(this.block + NODE_CONFIG, true);
    if (this.configuration.some((byte, k) => bytes[at + k] !== byte)) throw new Error(`${name} wrote to its configuration`);
  }

  /** Counters that are not zero, by reason. */
  counters(): Record<string, number> {
    const all = this.declared.counters.map((reason, i): [string, number] => [reason, this.counter(i)]);
    return Object.fromEntries(all.filter(([, count]) => count !== 0));
  }

  /** Gauges, zero ones too. */
  gauges(): Record<string, number> {
    const { gauges, counters } = this.declared;
    return Object.fromEntries(gauges.map((name, i): [string, number] => [name, this.counter(counters.length + i)]));
  }

  /** The rows of a table that the node keeps, by column. */
  rows(name: string): Record<string, number | string>[] {
    const table = this.declared.tables.find((one) => one.name === name);
    if (!table) throw new Error(`${this.declared.name} declares no table ${name}`);
    const rows = decodeTable(table, [new DataView(memory.buffer, this.state, this.declared.state)]);
    return rows.map((row) => Object.fromEntries(table.columns.map((column, i) => [column.name, row[i]!])));
  }

  private counter(i: number): number { return Number(view.getBigUint64(this.block + NODE_COUNTERS + i * 8, true)); }
}

/** The chain's links and states, which belong to the graph. */
function links(buffer: number): string {
  const next = view.getUint32(buffer + B_NEXT, true);
  const here = `${view.getUint16(buffer + B_STATE, true)} ${next}`;
  return next === 0 ? here : `${here} ${links(next << BUFFER_SHIFT)}`;
}

/** A packet must lie within its buffers, and be as long as they say. */
function checkHeader(name: string, i: number): void {
  const [data, here] = [view.getUint16(bufferAt(i) + B_DATA, true), view.getUint16(bufferAt(i) + B_LENGTH, true)];
  const total = view.getUint32(bufferAt(i) + B_TOTAL, true);
  const chained = view.getUint32(bufferAt(i) + B_NEXT, true) !== 0;
  const wrong = data < BUFFER_ALIGN || data + here > BUFFER_SIZE || here > total || (!chained && here !== total);
  if (wrong) throw new Error(`${name} left buffer ${i} with ${here} bytes of ${total} at ${data}`);
}
