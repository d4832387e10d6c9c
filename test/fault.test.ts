// The fault port: what comes out is what the seeded model says, and whatever happens, every packet and every buffer is accounted for.

import { test } from "uvu";
import * as assert from "uvu/assert";
import fc from "fast-check";
import {
  B_CSUM_FLAGS, B_FLAG_L3_GOOD, B_FLAG_L4_GOOD, B_FLAGS, GRAPH_CHAINED, GRAPH_ORIGINATED, IFC_FAULT_BUFFERS, IFC_FAULT_HELD, IFC_FAULT_RX_LOST,
  IFC_FAULT_TX_LOST, IFC_RX_PACKETS, IFC_TX_PACKETS, VECTOR,
} from "../assembly/abi.js";
import { addon, type FaultSettings, type FaultState } from "../host/addon.js";
import { workerAt } from "../host/memory/memory.js";
import { checksum, toHex } from "./graph/packets.js";
import {
  BUFFERS, CHECKSUM, counter, FRAME, frameOf, free, look, type Packet, packets, put, release, resetPool, SEGMENTS, tcpPacket,
} from "./native-bench.js";
import { FaultModel } from "./traffic-model.js";

const [FROM, TO] = [1, 2];
const NONE: FaultSettings = { loss: 0, truncate: 0, corrupt: 0, duplicate: 0, reorder: 0, delay: 0, jitter: 0 };
const ALL: FaultSettings = { ...NONE, loss: 0.1, truncate: 0.1, corrupt: 0.2, duplicate: 0.1, reorder: 0.2 };
const SECOND = 1e9;
const waiter = addon.openWaiter();

// What is sent through `from` comes in at `to`.
const from = addon.openPg().handle;
const to = addon.openPg().handle;
addon.pgConnect(from, to);

const originated = (): number => packets.counter(workerAt(0) + GRAPH_ORIGINATED);
const held = (): number => counter(FROM, IFC_FAULT_HELD) + counter(TO, IFC_FAULT_HELD);
const state = (handle: number, direction: "rx" | "tx"): FaultState => addon.faultState(handle)![direction];

/** A test with a pool of its own, after which no fault port is left and no buffer missing. */
function balanced(name: string, run: () => void): void {
  test(name, () => {
    resetPool();
    run();
    for (const [handle, index] of [[from, FROM], [to, TO]] as const) {
      while (!addon.clearFault(handle)) release(look(addon.receive(handle, FRAME, VECTOR, index)));
      assert.is(addon.faultState(handle), null);
    }
    while (receive().length > 0);
    assert.equal([free(), held(), counter(FROM, IFC_FAULT_BUFFERS), counter(TO, IFC_FAULT_BUFFERS)], [BUFFERS, 0, 0, 0]);
  });
}

function send(...frames: Uint8Array[]): number {
  frames.forEach((bytes, at) => put(at, bytes));
  return addon.transmit(from, FRAME, frames.length, FROM);
}

/** A burst's frames, whose buffers are free again. */
function receive(max = VECTOR): Uint8Array[] {
  const got: Packet[] = look(addon.receive(to, FRAME, max, TO));
  release(got);
  return got.map(({ bytes }) => bytes);
}

const lengths = fc.oneof(fc.integer({ min: 14, max: 100 }), fc.integer({ min: 1500, max: 5000 }));
const frames = fc.array(fc.tuple(lengths, fc.nat(255)), { minLength: 1, maxLength: 60 })
  .map((list) => list.map(([length, seed]) => frameOf(length, seed)));
const probability = fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
const settings = fc.record({ loss: probability, truncate: probability, corrupt: probability, duplicate: probability, reorder: probability })
  .map((some): FaultSettings => ({ ...NONE, ...some }));

for (const direction of ["rx", "tx"] as const) {
  balanced(`${direction}: a burst comes out as the seeded model says, byte by byte`, () => {
    fc.assert(fc.property(frames, settings, fc.nat(), (list, set, seed) => {
      const handle = direction === "rx" ? to : from;
      addon.clearFault(handle);
      addon.setFault(handle, { seed, rx: direction === "rx" ? set : NONE, tx: direction === "tx" ? set : NONE });
      const lost: [number, number] = direction === "rx" ? [TO, IFC_FAULT_RX_LOST] : [FROM, IFC_FAULT_TX_LOST];
      const before = [counter(...lost), originated()];
      const model = new FaultModel(set, seed);
      for (const frame of list) model.judge(frame);
      send(...list);
      assert.equal(receive().map(toHex), model.out.map(toHex));
      assert.equal([counter(...lost), originated()].map((count, i) => count - before[i]!), [model.counts.lost, model.counts.duplicated]);
      const { lost: losses, truncated, corrupted, duplicated, reordered } = state(handle, direction);
      assert.equal({ lost: losses, truncated, corrupted, duplicated, reordered }, model.counts);
      assert.is(held(), list.length - model.counts.lost + model.counts.duplicated - model.out.length);
      assert.is(free(), BUFFERS - counter(TO, IFC_FAULT_BUFFERS) - counter(FROM, IFC_FAULT_BUFFERS));
      while (!addon.clearFault(handle)) release(look(addon.receive(handle, FRAME, VECTOR, direction === "rx" ? TO : FROM)));
      while (receive().length > 0);
    }), { numRuns: 200 });
  });
}

balanced("over many bursts the counts are exactly the model's, and near what was asked for", () => {
  addon.setFault(to, { seed: 42, rx: ALL, tx: NONE });
  const model = new FaultModel(ALL, 42);
  const [received, made, lost] = [counter(TO, IFC_RX_PACKETS), originated(), counter(TO, IFC_FAULT_RX_LOST)];
  let came = 0;
  for (let burst = 0; burst < 100; burst++) {
    const list = Array.from({ length: 100 }, (_, i) => frameOf(60 + i, burst));
    for (const frame of list) model.judge(frame);
    send(...list);
    came += receive().length;
    // received + originated = delivered + lost + held, at any moment
    assert.is(counter(TO, IFC_RX_PACKETS) - received + originated() - made, came + counter(TO, IFC_FAULT_RX_LOST) - lost + held());
  }
  const { delayed, held: waiting, ...rest } = state(to, "rx");
  assert.equal(rest, { ...ALL, delay: 0, jitter: 0, ...model.counts });
  assert.is(delayed, 0);
  assert.ok(waiting <= 1);
  // 10,000 packets: four standard deviations of a tenth are 120; what a loss ends meets no other fault
  assert.ok(Math.abs(rest.lost - 1000) < 120, `${rest.lost} lost`);
  for (const [count, share] of [[rest.truncated, 0.1], [rest.corrupted, 0.2], [rest.duplicated, 0.1]] as const) {
    assert.ok(Math.abs(count - 9000 * share) < 160, `${count} of ${share}`);
  }
});

balanced("everything twice: what a frame has no room for comes with the next burst, in its order", () => {
  addon.setFault(to, { seed: 0, rx: { ...NONE, duplicate: 1 }, tx: NONE });
  const list = Array.from({ length: 200 }, (_, i) => frameOf(60 + i));
  send(...list);
  const got = [...receive(150), ...receive(150), ...receive(150), ...receive(150)];
  assert.equal(got.map(({ length }) => length), list.flatMap(({ length }) => [length, length]));
});

balanced("with no buffers for a copy there is none", () => {
  addon.setFault(from, { seed: 0, rx: NONE, tx: { ...NONE, duplicate: 1 } });
  const before = counter(FROM, IFC_TX_PACKETS);
  send(...Array.from({ length: 12 }, () => frameOf(80000))); // 40 buffers each, 1024 in all: 480 taken, room for 13 more
  send(...Array.from({ length: 20 }, () => frameOf(80000))); // 800 taken: room for 5, until packets have gone
  const { duplicated } = state(from, "tx");
  assert.is(counter(FROM, IFC_TX_PACKETS) - before, 32 + duplicated - held());
  assert.ok(duplicated >= 12 && duplicated < 32, `${duplicated} copies`);
});

balanced("a delay: packets are held, each of them and its buffers counted, and come in their order once it is taken away", () => {
  addon.setFault(to, { seed: 0, rx: { ...NONE, delay: 3600 * SECOND }, tx: NONE });
  const list = Array.from({ length: 120 }, (_, i) => frameOf(i % 3 ? 60 + i : 3000, i));
  send(...list);
  assert.equal(receive(), []);
  assert.equal([counter(TO, IFC_FAULT_HELD), counter(TO, IFC_FAULT_BUFFERS), free()], [120, 160, BUFFERS - 160]);
  assert.equal([state(to, "rx").held, state(to, "rx").delayed], [120, 120]);
  assert.is(addon.clearFault(to), false);
  packets.u32[(workerAt(0) + GRAPH_CHAINED) >> 2] = 0;
  assert.equal(receive(50).map(toHex), list.slice(0, 50).map(toHex));
  assert.is(packets.u32[(workerAt(0) + GRAPH_CHAINED) >> 2], 1);
  assert.is(addon.clearFault(to), false);
  send(frameOf(60, 200));
  assert.equal(receive().map(toHex), [...list.slice(50), frameOf(60, 200)].map(toHex));
  assert.is(addon.clearFault(to), true);
});

balanced("delayed packets come when they are due, not before, and wake who sleeps", () => {
  const [delay, jitter] = [20_000_000, 5_000_000];
  addon.setFault(to, { seed: 1, rx: { ...NONE, delay, jitter }, tx: NONE });
  const start = process.hrtime.bigint();
  send(...Array.from({ length: 20 }, (_, i) => frameOf(60, i)));
  const got: Uint8Array[] = [];
  let first = 0n;
  for (let calls = 0; got.length < 20; calls++) {
    if (calls > 0) addon.wait(waiter, Uint32Array.of(to), 5000);
    got.push(...receive());
    if (got.length > 0 && first === 0n) first = process.hrtime.bigint() - start;
    assert.ok(calls < 100, "it sleeps until a packet is due");
  }
  assert.ok(first >= BigInt(delay - jitter), `the first came after ${first} ns`);
  assert.equal(got.map(toHex).sort(), Array.from({ length: 20 }, (_, i) => toHex(frameOf(60, i))).sort());
  assert.not.equal(got.map(toHex), got.map(toHex).sort(), "jitter changes their order");
});

balanced("tx: delayed packets go by themselves when they are due", () => {
  addon.setFault(from, { seed: 1, rx: NONE, tx: { ...NONE, delay: 5_000_000 } });
  assert.is(send(frameOf(60, 1), frameOf(3000, 2)), 0);
  assert.equal([receive().length, held(), free()], [0, 2, BUFFERS - 3]);
  while (held() > 0) {
    addon.wait(waiter, Uint32Array.of(from), 5000);
    assert.is(addon.receive(from, FRAME, VECTOR, FROM), 0);
  }
  assert.equal(receive().map(toHex), [frameOf(60, 1), frameOf(3000, 2)].map(toHex));
});

balanced("where there is a delay, a reordered packet overtakes it", () => {
  addon.setFault(to, { seed: 0, rx: { ...NONE, delay: 3600 * SECOND, reorder: 1 }, tx: NONE });
  send(frameOf(60, 1), frameOf(60, 2));
  assert.equal(receive().map(toHex), [frameOf(60, 1), frameOf(60, 2)].map(toHex));
});

balanced("a packet that nothing overtakes comes all the same", () => {
  addon.setFault(to, { seed: 0, rx: { ...NONE, reorder: 1 }, tx: NONE });
  send(frameOf(60, 1));
  let got = receive();
  while (got.length === 0) {
    addon.wait(waiter, Uint32Array.of(to), 5000);
    got = receive();
  }
  assert.equal(got.map(toHex), [toHex(frameOf(60, 1))]);
});

balanced("a port that is closed frees what waits, as lost", () => {
  const { handle } = addon.openPg();
  addon.pgConnect(handle, handle);
  const late = { ...NONE, delay: 3600 * SECOND };
  addon.setFault(handle, { seed: 0, rx: late, tx: NONE });
  const before = [IFC_FAULT_RX_LOST, IFC_FAULT_TX_LOST].map((which) => counter(3, which));
  [frameOf(60), frameOf(5000)].forEach((bytes, at) => put(at, bytes));
  assert.is(addon.transmit(handle, FRAME, 2, 3), 2);
  assert.is(addon.receive(handle, FRAME, VECTOR, 3), 0);
  addon.setFault(handle, { seed: 0, rx: late, tx: late });
  put(0, frameOf(70));
  assert.is(addon.transmit(handle, FRAME, 1, 3), 0);
  assert.is(counter(3, IFC_FAULT_HELD), 3);
  addon.drain(handle, 3);
  assert.equal([free(), counter(3, IFC_FAULT_HELD), counter(3, IFC_FAULT_BUFFERS)], [BUFFERS, 0, 0]);
  assert.equal([IFC_FAULT_RX_LOST, IFC_FAULT_TX_LOST].map((which, i) => counter(3, which) - before[i]!), [2, 1]);
  addon.closePort(handle);
});

balanced("damage is seen: a checksum left to the device is filled in before, what the device said of one is forgotten", () => {
  const only = (set: Partial<FaultSettings>): void => addon.setFault(from, { seed: 5, rx: NONE, tx: { ...NONE, ...set } });
  only({ corrupt: 1 });
  const sent = tcpPacket(100);
  put(0, sent, CHECKSUM);
  addon.transmit(from, FRAME, 1, FROM);
  const [damaged] = look(addon.receive(to, FRAME, VECTOR, TO));
  assert.is(packets.view.getUint8(damaged!.buffers[0]! + B_CSUM_FLAGS), 0);
  const model = new FaultModel({ ...NONE, corrupt: 1 }, 5);
  const complete = sent.slice();
  const segment = [...complete.subarray(26, 34), 0, 6, 0, 120, ...complete.subarray(34)];
  // the checksum field begins as the pseudo-header's sum in a packet of the kernel's; here it is zero, so the sum is the segment's alone
  const sum = checksum(segment.slice(12));
  complete.set([sum >> 8, sum & 255], 50);
  model.judge(complete);
  assert.is(toHex(damaged!.bytes), toHex(model.out[0]!));
  release([damaged!]);

  addon.setFault(to, { seed: 0, rx: { ...NONE, corrupt: 1 }, tx: NONE });
  only({});
  const buffer = put(0, frameOf(60));
  packets.view.setUint16(buffer + B_FLAGS, B_FLAG_L3_GOOD | B_FLAG_L4_GOOD, true);
  addon.transmit(from, FRAME, 1, FROM);
  const [got] = look(addon.receive(to, FRAME, VECTOR, TO));
  assert.is(packets.view.getUint16(got!.buffers[0]! + B_FLAGS, true), 0);
  release([got!]);
});

balanced("a super-packet is neither cut nor damaged, and doubled whole", () => {
  addon.setFault(from, { seed: 0, rx: NONE, tx: { ...NONE, corrupt: 1, truncate: 1, duplicate: 1 } });
  put(0, tcpPacket(20000), SEGMENTS);
  assert.is(addon.transmit(from, FRAME, 1, FROM), 2);
  assert.equal(receive().map(toHex), [tcpPacket(20000), tcpPacket(20000)].map(toHex));
});

balanced("faults that are set anew while what waited for the old ones goes: none of it stays behind", () => {
  const late = (): void => addon.setFault(from, { seed: 0, rx: NONE, tx: { ...NONE, delay: 3600 * SECOND } });
  const numbered = (first: number, count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => frameOf(60 + first + i));
  late();
  send(...numbered(0, 200));
  send(...numbered(200, 100));
  assert.is(addon.clearFault(from), false);
  assert.is(send(...numbered(300, 100)), VECTOR, "the rest waits for the next burst");
  late();
  assert.is(addon.receive(from, FRAME, VECTOR, FROM), 0);
  assert.is(held(), 0);
  assert.equal([...receive(), ...receive()].map(({ length }) => length), numbered(0, 400).map(({ length }) => length));
});

balanced("a capture has what the device received and was given to send, and a burst of it loses nothing", () => {
  addon.setFault(from, { seed: 0, rx: NONE, tx: { ...NONE, delay: 3600 * SECOND } });
  addon.setFault(to, { seed: 0, rx: { ...NONE, loss: 1 }, tx: NONE });
  send(...Array.from({ length: 50 }, (_, i) => frameOf(60, i)));
  addon.startCapture(packets.u8, 3, 1000);
  addon.captureInterface(FROM, 0);
  addon.captureInterface(TO, 1);
  assert.is(addon.clearFault(from), false);
  assert.is(send(...Array.from({ length: 20 }, (_, i) => frameOf(60, 50 + i))), 70);
  assert.equal(receive(), []);
  addon.stopCapture();
  const { received, sent } = addon.captureState();
  assert.equal([received, sent], [70, 70]);
});

test("what is no buffer in use is not sent, nor freed twice", () => {
  resetPool();
  addon.setFault(from, { seed: 0, rx: NONE, tx: ALL });
  for (const [at, index] of [0, 1, 0xffffffff, packets.layout.pool >>> 6].entries()) packets.u32[(FRAME >> 2) + at] = index;
  assert.is(addon.transmit(from, FRAME, 4, FROM), 0);
  assert.is(free(), BUFFERS);
  assert.ok(addon.clearFault(from));
});

test("a held packet that a node frees, or whose header it scribbles over, harms nobody", () => {
  resetPool();
  addon.setFault(to, { seed: 0, rx: { ...NONE, delay: 3600 * SECOND }, tx: NONE });
  const lost = counter(TO, IFC_FAULT_RX_LOST);
  send(frameOf(60), frameOf(5000), frameOf(70));
  receive();
  const used = Array.from({ length: BUFFERS }, (_, i) => packets.layout.pool + i * 2240).filter((address) => packets.u16[(address + 14) >> 1] !== 0);
  assert.is(used.length, 5);
  for (const address of used) packets.u8.fill(0, address, address + 64);
  addon.clearFault(to);
  assert.equal(receive(), []);
  assert.is(counter(TO, IFC_FAULT_RX_LOST) - lost, 3);
  assert.ok(addon.clearFault(to));
});

test.after(() => {
  for (const handle of [from, to]) addon.closePort(handle);
  addon.closeWaiter(waiter);
});
test.run();
