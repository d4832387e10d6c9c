// Around a node from outside: what it may change in its packets' headers and in its frame, and what becomes of those that it left otherwise.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_ADJ, B_DATA, B_FLAGS, B_ICMP, B_ICMP_DATA, B_L2, B_LENGTH, B_NEXT, B_OPAQUE, B_RX_IF, B_STATE, B_TOTAL, B_TX_IF, BUFFER_ALIGN,
  BUFFER_FREE, BUFFER_HELD, BUFFER_SIZE, BUFFER_START, BUFFER_USED, GRAPH_BAD_BUFFER, GRAPH_CHAINED, GRAPH_CIRCLED, GRAPH_DROPPED,
  NODE_BAD_HEADER, NODE_BAD_NEXT,
  NODE_PASSED_OVER, NODE_TRAPS,
} from "../../assembly/abi.js";
import {
  addressOf, allocate, buffersIn, BUFFERS, counted, finish, free, G, graph, INPUT, layout, pending, reset, running, runtime, setSlots, total, u16,
  u32,
} from "./driver.js";

const wasm = graph as unknown as Record<"guard" | "restore" | "passOver" | "failOpen" | "abandon", (...words: number[]) => number>;
const INSPECT = 3;
const INSPECT_CHAINED = 4;
const SIZE = { 16: u16, 32: u32 };

const set = (index: number, field: number, value: number, width: 16 | 32 = 32): void => {
  SIZE[width][(addressOf(index) + field) / (width / 8)] = value;
};
const get = (index: number, field: number, width: 16 | 32 = 32): number => SIZE[width][(addressOf(index) + field) / (width / 8)]!;

/** A packet in `pieces` buffers of 100 bytes each. */
function packet(pieces = 1): number {
  const chain = allocate(pieces);
  if (pieces > 1) u32[(G + GRAPH_CHAINED) >> 2] = 1; // as the driver says that brings a chain
  for (const [i, index] of chain.entries()) {
    set(index, B_LENGTH, 100, 16);
    set(index, B_TOTAL, i === 0 ? 100 * pieces : 0);
    set(index, B_NEXT, chain[i + 1] ?? 0);
  }
  return chain[0]!;
}

/** Gives node 0 packets as one from outside gets them; gives its frame. */
function hand(packets: number[]): { frame: number; n: number; chained: number } {
  u32.set(packets, pending(0).frame >> 2);
  assert.is(graph.submit(G, 0, packets.length, INPUT), 0);
  const { frame, n } = running();
  setSlots(Array<number>(n).fill(1));
  return { frame, n, chained: wasm.guard(G, frame, n) };
}

/** What came to each node, in order, until the graph is at rest. */
function arrivals(index: number): Record<number, number[]> {
  const came: Record<number, number[]> = { 1: [], 2: [], 5: [] };
  for (; index >= 0; index = finish(index)) came[index]!.push(...buffersIn(running()));
  return came;
}

/** Node 0 does something with packets and sends them by slot 1 to node 2; slot 0 leads to node 1. */
function process(packets: number[], node: (frame: number) => void): Record<number, number[]> {
  const { frame, n, chained } = hand(packets);
  node(frame);
  return arrivals(graph.scatter(G, 0, runtime(0), frame, n, chained ? INSPECT_CHAINED : INSPECT));
}

/** A test after which every buffer is back. */
function check(name: string, action: () => void): void {
  test(name, () => {
    reset();
    action();
    assert.is(graph.take(G), -1, "the graph is at rest");
    assert.equal([free(), total(GRAPH_BAD_BUFFER)], [BUFFERS, 0]);
  });
}

/** Of five packets the node spoils the one in the middle: it alone is led to slot 0, counted, and dropped with all its buffers. */
function caught(spoil: (packet: number, frame: number, all: number[]) => void, pieces = 1): void {
  const all = [packet(), packet(pieces), packet(pieces), packet(), packet()];
  const came = process(all, (frame) => spoil(all[2]!, frame, all));
  assert.equal([came[1], came[2]], [[all[2]], all.filter((index) => index !== all[2])]);
  assert.equal([counted(0, NODE_BAD_HEADER), total(GRAPH_DROPPED)], [1, 5]);
}

const FIELDS: [name: string, field: number, width: 16 | 32, value: number][] = [
  ["data before the buffer's headroom", B_DATA, 16, BUFFER_ALIGN - 1],
  ["data at the very beginning", B_DATA, 16, 0],
  ["data behind the buffer", B_DATA, 16, BUFFER_SIZE + 1],
  ["data as far as a field goes", B_DATA, 16, 0xffff],
  ["a length over the end", B_LENGTH, 16, BUFFER_SIZE - BUFFER_START + 1],
  ["a length as long as a field goes", B_LENGTH, 16, 0xffff],
  ["a total that is longer", B_TOTAL, 32, 101],
  ["a total that is shorter", B_TOTAL, 32, 99],
  ["a total of nothing", B_TOTAL, 32, 0],
  ["a total with its highest bit set", B_TOTAL, 32, 0x80000064],
  ["a buffer behind it", B_NEXT, 32, 1],
  ["a state of its own", B_STATE, 16, 0x1234],
  ["the state of a free buffer", B_STATE, 16, BUFFER_FREE],
  ["the state of a held buffer", B_STATE, 16, BUFFER_HELD],
];

for (const [name, field, width, value] of FIELDS) {
  check(`refused: ${name}`, () => caught((index) => set(index, field, value, width)));
  if (field !== B_TOTAL) check(`refused: ${name}, in a chain`, () => caught((index) => set(index, field, value, width), 3));
}

check("refused: a chain whose total is less than its first buffer, or as much", () => {
  caught((index) => set(index, B_TOTAL, 99), 2);
  reset();
  caught((index) => set(index, B_TOTAL, 0), 2);
});

check("a chain cut to its first buffer, and one whose total says less than its buffers hold, are right", () => {
  const [whole, cut] = [packet(3), packet(3)];
  const came = process([whole, cut], () => {
    set(whole, B_TOTAL, 250);
    set(cut, B_TOTAL, 100);
  });
  assert.equal([came[2], counted(0, NODE_BAD_HEADER)], [[whole, cut], 0]);
});

check("refused: a chain's end tied to its beginning, its rest left behind, or another packet's taken", () => {
  caught((index) => set(index, B_NEXT, index), 3);
  reset();
  caught((index) => set(index, B_NEXT, 0), 3);
  reset();
  caught((index, _frame, all) => set(index, B_NEXT, get(all[1]!, B_NEXT)), 3);
});

check("refused: another buffer in the frame: none, one of no pool, a free one, a packet's second one, the same twice", () => {
  const elsewhere = [0, 1, 0xffffffff, layout.poolEnd / BUFFER_ALIGN, (layout.pool + BUFFER_SIZE * (BUFFERS - 1)) / BUFFER_ALIGN];
  for (const index of elsewhere) {
    caught((_packet, frame) => (u32[(frame >> 2) + 2] = index));
    reset();
  }
  caught((index, frame) => (u32[(frame >> 2) + 2] = get(index, B_NEXT)), 2);
  reset();
  caught((_packet, frame, all) => (u32[(frame >> 2) + 2] = all[3]!));
});

check("two packets that change places are both refused, and none is lost or there twice", () => {
  const all = [packet(), packet(), packet()];
  const came = process(all, (frame) => u32.set([all[1]!, all[0]!], frame >> 2));
  assert.equal([came[1], came[2], counted(0, NODE_BAD_HEADER)], [[all[0], all[1]], [all[2]], 2]);
});

check("what a node may do: strip and put before, cut, mark, choose a way", () => {
  const stripped = packet();
  const longer = packet();
  const cut = packet();
  const empty = packet();
  const marked = packet();
  const came = process([stripped, longer, cut, empty, marked], () => {
    const pieces = [[stripped, BUFFER_START + 14, 86], [longer, BUFFER_ALIGN, 228], [cut, BUFFER_START, 60], [empty, BUFFER_SIZE, 0]] as const;
    for (const [index, data, length] of pieces) {
      set(index, B_DATA, data, 16);
      set(index, B_LENGTH, length, 16);
      set(index, B_TOTAL, length);
    }
    for (const field of [B_FLAGS, B_RX_IF, B_TX_IF, B_L2, B_ADJ, B_ICMP]) set(marked, field, 0xffff, 16);
    for (const field of [B_ICMP_DATA, 32, 36, 40, B_OPAQUE, B_OPAQUE + 12]) set(marked, field, 0xffffffff);
  });
  assert.equal([came[2], counted(0, NODE_BAD_HEADER)], [[stripped, longer, cut, empty, marked], 0]);
});

check("what it writes in its frame behind its packets is nobody's", () => {
  const all = [packet(), packet(), packet()];
  assert.equal(process(all, (frame) => u32.fill(0, (frame >> 2) + 3, (frame >> 2) + 256))[2], all);
});

/** Header fields as a node may leave them, by chance right. */
const header = fc.record({
  data: fc.oneof(fc.constantFrom(0, 63, 64, BUFFER_START, 2239, 2240, 2241, 0xffff), fc.nat(2300)),
  length: fc.oneof(fc.constantFrom(0, 100, 2047, 2048, 2049, 0xffff), fc.nat(2300)),
  total: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(5000) }, { weight: 1, arbitrary: fc.nat() }),
  next: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat() }),
  state: fc.oneof({ weight: 5, arbitrary: fc.constant(BUFFER_USED) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
  index: fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat() }),
  left: fc.boolean(), // as it was
});

check("headers at random, judged one by one", () => {
  let right = 0;
  const some = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), header), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(some, fc.boolean(), (packets, chains) => {
    reset();
    const all = packets.map(([pieces]) => packet(chains ? pieces : 1));
    const nexts = all.map((index) => get(index, B_NEXT));
    const good: number[] = [];
    const came = process(all, (frame) => {
      for (const [i, [, { data, length, total, next, state, index, left }]] of packets.entries()) {
        const sum = total ?? length;
        if (left) {
          good.push(all[i]!);
          continue;
        }
        for (const [field, value] of [[B_DATA, data], [B_LENGTH, length], [B_STATE, state]] as const) set(all[i]!, field, value, 16);
        for (const [field, value] of [[B_TOTAL, sum], [B_NEXT, next ?? nexts[i]!]] as const) set(all[i]!, field, value);
        if (index !== null) u32[(frame >> 2) + i] = index;
        const fits = data >= BUFFER_ALIGN && data + length <= BUFFER_SIZE && (sum === length || (nexts[i] !== 0 && sum > length));
        const same = (index === null || index === all[i]) && (next === null || next === nexts[i]) && state === BUFFER_USED;
        if (fits && same) good.push(all[i]!);
      }
    });
    right += good.length;
    assert.equal([came[2], came[1]], [good, all.filter((index) => !good.includes(index))]);
    assert.equal([counted(0, NODE_BAD_HEADER), free()], [all.length - good.length, BUFFERS]);
  }), { numRuns: 500 });
  assert.ok(right > 500, `${right} were right`);
});

// A node that does not come to its end

check("restore: the frame and its packets as they were given, however much of them was spoilt", () => {
  const all = [packet(), packet(3), packet()];
  const { frame, n } = hand(all);
  u32.fill(0xffffffff, frame >> 2, (frame >> 2) + n);
  for (const index of all) u32.fill(0xffffffff, addressOf(index) >> 2, (addressOf(index) + BUFFER_ALIGN) >> 2);
  wasm.restore(G, frame, n);
  assert.equal(buffersIn({ frame, n }), all);
  assert.is(graph.dropFrame(G, runtime(0), frame, n), -1);
  assert.equal([total(GRAPH_DROPPED), counted(0, NODE_TRAPS)], [3, 1]);
});

check("failOpen: all by one slot, whatever stood in the frame; what was spoilt by slot 0", () => {
  const all = [packet(), packet(), packet()];
  const { frame, n } = hand(all);
  setSlots([2, 65535, 9]);
  set(all[1]!, B_LENGTH, 0xffff, 16);
  const came = arrivals(wasm.failOpen(G, 0, runtime(0), frame, n, 1));
  assert.equal([came[2], came[1]], [[all[0], all[2]], [all[1]]]);
  assert.equal([counted(0, NODE_TRAPS), counted(0, NODE_BAD_HEADER), counted(0, NODE_BAD_NEXT)], [1, 1, 0]);
});

check("passOver: a frame that was not shown to the node, by the slot that is asked for", () => {
  const all = [packet(), packet(2)];
  const { frame, n } = hand(all);
  assert.equal(arrivals(wasm.passOver(G, 0, runtime(0), frame, n, 2))[5], all);
  assert.is(counted(0, NODE_PASSED_OVER), 2);
});

check("abandon: whatever is under way is dropped and counted, chains and all", () => {
  hand([packet(), packet(3)]);
  const { frame, n } = running();
  setSlots([0, 1]);
  const first = graph.scatter(G, 0, runtime(0), frame, n, 0);
  graph.enqueue(G, 5, packet(2));
  wasm.abandon(G, first);
  assert.equal([total(GRAPH_CIRCLED), total(GRAPH_DROPPED)], [3, 3]);
});

test.run();
