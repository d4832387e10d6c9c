// Fragments to the router itself: RFC 791 3.2, RFC 1122 3.3.2, RFC 5722 4 by analogy. Both wait 3 s here instead of their 30 s.

import { A, A2, RA, RB } from "../network.js";
import { counting, datagram, echo, fragment, fragments, icmp, icmpMessage, ip4, sum } from "../packet.js";
import { group } from "../point.js";

const RULE = "RFC 1812 4.2.2.8, RFC 1122 3.3.2";
/** ms in which a whole packet is answered */
const SOON = 500;
/** ms in which what is not whole has been given up: 3 s, and nothing of it comes later */
const TIMED_OUT = 4500;
const request = (id: number, size = 392): Buffer => echo(A, RA, { id, data: counting(size) });

export default group("reassembly", (point) => {
  const orders: [string, number[]][] = [
    ["in order", [0, 1, 2, 3]], ["backwards", [3, 2, 1, 0]], ["mixed", [2, 0, 3, 1]], ["with a duplicate", [0, 1, 1, 2, 3]], ["first one last", [1, 2, 3, 0]],
    ["the last one twice at its end", [0, 1, 2, 3, 3]],
  ];
  for (const [i, [what, order]] of orders.entries()) {
    point(what, RULE, async (p) => {
      const parts = fragments(request(0x100 + i), 104);
      p.send("a", order.map((n) => parts[n]!));
      await p.seen(/ICMP 0/, 1, SOON);
    });
  }
  point("two packets at a time", RULE, async (p) => {
    const [one, two] = [fragments(request(0x110), 104), fragments(request(0x111, 200), 104)];
    p.send("a", [one[0]!, two[0]!, one[1]!, two[1]!, one[2]!, one[3]!]);
    await p.seen(/ICMP 0/, 2, SOON);
  });
  point("fragments of 8 bytes", RULE, async (p) => {
    p.send("a", fragments(request(0x112, 56), 8));
    await p.seen(/ICMP 0/, 1, SOON);
  });
  point("other protocol with the same identification", RULE, async (p) => {
    const parts = fragments(request(0x113), 200);
    p.send("a", [parts[0]!, fragment(ip4(A, RA, counting(400), { protocol: 17, id: 0x113 }), 200, 200, false)]);
    await p.seen(/ICMP/, 1, TIMED_OUT);
  });
  point("datagram in fragments to a closed port", "RFC 1122 3.2.2.1", async (p) => {
    p.send("a", fragments(datagram(A, RA, { id: 0x114, data: counting(400) }), 208));
    await p.seen(/ICMP 3/, 1, SOON);
  });
  point("unknown protocol in fragments", "RFC 1122 3.2.2.2", async (p) => {
    p.send("a", fragments(ip4(A, RA, counting(400), { protocol: 253, id: 0x115 }), 200));
    await p.seen(/ICMP 3/, 1, SOON);
  });
  point("options in the first fragment only", RULE, async (p) => {
    const [first, second] = [echo(A, RA, { id: 0x116, data: counting(392), options: "94040000" }), request(0x116)];
    p.send("a", [fragment(first, 0, 200, true), fragment(second, 200, 200, false)]);
    await p.seen(/ICMP 0/, 1, SOON);
  });
  point("ECN: CE on one fragment", "RFC 3168 5.3", async (p) => {
    const [plain, marked] = [echo(A, RA, { id: 0x117, tos: 2, data: counting(392) }), echo(A, RA, { id: 0x117, tos: 3, data: counting(392) })];
    p.send("a", [fragment(plain, 0, 200, true), fragment(marked, 200, 200, false)]);
    await p.seen(/ICMP 0/, 1, SOON);
  });
  const overlaps: [string, [number, number, boolean][]][] = [
    ["overlap with the same bytes", [[0, 208, true], [200, 200, false]]],
    ["a fragment inside another", [[0, 208, true], [8, 16, true], [208, 192, false]]],
    ["overlap at the front", [[200, 200, false], [0, 208, true]]],
    ["two ends", [[0, 200, true], [200, 200, false], [200, 208, false]]],
    ["length no multiple of 8 with MF", [[0, 200, true], [200, 99, true], [304, 96, false]]],
    ["empty fragment", [[0, 200, true], [200, 0, true], [200, 200, false]]],
    ["a fragment that has the bytes of two", [[0, 104, true], [104, 96, true], [0, 200, true], [200, 200, false]]],
    ["a fragment that fills a hole and more", [[0, 104, true], [208, 192, false], [96, 120, true]]],
    ["a fragment around another", [[104, 96, true], [0, 400, false]]],
    ["overlap at the back", [[0, 104, true], [200, 200, false], [104, 104, true]]],
    ["bytes behind the end", [[200, 200, false], [400, 8, true], [0, 200, true]]],
    ["an end before what is there", [[200, 200, true], [0, 104, false]]],
    ["an end without the bytes before it, again", [[200, 200, false], [200, 200, false], [0, 200, true]]],
  ];
  for (const [i, [what, pieces]] of overlaps.entries()) {
    point(what, "RFC 791 3.2, RFC 1858", async (p) => {
      const packet = request(0x120 + i, 400 - 8 + (what === "two ends" ? 8 : 0));
      p.send("a", pieces.map(([at, length, more]) => fragment(packet, at, length, more)));
      await p.seen(/ICMP/, 1, TIMED_OUT);
    });
  }
  point("end beyond 65,535 bytes", "RFC 791 3.2", async (p) => {
    const parts = fragments(echo(A, RA, { id: 0x130, data: counting(65_500) }), 1480);
    p.send("a", [...parts.slice(0, -1), ip4(A, RA, counting(1480), { id: 0x130, protocol: 1, offset: 8140 })]);
    await p.seen(/ICMP/, 1, TIMED_OUT);
  });
  point("a hole: time exceeded, code 1", "RFC 1122 3.3.2", async (p) => {
    const parts = fragments(request(0x131), 104);
    p.send("a", [parts[0]!, parts[1]!, parts[3]!]);
    await p.seen(/ICMP 11\/1/, 1, TIMED_OUT);
  });
  point("first fragment missing: no error", "RFC 1122 3.3.2", async (p) => {
    const parts = fragments(request(0x132), 104);
    p.send("a", [parts[1]!, parts[2]!, parts[3]!]);
    await p.seen(/ICMP/, 1, TIMED_OUT);
  });
  point("a hole, the first fragment came last", "RFC 1122 3.3.2", async (p) => {
    const parts = fragments(request(0x134), 104);
    p.send("a", [parts[3]!, parts[1]!, parts[0]!]);
    await p.seen(/ICMP 11\/1/, 1, TIMED_OUT);
  });
  point("a hole in a datagram: its error quotes 548 bytes", "RFC 1812 4.3.2.3", async (p) => {
    p.send("a", fragment(datagram(A, RA, { id: 0x135, data: counting(1400) }), 0, 1200, true));
    await p.seen(/ICMP 11\/1/, 1, TIMED_OUT);
  });
  point("a hole in an ICMP error: no error", "RFC 1812 4.3.2.7", async (p) => {
    p.send("a", fragment(icmp(A, RA, icmpMessage(3, 1, "00000000", counting(400)), { id: 0x136 }), 0, 200, true));
    await p.seen(/ICMP/, 1, TIMED_OUT);
  });
  point("a fragment that comes again after its packet was whole", RULE, async (p) => {
    const parts = fragments(request(0x137), 200);
    p.send("a", [...parts, parts[0]!]);
    await p.seen(/ICMP 11\/1/, 1, TIMED_OUT);
  });
  point("the same identification from two sources", RULE, async (p) => {
    const [one, two] = [fragments(request(0x138), 144), fragments(echo(A2, RA, { id: 0x138, data: counting(392) }), 144)];
    p.send("a", [one[0]!, one[1]!]);
    p.send("a", [two[2]!]);
    p.send("a", [one[2]!, two[0]!, two[1]!]);
    await p.seen(/ICMP 0/, 2, SOON);
  });
  point("to the far address", RULE, async (p) => {
    p.send("a", fragments(echo(A, RB, { id: 0x139, data: counting(392) }), 104));
    await p.seen(/ICMP 0/, 1, SOON);
  });
  point("DF on every fragment", RULE, async (p) => {
    const parts = fragments(request(0x13a), 200).map((part) => {
      part.writeUInt16BE(part.readUInt16BE(6) | 0x4000, 6);
      part.writeUInt16BE(0, 10);
      part.writeUInt16BE(sum(part.subarray(0, 20)) ^ 0xffff, 10);
      return part;
    });
    p.send("a", parts);
    await p.seen(/ICMP 0/, 1, SOON);
  });
  point("TTL 1 on every fragment", "RFC 1122 3.2.1.7", async (p) => {
    p.send("a", fragments(echo(A, RA, { id: 0x13b, ttl: 1, data: counting(392) }), 200));
    await p.seen(/ICMP/, 1, SOON);
  });
  for (const [i, [what, tos]] of ([["not known and known", [0, 2]], ["both kinds of known", [1, 2]], ["met by one that does not know", [0, 3]]] as const).entries()) {
    point(`congestion marks: ${what}`, "RFC 3168 5.3", async (p) => {
      const [first, second] = tos.map((mark) => echo(A, RA, { id: 0x140 + i, tos: mark, data: counting(392) }));
      p.send("a", [fragment(first!, 0, 200, true), fragment(second!, 200, 200, false)]);
      await p.seen(/ICMP/, 1, TIMED_OUT);
    });
  }
  for (const between of [60, 70]) {
    point(`${between} fragments of other packets in between`, "RFC 4963", async (p) => {
      const [first, second] = fragments(request(0x150 + between), 200);
      p.send("a", [first!, ...Array.from({ length: between }, (_, n) => fragment(request(0x5000 + 100 * between + n), 8, 200, true)), second!]);
      await p.seen(/ICMP 0/, 1, SOON);
      p.sent = p.sent.slice(0, 1);
    });
  }
  point("a packet that has been cut up twice", RULE, async (p) => {
    const parts = fragments(request(0x160), 200);
    const [left, right] = [fragment(request(0x160), 200, 104, true), fragment(request(0x160), 304, 96, false)];
    p.send("a", [right, parts[0]!, left]);
    await p.seen(/ICMP 0/, 1, SOON);
  });
  point("1,000 packets that are never whole, then one that is", "RFC 1122 3.3.2", async (p) => {
    for (let i = 0; i < 10; i++) {
      p.send("a", Array.from({ length: 100 }, (_, n) => fragment(echo(A, RA, { id: 0x4000 + 100 * i + n, data: counting(1400) }), 8, 1400, true)));
      await p.fence();
    }
    p.send("a", fragments(request(0x133), 104));
    await p.seen(/ICMP 0/, 1, SOON);
    p.sent = p.sent.slice(-4);
  });
});
