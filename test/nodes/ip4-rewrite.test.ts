import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_ADJ, B_FLAGS, B_FLAG_LOCAL, B_GSO_SIZE, B_HEADER_LENGTH, B_ICMP, B_ICMP_DATA, B_LENGTH, B_TOTAL, LOOKUP_NEXT_REWRITE,
} from "../../assembly/abi.js";
import { expectDrop, reset, run, setAdjacency, u16, u32 } from "./harness.js";

const NODE = "ip4-rewrite";
const LINK = "020000000002 02fe00000001 0800";
const PACKET = "45000020 12344000 4011 3c5c c0000202 c6336407 c0000035000c000077656674";
type Field = [number, 1 | 2 | 4, number];
const packet = (hex: string, ...fields: Field[]) => ({ hex: "00".repeat(14) + hex, fields: [[B_ADJ, 4, 5] as Field, ...fields] });
const plain = (text: string) => text.replace(/ /g, "");

test.before.each(() => {
  reset();
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, tx: 1, mtu: 1500, rewrite: plain(LINK) });
});

test("TTL down, checksum mended, link header before it", () => {
  const { next, hex, counted } = run(NODE, packet(PACKET));
  assert.is(next, "interface-output");
  assert.is(hex, plain(LINK + PACKET.replace("4011 3c5c", "3f11 3d5c")));
  assert.equal(counted, {});
  assert.equal([u16(0, B_LENGTH), u32(0, B_TOTAL)], [46, 46]);
});

test("the checksum's end-around carries", () => {
  // 0xfeff + 0x0100 is 0xffff, which is written 0; 0xff5c + 0x0100 carries into the low byte.
  const turns = [["feff", "0000"], ["ff5c", "005d"], ["feaa", "ffaa"], ["0000", "0100"], ["fffe", "00ff"]];
  for (const [before, after] of turns) {
    const { hex } = run(NODE, packet(PACKET.replace("3c5c", before!)));
    assert.is(hex.slice(28 + 20, 28 + 24), after, `after ${before}`);
  }
});

test("the router's own packets keep their TTL, even 1", () => {
  const own = PACKET.replace("4011 3c5c", "0111 7b5c");
  const { next, hex } = run(NODE, packet(own, [B_FLAGS, 2, B_FLAG_LOCAL]));
  assert.equal([next, hex], ["interface-output", plain(LINK + own)]);
});

test("a TTL of 1 or 0 ends here, the packet unchanged for the quotation", () => {
  for (const ttl of ["0111 7b5c", "0011 7c5c"]) {
    const { next, hex, counted } = run(NODE, packet(PACKET.replace("4011 3c5c", ttl)));
    assert.equal([next, hex, counted], ["ip4-icmp-error", plain(PACKET.replace("4011 3c5c", ttl)), { "TTL expired": 1 }]);
    assert.is(u16(0, B_ICMP), 0x0b00);
  }
  assert.is(run(NODE, packet(PACKET.replace("4011 3c5c", "0211 7a5c"))).hex, plain(LINK + PACKET.replace("4011 3c5c", "0111 7b5c")));
});

test("MTU: exactly fits, one byte over with and without DF", () => {
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, mtu: 32, rewrite: plain(LINK) });
  assert.is(run(NODE, packet(PACKET)).next, "interface-output");
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, mtu: 31, rewrite: plain(LINK) });
  const { next, hex, counted } = run(NODE, packet(PACKET));
  assert.equal([next, hex, counted], ["ip4-icmp-error", plain(PACKET), { "fragmentation needed but not allowed": 1 }]);
  assert.equal([u16(0, B_ICMP), u32(0, B_ICMP_DATA)], [0x0304, 31]);
  const mayBeCut = PACKET.replace("12344000 4011 3c5c", "12340000 4011 7c5c");
  const cut = run(NODE, packet(mayBeCut));
  assert.equal([cut.next, cut.hex, cut.counted], ["ip4-fragment", plain(mayBeCut), {}]);
});

test("MTU of a super-packet is one segment's: 20 IP + 32 TCP with options + 1448", () => {
  // hdr_len is what the kernel had in one piece, here 3000 bytes: it must not be believed.
  const gso: Field[] = [[B_GSO_SIZE, 2, 1448], [B_HEADER_LENGTH, 2, 3000]];
  const header = "45002ee0 12344000 4006 0000 c0000202 c6336407 c0000050 00000001 00000002 8010ffff 00000000 0101080a 0000000100000002";
  const tcp = header + "77".repeat(1900);
  const long = { ...packet(tcp, ...gso), total: 12000 };
  assert.is(run(NODE, long, [1]).next, "interface-output");
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, mtu: 1499, rewrite: plain(LINK) });
  assert.is(run(NODE, long, [1]).next, "ip4-icmp-error");
  assert.is(u32(0, B_ICMP_DATA), 1499);
  expectDrop(NODE, packet(tcp.slice(0, 80), ...gso), "malformed super-packet");
  const udp: Field[] = [[B_GSO_SIZE, 2, 1471], [B_HEADER_LENGTH, 2, 42]]; // 20 + 8 + 1471
  assert.is(run(NODE, packet(PACKET, ...udp)).next, "interface-output");
  assert.is(run(NODE, packet(PACKET, [B_GSO_SIZE, 2, 1472])).next, "ip4-icmp-error");
});

test("link headers of other lengths", () => {
  for (const link of ["02000000000202fe00000001810000640800", "0800", "77".repeat(32)]) {
    setAdjacency(5, { next: LOOKUP_NEXT_REWRITE, rewrite: link });
    assert.is(run(NODE, packet(PACKET)).hex, link + plain(PACKET.replace("4011 3c5c", "3f11 3d5c")));
    const wrong = run(NODE, packet(PACKET.replace("3c5c", "3c5d"))).hex;
    assert.is(wrong, link + plain(PACKET.replace("4011 3c5c", "3f11 3d5d")), "a checksum is mended, not made anew: what was wrong stays wrong");
  }
});

test("a packet that begins at an odd place", () => {
  const part = PACKET.replace("12344000", "12340011"); // a later fragment: the byte before the TTL could be one, too
  assert.is(run(NODE, { ...packet(part), start: 65 }).hex, plain(LINK + part.replace("4011 3c5c", "3f11 3d5c")));
});

test("no room, no link header", () => {
  // The buffer's header ends at 64.
  expectDrop(NODE, { ...packet(PACKET), start: 63 }, "no headroom");
  assert.is(run(NODE, { ...packet(PACKET), start: 64 }).hex, plain(LINK + PACKET.replace("4011 3c5c", "3f11 3d5c")));
  setAdjacency(5, { next: LOOKUP_NEXT_REWRITE });
  expectDrop(NODE, packet(PACKET), "no link header");
});

test.run();
