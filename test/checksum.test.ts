// The checksum code against a naive oracle: sums over any bytes at any address and over chains, updates over all values.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUFFER_SHIFT, B_DATA, B_LENGTH, B_NEXT, B_TOTAL, PAGE, WORKERS } from "../assembly/abi.js";
import { compile } from "./compile.js";

/** asc has a module ask for all that lies before its static data's end. */
const pages = WORKERS / PAGE;
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const bytes = new Uint8Array(memory.buffer);
const view = new DataView(memory.buffer);
const AT = 4 * PAGE;

interface Checksum {
  sumBytes(at: number, length: number): number;
  sumPacket(buffer: number, skip: number): number;
  fold(sum: bigint): number;
  updateChecksum(checksum: number, before: number, after: number): number;
}
interface Ip4 {
  decrementTtl(header: number): void;
  headerSum(header: number, length: number): number;
}
const checksum = new WebAssembly.Instance(compile("assembly/wire/checksum.ts"), { env: { memory } }).exports as unknown as Checksum;
const ip4 = new WebAssembly.Instance(compile("assembly/wire/ipv4.ts"), { env: { memory } }).exports as unknown as Ip4;

/** RFC 1071 as it is written, over little-endian words. */
function oracle(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += data[i]! + 256 * (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  return sum;
}

const anyBytes = (max: number) => fc.oneof(
  fc.uint8Array({ maxLength: max }),
  fc.tuple(fc.constantFrom(0, 1, 0x80, 0xff), fc.nat(max)).map(([value, length]) => new Uint8Array(length).fill(value)),
);

test("sumBytes: any bytes, any alignment, odd and even; nothing beyond the end counts", () => {
  fc.assert(fc.property(anyBytes(300), fc.nat(63), (data, offset) => {
    bytes.fill(0xa5, AT, AT + 512);
    bytes.set(data, AT + offset);
    assert.is(checksum.sumBytes(AT + offset, data.length), oracle(data));
  }), { numRuns: 5000 });
});

test("sumBytes: every length up to 130, and 64 KiB of ones", () => {
  for (let length = 0; length <= 130; length++) {
    const data = Uint8Array.from({ length }, (_, i) => (i * 167 + 255) & 255);
    bytes.set(data, AT + 1);
    assert.is(checksum.sumBytes(AT + 1, length), oracle(data), `length ${length}`);
  }
  for (const length of [65535, 65536]) {
    bytes.fill(0xff, AT, AT + length);
    assert.is(checksum.sumBytes(AT, length), oracle(bytes.slice(AT, AT + length)));
  }
});

test("fold: the carries of sums of 32-bit words", () => {
  const check = (sum: bigint) => assert.is(checksum.fold(sum), sum === 0n ? 0 : Number((sum - 1n) % 65535n) + 1);
  for (const sum of [0n, 1n, 0xffffn, 0x10000n, 0x1fffen, 0xffffffffn, 0x100000000n, 0xffffffffffffn, 0x1fffeffffn, 0xffff00010000ffffn]) check(sum);
  fc.assert(fc.property(fc.bigInt(0n, 0xffffffffffffffffn), check), { numRuns: 5000 });
});

/** Lays data out as a chain of buffers at odd and even places; gives the first one's address. */
function layChain(pieces: Uint8Array[], total: number): number {
  pieces.forEach((piece, k) => {
    const buffer = AT + k * 4096;
    const data = 192 + (k * 7) % 32;
    bytes.fill(0xa5, buffer, buffer + 4096);
    bytes.set(piece, buffer + data);
    view.setUint16(buffer + B_DATA, data, true);
    view.setUint16(buffer + B_LENGTH, piece.length, true);
    view.setUint32(buffer + B_NEXT, k + 1 < pieces.length ? (buffer + 4096) >>> BUFFER_SHIFT : 0, true);
  });
  view.setUint32(AT + B_TOTAL, total, true);
  return AT;
}

test("sumPacket: chains with empty, odd and long pieces, a skip into any of them, an end before the chain's", () => {
  fc.assert(fc.property(fc.array(anyBytes(120), { minLength: 1, maxLength: 6 }), fc.nat(), fc.nat(), (pieces, a, b) => {
    const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
    const total = a % (whole.length + 1);
    const skip = b % (total + 1);
    assert.is(checksum.sumPacket(layChain(pieces, total), skip), oracle(whole.subarray(skip, total)));
  }), { numRuns: 5000 });
});

test("sumPacket: a chain that is too short is never intact, one bent into a ring ends", () => {
  const ones = new Uint8Array(10).fill(0xff);
  assert.is(checksum.sumPacket(layChain([ones, ones], 20), 0), 0xffff);
  assert.is(checksum.sumPacket(layChain([ones, ones], 21), 0), 0);
  const ring = layChain([new Uint8Array(0), new Uint8Array(0)], 8);
  view.setUint32(ring + 4096 + B_NEXT, ring >>> BUFFER_SHIFT, true);
  assert.is(checksum.sumPacket(ring, 0), 0);
});

test("updateChecksum: RFC 1624's own example, and a word replaced anywhere in any data", () => {
  assert.is(checksum.updateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000); // RFC 1624, 4: where equation 1 gives 0xffff
  fc.assert(fc.property(fc.uint8Array({ minLength: 20, maxLength: 60 }), fc.nat(29), fc.nat(0xffff), (data, word, after) => {
    data[0] = 0x45; // an IP header is never all zeros: else 0 and 0xffff would be different sums
    const at = word * 2 + 2 <= data.length && word > 0 ? word * 2 : 2;
    const before = data[at]! + 256 * (data[at + 1] ?? 0);
    if (at + 1 >= data.length) return;
    const old = oracle(data) ^ 0xffff;
    data[at] = after & 255;
    data[at + 1] = after >> 8;
    assert.is(checksum.updateChecksum(old, before, after), oracle(data) ^ 0xffff);
  }), { numRuns: 5000 });
});

test("decrementTtl: every checksum with every TTL, as equation 3 has it", () => {
  let wrong = 0;
  for (let ttl = 1; ttl < 256; ttl++) {
    const protocol = (ttl * 37) & 255;
    for (let sum = 0; sum < 65536; sum += ttl % 16 === 1 ? 1 : 251) {
      view.setUint32(AT + 8, ttl | (protocol << 8) | (sum << 16), true);
      ip4.decrementTtl(AT);
      const before = ttl | (protocol << 8);
      let inner = (sum ^ 0xffff) + (before ^ 0xffff) + (before - 1);
      inner = (inner & 0xffff) + (inner >>> 16);
      inner = (inner & 0xffff) + (inner >>> 16);
      if (view.getUint32(AT + 8, true) !== ((before - 1) | ((inner ^ 0xffff) << 16)) >>> 0) wrong++;
    }
  }
  assert.is(wrong, 0);
});

test("decrementTtl: a sound header stays sound down to TTL 0; headerSum agrees with the oracle", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.integer({ min: 1, max: 255 }), (header, ttl) => {
    header.set([0x45], 0);
    header.set([ttl], 8);
    header.set([0, 0], 10);
    const sum = oracle(header) ^ 0xffff;
    header.set([sum & 255, sum >> 8], 10);
    bytes.set(header, AT);
    assert.is(ip4.headerSum(AT, 20), 0xffff);
    for (let left = ttl; left > 0; left--) {
      ip4.decrementTtl(AT);
      assert.is(ip4.headerSum(AT, 20), 0xffff);
      assert.is(bytes[AT + 8], left - 1);
    }
    bytes[AT + 12]! ^= 1;
    assert.is.not(ip4.headerSum(AT, 20), 0xffff);
    assert.is(ip4.headerSum(AT, 20), oracle(bytes.slice(AT, AT + 20)));
  }), { numRuns: 300 });
});

test.run();
