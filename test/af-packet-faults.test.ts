// The af_packet port when things go wrong: no buffers, no link, no netdev, and memory that a node has scribbled over.

import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  BUFFER_COUNT_MAX, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, B_DATA, B_LENGTH, B_NEXT, B_TOTAL, FRAME_BUFFERS, FREE_LIST_ENTRIES,
  GRAPH_BAD_BUFFER, IFC_RX_NO_BUFFER, IFC_RX_TRUNCATED, IFC_TX_DOWN, IFC_TX_ERROR, IFC_TX_PACKETS, INTERFACE_COUNT, VECTOR,
} from "../assembly/abi.js";
import { addon } from "../host/addon.js";
import { Host } from "../host/lab/host.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";
import { workerAt } from "../host/memory/memory.js";
import {
  BUFFERS, FRAME, FREE_LIST, counter, frameOf, free, ip, look, makePair, packets, put, receive, release, resetPool, send, SEGMENTS,
  tcpPacket, untilLink,
} from "./native-bench.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

makePair("left", "right", 9000);
const left = addon.openAfPacket("left", { ringSlots: 256 }).handle;
const right = addon.openAfPacket("right", { ringSlots: 256 }).handle;
const [LEFT, RIGHT] = [1, 2];
const { view } = packets;
const waiter = addon.openWaiter();
const badBuffers = (): number => packets.counter(workerAt(0) + GRAPH_BAD_BUFFER);
const isRange = (error: Error): boolean => error instanceof RangeError;
type SystemError = Error & { code?: string; syscall?: string };
const hasCode = (code: string, syscall: string) => (error: SystemError): boolean => error.code === code && error.syscall === syscall;

test.before.each(resetPool);

/** Waits until a port has something to receive. */
const untilPacket = (handle: number): void => addon.wait(waiter, Uint32Array.of(handle), 30_000);

/** A test after which every buffer is back in the pool. */
function balanced(name: string, run: () => void | Promise<void>): void {
  test(name, async () => {
    await run();
    assert.is(free(), BUFFERS);
  });
}

/** Runs with only `left` buffers in the free list. */
function withPool(left: number, run: () => void): void {
  const hidden = free() - left;
  view.setUint32(FREE_LIST, left, true);
  const entries = packets.u8.slice(FREE_LIST + FREE_LIST_ENTRIES + 4 * left, FREE_LIST + FREE_LIST_ENTRIES + 4 * (left + hidden));
  run();
  packets.u8.set(entries, FREE_LIST + FREE_LIST_ENTRIES + 4 * free());
  view.setUint32(FREE_LIST, free() + hidden, true);
}

balanced("with an empty pool packets wait in the ring and come when buffers do", () => {
  send(left, LEFT, frameOf(60, 1), frameOf(9000, 2), frameOf(60, 3));
  untilPacket(right);
  withPool(0, () => {
    const before = counter(RIGHT, IFC_RX_NO_BUFFER);
    assert.is(addon.receive(right, FRAME, VECTOR, RIGHT), 0);
    assert.is(counter(RIGHT, IFC_RX_NO_BUFFER), before + 1);
  });
  withPool(3, () => {
    // enough for the first packet, not for the five buffers of the second
    assert.is(addon.receive(right, FRAME, VECTOR, RIGHT), 1);
    const got = look(1);
    assert.equal(got[0]!.bytes, frameOf(60, 1));
    assert.is(free(), 2);
    release(got);
  });
  const got = receive(right, RIGHT, 2);
  assert.equal(got.map(({ bytes }) => bytes), [frameOf(9000, 2), frameOf(60, 3)]);
  release(got);
});

balanced("waiting without buffers neither spins nor hangs", () => {
  send(left, LEFT, frameOf(60));
  untilPacket(right);
  withPool(0, () => {
    const start = performance.now();
    for (let rounds = 0; rounds < 20; rounds++) {
      addon.receive(right, FRAME, VECTOR, RIGHT);
      addon.wait(waiter, Uint32Array.of(right), 10_000);
    }
    const time = performance.now() - start;
    assert.ok(time > 10 && time < 100_000, `20 rounds in ${time} ms`); // one that hangs takes ten seconds
  });
  release(receive(right, RIGHT));
});

balanced("wake ends a wait, also one that comes after it", () => {
  addon.wake(waiter);
  const start = Date.now();
  addon.wait(waiter, Uint32Array.of(left, right), 60_000);
  assert.ok(Date.now() - start < 30_000);
});

balanced("a link that goes down and up again", () => {
  ip("link set left down");
  untilLink(left, { present: true, up: false });
  const down = counter(LEFT, IFC_TX_DOWN);
  assert.is(send(left, LEFT, frameOf(60), frameOf(60), frameOf(60)), 0);
  assert.is(counter(LEFT, IFC_TX_DOWN), down + 3);

  addon.wait(waiter, Uint32Array.of(left), 0); // takes the error
  const start = Date.now();
  addon.wait(waiter, Uint32Array.of(left), 30);
  assert.ok(Date.now() - start >= 25, "a dead link does not keep poll() from sleeping");

  ip("link set left up");
  untilLink(left, { up: true });
  assert.is(send(left, LEFT, frameOf(9000, 1)), 1);
  release(receive(right, RIGHT));
  assert.is(send(right, RIGHT, frameOf(9000, 2)), 1);
  const got = receive(left, LEFT);
  assert.equal(got[0]!.bytes, frameOf(9000, 2));
  release(got);
});

balanced("the error of a link that is up again costs no packet", () => {
  ip("link set left down");
  ip("link set left up");
  untilLink(left, { up: true });
  assert.is(send(left, LEFT, frameOf(60, 4)), 1);
  const got = receive(right, RIGHT);
  assert.equal(got[0]!.bytes, frameOf(60, 4));
  release(got);
  ip("link set right down");
  ip("link set right up");
  untilLink(left, { up: true });
  send(left, LEFT, frameOf(9000, 5)); // through the socket's queue, where the error stands before the packet
  const long = receive(right, RIGHT);
  assert.equal(long[0]!.bytes, frameOf(9000, 5));
  release(long);
});

balanced("a packet that no chain holds leaves the queue, whatever error stands there, and the next one is read whole", () => {
  ip("link set lo mtu 200000 up");
  const [from, to] = [1, 2].map(() => addon.openAfPacket("lo", { ringSlots: 64 }).handle) as [number, number];
  const receiveOne = (): number => {
    const truncated = counter(RIGHT, IFC_RX_TRUNCATED);
    let n = 0;
    for (const end = Date.now() + 30_000; n === 0 && counter(RIGHT, IFC_RX_TRUNCATED) === truncated && Date.now() < end; ) {
      n = addon.receive(to, FRAME, VECTOR, RIGHT);
    }
    return n;
  };
  // 40 buffers that are full from their headers on have more bytes than 40 that begin behind the headroom
  const first = put(0, frameOf(40 * 2048));
  let total = 0;
  for (let buffer = first; buffer !== 0; buffer = view.getUint32(buffer + B_NEXT, true) << BUFFER_SHIFT) {
    view.setUint16(buffer + B_DATA, 64, true);
    view.setUint16(buffer + B_LENGTH, BUFFER_SIZE - 64, true);
    total += BUFFER_SIZE - 64;
  }
  view.setUint32(first + B_TOTAL, total, true);
  const truncated = counter(RIGHT, IFC_RX_TRUNCATED);
  assert.is(addon.transmit(from, FRAME, 1, LEFT), 1);
  ip("link set lo down");
  ip("link set lo up");
  assert.equal([receiveOne(), counter(RIGHT, IFC_RX_TRUNCATED)], [0, truncated + 1]);
  assert.is(send(from, LEFT, frameOf(9000, 8)), 1);
  assert.is(receiveOne(), 1);
  const got = look(1);
  assert.equal(got[0]!.bytes, frameOf(9000, 8));
  release(got);
  for (const handle of [from, to]) addon.closePort(handle);
});

balanced("a netdev that is renamed stays the same", () => {
  const rename = (from: string, to: string): void => ["down", `name ${to}`].forEach((change) => ip(`link set ${from} ${change}`));
  rename("left", "renamed");
  ip("link set renamed up");
  untilLink(left, { present: true, up: true });
  assert.is(addon.linkState(left).mtu, 9000);
  assert.is(send(left, LEFT, frameOf(60, 9)), 1);
  const got = receive(right, RIGHT);
  assert.equal(got[0]!.bytes, frameOf(60, 9));
  release(got);
  rename("renamed", "left");
  ip("link set left up");
  untilLink(left, { up: true });
});

balanced("a netdev that is removed and made again", () => {
  ip("link del left");
  untilLink(left, { present: false });
  assert.equal(addon.linkState(left), { present: false, up: false, mtu: 0 });
  const down = counter(LEFT, IFC_TX_DOWN);
  assert.is(send(left, LEFT, frameOf(60), frameOf(60)), 0);
  assert.is(counter(LEFT, IFC_TX_DOWN), down + 2);
  assert.is(addon.receive(left, FRAME, VECTOR, LEFT), 0);
  assert.is(addon.reopen(left), false);

  makePair("left", "right", 9000);
  assert.is(addon.linkState(left).present, false, "the name is there, but it is another netdev");
  assert.is(addon.reopen(left) && addon.reopen(right), true);
  untilLink(left, { up: true });
  assert.is(send(left, LEFT, frameOf(60, 6)), 1);
  const got = receive(right, RIGHT);
  assert.equal(got[0]!.bytes, frameOf(60, 6));
  release(got);
});

balanced("a netdev that goes to another network namespace and comes back, with the index that it had", async () => {
  const host = await Host.create();
  await host.adopt("left");
  assert.is(addon.linkState(left).present, false);
  await host.close();
  ip("link set left addrgenmode none");
  ip("link set left up");
  assert.is(addon.linkState(left).present, false, "nothing comes through the old socket any more");
  assert.is(addon.reopen(left), true);
  untilLink(left, { up: true });
  assert.is(send(left, LEFT, frameOf(60, 7)), 1);
  const got = receive(right, RIGHT);
  assert.equal(got.at(-1)!.bytes, frameOf(60, 7)); // behind what Linux said there
  release(got);
});

balanced("bad entries of the free list are refused, not followed", () => {
  send(left, LEFT, frameOf(60, 1), frameOf(60, 2));
  const count = free();
  const list = packets.u8.slice(FREE_LIST, FREE_LIST + FREE_LIST_ENTRIES + 4 * count);
  const top = FREE_LIST + FREE_LIST_ENTRIES + 4 * (count - 4);
  // the entry below a second time, in the tables, between two buffers, beyond 4 GiB when shifted
  const bad = [view.getUint32(top - 4, true), 0x400, view.getUint32(top, true) + 1, 0xffffffff];
  bad.forEach((index, i) => view.setUint32(top + 4 * i, index, true));
  const before = badBuffers();
  const got = receive(right, RIGHT, 2);
  assert.equal(got.map(({ bytes }) => bytes), [frameOf(60, 1), frameOf(60, 2)]);
  assert.is(badBuffers() - before, 4);
  release(got);
  packets.u8.set(list, FREE_LIST);
});

balanced("a scribbled count of the free list is not believed", () => {
  send(left, LEFT, frameOf(60, 1));
  untilPacket(right);
  for (const nonsense of [0xffffffff, BUFFER_COUNT_MAX + 1]) {
    view.setUint32(FREE_LIST, nonsense, true);
    assert.is(addon.receive(right, FRAME, VECTOR, RIGHT), 0);
    assert.is(view.getUint32(FREE_LIST, true), nonsense);
  }
  view.setUint32(FREE_LIST, BUFFERS, true);
  release(receive(right, RIGHT));
});

balanced("a frame's bad indices are counted, the good ones go out", () => {
  const [a, b] = [put(0, frameOf(60, 1)), put(5, frameOf(60, 2))];
  const freeBuffer = view.getUint32(FREE_LIST + FREE_LIST_ENTRIES, true);
  // nothing, beyond the memory, between two buffers, a free buffer; and a buffer that stands in the frame already
  const bad = [0, 0xffffffff, (a >>> BUFFER_SHIFT) + 1, freeBuffer];
  bad.forEach((index, i) => view.setUint32(FRAME + FRAME_BUFFERS + 4 * (1 + i), index, true));
  view.setUint32(FRAME + FRAME_BUFFERS + 4 * 6, b >>> BUFFER_SHIFT, true);
  const before = badBuffers();
  addon.transmit(left, FRAME, 7, LEFT);
  assert.is(badBuffers() - before, 5);
  const got = receive(right, RIGHT, 2);
  assert.equal(got[0]!.bytes, frameOf(60, 1));
  assert.equal(got[1]!.bytes, frameOf(60, 2));
  release(got);
});

/** Sends one packet of three buffers after `spoil` had its first buffer and its second one's. */
function sendSpoiled(spoil: (first: number, second: number) => void): void {
  const first = put(0, frameOf(6000));
  const second = view.getUint32(first + B_NEXT, true) << BUFFER_SHIFT;
  const before = counter(LEFT, IFC_TX_ERROR);
  spoil(first, second);
  assert.is(addon.transmit(left, FRAME, 1, LEFT), 0);
  assert.is(counter(LEFT, IFC_TX_ERROR), before + 1);
}

balanced("headers that make no sense are errors", () => {
  sendSpoiled((first) => view.setUint32(first + B_TOTAL, 0, true));
  sendSpoiled((first) => view.setUint32(first + B_TOTAL, 6001, true));
  sendSpoiled((first) => view.setUint32(first + B_TOTAL, 0xffffffff, true));
  sendSpoiled((first) => view.setUint16(first + B_DATA, 0, true));
  sendSpoiled((first) => view.setUint16(first + B_DATA, 0xffff, true));
  sendSpoiled((_, second) => view.setUint16(second + B_LENGTH, BUFFER_SIZE - BUFFER_START + 1, true));
});

balanced("a chain that is a circle ends", () => {
  sendSpoiled((first, second) => {
    const third = view.getUint32(second + B_NEXT, true) << BUFFER_SHIFT;
    view.setUint32(third + B_NEXT, first >>> BUFFER_SHIFT, true);
    view.setUint32(first + B_TOTAL, 0x7fffffff, true);
  });
});

test("a chain that leaves the pool is cut there", () => {
  const before = free();
  let lost: number[] = [];
  sendSpoiled((first, second) => {
    lost = [second, view.getUint32(second + B_NEXT, true) << BUFFER_SHIFT];
    view.setUint32(first + B_NEXT, 0x400, true);
  });
  assert.is(free(), before - lost.length); // nothing leads to them any more
  release([{ bytes: new Uint8Array(), buffers: lost }]);
});

balanced("arguments that would leave the memory throw", () => {
  assert.throws(() => addon.receive(99, FRAME, 1, 1), isRange);
  assert.throws(() => addon.receive(100_000, FRAME, 1, 1), isRange);
  assert.throws(() => addon.receive(right, 0, 1, 1), isRange);
  assert.throws(() => addon.receive(right, FREE_LIST, 1, 1), isRange);
  assert.throws(() => addon.receive(right, FRAME, VECTOR + 1, 1), isRange);
  assert.throws(() => addon.transmit(right, FRAME + 1, 1, 1), isRange);
  assert.throws(() => addon.transmit(right, FRAME, 1, INTERFACE_COUNT), isRange);
});

balanced("what the queue for long packets does not hold is counted as truncated", () => {
  const deep = addon.openAfPacket("right", { ringSlots: 2048 }).handle;
  const sink = INTERFACE_COUNT - 1;
  const before = counter(LEFT, IFC_TX_PACKETS);
  const long = tcpPacket(65_000);
  for (let i = 0; i < 2000; i++) {
    put(0, long, SEGMENTS);
    addon.transmit(left, FRAME, 1, LEFT);
  }
  assert.is(send(left, LEFT, frameOf(60)), 1);
  let received = 0;
  const sent = counter(LEFT, IFC_TX_PACKETS) - before;
  for (const end = Date.now() + 30_000; received + counter(sink, IFC_RX_TRUNCATED) < sent && Date.now() < end; ) {
    const n = addon.receive(deep, FRAME, 16, sink);
    const got = look(n);
    for (const { bytes } of got) assert.is(bytes.length === 60 || Buffer.compare(bytes, long) === 0, true);
    release(got);
    received += n;
  }
  assert.ok(received > 2);
  assert.ok(counter(sink, IFC_RX_TRUNCATED) > 0);
  assert.is(received + counter(sink, IFC_RX_TRUNCATED), sent);
  addon.closePort(deep);
  assert.is(addon.reopen(right), true); // with an empty ring
});

balanced("a port outlives the thread that used it, and a thread the port", async () => {
  const source = `
    const { workerData, parentPort } = require("node:worker_threads");
    import(workerData.addon).then(({ addon }) => {
      const { memory, worker, pool, poolEnd, frame, port, waiter } = workerData;
      addon.attachWorker(new Uint8Array(memory.buffer), worker, pool, poolEnd);
      parentPort.postMessage("ready");
      for (;;) {
        addon.wait(waiter, Uint32Array.of(port), 1000);
        try { addon.receive(port, frame, 0, 1); } catch { break; }
      }
      parentPort.postMessage("closed");
    });`;
  const handle = addon.openAfPacket("right", { ringSlots: 64 }).handle;
  const { pool, poolEnd } = packets.layout;
  const workerData = {
    addon: new URL("../host/addon.js", import.meta.url).href, memory: packets.memory, worker: workerAt(0), pool, poolEnd, frame: FRAME, port: handle,
    waiter: addon.openWaiter(),
  };
  const start = (): Worker => {
    const worker = new Worker(source, { eval: true, workerData });
    worker.unref(); // a test that fails does not wait for it
    return worker;
  };
  const message = (worker: Worker): Promise<string> => new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  const hung = start();
  assert.is(await message(hung), "ready");
  send(left, LEFT, frameOf(60, 1)); // it spins on this packet, which it never takes
  await hung.terminate();
  const got = receive(handle, RIGHT);
  assert.equal(got[0]!.bytes, frameOf(60, 1));
  release([...got, ...receive(right, RIGHT)]);

  const second = start();
  assert.is(await message(second), "ready");
  const closed = message(second);
  addon.closePort(handle);
  addon.wake(workerData.waiter);
  assert.is(await closed, "closed");
  await second.terminate();
  addon.closeWaiter(workerData.waiter);
});

test("a netdev that cannot be opened says why", () => {
  assert.throws(() => addon.openAfPacket("right", undefined as never), /no name or no options/);
  assert.throws(() => addon.openAfPacket("nosuch", { ringSlots: 64 }), hasCode("ENODEV", "ioctl(SIOCGIFINDEX)"));
  assert.throws(() => addon.openAfPacket("a-name-far-too-long-for-a-netdev", { ringSlots: 64 }), hasCode("ENODEV", "ioctl(SIOCGIFINDEX)"));
  assert.throws(() => addon.openAfPacket("left", { ringSlots: 0 }), hasCode("EINVAL", "mmap(PACKET_RX_RING)"));
});

test.run();
