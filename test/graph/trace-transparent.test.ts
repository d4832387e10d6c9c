// Looking changes nothing: two routers get the same random bursts, one of them traced and with its drops observed. Bytes, counters and
// what is held are the same, and each dropped packet has a reason that was counted.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { counting, fileOf, marker, moduleOf } from "./custom-modules.js";
import { comparable } from "./fused-bed.js";
import { InlineRouter, LEFT_MAC, RIGHT_MAC } from "./inline.js";
import { arp, ethernet, icmp, ip4, numbers, toHex, udp } from "./packets.js";

const PEER = { mac: "02:00:00:00:00:02", ip: "192.0.2.2" };
const OWN = "192.0.2.1";

// It stands still: whether a neighbour is asked for again depends on it, and one of the two may be kept waiting.
const clock = performance.now();
performance.now = () => clock;
const plain = await InlineRouter.startPair();
const watched = await InlineRouter.start(["left", "right"]);
const both = [plain, watched];
watched.router.setInterfaceMac("host-left", LEFT_MAC);
watched.router.setInterfaceMac("host-right", RIGHT_MAC);
watched.router.addAddress("host-left", `${OWN}/24`);
watched.router.addAddress("host-right", "198.51.100.1/24");
watched.endAnnouncements();
for (const { router } of both) {
  router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
  router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });
  router.addRoute("203.0.114.0/24", { kind: "prohibit" });
  router.setIcmpLimits({ interval: 0, rate: 0 }); // they depend on the time
  router.setInterfaceMtu("host-left", 9000); // ip4-fragment makes room for its fragments, and takes packets in more or fewer frames for it
}

const packet = (fields: Partial<Parameters<typeof ip4>[0]> & { payload: number[] }): Uint8Array =>
  ethernet(LEFT_MAC, PEER.mac, 0x0800, ip4({ from: PEER.ip, to: "203.0.113.9", protocol: 17, ...fields }));
const TEMPLATES = [
  ethernet("ff:ff:ff:ff:ff:ff", PEER.mac, 0x0806, arp(1, PEER, { mac: "00:00:00:00:00:00", ip: OWN })),
  ethernet(LEFT_MAC, PEER.mac, 0x0806, arp(2, PEER, { mac: LEFT_MAC, ip: OWN })),
  packet({ to: OWN, protocol: 1, payload: icmp(8, 0, [0, 7, 0, 1], numbers(56)) }),
  packet({ to: OWN, protocol: 1, payload: icmp(8, 0, [0, 7, 0, 1], numbers(3001)) }), // a chain
  packet({ to: OWN, protocol: 1, payload: icmp(0, 0, [0, 7, 0, 1], numbers(56)) }),
  packet({ to: OWN, payload: udp(1000, 2000, numbers(20)) }),
  packet({ payload: udp(1000, 2000, numbers(40)) }),
  packet({ payload: udp(1000, 2000, numbers(40)), ttl: 1 }),
  packet({ to: "203.0.114.1", payload: udp(1, 2, numbers(600)) }),
  packet({ to: "10.0.0.1", payload: udp(1, 2, numbers(60)) }),
  packet({ to: "198.51.100.77", payload: udp(1, 2, numbers(49)) }),
];
const recipe = fc.record({ template: fc.nat(TEMPLATES.length - 1), at: fc.oneof(fc.nat(60), fc.nat(4000)), flip: fc.nat(15) });
const frame = recipe.map(({ template, at, flip }) => {
  const bytes = TEMPLATES[template]!.slice();
  if (flip < 8 && at < bytes.length) bytes[at]! ^= 1 << flip;
  return bytes;
});

const copying = moduleOf(counting("twice", 1 | (2 << 8)), { name: "twice", next: ["error-drop", "continue", "ip4-local"] });
const throwing = fileOf('export const nodes = [{ name: "script", next: ["error-drop", "continue"], counters: ["seen"], packet: (packet) => {'
  + ' packet.count(0); if (packet.bytes[3] === 0x21) throw new Error("no"); return 1; } }];', "mjs");
const NODES = { mark: marker(3), twice: copying, script: throwing };
const PLACES = ["ip4-input", "ip4-lookup", "ip4-rewrite", "ethernet-input"];
const TRACED = [...PLACES, "af-packet-input", "arp-input", "ip4-local", "ip4-glean", "interface-output", "error-drop", "host-right-tx", "own"];

interface Case {
  node: keyof typeof NODES | null;
  place: string;
  open: boolean;
  traces: [node: string, packets: number][];
  drops: boolean;
  bursts: Uint8Array[][];
}

const cases: fc.Arbitrary<Case> = fc.record({
  node: fc.constantFrom(null, "mark", "twice", "script"), place: fc.constantFrom(...PLACES), open: fc.boolean(),
  traces: fc.array(fc.tuple(fc.constantFrom(...TRACED), fc.integer({ min: 1, max: 300 })), { maxLength: 3 }), drops: fc.boolean(),
  bursts: fc.array(fc.array(frame, { minLength: 1, maxLength: 90 }), { minLength: 1, maxLength: 3 }),
});

/** All that a router tells of itself, but for times, and calls: packets that are not looked at may go several nodes at once, in other frames. */
function state({ router }: InlineRouter): unknown {
  return {
    interfaces: router.interfaces(), errors: router.errors(), balance: router.balance(), buffers: router.buffers(),
    nodes: router.runtime().workers[0]!.nodes.map(({ name, vectors, traps }) => [name, vectors, traps]),
    own: router.customNodes().map(({ state: runs, traps }) => [runs, traps]), counters: router.nodeCounters(),
  };
}

/** What was sent on both sides, without its order: what goes several nodes at once overtakes what does not, packets of other flows. */
const sent = (inline: InlineRouter): string[][] => [0, 1].map((port) => inline.sent(port).map(toHex).map(comparable).sort());

async function play(inline: InlineRouter, { node, place, open, bursts }: Case): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (const burst of bursts) {
    inline.send(0, burst);
    seen.push(...sent(inline), state(inline));
  }
  inline.router.clearNeighbors();
  inline.settle();
  seen.push(...sent(inline), state(inline), [node, place, open]);
  return seen;
}

test("a traced router does what one does that nobody looks at", async () => {
  let steps = 0;
  await fc.assert(fc.asyncProperty(cases, async (one) => {
    const { node, place, open, traces, drops } = one;
    for (const { router } of both) {
      if (node === null) break;
      await router.loadNode(NODES[node], "own");
      await router.setNodePolicy("own", { fail: open ? "open" : "closed" });
      await router.insertNode("own", { after: place === "ethernet-input" ? "ip4-input" : place });
    }
    for (const [name, packets] of traces) if (name !== "own" || node !== null) await watched.router.addTrace(name, packets);
    await watched.router["observing"].change({ drops });
    assert.equal(await play(watched, one), await play(plain, one));
    const info = watched.router.trace();
    steps += info.packets.reduce((sum, one) => sum + one.steps.length, 0);
    const lines = info.packets.flatMap((packet) => packet.steps.flatMap((step) => step.lines));
    assert.equal(lines.filter((line) => line.endsWith("no reason counted")), []);
    await watched.router.clearTrace();
    await watched.router["observing"].change({ drops: false });
    if (node !== null) for (const { router } of both) await router.unloadNode("own");
  }), { numRuns: 150 });
  assert.ok(steps > 1000, `${steps} steps were traced`);
});

test.after(async () => {
  for (const { router } of both) await router.stop();
});
test.run();
