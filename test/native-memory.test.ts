// The memory's layout, seen from WebAssembly: what is protected traps and the process lives on.

import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PAGE, TABLES, TABLES_END } from "../assembly/abi.js";
import { addon } from "../host/addon.js";
import { createMemory, workerAt } from "../host/memory/memory.js";

// (module (import "env" "memory" (memory 1 65536 shared))
//   (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
//   (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))
const PEEK = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  0x01, 0x0b, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0,
  0x02, 0x12, 1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3, 1, 0x80, 0x80, 0x04,
  0x03, 0x03, 2, 0, 1,
  0x07, 0x10, 2, 4, 0x6c, 0x6f, 0x61, 0x64, 0, 0, 5, 0x73, 0x74, 0x6f, 0x72, 0x65, 0, 1,
  0x0a, 0x13, 2, 7, 0, 0x20, 0, 0x28, 2, 0, 0x0b, 9, 0, 0x20, 0, 0x20, 1, 0x36, 2, 0, 0x0b,
);
interface Peek {
  load(address: number): number;
  store(address: number, value: number): void;
}

const { packets, tables } = createMemory(1024, 1, () => {});
const peek = new WebAssembly.Instance(new WebAssembly.Module(PEEK), { env: { memory: packets.memory } }).exports as unknown as Peek;

const isTrap = (error: Error): boolean => error instanceof WebAssembly.RuntimeError;

test("page zero traps, its neighbour does not", () => {
  assert.throws(() => peek.load(0), isTrap);
  assert.throws(() => peek.load(PAGE - 4), isTrap);
  assert.throws(() => peek.store(64, 1), isTrap);
  peek.load(PAGE);
});

test("WebAssembly reads what the host writes through the alias", () => {
  const alias = new Uint32Array(tables);
  assert.is(tables.byteLength, TABLES_END - TABLES);
  for (const address of [TABLES + 0x1000, TABLES_END - 4]) {
    alias[(address - TABLES) >> 2] = 0x600df00d;
    assert.is(peek.load(address), 0x600df00d);
  }
});

test("a store to the tables traps and changes nothing", () => {
  const before = peek.load(TABLES + 0x1000);
  assert.throws(() => peek.store(TABLES, 1), isTrap);
  assert.throws(() => peek.store(TABLES + 0x1000, 1), isTrap);
  assert.throws(() => peek.store(TABLES_END - 4, 1), isTrap);
  assert.is(peek.load(TABLES + 0x1000), before);
  peek.store(TABLES_END, 7);
  assert.is(peek.load(TABLES_END), 7);
});

test("the pool can be written from its first byte to its last", () => {
  const { pool, poolEnd } = packets.layout;
  for (let address = pool; address < poolEnd; address += 4096) peek.store(address, address);
  peek.store(poolEnd - 4, 5);
  assert.is(peek.load(poolEnd - 4), 5);
  assert.is((pool + addon.memoryOffset(packets.u8)) % 2 ** 21, 0);
});

test("the protection holds in a worker thread", async () => {
  const source = `
    const { workerData, parentPort } = require("node:worker_threads");
    const { load, store } = new WebAssembly.Instance(new WebAssembly.Module(workerData.code), { env: { memory: workerData.memory } }).exports;
    const outcomes = [() => load(0), () => store(${TABLES}, 1)].map((act) => {
      try { act(); return "no trap"; } catch (error) { return error.constructor.name; }
    });
    parentPort.postMessage(outcomes);`;
  const worker = new Worker(source, { eval: true, workerData: { code: PEEK, memory: packets.memory } });
  assert.equal(await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject)), ["RuntimeError", "RuntimeError"]);
  await worker.terminate();
});

test("regions out of the memory or out of order are refused", () => {
  const { pool, poolEnd } = packets.layout;
  const beyond = packets.u8.length + PAGE;
  const refuse = (act: () => unknown): void => assert.throws(act, (error: Error) => error instanceof RangeError);
  refuse(() => addon.mapMemory(packets.u8, TABLES, TABLES_END, pool, beyond));
  refuse(() => addon.mapMemory(packets.u8, TABLES, beyond, beyond, beyond));
  refuse(() => addon.mapMemory(packets.u8, TABLES + 1, TABLES_END, pool, poolEnd));
  refuse(() => addon.mapMemory(packets.u8, 0, TABLES_END, pool, poolEnd));
  refuse(() => addon.mapMemory({} as Uint8Array, TABLES, TABLES_END, pool, poolEnd));
  refuse(() => addon.attachWorker(packets.u8, workerAt(0), pool, beyond));
  refuse(() => addon.attachWorker(packets.u8, workerAt(0) + 64, pool, poolEnd));
  refuse(() => addon.attachWorker(packets.u8, pool, pool, poolEnd));
  refuse(() => addon.receive(0, workerAt(0), 1, 0)); // no worker on this thread
});

test("the clock runs at the rate that was measured", () => {
  const rate = addon.clockRate();
  assert.is(addon.clockRate(), rate);
  const seconds = (): number => Number(process.hrtime.bigint()) / 1e9;
  const outer = seconds();
  addon.lap();
  const inner = seconds();
  while (seconds() - inner < 0.02);
  const innerTime = seconds() - inner;
  const clocks = addon.lap();
  // Between the two times that enclose the laps, however long something else had the CPU there.
  assert.ok(clocks > 0.98 * rate * innerTime && clocks < 1.02 * rate * (seconds() - outer), `${clocks} clocks, ${rate} a second, ${innerTime} s`);
});

test("a failed system call names itself and its errno", () => {
  type SystemError = Error & { code?: string; syscall?: string };
  assert.throws(() => addon.pinThread(100_000), ({ code, syscall }: SystemError) => code === "EINVAL" && syscall === "sched_setaffinity");
});

test.run();
