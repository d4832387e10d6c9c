// weft as one of the peers that bench/peers.ts has take turns: it writes down what the others need to do the same work, then serves its
// standard input as they do (native/peer.h).
//
//   node dist/bench/peer.js WORKLOAD FOLDER nodes|fused

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { B_DATA, B_LENGTH, BUFFER_SHIFT, MODULES, TABLES, VECTOR } from "../assembly/abi.js";
import { NodeClocks } from "./node-clocks.js";
import { LEFT, RIGHT, makeRig, type Rig } from "./rig.js";
import type { Frames } from "./source.js";
import { WORKLOADS } from "./workloads.js";

/** What a peer says first. */
export interface Greeting {
  /** of all frames that it sent */
  sent: number;
  /** of weft alone: the interface by which the packets come */
  rx?: number;
}

/** What a peer answers: clocks a packet by node, medians of some samples. */
export type Clocks = Record<string, number>;

/** Takes all packets through once, writes the files of native/peer.h; gives the hash of what was sent. */
function introduce({ engine, play, router }: Rig, frames: Frames, folder: string): number {
  const { u8, u16, u32, memory } = engine.graph.packets;
  const right = engine.ports.find(({ index }) => index === router.interfaces().find(({ name }) => name === RIGHT.name)!.index)!;
  const { transmit } = right;
  let hash = 2166136261; // FNV-1a
  const first: number[] = [];
  right.transmit = (frame, n) => {
    for (let i = 0; i < n; i++) {
      const buffer = (u32[(frame >> 2) + i]! << BUFFER_SHIFT) >>> 0;
      const data = buffer + u16[(buffer + B_DATA) >> 1]!;
      for (const byte of u8.subarray(data, data + u16[(buffer + B_LENGTH) >> 1]!)) hash = Math.imul(hash ^ byte, 16777619);
      if (first.length === 0) first.push(...u8.subarray(data, data + 14));
    }
  };
  const parts: Buffer[] = [];
  for (let i = 0; i < frames.count; i++) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(frames.frame(i).length);
    parts.push(length, Buffer.from(frames.frame(i)));
  }
  play(frames, VECTOR, false);
  for (let sent = 0; sent < frames.count; sent += VECTOR) engine.turn();
  right.transmit = transmit;
  writeFileSync(join(folder, "packets"), Buffer.concat(parts));
  writeFileSync(join(folder, "tables"), new Uint8Array(memory.buffer, TABLES, MODULES - TABLES));
  writeFileSync(join(folder, "rewrite"), Uint8Array.from(first));
  const routes = router.routes().filter(({ kind }) => kind === "gateway");
  writeFileSync(join(folder, "routes"), routes.map(({ prefix }) => `${prefix}\n`).join(""));
  return hash >>> 0;
}

/** Clocks a packet of each node. Throws when not every packet left. */
function measure(rig: Rig, size: number, samples: number): Clocks {
  const { engine, transmitted } = rig;
  const clocks = new NodeClocks(rig);
  const sent = transmitted();
  for (let sample = 0; sample < samples; sample++) {
    clocks.sample(() => {
      for (let turn = 0; turn < VECTOR / size; turn++) engine.turn();
    });
  }
  if (transmitted() - sent !== samples * VECTOR) throw new Error(`${transmitted() - sent} packets left, ${samples * VECTOR} were to`);
  return Object.fromEntries(clocks.medians());
}

const [workload, folder, how] = process.argv.slice(2);
const rig = await makeRig(how === "fused");
// A router takes MAC addresses that no other has: with these, all send the same.
for (const [i, { name }] of [LEFT, RIGHT].entries()) rig.router.setInterfaceMac(name, `02:00:00:00:01:0${i}`);
rig.mac = rig.router.interfaces().find(({ name }) => name === LEFT.name)!.mac;
rig.engine.graph.sleeping(true); // as in bench/trial.ts
const { prepare, routes: routesOf } = WORKLOADS.find(({ name }) => name === workload)!;
const routes = routesOf?.(rig);
if (routes) rig.router.addRoutes(routes);
const frames = await prepare(rig, routes);
rig.engine.graph.sleeping(false);
const rx = rig.router.interfaces().find(({ name }) => name === LEFT.name)!.index;
console.log(JSON.stringify({ sent: introduce(rig, frames, folder!), rx } satisfies Greeting));
for await (const line of createInterface({ input: process.stdin })) {
  const [size, samples] = line.split(" ").map(Number) as [number, number];
  rig.play(frames, size, false);
  console.log(JSON.stringify(measure(rig, size, samples)));
}
await rig.router.stop();
process.exit(0);
