// What is too long for the next link: RFC 791 3.2, RFC 1191, RFC 1812 4.2.2.7, 5.2.6. Link c takes 600 bytes.

import { A, B, C, E } from "../network.js";
import { counting, datagram, echo, fragment, icmp, icmpMessage, ip4 } from "../packet.js";
import { group } from "../point.js";

const of = (size: number): { data: Buffer } => ({ data: counting(size - 28) });
const FRAGMENTS = "RFC 1812 4.2.2.7, 5.2.6";

export default group("mtu", (point) => {
  for (const size of [599, 600]) point(`${size} bytes fit`, FRAGMENTS, (p) => p.send("a", datagram(A, C, of(size))));
  for (const size of [601, 604, 1176, 1177, 1500]) point(`${size} bytes are cut up`, FRAGMENTS, (p) => p.send("a", datagram(A, C, of(size))));
  point("8,900 bytes to 1,500", FRAGMENTS, (p) => p.send("e", datagram(E, B, of(8900))));
  point("8,900 bytes to 600", FRAGMENTS, (p) => p.send("e", datagram(E, C, of(8900))));
  point("TOS and TTL of fragments", FRAGMENTS, (p) => p.send("a", datagram(A, C, { ...of(1000), tos: 0xb8, ttl: 2 })));
  point("options that are copied and not", "RFC 791 3.1", (p) => p.send("a", datagram(A, C, { ...of(1000), options: "94040000 070704000000000101010101" })));
  point("no operation and a copied option", "RFC 791 3.1", (p) => p.send("a", datagram(A, C, { ...of(1000), options: "0101010194040000" })));
  point("40 bytes of options, none copied", "RFC 791 3.1", (p) => p.send("a", datagram(A, C, { ...of(1000), options: `5e14${"ab".repeat(18)}5e14${"cd".repeat(18)}` })));
  point("40 bytes of options, all copied", "RFC 791 3.1", (p) => p.send("a", datagram(A, C, { ...of(1000), options: `9e28${"ab".repeat(38)}` })));
  point("end of the options before more of them", "RFC 791 3.1", (p) => p.send("a", datagram(A, C, { ...of(1000), options: "5e040000 00000000" })));
  point("a later fragment with options is cut again", "RFC 791 3.1", (p) => p.send("a", fragment(datagram(A, C, { ...of(2900), options: "5e04000094040000" }), 800, 1200, true)));
  point("TTL 1: time exceeded, not cut", "RFC 1812 5.3.1", (p) => p.send("a", datagram(A, C, { ...of(1000), ttl: 1 })));
  point("echo request is cut up", FRAGMENTS, (p) => p.send("a", echo(A, C, { data: counting(1000) })));
  point("fragment that fits exactly", FRAGMENTS, (p) => p.send("a", fragment(datagram(A, C, of(2900)), 800, 576, true)));
  point("fragment whose length is no multiple of 8 is cut again", FRAGMENTS, (p) => p.send("a", fragment(datagram(A, C, of(2900)), 800, 1203, true)));
  point("20 packets to be cut at a time", FRAGMENTS, (p) => p.send("a", Array.from({ length: 20 }, (_, id) => datagram(A, C, { ...of(1000), id }))));
  point("first fragment is cut again", FRAGMENTS, (p) => p.send("a", fragment(datagram(A, C, of(2900)), 0, 1200, true)));
  point("middle fragment is cut again", FRAGMENTS, (p) => p.send("a", fragment(datagram(A, C, of(2900)), 800, 1200, true)));
  point("last fragment is cut again", FRAGMENTS, (p) => p.send("a", fragment(datagram(A, C, of(2428)), 1200, 1208, false)));
  point("reserved flag", FRAGMENTS, (p) => p.send("a", datagram(A, C, { ...of(1000), evil: true })));
  point("identification 0", FRAGMENTS, (p) => p.send("a", datagram(A, C, { ...of(1000), id: 0 })));
  point("through a gateway", FRAGMENTS, (p) => p.send("a", datagram(A, "10.7.0.1", of(1000))));
  point("bytes behind a packet that is cut", FRAGMENTS, (p) => p.send("a", datagram(A, C, of(1000)), { pad: 1100 }));
  point("DF: fragmentation needed", "RFC 1191 4", (p) => p.send("a", datagram(A, C, { ...of(601), df: true })));
  point("DF, 1,500 bytes", "RFC 1191 4", (p) => p.send("a", datagram(A, C, { ...of(1500), df: true })));
  point("DF, exactly the MTU", "RFC 1191 4", (p) => p.send("a", datagram(A, C, { ...of(600), df: true })));
  point("DF, behind a gateway", "RFC 1191 4", (p) => p.send("a", datagram(A, "10.7.0.1", { ...of(1000), df: true })));
  point("DF, 8,900 bytes to 1,500", "RFC 1191 4", (p) => p.send("e", datagram(E, B, { ...of(8900), df: true })));
  point("DF with options", "RFC 1191 4", (p) => p.send("a", datagram(A, C, { ...of(1000), df: true, options: "94040000" })));
  point("DF and MF", "RFC 1191 4", (p) => p.send("a", datagram(A, C, { ...of(1000), df: true, mf: true })));
  point("DF, later fragment: no error", "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(A, C, { ...of(1000), df: true, offset: 100 })));
  point("DF, ICMP error: no error", "RFC 1812 4.3.2.7", (p) => p.send("a", icmp(A, C, icmpMessage(3, 3, "00000000", counting(900)), { df: true })));
  point("DF, echo request", "RFC 1191 4", (p) => p.send("a", echo(A, C, { data: counting(900), df: true })));
  point("DF, padding does not count", "RFC 1191 4", (p) => p.send("a", datagram(A, C, { ...of(600), df: true }), { pad: 700 }));
  point("DF, source behind another link", "RFC 1812 4.3.2.4", (p) => p.send("a", datagram("10.1.0.9", C, { ...of(1000), df: true })));
  point("protocol without ports is cut up", FRAGMENTS, (p) => p.send("a", ip4(A, C, counting(1000), { protocol: 50 })));
});
