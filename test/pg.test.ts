// The packet generator port: literal packets, ranges against a naive oracle, sizes, limits, rates, and packets from port to port.

import { test } from "uvu";
import * as assert from "uvu/assert";
import fc from "fast-check";
import {
  B_DATA, B_GSO_SIZE, B_LENGTH, B_TOTAL, BUFFER_ALIGN, BUFFER_SIZE, IFC_RX_NO_BUFFER, IFC_RX_PACKETS, IFC_TX_BYTES, IFC_TX_NO_ROOM, IFC_TX_PACKETS,
  IFC_TX_TOO_LONG, VECTOR,
} from "../assembly/abi.js";
import { addon, type PgTemplate } from "../host/addon.js";
import { WeftError } from "../host/errors.js";
import { FRAME_MAX, parseTemplate } from "../host/ports/pg-template.js";
import { toHex } from "./graph/packets.js";
import {
  BUFFERS, counter, FRAME, frameOf, free, look, type Packet, packets, put, release, resetPool, SEGMENTS, send, tcpPacket,
} from "./native-bench.js";
import { expected } from "./traffic-model.js";

const MAC = "02:fe:00:00:00:01";
const PG = 1;
const waiter = addon.openWaiter();
const { handle } = addon.openPg();
test.before.each(resetPool);

function balanced(name: string, run: () => void): void {
  test(name, () => {
    run();
    assert.is(free(), BUFFERS);
  });
}

/** Runs a stream of its own until `count` packets have come, at most `burst` at once. */
function generate(template: PgTemplate, count: number, options: { limit?: number; rate?: number; burst?: number } = {}): Uint8Array[] {
  const id = addon.pgAdd(handle, { limit: options.limit ?? count, rate: options.rate ?? 0, ...template });
  addon.pgEnable(handle, id, true);
  const got: Uint8Array[] = [];
  while (got.length < count) {
    const came = receive(options.burst ?? VECTOR);
    got.push(...came.map(({ bytes }) => bytes));
    release(came);
  }
  addon.pgRemove(handle, id);
  return got;
}

function receive(max = VECTOR, from = handle): Packet[] {
  return look(addon.receive(from, FRAME, max, PG));
}

const hex = (data: string, size?: string, seed = 0): string[] => generate(parseTemplate(data, size, MAC, seed), 3).map(toHex);

balanced("a literal UDP packet, its lengths and checksums filled in, a range counting", () => {
  const ethernet = "02fe00000001020000000002" + "0800";
  const ip = (sum: string, last: string): string => `4500002e000000004011${sum}c0000202c63364${last}`;
  const data = "UDP: 192.0.2.2 -> 198.51.100.1-198.51.100.2 UDP: 1234 -> 2345 incrementing 4";
  // RFC 1071: 4500+002e+4011+c000+0202+c633+6401 = 27175 → 7177, its complement 8e88
  assert.equal(hex(data), [
    `${ethernet}${ip("8e88", "01")}04d20929001a` + "fd76" + "000102030001020300010203000102030001",
    `${ethernet}${ip("8e87", "02")}04d20929001a` + "fd75" + "000102030001020300010203000102030001",
    `${ethernet}${ip("8e88", "01")}04d20929001a` + "fd76" + "000102030001020300010203000102030001",
  ]);
});

balanced("literal ICMP and TCP packets, a VLAN tag, a raw frame", () => {
  assert.is(hex("IP4: 02:00:00:00:00:0a -> 02:00:00:00:00:0b vlan 100 ICMP: 10.0.0.1 -> 10.0.0.2 ttl 3 ICMP: echo_request id 1 seq 2 hex 0xabcd", "48")[0],
    "02000000000b02000000000a810000640800" + "4500001e000000000301a3dd0a0000010a000002" + "08004c2f00010002abcd");
  assert.is(hex("TCP: 10.0.0.1 -> 10.0.0.2 TCP: 1 -> 2 seq 7 flags syn,ack window 512", "54")[0]!.slice(28),
    "450000280000000040" + "0666ce0a0000010a000002" + "0001000200000007000000005012020099c60000");
  assert.equal(hex("hex 02000000000a02000000000b88b5 at 14:1 7-8", "16"), ["7", "8", "7"].map((n) => `02000000000a02000000000b88b50${n}00`));
  assert.equal(hex("0x88b5: 02:00:00:00:00:0a-02:00:00:00:00:0c -> 02:00:00:00:00:0b", "14"), ["a", "b", "c"].map((n) => `02000000000b02000000000${n}88b5`));
});

balanced("a chain that uses its headroom too holds more than a chain can receive: it is not handed over", () => {
  const other = addon.openPg().handle;
  addon.pgConnect(handle, other);
  const before = counter(PG, IFC_TX_TOO_LONG);
  const longest = BUFFER_SIZE - BUFFER_ALIGN;
  const first = put(0, frameOf(FRAME_MAX));
  const [{ buffers }] = look(1) as [Packet];
  for (const buffer of buffers) {
    packets.view.setUint16(buffer + B_DATA, BUFFER_ALIGN, true);
    packets.view.setUint16(buffer + B_LENGTH, longest, true);
  }
  packets.view.setUint32(first + B_TOTAL, buffers.length * longest, true);
  assert.is(addon.transmit(handle, FRAME, 1, PG), 0);
  assert.is(addon.receive(other, FRAME, VECTOR, PG), 0);
  assert.is(counter(PG, IFC_TX_TOO_LONG) - before, 1);
  addon.pgConnect(handle, -1);
  addon.closePort(other);
});

balanced("a rate of next to nothing: one packet, then sleep", () => {
  const id = addon.pgAdd(handle, { limit: 0, rate: 1e-12, ...parseTemplate("UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2", "60", MAC, 0) });
  addon.pgEnable(handle, id, true);
  const got = receive();
  assert.is(got.length, 1);
  release(got);
  const before = process.hrtime.bigint();
  addon.wait(waiter, Uint32Array.of(handle), 20);
  assert.ok(process.hrtime.bigint() - before >= 19_000_000n);
  addon.pgRemove(handle, id);
});

/** Texts of packets whose values are ranges, counting or random. */
const range = (most: number, shown: (value: number) => string = String): fc.Arbitrary<string> =>
  fc.tuple(fc.nat(most), fc.nat(most), fc.constantFrom("", "-", "+")).map(([a, b, sign]) =>
    sign === "" ? shown(a) : `${shown(Math.min(a, b))}${sign}${shown(Math.max(a, b))}`);
const address = range(0xffffffff, (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join("."));
const mac = range(2 ** 48 - 1, (value) => value.toString(16).padStart(12, "0").match(/../g)!.join(":"));
const short = range(0xffff);
const byte = range(255);
const transports = fc.oneof(
  fc.tuple(short, short).map(([a, b]) => ["UDP", `UDP: ${a} -> ${b}`]),
  fc.tuple(short, short, range(0xffffffff), byte, short).map(([a, b, seq, flags, window]) =>
    ["TCP", `TCP: ${a} -> ${b} seq ${seq} flags ${flags} window ${window}`]),
  fc.tuple(byte, byte, short).map(([type, code, id]) => ["ICMP", `ICMP: ${type} code ${code} id ${id}`]),
  byte.map((value) => ["89", `at 50:1 ${value}`]),
);
const texts = fc.record({ from: mac, to: mac, source: address, destination: address, ttl: byte, id: short, transport: transports, tag: fc.boolean(), count: fc.integer({ min: 1, max: 256 }) })
  .map(({ from, to, source, destination, ttl, id, transport: [protocol, rest], tag, count }) =>
    `IP4: ${from} -> ${to}${tag ? " vlan 1-3" : ""} ${protocol}: ${source} -> ${destination} ttl ${ttl} id ${id} ${rest} incrementing ${count}`);
const sizes = fc.tuple(fc.integer({ min: 70, max: 5000 }), fc.integer({ min: 0, max: 3000 }), fc.constantFrom("-", "+"))
  .map(([least, more, sign]) => (more < 100 ? String(least) : `${least}${sign}${least + more}`));

balanced("whatever the ranges and sizes, packets are the oracle's", () => {
  fc.assert(fc.property(texts, sizes, fc.nat(), fc.integer({ min: 1, max: 40 }), (text, size, seed, burst) => {
    const template = parseTemplate(text, size, MAC, seed);
    assert.equal(generate(template, 40, { burst }).map(toHex), expected(template, 40).map(toHex));
  }), { numRuns: 150 });
});

balanced("a range of 2^48 values, random ones with a seed that comes again", () => {
  const text = "0x88b5: 00:00:00:00:00:00+ff:ff:ff:ff:ff:ff -> 02:00:00:00:00:02";
  const [one, again, other] = [7, 7, 8].map((seed) => hex(text, "14", seed));
  assert.equal(one, again);
  assert.not.equal(one, other);
  assert.is(new Set(one).size, 3);
});

for (const size of [14, 15, 60, 1514, 2047, 2048, 2049, 4096, 9216, 65549, FRAME_MAX]) {
  balanced(`a packet of ${size} bytes`, () => {
    const template = parseTemplate("0x88b5: 02:00:00:00:00:0a -> 02:00:00:00:00:0b incrementing 251", String(size), MAC, 0);
    const before = counter(PG, IFC_RX_PACKETS);
    assert.equal(generate(template, 2).map(toHex), expected(template, 2).map(toHex));
    assert.is(counter(PG, IFC_RX_PACKETS), before + 2);
  });
}

balanced("sizes count through all of a range that crosses buffers", () => {
  const template = parseTemplate("UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2 incrementing 256", "2040-2060", MAC, 0);
  const got = generate(template, 42);
  assert.equal(got.map(({ length }) => length), Array.from({ length: 42 }, (_, i) => 2040 + (i % 21)));
  assert.equal(got.map(toHex), expected(template, 42).map(toHex));
});

balanced("a limit ends a stream; enabled again it begins anew", () => {
  const template = parseTemplate("UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1+60000 -> 2", undefined, MAC, 3);
  const id = addon.pgAdd(handle, { limit: 300, rate: 0, ...template });
  assert.equal(addon.pgState(handle, id), { enabled: false, packets: 0, bytes: 0, elapsed: 0, failure: "" });
  for (let round = 0; round < 2; round++) {
    addon.pgEnable(handle, id, true);
    const bursts = [receive(), receive(), receive()];
    assert.equal(bursts.map((burst) => burst.length), [256, 44, 0]);
    assert.equal(bursts.flat().map(({ bytes }) => toHex(bytes)), expected(template, 300).map(toHex));
    bursts.forEach(release);
    const { enabled, packets: count, bytes } = addon.pgState(handle, id)!;
    assert.equal([enabled, count, bytes], [false, 300, 300 * 60]);
  }
  addon.pgRemove(handle, id);
  assert.is(addon.pgState(handle, id), undefined);
});

balanced("two streams take turns, and one that is disabled keeps quiet", () => {
  const ids = ["aa", "bb"].map((last) => addon.pgAdd(handle, { limit: 0, rate: 0, ...parseTemplate(`hex 02000000000a02000000000b88b5${last}`, "60", MAC, 0) }));
  for (const id of ids) addon.pgEnable(handle, id, true);
  const kinds = Array.from({ length: 4 }, () => {
    const burst = receive();
    release(burst);
    return new Set(burst.map(({ bytes }) => bytes[14]));
  });
  assert.equal(kinds.map((kind) => [...kind]), [[0xaa], [0xbb], [0xaa], [0xbb]]);
  addon.pgEnable(handle, ids[0]!, false);
  for (let i = 0; i < 2; i++) {
    const burst = receive();
    release(burst);
    assert.equal([...new Set(burst.map(({ bytes }) => bytes[14]))], [0xbb]);
  }
  for (const id of ids) addon.pgRemove(handle, id);
});

balanced("with the pool empty no packet is passed over", () => {
  const template = parseTemplate("UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1-60000 -> 2", "3000", MAC, 0);
  const id = addon.pgAdd(handle, { limit: 0, rate: 0, ...template });
  addon.pgEnable(handle, id, true);
  const before = counter(PG, IFC_RX_NO_BUFFER);
  const bursts = [receive(), receive(), receive()];
  assert.equal(bursts.map((burst) => burst.length), [256, 256, 0]);
  assert.is(counter(PG, IFC_RX_NO_BUFFER), before + 1);
  const first = bursts.flat().map(({ bytes }) => toHex(bytes));
  bursts.forEach(release);
  const last = receive();
  addon.pgRemove(handle, id);
  assert.equal([...first, ...last.map(({ bytes }) => toHex(bytes))], expected(template, 768).map(toHex));
  release(last);
});

balanced("a rate: by the port's own clock exactly as many as are due, and asleep between them", () => {
  const [rate, limit] = [2000, 60];
  const id = addon.pgAdd(handle, { limit, rate, ...parseTemplate("UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2", undefined, MAC, 0) });
  addon.pgEnable(handle, id, true);
  let [count, calls] = [0, 0];
  while (count < limit) {
    const burst = receive();
    release(burst);
    count += burst.length;
    calls++;
    const { packets: sent, elapsed } = addon.pgState(handle, id)!;
    assert.is(sent, count);
    assert.is(sent, Math.min(Math.floor((elapsed * rate) / 1e9) + 1, limit));
    addon.wait(waiter, Uint32Array.of(handle), 2000);
  }
  assert.ok(calls <= 3 * limit, `${calls} calls: it does not sleep until a packet is due`);
  addon.pgRemove(handle, id);
});

balanced("what is sent is counted, and dropped", () => {
  const before = [IFC_TX_PACKETS, IFC_TX_BYTES].map((which) => counter(PG, which));
  assert.is(send(handle, PG, frameOf(60), frameOf(5000)), 2);
  assert.equal([IFC_TX_PACKETS, IFC_TX_BYTES].map((which, i) => counter(PG, which) - before[i]!), [2, 5060]);
  assert.equal(receive(), []);
});

balanced("connected ports: what is sent through one comes in at the other, offloads too; a full wire is counted", () => {
  const other = addon.openPg().handle;
  addon.pgConnect(handle, other);
  const frames = [frameOf(60), frameOf(2049), frameOf(9216), frameOf(14)];
  assert.is(send(handle, PG, ...frames), 4);
  put(0, tcpPacket(20000), SEGMENTS);
  assert.is(addon.transmit(handle, FRAME, 1, PG), 1);
  const got = receive(VECTOR, other);
  assert.equal(got.map(({ bytes }) => toHex(bytes)), [...frames, tcpPacket(20000)].map(toHex));
  assert.is(packets.view.getUint16(got[4]!.buffers[0]! + B_GSO_SIZE, true), 1448);
  release(got);
  // 4 MiB: records of 16 bytes and 9216
  const [room, lost] = [Math.floor((4 << 20) / 9232), counter(PG, IFC_TX_NO_ROOM)];
  let sent = 0;
  for (let i = 0; i < 6; i++) sent += send(handle, PG, ...Array<Uint8Array>(100).fill(frameOf(9216, i)));
  assert.ok(sent >= room - 1 && sent <= room, `${sent} packets in a wire for ${room}`);
  assert.is(counter(PG, IFC_TX_NO_ROOM) - lost, 600 - sent);
  for (let i = 0, n = 0; i < sent; i += n) {
    const burst = receive(VECTOR, other);
    n = burst.length;
    assert.ok(burst.every(({ bytes }, j) => bytes[20] === frameOf(21, Math.floor((i + j) / 100))[20]));
    release(burst);
  }
  addon.closePort(other);
  assert.is(send(handle, PG, frameOf(60)), 1); // nobody is there any more
});

const REFUSED: [data: string, size: string | undefined, message: RegExp][] = [
  ["", undefined, /the data are empty/],
  ["UDP: 10.0.0.1 -> 10.0.0.2", undefined, /word 5: expected the UDP header, such as "UDP: 1234 -> 2345", not the end/],
  ["UDP: 10.0.0.1 => 10.0.0.2 UDP: 1 -> 2", undefined, /word 3: expected "->", not "=>"/],
  ["UDP: 10.0.0.1 -> 10.0.0.256 UDP: 1 -> 2", undefined, /"10.0.0.256" is not an IPv4 address/],
  ["UDP: 10.0.0.9-10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2", undefined, /the range "10.0.0.9-10.0.0.1" begins above its end/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 65536", undefined, /"65536" is not a port from 0 to 65535/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 ->", undefined, /the data end where a port from 0 to 65535 is to come/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2 payload 7", undefined, /expected "at", "hex", "incrementing" or nothing more, not "payload"/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2", "41", /size 41: the data alone have 42 bytes/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2", "60-65550", /"60-65550" is not a number of bytes from 14 to 65549/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2 at 24:2 0-9", undefined, /bytes 24:2 overlap 23:3/],
  ["UDP: 10.0.0.1-10.0.0.3 -> 10.0.0.2 UDP: 1 -> 2 at 29:1 0-9", undefined, /bytes 29:1 overlap 26:4/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2 at 59:2 0-9", "60-90", /bytes 59:2 are beyond the end of a packet of 60/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2 hex abc", undefined, /expected pairs of hex digits, not "abc"/],
  ["UDP: 10.0.0.1 -> 10.0.0.2 ICMP: constructor", undefined, /expected the UDP header/],
  ["ICMP: 10.0.0.1 -> 10.0.0.2 ICMP: constructor", undefined, /"constructor" is not echo_request, echo_reply or a number from 0 to 255/],
  ["constructor: 10.0.0.1 -> 10.0.0.2", undefined, /expected ICMP:, TCP:, UDP:, or a number from 0 to 255 and a colon, not "constructor:"/],
  ["IPX: 02:00:00:00:00:0a -> 02:00:00:00:00:0b", undefined, /expected IP4:, ARP:, IP6:, or a type from 1536 to 65535 and a colon, not "IPX:"/],
];

for (const [data, size, message] of REFUSED) {
  test(`refused: ${data} ${size ?? ""}`, () => {
    assert.throws(() => parseTemplate(data, size, MAC, 0), (error: WeftError) => error.code === "BAD_ARGUMENT" && assert.match(error.message, message) === undefined);
  });
}

test("word salads: a template that the shim takes, or one clear line", () => {
  const words = fc.constantFrom("UDP:", "TCP:", "ICMP:", "IP4:", "10.0.0.1", "10.0.0.1-10.0.0.9", "->", "02:00:00:00:00:0a", "1", "7+9", "hex", "00ff", "at",
    "14:2", "90:6", "ttl", "vlan", "incrementing", "echo_request", "seq", "17:", "0x88b5:", "constructor:", "constructor");
  const size = fc.constantFrom(undefined, "14", "60", "14-100", "14+81920", "65549", "81921", "9-8", "x");
  fc.assert(fc.property(fc.array(words, { maxLength: 14 }), size, (list, chosen) => {
    try {
      addon.pgRemove(handle, addon.pgAdd(handle, { limit: 1, rate: 0, ...parseTemplate(list.join(" "), chosen, MAC, 0) }));
    } catch (error) {
      assert.instance(error, WeftError);
    }
  }), { numRuns: 3000 });
});

test("refused: more bytes than a call has room for", () => {
  assert.throws(() => parseTemplate(`hex ${"00".repeat(500_000)}`, undefined, MAC, 0), (error: WeftError) => error.code === "BAD_ARGUMENT");
});

test("what does not fit each other is refused by the shim as well", () => {
  const good = parseTemplate("UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1-9 -> 2", "60", MAC, 0);
  const one = good.ranges[0]!;
  const wrong: Partial<PgTemplate>[] = [
    { bytes: new Uint8Array(13) }, { bytes: new Uint8Array(61) }, { size: { ...good.size, count: 0 } }, { size: { ...good.size, from: 2 ** 53 } },
    { ranges: [{ ...one, at: 59 }] }, { ranges: [{ ...one, at: 0xffffffff }] }, { ranges: [{ ...one, bytes: 7 }] }, { ranges: [{ ...one, bytes: 0 }] },
    { ranges: [{ ...one, count: 0 }] }, { ip: 41 }, { ip: 42 }, { ip: 0xfffffffe }, { transport: 60 }, { transport: 33 }, { checksum: 60 }, { checksum: 20 },
    { ip: 0 }, { ranges: [{ ...one, at: 14, bytes: 1 }] }, { ranges: [{ ...one, at: 20, bytes: 4 }] }, // header length and protocol say where bytes are
  ];
  for (const change of wrong) assert.throws(() => addon.pgAdd(handle, { limit: 0, rate: 0, ...good, ...change }), /do not fit/, JSON.stringify(change));
  for (const rate of [NaN, Infinity, 1e300]) assert.throws(() => addon.pgAdd(handle, { limit: 0, rate, ...good }), /do not fit/);
  assert.throws(() => addon.pgAdd(handle, undefined as never), /do not fit/);
  assert.throws(() => addon.pgAdd(handle + 1, { limit: 0, rate: 0, ...good }), /no packet generator/);
});

test.after(() => {
  addon.closePort(handle);
  addon.closeWaiter(waiter);
});
test.run();
