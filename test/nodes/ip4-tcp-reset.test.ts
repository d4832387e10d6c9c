import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_CSUM_FLAGS, B_FLAGS, B_FLAG_L4_GOOD, B_FLAG_LOCAL, B_GSO_SIZE, VECTOR } from "../../assembly/abi.js";
import { clock, counters, expectDrop, putPacket, reset, run, runFrame, setControl, u16 } from "./harness.js";

const NODE = "ip4-tcp-reset";
const SYN = "450000281234000040061432c6336402c6336401 9c4000500102030405060708500220008ed30000";
const OUTER = "45000028000040004006e665c6336401c6336402";

test.before.each(reset);

// The bytes of the answers are those of a Linux host without listeners.
test("SYN, ACK, FIN with data (RFC 9293, 3.10.7.1)", () => {
  const answers: [string, string][] = [
    [SYN, "00509c40000000000102030550140000bace0000"],
    ["450000281234000040061432c6336402c6336401 9c4000500102030405060708501020008ec50000", "00509c40050607080000000050040000b2d70000"],
    ["450000321234000040061428c6336402c6336401 9c4000500102030405060708500120007ab1000000010203040506070809", "00509c40000000000102030f50140000bac40000"],
  ];
  for (const [segment, answer] of answers) {
    const { next, hex, counted } = run(NODE, { hex: segment, l2: 0, fields: [[B_GSO_SIZE, 2, 1448]] });
    assert.equal([next, hex, counted, u16(0, B_FLAGS), u16(0, B_GSO_SIZE)], ["ip4-lookup", OUTER + answer, {}, B_FLAG_LOCAL, 0]);
  }
});

test("IP options, TCP options, a chain: one header of 40 bytes comes out", () => {
  const options = "46000034123400004006 0000 c6336402c6336401 01010101 9c4000500102030405060708 7002200063090000 020405b401030307";
  const { next, hex } = run(NODE, { hex: options, l2: 0 });
  assert.equal([next, hex], ["ip4-lookup", `${OUTER}00509c40000000000102030550140000bace0000`]);
  const data = "450000321234000040061428c6336402c6336401 9c4000500102030405060708500120007ab1000000010203040506070809";
  assert.is(run(NODE, { hex: data, l2: 0, pieces: [41, 3, 6] }).hex, `${OUTER}00509c40000000000102030f50140000bac40000`);
});

test("DSCP stays, ECN does not", () => {
  const { hex } = run(NODE, { hex: SYN.replace("4500", "45bb"), l2: 0 });
  assert.is(hex.slice(0, 40), OUTER.replace("4500", "45b8").replace("e665", "e5ad"));
});

test("dropped", () => {
  expectDrop(NODE, { hex: SYN.replace("8ed3", "8ed4"), l2: 0 }, "bad checksum");
  expectDrop(NODE, { hex: SYN.replace("50022000", "50042000").replace("8ed3", "8ed1"), l2: 0 }, "reset");
  expectDrop(NODE, { hex: SYN.slice(0, -2), l2: 0 }, "malformed segment");
  expectDrop(NODE, { hex: SYN.replace("50022000", "40022000"), l2: 0 }, "malformed segment");
  expectDrop(NODE, { hex: SYN.replace("50022000", "60022000"), l2: 0 }, "malformed segment");
  expectDrop(NODE, { hex: `${SYN}0000`, l2: 0, pieces: [39, 3] }, "malformed segment");
});

test("a header that a node between has made too short: the answer would be longer than the packet", () => {
  expectDrop(NODE, { hex: `40${SYN.slice(2, 24)}50${SYN.slice(26, 46)}`, l2: 0, fields: [[B_FLAGS, 2, B_FLAG_L4_GOOD]] }, "malformed segment");
});

test("a checksum that the device answers for", () => {
  const wrong = SYN.replace("8ed3", "8ed4");
  assert.is(run(NODE, { hex: wrong, l2: 0, fields: [[B_FLAGS, 2, B_FLAG_L4_GOOD]] }).next, "ip4-lookup");
  for (const offload of [1, 2]) assert.is(run(NODE, { hex: wrong, l2: 0, fields: [[B_CSUM_FLAGS, 1, offload]] }).next, "ip4-lookup");
});

test("limited in number", () => {
  setControl({ rate: 1000, burst: 50 });
  clock.now = 1e9;
  for (let i = 0; i < VECTOR; i++) putPacket(i, { hex: SYN, l2: 0 });
  assert.is(runFrame(NODE, VECTOR).filter((next) => next === "ip4-lookup").length, 50);
  assert.is(counters(NODE)["rate limited"], VECTOR - 50);
});

test.run();
