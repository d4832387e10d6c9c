// The FIB's trie against a naive longest prefix match: written by Fib, read by the real ip4-lookup node.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ADJ_NO_ROUTE, B_ADJ, BUFFER_START, FIB_PLIES, FIB_PLY_ENTRIES, FIB_PLY_UNIT, FIB_PLY_UNITS, FIB_ROOT, TABLES, VECTOR } from "../../assembly/abi.js";
import { swap } from "../../host/control/addresses.js";
import { Epochs } from "../../host/control/epoch.js";
import { Fib } from "../../host/control/fib.js";
import type { WeftError } from "../../host/errors.js";
import { bufferAt, memory, putPacket, raw, runFrame, u32, view } from "../nodes/harness.js";

const words = new Uint32Array(memory.buffer, TABLES);
const ROOT = (FIB_ROOT - TABLES) / 4;
const root = words.subarray(ROOT, ROOT + 65536);

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

/** Units of the plies that can be reached from the root: what the trie uses. */
function reachable(entries = root): number {
  return entries.reduce((units, entry) => (entry & 1 ? units : units + unitsOf(entry)), 0);
}

/** Units of a ply and of those under it: a power of two that holds a bit for each value, and an entry for each bit that is set. */
function unitsOf(entry: number): number {
  const at = FIB_PLIES + (entry >>> 1) * FIB_PLY_UNIT;
  const bits = new Uint8Array(memory.buffer, at, 32).reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  const own = 2 ** Math.ceil(Math.log2((FIB_PLY_ENTRIES + bits * 4) / FIB_PLY_UNIT));
  assert.ok(own <= 32 && (entry >>> 1) % own === 0, "a block at its own size's place");
  return own + reachable(new Uint32Array(memory.buffer, at + FIB_PLY_ENTRIES, bits));
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
    const fib = new Fib(words, new Epochs([() => epoch]));
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
    epoch++;
    assert.is(used(fib), reachable(), "a ply is lost or used twice");
    for (const { network, length: bits } of table.values()) assert.ok(fib.delete(swap(network), bits));
    epoch++;
    assert.is(used(fib), 0);
    assert.ok(root.every((entry) => entry === ((ADJ_NO_ROUTE << 8) | 1)));
  });
  fc.assert(property, { numRuns: 600 });
  assert.ok(lookups >= 200_000, `${lookups} lookups`);
});

/** A /32 in the k-th /24 of 10.0.0.0/8 and what follows. */
const host = (k: number): number => swap(0x0a000001 + k * 256);

/** A FIB whose space is full, and how many hosts it took in the first place; the worker never lingers. */
function full(): [fib: Fib, hosts: number] {
  let epoch = 0;
  const fib = new Fib(words, new Epochs([() => epoch++]));
  const taken = Array.from({ length: FIB_PLY_UNITS / 32 - 64 }, () => fib["space"].take(5)); // all but 64 of the largest blocks
  assert.ok(!taken.includes(undefined));
  const fill = (route: (k: number) => void): number => {
    for (let k = 0; ; k++) {
      try {
        route(k);
      } catch (error) {
        assert.is((error as WeftError).code, "NO_MEMORY");
        return k;
      }
    }
  };
  const hosts = fill((k) => fib.set(host(k), 32, 7));
  fill((k) => fib.set(swap(0x80000000 + k * 65536), 24, 7)); // what is left, in the smallest plies
  return [fib, hosts];
}

test("out of room: NO_MEMORY, and the table is as before; then routes can still be taken away, and added again", () => {
  const [fib, hosts] = full();
  assert.is(used(fib), FIB_PLY_UNITS);
  const [before, units, own] = [root.slice(), used(fib), reachable()];
  assert.is(own, 64 * 32);
  for (const refused of [raw("192.0.2.1"), host(hosts)]) assert.throws(() => fib.set(refused, 32, 8), /the IPv4 FIB is full/);
  assert.equal(root, before);
  assert.is(used(fib), units);
  assert.is(reachable(), own);
  assert.is(fib.get(raw("192.0.2.1"), 32), undefined);

  for (let k = 0; k < 256; k++) assert.ok(fib.delete(host(k), 32));
  assert.ok(used(fib) < units);
  fib.set(host(hosts), 32, 9);
  const address = 0x0a000001 + hosts * 256;
  compare(new Map([["", { network: address, length: 32, adjacency: 9 }]]), fib, [address, address + 1, 0xc0000201, 0x0a000001]);
});

test("a block that was given back is not written before the worker's next turn", () => {
  let epoch = 0;
  const fib = new Fib(words, new Epochs([() => epoch]));
  fib.set(raw("192.0.2.0"), 24, 7);
  const old = root[0xc000]!;
  const ply = FIB_PLIES + (old >>> 1) * FIB_PLY_UNIT;
  const bytes = new Uint8Array(memory.buffer, ply, FIB_PLY_UNIT);
  const before = bytes.slice();
  for (let third = 0; third < 256; third++) fib.set(swap(0xc0000000 + third * 256), 24, 8 + third);
  assert.is.not(root[0xc000], old);
  assert.equal(bytes, before, "a worker that still looks here finds what was here");
  epoch++;
  for (let k = 0; k < 20_000; k++) fib.set(swap(k * 65536), 24, 9);
  assert.not.equal(bytes, before, "and after its turn the room is used again");
});

test("256 routes alike in one ply are deleted one by one without any room to spare", () => {
  const [fib] = full();
  fib["space"].take = () => undefined;
  for (let k = 0; k < 256; k++) assert.ok(fib.delete(host(k), 32));
  compare(new Map([["", { network: 0x0a010001, length: 32, adjacency: 7 }]]), fib, [0x0a000001, 0x0a00ff01, 0x0a010001]);
});

test.run();
