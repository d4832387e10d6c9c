// Several paths: literal choices, and for random flows that one takes one path, whatever its packets look like otherwise, and that all
// buckets get their share.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_BUCKETS, B_ADJ, B_TX_IF, CONTROL, CONTROL_FLOW_SEED, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_PATHS, LOOKUP_NEXT_REWRITE,
  PATH_BUCKETS, PATH_SETS, VECTOR,
} from "../../assembly/abi.js";
import { putPacket, reset, run, runFrame, setAdjacency, setRoute, u16, u32, view } from "./harness.js";

const NODE = "ip4-lookup";
const SEED = 0x12345678;

/** An adjacency for each bucket: 100 … 355. */
function setUp(paths = PATH_BUCKETS): void {
  reset();
  view.setUint32(CONTROL + CONTROL_FLOW_SEED, SEED, true);
  setAdjacency(50, { next: LOOKUP_NEXT_PATHS, tx: 7 });
  view.setUint32(ADJACENCIES + 50 * ADJACENCY_SIZE + ADJ_BUCKETS, PATH_SETS + 512, true);
  for (let k = 0; k < PATH_BUCKETS; k++) {
    view.setUint16(PATH_SETS + 512 + 2 * k, 100 + (k % paths), true);
    setAdjacency(100 + k, { next: k % 2 === 0 ? LOOKUP_NEXT_REWRITE : LOOKUP_NEXT_GLEAN, tx: 1 + (k % 3) });
  }
  setRoute("10.0.0.0/16", 50);
}

const byte = (value: number): string => (value & 255).toString(16).padStart(2, "0");
const word = (value: number): string => byte(value >>> 8) + byte(value);
const long = (value: number): string => word(value >>> 16) + word(value);
interface Flow { source: number; target: number; protocol: number; ports: number }
interface Rest { tos: number; id: number; ttl: number; bits: number; options: number; length: number }

function packet({ source, target, protocol, ports }: Flow, { tos, id, ttl, bits, options, length }: Rest) {
  const header = `4${(5 + options).toString(16)}${byte(tos)}${word(length)}${word(id)}${word(bits)}${byte(ttl)}${byte(protocol)}0000${long(source)}${long(0x0a000000 + target)}`;
  return { hex: header + "01".repeat(options * 4) + long(ports) + "00".repeat(length), l2: 0 };
}

/** Independent of the node: MurmurHash3 of seed and words, written from its description. */
function hash(words: number[]): number {
  const rotate = (x: number, by: number): number => ((x << by) | (x >>> (32 - by))) >>> 0;
  let h = SEED;
  for (const one of words) h = (Math.imul(rotate((h ^ Math.imul(rotate(Math.imul(one, 0xcc9e2d51) >>> 0, 15), 0x1b873593)) >>> 0, 13), 5) + 0xe6546b64) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}
/** As a little-endian load finds it. */
const loaded = (value: number): number => ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

function expected({ source, target, protocol, ports }: Flow, { bits }: Rest): number {
  const addresses = [loaded(source), loaded(0x0a000000 + target)];
  if ((bits & 0x3fff) !== 0) return 100 + (hash(addresses) % PATH_BUCKETS);
  const more = [6, 17, 33, 132, 136].includes(protocol) ? [protocol, loaded(ports)] : [protocol];
  return 100 + (hash([...addresses, ...more]) % PATH_BUCKETS);
}

const flow = fc.record({ source: fc.nat(0xffffffff), target: fc.nat(0xffff), protocol: fc.oneof(fc.constantFrom(1, 6, 17, 33, 47, 132, 136), fc.nat(255)), ports: fc.nat(0xffffffff) });
const rest = fc.record({
  tos: fc.nat(255), id: fc.nat(0xffff), ttl: fc.nat(255), bits: fc.constantFrom(0, 0, 0x4000, 0x8000, 0x2000, 1, 0x2003), options: fc.nat(10), length: fc.nat(60),
});

test("a flow's packets take the path of its hash, and leave by that path's interface", () => {
  setUp();
  fc.assert(fc.property(flow, fc.array(rest, { minLength: 1, maxLength: 20 }), (one, packets) => {
    packets.forEach((each, i) => putPacket(i, packet(one, each)));
    const next = runFrame(NODE, packets.length);
    packets.forEach((each, i) => {
      const adjacency = expected(one, each);
      assert.equal([u32(i, B_ADJ), next[i], u16(i, B_TX_IF)], [adjacency, adjacency % 2 === 0 ? "ip4-rewrite" : "ip4-glean", 1 + ((adjacency - 100) % 3)]);
    });
  }), { numRuns: 2000, seed: 1 });
});

test("a packet too short for ports goes by what there is", () => {
  setUp();
  const whole = packet({ source: 1, target: 2, protocol: 17, ports: 0x12345678 }, { tos: 0, id: 0, ttl: 64, bits: 0, options: 0, length: 0 });
  const cut = { ...whole, hex: whole.hex.slice(0, 2 * 23) };
  run(NODE, cut);
  assert.is(u32(0, B_ADJ), 100 + (hash([loaded(1), loaded(0x0a000002), 17]) % PATH_BUCKETS));
});

/** How many of these flows each of so many paths gets. */
function spread(paths: number, flows: Flow[]): number[] {
  setUp(paths);
  const got = Array<number>(paths).fill(0);
  for (let from = 0; from < flows.length; from += VECTOR) {
    const part = flows.slice(from, from + VECTOR);
    part.forEach((one, i) => putPacket(i, packet(one, { tos: 0, id: 0, ttl: 64, bits: 0, options: 0, length: 0 })));
    runFrame(NODE, part.length);
    part.forEach((_, i) => got[u32(i, B_ADJ) - 100]!++);
  }
  return got;
}

test("flows that differ in one thing only, one after the other, are spread evenly: chi-squared at 1 in 10,000", () => {
  const n = 8192;
  const series: [string, (i: number) => Flow][] = [
    ["ports", (i) => ({ source: 0xc0000202, target: 1, protocol: 17, ports: ((40000 + i) << 16) | 53 })],
    ["sources", (i) => ({ source: 0xc0000000 + i, target: 1, protocol: 47, ports: 0 })],
    ["destinations", (i) => ({ source: 0xc0000202, target: i, protocol: 1, ports: 0 })],
    ["both addresses", (i) => ({ source: 0xc0000000 + i, target: i, protocol: 6, ports: 0x01bb01bb })],
  ];
  // the 0.9999 quantiles of chi-squared with 1, 2, 3, 7, 15 degrees of freedom
  for (const [paths, most] of [[2, 15.1], [4, 21.1], [8, 29.9], [16, 44.3]] as const) {
    for (const [what, at] of series) {
      const got = spread(paths, Array.from({ length: n }, (_, i) => at(i)));
      const chi = got.reduce((sum, count) => sum + (count - n / paths) ** 2 / (n / paths), 0);
      assert.ok(chi < most, `${what} over ${paths}: ${got.join(" ")} (${chi.toFixed(1)})`);
    }
  }
});

test.run();
