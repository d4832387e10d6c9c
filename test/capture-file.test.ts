// Captures, literally: pcap in its four forms, pcapng block by block, and what hostile files get.

import { test } from "uvu";
import * as assert from "uvu/assert";
import fc from "fast-check";
import { WeftError } from "../host/errors.js";
import { parseCapture, readCapture } from "../host/ports/capture-file.js";

interface Form {
  little: boolean;
  magic: number;
}

/** A capture as libpcap would write it. */
function capture({ little, magic }: Form, packets: [seconds: number, fraction: number, data: number[], original?: number][], link = 1): Uint8Array {
  const bytes = new Uint8Array(24 + packets.reduce((sum, [, , data]) => sum + 16 + data.length, 0));
  const view = new DataView(bytes.buffer);
  [magic, 0x00040002, 0, 0, 65535, link].forEach((word, i) => view.setUint32(i * 4, word, little));
  let at = 24;
  for (const [seconds, fraction, data, original] of packets) {
    [seconds, fraction, data.length, original ?? data.length].forEach((word, i) => view.setUint32(at + i * 4, word, little));
    bytes.set(data, at + 16);
    at += 16 + data.length;
  }
  return bytes;
}

const MICRO = 0xa1b2c3d4;
const NANO = 0xa1b23c4d;

test("both byte orders, micro- and nanoseconds", () => {
  for (const little of [true, false]) {
    for (const [magic, ns] of [[MICRO, 5_000_000_123_000n], [NANO, 5_000_000_000_123n]] as const) {
      const { link, packets } = parseCapture(capture({ little, magic }, [[5000, 123, [1, 2, 3]], [5001, 0, [], 9]], 101), "a.pcap");
      assert.is(link, 101);
      assert.equal(packets.map(({ time, data, original }) => [time, [...data], original]), [[ns, [1, 2, 3], 3], [5_001_000_000_000n, [], 9]]);
    }
  }
  assert.equal(parseCapture(capture({ little: true, magic: MICRO }, []), "a.pcap").packets, []);
});

test("what is no pcap, and what is damaged", () => {
  const good = capture({ little: true, magic: MICRO }, [[1, 2, [1, 2, 3]]]);
  const long = good.slice();
  new DataView(long.buffer).setUint32(32, 0x40001, true);
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(), "a.pcap: no packet capture: 0 bytes, and a header alone has 24"],
    [good.subarray(0, 23), "a.pcap: no packet capture: 23 bytes, and a header alone has 24"],
    [new Uint8Array(64), "a.pcap: no packet capture: it does not begin as pcap and pcapng files do"],
    [good.subarray(0, 39), "a.pcap: packet 1: the file ends in its header"],
    [good.subarray(0, 42), "a.pcap: packet 1: the file ends 1 bytes before it does"],
    [long, "a.pcap: packet 1: a length of 262145, more than the 262144 that pcap allows"],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => parseCapture(bytes, "a.pcap"), (error: Error) => error instanceof WeftError && error.message === message);
  }
  assert.throws(() => readCapture("/nonexistent/a.pcap"), (error: WeftError) => error.code === "NOT_FOUND");
});

/** A block of pcapng around a body, which is padded. */
function block(little: boolean, type: number, ...body: number[]): number[] {
  const padded = [...body, ...Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  const length = word(little, padded.length + 12);
  return [...word(little, type), ...length, ...padded, ...length];
}

function word(little: boolean, value: number): number[] {
  const bytes = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  return little ? bytes.reverse() : bytes;
}

function half(little: boolean, value: number): number[] {
  return little ? [value & 255, value >> 8] : [value >> 8, value & 255];
}

const section = (little: boolean): number[] => block(little, 0x0a0d0d0a, ...word(little, 0x1a2b3c4d), ...half(little, 1), 0, 0, ...Array<number>(8).fill(0xff));
const ethernet = (little: boolean, snap = 0, ...options: number[]): number[] => block(little, 1, ...half(little, 1), 0, 0, ...word(little, snap), ...options);
const enhanced = (little: boolean, index: number, time: bigint, data: number[], original = data.length): number[] =>
  block(little, 6, ...[index, Number(time >> 32n), Number(time & 0xffffffffn), data.length, original].flatMap((value) => word(little, value)), ...data);

test("pcapng in both byte orders: enhanced, simple and obsolete packets, resolutions, blocks that are passed over", () => {
  for (const little of [true, false]) {
    const nano = [...half(little, 9), ...half(little, 1), 9, 0, 0, 0]; // if_tsresol: 10^-9
    const binary = [...half(little, 2), ...half(little, 5), 101, 116, 104, 48, 0, 0, 0, 0, ...half(little, 9), ...half(little, 1), 0x8a, 0, 0, 0]; // 2^-10
    const bytes = Uint8Array.from([
      ...section(little), ...ethernet(little, 4), ...ethernet(little, 0, ...nano), ...ethernet(little, 0, ...binary),
      ...enhanced(little, 0, 1_700_000_000_000_123n, [1, 2, 3]), ...block(little, 0x0bad, 7, 7, 7),
      ...enhanced(little, 1, 1_700_000_000_000_000_123n, [4], 60), ...enhanced(little, 2, 2049n, []),
      ...block(little, 3, ...word(little, 6), 9, 8, 7, 6), // 6 bytes on the wire, 4 of them captured
      ...block(little, 2, ...half(little, 1), 0, 0, ...[0, 5, 2, 2].flatMap((value) => word(little, value)), 5, 5),
    ]);
    const { link, packets } = parseCapture(bytes, "a.pcapng");
    assert.is(link, 1);
    assert.equal(packets.map(({ time, data, original }) => [time, [...data], original]), [
      [1_700_000_000_000_123_000n, [1, 2, 3], 3], [1_700_000_000_000_000_123n, [4], 60], [2_000_976_562n, [], 0], [0n, [9, 8, 7, 6], 6], [5n, [5, 5], 2],
    ]);
  }
});

test("a section in the other byte order has interfaces of its own", () => {
  const first = [...section(true), ...ethernet(true), ...enhanced(true, 0, 1n, [1])];
  const both = [...first, ...section(false), ...ethernet(false), ...enhanced(false, 0, 2n, [2])];
  assert.equal(parseCapture(Uint8Array.from(both), "a").packets.map(({ data }) => data[0]), [1, 2]);
  const lacking = Uint8Array.from([...first, ...section(false), ...enhanced(false, 0, 2n, [2])]);
  assert.throws(() => parseCapture(lacking, "a"), (error: Error) => error.message === "a: packet 2: of interface 0, which the file does not describe");
});

test("damaged pcapng: one clear line", () => {
  const start = [...section(true), ...ethernet(true)];
  const packet = enhanced(true, 0, 1n, [1, 2, 3, 4]);
  const changed = (at: number, value: number): number[] => [...packet.slice(0, at), ...word(true, value), ...packet.slice(at + 4)];
  const cases: [number[], string][] = [
    [[...start, ...packet.slice(0, 8)], "a: block at 48: the file ends in its header"],
    [[...start, ...packet.slice(0, 32)], "a: block at 48: the file ends 4 bytes before it does"],
    [[...start, ...changed(4, 0xfffffffc)], "a: block at 48: the file ends 4294967256 bytes before it does"],
    [[...start, ...changed(4, 35)], "a: block at 48: a length of 35"],
    [[...start, ...changed(4, 8)], "a: block at 48: a length of 8"],
    [[...start, ...changed(32, 40)], "a: block at 48: its length is 36 at its beginning and 40 at its end"],
    [[...start, ...changed(20, 5)], "a: packet 1: a length of 5, more than its block holds"],
    [[...start, ...changed(20, 0x7fffffff)], "a: packet 1: a length of 2147483647, more than the 262144 that are allowed"],
    [[...start, ...changed(8, 1)], "a: packet 1: of interface 1, which the file does not describe"],
    [[...start, ...block(true, 6, 0, 0, 0, 0)], "a: packet 1: its block ends in its header"],
    [[...section(true), ...block(true, 1, 1, 0)], "a: block at 28: 16 bytes are no interface description"],
    [block(true, 0x0a0d0d0a, ...word(true, 0x1a2b3c4e), ...Array<number>(12).fill(0)), "a: block at 0: a section header without a byte-order mark"],
    [[...start, ...block(true, 1, ...half(true, 101), 0, 0, 0, 0, 0, 0), ...packet, ...enhanced(true, 1, 1n, [1])],
      "a: packet 2: of link type 101, those before it of 1"],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => parseCapture(Uint8Array.from(bytes), "a"), (error: Error) => error instanceof WeftError && assert.is(error.message, message) === undefined);
  }
});

test("whatever the bytes: packets within them, or a WeftError", () => {
  const headed = fc.uint8Array({ maxLength: 200 }).map((rest) => Uint8Array.from([...capture({ little: true, magic: NANO }, []), ...rest]));
  const sound = [...section(true), ...ethernet(true), ...enhanced(true, 0, 1n, [1, 2, 3]), ...enhanced(true, 0, 1n, [4])];
  const mutated = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = Uint8Array.from(sound);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  fc.assert(fc.property(fc.oneof(headed, mutated, fc.uint8Array({ maxLength: 64 })), (bytes) => {
    try {
      const { packets } = parseCapture(bytes, "x");
      if (bytes[0] !== 0x0a) assert.is(packets.reduce((sum, { data }) => sum + 16 + data.length, 24), bytes.length);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
    }
  }), { numRuns: 2000 });
});

test.run();
