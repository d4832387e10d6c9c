// An interface that is set down: it neither sends nor takes anything, in one pass as node by node, and what it refuses is counted.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { InlineRouter, LEFT_MAC } from "./inline.js";
import { arp, bytesOf, ethernet, icmp, ip4, udp } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
const PEER = "02:00:00:00:00:02";
router.setNeighbor("host-left", "192.0.2.2", PEER);
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");

const packet = (to: string, protocol: number, payload: number[]): Uint8Array =>
  ethernet(LEFT_MAC, PEER, 0x0800, ip4({ from: "192.0.2.2", to, protocol, payload }));
const FORWARD = packet("198.51.100.2", 17, udp(1, 2, []));
const ECHO = packet("192.0.2.1", 1, icmp(8, 0, [0, 7, 0, 1]));
const STRANGER = { mac: "02:00:00:00:00:07", ip: "192.0.2.7" };
const ASK = ethernet("ff:ff:ff:ff:ff:ff", STRANGER.mac, 0x0806, arp(1, STRANGER, { mac: "00:00:00:00:00:00", ip: "192.0.2.1" }));
const errors = (): string[] => router.errors().map(({ count, node, reason }) => `${count} ${node}: ${reason}`);
const sent = (): number[] => [0, 1].map((port) => inline.sent(port).filter((frame) => frame[12] === 8 && frame[13] === 0).length);

for (const size of [1, 2, 64]) {
  test(`a burst of ${size} of each kind`, () => {
    router.clearErrors();
    const burst = [FORWARD, ECHO, ASK].flatMap((frame) => Array.from({ length: size }, () => frame));
    router.setInterfaceState("host-left", false);
    inline.send(0, burst);
    assert.equal([sent(), errors()], [[0, 0], [`${3 * size} ethernet-input: interface administratively down`]]);
    assert.not.ok(router.neighbors().some(({ address }) => address === STRANGER.ip), "nothing was learned");
    router.setInterfaceState("host-left", true);
    inline.endAnnouncements();
    inline.send(0, [FORWARD, ECHO]);
    assert.equal(sent(), [1, 1]);
    inline.assertAtRest();
  });
}

test("neighbours that were learned are forgotten: another one may be there when it is up again", () => {
  const peer = { mac: "02:00:00:00:00:08", ip: "198.51.100.8" };
  inline.send(1, [ethernet("ff:ff:ff:ff:ff:ff", peer.mac, 0x0806, arp(1, peer, { mac: "00:00:00:00:00:00", ip: "198.51.100.1" }))]);
  const known = (): string[] => router.neighbors().map(({ address }) => address);
  assert.equal(known(), ["192.0.2.2", "198.51.100.2", "198.51.100.8"]);
  router.setInterfaceState("host-right", false);
  assert.equal(known(), ["192.0.2.2", "198.51.100.2"]);
  router.setInterfaceState("host-right", true);
  inline.endAnnouncements();
});

test("what waits for a neighbour while its interface is set down is sent when it is up again and asked once more", () => {
  router.setInterfaceState("host-right", false);
  inline.send(0, [packet("198.51.100.9", 17, udp(1, 2, []))]);
  assert.is(router.balance().held, 1);
  router.setInterfaceState("host-right", true);
  const peer = { mac: "02:00:00:00:00:09", ip: "198.51.100.9" };
  inline.send(1, [ethernet("02:fe:00:00:00:02", peer.mac, 0x0806, arp(2, peer, { mac: "02:fe:00:00:00:02", ip: "198.51.100.1" }))]);
  const frames = inline.sent(1).filter((frame) => frame[13] === 0);
  assert.equal(frames.map((frame) => [...frame.subarray(0, 6)]), [bytesOf(peer.mac)]);
  assert.is(router.balance().held, 0);
});

test.after(() => router.stop());
test.run();
