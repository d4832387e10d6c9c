// Redirects, gratuitous ARP and proxy ARP as they leave the router, byte by byte.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { InlineRouter } from "./inline.js";
import { checksum, fromHex, hex, toHex } from "./packets.js";

let clock = Math.ceil(performance.now());
performance.now = () => clock;
const inline = await InlineRouter.startPair();
const { router } = inline;
const LEFT = 0;
const RIGHT = 1;
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-left", "192.0.2.3", "02:00:00:00:00:03");
router.addRoute("10.0.0.0/8", { via: "192.0.2.3" });

const sent = (port: number): string[] => inline.sent(port).map(toHex);
const DATAGRAM = "c0000202 0a000001 10002000000c000077656674";
const PACKET = `45000020 12340000 4011 9c96 ${DATAGRAM}`;

/** A test at whose end every packet is accounted for. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    clock += 60_000;
    await action();
    inline.assertAtRest();
  });
}

check("a packet that turns back is sent on, and its sender told of the gateway (RFC 792: type 5, code 1)", () => {
  inline.send(LEFT, [fromHex(`02fe00000001 020000000002 0800 ${PACKET}`)]);
  const forwarded = `020000000003 02fe00000001 0800 45000020 12340000 3f11 9d96 ${DATAGRAM}`;
  const [onward, redirect, ...more] = sent(LEFT);
  assert.equal([onward, more, sent(RIGHT)], [hex(forwarded), [], []]);
  assert.is(redirect!.slice(0, 28), hex("020000000002 02fe00000001 0800"));
  assert.match(redirect!.slice(28), /^45c0003c.{4}0000..01.{4}c0000201c0000202/);
  assert.equal([checksum(fromHex(redirect!).subarray(14, 34)), checksum(fromHex(redirect!).subarray(34))], [0, 0]);
  assert.is(redirect!.slice(68, 72) + redirect!.slice(76), hex(`0501 c0000203 ${PACKET}`), "the quote is as it was received");
  assert.equal(router.errors().map(({ count, reason }) => `${count} ${reason}`), ["1 redirect"]);
});

check("switched off, by command; and on again", () => {
  for (const [on, frames] of [[false, 1], [true, 2]] as const) {
    router.setInterfaceRedirects("host-left", on);
    inline.send(LEFT, [fromHex(`02fe00000001 020000000002 0800 ${PACKET}`)]);
    assert.is(sent(LEFT).length, frames);
  }
});

check("a burst of 250 is sent on whole, and answered once", () => {
  inline.send(LEFT, Array.from({ length: 250 }, () => fromHex(`02fe00000001 020000000002 0800 ${PACKET}`)));
  const frames = sent(LEFT);
  assert.equal([frames.length, frames.filter((frame) => frame.slice(68, 72) === "0501").length], [251, 1]);
});

const announced = (mac: string, ...addresses: string[]): string[] =>
  addresses.map((address) => hex(`ffffffffffff ${mac} 0806 0001 0800 06 04 0001 ${mac} ${address} 000000000000 ${address}`));
const OWN = "02fe00000001";

check("an address is announced to everybody (RFC 5227 2.3): when it is added, and all of them when the MAC address or the state changes", () => {
  router.addAddress("host-left", "10.9.0.1/16");
  inline.settle();
  assert.equal([sent(LEFT), sent(RIGHT)], [announced(OWN, "c0000201", "0a090001"), []]);
  clock += 1000;
  router.setInterfaceMac("host-left", "02:fe:00:00:00:77");
  inline.settle();
  assert.equal(sent(LEFT), announced("02fe00000077", "c0000201", "0a090001"));
  router.removeAddress("host-left", "10.9.0.1/16");
  clock += 1000;
  router.setInterfaceState("host-left", false);
  inline.settle();
  assert.equal(sent(LEFT), []);
  router.setInterfaceState("host-left", true);
  inline.settle();
  assert.equal(sent(LEFT), announced("02fe00000077", "c0000201"));
});

check("at most once a second, however often it changes, and the last state is told in the end", () => {
  for (let i = 0; i < 50; i++) {
    router.setInterfaceMac("host-left", `02:fe:00:00:00:${i % 2 === 0 ? "55" : "01"}`);
    for (const up of [false, true]) router.setInterfaceState("host-left", up);
  }
  inline.settle();
  assert.equal(sent(LEFT), announced(OWN, "c0000201"), "as it is when it is sent");
  for (let i = 0; i < 10; i++) {
    clock += 100;
    router["tick"]();
    inline.settle();
  }
  assert.equal(sent(LEFT), announced(OWN, "c0000201"));
  clock += 5000;
  router["tick"]();
  inline.settle();
  assert.equal(sent(LEFT), [], "nothing changed any more");
});

check("who is asked for on a second network is asked from the address there", () => {
  router.addAddress("host-right", "10.8.0.1/16");
  inline.settle();
  inline.sent(RIGHT);
  inline.send(LEFT, [fromHex(`02fe00000001 020000000002 0800 45000020 12340000 4011 9c8c c0000202 0a080003 10002000000c000077656674`)]);
  assert.equal(sent(RIGHT), [hex("ffffffffffff 02fe00000002 0806 0001 0800 06 04 0001 02fe00000002 0a080001 000000000000 0a080003")]);
  router.clearNeighbors();
  inline.settle();
  router.removeAddress("host-right", "10.8.0.1/16");
  inline.sent(LEFT);
});

check("proxy ARP: off unless asked for; then the asker gets the interface's own MAC address", () => {
  const ask = (target: string): string[] => {
    inline.send(LEFT, [fromHex(`ffffffffffff 020000000002 0806 0001 0800 06 04 0001 020000000002 c0000202 000000000000 ${target}`)]);
    return sent(LEFT);
  };
  const answer = (target: string): string[] => [hex(`020000000002 ${OWN} 0806 0001 0800 06 04 0002 ${OWN} ${target} 020000000002 c0000202`)];
  assert.equal(ask("c6336409"), []);
  router.setInterfaceProxyArp("host-left", true);
  assert.equal([ask("c6336409"), ask("c6336401")], [answer("c6336409"), answer("c6336401")]);
  // its own link, which answers for itself; a route back to it; no route; a broadcast address
  for (const target of ["c0000209", "0a000001", "0b000001", "c63364ff"]) assert.equal(ask(target), []);
  router.setInterfaceProxyArp("host-left", false);
  assert.equal(ask("c6336409"), []);
});

test.after(() => router.stop());
test.run();
