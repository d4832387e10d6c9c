// Time to live: RFC 1812 5.3.1, RFC 1122 3.2.1.7.

import { A, B, RA, RB, at, fresh } from "../network.js";
import { datagram, echo, fragment, icmp, icmpMessage } from "../packet.js";
import { group } from "../point.js";

const sources = Array.from({ length: 2 }, fresh);

export default group("ttl", (point) => {
  for (const ttl of [0, 1, 2, 3, 255]) point(`${ttl}, through the router`, "RFC 1812 5.3.1", (p) => p.send("a", datagram(A, B, { ttl })));
  for (const ttl of [0, 1]) {
    point(`${ttl}, to the near address`, "RFC 1812 5.3.1", (p) => p.send("a", echo(A, RA, { ttl })));
    point(`${ttl}, to the far address`, "RFC 1812 5.3.1", (p) => p.send("a", echo(A, RB, { ttl })));
  }
  point("1, echo request through the router", "RFC 1812 5.3.1", (p) => p.send("a", echo(A, B, { ttl: 1 })));
  point("1, first fragment", "RFC 1812 4.3.2.7", (p) => p.send("a", fragment(datagram(A, B, { ttl: 1 }), 0, 16, true)));
  point("1, later fragment", "RFC 1812 4.3.2.7", (p) => p.send("a", fragment(datagram(A, B, { ttl: 1 }), 16, 8, false)));
  point("1, about an ICMP error", "RFC 1812 4.3.2.7", (p) => p.send("a", icmp(A, B, icmpMessage(3, 3, "00000000", datagram(B, A)), { ttl: 1 })));
  point("1, no route", "RFC 1812 5.2.4", (p) => p.send("a", datagram(sources[0]!, "172.16.0.1", { ttl: 1 })));
  point("1, prohibited", "RFC 1812 5.2.4", (p) => p.send("a", datagram(sources[1]!, "10.4.0.1", { ttl: 1 })));
  point("1, too long for the next link, DF", "RFC 1812 5.2.4", (p) => p.send("a", datagram(A, "10.7.0.1", { ttl: 1, df: true, data: Buffer.alloc(900) })));
  point("1, to an unresolved neighbour", "RFC 1812 5.2.4", async (p) => {
    p.send("a", datagram(A, at("b", 70), { ttl: 1 }));
    await p.seen(/./, 1, 1000); // asking may take a moment
  });
  point("1, source behind another link: address of the error", "RFC 1812 4.3.2.4", (p) => p.send("a", datagram("10.1.0.9", B, { ttl: 1 })));
  point("1, source that no route leads to", "RFC 1812 4.3.2", (p) => p.send("a", datagram("172.16.0.9", B, { ttl: 1 })));
  point("1, from behind a gateway on the link", "RFC 1812 4.3.2.4", (p) => p.send("a", datagram("10.2.0.9", B, { ttl: 1 }), { host: 3 }));
});
