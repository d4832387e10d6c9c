// Echo and the other ICMP messages to the router: RFC 792, RFC 1122 3.2.2, RFC 1812 4.3.3.

import { A, E, RA, RB, RE, at } from "../network.js";
import { BROADCAST, counting, echo, fragments, icmp, icmpMessage } from "../packet.js";
import { group } from "../point.js";

const AGAIN = 1000;

export default group("echo", (point) => {
  point("to the near address", "RFC 1812 4.3.3.6", (p) => p.send("a", echo(A, RA)));
  point("to the far address", "RFC 1812 4.3.3.6", (p) => p.send("a", echo(A, RB)));
  for (const size of [0, 1, 33, 1472]) point(`${size} bytes of data`, "RFC 1122 3.2.2.6", (p) => p.send("a", echo(A, RA, { data: counting(size) })));
  point("8,500 bytes of data in one packet", "RFC 1122 3.2.2.6", (p) => p.send("e", echo(E, RE, { data: counting(8500) })));
  for (const size of [2000, 8500, 65507]) {
    point(`${size} bytes of data, in fragments of 1,480`, "RFC 1812 4.2.2.7, RFC 1122 3.3.2", async (p) => {
      p.send("a", fragments(echo(A, RA, { data: counting(size) }), 1480));
      await p.seen(/./, Math.ceil((size + 8) / 1480), AGAIN);
    });
  }
  point("code 5", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 5, "00010001", counting(32)))));
  for (const tos of [0x10, 0xb8, 0xff]) point(`TOS ${tos.toString(16)} is kept`, "RFC 1122 3.2.1.6", (p) => p.send("a", echo(A, RA, { tos })));
  point("with DF", "RFC 1191", (p) => p.send("a", echo(A, RA, { df: true })));
  point("reply's TTL for a request of TTL 255", "RFC 1122 3.2.1.7", (p) => p.send("a", echo(A, RA, { ttl: 255 })));
  point("bad ICMP checksum", "RFC 1122 3.2.2", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "00010001", counting(32), 0x1111))));
  point("checksum 0000 that ought to be something else", "RFC 1122 3.2.2", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "00010001", counting(32), 0))));
  point("checksum ffff in place of 0000", "RFC 1624", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "f7ff0000", Buffer.alloc(0), 0xffff))));
  point("reply's checksum where the sum wraps", "RFC 1624", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "07ff0000"))));
  point("reply's checksum where it becomes 0000", "RFC 1624", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "ffff0000"))));
  for (const size of [0, 1, 4, 7]) {
    point(`message of ${size} bytes`, "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "00010001").subarray(0, size))));
  }
  point("a message that is only its header", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(8, 0, "00010001"))));
  point("to the limited broadcast", "RFC 1812 4.3.3.6", (p) => p.send("a", echo(A, "255.255.255.255"), { to: BROADCAST }));
  point("to the link's broadcast", "RFC 1812 4.3.3.6", (p) => p.send("a", echo(A, at("a", 255)), { to: BROADCAST }));
  point("to the link's network address", "RFC 1812 5.3.5", (p) => p.send("a", echo(A, at("a", 0)), { to: BROADCAST }));
  point("to 224.0.0.1", "RFC 1812 4.3.3.6", (p) => p.send("a", echo(A, "224.0.0.1"), { to: "01:00:5e:00:00:01" }));
  point("reply that nobody asked for", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(0, 0, "00010001", counting(32)))));
  const others: [number, string][] = [
    [4, "source quench, RFC 6633"], [5, "redirect, RFC 1812 5.2.7.2"], [10, "router solicitation, RFC 1256"], [15, "information request, RFC 1812 4.3.3.7"],
    [17, "address mask request, RFC 6918"], [30, "traceroute, RFC 6918"], [42, "extended echo, RFC 8335"], [200, "unknown type, RFC 1812 4.3.2.1"],
  ];
  for (const [type, what] of others) point(`type ${type}: ${what.split(", ")[0]}`, what.split(", ")[1]!, (p) => p.send("a", icmp(A, RA, icmpMessage(type, 0, "00010000", counting(28)))));
  point("type 13: timestamp request", "RFC 1812 4.3.3.8", (p) => p.send("a", icmp(A, RA, icmpMessage(13, 0, "00010001", Buffer.from("00a0b0c00000000000000000", "hex")))));
  point("type 13: timestamp request that is too short", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(13, 0, "00010001"))));
  const asked = "00a0b0c00000000000000000";
  point("type 13 to the far address", "RFC 1812 4.3.3.8", (p) => p.send("a", icmp(A, RB, icmpMessage(13, 0, "00010001", Buffer.from(asked, "hex")))));
  point("type 13 with more than its times", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(13, 0, "00010001", Buffer.from(`${asked}01020304`, "hex")))));
  point("type 13, bad checksum", "RFC 1122 3.2.2", (p) => p.send("a", icmp(A, RA, icmpMessage(13, 0, "00010001", Buffer.from(asked, "hex"), 0x1111))));
  point("type 13 to the link's broadcast", "RFC 1812 4.3.3.8", (p) => p.send("a", icmp(A, at("a", 255), icmpMessage(13, 0, "00010001", Buffer.from(asked, "hex"))), { to: BROADCAST }));
  point("type 13 with record route", "RFC 1812 4.3.3.8", (p) => {
    p.send("a", icmp(A, RA, icmpMessage(13, 0, "00010001", Buffer.from(asked, "hex")), { options: `070b04${"00".repeat(8)}00` }));
  });
  point("type 14 that nobody asked for", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(14, 0, "00010001", Buffer.from(asked, "hex")))));
  point("type 18: address mask reply", "RFC 6918", (p) => p.send("a", icmp(A, RA, icmpMessage(18, 0, "00010001", Buffer.from("ffffff00", "hex")))));
  point("type 3 about nothing of the router's", "RFC 792", (p) => p.send("a", icmp(A, RA, icmpMessage(3, 1, "00000000", echo(RA, at("a", 9))))));
});
