// Where packets go: longest prefix, redirects, /31 links, several next hops, order: RFC 1812 5.2.4, 5.2.7.2, RFC 3021, RFC 2992.

import { A, A2, B, D, RD, at, fresh } from "../network.js";
import { BROADCAST, counting, datagram, echo, fragments, segment } from "../packet.js";
import { group } from "../point.js";

const sources = Array.from({ length: 5 }, fresh);

export default group("routes", (point) => {
  point("through a gateway", "RFC 1812 5.2.4.3", (p) => p.send("a", datagram(A, "10.1.0.1")));
  point("longest prefix", "RFC 1812 5.2.4.3", (p) => p.send("a", datagram(A, "10.1.2.1")));
  point("beside the longest prefix", "RFC 1812 5.2.4.3", (p) => p.send("a", datagram(A, "10.1.3.0")));
  for (const last of ["0.0", "255.255"]) point(`10.1.${last} behind a gateway`, "RFC 1812 5.3.5", (p) => p.send("a", datagram(A, `10.1.${last}`)));
  point("to the gateway itself", "RFC 1812 5.2.4.3", (p) => p.send("a", datagram(A, B)));
  point("from b to a", "RFC 1812 5.2.4.3", (p) => p.send("b", datagram(B, A)));
  point("between hosts of one link: redirect for the host", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram(sources[0]!, A2)), { anyOrder: true });
  point("to a gateway on the sender's link: redirect", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram(sources[1]!, "10.2.0.1")), { anyOrder: true });
  point("echo request to a gateway on the sender's link", "RFC 1812 5.2.7.2", (p) => p.send("a", echo(sources[2]!, "10.2.0.1")), { anyOrder: true });
  point("20 packets at once: one redirect", "RFC 1812 4.3.2.8", async (p) => {
    p.send("a", Array.from({ length: 20 }, (_, id) => datagram(at("a", 190), A2, { id })));
    await p.fence();
    const [redirects, packets] = [p.count(/ICMP 5\/1 /), p.count(/ UDP /) - p.count(/ICMP 5\/1 .* UDP /)];
    p.forget();
    p.sent = p.sent.slice(0, 2);
    p.note(`${redirects} redirects, ${packets} of 20 packets`);
  });
  point("no redirect about a later fragment", "RFC 1812 4.3.2.7", (p) => p.send("a", fragments(datagram(at("a", 191), A2), 16)[1]!));
  point("no redirect to a sender behind the gateway", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram("10.2.0.9", A2), { host: 3 }));
  point("no redirect to a sender of another link", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram(B, A2)));
  point("no redirect for a source route", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram(sources[3]!, A2, { options: "83070862010101 00" })));
  point("redirect with TTL 1: time exceeded", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram(sources[4]!, A2, { ttl: 1 })));
  point("back to the sender himself", "RFC 1812 5.2.7.2", (p) => p.send("a", datagram(A, A)), { anyOrder: true });
  point("to the peer of a /31", "RFC 3021 2.1", (p) => p.send("a", datagram(A, D)));
  point("behind the peer of a /31", "RFC 3021 2.1", (p) => p.send("a", datagram(A, "10.9.0.1")));
  point("echo from the peer of a /31", "RFC 3021 2.1", (p) => p.send("d", echo(D, RD)));
  point("echo to the router's address on a /31", "RFC 3021 2.1", (p) => p.send("a", echo(A, RD)));
  point("from the peer of a /31", "RFC 3021 2.1", (p) => p.send("d", datagram(D, B)));
  point("limited broadcast on a /31", "RFC 3021 2.2", (p) => p.send("d", echo(D, "255.255.255.255"), { to: BROADCAST }));
  point("port unreachable on a /31", "RFC 3021 2.1", (p) => p.send("d", datagram(D, RD)));
  point("TCP through, with data", "RFC 1812 5.2", (p) => p.send("a", segment(A, B, 0x18, { data: counting(333) })));
  point("the router's far address as destination of a reply", "RFC 1812 5.2.3", (p) => p.send("b", echo(B, at("a", 1))));
  point("200 datagrams of four flows stay in order", "RFC 1812 2.2.1", async (p) => {
    p.send("a", Array.from({ length: 200 }, (_, id) => datagram(A, B, { id, source: 40000 + (id % 4) })));
    await p.seen(/^b /, 200, 2000);
    const ids = p.lines.flatMap((line) => (/^b .* id ([0-9a-f]+)/.exec(line) ?? []).slice(1)).map((id) => parseInt(id, 16));
    p.forget();
    p.sent = p.sent.slice(0, 4);
    p.note(`${ids.length} arrived, ${ids.every((id, i) => id === i) ? "in order" : "out of order"}`);
  });
  point("several next hops: the fragments of a datagram stay together", "RFC 2992", async (p) => {
    for (let host = 0; host < 16; host++) p.send("a", fragments(datagram(A, `10.8.1.${host}`, { id: host, data: counting(60) }), 24));
    await p.seen(/^b /, 48, 1000);
    const hops = new Map<string, Set<string>>();
    for (const line of p.lines) {
      const [, hop, to] = /^b \S+>(\S+) IP \S+>(\S+) /.exec(line) ?? [];
      if (hop !== undefined) hops.set(to!, (hops.get(to!) ?? new Set()).add(hop));
    }
    const arrived = p.count(/^b .* IP 198/);
    p.forget();
    p.sent = p.sent.slice(0, 3);
    p.note(`${arrived} of 48 fragments, ${[...hops.values()].every(({ size }) => size === 1) ? "each datagram's on one way" : "datagrams torn apart"}`);
  });
  point("several next hops: a flow stays on one, and in order", "RFC 2992", async (p) => {
    p.send("a", Array.from({ length: 128 }, (_, id) => datagram(A, `10.8.0.${id % 16}`, { id })));
    await p.seen(/^b /, 128, 1000);
    const flows = new Map<string, Set<string>>();
    let [ordered, last] = [true, -1];
    for (const line of p.lines) {
      const [, hop, flow, id] = /^b \S+>(\S+) IP \S+>(\S+) .* id ([0-9a-f]+)/.exec(line) ?? [];
      if (hop === undefined) continue;
      flows.set(flow!, (flows.get(flow!) ?? new Set()).add(hop));
      ordered &&= parseInt(id!, 16) > last;
      last = parseInt(id!, 16);
    }
    const arrived = p.count(/^b .* IP 198/);
    const hops = new Set([...flows.values()].flatMap((all) => [...all]));
    p.forget();
    p.sent = p.sent.slice(0, 2);
    p.note(`${arrived} of 128 arrived, ${ordered ? "in order" : "out of order"}, ${[...flows.values()].every(({ size }) => size === 1) ? "one next hop a flow" : "flows split"}`);
    p.note(hops.size > 1 ? "next hops shared" : "one next hop only");
  });
});
