// The IPv4 header, through the router: RFC 791, RFC 1812 5.2.2.

import { A, B, RA } from "../network.js";
import { BROADCAST, counting, datagram, echo, ethernet, hex, ip4, sum } from "../packet.js";
import { group } from "../point.js";

/** A datagram whose header checksum is this one: the identification makes up for it. */
function withChecksum(wanted: number, checksum?: number): Buffer {
  for (let id = 0; id < 0x10000; id++) {
    const packet = datagram(A, B, { id, ...(checksum !== undefined && { checksum }) });
    if (checksum !== undefined ? sum(packet.subarray(0, 20)) === 0xffff : packet.readUInt16BE(10) === wanted) return packet;
  }
  throw new Error("no such packet");
}

export default group("header", (point) => {
  point("plain datagram", "RFC 1812 5.2", (p) => p.send("a", datagram(A, B)));
  point("bad checksum", "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { checksum: 0x1234 })));
  point("checksum 0000 that ought to be something else", "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { checksum: 0 })));
  for (const wanted of [0x0000, 0x00ff, 0x0100, 0xfdff, 0xfeff, 0xfefe, 0xff00, 0xfffe]) {
    point(`checksum ${wanted.toString(16).padStart(4, "0")}, updated for the TTL`, "RFC 1624", (p) => p.send("a", withChecksum(wanted)));
  }
  point("checksum ffff in place of 0000", "RFC 1624", (p) => p.send("a", withChecksum(0, 0xffff)));
  for (const version of [0, 5, 6, 15]) point(`version ${version}`, "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { version })));
  for (const words of [0, 4]) point(`header length ${words} words`, "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { words })));
  point("header length beyond the packet", "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { words: 15, data: counting(4) })));
  for (const total of [0, 19, 20, 27]) point(`total length ${total}`, "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { total })));
  point("total length beyond the frame", "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { total: 45 })));
  point("total length 65535", "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { total: 65535 })));
  point("bytes behind the packet", "RFC 1812 5.2.2", (p) => p.raw("a", [Buffer.concat([ethernet("02:00:00:00:0a:01", "02:00:00:00:0a:02", 0x0800, datagram(A, B)), hex("deadbeefdeadbeef")])]));
  point("bytes behind an echo request to the router", "RFC 1812 5.2.2", (p) => p.raw("a", [Buffer.concat([ethernet("02:00:00:00:0a:01", "02:00:00:00:0a:02", 0x0800, echo(A, RA)), hex("deadbeefdeadbeef")])]));
  point("padded to 60 bytes", "RFC 894", (p) => p.send("a", datagram(A, B, { data: counting(1) }), { pad: 60 }));
  for (const n of [0, 1, 19]) point(`cut after ${n} bytes`, "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B).subarray(0, n)));
  point("no payload at all", "RFC 791", (p) => p.send("a", ip4(A, B, Buffer.alloc(0))));
  point("reserved flag", "RFC 1812 4.2.2.3", (p) => p.send("a", datagram(A, B, { evil: true })));
  point("DF", "RFC 791", (p) => p.send("a", datagram(A, B, { df: true })));
  point("DF and MF", "RFC 791", (p) => p.send("a", datagram(A, B, { df: true, mf: true })));
  point("identification 0", "RFC 6864", (p) => p.send("a", datagram(A, B, { id: 0 })));
  point("fragment whose end is beyond 65,535", "RFC 791", (p) => p.send("a", ip4(A, B, counting(64), { offset: 8191 })));
  for (const tos of [0x03, 0x10, 0xb8, 0xe0, 0xff]) point(`TOS ${tos.toString(16).padStart(2, "0")} is kept`, "RFC 1812 5.3.2, RFC 2474", (p) => p.send("a", datagram(A, B, { tos })));
  for (const protocol of [0, 2, 50, 253, 255]) point(`protocol ${protocol}`, "RFC 1812 5.2", (p) => p.send("a", ip4(A, B, counting(24), { protocol })));
  point("1,500 bytes", "RFC 894", (p) => p.send("a", datagram(A, B, { data: counting(1472) })));
  point("bad UDP checksum", "RFC 1812 5.2", (p) => p.send("a", datagram(A, B, { udpSum: 0x1111 })));
  point("802.3 length instead of a type", "RFC 1042", (p) => p.send("a", datagram(A, B), { type: 44 }));
  point("802.2 SNAP", "RFC 1042", (p) => p.send("a", Buffer.concat([hex("aaaa03 000000 0800"), datagram(A, B)]), { type: 52 }));
  point("VLAN 0 tag (priority)", "IEEE 802.1Q 6.9", (p) => p.send("a", Buffer.concat([hex("0000 0800"), datagram(A, B)]), { type: 0x8100 }));
  const tagged = (tags: string, packet: Buffer): Buffer => Buffer.concat([hex(tags), packet]);
  point("VLAN 0 tag with priority 7", "IEEE 802.1Q 6.9", (p) => p.send("a", tagged("e000 0800", datagram(A, B)), { type: 0x8100 }));
  point("VLAN 0 tag, echo request to the router", "IEEE 802.1Q 6.9", (p) => p.send("a", tagged("0000 0800", echo(A, RA)), { type: 0x8100 }));
  point("VLAN 0 tag, nothing behind it", "IEEE 802.1Q 6.9", (p) => p.send("a", tagged("0000 0800", Buffer.alloc(0)), { type: 0x8100 }));
  point("VLAN 0 tag in a broadcast frame", "IEEE 802.1Q 6.9", (p) => p.send("a", tagged("0000 0800", datagram(A, B)), { type: 0x8100, to: BROADCAST }));
  point("VLAN 5 tag", "IEEE 802.1Q", (p) => p.send("a", Buffer.concat([hex("0005 0800"), datagram(A, B)]), { type: 0x8100 }));
  point("frame to somebody else", "RFC 1812 3.3", (p) => p.send("a", datagram(A, B), { to: "02:00:00:00:0a:99" }));
  point("IPv6 type", "RFC 2464", (p) => p.send("a", datagram(A, B), { type: 0x86dd }));
});
