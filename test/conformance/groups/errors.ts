// ICMP errors: when there is one, what it quotes, and its own header: RFC 1812 4.3.2, RFC 1122 3.2.2.

import { A, B, D, RA, RB, at, fresh } from "../network.js";
import { BROADCAST, counting, datagram, fragment, icmp, icmpMessage, ip4, segment } from "../packet.js";
import type { FrameOptions } from "../lab.js";
import { group } from "../point.js";

const NOWHERE = "172.16.0.1";

export default group("errors", (point) => {
  const nowhere = (name: string, rule: string, make: (from: string) => Buffer, more: FrameOptions = {}): void => {
    const from = fresh();
    point(name, rule, (p) => p.send("a", make(from), more));
  };
  nowhere("no route", "RFC 1812 5.2.7.1", (from) => datagram(from, NOWHERE));
  nowhere("unreachable route", "RFC 1812 5.2.7.1", (from) => datagram(from, "10.3.0.1"));
  nowhere("prohibit route", "RFC 1812 5.2.7.1", (from) => datagram(from, "10.4.0.1"));
  nowhere("blackhole route", "RFC 1812 5.2.7.1", (from) => datagram(from, "10.5.0.1"));
  point("protocol unreachable", "RFC 1122 3.2.2.1", (p) => p.send("a", ip4(A, RA, counting(24), { protocol: 253 })));
  point("protocol unreachable, no payload", "RFC 1122 3.2.2.1", (p) => p.send("a", ip4(A, RA, Buffer.alloc(0), { protocol: 253 })));
  point("port unreachable", "RFC 1122 3.2.2.1", (p) => p.send("a", datagram(A, RA)));
  point("port unreachable, far address", "RFC 1122 3.2.2.1", (p) => p.send("a", datagram(A, RB)));
  for (const size of [28, 64, 548, 549, 1500]) nowhere(`quote of a packet of ${size} bytes`, "RFC 1812 4.3.2.3", (from) => datagram(from, NOWHERE, { data: counting(size - 28) }));
  nowhere("quote of a packet of 21 bytes", "RFC 1812 4.3.2.3", (from) => ip4(from, NOWHERE, Buffer.from([1]), { protocol: 253 }));
  point("quote of a time exceeded: TTL and checksum as they came", "RFC 1812 4.3.2.3", (p) => p.send("a", datagram(A, B, { ttl: 1, data: counting(600) })));
  nowhere("quote of what was padded: no padding", "RFC 1812 4.3.2.3", (from) => datagram(from, NOWHERE, { data: counting(1) }), { pad: 60 });
  nowhere("quote of a first fragment", "RFC 1812 4.3.2.3", (from) => fragment(datagram(from, NOWHERE, { data: counting(200) }), 0, 80, true));
  for (const tos of [0x10, 0x08, 0xb8, 0xfe, 0x01]) nowhere(`TOS of an error about TOS ${tos.toString(16).padStart(2, "0")}`, "RFC 1812 4.3.2.5", (from) => datagram(from, NOWHERE, { tos }));
  nowhere("DF of an error about DF", "RFC 1812 4.3.2", (from) => datagram(from, NOWHERE, { df: true }));
  for (const type of [3, 4, 5, 11, 12]) {
    nowhere(`none about ICMP type ${type}`, "RFC 1812 4.3.2.7", (from) => icmp(from, NOWHERE, icmpMessage(type, 0, "00000000", datagram(B, from))));
  }
  for (const type of [0, 8, 13, 14, 17, 18, 40, 200]) {
    nowhere(`about ICMP type ${type}`, "RFC 1812 4.3.2.7", (from) => icmp(from, NOWHERE, icmpMessage(type, 0, "00010001", counting(12))));
  }
  nowhere("about an ICMP message of 1 byte", "RFC 1812 4.3.2.7", (from) => ip4(from, NOWHERE, Buffer.from([8]), { protocol: 1 }));
  nowhere("about an ICMP packet without a message", "RFC 1812 4.3.2.7", (from) => ip4(from, NOWHERE, Buffer.alloc(0), { protocol: 1 }));
  nowhere("none about a later fragment", "RFC 1812 4.3.2.7", (from) => fragment(datagram(from, NOWHERE, { data: counting(200) }), 80, 80, false));
  nowhere("none about a link broadcast", "RFC 1812 4.3.2.7", (from) => datagram(from, NOWHERE), { to: BROADCAST });
  nowhere("none about a link multicast", "RFC 1812 4.3.2.7", (from) => datagram(from, NOWHERE), { to: "01:00:5e:10:00:01" });
  point("none about a port of a broadcast", "RFC 1122 3.2.2", (p) => p.send("a", datagram(A, at("a", 255)), { to: BROADCAST }));
  point("none about a port of the limited broadcast", "RFC 1122 3.2.2", (p) => p.send("a", datagram(A, "255.255.255.255"), { to: BROADCAST }));
  point("none about a broadcast in a unicast frame", "RFC 1122 3.2.2", (p) => p.send("a", datagram(A, at("a", 255))));
  for (const source of ["0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "240.0.0.1", at("a", 255), at("a", 0), at("b", 255)]) {
    point(`source ${source}, no route`, "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(source, NOWHERE)));
  }
  point("source behind another link", "RFC 1812 4.3.2.4", (p) => p.send("a", datagram("10.1.0.20", NOWHERE)));
  point("source behind another link, port unreachable", "RFC 1122 3.2.2", (p) => p.send("a", datagram("10.1.0.21", RA)));
  point("source behind another link, port unreachable at the far address", "RFC 1122 3.2.2", (p) => p.send("a", datagram("10.1.0.22", RB)));
  point("source on a /31", "RFC 3021", (p) => p.send("d", datagram(D, NOWHERE)));
  nowhere("about TCP", "RFC 1812 5.2.7.1", (from) => segment(from, NOWHERE, 0x02));
  const asker = fresh();
  point("fragmentation needed under a burst of 50", "RFC 1191", async (p) => {
    await p.limitErrors(true);
    p.send("a", Array.from({ length: 50 }, (_, id) => datagram(asker, "10.7.0.1", { id, df: true, data: counting(800) })));
    await p.fence();
    await p.limitErrors(false);
    p.note(`${p.count(/ICMP 3\/4 sum ok 00000258/)} path MTUs told`);
    p.forget();
    p.sent = p.sent.slice(0, 1);
  });
  const talker = fresh();
  point("rate of errors under a burst of 200", "RFC 1812 4.3.2.8", async (p) => {
    await p.limitErrors(true);
    for (let i = 0; i < 4; i++) {
      p.send("a", Array.from({ length: 50 }, (_, id) => datagram(talker, NOWHERE, { id: 50 * i + id })));
      await p.fence();
    }
    await p.limitErrors(false);
    const errors = p.count(/ICMP 3/);
    p.forget();
    p.sent = p.sent.slice(0, 1);
    p.note(errors === 0 ? "no error" : errors < 100 ? "fewer errors than packets" : "an error for each packet");
  });
});
