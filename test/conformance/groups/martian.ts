// Addresses that must not be seen, frames to everybody, broadcast and multicast: RFC 1812 5.3.4, 5.3.5, 5.3.7, RFC 1122 3.2.1.3, 3.3.6.

import { A, B, RA, RB, at, fresh } from "../network.js";
import { BROADCAST, datagram, echo } from "../packet.js";
import { group } from "../point.js";

const SOURCES = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "169.254.1.1", "224.0.0.5", "239.1.1.1", "240.0.0.1", "255.255.255.255", "10.1.0.9", "172.16.0.9"];
const TARGETS = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "169.254.1.1", "224.0.0.5", "239.1.1.1", "240.0.0.1", "255.255.255.255"];

export default group("martian", (point) => {
  for (const source of [...SOURCES, RA, RB, at("a", 255), at("a", 0), at("b", 255), at("b", 0), B]) {
    point(`source ${source}, through`, "RFC 1812 5.3.7", (p) => p.send("a", datagram(source, B)));
  }
  for (const source of [...SOURCES, RA, RB, at("a", 255), at("a", 0)]) point(`source ${source}, echo to the router`, "RFC 1812 5.3.7", (p) => p.send("a", echo(source, RA)));
  for (const target of TARGETS) {
    const from = fresh();
    point(`destination ${target}`, "RFC 1812 5.3.7", (p) => p.send("a", datagram(from, target)));
  }
  for (const last of [255, 0]) {
    point(`directed broadcast to another link, .${last}`, "RFC 2644", (p) => p.send("a", datagram(A, at("b", last))));
    point(`echo as a directed broadcast to another link, .${last}`, "RFC 2644", (p) => p.send("a", echo(A, at("b", last))));
    point(`the own link's broadcast, .${last}, in a unicast frame`, "RFC 1812 5.3.5", (p) => p.send("a", datagram(A, at("a", last))));
  }
  for (const [what, to] of [["broadcast", BROADCAST], ["multicast", "01:00:5e:01:02:03"]] as const) {
    point(`unicast packet in a ${what} frame, through`, "RFC 1812 5.3.4", (p) => p.send("a", datagram(A, B), { to }));
    point(`unicast echo in a ${what} frame, to the router`, "RFC 1122 3.3.6", (p) => p.send("a", echo(A, RA), { to }));
    point(`unicast datagram in a ${what} frame, to a closed port`, "RFC 1122 3.3.6", (p) => p.send("a", datagram(A, RA), { to }));
    point(`TTL 1 in a ${what} frame`, "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(A, B, { ttl: 1 }), { to }));
  }
  point("multicast to a group on the link, TTL 1", "RFC 1812 5.3.2", (p) => p.send("a", datagram(A, "224.0.0.251", { ttl: 1 }), { to: "01:00:5e:00:00:fb" }));
  point("multicast of wide scope", "RFC 1812 5.2.5", (p) => p.send("a", datagram(A, "239.1.1.1"), { to: "01:00:5e:01:01:01" }));
  point("frame whose source is the router's own MAC address", "RFC 1812 3.3", (p) => p.send("a", datagram(A, B), { from: "02:00:00:00:0a:01" }));
  point("frame whose source is a group address", "IEEE 802.3 3.2.3", (p) => p.send("a", datagram(A, B), { from: "03:00:00:00:0a:02" }));
});
