// A million frames, most of them broken in some way, through the whole graph: every one comes to a
// counted end, no node traps, no buffer is lost, and what leaves is well-formed by tshark's judgement.

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GRAPH_BAD_BUFFER } from "../../assembly/abi.js";
import { workerAt } from "../../host/memory/memory.js";
import { must } from "../../host/lab/command.js";
import { InlineRouter } from "./inline.js";
import { arp, checksum, ethernet, icmp, ip4, numbers, toHex, udp } from "./packets.js";

const FRAMES = 1_000_000;
const BURST = 250;
const PEER = { mac: "02:00:00:00:00:02", ip: "192.0.2.2" };
const OWN = "192.0.2.1";
const FAR = "203.0.113.9";

await must(null, "ip", ["link", "add", "name", "left", "type", "veth", "peer", "name", "right"]);
for (const name of ["left", "right"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);
const inline = await InlineRouter.start(["left", "right"]);
const { router } = inline;
router.addAddress("host-left", `${OWN}/24`);
router.addAddress("host-right", "198.51.100.1/24");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });
router.addRoute("203.0.114.0/24", { kind: "prohibit" });
router.setIcmpLimits({ interval: 0, rate: 0 });
const mac = router.interfaces().find((entry) => entry.name === "host-left")!.mac;

const packet = (fields: Partial<Parameters<typeof ip4>[0]> & { payload: number[] }): Uint8Array =>
  ethernet(mac, PEER.mac, 0x0800, ip4({ from: PEER.ip, to: FAR, protocol: 17, ...fields }));
const echo = icmp(8, 0, [0, 7, 0, 1], numbers(56));
const TEMPLATES: Uint8Array[] = [
  ethernet("ff:ff:ff:ff:ff:ff", PEER.mac, 0x0806, arp(1, PEER, { mac: "00:00:00:00:00:00", ip: OWN })),
  ethernet(mac, PEER.mac, 0x0806, arp(2, PEER, { mac, ip: OWN })),
  ethernet("ff:ff:ff:ff:ff:ff", PEER.mac, 0x0806, arp(1, PEER, { mac: "00:00:00:00:00:00", ip: PEER.ip })),
  packet({ to: OWN, protocol: 1, payload: echo }),
  packet({ to: OWN, protocol: 1, payload: icmp(8, 0, [0, 7, 0, 1], numbers(3001)) }),
  packet({ to: OWN, protocol: 1, payload: icmp(0, 0, [0, 7, 0, 1], numbers(56)) }),
  packet({ to: OWN, protocol: 1, payload: icmp(3, 1, [0, 0, 0, 0], ip4({ from: OWN, to: FAR, protocol: 1, payload: echo })) }),
  packet({ to: OWN, payload: udp(1000, 2000, numbers(20)) }),
  packet({ to: OWN, protocol: 6, payload: numbers(20) }),
  packet({ to: OWN, protocol: 89, payload: numbers(20) }),
  packet({ payload: udp(1000, 2000, numbers(18)) }),
  packet({ payload: udp(1000, 2000, numbers(18)), ttl: 1 }),
  packet({ payload: udp(1000, 2000, numbers(18)), options: [7, 7, 4, 0, 0, 0, 0, 0] }),
  packet({ to: OWN, protocol: 1, payload: echo, options: [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 148, 4, 0, 0, 0] }),
  packet({ payload: udp(1000, 2000, numbers(18)), options: [68, 20, 5, 3, 192, 0, 2, 1, 0, 0, 0, 0, 198, 51, 100, 1, 0, 0, 0, 0] }),
  packet({ to: OWN, protocol: 1, payload: icmp(13, 0, [0, 7, 0, 1], numbers(12)) }),
  packet({ payload: udp(1000, 2000, numbers(2400)), fragment: 0x4000 }),
  packet({ payload: numbers(1400), fragment: 0x2003 }),
  packet({ to: "203.0.114.1", payload: udp(1, 2, numbers(600)) }),
  packet({ to: "10.0.0.1", protocol: 1, payload: echo }),
  packet({ to: "192.0.2.77", payload: udp(1, 2, numbers(9)) }),
  packet({ to: "192.0.2.255", payload: udp(1, 2, numbers(9)) }),
  packet({ to: "255.255.255.255", payload: udp(67, 68, numbers(9)) }),
];

interface Mutation { kind: "set" | "flip" | "cut" | "grow"; at: number; value: number }
const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("set", "set", "flip", "flip", "cut", "grow"),
  at: fc.oneof(fc.nat(13), fc.nat(60), fc.nat(4000)),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)),
});

function mutate(frame: Uint8Array, { kind, at, value }: Mutation): Uint8Array {
  if (kind === "cut") return frame.slice(0, at);
  if (kind === "grow") {
    const longer = new Uint8Array(frame.length + Math.min(at, 300));
    longer.set(frame);
    for (let i = frame.length; i < longer.length; i++) longer[i] = i - frame.length;
    return longer;
  }
  const copy = frame.slice();
  if (at < copy.length) copy[at] = kind === "set" ? value : copy[at]! ^ (1 << (value & 7));
  return copy;
}

/** Gives most broken IP headers a right checksum again, so that later checks are reached too. */
function repair(frame: Uint8Array): Uint8Array {
  const length = ((frame[14] ?? 0) & 15) * 4;
  if (frame.length < 14 + length || length < 20) return frame;
  let sum = 0;
  for (let i = 14; i < 14 + length; i += 2) if (i !== 24) sum += (frame[i]! << 8) | frame[i + 1]!;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  frame[24] = sum >>> 8;
  frame[25] = sum & 255;
  return frame;
}

const recipe = fc.record({ template: fc.nat(TEMPLATES.length - 1), mutations: fc.array(mutation, { maxLength: 3 }), repaired: fc.nat(3) });
const folder = mkdtempSync(join(tmpdir(), "weft-mutated-"));
const capture = join(folder, "sent.pcap");
const file = openSync(capture, "w");
writeSync(file, Buffer.from("d4c3b2a1020004000000000000000000ffff000001000000", "hex"));
let sent = 0;

const OWN_ADDRESSES = [OWN, "198.51.100.1"].map((address) => address.split(".").join());

/** Whether a frame's source, if it is IPv4, is one of the router's addresses. */
function isOwn(frame: Uint8Array): boolean {
  return OWN_ADDRESSES.includes(frame.subarray(26, 30).join());
}

/** By the naive sum: the IP header of every packet, and the message of the router's own ICMP. */
function checkSums(frame: Uint8Array): void {
  if (frame[12] !== 8 || frame[13] !== 0) return;
  const length = (frame[14]! & 15) * 4;
  if (checksum(frame.subarray(14, 14 + length)) !== 0) assert.unreachable(`IP header of ${toHex(frame)}`);
  const fragment = (((frame[20]! << 8) | frame[21]!) & 0x3fff) !== 0;
  if (frame[23] !== 1 || !isOwn(frame) || fragment) return;
  if (checksum(frame.subarray(14 + length)) !== 0) assert.unreachable(`ICMP of ${toHex(frame)}`);
}

function record(frames: Uint8Array[]): void {
  const parts = frames.flatMap((frame) => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(frame.length, 12);
    checkSums(frame);
    return [header, frame];
  });
  if (parts.length > 0) writeSync(file, Buffer.concat(parts));
  sent += frames.length;
}

test(`${FRAMES} mutated frames come to a counted end`, () => {
  let frames = 0;
  const property = fc.property(fc.array(recipe, { minLength: BURST, maxLength: BURST }), (recipes) => {
    const burst = recipes.map(({ template, mutations, repaired }) => {
      const frame = mutations.reduce(mutate, TEMPLATES[template]!);
      return repaired > 0 && frame !== TEMPLATES[template] && frame[12] === 8 && frame[13] === 0 ? repair(frame) : frame;
    });
    inline.send(0, burst);
    frames += burst.length;
    record(inline.sent(0));
    record(inline.sent(1));
    const balance = router.balance();
    const buffers = router.buffers();
    assert.is(balance.difference, 0);
    assert.is(inline.traps.length, 0, inline.traps.join());
    // What is held may be chained: then its packets use more buffers than one each.
    if (balance.held === 0) assert.is(buffers.free, buffers.total);
    else assert.ok(buffers.free + balance.held <= buffers.total);
  });
  fc.assert(property, { numRuns: FRAMES / BURST, endOnFailure: true });
  assert.is(frames, FRAMES);
});

test("at the end nothing is held, lost or refused", () => {
  // What waits for a neighbour is refused by an error, which may have to wait for another one.
  router.setReassembly({ timeout: 100 });
  inline.settle();
  const late = performance.now() + 60_000;
  performance.now = () => late;
  for (let round = 0; round < 10 && router.balance().held > 0; round++) {
    router.clearNeighbors();
    inline.settle();
  }
  record(inline.sent(0));
  record(inline.sent(1));
  assert.is(router.balance().held, 0);
  assert.is(router.balance().difference, 0);
  assert.is(router.buffers().free, router.buffers().total);
  assert.is(inline.packets.counter(workerAt(0) + GRAPH_BAD_BUFFER), 0);
  assert.not.ok(router.errors().some((error) => error.reason.startsWith("next slot") || error.reason.startsWith("frame lost")));
});

test("every named reason but the impossible ones was met", () => {
  const met = new Set(router.errors().map((error) => `${error.node}: ${error.reason}`));
  console.log(`  ${sent} frames left the router, ${met.size} reasons were counted`);
  assert.ok(met.size >= 30, [...met].join("\n"));
});

test("tshark finds every frame that left well-formed", () => {
  closeSync(file);
  // What the router answers for: Ethernet, ARP, IP headers, and ICMP of its own. Payloads that pass through or are quoted are the sender's affair.
  const own = `(ip.src#1 == ${OWN} || ip.src#1 == 198.51.100.1)`;
  // "#1": the outermost. What is quoted may be dissected too, and is as broken as it came.
  const reply = "(icmp.type#1 == 0 || icmp.type#1 == 14)";
  const ownBad = `icmp.checksum.status#1 == "Bad" || ${reply} && _ws.malformed || icmp && !${reply} && (frame.len < 62 || frame.len > 590)`;
  const bad = `ip.checksum.status#1 == "Bad" || arp && _ws.malformed || frame.len < 34 || ${own} && (${ownBad})`;
  const words = ["-r", capture, "-o", "ip.check_checksum:TRUE", "-o", "ip.defragment:FALSE", "--disable-protocol", "udp", "--disable-protocol", "tcp", "--disable-protocol", "ospf"];
  const judge = (filter: string, ...limit: string[]): string[] => {
    const { status, stdout, stderr } = spawnSync("tshark", [...words, ...limit, "-Y", filter], { encoding: "utf8", maxBuffer: 2 ** 28 });
    assert.is(status, 0, stderr);
    return stdout.split("\n").filter((line) => line !== "");
  };
  assert.equal(judge(bad).slice(0, 5), []);
  // The filter does see frames: those that the router made are there.
  assert.ok(judge(`icmp && ${own}`, "-c", "2000").length > 0);
});

test.after(async () => {
  rmSync(folder, { recursive: true });
  await router.stop();
});
test.run();
