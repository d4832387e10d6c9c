import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_BROADCAST, B_FLAGS, B_FLAG_L3_GOOD, B_FLAG_L4_GOOD, B_FLAG_LINK_BROADCAST, B_LENGTH, B_TOTAL, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL,
} from "../../assembly/abi.js";
import { expectDrop, reset, run, setAdjacency, setOwn, setRoute, u16, u32 } from "./harness.js";

const NODE = "ip4-input";
const PACKET = "45000020 12344000 4011 3c5c c0000202 c6336407 c0000035000c000077656674";
const OPTIONS = "46b80024 12344000 0301dde8 c0000202 c0000201 01010100 080007f11234000177656674";
const packet = (hex: string) => ({ hex, l2: 0 });

test.before.each(reset);

test("a sound packet goes to the lookup as it is", () => {
  const { next, hex, counted } = run(NODE, packet(PACKET));
  assert.equal([next, hex, counted], ["ip4-lookup", PACKET.replace(/ /g, ""), {}]);
});

test("options that are in order are carried along", () => {
  const { next, hex } = run(NODE, packet(OPTIONS));
  assert.equal([next, hex], ["ip4-lookup", OPTIONS.replace(/ /g, "")]);
});

test("a header with options and nothing behind it", () => {
  const header = "46000018 12344000 4000 3974 c0000202 c6336407 01010100";
  assert.equal(run(NODE, packet(header)), { next: "ip4-lookup", hex: header.replace(/ /g, ""), counted: {} });
});

test("Ethernet padding is cut off", () => {
  const { next, hex } = run(NODE, packet(PACKET + "00".repeat(14)));
  assert.equal([next, hex], ["ip4-lookup", PACKET.replace(/ /g, "")]);
  assert.equal([u16(0, B_LENGTH), u32(0, B_TOTAL)], [32, 32]);
});

test("a chained packet is cut in its second buffer by the total length alone", () => {
  const { next, hex } = run(NODE, { ...packet(PACKET + "0000"), pieces: [24, 10] });
  assert.equal([next, hex], ["ip4-lookup", PACKET.replace(/ /g, "")]);
  assert.equal([u16(0, B_LENGTH), u32(0, B_TOTAL)], [24, 32]);
});

test("a TTL of 1 or 0 is not its business", () => {
  assert.is(run(NODE, packet(PACKET.replace("4011 3c5c", "0011 7c5c"))).next, "ip4-lookup");
  assert.is(run(NODE, packet("45000020123440000111 7b5c c0000202c6336407c0000035000c000077656674")).next, "ip4-lookup");
});

test("malformed", () => {
  const refused = (hex: string, reason: string) => expectDrop(NODE, packet(hex), reason);
  refused(PACKET.slice(0, 44).replace(/ /g, "").slice(0, 38), "packet too short");
  refused("", "packet too short");
  refused(`60${PACKET.slice(2)}`, "version not 4");
  refused(`44${PACKET.slice(2)}`, "bad header length");
  refused(`4f${PACKET.slice(2)}`, "bad header length"); // 60 bytes, 32 are there
  expectDrop(NODE, { ...packet(OPTIONS), pieces: [20, 16] }, "bad header length"); // options in the next buffer
  refused(PACKET.replace("45000020", "45000013"), "total length shorter than header");
  refused(OPTIONS.replace("46b80024", "46b80017"), "total length shorter than header");
  refused(PACKET.slice(0, -2), "shorter than total length");
  refused(PACKET.replace("45000020", "45000021"), "shorter than total length");
  refused(PACKET.replace("3c5c", "3c5d"), "bad header checksum");
  refused(PACKET.replace("3c5c", "5c3c"), "bad header checksum");
  refused(OPTIONS.replace("01010100", "01010000"), "bad header checksum");
  refused("00".repeat(20), "version not 4");
  const short = PACKET.slice(0, 45).replace("45000020", "45000013").replace("3c5c", "3c69"); // sound, but for its last byte, which is not part of it
  expectDrop(NODE, { ...packet(short), fields: [[B_LENGTH, 2, 19], [B_TOTAL, 4, 19]] }, "packet too short");
});

test("a checksum that the device found good is not summed again", () => {
  const wrong = packet(PACKET.replace("3c5c", "3c5d"));
  assert.is(run(NODE, { ...wrong, fields: [[B_FLAGS, 2, B_FLAG_L3_GOOD]] }).next, "ip4-lookup");
  expectDrop(NODE, { ...wrong, fields: [[B_FLAGS, 2, B_FLAG_L4_GOOD]] }, "bad header checksum");
});

test("martian addresses (RFC 1812, 5.3.7)", () => {
  const from = (address: string, sum: string) => packet(PACKET.replace("c0000202", address).replace("3c5c", sum));
  const to = (address: string, sum: string) => packet(PACKET.replace("c6336407", address).replace("3c5c", sum));
  for (const [address, sum] of [
    ["00000000", "fe5e"], ["00010203", "fc5a"], ["7f000001", "7f5d"], ["e0000001", "1e5d"], ["f0000001", "0e5d"], ["ffffffff", "fe5e"],
  ] as const) expectDrop(NODE, from(address, sum), "source not unicast");
  for (const [address, sum] of [["7e000001", "805d"], ["80000001", "7e5d"], ["dffffffe", "1e60"]] as const) {
    assert.is(run(NODE, from(address, sum)).next, "ip4-lookup", address);
  }
  for (const [address, sum] of [["00010203", "6493"], ["7f000001", "e795"], ["f0000001", "7695"]] as const) {
    expectDrop(NODE, to(address, sum), "destination invalid");
  }
  expectDrop(NODE, to("e0000005", "8691"), "destination multicast");
  assert.is(run(NODE, to("ffffffff", "6697")).next, "ip4-lookup");
});

test("the router's own addresses and its networks' broadcast addresses are nobody's source (RFC 1812, 5.3.7 and 5.3.8)", () => {
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL });
  setAdjacency(11, { next: LOOKUP_NEXT_LOCAL, nextHop: ADJ_BROADCAST });
  setAdjacency(12, { next: LOOKUP_NEXT_GLEAN });
  setRoute("192.0.2.0/24", 12);
  setRoute("192.0.2.1/32", 10);
  setRoute("192.0.2.255/32", 11);
  const from = (address: string, sum: string) => packet(PACKET.replace("c0000202", address).replace("3c5c", sum));
  // Not marked, so not looked up.
  for (const [address, sum] of [["c0000201", "3c5d"], ["c00002ff", "3b5f"]] as const) assert.is(run(NODE, from(address, sum)).next, "ip4-lookup");
  for (const address of ["192.0.2.1", "192.0.2.255", "192.0.2.2"]) setOwn(address);
  const reason = "source is the router's own address or a broadcast one";
  expectDrop(NODE, from("c0000201", "3c5d"), reason);
  expectDrop(NODE, from("c00002ff", "3b5f"), reason);
  assert.is(run(NODE, packet(PACKET)).next, "ip4-lookup", "the same mark, but a neighbour");
});

test("a link broadcast must carry an IP broadcast (RFC 1122, 3.3.6)", () => {
  setAdjacency(10, { next: LOOKUP_NEXT_GLEAN });
  setAdjacency(11, { next: LOOKUP_NEXT_LOCAL, nextHop: ADJ_BROADCAST });
  setRoute("192.0.2.0/24", 10);
  setRoute("192.0.2.255/32", 11);
  const fields: [number, 2, number][] = [[B_FLAGS, 2, B_FLAG_LINK_BROADCAST]];
  const to = (address: string, sum: string) => ({ ...packet(PACKET.replace("c6336407", address).replace("3c5c", sum)), fields });
  expectDrop(NODE, { ...packet(PACKET), fields }, "unicast in a link broadcast");
  assert.is(run(NODE, to("ffffffff", "6697")).next, "ip4-lookup");
  assert.is(run(NODE, to("c00002ff", "a397")).next, "ip4-lookup");
});

test.run();
