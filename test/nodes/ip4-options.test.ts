// IP options, from ip4-input, which checks them, to ip4-rewrite and icmp4-input, which do what they ask for. The bytes of what goes
// through are those of a Linux router in the same place.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_BROADCAST, B_ADJ, B_FLAGS, B_FLAG_LOCAL, B_FLAG_OPTIONS, B_ICMP, B_ICMP_DATA, B_RX_IF, B_TX_IF, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL,
  LOOKUP_NEXT_REWRITE,
} from "../../assembly/abi.js";
import { clock, expectDrop, fromHex, reset, run, setAdjacency, setControl, setInterface, setRoute, u16, u32 } from "./harness.js";

const LINK = "020000000b02020000000b010800";
const UDP = "9c40829a0018426a000102030405060708090a0b0c0d0e0f";
const ECHO = "0006fd00010001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/** ms since midnight UT: 16:50:41.166 */
const TIME = "039d4f8e";
const MIDNIGHT = 20_000 * 86_400_000;
const through = (header: string) => ({
  hex: "00".repeat(14) + header + UDP,
  fields: [[B_ADJ, 2, 5], [B_TX_IF, 2, 2], [B_RX_IF, 2, 1], [B_FLAGS, 2, B_FLAG_OPTIONS]] as [number, 2, number][],
});

test.before.each(() => {
  reset();
  setInterface(1, { ip4: "198.51.100.1" });
  setInterface(2, { ip4: "203.0.113.1" });
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, tx: 2, rewrite: LINK });
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL, tx: 1 });
  setAdjacency(11, { next: LOOKUP_NEXT_LOCAL, nextHop: ADJ_BROADCAST });
  setAdjacency(12, { next: LOOKUP_NEXT_GLEAN, tx: 1 });
  setRoute("198.51.0.0/16", 12);
  setRoute("198.51.100.1/32", 10);
  setRoute("198.51.100.255/32", 11);
  // Two seconds of it the clock itself tells.
  setControl({ utc: MIDNIGHT + parseInt(TIME, 16) - 2000 });
  clock.now = 2e9 + 0.9e6;
});

test("through: record route, timestamps", () => {
  const forwarded: [what: string, before: string, after: string][] = [
    ["room for three", "4900003c123400004011f335c6336402cb007102 070f0400000000000000000000000000", "4900003c123400003f11edf9c6336402cb007102 070f08cb007101000000000000000000"],
    ["one recorded", "4900003c1234000040113f6ec6336402cb007102 070f08c0a80707000000000000000000", "4900003c123400003f113a32c6336402cb007102 070f0cc0a80707cb0071010000000000"],
    ["addresses and times", "48000038123400004011b63bc6336402cb007102 440c05010000000000000000", `48000038123400003f1131dbc6336402cb007102 440c0d01c6336401${TIME}`],
    ["asked of the router", "480000381234000040118c04c6336402cb007102 440c0503c633640100000000", `48000038123400003f1131d9c6336402cb007102 440c0d03c6336401${TIME}`],
    ["full: overflow counted", "47000034123400004011b343c6336402cb007102 4408090000000001", "47000034123400003f11b433c6336402cb007102 4408091000000001"],
  ];
  for (const [what, before, after] of forwarded) {
    const { next, hex } = run("ip4-rewrite", through(before.replace(" ", "")));
    assert.equal([next, hex], ["interface-output", LINK + after.replace(" ", "") + UDP], what);
  }
});

test("through: a TTL of 1 or 0 ends here, nothing registered; the router's own packets go on whatever theirs is", () => {
  for (const ttl of ["01", "00"]) {
    const packet = through(`4900003c12340000${ttl}110000c6336402cb007102070f0400000000000000000000000000`);
    const { next, hex, counted } = run("ip4-rewrite", packet);
    assert.equal([next, hex, counted, u16(0, B_ICMP)], ["ip4-icmp-error", packet.hex.slice(28), { "TTL expired": 1 }, 0x0b00]);
    const own = { ...packet, fields: [...packet.fields.slice(0, -1), [B_FLAGS, 2, B_FLAG_OPTIONS | B_FLAG_LOCAL] as [number, 2, number]] };
    assert.equal(run("ip4-rewrite", own), { next: "interface-output", hex: LINK + packet.hex.slice(28), counted: {} });
  }
});

test("through: nothing to register, and nobody to be registered", () => {
  const same = (options: string): void => {
    const words = 5 + options.length / 8;
    const { next, hex } = run("ip4-rewrite", through(`4${words.toString(16)}000000123400004011${"0000"}c6336402cb007102${options}`));
    assert.equal([next, hex.slice(28 + 40, 28 + 40 + options.length)], ["interface-output", options]);
  };
  same("070710c0a8070700"); // record route, full
  same("440c0503c0a8070700000000"); // timestamp, asked of somebody else
  same("440c0503c63364ff00000000"); // of a broadcast address
  same("440c05020000000000000000"); // a flag that nobody has defined
  same("440809f000000001"); // overflow at 15
  same("94040000"); // router alert
  setInterface(2, {});
  same("070f0400000000000000000000000000"); // a link without an address
});

test("the router's own packets are not registered in, and not without the mark of ip4-input", () => {
  const packet = through("4900003c123400004011f335c6336402cb007102070f0400000000000000000000000000");
  for (const flags of [B_FLAG_LOCAL | B_FLAG_OPTIONS, 0]) {
    const { hex } = run("ip4-rewrite", { ...packet, fields: [...packet.fields.slice(0, 3), [B_FLAGS, 2, flags]] });
    assert.is(hex.slice(68, 68 + 32), "070f0400000000000000000000000000", String(flags));
  }
});

test("a header that ends in the next buffer is left alone", () => {
  const packet = through("4900003c123400004011f335c6336402cb007102070f0400000000000000000000000000");
  assert.is(run("ip4-rewrite", { ...packet, pieces: [24, 36] }).hex.slice(68, 100), "070f0400000000000000000000000000");
});

test("to the router: registered on the way in and on the way out, other options left out", () => {
  const answered: [what: string, request: string, options: string][] = [
    ["record route", "4900004c123400004001513cc6336402c6336401 070f08c0a80707000000000000000000", "070f10c0a80707c6336401c633640100"],
    ["times only", "48000048123400004001c80ac6336402c6336401 440c05000000000000000000", `440c0d00${TIME}${TIME}`],
    ["asked of the router", "480000481234000040019dd2c6336402c6336401 440c0503c633640100000000", `440c0d03c6336401${TIME}`],
    ["full: overflow counted once", "47000044123400004001c511c6336402c6336401 4408090000000001", "4408091000000001"],
    ["security", "480000481234000040018f0bc6336402c6336401 820b00000000000000000000", ""],
    ["router alert", "46000040123400004001 7f1ac6336402c6336401 94040000", ""],
    ["several", "4b00005412340000400100 00c6336402c6336401 01 07070400000000 94040000 4408050000000000 00000000", `070708c63364014408 0900${TIME}00`],
  ];
  for (const [what, request, options] of answered) {
    const { next, hex } = run("icmp4-input", { hex: `${request}08${ECHO}`.replace(/ /g, ""), l2: 0, fields: [[B_FLAGS, 2, B_FLAG_OPTIONS]] });
    const kept = options.replace(" ", "");
    const size = 20 + kept.length / 2;
    const words = (0x40 | (size >> 2)).toString(16);
    assert.is(next, "ip4-lookup");
    assert.is(hex.slice(0, 8), `${words}00${(size + 40).toString(16).padStart(4, "0")}`, what);
    assert.is(hex.slice(24), `c6336401c6336402${kept}000${ECHO.slice(1).replace("006fd", "00efd")}`, what);
    assert.is(onesSum(hex.slice(0, 2 * size)), 0xffff, what);
    assert.is(u16(0, B_FLAGS), B_FLAG_LOCAL);
  }
});

const input = (options: string) => {
  const header = `4${(5 + options.length / 8).toString(16)}00${(44 + options.length / 2).toString(16).padStart(4, "0")}1234000040110000c6336402cb007102${options}`;
  const sum = (onesSum(header) ^ 0xffff).toString(16).padStart(4, "0");
  return { hex: header.slice(0, 20) + sum + header.slice(24) + UDP, l2: 0 };
};

test("checked: what is right goes on as it is, marked", () => {
  for (const options of [
    "01010101", "00ffffff", "94040000", "94040001", "07030400", "070710c0a8070700", "4408090000000001", "440809e000000001", "440809f300000001",
    "de040000", "88040001", "820b00000000000000000000", "0705080000000000",
  ]) {
    const packet = input(options);
    const { next, hex, counted } = run("ip4-input", packet);
    assert.equal([next, hex, counted, u16(0, B_FLAGS)], ["ip4-lookup", packet.hex, {}, B_FLAG_OPTIONS], options);
  }
});

test("checked: the pointer names what is wrong (RFC 791, 3.1; RFC 1812, 4.2.2.1)", () => {
  const wrong: [options: string, pointer: number][] = [
    ["070605000000 0000", 22], ["070f0300000000000000000000000000", 22], ["07020000", 21], ["0727040000000000", 20],
    ["07070400000000 07070400000000 0000", 27], ["440809f000000001", 23], ["440c04000000000000000000", 22], ["44030500", 21],
    ["440c0a010000000000000000", 22], ["440c0a030000000000000000", 22], ["440c0a00 00000000 00000000", 22], ["44080500000000004408050000000000", 28],
    ["94020000", 21], ["94030000", 21], ["de000000", 20], ["de010000", 20], ["de080000", 20], ["010101de", 23], ["83020000", 21], ["83030300", 22],
    ["83030489030400 00", 23], ["01010107", 23],
  ];
  for (const [options, pointer] of wrong) {
    const packet = input(options.replace(/ /g, ""));
    const { next, hex, counted } = run("ip4-input", packet);
    assert.equal([next, hex, counted], ["ip4-icmp-error", packet.hex, { "malformed options": 1 }], options);
    assert.equal([u16(0, B_ICMP), u32(0, B_ICMP_DATA)], [0x0c00, pointer * 2 ** 24], options);
  }
});

test("source routes are refused, at their end too (RFC 7126, 4.3 and 4.4)", () => {
  for (const options of ["830704cb00710200", "890704cb00710200", "830708cb00710200", "0189070400000000", "94040000830704cb00710200"]) {
    expectDrop("ip4-input", input(options), "source route");
  }
});

function onesSum(hex: string): number {
  const data = fromHex(hex);
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += data[i]! * 256 + data[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test.run();
