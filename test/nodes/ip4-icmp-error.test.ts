import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_BROADCAST, B_CSUM_FLAGS, B_FLAGS, B_FLAG_LINK_BROADCAST, B_FLAG_LOCAL, B_GSO_SIZE, B_ICMP, B_ICMP_DATA, B_RX_IF, B_TOTAL,
  LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE, VECTOR,
} from "../../assembly/abi.js";
import {
  type Packet, clock, counters, expectDrop, fromHex, packetHex, putPacket, reset, run, runFrame, setAdjacency, setControl, setInterface, setRoute, state,
  u16, u32, view,
} from "./harness.js";

const NODE = "ip4-icmp-error";
type Field = [number, 1 | 2 | 4, number];
const plain = (text: string) => text.replace(/ /g, "");
const UDP = "45000020 12344000 4011 3c5c c0000202 c6336407 c0000035000c000077656674";
const OUTER = "45c0003c 00000000 4001f5fd c0000201 c0000202";

function packet(hex: string, type: number, ...fields: Field[]): Packet {
  return { hex: "00".repeat(14) + hex, fields: [[B_RX_IF, 2, 1], [B_ICMP, 2, type], ...fields] };
}

test.before.each(() => {
  reset();
  setInterface(1, { ip4: "192.0.2.1" });
  setInterface(2, {});
  setAdjacency(10, { next: LOOKUP_NEXT_GLEAN, tx: 1 });
  setAdjacency(11, { next: LOOKUP_NEXT_LOCAL, tx: 1, nextHop: ADJ_BROADCAST });
  setRoute("192.0.2.0/24", 10);
  setRoute("192.0.2.255/32", 11);
});

test("time exceeded, fragmentation needed with the MTU, port unreachable", () => {
  const expired = UDP.replace("4011 3c5c", "0111 7b5c");
  const toRouter = UDP.replace("3c5c", "a495").replace("c6336407", "c0000201");
  const sent: [Packet, string][] = [
    [packet(expired, 0x0b00), `${OUTER} 0b0056e4 00000000 ${expired}`],
    [packet(UDP, 0x0304, [B_ICMP_DATA, 4, 1400]), `${OUTER} 03045968 00000578 ${UDP}`],
    [packet(toRouter, 0x0303), `${OUTER} 03035ee1 00000000 ${toRouter}`],
  ];
  for (const [from, wanted] of sent) {
    assert.equal(run(NODE, from, [1]), { next: "ip4-lookup", hex: plain(wanted), counted: {} });
    assert.is(u16(0, B_FLAGS), B_FLAG_LOCAL);
  }
});

test("a whole vector: identifications count up, the header checksum with them", () => {
  for (let i = 0; i < VECTOR; i++) putPacket(i, packet(UDP, 0x0b00));
  const first = u32(0, B_TOTAL);
  assert.ok(runFrame(NODE, VECTOR).every((next) => next === "ip4-lookup"));
  const start = parseInt(packetHex(0).slice(8, 12), 16);
  for (let i = 0; i < VECTOR; i++) {
    assert.is(parseInt(packetHex(i).slice(8, 12), 16), start + i);
    assert.is(onesSum(packetHex(i).slice(0, 40)), 0xffff);
    assert.is(u32(i, B_TOTAL), first + 28);
  }
});

test("at most 576 bytes, offloads forgotten, also from a chain", () => {
  const data = Array.from({ length: 1400 }, (_, i) => (i & 255).toString(16).padStart(2, "0")).join("");
  const long = `45000594 12344000 4011 36e8 c0000202 c6336407 c000003505800000 ${data}`;
  const wanted = plain(`45c00240 00000000 4001f3f9 c0000201 c0000202 0304a53e 00000578 ${long}`).slice(0, 2 * 576);
  const offloads: Field[] = [[B_GSO_SIZE, 2, 700], [B_CSUM_FLAGS, 1, 1]];
  const whole = packet(long, 0x0304, [B_ICMP_DATA, 4, 1400], ...offloads);
  assert.is(run(NODE, whole, [1]).hex, wanted);
  assert.equal([u16(0, B_GSO_SIZE), u16(0, B_CSUM_FLAGS) & 0xff], [0, 0]);
  assert.is(run(NODE, { ...whole, pieces: [101, 302, 1025] }).hex, wanted);
});

test("quoted from 548 and 549 bytes on: the limit itself", () => {
  for (const [length, total] of [[548, 576], [549, 576], [547, 575]] as const) {
    const { hex } = run(NODE, packet(plain(UDP).padEnd(2 * length, "00"), 0x0b00), [1]);
    assert.is(hex.length / 2, total);
    assert.is(onesSum(hex.slice(40)), 0xffff);
  }
});

test("an error about an echo request or a first fragment is allowed", () => {
  for (const allowed of [UDP.replace("4011", "4001").replace("c0000035", "08000000"), UDP.replace("12344000", "12342000")]) {
    assert.is(run(NODE, packet(allowed, 0x0b00), [1]).next, "ip4-lookup");
  }
});

test("from an address of the interface that it leaves by (RFC 1812, 4.3.2.4)", () => {
  const from = (...fields: Field[]): string => run(NODE, packet(UDP, 0x0b00, ...fields), [1]).hex.slice(24, 32);
  assert.is(from([B_RX_IF, 2, 2]), "c0000201");
  setInterface(3, { ip4: "203.0.113.1" });
  setAdjacency(12, { next: LOOKUP_NEXT_REWRITE, tx: 3 });
  setRoute("192.0.2.2/32", 12);
  assert.is(from(), "cb007101");
  setInterface(3, {});
  assert.is(from(), "c0000201", "a link without an address: that of the link that it came by");
  setInterface(3, { ip4: "203.0.113.1" });
  assert.is(from(), "cb007101");
  setAdjacency(12, { next: LOOKUP_NEXT_LOCAL, tx: 3 });
  assert.is(from(), "c0000201", "a NAT has made the source the router's own: that of the link that it came by");
});

test("precedence 6 and the packet's TOS bits (RFC 1812, 4.3.2.5)", () => {
  for (const [tos, wanted] of [["00", "c0"], ["10", "d0"], ["b8", "d8"], ["fe", "de"], ["01", "c0"], ["e0", "c0"]]) {
    assert.is(run(NODE, packet(`45${tos}${UDP.slice(4)}`, 0x0b00), [1]).hex.slice(2, 4), wanted);
  }
});

/** Errors of those that a vector of packets asks for, ms after the start. */
function errorsAt(ms: number, n: number, hex: string, type = 0x0b00): number {
  clock.now = ms * 1e6;
  for (let i = 0; i < n; i++) putPacket(i, packet(hex, type));
  return runFrame(NODE, n).filter((next) => next === "ip4-lookup").length;
}

test("to one destination: six at once, then one an interval", () => {
  setControl({ interval: 1000 });
  assert.equal([errorsAt(5000, 10, UDP), errorsAt(5999, 10, UDP), errorsAt(6000, 10, UDP), errorsAt(6999, 1, UDP)], [6, 0, 1, 0]);
  assert.is(errorsAt(8500, 10, UDP), 2, "half an interval is not lost");
  assert.equal([errorsAt(8999, 10, UDP), errorsAt(9000, 10, UDP)], [0, 1]);
  assert.is(errorsAt(1_000_000, 10, UDP), 6);
  assert.is(errorsAt(1_000_000, 10, UDP, 0x0304), 10, "whoever needs to know a path MTU is told");
  assert.is(errorsAt(1_000_000, 10, UDP, 0x0501), 10, "a redirect is no error");
  assert.is(errorsAt(1_000_000, 10, UDP.replace("c0000202", "c0000203")), 6, "another has its own");
  assert.is(counters(NODE)["rate limited for the destination"], 10 - 6 + 10 + 10 - 1 + 1 + 10 - 2 + 10 + 10 - 1 + 10 - 6 + 10 - 6);
  assert.is(errorsAt(0, 10, UDP), 0, "a clock that went back");
  assert.is(errorsAt(6000, 10, UDP), 6, "does not bar the way for longer than the bucket needs");
});

test("to all destinations: a burst, then a rate", () => {
  setControl({ rate: 100, burst: 20 });
  assert.equal([errorsAt(5000, 200, UDP), errorsAt(5009, 10, UDP), errorsAt(5010, 10, UDP), errorsAt(5060, 10, UDP)], [20, 0, 1, 5]);
  assert.is(counters(NODE)["rate limited"], 180 + 10 + 9 + 5);
  setControl({});
  assert.is(errorsAt(5060, 200, UDP), 200);
});

test("many destinations: what is remembered is bounded, and none is barred for good", () => {
  setControl({ interval: 1000 });
  for (let ms = 0; ms < 100; ms++) {
    for (let i = 0; i < VECTOR; i++) putPacket(i, packet(UDP.replace("c0000202", `0a${(ms * VECTOR + i).toString(16).padStart(6, "0")}`), 0x0b00));
    clock.now = ms * 1e6;
    assert.ok(runFrame(NODE, VECTOR).every((next) => next === "ip4-lookup"));
  }
  assert.is(view.getUint32(state + 4112, true), 0, "behind the state");
});

test("never about (RFC 1812, 4.3.2.7)", () => {
  const refused = (hex: string, reason: string, ...fields: Field[]) => expectDrop(NODE, packet(hex, 0x0b00, ...fields), reason);
  refused(UDP, "about a packet of the router's own", [B_FLAGS, 2, B_FLAG_LOCAL]);
  for (const type of ["03", "04", "05", "0b", "0c"]) refused(UDP.replace("4011", "4001").replace("c0000035", `${type}000000`), "about an ICMP error");
  refused(UDP.replace("4011", "4001").slice(0, 45), "about an ICMP error"); // no type to be seen
  for (const fragment of ["0001", "2001", "1fff", "0100"]) refused(UDP.replace("12344000", `1234${fragment}`), "about a later fragment");
  refused(UDP, "about a broadcast or multicast", [B_FLAGS, 2, B_FLAG_LINK_BROADCAST]);
  for (const to of ["ffffffff", "e0000001", "c00002ff"]) refused(UDP.replace("c6336407", to), "about a broadcast or multicast");
  for (const from of ["00000000", "7f000001", "ffffffff", "e0000001", "f0000001", "c00002ff"]) {
    refused(UDP.replace("c0000202", from), "source not one host");
  }
  refused(UDP.replace("c0000202", "c6336402"), "no source address for it", [B_RX_IF, 2, 2]);
  expectDrop(NODE, { ...packet(UDP, 0x0b00), start: 77 }, "no headroom"); // 28 bytes from 64 on, 14 of them the old link header's
  assert.is(run(NODE, { ...packet(UDP, 0x0b00), start: 78 }, [1]).next, "ip4-lookup");
});

function onesSum(hex: string): number {
  const data = fromHex(hex.length % 4 === 0 ? hex : `${hex}00`);
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += data[i]! * 256 + data[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test.run();
