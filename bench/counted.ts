// The forward path's nodes by themselves, some of them, a number of times: bench/code.ts counts the instructions.
//
//   node dist/bench/counted.js FOLDER RX NODES TURNS     FOLDER as native/peer.h says, RX the interface by which the packets come

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BUFFER_SHIFT, BUFFER_SIZE, CONTROL, CONTROL_POOL, FRAME_NEXT, MODULES, NODE_STATE, PAGE, TABLES, VECTOR, WORKER_FRAMES, WORKER_NODES, WORKERS,
} from "../assembly/abi.js";
import { PacketMemory } from "../host/memory/memory.js";
import type { Process } from "../host/graph/graph.js";
import { Source } from "./source.js";

const FORWARD = ["ethernetInput", "ip4Input", "ip4Lookup", "ip4Rewrite", "interfaceOutput"];

const [folder, rx, count, turns] = process.argv.slice(2) as [string, string, string, string];
const tables = readFileSync(join(folder, "tables"));
const packets = readFileSync(join(folder, "packets"));
const pool = tables.readUInt32LE(CONTROL + CONTROL_POOL - TABLES);
const poolEnd = pool + VECTOR * BUFFER_SIZE;
const pages = Math.ceil(poolEnd / PAGE);
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const all = new PacketMemory(memory, { pool, poolEnd, buffers: VECTOR, workers: 1 });
all.u8.set(tables.subarray(0, MODULES - TABLES), TABLES);
const module = new WebAssembly.Module(readFileSync(fileURLToPath(new URL("../../build/nodes.wasm", import.meta.url))));
const functions = new WebAssembly.Instance(module, { env: { memory }, weft: { now: () => 0, log: () => 0 } }).exports as Record<string, Process>;

const source = new Source(Number(rx), all);
const length = packets.readUInt32LE(0);
const frame = WORKERS + WORKER_FRAMES;
const bytes = (i: number): Uint8Array => packets.subarray(4 + i * (4 + length), (i + 1) * (4 + length));
source.play({ count: VECTOR, frame: bytes }, VECTOR, Array.from({ length: VECTOR }, (_, i) => (pool + i * BUFFER_SIZE) >> BUFFER_SHIFT));
source.receive(frame);
const fresh = all.u8.slice(pool, poolEnd);
for (let turn = 0; turn < Number(turns); turn++) {
  all.u8.set(fresh, pool);
  FORWARD.slice(0, Number(count)).forEach((name, i) => functions[name]!(WORKERS + WORKER_NODES + i * NODE_STATE, frame, VECTOR));
}
const slots = all.u16.subarray((frame + FRAME_NEXT) >> 1, ((frame + FRAME_NEXT) >> 1) + VECTOR);
if (Number(count) > 0 && slots.some((slot) => slot !== slots[0] || slot === 0)) throw new Error("a packet that is not forwarded");
