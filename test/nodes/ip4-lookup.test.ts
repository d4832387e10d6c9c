import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_DROP, B_ADJ, B_FLAGS, B_FLAG_LOCAL, B_ICMP, B_ICMP_DATA, B_RX_IF, B_TX_IF, COPY_SHIFT, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, IF_FLAG_REDIRECTS,
  LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE, LOOKUP_NEXT_UNREACHABLE, VECTOR,
} from "../../assembly/abi.js";
import { clock, counters, declaration, putPacket, raw, reset, run, runFrame, setAdjacency, setInterface, setRoute, u16, u32 } from "./harness.js";

const NODE = "ip4-lookup";
/** The node reads nothing but the destination. */
const to = (address: string) => ({ hex: `45000014000040004001 0000 c0000202 ${address}`, l2: 0 });

test.before.each(() => {
  reset();
  setAdjacency(ADJ_DROP, { next: LOOKUP_NEXT_DROP });
  setAdjacency(10, { next: LOOKUP_NEXT_REWRITE, tx: 1 });
  setAdjacency(11, { next: LOOKUP_NEXT_LOCAL, tx: 2 });
  setAdjacency(12, { next: LOOKUP_NEXT_GLEAN, tx: 3 });
  setAdjacency(13, { next: LOOKUP_NEXT_UNREACHABLE, code: 13 });
  setRoute("10.1.0.0/16", 10);
  setRoute("10.1.2.0/24", 11);
  setRoute("10.1.2.3/32", 12);
  setRoute("10.2.0.0/16", 13);
  setRoute("10.3.0.0/16", ADJ_DROP);
});

const expected: [address: string, next: string, adjacency: number, tx: number][] = [
  ["0a01ff01", "ip4-rewrite", 10, 1],
  ["0a010203", "ip4-glean", 12, 3], // the /32, though the /24 and the /16 cover it
  ["0a010204", "ip4-local", 11, 2],
  ["0a0102ff", "ip4-local", 11, 2],
  ["0a010303", "ip4-rewrite", 10, 1],
];

test("the longest prefix wins", () => {
  for (const [address, next, adjacency, tx] of expected) {
    const outcome = run(NODE, to(address));
    assert.equal([outcome.next, u32(0, B_ADJ), u16(0, B_TX_IF), outcome.counted], [next, adjacency, tx, {}], address);
  }
});

test("a mixed vector: each packet gets its own", () => {
  for (let i = 0; i < VECTOR; i++) putPacket(i, to(expected[i % expected.length]![0]));
  runFrame(NODE, VECTOR).forEach((next, i) => assert.equal([next, u32(i, B_ADJ)], [expected[i % 5]![1], expected[i % 5]![2]]));
});

test("no route: network unreachable", () => {
  const { next, counted } = run(NODE, to("0b000001"));
  assert.equal([next, counted, u16(0, B_ICMP)], ["ip4-icmp-error", { "no route": 1 }, 0x0300]);
});

test("a route that prohibits says its own code", () => {
  const { next, counted } = run(NODE, to("0a020001"));
  assert.equal([next, counted, u16(0, B_ICMP)], ["ip4-icmp-error", { "route says unreachable": 1 }, 0x030d]);
});

test("a route that drops", () => {
  const { next, counted } = run(NODE, to("0a030001"));
  assert.equal([next, counted], ["error-drop", { "route says drop": 1 }]);
});

// Redirects (RFC 1812, 5.2.7.2). Interface 1 has 192.0.2.0/24; .2 and .3 are known, other hosts are not.

const SLOT = (name: string): number => declaration(NODE).next.indexOf(name);
/** Next slot of a packet that goes on and is answered. */
const beside = (name: string): number => SLOT(name) | (SLOT("ip4-icmp-error") << COPY_SHIFT);
const TELL = IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP | IF_FLAG_REDIRECTS;
const turning = (from: string, target: string, ttl = "40", flags = 0) => ({
  hex: `4500001400004000${ttl}01 0000 ${from} ${target}`, l2: 0, fields: [[B_RX_IF, 2, 1], [B_FLAGS, 2, flags]] as [number, 2, number][],
});
const HOST = "c0000202";
const HOST_3 = "c0000203";

function link(flags = TELL): void {
  setInterface(1, { ip4: "192.0.2.1", flags });
  setAdjacency(20, { next: LOOKUP_NEXT_GLEAN, tx: 1 });
  setAdjacency(21, { next: LOOKUP_NEXT_REWRITE, tx: 1, nextHop: raw("192.0.2.2") });
  setAdjacency(22, { next: LOOKUP_NEXT_REWRITE, tx: 1, nextHop: raw("192.0.2.3") });
  setRoute("192.0.2.0/24", 20);
  setRoute("192.0.2.2/32", 21);
  setRoute("192.0.2.3/32", 22);
  setRoute("10.4.0.0/16", 22); // behind .3
}

const wait = (ms: number): void => void (clock.now += ms * 1e6);

/** The next slot of one packet, and what it is to be answered with. */
function one(packet: ReturnType<typeof turning>): [next: string | number, error: string] {
  putPacket(0, packet);
  return [runFrame(NODE, 1)[0]!, `${u16(0, B_ICMP).toString(16)} ${u32(0, B_ICMP_DATA).toString(16)}`];
}

test("a packet that turns back is sent on and its sender told of the better hop: a gateway, a host, one still to be asked for", () => {
  const cases = [
    ["0a040001", "ip4-rewrite", "501 c0000203"], [HOST_3, "ip4-rewrite", "501 c0000203"], ["c0000209", "ip4-glean", "501 c0000209"],
    [HOST, "ip4-rewrite", "501 c0000202"],
  ] as const;
  for (const [target, next, error] of cases) {
    reset();
    link();
    assert.equal([one(turning(HOST, target)), counters(NODE)], [[beside(next), error], { redirect: 1 }], target);
  }
  reset();
  link();
  assert.is(one(turning("c0000207", HOST_3))[0], beside("ip4-rewrite"), "a sender on the link whom nobody has asked for yet");
});

test("no redirect: another interface, a sender elsewhere, at the end of its TTL, the router's own, a second look, switched off", () => {
  link();
  setAdjacency(23, { next: LOOKUP_NEXT_REWRITE, tx: 1, nextHop: raw("192.0.2.9") });
  setRoute("10.5.0.0/16", 23);
  const silent = (packet: ReturnType<typeof turning>): void => assert.equal([one(packet)[0], counters(NODE)], ["ip4-rewrite", {}]);
  setAdjacency(24, { next: LOOKUP_NEXT_REWRITE, tx: 2 });
  setRoute("10.6.0.0/16", 24);
  silent(turning(HOST, "0a060001"));
  silent(turning("0a050001", HOST_3)); // behind a gateway on the link
  silent(turning("0b000001", HOST_3)); // no way back
  for (const ttl of ["00", "01"]) silent(turning(HOST, HOST_3, ttl));
  silent(turning(HOST, HOST_3, "40", B_FLAG_LOCAL));
  assert.is(one(turning(HOST, HOST_3))[0], beside("ip4-rewrite"));
  reset();
  link();
  putPacket(0, turning(HOST, "c0000209"));
  assert.is(runFrame(NODE, 1)[0], beside("ip4-glean"));
  wait(1000);
  assert.is(runFrame(NODE, 1)[0], "ip4-glean", "it was held, and comes again");
  reset();
  link(IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP);
  silent(turning(HOST, HOST_3));
});

test("one sender is told after 40, 80, 160 … ms, nine times, and anew after 20 s of silence; others do not wait for it", () => {
  link();
  const told = (from = HOST): boolean => one(turning(from, HOST_3))[0] !== "ip4-rewrite";
  const times: number[] = [];
  for (let ms = 0; ms < 60_000; ms += 5, wait(5)) if (told()) times.push(ms);
  assert.equal(times, [0, 40, 120, 280, 600, 1240, 2520, 5080, 10_200]);
  assert.ok(told("c0000207"));
  wait(20_475);
  assert.not(told());
  wait(20_490);
  assert.ok(told());
  assert.ok(counters(NODE)["redirect withheld: its rate is limited"]! > 10_000);
});

test("256 senders at once, and as many again: places are taken over only after their wait", () => {
  link();
  const all = (base: number): number => {
    for (let i = 0; i < VECTOR; i++) putPacket(i, turning(`c00002${i.toString(16).padStart(2, "0")}`.replace("c000", `c0${base.toString(16).padStart(2, "0")}`), HOST_3));
    return runFrame(NODE, VECTOR).filter((next) => next !== "ip4-rewrite").length;
  };
  setRoute("192.1.0.0/16", 20);
  const first = all(0);
  assert.ok(first > 100 && first <= 256, `${first}`);
  assert.ok(all(1) <= 256 - first, "nobody is pushed out at once");
  wait(30);
  assert.ok(all(1) > 100);
});

test.run();
