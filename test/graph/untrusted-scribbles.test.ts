// What a node from outside writes over, that is the graph's own: put back where a copy of it is kept, else found before it does harm.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_DATA, B_LENGTH, B_STATE, BUFFER_HELD, GRAPH_ASLEEP, GRAPH_BAD_BUFFER, GRAPH_CHAINED, GRAPH_CIRCLED, GRAPH_COPIES, GRAPH_DROPPED,
  GRAPH_EPOCH, GRAPH_FRAME, GRAPH_HELD, GRAPH_MAIL, GRAPH_NO_COPY, GRAPH_ORIGINATED, GRAPH_PACKETS, GRAPH_PENDING, GRAPH_READY, GRAPH_READY_HEAD,
  GRAPH_READY_TAIL, GRAPH_SPARE, TABLES, VECTOR, WORKER_FRAMES, WORKER_FREE_LIST,
} from "../../assembly/abi.js";
import { addressOf, allocate, BUFFERS, finish, free, G, graph, leave, pending, reset, running, u16, u32 } from "./driver.js";

const wasm = graph as unknown as Record<"seal" | "unseal" | "isSafe", (...words: number[]) => number>;
const word = (offset: number): number => (G + offset) >> 2;

const KEPT: Record<string, number> = {
  "the ready ring's head": GRAPH_READY_HEAD, "the ready ring's tail": GRAPH_READY_TAIL, "the spare frame": GRAPH_SPARE, "the epoch": GRAPH_EPOCH,
  "packets dropped": GRAPH_DROPPED, "and their upper half": GRAPH_DROPPED + 4, "bad buffers": GRAPH_BAD_BUFFER, "packets held": GRAPH_HELD,
  "packets originated": GRAPH_ORIGINATED, "the frame in hand": GRAPH_FRAME, "how many packets in it": GRAPH_PACKETS, sleep: GRAPH_ASLEEP,
  "copies that wait": GRAPH_COPIES, "copies not made": GRAPH_NO_COPY, "packets in circles": GRAPH_CIRCLED + 4,
  "chains on their way": GRAPH_CHAINED, "free buffers": WORKER_FREE_LIST,
};

for (const [name, offset] of Object.entries(KEPT)) {
  test(`put back, and told: ${name}`, () => {
    const before = u32[word(offset)]!;
    for (const value of [before + 1, before ^ 0x80000000, 0xffffffff]) {
      wasm.seal(G);
      u32[word(offset)] = value;
      assert.equal([wasm.unseal(G), u32[word(offset)], wasm.unseal(G)], [1, before, 0]);
    }
  });
}

test("not told: nothing at all, and mail, which comes at any time", () => {
  wasm.seal(G);
  assert.is(wasm.unseal(G), 0);
  u32[word(GRAPH_MAIL)]!++;
  assert.equal([wasm.unseal(G), u32[word(GRAPH_MAIL)]], [0, 1]);
});

/** Has a packet wait for node 1, while something is written over: take() traps and has changed nothing. */
function traps(at: number, values: number[]): void {
  reset();
  const [index] = allocate(1);
  graph.enqueue(G, 1, index!);
  const kept = [...u32.subarray(G >> 2, word(GRAPH_PENDING + 2048))];
  const whole = u32[at]!;
  for (const value of values) {
    u32[at] = value;
    assert.throws(() => graph.take(G), /unreachable/);
    u32[at] = whole;
    assert.equal([...u32.subarray(G >> 2, word(GRAPH_PENDING + 2048))], kept);
  }
  assert.is(graph.take(G), 1);
  finish(1);
}

test("a ready ring that goes backwards, or is longer than there are nodes", () => {
  traps(word(GRAPH_READY_HEAD), [u32[word(GRAPH_READY_TAIL)]! + 2, 0x7fffffff]);
  traps(word(GRAPH_READY_TAIL), [0x7fffffff, u32[word(GRAPH_READY_HEAD)]! - 1]);
});

test("a node that cannot be, and one that has nothing", () => {
  const tail = u32[word(GRAPH_READY_TAIL)]! & 255;
  const half = tail & 1 ? 16 : 0;
  traps((G + GRAPH_READY + (tail & ~1) * 2) >> 2, [0x100, 0xffff, 4].map((node) => (node << half) >>> 0));
});

test("a frame that is none: page zero, tables, between two frames, behind them, beyond the memory; no packets in it, or too many", () => {
  const at = (G + GRAPH_PENDING + 8) >> 2;
  traps(at, [0, TABLES, pending(1).frame + 4, G + WORKER_FRAMES - 1600, G + WORKER_FREE_LIST - 4, 0xffffffc0]);
  traps(at + 1, [0, VECTOR + 1, 0xffffffff]);
});

test("what JavaScript may look at: buffers in use, whose header leads nowhere else", () => {
  reset();
  const all = allocate(3);
  leave(all, [0, 0, 0]);
  const { frame, n } = running();
  const buffer = addressOf(all[1]!);
  assert.is(wasm.isSafe(frame, n), 1);
  const changes: [view: Uint16Array | Uint32Array, at: number, values: number[]][] = [
    [u32, (frame >> 2) + 1, [0, 1, 0xffffffff, all[1]! + 1]],
    [u16, (buffer + B_STATE) >> 1, [0, BUFFER_HELD]],
    [u16, (buffer + B_DATA) >> 1, [0, 63, 2241, 0xffff]],
    [u16, (buffer + B_LENGTH) >> 1, [2049, 0xffff]],
  ];
  for (const [view, at, values] of changes) {
    const whole = view[at]!;
    for (const value of values) {
      view[at] = value;
      assert.is(wasm.isSafe(frame, n), 0, `${value}`);
    }
    view[at] = whole;
  }
  assert.is(wasm.isSafe(frame, n), 1);
  finish(1);
  assert.is(free(), BUFFERS);
});

test.run();
