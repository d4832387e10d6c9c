// A fault port around a port on a netdev: it sleeps until the device or the clock has something, and survives the device's going and coming.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { VECTOR } from "../assembly/abi.js";
import { addon, type FaultSettings } from "../host/addon.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";
import { toHex } from "./graph/packets.js";
import { BUFFERS, FRAME, frameOf, free, ip, look, makePair, receive, release, resetPool, send } from "./native-bench.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const NONE: FaultSettings = { loss: 0, truncate: 0, corrupt: 0, duplicate: 0, reorder: 0, delay: 0, jitter: 0 };
const [LEFT, RIGHT] = [1, 2];
makePair("left", "right");
const left = addon.openAfPacket("left", { ringSlots: 256 }).handle;
const right = addon.openAfPacket("right", { ringSlots: 256 }).handle;
test.before.each(resetPool);

test("a port that sleeps is woken by a packet, and by one that is due", () => {
  const delay = 30_000_000;
  addon.setFault(right, { seed: 0, rx: { ...NONE, delay }, tx: NONE });
  const start = process.hrtime.bigint();
  send(left, LEFT, frameOf(60, 1), frameOf(3000, 2).subarray(0, 1400));
  const got = [];
  while (got.length < 2) got.push(...receive(right, RIGHT)); // waits in poll(2)
  assert.ok(process.hrtime.bigint() - start >= BigInt(delay));
  assert.equal(got.map(({ bytes }) => toHex(bytes)), [frameOf(60, 1), frameOf(3000, 2).subarray(0, 1400)].map(toHex));
  release(got);
  assert.ok(addon.clearFault(right));
  assert.is(free(), BUFFERS);
});

test("what is delayed on its way out reaches the wire", () => {
  addon.setFault(left, { seed: 0, rx: NONE, tx: { ...NONE, delay: 5_000_000 } });
  assert.is(send(left, LEFT, frameOf(60, 3)), 0);
  const waiter = addon.openWaiter();
  while (addon.faultState(left)!.tx.held > 0) {
    addon.wait(waiter, Uint32Array.of(left), 5000);
    release(look(addon.receive(left, FRAME, VECTOR, LEFT)));
  }
  addon.closeWaiter(waiter);
  const got = receive(right, RIGHT);
  assert.equal(got.map(({ bytes }) => toHex(bytes)), [toHex(frameOf(60, 3))]);
  release(got);
  assert.ok(addon.clearFault(left));
});

test("the netdev goes and comes back: the faults stay, what waited comes", () => {
  addon.setFault(right, { seed: 0, rx: { ...NONE, reorder: 1 }, tx: NONE });
  send(left, LEFT, frameOf(60, 4));
  ip("link del left");
  assert.is(addon.linkState(right).present, false);
  assert.is(addon.reopen(right), false);
  makePair("left", "right");
  assert.ok(addon.reopen(left) && addon.reopen(right));
  assert.is(addon.linkState(right).present, true);
  send(left, LEFT, frameOf(60, 5));
  const got = [];
  while (got.length < 1) got.push(...receive(right, RIGHT));
  release(got);
  assert.is(addon.faultState(right)!.rx.reorder, 1);
  while (!addon.clearFault(right)) release(look(addon.receive(right, FRAME, VECTOR, RIGHT)));
  send(left, LEFT, frameOf(60, 6));
  const last = receive(right, RIGHT);
  assert.equal(last.map(({ bytes }) => toHex(bytes)), [toHex(frameOf(60, 6))]);
  release(last);
  assert.is(free(), BUFFERS);
});

test.after(() => {
  for (const handle of [left, right]) addon.closePort(handle);
});
test.run();
