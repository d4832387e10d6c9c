// The neighbour table by a fake clock: what it asks, when it ages, what it writes into adjacencies.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_NEXT, ADJ_NEXT_HOP, ADJ_REWRITE, LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_REWRITE, TABLES, TABLES_END,
} from "../../assembly/abi.js";
import { parseIp4, parseMac } from "../../host/control/addresses.js";
import { Adjacencies } from "../../host/control/adjacencies.js";
import { Epochs } from "../../host/control/epoch.js";
import { Neighbours } from "../../host/control/neighbours.js";
import { WeftError, type WeftErrorCode } from "../../host/errors.js";
import { Tables } from "../../host/memory/tables.js";

const buffer = new ArrayBuffer(TABLES_END - TABLES);
const tables = new Tables(buffer);
const view = new DataView(buffer, ADJACENCIES - TABLES);
const MAC = parseMac("02:00:00:00:00:02");
const OTHER = parseMac("02:00:00:00:00:03");
const PEER = parseIp4("192.0.2.2");
const IF = 1;

let now = 0;
let log: string[] = [];
let routeFails: WeftErrorCode | "" = "";
let gone = false;
let adjacencies: Adjacencies;
let neighbours: Neighbours;

test.before.each(() => {
  let epoch = 0;
  now = 1_000_000;
  log = [];
  routeFails = "";
  gone = false;
  const link = { index: IF, name: "host-a", mac: parseMac("02:fe:00:00:00:01"), mtu: 1500 };
  adjacencies = new Adjacencies(tables, new Epochs([() => epoch++]));
  neighbours = new Neighbours(adjacencies, {
    link: (index) => (index === IF && !gone ? link : undefined),
    ask: (_index, _address, mac) => log.push(mac ? "ask it" : "ask all"),
    settle: (_index, _address, reachable) => log.push(reachable ? "release" : "unreachable"),
    route: () => {
      if (routeFails) throw new WeftError(routeFails, "full");
      log.push("route");
    },
    unroute: () => log.push("unroute"),
  }, () => now);
});

/** What happened since the last call. */
const done = (): string[] => log.splice(0);
const state = (): string | undefined => neighbours.get(IF, PEER)?.state;
const field = (offset: number, adjacency = neighbours.get(IF, PEER)!.adjacency): number => view.getUint16(adjacency * ADJACENCY_SIZE + offset, true);
function seconds(n: number): void {
  for (let i = 0; i < n; i++, neighbours.tick()) now += 1000;
}

test("wanted: asked at once and twice more, then forgotten, and what waited is refused", () => {
  neighbours.wanted(IF, PEER);
  const { adjacency } = neighbours.get(IF, PEER)!;
  assert.equal(done(), ["route", "ask all"]);
  assert.is(field(ADJ_NEXT), LOOKUP_NEXT_GLEAN);
  assert.is(view.getUint32(adjacency * ADJACENCY_SIZE + ADJ_NEXT_HOP, true), PEER);
  neighbours.wanted(IF, PEER);
  neighbours.tick();
  assert.equal(done(), [], "not more often than once a second");
  seconds(1);
  assert.equal(done(), ["ask all"]);
  seconds(1);
  assert.equal(done(), ["ask all"]);
  assert.is(state(), "incomplete");
  seconds(1);
  assert.equal(done(), ["unroute", "unreachable"]);
  assert.is(state(), undefined);
  assert.is(field(ADJ_NEXT, adjacency), LOOKUP_NEXT_DROP);
});

test("an answer makes it reachable, writes the link header and lets go of what waits", () => {
  neighbours.wanted(IF, PEER);
  done();
  neighbours.learned(IF, PEER, MAC);
  assert.equal(done(), ["release"]);
  assert.is(state(), "reachable");
  assert.is(field(ADJ_NEXT), LOOKUP_NEXT_REWRITE);
  const at = neighbours.get(IF, PEER)!.adjacency * ADJACENCY_SIZE + ADJ_REWRITE;
  assert.equal([...new Uint8Array(buffer, ADJACENCIES - TABLES + at, 14)], [2, 0, 0, 0, 0, 2, 2, 0xfe, 0, 0, 0, 1, 8, 0]);
  neighbours.wanted(IF, PEER);
  assert.equal(done(), ["release"], "wanted though known: the answer came while the packet was on its way");
  neighbours.learned(IF, PEER, OTHER);
  assert.equal([...new Uint8Array(buffer, ADJACENCIES - TABLES + at, 6)], [...OTHER]);
});

test("after 60 s it is probed, alone; an answer confirms it for 60 s more", () => {
  neighbours.learned(IF, PEER, MAC);
  done();
  seconds(59);
  assert.equal([state(), done()], ["reachable", []]);
  seconds(1);
  assert.equal([state(), done()], ["probe", ["ask it"]]);
  assert.is(field(ADJ_NEXT), LOOKUP_NEXT_REWRITE, "packets go on meanwhile");
  neighbours.learned(IF, PEER, MAC);
  assert.equal([state(), done()], ["reachable", ["release"]]);
  seconds(59);
  assert.equal(done(), []);
  seconds(1);
  assert.equal(done(), ["ask it"]);
});

test("a probe without an answer is asked three times, then forgotten", () => {
  neighbours.learned(IF, PEER, MAC);
  done();
  seconds(62);
  assert.equal([state(), done()], ["probe", ["ask it", "ask it", "ask it"]]);
  seconds(1);
  assert.equal([state(), done()], [undefined, ["unroute", "unreachable"]]);
});

test("a static neighbour neither ages nor believes what it hears", () => {
  neighbours.setStatic(IF, PEER, MAC);
  done();
  neighbours.learned(IF, PEER, OTHER);
  seconds(200);
  assert.equal([state(), done(), neighbours.get(IF, PEER)!.mac], ["static", [], MAC]);
});

test("one that gateway routes go through stays when it does not answer, and can be wanted again", () => {
  const gateway = neighbours.ensure(IF, PEER);
  gateway.routes = 1;
  seconds(100);
  assert.equal(done(), ["route"], "not asked before a packet wants it");
  neighbours.wanted(IF, PEER);
  seconds(3);
  assert.equal(done(), ["ask all", "ask all", "ask all", "unreachable"]);
  assert.is(neighbours.get(IF, PEER), gateway);
  neighbours.wanted(IF, PEER);
  neighbours.learned(IF, PEER, MAC);
  assert.equal(done(), ["ask all", "release"]);
  seconds(63);
  assert.equal([state(), field(ADJ_NEXT)], ["incomplete", LOOKUP_NEXT_GLEAN]);
});

test("at 16,384 neighbours no more are learned or asked for; those there are go on, and so do static ones", () => {
  for (let n = 0; n < 16_384; n++) neighbours.learned(IF, n + 1, MAC);
  done();
  neighbours.learned(IF, 20_000, MAC);
  neighbours.wanted(IF, 20_001);
  assert.equal([neighbours.list().length, done()], [16_384, ["unreachable"]]);
  neighbours.learned(IF, 1, OTHER);
  assert.equal(neighbours.get(IF, 1)!.mac, OTHER);
  neighbours.setStatic(IF, 20_002, MAC);
  assert.is(neighbours.list().length, 16_385);
});

test("an interface that is gone: nothing is learned, what waits is refused", () => {
  neighbours.learned(9, PEER, MAC);
  neighbours.wanted(9, PEER);
  assert.equal([neighbours.list().length, done()], [0, ["unreachable"]]);
  const gateway = neighbours.ensure(IF, PEER);
  gateway.routes = 1;
  neighbours.learned(IF, PEER, MAC);
  gone = true;
  neighbours.forget(gateway);
  assert.equal([state(), done(), field(ADJ_NEXT)], ["incomplete", ["route", "release", "unreachable"], LOOKUP_NEXT_REWRITE]);
});

test("its age is the time since it last answered, s; what never did has none", () => {
  neighbours.wanted(IF, PEER);
  now += 500;
  const info = (): unknown[] => Object.values(neighbours.info(neighbours.get(IF, PEER)!));
  assert.equal(info(), ["192.0.2.2", null, "host-a", "incomplete", 0]);
  neighbours.learned(IF, PEER, MAC);
  now += 1500;
  assert.equal(info(), ["192.0.2.2", "02:00:00:00:00:02", "host-a", "reachable", 1.5]);
});

test("no room in the FIB: what waits is refused, nothing is learned, an operator is told, nothing is left behind", () => {
  const unused = adjacencies["pool"].used;
  routeFails = "NO_MEMORY";
  neighbours.learned(IF, PEER, MAC);
  neighbours.wanted(IF, PEER);
  assert.equal(done(), ["unreachable"]);
  assert.throws(() => neighbours.setStatic(IF, PEER, MAC), (error: WeftError) => error.code === "NO_MEMORY");
  assert.equal([neighbours.list().length, adjacencies["pool"].used], [0, unused]);
  routeFails = "CONFLICT";
  assert.throws(() => neighbours.learned(IF, PEER, MAC), (error: WeftError) => error.code === "CONFLICT", "anything else is not hidden");
  routeFails = "";
  neighbours.wanted(IF, PEER);
  assert.equal(done(), ["route", "ask all"]);
});

test.run();
