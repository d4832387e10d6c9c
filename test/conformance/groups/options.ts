// IP options, to the router and through it: RFC 791 3.1, RFC 1812 4.2.2.1, 4.2.2.6, 5.2.4 and 5.3.13, RFC 2113, RFC 7126.

import { A, B, D, RA, RB, fresh } from "../network.js";
import { address, datagram, echo } from "../packet.js";
import { group } from "../point.js";

const ip = (text: string): string => address(text).toString("hex");
const FREE3 = "000000000000000000000000";

/** Both ways: a datagram to b, an echo request to the router. */
const CASES: [what: string, rule: string, options: string][] = [
  ["record route, room for three", "RFC 1812 5.3.13.5", `070f04${FREE3}00`],
  ["record route, one recorded", "RFC 1812 5.3.13.5", `070f08${ip("192.168.7.7")}000000000000000000`],
  ["record route, full", "RFC 1812 5.3.13.5", `070710${ip("192.168.7.7")}00`],
  ["record route, room for three bytes", "RFC 791 3.1", `070605000000 0000`],
  ["record route, pointer 3", "RFC 791 3.1", `070f03${FREE3}00`],
  ["record route, length 2", "RFC 791 3.1", "07020000"],
  ["record route, length 3", "RFC 791 3.1", "07030400"],
  ["record route, length beyond the header", "RFC 791 3.1", "07270400 00000000"],
  ["record route twice", "RFC 791 3.1", "07070400000000 07070400000000 0000"],
  ["timestamp, times only", "RFC 1812 5.3.13.6", "440c0500 00000000 00000000"],
  ["timestamp, addresses and times", "RFC 1812 5.3.13.6", "440c0501 00000000 00000000"],
  ["timestamp, asked of the router", "RFC 1812 5.3.13.6", `440c0503 ${ip(RA)} 00000000`],
  ["timestamp, asked of somebody else", "RFC 1812 5.3.13.6", "440c0503 c0a80707 00000000"],
  ["timestamp, full: overflow counted", "RFC 1812 5.3.13.6", "44080900 00000001"],
  ["timestamp, full and overflow at 15", "RFC 791 3.1", "440809f0 00000001"],
  ["timestamp, pointer 4", "RFC 791 3.1", "440c0400 00000000 00000000"],
  ["timestamp, flag 2", "RFC 791 3.1", "440c0502 00000000 00000000"],
  ["timestamp, length 3", "RFC 791 3.1", "44030500"],
  ["timestamp, asked of somebody else, full", "RFC 791 3.1", `440c0d03 ${ip("192.168.7.7")} 00000001`],
  ["timestamp, asked of the router and of somebody else", "RFC 1812 5.3.13.6", `44140503 ${ip(RA)} 00000000 c0a80707 00000000`],
  ["timestamp, asked of the link's broadcast address", "RFC 1812 5.3.13.6", `440c0503 c63364ff 00000000`],
  ["timestamp, addresses and times, room for four bytes", "RFC 791 3.1", "440c0901 00000000 00000000"],
  ["timestamp, three bytes left", "RFC 791 3.1", "440b0900 00000001 000000 00"],
  ["record route and timestamp", "RFC 1812 5.3.13.5, 5.3.13.6", `070704000000 00 440d0500 00000000 00000000 00`],
  ["no operation, router alert, record route", "RFC 1812 5.3.13.5", "01 94040000 070704 00000000"],
  ["router alert", "RFC 2113", "94040000"],
  ["router alert, length 2", "RFC 2113", "94020000"],
  ["router alert, value 1", "RFC 2113", "94040001"],
  ["no operation", "RFC 791 3.1", "01010101"],
  ["end of list, then rubbish", "RFC 791 3.1", "00ffffff"],
  ["security", "RFC 1108", "820b0000000000000000 0000"],
  ["stream identifier", "RFC 6814", "88040001"],
  ["unknown option, copied", "RFC 1812 4.2.2.1", "de040000"],
  ["unknown option, not copied", "RFC 1812 4.2.2.1", "5e040000"],
  ["unknown option, length 0", "RFC 1812 4.2.2.1", "de000000"],
  ["unknown option, length 1", "RFC 1812 4.2.2.1", "de010000"],
  ["unknown option, length beyond the header", "RFC 1812 4.2.2.1", "de080000"],
  ["unknown option, no room for its length", "RFC 1812 4.2.2.1", "010101de"],
  ["40 bytes of no operation", "RFC 791 3.1", "01".repeat(40)],
];

const sources = Array.from({ length: 2 }, fresh);

export default group("options", (point) => {
  for (const [what, rule, options] of CASES) {
    point(`through: ${what}`, rule, (p) => p.send("a", datagram(A, B, { options })));
    point(`to the router: ${what}`, rule, (p) => p.send("a", echo(A, RA, { options })));
  }
  for (const [kind, code] of [["loose", "83"], ["strict", "89"]] as const) {
    point(`${kind} source route, router is the next hop`, "RFC 1812 5.2.4.1, RFC 7126 4.3", (p) => p.send("a", datagram(A, RA, { options: `${code}0704${ip(B)}00` })));
    point(`${kind} source route, through`, "RFC 1812 5.2.4.1, RFC 7126 4.3", (p) => p.send("a", datagram(A, B, { options: `${code}0704${ip(D)}00` })));
    point(`${kind} source route, at its end`, "RFC 1122 3.2.1.8", (p) => p.send("a", echo(A, RA, { options: `${code}0708${ip(B)}00` })));
  }
  point("source route that is malformed", "RFC 1812 5.2.4.1", (p) => p.send("a", datagram(A, B, { options: "83030300" })));
  point("both source routes", "RFC 1812 5.2.4.1", (p) => p.send("a", datagram(A, B, { options: `830704${ip(D)} 890704${ip(D)}` })));
  point("time exceeded with record route", "RFC 1812 4.3.2.6", (p) => p.send("a", datagram(A, B, { ttl: 1, options: `070f04${FREE3}00` })));
  point("no route with record route", "RFC 1812 4.3.2.6", (p) => p.send("a", datagram(sources[0]!, "172.16.0.1", { options: `070f04${FREE3}00` })));
  point("port unreachable with router alert", "RFC 1812 4.3.2.6", (p) => p.send("a", datagram(A, RA, { options: "94040000" })));
  point("malformed option and bad checksum", "RFC 1812 5.2.2", (p) => p.send("a", datagram(A, B, { options: "de000000", checksum: 1 })));
  point("malformed option, no route", "RFC 1812 4.2.2.1", (p) => p.send("a", datagram(sources[1]!, "172.16.0.1", { options: "de000000" })));
  point("malformed option in an ICMP error", "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(A, B, { options: "de000000", protocol: 1, source: 0x0303 })));
  point("malformed option in a later fragment", "RFC 1812 4.3.2.7", (p) => p.send("a", datagram(A, B, { options: "de000000", offset: 10 })));
  point("record route to a /31 peer", "RFC 1812 5.3.13.5", (p) => p.send("a", datagram(A, D, { options: `070f04${FREE3}00` })));
  point("record route, unicast echo to the far address", "RFC 1812 5.3.13.5", (p) => p.send("a", echo(A, RB, { options: `070f04${FREE3}00` })));
  point("timestamp asked of the far address", "RFC 1812 5.3.13.6", (p) => p.send("a", datagram(A, B, { options: `440c0503 ${ip(RB)} 00000000` })));
});
