// Which packets are traced and which traces are shown; the ring of records when it is full; custom nodes, copies, and nodes that lie or trap.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_TRACE, BUFFER_SHIFT } from "../../assembly/abi.js";
import type { TraceFilter } from "../../host/control/api.js";
import { TraceRing } from "../../host/graph/trace-ring.js";
import { counting, fileOf, keep, KEPT, marking, moduleOf } from "./custom-modules.js";
import { arp, bytesOf, ethernet, icmp, ip4, toHex, udp } from "./packets.js";
import { BAD_SUM, FORWARDED, inline, NO_ROUTE, rest, router, send, stepText, trace, traced, way } from "./trace-bed.js";

function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    for (const { name: node } of router.customNodes()) await router.unloadNode(node);
    await router.clearTraceFilters();
    await router.clearTrace();
    rest();
    const { difference } = router.balance();
    assert.equal([difference, router.buffers().free], [0, router.buffers().total]);
  });
}

interface Packet {
  kind: "arp" | "icmp" | "udp" | "tcp" | "fragment";
  from: number;
  to: number;
  ports: [number, number];
}

const ADDRESSES = ["192.0.2.2", "192.0.2.3", "192.0.3.2", "203.0.113.9"];
const PROTOCOL = { icmp: 1, udp: 17, tcp: 6, fragment: 17, arp: 256 };

function frameOf({ kind, from, to, ports }: Packet): Uint8Array {
  const ends = { from: ADDRESSES[from]!, to: ADDRESSES[to]! };
  const mac = "02:00:00:00:00:02";
  if (kind === "arp") return ethernet("02:fe:00:00:00:01", mac, 0x0806, arp(1, { mac, ip: ends.from }, { mac: "00:00:00:00:00:00", ip: ends.to }));
  const payload = kind === "icmp" ? icmp(8, 0, [0, ports[0] & 255, 0, ports[1] & 255]) : udp(ports[0], ports[1], [1, 2, 3]);
  return ethernet("02:fe:00:00:00:01", mac, 0x0800, ip4({ ...ends, protocol: PROTOCOL[kind], payload, fragment: kind === "fragment" ? 5 : 0 }));
}

/** The naive judgement, from what the packet was made of. */
function fits({ kind, from, to, ports }: Packet, filter: TraceFilter): boolean {
  const within = (address: string, wanted: string | undefined): boolean => {
    if (wanted === undefined) return true;
    const [network, length = "32"] = wanted.split("/");
    const bits = (text: string): string => bytesOf(text).map((byte) => byte.toString(2).padStart(8, "0")).join("").slice(0, Number(length));
    return bits(address) === bits(network!);
  };
  const named = { icmp: 1, tcp: 6, udp: 17, arp: 256 }[String(filter.protocol)] ?? filter.protocol;
  if (!within(ADDRESSES[from]!, filter.source) || !within(ADDRESSES[to]!, filter.destination)) return false;
  if (named !== undefined && named !== PROTOCOL[kind]) return false;
  return filter.port === undefined || ((kind === "udp" || kind === "tcp") && ports.includes(filter.port));
}

const PORTS = [53, 80, 0x3500];
const port = fc.constantFrom(...PORTS);
const packet: fc.Arbitrary<Packet> = fc.record({
  kind: fc.constantFrom("arp", "icmp", "udp", "tcp", "fragment"), from: fc.nat(3), to: fc.nat(3), ports: fc.tuple(port, port),
});
const prefix = fc.option(fc.constantFrom("192.0.2.2", "192.0.2.0/24", "192.0.0.0/16", "0.0.0.0/0", "203.0.113.9/32"), { nil: undefined });
const protocols = fc.constantFrom(undefined, "icmp", "udp", "tcp", "arp", 17, 89);
const filters = fc.record({ source: prefix, destination: prefix, protocol: protocols, port: fc.constantFrom(undefined, ...PORTS) }) as fc.Arbitrary<TraceFilter>;

check("a filter takes what it says, at a node that sees frames and at one that sees IPv4", async () => {
  const nodes = fc.constantFrom("ethernet-input", "ip4-input");
  await fc.assert(fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 40 }), filters, nodes, async (packets, filter, node) => {
    await router.clearTrace();
    await router.setTraceFilter(filter);
    await router.addTrace(node, 1000);
    inline.send(0, packets.map(frameOf));
    const seen = node === "ip4-input" ? packets.filter(({ kind }) => kind !== "arp") : packets;
    const wanted = seen.filter((one) => fits(one, filter)).length;
    rest();
    assert.is(router.trace().kept, wanted, JSON.stringify(filter));
  }), { numRuns: 300 });
});

check("a filter that makes no sense is refused", async () => {
  const wrong = [{ source: "192.0.2" }, { destination: "192.0.2.0/33" }, { protocol: 257 }, { protocol: "tpc" as "tcp" }, { port: -1 }, { port: 65536 }];
  for (const filter of wrong) {
    assert.is(await router.setTraceFilter(filter).then(() => "taken", (error: { code: string }) => error.code), "BAD_ARGUMENT");
  }
});

check("shown are those that passed a node, or did not; so many at most", async () => {
  router.setIcmpLimits({ interval: 0, rate: 0 });
  await trace("af-packet-input", FORWARDED, BAD_SUM, BAD_SUM, NO_ROUTE);
  const lasts = (): string[] => traced().map(({ steps }) => steps.at(-1)!.node);
  router.setTraceNodeFilter({ node: "error-drop", include: true, packets: 10 });
  assert.equal(lasts(), ["error-drop", "error-drop"]);
  router.setTraceNodeFilter({ node: "error-drop", include: true, packets: 1 });
  assert.equal(lasts(), ["error-drop"]);
  router.setTraceNodeFilter({ node: "error-drop", include: false, packets: 10 });
  assert.equal(lasts(), ["host-right-tx", "host-left-tx"]);
  assert.throws(() => router.setTraceNodeFilter({ node: "nowhere", include: true, packets: 1 }), /no node/);
  await router.clearTraceFilters();
  assert.is(lasts().length, 4);
});

check("a full ring: nothing is written over, what is missing is counted, traces go on when it was read", () => {
  const ring = new TraceRing();
  ring.want(1, 65536);
  const write = (id: number): boolean => {
    const there = ring.open(id, 1, 2, 60, 0, new Uint8Array(4));
    if (there) ring.close(0, true, 1, 0n, [], new Uint8Array(64));
    return there;
  };
  const id = ring.take(1);
  let written = 0;
  while (write(id)) written++;
  assert.equal([written, ring.lost, ring.take(1)], [8192, 1, 0]);
  assert.is(ring.read().length, 8192);
  assert.equal([ring.read().length, write(id), ring.read().length, ring.lost], [0, true, 1, 1]);
  for (let n = 0; n < 65534; n++) ring.take(1);
  assert.is(ring.take(1), 1, "after 65535 the numbers begin anew: 0 is none");
});

check("a record that was begun and not ended: who takes over ends it", () => {
  const ring = new TraceRing();
  ring.want(1, 1);
  ring.open(ring.take(1), 7, 2, 60, 0, new Uint8Array(4));
  assert.is(ring.read().length, 0);
  const next = new TraceRing(ring.buffer);
  next.recover();
  next.recover();
  assert.equal(ring.read().map(({ node, kind }) => [node, kind]), [[7, 2]]);
});

check("a custom node's own declaration: layer, header fields, fields of its state", async () => {
  const state = [{ name: "kept", at: 0, type: "u32" }, { name: "half", at: 2, type: "u16be" }];
  const file = moduleOf(marking("mark", KEPT, "(i32.const 1)", keep("(i32.const 7)")), {
    name: "mark", state: 8, trace: { layer: "ip4", packet: ["rx-interface", "punt"], state },
  });
  await router.loadNode(file, "own");
  await router.insertNode("own", { after: "ip4-input" });
  const payload = Array<number>(40).fill(0);
  const frame = ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 253, payload }));
  await trace("own", toHex(frame));
  assert.match(way()[0]!, /^own \| ipv4: 192.0.2.2 -> 203.0.113.9, protocol 253, /);
  assert.match(way()[0]!, / \| rx-interface host-left \| punt 0 \| kept 7 \| half 0 \(marked\) -> continue$/);
});

check("one that declares nothing: bytes; one that says so: nothing", async () => {
  await router.loadNode(moduleOf(counting("plain", 1), { name: "plain" }), "plain");
  await router.loadNode(moduleOf(counting("mute", 1), { name: "mute", trace: {} }), "mute");
  await router.insertNode("plain", { after: "ip4-input" });
  await router.insertNode("mute", { after: "plain" });
  await trace("plain", FORWARDED);
  assert.equal(way().slice(0, 2), [
    "plain | bytes: 45 00 00 20 12 34 00 00 40 11 6a 8d c0 00 02 02 cb 00 71 09 10 00 20 00 00 0c 00 00 77 65 66 74 (marked) -> continue",
    "mute (marked) -> continue",
  ]);
});

check("a host node's declaration", async () => {
  const file = fileOf('export const nodes = [{ name: "script", next: ["error-drop", "continue"], trace: { layer: "ip4" }, packet: () => 1 }];', "mjs");
  await router.loadNode(file, "script");
  await router.insertNode("script", { after: "ip4-input" });
  await trace("script", FORWARDED);
  assert.match(way()[0]!, /^script \| ipv4: .* \| udp: .* -> continue$/);
});

check("a copy keeps the trace of what it is a copy of, apart from it", async () => {
  const copying = (slot: number): string => counting("twice", slot);
  await router.loadNode(moduleOf(copying(1 | (2 << 8)), { name: "twice", next: ["error-drop", "continue", "error-drop"], trace: {} }), "twice");
  await router.insertNode("twice", { after: "ip4-input" });
  await trace("twice", FORWARDED);
  const packets = traced();
  assert.equal(packets.map(({ number, copy }) => [number, copy]), [[1, 0], [1, 1]]);
  assert.is(stepText(packets[0]!.steps[0]!), "twice (marked) -> continue, a copy to error-drop");
  assert.is(packets[0]!.steps.at(-1)!.node, "host-right-tx");
  assert.equal(packets[1]!.steps.map(({ node }) => node), ["error-drop"]);
});

check("a node that traps: its packet's trace says so, so do those of the packets that it took along", async () => {
  await router.loadNode(moduleOf(`(func (export "bad") (param i32 i32 i32) unreachable)`, { name: "bad", trace: {} }), "bad");
  await router.insertNode("bad", { after: "ip4-input" });
  await trace("ip4-input", FORWARDED, FORWARDED);
  const ways = traced().map(({ steps }) => steps.slice(1).map(stepText));
  assert.equal(ways, [
    ["bad THE NODE TRAPPED", "bad LOST: ITS FRAME WAS DROPPED AFTER A TRAP"],
    ["bad LOST: ITS FRAME WAS DROPPED AFTER A TRAP"],
  ]);
  await router.setNodePolicy("bad", { fail: "open", limit: 1 });
  await trace("ip4-input", FORWARDED);
  await trace("ip4-input", FORWARDED);
  assert.equal(way()[1], "bad PASSED OVER: THE NODE IS NOT RUNNING -> continue");
  assert.is(way().at(-1)!.split(" ")[0], "host-right-tx");
});

check("a node that writes marks of its own: nobody is harmed", async () => {
  for (const mark of [1, 2, 0x7fff, 0xffff]) {
    const write = `(i32.store16 offset=${B_TRACE} (i32.shl (i32.load (local.get $frame)) (i32.const ${BUFFER_SHIFT})) (i32.const ${mark}))`;
    await router.loadNode(moduleOf(`(func (export "liar") (param $node i32) (param $frame i32) (param $n i32)
      (i32.store16 offset=1024 (local.get $frame) (i32.const 1)) ${write})`, { name: "liar", trace: {} }), "liar");
    await router.insertNode("liar", { after: "ip4-input" });
    await trace("af-packet-input", FORWARDED);
    send(FORWARDED);
    for (const { steps } of traced()) assert.ok(steps.length > 0);
    await router.unloadNode("liar");
  }
  assert.equal(inline.traps, []);
});

check("an unloaded node's name is still known", async () => {
  await router.loadNode(moduleOf(counting("gone", 1), { name: "gone", trace: {} }), "gone");
  await router.insertNode("gone", { after: "ip4-input" });
  await trace("gone", FORWARDED);
  traced();
  await router.unloadNode("gone");
  assert.is(way()[0], "gone (marked) -> continue");
});

test.after(() => router.stop());
test.run();
