import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_FLAGS, B_FLAG_LINK_BROADCAST, B_L2, B_LENGTH, B_RX_IF, B_TOTAL, BUFFER_START, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP,
} from "../../assembly/abi.js";
import { counters, expectDrop, putPacket, reset, run, runFrame, setInterface, u16, u32 } from "./harness.js";

const NODE = "ethernet-input";
const OWN = "02fe00000001";
const PEER = "020000000002";
const BODY = "45000014 00000000";

test.before.each(() => {
  reset();
  setInterface(0, { mac: OWN });
});

test("IPv4 for the interface loses its header", () => {
  const { next, hex, counted } = run(NODE, { hex: `${OWN}${PEER}0800${BODY}`, l2: 0, fields: [[B_L2, 2, 0]] });
  assert.is(next, "ip4-input");
  assert.is(hex, "4500001400000000");
  assert.equal(counted, {});
  assert.equal([u16(0, B_L2), u16(0, B_LENGTH), u32(0, B_TOTAL), u16(0, B_FLAGS)], [BUFFER_START, 8, 8, 0]);
});

test("ARP in a broadcast frame", () => {
  const { next } = run(NODE, { hex: `ffffffffffff${PEER}0806${BODY}`, l2: 0 });
  assert.is(next, "arp-input");
  assert.is(u16(0, B_FLAGS), B_FLAG_LINK_BROADCAST);
});

test("multicast counts as a link broadcast", () => {
  assert.is(run(NODE, { hex: `01005e000001${PEER}0800${BODY}`, l2: 0 }).next, "ip4-input");
  assert.is(u16(0, B_FLAGS), B_FLAG_LINK_BROADCAST);
});

test("a header alone, with nothing after it, goes on", () => {
  assert.is(run(NODE, { hex: `${OWN}${PEER}0800`, l2: 0 }).next, "ip4-input");
  assert.is(u32(0, B_TOTAL), 0);
});

test("a priority tag is taken off (IEEE 802.1Q, 6.9), a VLAN's is not", () => {
  for (const control of ["0000", "e000", "1000"]) {
    const { next, hex } = run(NODE, { hex: `${OWN}${PEER}8100${control}0800${BODY}`, l2: 0, fields: [[B_L2, 2, 0]] });
    assert.equal([next, hex, u16(0, B_L2), u16(0, B_LENGTH), u32(0, B_TOTAL)], ["ip4-input", "4500001400000000", BUFFER_START, 8, 8]);
  }
  assert.is(run(NODE, { hex: `${OWN}${PEER}810000000806${BODY}`, l2: 0 }).next, "arp-input");
  for (const control of ["0005", "e001", "0100", "0fff"]) expectDrop(NODE, { hex: `${OWN}${PEER}8100${control}0800${BODY}`, l2: 0 }, "in a VLAN");
  expectDrop(NODE, { hex: `${OWN}${PEER}8100000008`, l2: 0 }, "frame too short");
  expectDrop(NODE, { hex: `${OWN}${PEER}8100000086dd${BODY}`, l2: 0 }, "unknown type");
  expectDrop(NODE, { hex: `${OWN}${PEER}81000000810000000800${BODY}`, l2: 0 }, "unknown type");
});

test("refused", () => {
  expectDrop(NODE, { hex: `${OWN}${PEER}08`, l2: 0 }, "frame too short");
  expectDrop(NODE, { hex: "", l2: 0 }, "frame too short");
  expectDrop(NODE, { hex: `02fe00000002${PEER}0800${BODY}`, l2: 0 }, "destination not this interface");
  expectDrop(NODE, { hex: `02fe00010001${PEER}0800${BODY}`, l2: 0 }, "destination not this interface");
  expectDrop(NODE, { hex: `${OWN}${PEER}86dd${BODY}`, l2: 0 }, "unknown type");
  expectDrop(NODE, { hex: `${OWN}${PEER}0026${BODY}`, l2: 0 }, "unknown type");
});

test("an interface that is set down takes nothing; a link that is down says nothing of what came before", () => {
  setInterface(0, { mac: OWN, flags: IF_FLAG_LINK_UP });
  for (const to of [OWN, "ffffffffffff", "02fe00000002"]) {
    expectDrop(NODE, { hex: `${to}${PEER}0800${BODY}`, l2: 0 }, "interface administratively down");
  }
  setInterface(0, { mac: OWN, flags: IF_FLAG_ADMIN_UP });
  assert.is(run(NODE, { hex: `${OWN}${PEER}0800${BODY}`, l2: 0 }).next, "ip4-input");
});

test("packets of several interfaces in one frame: each is judged by its own", () => {
  for (const first of [0, 1, 2]) {
    reset();
    setInterface(0, { mac: OWN });
    setInterface(1, { mac: "02fe00000002" });
    setInterface(2, { mac: OWN, flags: 0 });
    const all = Array.from({ length: 12 }, (_, i) => (first + i) % 3);
    for (const [i, rx] of all.entries()) putPacket(i, { hex: `${OWN}${PEER}0800${BODY}`, l2: 0, fields: [[B_RX_IF, 2, rx]] });
    assert.equal(runFrame(NODE, 12), all.map((rx) => (rx === 0 ? "ip4-input" : "error-drop")));
    assert.equal(counters(NODE), { "destination not this interface": 4, "interface administratively down": 4 });
  }
});

test.run();
