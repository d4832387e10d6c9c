// Copies that nodes ask for: a next slot in the upper half of the next slot. The graph makes them, and lets them in when it is at rest.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_DATA, B_FLAGS, B_LENGTH, B_NEXT, B_OPAQUE, B_STATE, B_TOTAL, BUFFER_HELD, BUFFER_START, BUFFER_USED, COPIES_MAX, COPY_SHIFT, GRAPH_BAD_BUFFER,
  GRAPH_COPIES, GRAPH_COPY, GRAPH_DROPPED, GRAPH_NO_COPY, GRAPH_ORIGINATED, NODE_BAD_NEXT, VECTOR,
} from "../../assembly/abi.js";
import {
  addressOf, allocate, buffersIn, BUFFERS, counted, finish, free, G, graph, leave, reset, running, runtime, setSlots, total, u16, u32, u64, u8, WASM,
} from "./driver.js";

const TO_1 = 0; // next slots of node 0: nodes 1, 2, 5 and the free list
const TO_2 = 1;
const TO_5 = 2;
const TO_FREE = 3;
const NOWHERE = 9;
/** A next slot with a copy: slot 0 there is none. */
const both = (slot: number, copy: number): number => slot | (copy << COPY_SHIFT);

/** A packet whose bytes tell which it is, in `pieces` buffers. */
function packet(tag: number, pieces = 1): number {
  const chain = allocate(pieces);
  for (const [i, index] of chain.entries()) {
    const buffer = addressOf(index);
    u16[(buffer + B_LENGTH) >> 1] = 1000 + i;
    u32[(buffer + B_NEXT) >> 2] = chain[i + 1] ?? 0;
    u8.fill(tag + i, buffer + BUFFER_START - 64, buffer + BUFFER_START + 1000 + i);
  }
  const first = addressOf(chain[0]!);
  u32[(first + B_TOTAL) >> 2] = chain.reduce((sum, _, i) => sum + 1000 + i, 0);
  u32[(first + B_OPAQUE) >> 2] = tag;
  return chain[0]!;
}

function chainOf(index: number): number[] {
  const next = u32[(addressOf(index) + B_NEXT) >> 2]!;
  return next === 0 ? [index] : [index, ...chainOf(next)];
}

/** Header but for the chain, and all bytes of a buffer as far as the packet goes, from the headroom on. */
function content(index: number): number[] {
  const buffer = addressOf(index);
  const header = [...u8.subarray(buffer, buffer + 64)].map((byte, at) => (at >= B_NEXT && at < B_NEXT + 4 ? 0 : byte));
  const end = u16[(buffer + B_DATA) >> 1]! + u16[(buffer + B_LENGTH) >> 1]!;
  return [...header, ...u8.subarray(buffer + 64, buffer + end)];
}

function check(name: string, action: () => void): void {
  test(name, () => {
    reset();
    u64[(G + GRAPH_NO_COPY) >> 3] = 0n;
    action();
    assert.is(graph.take(G), -1, "the graph is at rest");
    assert.equal([free(), u32[(G + GRAPH_COPIES) >> 2]], [BUFFERS, 0]);
  });
}

for (const pieces of [1, 2, 7]) {
  check(`a copy of ${pieces} buffers is whole: the same header, headroom and bytes, other buffers`, () => {
    const index = packet(10, pieces);
    assert.is(leave([index], [both(TO_1, TO_5)]), 1, "the packet goes first");
    assert.equal([buffersIn(running()), free()], [[index], BUFFERS - 2 * pieces]);
    const original = chainOf(index).map((one) => content(one).join());
    assert.is(finish(1), 5, "then its copy");
    const [copy] = buffersIn(running());
    assert.is(running().n, 1);
    assert.is(new Set([...chainOf(copy!), ...chainOf(index)]).size, 2 * pieces);
    assert.equal(chainOf(copy!).map((one) => content(one).join()), original);
    assert.is(finish(5), -1);
    assert.equal([total(GRAPH_DROPPED), total(GRAPH_NO_COPY)], [2, 0]);
  });
}

check("a copy is counted as originated, one packet however long", () => {
  const index = packet(10, 3);
  const before = total(GRAPH_ORIGINATED);
  leave([index], [both(TO_1, TO_5)]);
  assert.is(total(GRAPH_ORIGINATED), before + 1);
  finish(1);
  finish(5);
});

check("copies keep their packets' order", () => {
  const all = Array.from({ length: 5 }, (_, i) => packet(10 + i));
  leave(all, all.map(() => both(TO_1, TO_5)));
  finish(1);
  assert.equal(buffersIn(running()).map((index) => u32[(addressOf(index) + B_OPAQUE) >> 2]), [10, 11, 12, 13, 14]);
  finish(5);
});

check("to the free list: none is made; to no next node: counted", () => {
  leave([packet(1), packet(2)], [both(TO_1, TO_FREE), both(TO_1, NOWHERE)]);
  assert.equal([counted(0, NODE_BAD_NEXT), total(GRAPH_NO_COPY), free()], [1, 0, BUFFERS - 2]);
  finish(1);
});

check("where the packet itself has no next node, or the free list, its copy goes on all the same", () => {
  assert.is(leave([packet(1), packet(2)], [both(TO_FREE, TO_5), both(NOWHERE, TO_5)]), 5);
  assert.equal([counted(0, NODE_BAD_NEXT), running().n], [1, 2]);
  finish(5);
});

check("pool empty: no copy, counted, and the packet goes on", () => {
  const index = packet(1, 3);
  const rest = allocate(BUFFERS - 3);
  leave([index], [both(TO_1, TO_5)]);
  assert.equal([total(GRAPH_NO_COPY), free()], [1, 0]);
  assert.is(finish(1), -1);
  for (const one of rest) graph.release(G, one);
});

check("pool nearly empty: what was taken for a long packet's copy is given back", () => {
  const index = packet(1, 5);
  const rest = allocate(BUFFERS - 5 - 4);
  leave([index], [both(TO_1, TO_5)]);
  assert.equal([total(GRAPH_NO_COPY), free()], [1, 4]);
  assert.is(finish(1), -1);
  for (const one of rest) graph.release(G, one);
});

check("so many wait at most; the others are not made", () => {
  const all = allocate(100);
  u32[(G + GRAPH_COPIES) >> 2] = COPIES_MAX - 60; // as if these waited
  leave(all, all.map(() => both(TO_1, TO_5)));
  assert.equal([u32[(G + GRAPH_COPIES) >> 2], total(GRAPH_NO_COPY)], [COPIES_MAX, 40]);
  const entries = (G + GRAPH_COPY) >> 2;
  u32.copyWithin(entries, entries + 2 * (COPIES_MAX - 60), entries + 2 * COPIES_MAX);
  u32[(G + GRAPH_COPIES) >> 2] = 60;
  finish(1);
  assert.is(running().n, 60);
  finish(5);
});

check("more than a vector of them enter one vector after the other", () => {
  const all = allocate(VECTOR);
  assert.is(leave(all, all.map(() => both(TO_1, TO_5))), 1);
  setSlots(Array<number>(VECTOR).fill(both(TO_FREE, TO_2)));
  assert.is(graph.scatter(G, 1, runtime(1), running().frame, VECTOR, WASM), 2, "the later ones first");
  assert.equal([running().n, u32[(G + GRAPH_COPIES) >> 2]], [VECTOR, VECTOR]);
  assert.is(finish(2), 5);
  assert.is(running().n, VECTOR);
  finish(5);
});

check("entries of copies that were written over are counted, and lead nowhere", () => {
  const before = total(GRAPH_BAD_BUFFER);
  leave([packet(1)], [both(TO_1, TO_5)]);
  const copy = u32[(G + GRAPH_COPY) >> 2]!;
  u32.set([0xffffffff, 5, copy, 0xfffffff0, 0, 5], (G + GRAPH_COPY) >> 2);
  u32[(G + GRAPH_COPIES) >> 2] = 3;
  assert.is(finish(1), -1);
  assert.is(total(GRAPH_BAD_BUFFER), before + 3);
  graph.release(G, copy);
});

check("a packet that is not in use, and a chain tied into a ring, are not copied", () => {
  const held = packet(1);
  u16[(addressOf(held) + B_STATE) >> 1] = BUFFER_HELD;
  const ring = packet(2, 2);
  u32[(addressOf(chainOf(ring)[1]!) + B_NEXT) >> 2] = ring;
  leave([held, ring], [both(TO_1, TO_5), both(TO_1, TO_5)]);
  assert.is(total(GRAPH_NO_COPY), 2);
  assert.is(u16[(addressOf(ring) + B_FLAGS) >> 1]! & 1, 1);
  u16[(addressOf(held) + B_STATE) >> 1] = BUFFER_USED;
  finish(1);
});

test.run();
