// Addresses, routes, neighbours and interfaces change at random, and between any two steps packets come, hosts answer, move or fall silent, and time
// passes. Whatever leaves leaves where the longest prefix says at that moment, for the right neighbour; in the end nothing is held or lost.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../bench/random.js";
import { parseIp4, parsePrefix, swap } from "../../host/control/addresses.js";
import type { RouteTarget } from "../../host/control/api.js";
import { WeftError } from "../../host/errors.js";
import { must } from "../../host/lab/command.js";
import { type ArrayPort, InlineRouter } from "./inline.js";
import { arp, ethernet, icmp, ip4, toHex, udp } from "./packets.js";

const ROUNDS = 25;
const STEPS = 60;
const SEED = 20_261_123;
/** Messages that let packets of one neighbour go, in one step: more of them go round in circles. */
const RESOLVED_MAX = 5000;
const next = random(SEED);
const below = (n: number): number => next() % n;
const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;

let clock = Math.ceil(performance.now());
performance.now = () => clock;
const LINKS = [0, 1, 2];
for (const link of LINKS) await must(null, "ip", ["link", "add", "name", `near${link}`, "type", "veth", "peer", "name", `far${link}`]);
for (const link of LINKS) for (const end of ["near", "far"]) await must(null, "ip", ["link", "set", "dev", `${end}${link}`, "up"]);
const inline = await InlineRouter.start([]);
const { router } = inline;
clearInterval(router["timer"]); // the test says when time passes
router.setIcmpLimits({ interval: 0, rate: 0 });
const NAMES = LINKS.map((link) => `host-near${link}`);
const macOf = (link: number): string => `02:fe:00:00:00:0${link}`;
const STATIC = "02:77:00:00:00:01";

async function create(link: number): Promise<void> {
  await router.createHostInterface(`near${link}`);
  router.setInterfaceMac(NAMES[link]!, macOf(link));
  router.setInterfaceState(NAMES[link]!, true);
  inline.settle();
}

const IPS = [
  "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.130", "10.0.1.1", "10.0.1.2", "10.0.1.130", "10.0.2.1", "10.0.2.2", "172.16.0.9", "203.0.113.1",
  "198.51.100.7",
];
const PREFIXES = [
  "10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/16", "10.0.1.0/24", "0.0.0.0/0", "203.0.113.0/24", "10.0.0.2/32", "10.0.1.2/32", "172.16.0.0/12",
];
const hostMac = (link: number, ip: string): string => `02:0${link}:00:00:00:${IPS.indexOf(ip).toString(16).padStart(2, "0")}`;
const bare = (mac: string): string => mac.replaceAll(":", "");
const dotted = (bytes: Uint8Array): string => [...bytes].join(".");
/** Link of each host; LINKS.length: it is nowhere. */
let where = IPS.map(() => below(LINKS.length + 1));

const path = () => ({ via: oneOf(IPS), interface: oneOf(NAMES) });
const target = (): RouteTarget => oneOf<RouteTarget>([
  { via: oneOf(IPS) }, path(), { interface: oneOf(NAMES) }, { paths: [path(), path()] },
  { kind: oneOf(["drop", "unreachable", "prohibit"] as const) },
]);
const CHANGES: (() => unknown)[] = [
  () => router.addAddress(oneOf(NAMES), `${oneOf(IPS)}/${oneOf([24, 24, 25, 31, 32])}`),
  () => router.addAddress(oneOf(NAMES), oneOf(["10.0.0.1/24", "10.0.1.1/24", "10.0.2.1/24", "203.0.113.1/24"])),
  () => { const { name, addresses } = oneOf(router.interfaces()); if (addresses.length > 0) router.removeAddress(name, oneOf(addresses)); },
  () => router.addRoute(oneOf(PREFIXES), target()),
  () => router.replaceRoute(oneOf(PREFIXES), target()),
  () => router.deleteRoute(oneOf(PREFIXES)),
  () => router.setNeighbor(oneOf(NAMES), oneOf(IPS), STATIC),
  () => router.deleteNeighbor(oneOf(NAMES), oneOf(IPS)),
  () => router.setInterfaceState(oneOf(NAMES), below(3) > 0),
  () => router.setInterfaceMtu(oneOf(NAMES), oneOf([68, 300, 1500, 1500])),
  () => router.setInterfaceProxyArp(oneOf(NAMES), below(2) === 0),
  () => router.clearNeighbors(),
  () => { where = IPS.map(() => below(LINKS.length + 1)); },
];

/** A change; most of those that chance brings are refused. */
function change(): void {
  try {
    oneOf(CHANGES)();
  } catch (error) {
    assert.instance(error, WeftError);
  }
}

/** The port of a link; undefined while it has none. */
function portOf(link: number): ArrayPort | undefined {
  const entry = router["interfaceTable"].list().find(({ name }) => name === NAMES[link]);
  return entry && inline["engine"].ports.find(({ index }) => index === entry.index) as ArrayPort | undefined;
}

function packet(link: number): Uint8Array {
  const [protocol, payload] = oneOf([[1, icmp(8, 0, [0, 1, 0, 2])], [17, udp(1, 2, Array(1200).fill(7))], [17, udp(below(9), 2, [])]] as const);
  const [ttl, fragment] = [oneOf([1, 2, 64]), oneOf([0, 0, 0x4000, 0x2000, 3])];
  const fields = { from: oneOf(IPS), to: oneOf(IPS), protocol, ttl, fragment, payload: [...payload] };
  return ethernet(macOf(link), hostMac(link, fields.from), 0x0800, ip4(fields));
}

function come(): void {
  const link = oneOf(LINKS);
  portOf(link)?.incoming.push(...Array.from({ length: oneOf([1, 2, 5, 40, 150]) }, () => packet(link)));
}

/** Judges what has left, and has the hosts answer that were asked, until nothing moves. */
function settle(): void {
  for (let moved = true; moved; ) {
    inline.settle();
    moved = false;
    for (const link of LINKS) {
      for (const frame of portOf(link)?.outgoing.splice(0) ?? []) moved = (isArp(frame) ? answer(link, frame) : judge(link, frame)) || moved;
    }
  }
}

const isArp = (frame: Uint8Array): boolean => frame[13] === 6;

/** Whether a host of the link answers. */
function answer(link: number, frame: Uint8Array): boolean {
  const [asker, asked] = [dotted(frame.subarray(28, 32)), dotted(frame.subarray(38, 42))];
  if (frame[21] !== 1 || asker === asked || where[IPS.indexOf(asked)] !== link) return false;
  const mac = hostMac(link, asked);
  if (!["ffffffffffff", bare(mac)].includes(toHex(frame.subarray(0, 6)))) return false;
  portOf(link)!.incoming.push(ethernet(macOf(link), mac, 0x0806, arp(2, { mac, ip: asked }, { mac: macOf(link), ip: asker })));
  return true;
}

let left = 0;
/**
 * Fails unless the packet goes where its route leads: its interface, and one of its gateways or its own destination. A gateway has a route of
 * its own.
 */
function judge(link: number, frame: Uint8Array): false {
  left++;
  const to = dotted(frame.subarray(30, 34));
  const all = router.routes().filter(({ kind }) => kind !== "neighbor").map((route) => ({ ...route, ...parsePrefix(route.prefix) }));
  if (all.some(({ paths }) => paths.some(({ via }) => via === to))) return false;
  const [best] = all.filter(({ network, length }) => length === 0 || swap(parseIp4(to)) >>> (32 - length) === swap(network) >>> (32 - length))
    .sort((a, b) => b.length - a.length);
  const hops = best?.kind === "connected" ? [{ via: to, interface: best.interface }] : (best?.paths ?? []);
  const macs = hops.filter((hop) => hop.interface === NAMES[link]).flatMap(({ via }) => [bare(hostMac(link, via)), bare(STATIC)]);
  const mac = toHex(frame.subarray(0, 6));
  assert.ok(macs.includes(mac), `to ${to} left by ${NAMES[link]} for ${mac}; its route: ${JSON.stringify(best)}`);
  return false;
}

/** An ARP message that nobody asked for; who says it is there. */
function speak(): void {
  const [link, ip] = [oneOf(LINKS), oneOf(IPS)];
  where[IPS.indexOf(ip)] = link;
  const mac = hostMac(link, ip);
  portOf(link)?.incoming.push(ethernet("ff:ff:ff:ff:ff:ff", mac, 0x0806, arp(oneOf([1, 2]), { mac, ip }, { mac, ip: oneOf([ip, oneOf(IPS)]) })));
}

function wait(ms: number): void {
  clock += ms;
  router["tick"]();
  settle();
}

/** An interface is deleted and made again, under traffic and with changes meanwhile. */
async function remake(): Promise<void> {
  const link = oneOf(LINKS);
  come();
  if (below(2) === 0) inline["engine"].turn();
  settle();
  const removed = router.deleteHostInterface(`near${link}`);
  change();
  await removed;
  come();
  settle();
  await create(link);
}

let resolved = 0;
const handle = inline["handle"].bind(inline);
inline["handle"] = (message) => {
  if (message.type === "resolved" && ++resolved > RESOLVED_MAX) throw new Error("packets go round between a worker and the control plane");
  handle(message);
};

/** A turn's packets may have been looked up before a change and what they say come after it: what left by then is judged before. */
async function step(): Promise<void> {
  resolved = 0;
  const kind = below(31);
  if (kind === 0) return remake();
  if (kind < 10) change();
  else if (kind < 22) come();
  else if (kind < 25) {
    come();
    inline["engine"].turn();
    for (const link of LINKS) {
      const port = portOf(link)!;
      for (const frame of port.outgoing) if (!isArp(frame)) judge(link, frame);
      port.outgoing = port.outgoing.filter(isArp);
    }
    change();
  } else if (kind < 28) speak();
  else wait(oneOf([500, 1000, 61_000]));
  settle();
}

test(`${ROUNDS * STEPS} steps`, async () => {
  for (const link of LINKS) await create(link);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < STEPS; i++) {
      await step();
      assert.equal([router.balance().difference, inline.traps], [0, []]);
    }
    where = IPS.map(() => LINKS.length);
    for (let i = 0; i < 40; i++) wait(1000); // neighbours are given up, then what the errors about them wait for; fragments time out
    assert.equal([router.balance().held, router.buffers().free], [0, router.buffers().total], `round ${round} of seed ${SEED}`);
  }
  console.log(`  ${left} packets left`);
  assert.ok(left > 1000);
});

test.after(() => router.stop());
test.run();
