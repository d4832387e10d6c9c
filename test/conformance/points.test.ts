// The comparison itself: its points, its rules, and the words for a frame.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { CAUSES } from "./causes.js";
import { describe } from "./describe.js";
import { GROUPS } from "./groups/index.js";
import { RULES } from "./judge.js";
import { datagram, echo, ethernet, fragments, hex, icmp, icmpMessage } from "./packet.js";

const TITLES = GROUPS.flatMap(({ name, points }) => points.map((point) => `${name}: ${point.name}`));
const [TO, FROM] = ["02:00:00:00:0a:02", "02:00:00:00:0a:01"];
const said = (packet: Buffer, sent: Buffer[] = []): string => describe("a", ethernet(TO, FROM, 0x0800, packet), sent).replace(`a ${FROM}>${TO} IP `, "");

test("each point has a name of its own", () => {
  assert.is(new Set(TITLES).size, TITLES.length);
  assert.ok(TITLES.length >= 120 && GROUPS.length >= 12, `${TITLES.length} points in ${GROUPS.length} groups`);
});

test("each rule and each cause is about a point that there is", () => {
  for (const { points } of [...RULES, ...CAUSES]) assert.ok(TITLES.some((title) => points.test(title)), String(points));
});

test("a datagram, byte by byte", () => {
  const packet = datagram("192.0.2.1", "198.51.100.2", { data: hex("6869"), ttl: 1, id: 7, df: true });
  assert.is(packet.toString("hex"), "4500001e0007400001118d91c0000201c63364029c40829a000a8c5e6869");
  assert.match(said(packet), /checksum ok \| UDP 40000>33434/);
});

test("what two correct routers do differently is not told", () => {
  const reply = (id: number): string => said(icmp("198.51.100.1", "198.51.100.2", icmpMessage(0, 0, "00010001"), { id }));
  assert.is(reply(1), reply(2));
  const forwarded = (id: number): string => said(datagram("203.0.113.2", "198.51.100.2", { id }));
  assert.is.not(forwarded(1), forwarded(2));
});

test("a wrong checksum, a changed quote and cut fragments are told", () => {
  assert.match(said(datagram("203.0.113.2", "198.51.100.2", { checksum: 1 })), /checksum BAD 1/);
  const request = echo("198.51.100.2", "203.0.113.2", { ttl: 1 });
  const quote = Buffer.from(request);
  quote[8] = 0;
  const error = icmp("198.51.100.1", "198.51.100.2", icmpMessage(11, 0, "00000000", quote));
  assert.match(said(error, [request]), /ICMP 11\/0 sum ok 00000000 quotes 60 of #1 but 8:1→0$/);
  const [first, second] = fragments(request, 24).map((part) => said(part));
  assert.match(first!, /len 44 id 1234 MF ttl 1/);
  assert.match(second!, /len 36 id 1234 offset 24 ttl 1/);
});

test.run();
