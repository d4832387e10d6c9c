// ICMP errors: when there is one, what it quotes, and its own header: RFC 1812 4.3.2, RFC 1122 3.2.2.

import { A, B, D, RA, RB, at } from "../network.js";
import { BROADCAST, counting, datagram, fragment, icmp, icmpMessage, ip4, segment } from "../packet.js";
import { group } from "../point.js";

const NOWHERE = "172.16.0.1";

export default group("errors", (point) => {
  point("no route", "RFC 1812 5.2.7.1", (p) => p.send("a", datagram(A, NOWHERE)));
  point("unreachable route", "RFC 1812 5.2.7.1", (p) => p.send("a", datagram(A, "10.3.0.1")));
  point("prohibit route", "RFC 1812 5.2.7.1", (p) => p.send("a", datagram(A, "10.4.0.1")));
  point("blackhole route", "RFC 1812 5.2.7.1", (p) => p.send("a", datagram(A, "10.5.0.1")));
  point("protocol unreachable", "RFC 1122 3.2.2.1", (p) => p.send("a", ip4(A, RA, counting(24), { protocol: 253 })));
  point("protocol unreachable, no payload", "RFC 1122 3.2.2.1", (p) => p.send("a", ip4(A, RA, Buffer.alloc(0), { protocol: 253 })));
  point("port unreachable", "RFC 1122 3.2.2.1", (p) => p.send("a", datagram(A, RA)));
  point("port unreachable, far address", "RFC 1122 3.2.2.1", (p) => p.send("a", datagram(A, RB)));
  for (const size of [28, 64, 548, 549, 1500]) point(`quote of a packet of ${size} bytes`, "RFC 1812 4.3.2.3", (p) => p.send("a", datagram(A, NOWHERE, { data: counting(size - 28) })));
  point("quote of a packet of 21 bytes", "RFC 1812 4.3.2.3", (p) => p.send("a", ip4(A, NOWHERE, Buffer.from([1]), { protocol: 253 })));
  point("quote of a time exceeded: TTL and checksum as they came", "RFC 1812 4.3.2.3", (p) => p.send("a", datagram(A, B, { ttl: 1, data: counting(600) })));
  point("quote of what was padded: no padding", "RFC 1812 4.3.2.3", (p) => p.send("a", datagram(A, NOWHERE, { data: counting(1) }), { pad: 60 }));
  point("quote of a first fragment", "RFC 1812 4.3.2.3", (p) => p.send("a", fragment(datagram(A, NOWHERE, { data: counting(200) }), 0, 80, true)));
  for (const tos of [0x10, 0x08, 0xb8, 0xfe, 0x01]) point(`TOS of an error about TOS ${tos.toString(16).padStart(2, "0")}`, "RFC 1812 4.3.2.5", (p) => p.send("a", datagram(A, NOWHERE, { tos })));
  point("DF of an error about DF", "RFC 1812 4.3.2", (p) => p.send("a", datagram(A, NOWHERE, { df: true })));
  for (const type of [3, 4, 5, 11, 12]) {
    point(`none about ICMP type ${type}`, "RFC 1812 4.3.2.7", (p) => p.send("a", icmp(A, NOWHERE, icmpMessage(type, 0, "00000000", datagram(B, A)))));
  }
  for (const type of [0, 8, 13, 14, 17, 18, 40, 200]) {
    point(`about ICMP type ${type}`, "RFC 1812 4.3.2.7", (p) => p.send("a", icmp(A, NOWHERE, icmpMessage(type, 0, "00010001", counting(12)))));
  }
  point("about an ICMP message of 1 byte", "RFC 1812 4.3.2.7", (p) => p.send("a", ip4(A, NOWHERE, Buffer.from([8]), { protocol: 1 })));
  point("about an ICMP packet without a message", "RFC 1812 4.3.2.7", (p) => p.send("a", ip4(A, NOWHERE, Buffer.alloc(0), { protocol: 1 })));
  point("none about a later fragment", "RFC 1812 4.3.2.7", (p) => p.send("a", fragment(datagram(A, NOWHERE, { data: counting(200) }), 80, 80, false)));
  point("none about a link broadcast", "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(A, NOWHERE), { to: BROADCAST }));
  point("none about a link multicast", "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(A, NOWHERE), { to: "01:00:5e:10:00:01" }));
  point("none about a port of a broadcast", "RFC 1122 3.2.2", (p) => p.send("a", datagram(A, at("a", 255)), { to: BROADCAST }));
  point("none about a port of the limited broadcast", "RFC 1122 3.2.2", (p) => p.send("a", datagram(A, "255.255.255.255"), { to: BROADCAST }));
  point("none about a broadcast in a unicast frame", "RFC 1122 3.2.2", (p) => p.send("a", datagram(A, at("a", 255))));
  for (const source of ["0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "240.0.0.1", at("a", 255), at("a", 0), at("b", 255)]) {
    point(`source ${source}, no route`, "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(source, NOWHERE)));
  }
  point("source behind another link", "RFC 1812 4.3.2.4", (p) => p.send("a", datagram("10.1.0.9", NOWHERE)));
  point("source behind another link, port unreachable", "RFC 1122 3.2.2", (p) => p.send("a", datagram("10.1.0.9", RA)));
  point("source behind another link, port unreachable at the far address", "RFC 1122 3.2.2", (p) => p.send("a", datagram("10.1.0.9", RB)));
  point("source on a /31", "RFC 3021", (p) => p.send("d", datagram(D, NOWHERE)));
  point("about TCP", "RFC 1812 5.2.7.1", (p) => p.send("a", segment(A, NOWHERE, 0x02)));
  point("rate of errors under a burst of 200", "RFC 1812 4.3.2.8", async (p) => {
    await p.limitErrors(true);
    for (let i = 0; i < 4; i++) {
      p.send("a", Array.from({ length: 50 }, (_, id) => datagram(A, NOWHERE, { id: 50 * i + id })));
      await p.fence();
    }
    await p.limitErrors(false);
    const errors = p.count(/ICMP 3/);
    p.forget();
    p.sent = p.sent.slice(0, 1);
    p.note(errors === 0 ? "no error" : errors < 100 ? "fewer errors than packets" : "an error for each packet");
  });
});
