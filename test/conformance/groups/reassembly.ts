// Fragments to the router itself: RFC 791 3.2, RFC 1122 3.3.2, RFC 5722 4 by analogy. Linux waits 3 s here instead of its 30 s.

import { A, RA } from "../network.js";
import { counting, datagram, echo, fragment, fragments, ip4 } from "../packet.js";
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
