// One of the built-in nodes at a time: packets go in and come out as hex text, next slots and counters by the names the node declared.

import {
  BUFFER_SHIFT, FRAME_BUFFERS, FRAME_NEXT, FRAME_SIZE, NODE_COUNTERS, NODE_STATE, VECTOR, WORKERS, WORKER_FRAMES, WORKER_NODES,
} from "../../assembly/abi.js";
import { type NodeDeclaration, loadModule } from "../../host/graph/module.js";
import { type Packet, bufferAt, bytes, memory, packetHex, putPacket, resetTables, view } from "./memory.js";

export {
  type Adjacency, type Packet, bufferAt, fromHex, headerHex, memory, packetHex, putPacket, raw, setAdjacency, setInterface, setControl, setOwn, setRoute, toHex, u16, u32, view,
} from "./memory.js";

const NODE = WORKERS + WORKER_NODES;
/** more than any of them needs, state included */
const NODE_SIZE = 8192;
const FRAME = WORKERS + WORKER_FRAMES;

const { module, nodes } = loadModule(new URL("../../../build/nodes.wasm", import.meta.url).pathname);
/** The mark of assembly/sdk/vector.ts. */
const ODD = 0xfffd;
const UNTOUCHED = new Uint8Array(2 * NODE_SIZE);
/** What weft.now() gives, ns. */
export const clock = { now: 0 };
const exported = new WebAssembly.Instance(module, { env: { memory }, weft: { now: () => clock.now } }).exports as Record<string, (node: number, frame: number, n: number) => void>;

/** Clears tables, counters, state and buffers; every address has no route. */
export function reset(): void {
  bytes.fill(0, NODE, NODE + NODE_SIZE);
  resetTables();
}

/** The node's state. */
export const state = NODE + NODE_STATE;

export function declaration(name: string): NodeDeclaration {
  const node = nodes.find((n) => n.name === name);
  if (!node) throw new Error(`build/nodes.wasm declares no node ${name}`);
  return node;
}

/** Runs a node over buffers 0 … n-1; gives the next slot of each, by name (a number where the node declared none). */
export function runFrame(name: string, n: number): (string | number)[] {
  const node = declaration(name);
  bytes.fill(0xee, FRAME, FRAME + FRAME_SIZE);
  if (n < VECTOR) view.setUint16(FRAME + FRAME_NEXT + n * 2, ODD, true); // as an earlier vector may have left it: not to be looked at
  for (let i = 0; i < n; i++) view.setUint32(FRAME + FRAME_BUFFERS + i * 4, bufferAt(i) >>> BUFFER_SHIFT, true);
  exported[node.process]!(NODE, FRAME, n);
  if (n < VECTOR && view.getUint16(FRAME + FRAME_NEXT + n * 2, true) !== ODD) throw new Error(`${name} wrote beyond its ${n} next slots`);
  checkBlock(node);
  return Array.from({ length: n }, (_, i) => {
    const slot = view.getUint16(FRAME + FRAME_NEXT + i * 2, true);
    return node.next[slot] ?? slot;
  });
}

/** Of its block in memory a node writes its counters and its state, and nothing before, between or behind them. */
function checkBlock({ name, counters, state = 0 }: NodeDeclaration): void {
  for (const [from, to] of [[-NODE_SIZE, NODE_COUNTERS], [NODE_COUNTERS + 8 * counters.length, NODE_STATE], [NODE_STATE + state, NODE_SIZE]] as const) {
    if (Buffer.compare(bytes.subarray(NODE + from, NODE + to), UNTOUCHED.subarray(0, to - from)) !== 0) throw new Error(`${name} wrote to bytes ${from} to ${to} of its block`);
  }
}

/** Counters that are not zero, by reason. */
export function counters(name: string): Record<string, number> {
  const value = (i: number) => Number(view.getBigUint64(NODE + NODE_COUNTERS + i * 8, true));
  const all = declaration(name).counters.map((reason, i): [string, number] => [reason, value(i)]);
  return Object.fromEntries(all.filter(([, count]) => count !== 0));
}

export interface Outcome {
  next: string | number;
  /** the packet afterwards, from its current layer on */
  hex: string;
  /** what was counted for it */
  counted: Record<string, number>;
}

/**
 * Runs a node with one packet, then with a whole vector of copies of it (a chained packet, and one that changes the node's state,
 * alone), and gives the outcome, which must be the same for every copy.
 */
export function run(name: string, packet: Packet, sizes: number[] = packet.pieces ? [1] : [1, VECTOR]): Outcome {
  let single: Outcome | undefined;
  for (const n of sizes) {
    bytes.fill(0, NODE, NODE + NODE_SIZE);
    for (let i = 0; i < n; i++) putPacket(i, packet);
    const next = runFrame(name, n);
    const counted = Object.fromEntries(Object.entries(counters(name)).map(([reason, count]) => [reason, count / n]));
    single ??= { next: next[0]!, hex: packetHex(0), counted };
    for (let i = 0; i < n; i++) {
      const got = JSON.stringify({ next: next[i], hex: packetHex(i), counted });
      if (got !== JSON.stringify(single)) throw new Error(`${name}: packet ${i} of ${n}: ${got}; alone: ${JSON.stringify(single)}`);
    }
  }
  return single!;
}

/** Runs a node that must drop the packet and count exactly this reason. */
export function expectDrop(name: string, packet: Packet, reason: string): void {
  const outcome = run(name, packet);
  const got = `${outcome.next} ${JSON.stringify(outcome.counted)}`;
  const wanted = `error-drop ${JSON.stringify({ [reason]: 1 })}`;
  if (got !== wanted) throw new Error(`${name}: wanted ${wanted}, got ${got} for ${packet.hex}`);
}

reset();
