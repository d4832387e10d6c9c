// One trial of the rdma rings, in a process of its own: a port's bursts through the shim on a modelled ConnectX that works only between them.
//
//   node dist/bench/rings-process.js OPTIONS [far]     OPTIONS: a port's, as JSON; prints a Trial as JSON
//
// Only the two calls that the graph makes are timed, by its own clock. Between them the NIC writes its packets and completions, on this thread,
// so they are in this processor's nearest caches; "far": completions are in memory alone. A real one leaves them in between, in L3.

import { openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_COUNT, FRAME_SIZE, VECTOR, WORKER_FRAMES } from "../assembly/abi.js";
import { addon } from "../host/addon.js";
import { enterEmulator } from "../host/lab/emulator.js";
import { createMemory, workerAt } from "../host/memory/memory.js";
import { NativePort } from "../host/ports/native-port.js";
import { openRdma } from "../host/ports/rdma.js";
import { type RdmaOptions, rdmaSettings } from "../host/ports/rdma-options.js";
import { quantile } from "./statistics.js";
import type { Trial } from "./trial.js";
import { VECTORS } from "./workloads.js";

const WARM_UP_MS = 200;
const MS = 300;
const MAC = [2, 0, 0, 0, 0, 1];
const FRAME_BYTES = 60;

class Rings {
  private readonly port: NativePort;
  private readonly frame = workerAt(0) + WORKER_FRAMES + NODE_COUNT * FRAME_SIZE;
  private readonly nic = openSync(join(process.env["TMPDIR"] ?? tmpdir(), `weft-emulator-${process.pid}`, "step"), "w");

  constructor(options: RdmaOptions, private readonly distance: string) {
    const { packets: { u8, layout } } = createMemory(16384, 1, () => {});
    addon.attachWorker(u8, workerAt(0), layout.pool, layout.poolEnd);
    const { handle } = openRdma(rdmaSettings({ device: "mlx5_0", ...options }), { memory: u8, ...layout }, () => {});
    addon.rdmaSetFlows(handle, Uint8Array.from(MAC), false);
    this.port = new NativePort({ index: 1, kind: "rdma", handle });
    this.port.receive(this.frame, VECTOR); // posts buffers
  }

  /** A vector comes in and leaves; gives the clocks of both. What was sent before is freed by what sends the next. */
  pass(size: number): [rx: number, tx: number] {
    writeSync(this.nic, `0 receive ${size}${this.distance}`);
    addon.lap();
    const received = this.port.receive(this.frame, size);
    const rx = addon.lap();
    if (received !== size) throw new Error(`${received} packets came of ${size}`);
    writeSync(this.nic, `0 send${this.distance}`);
    addon.lap();
    this.port.transmit(this.frame, size);
    return [rx, addon.lap()];
  }
}

/** Medians over samples of VECTOR packets each. */
function measure(rings: Rings, size: number): [rx: number, tx: number] {
  const samples: [number[], number[]] = [[], []];
  const start = performance.now();
  while (performance.now() < start + WARM_UP_MS + MS) {
    const sums: [number, number] = [0, 0];
    for (let n = 0; n < VECTOR; n += size) rings.pass(size).forEach((clocks, i) => (sums[i]! += clocks));
    if (performance.now() > start + WARM_UP_MS) samples.forEach((all, i) => all.push(sums[i]! / VECTOR));
  }
  return [quantile(samples[0], 0.5), quantile(samples[1], 0.5)];
}

const [options, distance] = process.argv.slice(2);
const status = await enterEmulator(`wire=generator:0:${FRAME_BYTES},stepped=1,mac=02:00:00:00:00:01`);
if (status !== null) process.exit(status);
const rings = new Rings(JSON.parse(options!) as RdmaOptions, distance === undefined ? "" : " far");
const all = VECTORS.map((size) => measure(rings, size));
const nodes = ["rx", "tx"].map((name, i) => ({ name, clocks: all.map((both) => both[i]!) }));
console.log(JSON.stringify({ nodes } satisfies Trial));
process.exit(0);
