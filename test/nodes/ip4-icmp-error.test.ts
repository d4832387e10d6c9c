import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_BROADCAST, B_CSUM_FLAGS, B_FLAGS, B_FLAG_LINK_BROADCAST, B_FLAG_LOCAL, B_GSO_SIZE, B_ICMP, B_ICMP_DATA, B_RX_IF, B_TOTAL,
  LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, VECTOR,
} from "../../assembly/abi.js";
import {
  type Packet, expectDrop, fromHex, packetHex, putPacket, reset, run, runFrame, setAdjacency, setInterface, setRoute, u16, u32,
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
  refused(UDP, "receiving interface has no address", [B_RX_IF, 2, 2]);
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
