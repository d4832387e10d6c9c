// A million frames, half of them broken in some way, through a router whose ordinary packets go several nodes at once, and through one in which
// each node does its own work: what leaves is the same to the byte, buffer headers included, and so is whatever is counted. Between the bursts
// people change routes, interfaces and the graph's wiring.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_FLAG_L3_GOOD, B_FLAG_L4_GOOD } from "../../assembly/abi.js";
import type { Router } from "../../host/control/router.js";
import { random } from "../../bench/random.js";
import { counting, moduleOf } from "./custom-modules.js";
import { NEIGHBOURS, assertCountedSame, assertSame, startHalves, toBoth } from "./fused-bed.js";
import { LEFT_MAC, RIGHT_MAC } from "./inline.js";
import { arp, checksum, ethernet, icmp, ip4, numbers, udp } from "./packets.js";

const FRAMES = 1_000_000;
const SEED = 20_261_122;
const next = random(SEED);
const below = (n: number): number => next() % n;
const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;

const PEER = { mac: "02:00:00:00:00:02", ip: NEIGHBOURS.left };
const OWN = "192.0.2.1";
const framed = (packet: number[]): Uint8Array => ethernet(LEFT_MAC, PEER.mac, 0x0800, packet);
const packet = (fields: Partial<Parameters<typeof ip4>[0]> & { payload: number[] }): Uint8Array =>
  framed(ip4({ from: PEER.ip, to: "203.0.113.9", protocol: 17, ...fields }));
const padded = (frame: Uint8Array): Uint8Array => Uint8Array.from([...frame, ...numbers(60 - frame.length)]);
const echo = (length: number): number[] => icmp(8, 0, [0, 7, 0, 1], numbers(length));
const tagged = (frame: Uint8Array, tag: number): Uint8Array => Uint8Array.from([...frame.subarray(0, 12), 0x81, 0, tag >> 8, tag & 255, ...frame.subarray(12)]);
const datagram = udp(1000, 2000, numbers(18));
const segment = (options: number[], length: number): number[] => [1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0x50 + 4 * options.length, 16, 1, 0, 0, 0, 0, 0, ...options, ...numbers(length)];
const ECHO = packet({ to: OWN, protocol: 1, payload: echo(56) });
const FORWARD = packet({ payload: datagram });

const ORDINARY: Uint8Array[] = [
  ECHO, FORWARD, packet({ to: "100.64.3.4", payload: datagram }), packet({ to: "203.0.115.77", payload: datagram }),
  packet({ to: OWN, protocol: 1, payload: echo(0), fragment: 0x4000 }), packet({ to: "198.51.100.1", protocol: 1, payload: echo(1401), ttl: 1 }),
  packet({ from: "192.0.2.9", to: "100.64.3.4", payload: udp(1, 2, numbers(1472)) }), padded(packet({ to: "100.65.0.1", payload: [] })),
  padded(packet({ to: NEIGHBOURS.third, protocol: 6, payload: numbers(20), fragment: 0x4000 })),
  padded(packet({ to: OWN, protocol: 1, payload: echo(3) })), packet({ payload: datagram, ttl: 2 }),
  packet({ protocol: 6, payload: segment([], 0) }),
];
const SUPER: Uint8Array[] = [
  packet({ protocol: 6, payload: segment([], 4000) }), packet({ to: "100.64.3.4", protocol: 6, fragment: 0x4000, payload: segment([1, 1, 1, 0], 1300) }),
];
const OTHERS: Uint8Array[] = [
  packet({ protocol: 6, payload: segment([], 4000) }), // must not be overtaken by the one without payload
  ethernet("ff:ff:ff:ff:ff:ff", PEER.mac, 0x0806, arp(1, PEER, { mac: "00:00:00:00:00:00", ip: OWN })),
  ethernet(LEFT_MAC, PEER.mac, 0x0806, arp(2, PEER, { mac: LEFT_MAC, ip: OWN })),
  ethernet("ff:ff:ff:ff:ff:ff", PEER.mac, 0x0800, ip4({ from: PEER.ip, to: "203.0.113.9", protocol: 17, payload: datagram })),
  ethernet(RIGHT_MAC, PEER.mac, 0x0800, ip4({ from: PEER.ip, to: "203.0.113.9", protocol: 17, payload: datagram })),
  packet({ to: OWN, protocol: 1, payload: echo(3001) }), packet({ payload: udp(1, 2, numbers(2400)) }), packet({ to: "100.64.9.9", payload: numbers(2030) }),
  packet({ to: OWN, protocol: 1, payload: icmp(0, 0, [0, 7, 0, 1], numbers(56)) }), packet({ to: OWN, protocol: 1, payload: icmp(13, 0, [0, 7, 0, 1], numbers(12)) }),
  packet({ to: OWN, payload: datagram }), packet({ to: OWN, protocol: 6, payload: numbers(20) }), packet({ to: OWN, protocol: 1, payload: echo(20), fragment: 0x2000 }),
  packet({ payload: datagram, ttl: 1 }), packet({ payload: datagram, options: [7, 7, 4, 0, 0, 0, 0, 0] }),
  packet({ to: OWN, protocol: 1, payload: echo(56), options: [7, 7, 4, 0, 0, 0, 0, 0] }), packet({ payload: numbers(1400), fragment: 0x2003 }),
  packet({ payload: udp(1, 2, numbers(1600)), fragment: 0x4000 }), packet({ to: "203.0.114.1", payload: datagram }), packet({ to: "203.0.116.200", payload: datagram }),
  packet({ to: "198.18.0.1", payload: datagram }), packet({ to: "198.51.100.77", payload: datagram }), packet({ to: "172.16.5.5", payload: datagram }),
  packet({ to: "192.0.2.255", payload: datagram }), packet({ to: "192.0.2.255", protocol: 1, payload: echo(8) }), packet({ to: "255.255.255.255", payload: datagram }),
  packet({ to: "224.0.0.5", payload: datagram }), packet({ to: "127.0.0.1", payload: datagram }), packet({ to: "0.0.0.0", protocol: 1, payload: echo(8) }),
  packet({ from: OWN, payload: datagram }),
  packet({ from: "192.0.2.255", payload: datagram }), packet({ from: "127.0.0.1", payload: datagram }), packet({ from: "0.0.0.0", payload: datagram }),
  packet({ from: "198.18.7.7", to: OWN, protocol: 1, payload: echo(8) }), packet({ from: "192.0.2.77", to: OWN, protocol: 1, payload: echo(8) }),
  packet({ from: "203.0.115.5", to: OWN, protocol: 1, payload: echo(8) }), tagged(FORWARD, 0x6000), tagged(FORWARD, 5), tagged(ECHO, 0),
];

/** Changes a frame at up to three places, most of them in its headers, cuts it or makes it longer; most have a right header checksum again. */
function mutated(frame: Uint8Array): Uint8Array {
  let bytes = frame.slice();
  for (let times = 1 + below(3); times > 0; times--) {
    const kind = below(12);
    if (kind === 0) bytes = bytes.slice(0, below(bytes.length + 1));
    else if (kind === 1) bytes = Uint8Array.from([...bytes, ...numbers(below(80))]);
    else {
      const at = below(4) === 0 ? below(bytes.length) : below(Math.min(bytes.length, 46));
      if (at < bytes.length) bytes[at] = kind < 7 ? bytes[at]! ^ (1 << below(8)) : oneOf([0, 1, 2, 5, 69, 127, 128, 224, 255, below(256)]);
    }
  }
  const length = ((bytes[14] ?? 0) & 15) * 4;
  if (below(4) === 0 || length < 20 || bytes.length < 14 + length) return bytes;
  bytes[24] = bytes[25] = 0;
  const sum = checksum(bytes.subarray(14, 14 + length));
  [bytes[24], bytes[25]] = [sum >>> 8, sum & 255];
  return bytes;
}

/** `odd`: one in so many is not an ordinary one, or not any more. */
function someFrame(odd: number, kind: Uint8Array[]): Uint8Array {
  if (below(odd) !== 0) return oneOf(kind);
  return below(2) === 0 ? oneOf(OTHERS) : mutated(below(3) === 0 ? oneOf(OTHERS) : oneOf(kind));
}

/** Bursts are of all sizes, and some of one kind. */
function someBurst(kind: Uint8Array[]): Uint8Array[] {
  const size = oneOf([1, 2, 3, 4, 5, 16, 64, 255, 256, 256, 1 + below(256)]);
  const odd = oneOf([1, 2, 5, 20, 100]);
  if (below(4) !== 0) return Array.from({ length: size }, () => someFrame(odd, kind));
  const only = below(3) === 0 ? oneOf(OTHERS) : oneOf(kind);
  return Array.from({ length: size }, () => only);
}

const PASSING = moduleOf(counting("pass", 1), { name: "pass" });
const PLACES = ["ethernet-input", "ip4-input", "ip4-lookup", "ip4-rewrite", "interface-output", "ip4-local", "icmp4-input"];
/** Each is done to both routers; it leaves the next one possible. */
const CHANGES: (() => (router: Router) => unknown)[] = [
  () => { const up = below(4) > 0; const name = oneOf(["host-left", "host-right", "host-third"]); return (router) => router.setInterfaceState(name, up); },
  () => { const mtu = oneOf([68, 300, 1400, 1500, 1500, 9000]); return (router) => router.setInterfaceMtu("host-right", mtu); },
  () => { const on = below(2) === 0; return (router) => router.setInterfaceRedirects("host-left", on); },
  () => { const via = oneOf([NEIGHBOURS.right, NEIGHBOURS.third, NEIGHBOURS.behind]); return (router) => router.replaceRoute("203.0.113.0/24", { via }); },
  () => { const length = 10 + below(23); const via = oneOf([NEIGHBOURS.right, NEIGHBOURS.third]); return (router) => router.replaceRoute(`100.64.0.0/${length}`, { via }); },
  () => (router) => router.replaceRoute("203.0.113.9/32", { kind: "drop" }),
  () => (router) => { if (router.routes().some(({ prefix }) => prefix === "203.0.113.9/32")) router.deleteRoute("203.0.113.9/32"); },
  () => (router) => router.setNeighbor("host-third", NEIGHBOURS.third, "02:00:00:00:00:04"),
  () => (router) => router.deleteNeighbor("host-third", NEIGHBOURS.third),
  () => (router) => router.setNeighbor("host-third", NEIGHBOURS.third, "02:00:00:00:00:05"),
  () => {
    const place = { [oneOf(["after", "after", "before"])]: oneOf(PLACES), ...(below(3) === 0 && { interface: "host-left" }) };
    return async (router) => {
      await takeOut(router);
      await router.loadNode(PASSING, "own");
      await router.insertNode("own", place as Parameters<Router["insertNode"]>[1]).catch(() => router.unloadNode("own")); // interface-output has no way on
    };
  },
  () => takeOut,
  () => takeOut,
];

/** All as it was, so that most packets are ordinary again. */
async function mend(router: Router): Promise<void> {
  await takeOut(router);
  for (const name of ["host-left", "host-right", "host-third"]) router.setInterfaceState(name, true);
  router.setInterfaceMtu("host-right", 1500);
  router.setNeighbor("host-third", NEIGHBOURS.third, "02:00:00:00:00:04");
  router.replaceRoute("203.0.113.0/24", { via: NEIGHBOURS.right });
  if (router.routes().some(({ prefix }) => prefix === "203.0.113.9/32")) router.deleteRoute("203.0.113.9/32");
}

async function takeOut(router: Router): Promise<void> {
  if (router.customNodes().length > 0) await router.unloadNode("own");
}

let clock = performance.now();
performance.now = () => clock;
Date.now = () => 1_790_000_000_000 + clock;
const { fused, plain } = await startHalves();
const both = [fused, plain];

test(`${FRAMES} frames, in one pass and node by node`, async () => {
  let frames = 0;
  let forwarded = 0;
  let answered = 0;
  for (let bursts = 0; frames < FRAMES; bursts++) {
    if (below(25) === 0) await toBoth(both, oneOf(CHANGES)()).catch((error: unknown) => assert.unreachable(`${bursts}: ${String(error)}`));
    if (below(25) === 0) await toBoth(both, mend);
    if (below(20) === 0) {
      clock += 1000;
      await toBoth(both, (router) => router["tick"]());
    }
    const port = below(8) === 0 ? 1 : 0;
    const flags = oneOf([0, 0, B_FLAG_L3_GOOD, B_FLAG_L3_GOOD | B_FLAG_L4_GOOD]);
    const device = { flags, checksumFlags: oneOf([0, 0, 1, 2]), segmentSize: below(8) === 0 ? oneOf([536, 1440, 1441, 1460]) : 0 };
    const burst = someBurst(device.segmentSize !== 0 && below(2) === 0 ? SUPER : ORDINARY);
    for (const { inline } of both) {
      Object.assign(inline.ports[port]!, device);
      inline.send(port, burst);
    }
    frames += burst.length;
    const passed = fused.passed();
    forwarded += passed[0];
    answered += passed[1];
    assert.equal(plain.passed(), [0, 0]);
    try {
      assertSame(fused.take(), plain.take());
      assertCountedSame(fused.counted(), plain.counted());
    } catch (error) {
      const text = `burst ${bursts} of seed ${SEED}, port ${port}, ${JSON.stringify(device)}: ${burst.map((one) => Buffer.from(one).toString("hex")).slice(0, 5).join(" ")}`;
      throw new Error(`${text}\n${String((error as { details?: string }).details ?? error)}`, { cause: error });
    }
  }
  console.log(`  ${forwarded} of ${frames} frames were forwarded in one pass, ${answered} answered`);
  assert.ok(forwarded > frames / 8 && answered > frames / 12);
});

test.after(async () => {
  for (const { inline } of both) await inline.router.stop();
});
test.run();
