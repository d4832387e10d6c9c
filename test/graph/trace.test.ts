// Traces of literal packets through the graph: each built-in node's line, worked out by hand.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { arp, ethernet, icmp, ip4, toHex } from "./packets.js";
import { BAD_SUM, ECHO, FORWARDED, inline, NO_ROUTE, rest, router, send, TO_LEFT, trace, traced, UNKNOWN, way } from "./trace-bed.js";

const FRAME = "ethernet: 02:00:00:00:00:02 -> 02:fe:00:00:00:01, type 0x0800 (IPv4)";
const UDP = "udp: 4096 -> 8192, length 12, checksum 0x0000";
/** A datagram's IPv4 and UDP lines. */
const datagram = (to: string, ttl: number, sum: string): string =>
  `ipv4: 192.0.2.2 -> ${to}, udp, ttl ${ttl}, tos 0x00, length 32, id 0x1234, checksum 0x${sum} | ${UDP}`;
const INPUT = "af-packet-input | rx-interface host-left";

/** A test after which every packet has come to its end. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    rest();
    await router.clearTrace();
    inline.assertAtRest();
  });
}

check("forwarded: input, ethernet-input, ip4-input, ip4-lookup, ip4-rewrite, interface-output, the port", async () => {
  await trace("af-packet-input", FORWARDED);
  const [before, after] = [datagram("203.0.113.9", 64, "6a8d"), datagram("203.0.113.9", 63, "6b8d")];
  const sent = "ethernet: 02:fe:00:00:00:02 -> 02:00:00:00:00:03, type 0x0800 (IPv4)";
  const { adjacency } = router.routes().find(({ prefix }) => prefix === "203.0.113.0/24")!;
  assert.equal(way(), [
    `${INPUT}, 46 bytes | ${FRAME} | ${before} -> ethernet-input`,
    `ethernet-input | ${FRAME} | ${before} -> ip4-input`,
    `ip4-input | ${before} -> ip4-lookup`,
    `ip4-lookup | ${before} | adjacency ${adjacency} | tx-interface host-right -> ip4-rewrite`,
    `ip4-rewrite | ${before} | tx-interface host-right -> interface-output`,
    `interface-output | ${sent} | ${after} | tx-interface host-right -> host-right-tx`,
    `host-right-tx | tx-interface host-right, 46 bytes | ${sent} | ${after}`,
  ]);
});

check("dropped: the node that counted why, and error-drop with its reason", async () => {
  await trace("ip4-input", BAD_SUM);
  const seen = datagram("203.0.113.9", 64, "6a8e");
  assert.equal(way(), [`ip4-input | ${seen} (bad header checksum) -> error-drop`, "error-drop | ip4-input: bad header checksum"]);
  await trace("ethernet-input", "02fe00000009 020000000002 0800 4500", "02fe0000");
  const ends = traced().map(({ steps }) => steps.at(-1)!.lines);
  assert.equal(ends, [["ethernet-input: destination not this interface"], ["ethernet-input: frame too short"]]);
  assert.equal(traced()[1]!.steps[0]!.lines, ["ethernet: only 4 bytes: 02 fe 00 00"]);
});

check("in a vector each packet has its own reason, and the others go their ways", async () => {
  router.clearErrors();
  await trace("af-packet-input", FORWARDED, BAD_SUM, FORWARDED, NO_ROUTE, BAD_SUM, ECHO);
  const ends = traced().map(({ steps }) => steps.at(-1)!.node);
  assert.equal(ends, ["host-right-tx", "error-drop", "host-right-tx", "host-left-tx", "error-drop", "host-left-tx"]);
  assert.equal(traced()[3]!.steps.flatMap(({ node, counted }) => counted.map((name) => `${node}: ${name}`)), ["ip4-lookup: no route"]);
  const errors = router.errors().map(({ node, reason, count }) => `${count} ${node}: ${reason}`);
  assert.equal(errors.sort(), ["1 ip4-lookup: no route", "2 ip4-input: bad header checksum"]);
});

check("an echo request to the router: ip4-local, icmp4-input, and back as the reply", async () => {
  await trace("ip4-local", ECHO);
  const line = (from: string, to: string, ttl: number, sum: string, message: string): string =>
    `ipv4: ${from} -> ${to}, icmp, ttl ${ttl}, tos 0x10, length 36, id 0x1234, checksum 0x${sum} | icmp: ${message}`;
  const request = line("192.0.2.2", "192.0.2.1", 9, "1b92", "echo request, code 0, id 7, sequence 1, checksum 0xebe7");
  const reply = line("192.0.2.1", "192.0.2.2", 64, "e491", "echo reply, code 0, id 7, sequence 1, checksum 0xf3e7");
  assert.equal(way().slice(0, 2), [`ip4-local | ${request} -> icmp4-input`, `icmp4-input | ${request} -> ip4-lookup`]);
  assert.match(way()[2]!, `ip4-lookup | ${reply}`);
  assert.is(way().length, 6);
});

check("fragments to the router: each until it is taken, and the packet from there on", async () => {
  const [head, tail] = [
    `${TO_LEFT} 45000024 00052000 4001 d6d0 c0000202 c0000201 0800 bfb7 0007 0001 0001020304050607`,
    `${TO_LEFT} 4500001c 00050002 4001 f6d6 c0000202 c0000201 08090a0b0c0d0e0f`,
  ];
  await router.clearTrace();
  await router.addTrace("ip4-reassembly", 1);
  send(head);
  assert.match(way()[0]!, /^ip4-reassembly \| ipv4: [^>]* -> 192.0.2.1, icmp, [^>]*$/, "with no next node");
  send(tail);
  assert.equal(way().slice(1).map((text) => text.split(" ")[0]), ["ip4-local", "icmp4-input", "ip4-lookup", "ip4-rewrite", "interface-output", "host-left-tx"]);
});

check("a packet that is cut: until ip4-fragment takes it, and its fragments", async () => {
  const long = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 17, payload: Array<number>(2000).fill(7) });
  await trace("ip4-fragment", toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, long)));
  const ways = traced().map(({ steps }) => steps.map(({ node, next }) => `${node} ${next}`));
  const on = ["ip4-rewrite interface-output", "interface-output host-right-tx", "host-right-tx null"];
  assert.equal(ways, [["ip4-fragment null"], on, on]);
});

check("no route: ip4-icmp-error, and the error's own way", async () => {
  await trace("ip4-icmp-error", NO_ROUTE);
  assert.is(way()[0], `ip4-icmp-error | ${datagram("10.0.0.1", 64, "9c96")} | icmp type 3, code 0 -> ip4-lookup`);
  assert.match(way()[1]!, /^ip4-lookup \| ipv4: 192.0.2.1 -> 192.0.2.2, icmp, ttl 64, .* \| icmp: destination unreachable, code 0, checksum 0xef19 \|/);
});

check("ARP: a request, its answer, and what is not for us", async () => {
  const left = { mac: "02:00:00:00:00:02", ip: "192.0.2.2" };
  const ask = (ip: string): string => toHex(ethernet("ff:ff:ff:ff:ff:ff", left.mac, 0x0806, arp(1, left, { mac: "00:00:00:00:00:00", ip })));
  await trace("arp-input", ask("192.0.2.1"));
  assert.equal(way().slice(0, 2), [
    "arp-input | arp: request, 192.0.2.2 (02:00:00:00:00:02) asks for 192.0.2.1 -> interface-output",
    "interface-output | ethernet: 02:fe:00:00:00:01 -> 02:00:00:00:00:02, type 0x0806 (ARP) | "
      + "arp: reply, 192.0.2.1 (02:fe:00:00:00:01) to 192.0.2.2 (02:00:00:00:00:02) | tx-interface host-left -> host-left-tx",
  ]);
  await trace("arp-input", ask("192.0.2.9"));
  assert.is(way()[1], "error-drop | arp-input: not for an own address");
});

check("held for a neighbour, and on its way again with the same trace once that answers", async () => {
  await trace("ip4-glean", UNKNOWN);
  assert.equal(way(), [`ip4-glean | ${datagram("198.51.100.7", 64, "7c5c")} | tx-interface host-right (neighbour asked for) HELD`]);
  const right = { mac: "02:fe:00:00:00:02", ip: "198.51.100.1" };
  const neighbour = { mac: "02:00:00:00:00:07", ip: "198.51.100.7" };
  inline.send(1, [ethernet(right.mac, neighbour.mac, 0x0806, arp(2, neighbour, right))]);
  inline.sent(1);
  assert.equal(way().slice(1).map((text) => text.split(" ")[0]), ["ip4-lookup", "ip4-rewrite", "interface-output", "host-right-tx"]);
});

check("punt: a reply that nobody waits for; and the router's own ping from ip4-lookup on", async () => {
  const reply = ip4({ from: "192.0.2.2", to: "192.0.2.1", protocol: 1, payload: icmp(0, 0, [0, 7, 0, 1]) });
  await trace("punt", toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, reply)));
  assert.match(way()[0]!, /^punt \| ipv4: .* \| icmp: echo reply, .* \(echo reply that was not asked for\) -> error-drop$/);
  await trace("ip4-lookup");
  const ping = router.ping("192.0.2.2", { count: 1, timeout: 1 });
  inline.settle();
  await ping;
  assert.equal(traced()[0]!.steps.map(({ node }) => node), ["ip4-lookup", "ip4-rewrite", "interface-output", "host-left-tx"]);
  inline.sent(0);
});

check("a tcp segment, a fragment, options, another protocol: one line each", async () => {
  const tcp = [0x10, 0, 0, 22, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 0xff, 0xff, 0x12, 0x34, 0, 0];
  const from = { from: "192.0.2.2", to: "203.0.113.9" };
  const packets = [
    ip4({ ...from, protocol: 6, payload: tcp, fragment: 0x4000 }), ip4({ ...from, protocol: 17, payload: [1, 2, 3], fragment: 0x2003 }),
    ip4({ ...from, protocol: 89, payload: [], options: [1, 1, 1, 0] }), ip4({ ...from, protocol: 17, payload: [1, 2, 3] }),
  ];
  await trace("ip4-lookup", ...packets.map((packet) => TO_LEFT + toHex(Uint8Array.from(packet))));
  assert.equal(traced().map(({ steps }) => steps[0]!.lines.slice(0, -2).map((line) => line.replace(/^ipv4: .* 203.0.113.9, |, checksum.*/g, ""))), [
    ["tcp, ttl 64, tos 0x00, length 40, id 0x1234, DF", "tcp: 4096 -> 22, flags SYN ACK, sequence 1, acknowledges 2, window 65535"],
    ["udp, ttl 64, tos 0x00, length 23, id 0x1234, MF, offset 24"],
    ["ospf, ttl 64, tos 0x00, length 24, id 0x1234, 4 bytes of options"],
    ["udp, ttl 64, tos 0x00, length 23, id 0x1234", "udp: only 3 bytes: 01 02 03"],
  ]);
});

check("so many packets as were asked for, and none after clear", async () => {
  await router.addTrace("ip4-input", 2);
  send(FORWARDED, FORWARDED, FORWARDED);
  send(FORWARDED);
  assert.is(traced().length, 2);
  assert.is(traced(1).length, 1);
  await router.addTrace("ip4-rewrite", 1);
  send(FORWARDED);
  assert.equal(traced().map(({ number, steps }) => [number, steps[0]!.node]), [[1, "ip4-input"], [2, "ip4-input"], [3, "ip4-rewrite"]]);
  await router.addTrace("ip4-input", 5);
  await router.clearTrace();
  send(FORWARDED);
  assert.equal(router.trace(), { packets: [], kept: 0, lost: 0 });
});

check("what cannot be traced is refused, and nothing changes", async () => {
  for (const [node, packets, code] of [["ip4-inptu", 1, "NOT_FOUND"], ["ip4-input", 0, "BAD_ARGUMENT"], ["ip4-input", 1001, "BAD_ARGUMENT"]] as const) {
    assert.is(await router.addTrace(node, packets).then(() => "taken", (error: { code: string }) => error.code), code);
  }
  send(FORWARDED);
  assert.is(router.trace().kept, 0);
});

test.after(() => router.stop());
test.run();
