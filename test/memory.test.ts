import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_STATE, BUFFER_FREE, BUFFER_SHIFT, BUFFER_SIZE, FRAME_SIZE, FREE_LIST_ENTRIES, GRAPH_PENDING, GRAPH_SPARE, NODE_COUNT, WORKER_FRAMES, WORKER_FREE_LIST,
} from "../assembly/abi.js";
import { addon } from "../host/addon.js";
import { WeftError } from "../host/errors.js";
import { bufferCount, createMemory, workerAt } from "../host/memory/memory.js";

const bad = (code: string, text: RegExp) => (error: WeftError) => error instanceof WeftError && error.code === code && text.test(error.message);

test("a pool size gives as many buffers as fit", () => {
  assert.is(bufferCount(undefined, undefined), 16384);
  assert.is(bufferCount(2000, undefined), 2000);
  assert.is(bufferCount(undefined, 3), Math.floor((3 * 1024 * 1024) / 2240));
  assert.is(bufferCount(undefined, 559), 261675);
  assert.throws(() => bufferCount(undefined, 2), bad("BAD_ARGUMENT", /pool size: 2 MiB is not from 3 to 559/));
  assert.throws(() => bufferCount(undefined, 560), bad("BAD_ARGUMENT", /560/));
  assert.throws(() => bufferCount(2000, 10), bad("BAD_ARGUMENT", /give one of them/));
});

test("a number of buffers out of range is refused", () => {
  for (const count of [0, 1023, 262_129, 2000.5, NaN]) assert.throws(() => createMemory(count, 1, () => {}), bad("BAD_ARGUMENT", /buffers/));
});

test("each worker needs its share", () => {
  assert.throws(() => createMemory(1024, 9, () => {}), bad("BAD_ARGUMENT", /^buffers: 1024 are too few for 9 workers: ask for 1152 or more, or for fewer workers$/));
  assert.is(createMemory(1152, 9, () => {}).packets.free(8), 128);
});

test("two workers share the pool out: each buffer is in one free list, once; each node has a frame", () => {
  const notices: string[] = [];
  const { packets, pageSize } = createMemory(3001, 2, (line) => notices.push(line));
  const { pool, poolEnd } = packets.layout;
  assert.is(poolEnd - pool, 3001 * BUFFER_SIZE);
  assert.is((addon.memoryOffset(packets.u8) + pool) % (2 << 20), 0, "the pool lies on a huge page's boundary");
  assert.is(notices.length, pageSize === 4096 ? 1 : 0);
  const seen = new Set<number>();
  for (const worker of [0, 1]) {
    const list = (workerAt(worker) + WORKER_FREE_LIST) >> 2;
    assert.is(packets.free(worker), worker === 0 ? 1500 : 1501);
    for (let i = 0; i < packets.free(worker); i++) seen.add((packets.u32[list + FREE_LIST_ENTRIES / 4 + i]! << BUFFER_SHIFT) >>> 0);
    const graph = workerAt(worker);
    const frames = new Set([packets.u32[(graph + GRAPH_SPARE) >> 2]!]);
    for (let node = 0; node < NODE_COUNT; node++) frames.add(packets.u32[(graph + GRAPH_PENDING + node * 8) >> 2]!);
    assert.is(frames.size, NODE_COUNT + 1);
    assert.is(Math.max(...frames) - Math.min(...frames), NODE_COUNT * FRAME_SIZE);
    assert.is(Math.min(...frames), graph + WORKER_FRAMES);
  }
  assert.is(seen.size, 3001);
  assert.ok([...seen].every((address) => address >= pool && address < poolEnd && (address - pool) % BUFFER_SIZE === 0));
  assert.ok([...seen].every((address) => packets.u16[(address + B_STATE) >> 1] === BUFFER_FREE), "none is in use");
});

test.run();
