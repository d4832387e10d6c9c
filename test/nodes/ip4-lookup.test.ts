import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_DROP, B_ADJ, B_ICMP, B_TX_IF, LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE, LOOKUP_NEXT_UNREACHABLE, VECTOR,
} from "../../assembly/abi.js";
import { putPacket, reset, run, runFrame, setAdjacency, setRoute, u16, u32 } from "./harness.js";

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

test.run();
