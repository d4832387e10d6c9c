// IP options of any bytes: what the nodes make of them, against a naive reading of RFC 791.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_ADJ, B_FLAGS, B_FLAG_OPTIONS, B_ICMP_DATA, B_RX_IF, B_TX_IF, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE,
} from "../../assembly/abi.js";
import { sum } from "../conformance/packet.js";
import { clock, reset, run, setAdjacency, setControl, setInterface, setRoute, u32 } from "./harness.js";

const [IN, OUT] = [[198, 51, 100, 1], [203, 0, 113, 1]];
const TIME = 0x01020304;
const TIME_BYTES = [1, 2, 3, 4];

interface Option { at: number; type: number; bytes: number[] }

/** The options, or the offset of what is wrong. */
function parse(options: number[]): Option[] | number {
  const found: Option[] = [];
  let at = 0;
  while (at < options.length && options[at] !== 0) {
    if (options[at] === 1) found.push({ at: at++, type: 1, bytes: [1] });
    else {
      const size = options[at + 1] ?? 0;
      if (size < 2 || at + size > options.length) return at;
      found.push({ at, type: options[at]!, bytes: options.slice(at, at + size) });
      at += size;
    }
  }
  return found;
}

const family = (type: number): string => ({ 7: "record", 68: "time", 131: "source", 137: "source" })[type] ?? "other";

/** Offset of the first thing that is wrong; -1: nothing. */
function fault(options: number[]): number {
  const found = parse(options);
  const known = Array.isArray(found) ? found : (parse(options.slice(0, found)) as Option[]);
  const seen = new Set<string>();
  for (const { at, type, bytes } of known) {
    const kind = family(type);
    if (kind !== "other" && seen.has(kind)) return at;
    seen.add(kind);
    const wrong = faultOf(type, bytes);
    if (wrong > 0) return at + wrong;
  }
  return Array.isArray(found) ? -1 : found;
}

function faultOf(type: number, bytes: number[]): number {
  if (type === 148) return bytes.length < 4 ? 1 : 0;
  const kind = family(type);
  if (kind === "other") return 0;
  const fixed = kind === "time" ? 4 : 3;
  if (bytes.length < fixed) return 1;
  const pointer = bytes[2]!;
  if (pointer < fixed + 1) return 2;
  if (kind === "source") return 0;
  const [overflow, flag] = [bytes[3]! >> 4, bytes[3]! & 15];
  const entry = kind === "time" && [1, 3].includes(flag) ? 8 : 4;
  const free = bytes.length - (pointer - 1);
  if (free > 0) return free < entry ? 2 : 0;
  return kind === "time" && flag !== 3 && overflow === 15 ? 3 : 0;
}

/** The bytes after the router has registered; options that are well formed. */
function registered(options: number[], route: number[], arrival: number[], counts: boolean): number[] {
  const out = [...options];
  for (const { at, type, bytes } of parse(options) as Option[]) {
    const free = bytes[2]! - 1;
    const write = (values: number[]): void => {
      for (const [i, value] of values.entries()) out[at + free + i] = value;
      out[at + 2] = bytes[2]! + values.length;
    };
    if (type === 7 && free + 4 <= bytes.length) write(route);
    if (type !== 68) continue;
    const flag = bytes[3]! & 15;
    const next = bytes.slice(free, free + 4);
    if (flag === 0 && free + 4 <= bytes.length) write(TIME_BYTES);
    else if (flag === 1 && free + 8 <= bytes.length) write([...arrival, ...TIME_BYTES]);
    else if (flag === 3 && free + 8 <= bytes.length && [IN, OUT].some((own) => own!.join() === next.join())) write([...next, ...TIME_BYTES]);
    else if (flag !== 3 && free >= bytes.length && counts) out[at + 3] = bytes[3]! + 16;
  }
  return out;
}

function kept(options: number[]): number[] {
  const bytes = (parse(options) as Option[]).filter(({ type }) => type === 7 || type === 68).flatMap((option) => option.bytes);
  return [...bytes, ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0)];
}

const BODY = Buffer.from("0800e5ca123400010000000000", "hex");

/** An echo request from a neighbour, as hex. */
function packet(options: number[], to: number[]): string {
  const header = Buffer.from([0x45 + options.length / 4, 0, 0, 0, 0x12, 0x34, 0, 0, 64, 1, 0, 0, 198, 51, 100, 2, ...to, ...options]);
  header.writeUInt16BE(header.length + BODY.length, 2);
  header.writeUInt16BE(sum(header) ^ 0xffff, 10);
  return Buffer.concat([header, BODY]).toString("hex");
}

const byte = fc.nat(255);
/** Mostly what looks like an option. */
const option = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(7, 68), fc.integer({ min: 2, max: 24 }), fc.integer({ min: 3, max: 26 }),
    fc.constantFrom(0, 1, 2, 3, 0xe0, 0xf0, 0xf3), fc.array(fc.oneof(byte, fc.constant(198)), { minLength: 0, maxLength: 20 }))
    .map(([type, size, pointer, flag, rest]) => [type, size, pointer, flag, ...rest, ...Array<number>(24).fill(0)].slice(0, size)) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(0, 1, 2, 3).map((words) => 8 + 4 * words), fc.constantFrom(IN, OUT, [9, 9, 9, 9]))
    .map(([size, asked]) => [68, size, 5, 3, ...asked!, ...Array<number>(24).fill(0)].slice(0, size)) },
  { weight: 1, arbitrary: fc.constantFrom([1], [148, 4, 0, 0], [131, 7, 4, 1, 2, 3, 4], [137, 3, 4], [130, 3, 9], [0]) },
  { weight: 1, arbitrary: fc.array(byte, { minLength: 1, maxLength: 6 }) },
);
const options = fc.array(option, { minLength: 1, maxLength: 5 }).map((parts) => {
  const bytes = parts.flat().slice(0, 40);
  return [...bytes, ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0)];
});

const hex = (bytes: number[]): string => Buffer.from(bytes).toString("hex");
const RUNS = 2000;

test.before(() => {
  reset();
  setInterface(1, { ip4: IN!.join(".") });
  setInterface(2, { ip4: OUT!.join(".") });
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, tx: 2, rewrite: "0102030405060708090a0b0c0800" });
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL, tx: 1 });
  for (const own of [IN, OUT]) setRoute(`${own!.join(".")}/32`, 10);
  setControl({ utc: TIME });
  clock.now = 0;
});

test("ip4-input: judged as RFC 791 has it, and nothing changed", () => {
  fc.assert(fc.property(options, (bytes) => {
    const sent = packet(bytes, [203, 0, 113, 2]);
    const got = run("ip4-input", { hex: sent, l2: 0 }, [1]);
    const wrong = fault(bytes);
    const routed = wrong < 0 && (parse(bytes) as Option[]).some(({ type }) => family(type) === "source");
    assert.is(got.next, wrong >= 0 ? "ip4-icmp-error" : routed ? "error-drop" : "ip4-lookup", hex(bytes));
    assert.is(got.hex, sent);
    if (wrong >= 0) assert.is(u32(0, B_ICMP_DATA), ((20 + wrong) * 2 ** 24) >>> 0, hex(bytes));
  }), { numRuns: RUNS });
});

const sound = options.filter((bytes) => fault(bytes) < 0);

test("ip4-rewrite: registered in place", () => {
  fc.assert(fc.property(sound, (bytes) => {
    const sent = packet(bytes, [203, 0, 113, 2]);
    const fields: [number, 2, number][] = [[B_ADJ, 2, 5], [B_TX_IF, 2, 2], [B_RX_IF, 2, 1], [B_FLAGS, 2, B_FLAG_OPTIONS]];
    const out = Buffer.from(run("ip4-rewrite", { hex: "00".repeat(14) + sent, fields }, [1]).hex, "hex").subarray(14);
    assert.is(hex([...out.subarray(20, 20 + bytes.length)]), hex(registered(bytes, OUT!, IN!, true)), hex(bytes));
    assert.is(sum(out.subarray(0, 20 + bytes.length)), 0xffff);
    assert.equal([out[8], out.subarray(20 + bytes.length)], [63, BODY]);
  }), { numRuns: RUNS });
});

test("icmp4-input: registered twice, the rest left out", () => {
  fc.assert(fc.property(sound, (bytes) => {
    const { next, hex: reply } = run("icmp4-input", { hex: packet(bytes, IN!), l2: 0 }, [1]);
    const wanted = registered(kept(registered(bytes, IN!, IN!, true)), IN!, IN!, false);
    const out = Buffer.from(reply, "hex");
    const size = 20 + wanted.length;
    assert.equal([next, out[0], out.readUInt16BE(2), out.length], ["ip4-lookup", 0x40 + size / 4, size + BODY.length, size + BODY.length]);
    assert.is(hex([...out.subarray(20, size)]), hex(wanted), hex(bytes));
    assert.is(sum(out.subarray(0, size)), 0xffff);
    assert.is(sum(out.subarray(size)), 0xffff);
  }), { numRuns: RUNS });
});

/** ip4-input has checked them, but another node may have written there since. */
test("unchecked bytes: nothing outside the options changes, nothing traps, nothing grows", () => {
  const any = fc.array(byte, { minLength: 4, maxLength: 40 }).map((bytes) => bytes.slice(0, bytes.length & ~3));
  fc.assert(fc.property(fc.oneof(any, options), (bytes) => {
    const sent = packet(bytes, IN!);
    const fields: [number, 2, number][] = [[B_ADJ, 2, 5], [B_TX_IF, 2, 2], [B_RX_IF, 2, 1], [B_FLAGS, 2, B_FLAG_OPTIONS]];
    const forwarded = run("ip4-rewrite", { hex: "00".repeat(14) + sent, fields }, [1]);
    const at = 28 + 40 + 2 * bytes.length;
    assert.equal([forwarded.next, forwarded.hex.length, forwarded.hex.slice(at)], ["interface-output", 28 + sent.length, BODY.toString("hex")]);
    const reply = run("icmp4-input", { hex: sent, l2: 0 }, [1]);
    assert.ok(reply.hex.length <= sent.length);
    assert.is(reply.hex.slice(-2 * BODY.length + 8), BODY.toString("hex").slice(8));
  }), { numRuns: RUNS });
});

test.run();
