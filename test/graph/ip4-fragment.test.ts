// Packets that are too long for the next link, cut into fragments: every byte of both, worked out by hand from RFC 791; then how many at a
// time, what is left when the pool is empty, and what else may be wrong with a packet.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_CUT, B_DATA, B_FLAGS, B_GSO_SIZE, B_LENGTH, B_NEXT, B_TOTAL, BUFFER_SHIFT, BUFFER_START,
} from "../../assembly/abi.js";
import { InlineRouter } from "./inline.js";
import { checksum, ethernet, fromHex, hex, icmp, ip4, toHex, udp } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
const { u8, u16, u32, view } = inline.packets;
const graph = inline["engine"].graph;
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });

const IN = "02fe00000001 020000000002 0800";
const ON = "020000000003 02fe00000002 0800";
const ENDS = "c0000202 cb007109";
const counting = (length: number): number[] => Array.from({ length }, (_, i) => (i + (i >> 8)) & 255);
const bytes = (from: number, to: number): string => toHex(Uint8Array.from(counting(to).slice(from)));
const errors = (): Record<string, number> => Object.fromEntries(router.errors().map(({ node, reason, count }) => [`${node}: ${reason}`, count]));
const cut = (packets: number, fragments: number): Record<string, number> => ({
  "ip4-fragment: packets cut into fragments": packets, "ip4-fragment: fragments made of them": fragments,
});

function pass(...frames: string[]): string[] {
  inline.send(0, frames.map(fromHex));
  return inline.sent(1).map(toHex);
}

/** A test that begins with an MTU of 68 on the right, and at whose end this holds too. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    router.clearErrors();
    router.setInterfaceMtu("host-right", 68);
    const before = router.balance();
    await action();
    inline.assertAtRest();
    assert.is(before.difference, 0);
  });
}

check("as many units of 8 bytes as fit, the rest in the last one", () => {
  assert.equal(pass(`${IN} 45000078 12340000 4011 6a35 ${ENDS} ${bytes(0, 100)}`), [
    hex(`${ON} 45000044 12342000 3f11 4b69 ${ENDS} ${bytes(0, 48)}`),
    hex(`${ON} 45000044 12342006 3f11 4b63 ${ENDS} ${bytes(48, 96)}`),
    hex(`${ON} 45000018 1234000c 3f11 6b89 ${ENDS} ${bytes(96, 100)}`),
  ]);
  assert.equal(errors(), cut(1, 3));
});

check("three for one: two count as originated", () => {
  const before = router.balance();
  pass(`${IN} 45000078 12340000 4011 6a35 ${ENDS} ${bytes(0, 100)}`);
  const after = router.balance();
  assert.equal((["received", "originated", "transmitted", "dropped"] as const).map((name) => after[name] - before[name]), [1, 2, 3, 0]);
});

check("a fragment in the middle and the last one are cut again, at their offset", () => {
  assert.equal(pass(`${IN} 45000054 12342030 4011 4a29 ${ENDS} ${bytes(0, 64)}`), [
    hex(`${ON} 45000044 12342030 3f11 4b39 ${ENDS} ${bytes(0, 48)}`), hex(`${ON} 45000024 12342036 3f11 4b53 ${ENDS} ${bytes(48, 64)}`),
  ]);
  assert.equal(pass(`${IN} 45000050 12340030 4011 6a2d ${ENDS} ${bytes(0, 60)}`), [
    hex(`${ON} 45000044 12342030 3f11 4b39 ${ENDS} ${bytes(0, 48)}`), hex(`${ON} 45000020 12340036 3f11 6b57 ${ENDS} ${bytes(48, 60)}`),
  ]);
});

check("options: all in the first fragment, in the others those that are to be copied (RFC 791, 3.1)", () => {
  assert.equal(pass(`${IN} 47000058 12340000 4011 764c ${ENDS} 5e04000094040000 ${bytes(0, 60)}`), [
    hex(`${ON} 47000044 12342000 3f11 5760 ${ENDS} 5e04000094040000 ${bytes(0, 40)}`),
    hex(`${ON} 47000030 12340005 3f11 d371 ${ENDS} 0101010194040000 ${bytes(40, 60)}`),
  ]);
});

check("a checksum that was left to the device is filled in first; 0 is written as ffff where UDP has its checksum, and nowhere else", () => {
  for (const [last, offset, sum] of [[0, 6, "0157"], [0x0157, 6, "ffff"], [0, 16, "0157"], [0x0157, 16, "0000"]] as const) {
    const index = graph.allocate();
    const buffer = (index << BUFFER_SHIFT) >>> 0;
    const segment = udp(1, 2, [...Array<number>(58).fill(0), last >> 8, last & 255]);
    const packet = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 17, payload: segment });
    u8.set(packet, buffer + BUFFER_START);
    view.setUint16(buffer + BUFFER_START + 20 + offset, 0xfe61); // c000 + 0202 + cb00 + 7109 + 0011 + 0044, the pseudo header
    [[B_DATA, BUFFER_START], [B_LENGTH, packet.length], [B_FLAGS, 0], [B_CSUM_START, BUFFER_START + 20], [B_CSUM_OFFSET, offset]]
      .forEach(([at, value]) => (u16[(buffer + at!) >> 1] = value!));
    u32[(buffer + B_TOTAL) >> 2] = packet.length;
    u8[buffer + B_CSUM_FLAGS] = 1;
    graph.inject(router["registry"].find("ip4-lookup").index, [index]);
    const [first] = inline.sent(1).map(toHex);
    assert.is(first!.slice(2 * (34 + offset), 2 * (36 + offset)), sum); // fe61 + 0001 + 0002 + 0044 = fea8, and what is missing to ffff
  }
});

check("the router's own packets get an identification each, also those that wait to be cut", () => {
  router.setInterfaceMtu("host-left", 100);
  const COUNT = 200; // of two fragments: 128 have room at a time
  const request = (_: unknown, id: number): Uint8Array => ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800,
    ip4({ from: "192.0.2.2", to: "192.0.2.1", protocol: 1, payload: icmp(8, 0, [0, id, 0, 1], counting(100)) }));
  inline.send(0, Array.from({ length: COUNT }, request));
  const sent = inline.sent(0);
  router.setInterfaceMtu("host-left", 1500);
  const ids = sent.map((frame) => (frame[18]! << 8) | frame[19]!);
  assert.equal(ids, Array.from({ length: 2 * COUNT }, (_, i) => ids[0]! + (i >> 1)));
  for (const frame of sent) assert.is(checksum(frame.subarray(14, 34)), 0);
});

check("long fragments of a longer packet lie over several buffers", () => {
  router.setInterfaceMtu("host-right", 9000);
  const payload = counting(20_000);
  const packet = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 50, payload });
  const sent = pass(toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, packet)));
  assert.equal(sent.map((frame) => frame.length / 2), [34 + 8976, 34 + 8976, 34 + 2048]);
  assert.is(sent.map((frame) => frame.slice(68)).join(""), toHex(Uint8Array.from(payload)));
});

check("a vector of packets, each of many fragments: all of them, each packet's in their order", () => {
  const of = (id: number): number[] => [id >> 8, id & 255, ...counting(2998)];
  const frames = Array.from({ length: 256 }, (_, id) =>
    toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 50, payload: of(id) }))));
  const sent = pass(...frames);
  assert.is(sent.length, 256 * 63);
  for (let id = 0; id < 256; id++) {
    const payload = sent.slice(id * 63, id * 63 + 63).map((frame) => frame.slice(68)).join("");
    assert.is(payload, toHex(Uint8Array.from(of(id))), `packet ${id}`);
  }
  assert.equal(errors(), cut(256, 256 * 63));
});

check("among others on a longer way: they meet in one frame, which has room for them", () => {
  const ask = toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800,
    ip4({ from: "192.0.2.2", to: "192.0.2.1", protocol: 1, payload: icmp(8, 0, [0, 1, 0, 1], counting(40)) })));
  const long = `${IN} 45000078 12340000 4011 6a35 ${ENDS} ${bytes(0, 100)}`;
  const sent = pass(...Array.from({ length: 256 }, (_, i) => (i % 2 === 0 ? ask : long)));
  const lengths = sent.map((frame) => frame.length / 2);
  assert.equal([82, 38].map((length) => lengths.filter((one) => one === length).length), [256, 128]);
  assert.is(inline.sent(0).length, 128);
});

check("no buffer: the packet is dropped, and what was cut off already goes", () => {
  const taken: number[] = [];
  const frame = toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800,
    ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 50, payload: counting(1000) })));
  while (router.buffers().free > 4) taken.push(graph.allocate());
  assert.is(pass(frame).length, 3);
  assert.equal(errors(), { "ip4-fragment: fragments made of them": 3, "ip4-fragment: no buffer for a fragment": 1 });
  taken.splice(0).forEach((index) => graph.release(index));

  router.clearErrors();
  router.setInterfaceMtu("host-right", 9000);
  const long = toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800,
    ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 50, payload: counting(20_000) })));
  while (router.buffers().free > 10 + 3) taken.push(graph.allocate()); // it has 10, its first fragment wants 5
  assert.equal([pass(long), errors()], [[], { "ip4-fragment: no buffer for a fragment": 1 }]);
  taken.forEach((index) => graph.release(index));
});

/** What a receiver makes of these frames: the payloads of packets, fragments put together. */
function packetsOf(frames: Uint8Array[]): Uint8Array[] {
  const packets: number[][] = [];
  for (const frame of frames) {
    const offset = (((frame[20]! << 8) | frame[21]!) & 0x1fff) * 8;
    const packet = offset === 0 ? [...frame.subarray(14, 34)] : packets.pop()!;
    assert.is(packet.length - 20, offset);
    packets.push([...packet, ...frame.subarray(34)]);
  }
  return packets.map((packet) => Uint8Array.from(packet));
}

const pseudo = (packet: Uint8Array): number[] => [...packet.subarray(12, 20), 0, packet[9]!, (packet.length - 20) >> 8, (packet.length - 20) & 255];

check("a TCP super-packet whose segments are too long: into these, and each into fragments", () => {
  router.setInterfaceMtu("host-right", 576);
  const data = counting(4000);
  const tcp = [0, 80, 0, 81, 0xff, 0xff, 0xff, 0x00, 0, 0, 0, 1, 0x60, 0x99, 0xff, 0xff, 0xab, 0xcd, 0, 0, 1, 1, 1, 1]; // CWR, ACK, PSH, FIN
  inline.ports[0]!.segmentSize = 1459;
  const packet = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 6, payload: [...tcp, ...data] });
  inline.send(0, [ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, packet)]);
  inline.ports[0]!.segmentSize = 0;
  const frames = inline.sent(1);
  assert.ok(frames.every((frame) => frame.length <= 14 + 576));
  const segments = packetsOf(frames);
  assert.equal(segments.map((one) => one.length), [1503, 1503, 1126]);
  assert.is(segments.map((one) => toHex(one.subarray(44))).join(""), toHex(Uint8Array.from(data)));
  assert.equal(segments.map((one) => toHex(one.subarray(24, 28))), ["ffffff00", "000004b3", "00000a66"]);
  assert.equal(segments.map((one) => one[33]), [0x90, 0x10, 0x19]);
  assert.equal(segments.map((one) => (one[4]! << 8) | one[5]!), [0x1234, 0x1235, 0x1236]);
  for (const one of segments) assert.is(checksum([...pseudo(one), ...one.subarray(20)]), 0);
  assert.equal(errors(), { "ip4-fragment: segments made of super-packets": 3, ...cut(3, frames.length) });
});

check("a segment whose checksum comes to 0: to TCP it is 0, to UDP ffff", () => {
  router.setInterfaceMtu("host-right", 576);
  const sumOfFirst = (protocol: number, header: number[], field: number, data: number[]): number => {
    inline.ports[0]!.segmentSize = data.length / 2;
    const packet = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol, payload: [...header, ...data] });
    inline.send(0, [ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, packet)]);
    inline.ports[0]!.segmentSize = 0;
    return Buffer.from(inline.sent(1)[0]!).readUInt16BE(34 + field);
  };
  const tcp = [0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0];
  const cases: [number, number[], number, number][] = [[6, tcp, 16, 0], [17, udp(1, 2, []), 6, 0xffff]];
  for (const [protocol, header, field, zero] of cases) {
    const data = Array<number>(1200).fill(0);
    const lacking = sumOfFirst(protocol, header, field, data); // to a sum of 0xffff
    data.splice(0, 2, lacking >> 8, lacking & 255);
    assert.is(sumOfFirst(protocol, header, field, data), zero, `protocol ${protocol}`);
  }
});

check("a UDP super-packet: each segment a datagram; one that is not whole is dropped", () => {
  router.setInterfaceMtu("host-right", 576);
  const data = counting(2500);
  const send = (protocol: number, payload: number[]): Uint8Array[] => {
    inline.ports[0]!.segmentSize = 1000;
    const packet = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol, payload });
    inline.send(0, [ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, packet)]);
    inline.ports[0]!.segmentSize = 0;
    return packetsOf(inline.sent(1));
  };
  // one that fits need not wait for the others' fragments
  const datagrams = send(17, udp(1, 2, data)).sort((one, other) => other.length - one.length);
  assert.equal(datagrams.map((one) => [one.length, (one[24]! << 8) | one[25]!]), [[1028, 1008], [1028, 1008], [528, 508]]);
  for (const one of datagrams) assert.is(checksum([...pseudo(one), ...one.subarray(20)]), 0);
  router.clearErrors();
  assert.equal([send(50, data), errors()], [[], { "ip4-fragment: malformed packet": 1 }]);
});

check("what cannot be cut is dropped by name: beyond the longest packet, a super-packet of no known protocol, a broken chain", () => {
  const length = 1000;
  const late = toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800,
    ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 50, fragment: 0x1fff, payload: counting(length) })));
  assert.equal([pass(late), errors()], [[], { "ip4-fragment: malformed packet": 1 }]);
  router.clearErrors();

  const make = (change: (buffer: number) => void): void => {
    const index = graph.allocate();
    const buffer = (index << BUFFER_SHIFT) >>> 0;
    const packet = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 50, payload: counting(length) });
    u8.set(packet, buffer + BUFFER_START);
    u16[(buffer + B_LENGTH) >> 1] = packet.length;
    u32[(buffer + B_TOTAL) >> 2] = packet.length;
    change(buffer);
    graph.inject(router["registry"].find("ip4-fragment").index, [index]);
  };
  make((buffer) => (u16[(buffer + B_GSO_SIZE) >> 1] = 500));
  make((buffer) => (u32[(buffer + B_TOTAL) >> 2] = 5000));
  make((buffer) => (u32[(buffer + B_NEXT) >> 2] = 1, u32[(buffer + B_TOTAL) >> 2] = 5000));
  make((buffer) => (u16[(buffer + B_CUT) >> 1] = 125));
  make((buffer) => (u8[buffer + BUFFER_START] = 0x44));
  make((buffer) => (u8[buffer + BUFFER_START] = 0x4f, u16[(buffer + B_LENGTH) >> 1] = 40, u32[(buffer + B_TOTAL) >> 2] = 40));
  make((buffer) => (u8[buffer + B_CSUM_FLAGS] = 1, u16[(buffer + B_CSUM_START) >> 1] = 100));
  make((buffer) => (u8[buffer + B_CSUM_FLAGS] = 1, u16[(buffer + B_CSUM_START) >> 1] = BUFFER_START, u16[(buffer + B_CSUM_OFFSET) >> 1] = 1019));
  assert.equal(errors(), { "ip4-fragment: malformed packet": 8, "graph: not a buffer in use": 1 });
  router.clearErrors();
});

test.after(() => router.stop());
test.run();
