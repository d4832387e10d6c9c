// The FIB's trie against a naive longest prefix match: written by Fib, read by the real ip4-lookup node.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_NO_ROUTE, B_ADJ, BUFFER_START, FIB_DEEP, FIB_NUMBERS, FIB_PLIES, FIB_PLY_ENTRIES, FIB_PLY_PLACES, FIB_PLY_UNIT, FIB_PLY_UNITS, FIB_ROOT,
  TABLES, VECTOR,
} from "../../assembly/abi.js";
import { swap } from "../../host/control/addresses.js";
import { Epochs } from "../../host/control/epoch.js";
import { Fib } from "../../host/control/fib.js";
import type { WeftError } from "../../host/errors.js";
import { bufferAt, memory, putPacket, raw, runFrame, u32, view } from "../nodes/harness.js";

const words = new Uint32Array(memory.buffer, TABLES);
const root = new Uint16Array(memory.buffer, FIB_ROOT, 1 << 24);

interface Route { network: number; length: number; adjacency: number }
/** Networks in host order here; the table's key is its text. */
type Table = Map<string, Route>;

const mask = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
const last = ({ network, length }: Route): number => (network | ~mask(length)) >>> 0;

function naive(table: Table, address: number): number {
  let best: Route | undefined;
  for (const route of table.values()) {
    if (((address & mask(route.length)) >>> 0) === route.network && (!best || route.length > best.length)) best = route;
  }
  return best?.adjacency ?? ADJ_NO_ROUTE;
}

let lookups = 0;

/** Units that the trie has not given back, once the worker is past those that it has. */
function used(fib: Fib): number {
  fib["space"].reclaim();
  return fib["space"].used;
}

/** Sends one vector of destinations (host order) through ip4-lookup and compares each adjacency. */
function compare(table: Table, fib: Fib, addresses: number[]): void {
  addresses.forEach((address, i) => view.setUint32(bufferAt(i) + BUFFER_START + 16, address));
  runFrame("ip4-lookup", addresses.length);
  addresses.forEach((address, i) => {
    const expected = naive(table, address);
    if (u32(i, B_ADJ) !== expected || fib.lookup(swap(address)) !== expected) {
      assert.is(u32(i, B_ADJ), expected, `ip4-lookup of ${address.toString(16)} among ${JSON.stringify([...table.values()])}`);
      assert.is(fib.lookup(swap(address)), expected, `Fib.lookup of ${address.toString(16)}`);
    }
  });
  lookups += addresses.length;
}

/** Both ends of a prefix, and the addresses just outside. */
const edges = (route: Route): number[] => [route.network, last(route), (route.network - 1) >>> 0, (last(route) + 1) >>> 0];

/** Units of the plies that can be reached from the root's entries for these addresses: what the trie uses. */
function reachable(addresses: number[]): number {
  const entries = [...new Set(addresses.map((one) => one >>> 8))].map((at) => root[at]!).filter((entry) => entry >= FIB_DEEP);
  return entries.reduce((units, entry) => units + unitsOf(entry), 0);
}

/** Units of a ply: a power of two that holds a bit for each value, and an entry for each bit that is set. */
function unitsOf(entry: number): number {
  const at = view.getUint32(FIB_PLY_PLACES + 4 * (entry - FIB_DEEP), true);
  const bits = new Uint8Array(memory.buffer, at, 32).reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  const own = 2 ** Math.ceil(Math.log2((FIB_PLY_ENTRIES + bits * 2) / FIB_PLY_UNIT));
  assert.ok(own <= 16 && ((at - FIB_PLIES) / FIB_PLY_UNIT) % own === 0, "a block at its own size's place");
  return own;
}

// Few bases and few low bits, so that prefixes nest, share plies and cover each other.
const address = fc
  .tuple(fc.constantFrom(0, 0x0a000000, 0x0a010000, 0xc0000200, 0xffffff00), fc.oneof(fc.nat(3), fc.nat(255), fc.nat(0xffff), fc.nat(0xffffff)))
  .map(([base, low]) => (base ^ low) >>> 0);
const length = fc.oneof(
  { weight: 1, arbitrary: fc.nat(15) }, { weight: 8, arbitrary: fc.integer({ min: 16, max: 32 }) },
  { weight: 6, arbitrary: fc.constantFrom(16, 17, 23, 24, 25, 31, 32) },
);
const [deletes, many] = [fc.nat(3).map((n) => n === 0), fc.nat(2).map((n) => n === 0)];
const operation = fc.record({ deletes, many, address, length, adjacency: fc.integer({ min: 1, max: 40 }) });

test.before(() => {
  for (let i = 0; i < VECTOR; i++) putPacket(i, { hex: "4500001400004000400100000a0000010a000002", l2: 0 });
});

test("random tables and updates: at least 100,000 lookups agree with the oracle", () => {
  const updates = fc.array(operation, { minLength: 40, maxLength: 160 });
  const anywhere = fc.array(fc.nat(0xffffffff), { minLength: 32, maxLength: 32 });
  const property = fc.property(updates, anywhere, (operations, strangers) => {
    let epoch = 0;
    const fib = new Fib(words, new Epochs([() => epoch]));
    const table: Table = new Map();
    operations.forEach(({ deletes: gone, many: more, address: any, length: bits, adjacency }, step) => {
      const route = { network: (any & mask(bits)) >>> 0, length: bits, adjacency };
      const key = `${route.network}/${bits}`;
      const [old, target] = [table.get(key)?.adjacency ?? 0, gone ? 0 : adjacency];
      assert.is(more ? fib.put(swap(route.network), bits, target) : fib.set(swap(route.network), bits, target), old);
      if (gone) table.delete(key);
      else table.set(key, route);
      assert.is(fib.size, table.size);
      assert.is(fib.get(swap(route.network), bits), table.get(key)?.adjacency ?? 0);
      if (!more) compare(table, fib, [...edges(route), any]);
      if (step % 3 === 0) epoch++;
    });
    fib.flush();
    compare(table, fib, [...table.values()].flatMap(edges).slice(0, VECTOR));
    compare(table, fib, [...strangers, ...operations.slice(0, VECTOR - strangers.length).map((one) => one.address)]);
    const found: string[] = [];
    fib.forEach((network, bits, target) => found.push(`${swap(network)}/${bits} ${target}`));
    assert.equal(found.sort(), [...table.values()].map((route) => `${route.network}/${route.length} ${route.adjacency}`).sort());
    epoch++;
    assert.is(used(fib), reachable(operations.map((one) => one.address)), "a ply is lost or used twice");
    for (const { network, length: bits, adjacency } of table.values()) assert.is(fib.put(swap(network), bits, 0), adjacency);
    fib.flush();
    epoch++;
    assert.is(used(fib), 0);
    assert.is(fib.size, 0);
    for (const { address: any } of operations) assert.is(root[any >>> 8], ADJ_NO_ROUTE);
  });
  fc.assert(property, { numRuns: 300 });
  assert.ok(root.every((entry) => entry === ADJ_NO_ROUTE));
  assert.ok(lookups >= 100_000, `${lookups} lookups`);
});

/** A /32 in the k-th /24 of 10.0.0.0/8 and what follows. */
const host = (k: number): number => swap(0x0a000001 + k * 256);

/** A FIB with room for 64 of the largest plies, filled with hosts; how many it took. The worker never lingers. */
function full(): [fib: Fib, hosts: number] {
  let epoch = 0;
  const fib = new Fib(words, new Epochs([() => epoch++]));
  const taken = Array.from({ length: FIB_PLY_UNITS / 16 - 64 }, () => fib["space"].take(4)); // all but 64 of the largest blocks
  assert.ok(!taken.includes(undefined));
  for (let k = 0; ; k++) {
    try {
      fib.set(host(k), 32, 7);
    } catch (error) {
      assert.is((error as WeftError).code, "NO_MEMORY");
      return [fib, k];
    }
  }
}

test("out of room: NO_MEMORY, and the table is as before; then routes can still be taken away, and added again", () => {
  const [fib, hosts] = full();
  assert.is(hosts, 64 * 16);
  assert.is(used(fib), FIB_PLY_UNITS);
  const [before, numbers] = [root.slice(), fib["numbers"].used];
  for (const refused of [raw("192.0.2.1"), host(hosts)]) assert.throws(() => fib.set(refused, 32, 8), /the IPv4 FIB is full/);
  assert.ok(Buffer.compare(Buffer.from(root.buffer, root.byteOffset, root.byteLength), Buffer.from(before.buffer)) === 0);
  assert.is(used(fib), FIB_PLY_UNITS);
  assert.is(fib["numbers"].used, numbers);
  assert.is(fib.get(raw("192.0.2.1"), 32), 0);
  fib.set(swap(0x0a000000), 8, 9); // needs no ply
  compare(new Map([["", { network: 0x0a000000, length: 8, adjacency: 9 }]]), fib, [0x0a000000, 0x0a000002, 0x0affff00]);

  for (let k = 0; k < 256; k++) assert.is(fib.set(host(k), 32, 0), 7);
  assert.ok(used(fib) < FIB_PLY_UNITS);
  fib.set(host(hosts), 32, 11);
  assert.is(fib.lookup(host(hosts)), 11);
  assert.is(fib.lookup(host(0)), 9);
});

test("as many networks can have longer prefixes as plies have numbers", () => {
  let epoch = 0;
  const fib = new Fib(words, new Epochs([() => epoch++]));
  for (let k = 0; k < FIB_NUMBERS; k++) fib.set(host(k), 32, 7);
  assert.throws(() => fib.set(host(FIB_NUMBERS), 32, 7), /the IPv4 FIB is full: 32768 networks/);
  fib.set(host(3), 32, 0);
  fib.set(host(FIB_NUMBERS), 32, 8);
  assert.equal([fib.lookup(host(FIB_NUMBERS)), fib.lookup(host(3)), fib.lookup(host(4))], [8, 0, 7]);
});

test("a ply that was given back is not written before the worker's next turn, and is found where it was", () => {
  let epoch = 0;
  const fib = new Fib(words, new Epochs([() => epoch]));
  const at = 0xc00002;
  fib.set(raw("192.0.2.1"), 32, 7);
  const entry = root[at]!;
  const ply = view.getUint32(FIB_PLY_PLACES + 4 * (entry - FIB_DEEP), true);
  const bytes = new Uint8Array(memory.buffer, ply, FIB_PLY_UNIT);
  const before = bytes.slice();
  fib.set(raw("192.0.2.1"), 32, 0);
  assert.is(root[at], ADJ_NO_ROUTE);
  for (let k = 0; k < 300; k++) fib.set(swap(0xc6000001 + k * 256), 32, 8);
  assert.is(view.getUint32(FIB_PLY_PLACES + 4 * (entry - FIB_DEEP), true), ply);
  assert.equal(bytes, before, "a worker that still looks here finds what was here");
  epoch++;
  for (let k = 300; k < 600; k++) fib.set(swap(0xc6000001 + k * 256), 32, 9);
  assert.not.equal(bytes, before, "and after its turn the room is used again");
});

test("256 routes alike in one ply are deleted one by one without any room to spare", () => {
  const fib = new Fib(words, new Epochs([() => 0]));
  for (let k = 0; k < 256; k++) fib.set(swap(0x0a000000 + k), 32, 7);
  fib["space"].take = () => undefined;
  for (let k = 0; k < 255; k++) assert.is(fib.set(swap(0x0a000000 + k), 32, 0), 7);
  compare(new Map([["", { network: 0x0a0000ff, length: 32, adjacency: 7 }]]), fib, [0x0a000000, 0x0a0000fe, 0x0a0000ff]);
});

test.run();
