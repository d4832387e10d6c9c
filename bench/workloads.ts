// What is measured: tables and packets of each workload, and what must have become of the packets.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RouteBatch } from "../host/control/api.js";
import type { Router } from "../host/control/router.js";
import { compileText } from "../host/kit/compile.js";
import { arp, ethernet, icmp, ip4, udp } from "../test/graph/packets.js";
import { addressesIn, internet } from "./internet.js";
import { random } from "./random.js";
import { LEFT, RIGHT, type Rig } from "./rig.js";
import type { Frames } from "./source.js";

export interface Workload {
  name: string;
  title: string;
  /** Many routes that the router is to have. */
  routes?(rig: Rig): RouteBatch;
  /** Fills the router's tables further; gives the packets. */
  prepare(rig: Rig, routes?: RouteBatch): Frames | Promise<Frames>;
}

/** Packets in a vector: the sizes in which every workload is measured. */
export const VECTORS = [1, 4, 16, 64, 256];
/** Different packets in a workload with random destinations. */
const MANY = 65536;

export const WORKLOADS: Workload[] = [
  {
    name: "forward",
    title: "60-byte UDP, one /8 route, destinations counting up",
    prepare: (rig) => {
      rig.router.addRoute("10.0.0.0/8", { via: RIGHT.host });
      return towards(rig, Array.from({ length: 1024 }, (_, i) => 0x0a000000 + i));
    },
  },
  {
    name: "fib-500k",
    title: "524,288 routes of /24, destinations random among them",
    routes: () => ({
      networks: Uint32Array.from({ length: 524_288 }, (_, i) => 0x0a000000 + i * 256), lengths: new Uint8Array(524_288).fill(24),
      targets: [{ via: RIGHT.host }],
    }),
    prepare: (rig) => {
      const next = random(123456789);
      return towards(rig, Array.from({ length: MANY }, () => 0x0a000000 + (next() % (524_288 * 256))));
    },
  },
  {
    name: "fib-bgp",
    title: "1,000,000 prefixes as the Internet has them, by 64 neighbours, destinations random among them",
    routes: (rig) => {
      const neighbours = Array.from({ length: 64 }, (_, i) => text(0xc6336402 + i));
      for (const [i, address] of neighbours.entries()) rig.router.setNeighbor(RIGHT.name, address, `02:00:00:00:01:${(i + 16).toString(16)}`);
      const choices = Uint16Array.from({ length: 1_000_000 }, (_, i) => i % neighbours.length);
      return { ...internet(1_000_000), targets: neighbours.map((via) => ({ via })), choices };
    },
    prepare: (rig, routes) => towards(rig, addressesIn(routes!, MANY)),
  },
  {
    name: "echo",
    title: "98-byte ICMP echo requests to the router itself",
    prepare: (rig) => {
      const data = Array.from({ length: 56 }, (_, i) => i);
      const request = ip4({ from: LEFT.host, to: LEFT.address, protocol: 1, payload: icmp(8, 0, [0, 1, 0, 1], data) });
      return same(ethernet(rig.mac, LEFT.mac, 0x0800, request));
    },
  },
  {
    name: "arp",
    title: "ARP requests for the router's address",
    prepare: () => {
      const question = arp(1, { mac: LEFT.mac, ip: LEFT.host }, { mac: "00:00:00:00:00:00", ip: LEFT.address });
      return same(ethernet("ff:ff:ff:ff:ff:ff", LEFT.mac, 0x0806, [...question, ...Array<number>(18).fill(0)]));
    },
  },
  {
    name: "imix",
    title: "7 of 60, 4 of 590 and 1 of 1514 bytes, one route",
    prepare: (rig) => {
      rig.router.addRoute("10.0.0.0/8", { via: RIGHT.host });
      const mix = [60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 60, 590];
      return towards(rig, Array.from({ length: 1020 }, (_, i) => 0x0a000000 + i), mix);
    },
  },
  {
    name: "custom",
    title: "as forward, through a custom node that reads each packet's TTL and passes it on",
    prepare: async (rig) => {
      rig.router.addRoute("10.0.0.0/8", { via: RIGHT.host });
      await insertCustomNode(rig.router);
      return towards(rig, Array.from({ length: 1024 }, (_, i) => 0x0a000000 + i));
    },
  },
];

const CUSTOM = `import { NEXT_DROP, count, declareNode, packetAt } from "weft/sdk";
import { timeToLive } from "weft/wire/ipv4";
function look(node: usize, buffer: usize): u32 {
  if (timeToLive(packetAt(buffer)) != 0) return 1;
  count(node, 0);
  return NEXT_DROP;
}
declareNode({ name: "look", packet: "look", next: ["error-drop", "continue"], counters: ["TTL 0"] });
`;

async function insertCustomNode(router: Router): Promise<void> {
  const { wasm, diagnostics } = await compileText("look.ts", CUSTOM, 1);
  if (!wasm) throw new Error(diagnostics);
  const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
  try {
    writeFileSync(join(folder, "look.wasm"), wasm);
    await router.loadNode(join(folder, "look.wasm"), "look");
    await router.insertNode("look", { after: "ip4-input" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** UDP to these destinations (host order), in frames of these lengths by turns. */
function towards(rig: Rig, destinations: number[], lengths = [60]): Frames {
  const kinds = lengths.map((length) => {
    const payload = udp(1, 2, Array<number>(length - 42).fill(0));
    return ethernet(rig.mac, LEFT.mac, 0x0800, ip4({ from: LEFT.host, to: "0.0.0.0", protocol: 17, payload }));
  });
  const views = kinds.map((bytes) => ({ bytes, view: new DataView(bytes.buffer), sum: ~new DataView(bytes.buffer).getUint16(24) & 0xffff }));
  return {
    count: destinations.length,
    frame: (i) => {
      const { bytes, view, sum } = views[i % views.length]!;
      const to = destinations[i]!;
      view.setUint32(30, to);
      let with4 = sum + (to >>> 16) + (to & 0xffff); // RFC 1071: the address was 0 in the sum
      with4 = (with4 & 0xffff) + (with4 >>> 16);
      view.setUint16(24, ~((with4 & 0xffff) + (with4 >>> 16)));
      return bytes;
    },
  };
}

function same(bytes: Uint8Array): Frames {
  return { count: 1, frame: () => bytes };
}

function text(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
