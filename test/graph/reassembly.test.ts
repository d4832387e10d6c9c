// Fragments to the router itself: put together, refused, given up. By a clock of the test's own.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_HOLDER, B_STATE, BUFFER_HELD, BUFFER_SIZE } from "../../assembly/abi.js";
import { Reassembly } from "../../host/graph/reassembly.js";
import { counting, echo, fragment, fragments, ip4 } from "../conformance/packet.js";
import { InlineRouter, LEFT_MAC } from "./inline.js";
import { checksum, ethernet, fromHex, toHex } from "./packets.js";

let clock = Math.ceil(performance.now());
performance.now = () => clock;
const inline = await InlineRouter.startPair();
const { router } = inline;
const PEER = "192.0.2.2";
const OWN = "192.0.2.1";
router.setNeighbor("host-left", PEER, "02:00:00:00:00:02");

const send = (...packets: Uint8Array[]): void => inline.send(0, packets.map((packet) => ethernet(LEFT_MAC, "02:00:00:00:00:02", 0x0800, packet)));
const sent = (): string[] => inline.sent(0).map((frame) => toHex(frame.subarray(14)));
const errors = (): string[] => router.errors().filter(({ node }) => node === "ip4-reassembly").map(({ count, reason }) => `${count} ${reason}`);
const request = (id: number, size = 392, from = PEER): Buffer => echo(from, OWN, { id, data: counting(size) });
const later = (ms: number): void => {
  clock += ms;
  inline.settle();
};

/** A test at whose end nothing may be held. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    router.clearErrors();
    router.setReassembly({ timeout: 30_000, maxReassemblies: 1024 });
    inline.settle();
    await action();
    router.clearNeighbors(); // errors may wait for them
    inline.settle();
    inline.sent(0);
    inline.assertAtRest();
    const { reassemblies, fragments: waiting, memory } = router.reassembly();
    assert.equal([reassemblies, waiting, memory], [0, 0, 0]);
  });
}

const DATA = "0001020304050607 08090a0b0c0d0e0f";
check("two fragments, byte by byte, in either order", () => {
  const [first, second] = [
    "45000024 00052000 4001 d6d0 c0000202 c0000201 0800 bfb7 0007 0001 0001020304050607",
    "4500001c 00050002 4001 f6d6 c0000202 c0000201 08090a0b0c0d0e0f",
  ];
  const reply = "4500002c 00050000 4001 f6c8 c0000201 c0000202 0000 c7b7 0007 0001 " + DATA;
  for (const order of [[first, second], [second, first]]) {
    send(...order.map(fromHex));
    assert.equal(sent(), [toHex(fromHex(reply))]);
    for (const packet of order) send(fromHex(packet));
    assert.equal(sent(), [toHex(fromHex(reply))]);
  }
  assert.equal(errors(), ["4 packets put together", "4 joined to its packet"]);
});

check("the longest packet there can be, from fragments of every kind of size", () => {
  router.setInterfaceMtu("host-left", 65_535);
  for (const size of [1480, 1400, 576, 8000, 30_000]) {
    const packet = request(7, 65_507);
    for (const part of fragments(packet, size)) send(part);
    const [reply] = inline.sent(0);
    assert.is(checksum(reply!.subarray(34)), 0, `${size}`);
    assert.equal([reply!.length - 14, toHex(reply!.subarray(42))], [65_535, packet.toString("hex", 28)], `${size}`);
  }
  router.setInterfaceMtu("host-left", 1500);
});

check("bytes behind a fragment, in buffers of their own: cut off, and the buffers come back", () => {
  const [first, second] = fragments(request(8, 2000), 1480);
  for (const order of [[first!, second!], [second!, first!]]) {
    for (const part of order) send(Buffer.concat([part, Buffer.alloc(5000, 0xee)]));
    assert.is(sent()[0]!.slice(56, 56 + 2 * 8), "0001020304050607");
  }
});

check("more than a multiple of 8 bytes, and more to come: cut off", () => {
  const packet = request(80);
  send(fragment(packet, 0, 203, true), fragment(packet, 200, 99, true), fragment(packet, 296, 104, false));
  assert.is(sent()[0]!.slice(56), packet.toString("hex", 28));
});

check("each fragment that comes, and none that goes, is held", () => {
  const before = router.balance();
  const parts = fragments(request(9), 104);
  send(parts[0]!, parts[2]!);
  assert.equal([router.balance().held, router.balance().difference, router.buffers().held], [2, 0, 2]);
  const { reassemblies, fragments: waiting, memory } = router.reassembly();
  assert.equal([reassemblies, waiting, memory], [1, 2, 2 * BUFFER_SIZE]);
  send(parts[1]!, parts[3]!);
  const { received, dropped, transmitted } = router.balance();
  assert.equal([received - before.received, dropped - before.dropped, transmitted - before.transmitted], [4, 3, 1]);
});

check("no answer within the time: time exceeded with the first fragment as it came, if it did", () => {
  const parts = fragments(request(11), 104);
  send(parts[0]!, parts[3]!);
  send(...fragments(request(12), 104).slice(1));
  later(29_999);
  assert.equal([sent(), router.balance().held], [[], 5]);
  later(1);
  const [error, ...more] = sent();
  assert.equal([more, error!.slice(40, 44), error!.slice(56)], [[], "0b01", parts[0]!.toString("hex")]);
  assert.equal(errors(), ["5 packet not whole in time"]);
  send(...parts.slice(1, 3));
  assert.is(router.balance().held, 2, "what comes later begins anew");
  later(30_000);
});

check("a time of its own", () => {
  router.setReassembly({ timeout: 500 });
  inline.settle();
  send(fragments(request(13), 104)[1]!);
  later(499);
  assert.is(router.balance().held, 1);
  later(1);
});

check("overlapping fragments take their packet along; duplicates do not", () => {
  const packet = request(14);
  send(fragment(packet, 0, 208, true), fragment(packet, 8, 16, true), fragment(packet, 208, 192, false));
  assert.is(sent().length, 1);
  send(fragment(packet, 0, 208, true), fragment(packet, 200, 200, false));
  assert.equal([sent(), router.balance().held], [[], 0]);
  send(fragment(packet, 200, 200, false), fragment(packet, 0, 208, true));
  assert.equal(errors(), ["1 packets put together", "1 joined to its packet", "4 overlapping", "1 repeats what is there"]);
});

check("ends that contradict each other, nothing in them, beyond the longest packet", () => {
  const packet = request(15);
  send(fragment(packet, 0, 200, true), fragment(packet, 200, 200, false), fragment(packet, 0, 392, false), fragment(packet, 0, 0, true));
  inline.sent(0);
  const far = (offset: number, size: number): Buffer => ip4(PEER, OWN, counting(size), { id: 16, protocol: 1, offset });
  send(far(8191, 8));
  assert.is(router.balance().held, 0);
  send(far(8191, 7));
  assert.is(router.balance().held, 1);
  const long = fragments(echo(PEER, OWN, { id: 17, data: counting(65_500) }), 1480);
  send(...long.slice(0, -1), ip4(PEER, OWN, counting(1480), { id: 17, protocol: 1, offset: 8140 }));
  later(30_000);
  assert.ok(errors().some((line) => / malformed fragment/.test(line)), errors().join());
});

check("one source has a quarter of the places, all have all: the oldest give way", () => {
  router.setReassembly({ maxReassemblies: 16 });
  inline.settle();
  const half = (id: number, from: string): Buffer => fragments(request(id, 392, from), 200)[0]!;
  for (let id = 0; id < 6; id++) send(half(id, "192.0.2.9"));
  assert.equal([router.reassembly().reassemblies, errors()], [4, ["2 gave way to newer packets"]]);
  for (let host = 10; host < 30; host++) send(half(1, `192.0.2.${host}`));
  assert.is(router.reassembly().reassemblies, 16);
  router.setReassembly({ maxReassemblies: 3 });
  inline.settle();
  assert.is(router.reassembly().reassemblies, 3);
  later(30_000);
});

check("fragments take no more than their share of the pool", () => {
  const most = router.reassembly().maxMemory;
  assert.is(most, Math.floor((4096 * BUFFER_SIZE) / 4));
  for (let host = 0; host < 12; host++) {
    const packet = echo(`192.0.2.${10 + host}`, OWN, { id: 20, data: counting(2000) });
    for (let at = 8; at < 1000; at += 8) send(fragment(packet, at, 8, true));
    assert.ok(router.reassembly().memory <= most && router.buffers().free >= 4096 * 0.75);
  }
  assert.ok(errors().some((line) => /gave way/.test(line)));
  later(30_000);
});

check("after 64 fragments of other packets of the source, the identification has come round", () => {
  const [first, second] = fragments(request(30), 200);
  send(first!);
  for (let id = 100; id < 164; id++) send(fragments(request(id), 200)[0]!);
  send(second!);
  assert.equal(errors(), ["1 identification has come round"]);
  later(30_000);
});

check("the same when all others have become whole: the source begins anew with it", () => {
  const [first, second] = fragments(request(31), 200);
  send(first!);
  for (let id = 200; id < 233; id++) send(...fragments(request(id, 300), 200));
  inline.sent(0);
  send(second!);
  assert.ok(errors().includes("1 identification has come round"), errors().join());
  assert.equal([inline.traps, router.reassembly().reassemblies], [[], 1]);
  send(first!);
  assert.equal([sent().length, router.reassembly().reassemblies], [1, 0]);
});

check("congestion marks of one fragment are the packet's; a mixture with none is refused", () => {
  const marked = (id: number, tos: [number, number]): void => {
    const parts = tos.map((one) => echo(PEER, OWN, { id, tos: one, data: counting(392) }));
    send(fragment(parts[0]!, 0, 200, true), fragment(parts[1]!, 200, 200, false));
  };
  marked(40, [2, 3]);
  assert.is(sent()[0]!.slice(2, 4), "03");
  marked(42, [0xba, 0xb9]);
  assert.is(sent()[0]!.slice(2, 4), "ba", "the type of service is the first one's");
  marked(41, [0, 3]);
  assert.equal([sent(), errors().slice(2)], [[], ["2 some with congestion marks, some without"]]);
});

check("no buffer to put the packet together: dropped, nothing is lost", () => {
  const graph = inline["engine"].graph;
  const parts = fragments(request(50, 4000), 1480);
  send(parts[0]!, parts[1]!);
  const taken: number[] = [];
  while (router.buffers().free > 1) taken.push(graph.allocate());
  send(parts[2]!);
  assert.equal([sent(), errors()], [[], ["3 no buffer to put the packet together"]]);
  taken.forEach((index) => graph.release(index));
});

check("held fragments outlive their worker", () => {
  const parts = fragments(request(60), 104);
  send(parts[0]!, parts[3]!);
  const engine = inline["engine"];
  const { u16, layout } = inline.packets;
  const held: number[] = [];
  for (let buffer = layout.pool; buffer < layout.poolEnd; buffer += BUFFER_SIZE) if (u16[(buffer + B_STATE) >> 1] === BUFFER_HELD) held.push(buffer);
  assert.equal(held.map((buffer) => u16[(buffer + B_HOLDER) >> 1]), [1, 1]);
  const spec = router["registry"].find("ip4-reassembly");
  const fresh = new Reassembly(engine.graph, spec);
  fresh.recover(held);
  (engine as unknown as { reassembly: Reassembly }).reassembly = fresh;
  engine.graph.addTaking(spec, fresh.process, true);
  assert.equal([router.reassembly().fragments, fresh.held().length], [2, 2]);
  send(parts[1]!, parts[2]!);
  assert.is(sent().length, 1);
});

check("an interface that goes takes its fragments along", async () => {
  inline.send(1, [ethernet("02:fe:00:00:00:02", "02:00:00:00:00:03", 0x0800, fragments(request(70, 392, "198.51.100.9"), 104)[0]!)]);
  send(fragments(request(71), 104)[0]!);
  assert.is(router.balance().held, 2);
  const removed = router.deleteHostInterface("right");
  inline.settle();
  await removed;
  assert.equal([router.balance().held, errors()], [1, ["1 interface removed"]]);
  later(30_000);
});

test("limits out of range are refused", () => {
  for (const limits of [{ timeout: 99 }, { timeout: 600_001 }, { maxReassemblies: 0 }, { maxReassemblies: 1.5 }]) {
    assert.throws(() => router.setReassembly(limits), (error: { code: string; message: string }) =>
      error.code === "BAD_ARGUMENT" && error.message.includes(Object.entries(limits).flat().join(" ")));
  }
});

test.after(() => router.stop());
test.run();
