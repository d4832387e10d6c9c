// Drives assembly/graph by itself, without the host that runs it: the tests play the nodes.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import {
  ARC_FREE, ARC_NONE, BUFFER_SHIFT, FRAME_NEXT, GRAPH_DROPPED, GRAPH_FRAME, GRAPH_PACKETS, GRAPH_PENDING, NEXT_COUNT, WORKER_NODES,
} from "../../assembly/abi.js";
import { createMemory, workerAt } from "../../host/memory/memory.js";
import { Tables } from "../../host/memory/tables.js";

export const BUFFERS = 1024;
/** How scatter takes a frame, as assembly/graph names it. */
export const WASM = 0;
export const HOST = 1;
export const PORT = 2;
const owned = createMemory(BUFFERS, 1, () => {});
export const tables = new Tables(owned.tables);
export const { u8, u16, u32, u64, layout } = owned.packets;
const path = new URL("../../../build/graph.wasm", import.meta.url).pathname;
const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(readFileSync(path))), { env: { memory: owned.packets.memory } });
type Export = "submit" | "enqueue" | "take" | "scatter" | "dropFrame" | "allocate" | "release" | "unhold";
export const graph = instance.exports as Record<Export, (...words: number[]) => number>;
export const G = workerAt(0);

export const runtime = (node: number): number => G + WORKER_NODES + node * 1024;
/** Counts what the port does. */
export const INPUT = runtime(15);
export const counted = (node: number, offset: number): number => Number(u64[(runtime(node) + offset) >> 3]);
export const total = (offset: number): number => Number(u64[(G + offset) >> 3]);
export const free = (): number => owned.packets.free(0);
export function pending(node: number): { frame: number; n: number } {
  const at = (G + GRAPH_PENDING + node * 8) >> 2;
  return { frame: u32[at]!, n: u32[at + 1]! };
}
/** The frame to run now. */
export const running = (): { frame: number; n: number } => ({ frame: u32[(G + GRAPH_FRAME) >> 2]!, n: u32[(G + GRAPH_PACKETS) >> 2]! });
export const buffersIn = ({ frame, n }: { frame: number; n: number }): number[] => [...u32.subarray(frame >> 2, (frame >> 2) + n)];
export const addressOf = (index: number): number => (index << BUFFER_SHIFT) >>> 0;
export const allocate = (n: number): number[] => Array.from({ length: n }, () => graph.allocate(G));

export function setSlots(slots: number[]): void {
  slots.forEach((slot, i) => (u16[((running().frame + FRAME_NEXT) >> 1) + i] = slot));
}

/** Has node 0 run with these buffers and leave these slots; gives the next node. */
export function leave(buffers: number[], slots: number[], mode = WASM): number {
  u32.set(buffers, pending(0).frame >> 2);
  assert.is(graph.submit(G, 0, buffers.length, INPUT), 0);
  setSlots(slots);
  return graph.scatter(G, 0, runtime(0), running().frame, buffers.length, mode);
}

/** Frees what the node that runs now has. */
export function finish(node: number): number {
  setSlots(Array<number>(running().n).fill(3));
  return graph.scatter(G, node, runtime(node), running().frame, running().n, WASM);
}

/** Clears counters; node 0 … 5 have next slots 0 … 3: nodes 1, 2, 5 and the free list. */
export function reset(): void {
  u8.fill(0, runtime(0), runtime(16));
  u64.fill(0n, (G + GRAPH_DROPPED) >> 3, (G + GRAPH_FRAME) >> 3);
  for (let node = 0; node < 6; node++) {
    for (let slot = 0; slot < NEXT_COUNT; slot++) tables.wire(node, slot, ARC_NONE);
    [1, 2, 5, ARC_FREE].forEach((target, slot) => tables.wire(node, slot, target));
  }
}
