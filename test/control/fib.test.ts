// The FIB's trie against a naive longest prefix match: written by Fib, read by the real ip4-lookup node.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ADJ_NO_ROUTE, B_ADJ, BUFFER_START, FIB_PLY_COUNT, FIB_ROOT, TABLES, VECTOR } from "../../assembly/abi.js";
import { swap } from "../../host/control/addresses.js";
import { Fib } from "../../host/control/fib.js";
import { WeftError } from "../../host/errors.js";
import { bufferAt, memory, putPacket, raw, runFrame, u32, view } from "../nodes/harness.js";

const words = new Uint32Array(memory.buffer, TABLES);
const PLIES_FROM = (FIB_ROOT - TABLES) / 4 + 65536;

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

/** Plies that can be reached from the root: what the trie uses. */
function reachable(): number {
  const under = (from: number, count: number): number => {
    let found = 0;
    for (let at = from; at < from + count; at++) if ((words[at]! & 1) === 0) found += 1 + under(PLIES_FROM + (words[at]! >>> 1) * 256, 256);
    return found;
  };
  return under(PLIES_FROM - 65536, 65536);
}

// Few bases and few low bits, so that prefixes nest, share plies and cover each other.
const address = fc
  .tuple(fc.constantFrom(0, 0x0a000000, 0x0a010000, 0xc0000200, 0xffffff00), fc.oneof(fc.nat(3), fc.nat(255), fc.nat(0xffff), fc.nat(0xffffff)))
  .map(([base, low]) => (base ^ low) >>> 0);
const length = fc.oneof(fc.nat(32), fc.constantFrom(0, 8, 15, 16, 17, 23, 24, 25, 31, 32));
const operation = fc.record({ deletes: fc.nat(3).map((n) => n === 0), address, length, adjacency: fc.integer({ min: 1, max: 40 }) });

test.before(() => {
  for (let i = 0; i < VECTOR; i++) putPacket(i, { hex: "4500001400004000400100000a0000010a000002", l2: 0 });
});

test("random tables and updates: at least 200,000 lookups agree with the oracle", () => {
  const updates = fc.array(operation, { minLength: 40, maxLength: 160 });
  const anywhere = fc.array(fc.nat(0xffffffff), { minLength: 32, maxLength: 32 });
  const property = fc.property(updates, anywhere, (operations, strangers) => {
    let epoch = 0;
    const fib = new Fib(words, () => epoch);
    const table: Table = new Map();
    operations.forEach(({ deletes, address: any, length: bits, adjacency }, step) => {
      const route = { network: (any & mask(bits)) >>> 0, length: bits, adjacency };
      const key = `${route.network}/${bits}`;
      if (deletes) assert.is(fib.delete(swap(route.network), bits), table.delete(key));
      else fib.set(swap(route.network), bits, adjacency), table.set(key, route);
      assert.is(fib.size, table.size);
      assert.is(fib.get(swap(route.network), bits), table.get(key)?.adjacency);
      compare(table, fib, [...edges(route), any]);
      if (step % 3 === 0) epoch++;
    });
    compare(table, fib, [...table.values()].flatMap(edges).slice(0, VECTOR));
    compare(table, fib, [...strangers, ...operations.slice(0, VECTOR - strangers.length).map((one) => one.address)]);
    assert.is(fib["plies"].used, reachable(), "a ply is lost or used twice");
    for (const { network, length: bits } of table.values()) assert.ok(fib.delete(swap(network), bits));
    assert.is(fib["plies"].used, 0);
    assert.ok(words.subarray(PLIES_FROM - 65536, PLIES_FROM).every((entry) => entry === ((ADJ_NO_ROUTE << 8) | 1)));
  });
  fc.assert(property, { numRuns: 600 });
  assert.ok(lookups >= 200_000, `${lookups} lookups`);
});

/** A /32 in the k-th /24 of 10.0.0.0/8. */
const host = (k: number): number => swap(0x0a000001 + k * 256);

function expectFull(change: () => unknown): void {
  try {
    change();
  } catch (error) {
    assert.instance(error, WeftError);
    return assert.is((error as WeftError).code, "NO_MEMORY");
  }
  assert.unreachable("the trie took one more route");
}

test("out of plies: NO_MEMORY, and the table is as before", () => {
  let epoch = 0;
  const fib = new Fib(words, () => epoch);
  const fits = FIB_PLY_COUNT - Math.ceil(FIB_PLY_COUNT / 257) - 1;
  for (let k = 0; k < fits; k++) fib.set(host(k), 32, 7);
  // One ply is left: not enough for a /32 in a /16 that has none yet, which needs two.
  assert.is(fib["plies"].used, FIB_PLY_COUNT - 1);
  const before = words.slice(PLIES_FROM - 65536, PLIES_FROM);
  expectFull(() => fib.set(raw("192.0.2.1"), 32, 8));
  assert.is(fib["plies"].used, FIB_PLY_COUNT - 1);
  assert.equal(words.subarray(PLIES_FROM - 65536, PLIES_FROM), before);
  assert.is(fib.get(raw("192.0.2.1"), 32), undefined);
  assert.is(fib.size, fits);

  epoch++;
  fib.set(host(fits), 32, 9);
  expectFull(() => fib.set(host(fits + 1), 32, 9));
  const address = 0x0a000001 + fits * 256;
  compare(new Map([["", { network: address, length: 32, adjacency: 9 }]]), fib, [address, address + 1, 0xc0000201]);
  assert.ok(fib.delete(host(0), 32));
  epoch++;
  fib.set(host(fits + 1), 32, 9);
});

test("a full trie can still be emptied: 256 routes alike in one ply, deleted one by one", () => {
  const fib = new Fib(words, () => 0);
  for (let low = 0; low < 256; low++) fib.set(swap(0xc0000200 + low), 32, 7);
  for (let k = 0; fib["plies"].used < FIB_PLY_COUNT; k++) {
    if (fib["plies"].used === FIB_PLY_COUNT - 1 && k % 256 === 0) fib.set(swap(0x0b000000), 24, 7);
    else fib.set(host(k), 32, 7);
  }
  for (let low = 0; low < 256; low++) assert.ok(fib.delete(swap(0xc0000200 + low), 32));
  assert.is(fib["plies"].used, FIB_PLY_COUNT - 2);
});

test.run();
