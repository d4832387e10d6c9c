// assembly/graph by itself: what it does with the frames that nodes leave, right ones and wrong ones.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_DATA, B_FLAGS, B_FLAG_LOCAL, B_NEXT, B_STATE, BUFFER_FREE, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, GRAPH_BAD_BUFFER, GRAPH_DROPPED,
  GRAPH_HELD, GRAPH_ORIGINATED, NEXT_COUNT, NEXT_HOLD, NODE_BAD_NEXT, NODE_CALLS, NODE_TRAPS, NODE_VECTORS, VECTOR,
} from "../../assembly/abi.js";
import {
  addressOf, allocate, BUFFERS, buffersIn, counted, finish, free, G, graph, HOST, INPUT, layout, leave, pending, PORT, reset, running, runtime, setSlots,
  tables, total, u16, u32, WASM,
} from "./driver.js";

test.before.each(reset);

/** A test at whose end this holds too. A hook would be the place, but uvu ends the file without a word when one throws. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    assert.is(graph.take(G), -1, "the graph is at rest");
    assert.is(free(), BUFFERS);
  });
}

check("allocate: a clean buffer, in use, counted; 0 when the pool is empty", () => {
  const all = allocate(BUFFERS);
  assert.is(new Set(all).size, BUFFERS);
  assert.equal([graph.allocate(G), free(), total(GRAPH_ORIGINATED)], [0, 0, BUFFERS]);
  const buffer = addressOf(all[5]!);
  assert.equal([B_DATA, B_STATE, B_FLAGS, B_NEXT].map((at) => u16[(buffer + at) >> 1]), [BUFFER_START, BUFFER_USED, B_FLAG_LOCAL, 0]);
  for (const index of all) graph.release(G, index);
  assert.is(u16[(buffer + B_STATE) >> 1], BUFFER_FREE);
});

check("a whole frame changes hands: the same frame arrives, nothing is copied", () => {
  const buffers = allocate(VECTOR);
  const { frame } = pending(0);
  const spare = pending(1).frame;
  assert.is(leave(buffers, buffers.map(() => 0)), 1);
  assert.equal([running().frame, running().n], [frame, VECTOR]);
  assert.equal(buffersIn(running()), buffers);
  assert.is.not(spare, frame);
  assert.equal([counted(0, NODE_CALLS), counted(0, NODE_VECTORS)], [1, VECTOR]);
  assert.is(finish(1), -1);
  assert.equal([total(GRAPH_DROPPED), counted(1, NODE_VECTORS)], [VECTOR, VECTOR]);
});

check("mixed slots: each packet to its node, in order", () => {
  const buffers = allocate(7);
  assert.is(leave(buffers, [1, 0, 1, 2, 3, 0, 1]), 2);
  assert.equal(buffersIn(running()), [buffers[0], buffers[2], buffers[6]]);
  assert.equal([buffersIn(pending(1)), buffersIn(pending(5))], [[buffers[1], buffers[5]], [buffers[3]]]);
  assert.is(total(GRAPH_DROPPED), 1);
  assert.equal([finish(2), finish(1), finish(5)], [1, 5, -1]);
});

check("one slot that differs, at each place of the vector, is seen", () => {
  for (let place = 0; place < 9; place++) {
    const buffers = allocate(9);
    const first = leave(buffers, buffers.map((_, i) => (i === place ? 1 : 0)));
    assert.is(first, place === 0 ? 2 : 1);
    assert.equal([running().n, pending(first === 1 ? 2 : 1).n], first === 1 ? [8, 1] : [1, 8]);
    assert.is(finish(finish(first)), -1);
  }
});

check("a frame for a node that has packets waiting is added to them", () => {
  const [waiting, ...buffers] = allocate(4);
  graph.enqueue(G, 1, waiting!);
  u32.set(buffers, pending(0).frame >> 2);
  graph.submit(G, 0, 3, INPUT); // gives node 1, which was ready before
  assert.equal(buffersIn(running()), [waiting]);
  setSlots([0]);
  tables.wire(1, 0, 2);
  assert.is(graph.scatter(G, 1, runtime(1), running().frame, 1, WASM), 0);
  setSlots([1, 1, 1]);
  assert.is(graph.scatter(G, 0, runtime(0), running().frame, 3, WASM), 2);
  assert.equal(buffersIn(running()), [waiting, ...buffers]);
  assert.is(finish(2), -1);
});

check("a next slot that does not exist is counted and its packet freed", () => {
  assert.is(leave(allocate(3), [0, 4, NEXT_COUNT - 1]), 1);
  assert.equal([counted(0, NODE_BAD_NEXT), total(GRAPH_DROPPED), free()], [2, 2, BUFFERS - 1]);
  finish(1);
  assert.is(leave(allocate(3), [9, 9, 9]), -1);
  assert.is(counted(0, NODE_BAD_NEXT), 5);
  assert.is(leave(allocate(1), [0xffff]), -1);
  assert.equal([counted(0, NODE_BAD_NEXT), free()], [7, BUFFERS], "a copy to a slot that does not exist is none");
});

check("NEXT_HOLD: a host node keeps its packets, a WebAssembly node cannot", () => {
  const buffers = allocate(3);
  assert.is(leave(buffers, [NEXT_HOLD, 0, NEXT_HOLD], HOST), 1);
  assert.equal([total(GRAPH_HELD), counted(0, NODE_BAD_NEXT), total(GRAPH_DROPPED)], [2, 0, 0]);
  finish(1);
  assert.is(leave(allocate(2), [NEXT_HOLD, NEXT_HOLD], WASM), -1);
  assert.equal([total(GRAPH_HELD), counted(0, NODE_BAD_NEXT)], [2, 4]);
  for (const index of [buffers[0]!, buffers[2]!]) assert.ok(graph.unhold(G, index));
  assert.is(total(GRAPH_HELD), 0);
  assert.not(graph.unhold(G, buffers[0]!), "it is held no more");
  for (const index of [buffers[0]!, buffers[2]!]) graph.release(G, index);
});

check("a port's frame is its own affair: its packets are not touched", () => {
  const buffers = allocate(2);
  assert.is(leave(buffers, [0, 1], PORT), -1);
  assert.equal([counted(0, NODE_VECTORS), total(GRAPH_DROPPED), free()], [2, 0, BUFFERS - 2]);
  for (const index of buffers) graph.release(G, index);
});

check("a node that trapped: its frame is freed and counted once, what it wrote there is not believed", () => {
  const buffers = allocate(6);
  u32.set(buffers, pending(0).frame >> 2);
  graph.submit(G, 0, 6, INPUT);
  setSlots([0, 1, 2, 0, 0, 0]);
  assert.is(graph.dropFrame(G, runtime(0), running().frame, 6), -1);
  assert.equal([counted(0, NODE_TRAPS), total(GRAPH_DROPPED), pending(1).n], [1, 6, 0]);
});

check("indices that name no buffer in use are refused: out of the pool, between buffers, free already", () => {
  const [buffer] = allocate(1);
  const last = (layout.poolEnd >>> BUFFER_SHIFT) - BUFFER_SIZE / 64;
  // Where there could be a header, something says "in use".
  const bad = [0x3ffffff, 0x4000000 + buffer!, 0xffffffff, layout.poolEnd >>> BUFFER_SHIFT, (layout.pool >>> BUFFER_SHIFT) - 35, buffer! + 1, last];
  for (const index of bad.slice(3, 6)) u16[(addressOf(index) + B_STATE) >> 1] = BUFFER_USED;
  leave([buffer!, ...bad], Array<number>(8).fill(3));
  assert.equal([total(GRAPH_BAD_BUFFER), free()], [7, BUFFERS]);
  leave([allocate(1)[0]!, ...Array<number>(3).fill(graph.allocate(G))], [3, 3, 3, 3]);
  assert.is(total(GRAPH_BAD_BUFFER), 9, "one buffer thrice in a frame is freed once");
});

check("a chain is freed whole; one tied into a ring, or to what is not a buffer, ends there", () => {
  const chain = (...next: number[]): void => next.slice(1).forEach((to, i) => (u32[(addressOf(next[i]!) + B_NEXT) >> 2] = to));
  const [a, b, c] = allocate(3) as [number, number, number];
  chain(a, b, c);
  leave([a], [3]);
  assert.equal([free(), total(GRAPH_DROPPED), total(GRAPH_BAD_BUFFER)], [BUFFERS, 1, 0]);
  const [d, e] = allocate(2) as [number, number];
  chain(d, e, d);
  leave([d], [3]);
  assert.equal([free(), total(GRAPH_BAD_BUFFER)], [BUFFERS, 1]);
  const [f] = allocate(1) as [number];
  chain(f, 0x1234567);
  leave([f], [3]);
  assert.is(total(GRAPH_BAD_BUFFER), 2);
});

test("the burst is counted for the port that brought it", () => {
  const buffers = allocate(3);
  leave(buffers, [3, 3, 3]);
  assert.equal([counted(15, NODE_CALLS), counted(15, NODE_VECTORS)], [1, 3]);
});

test.run();
