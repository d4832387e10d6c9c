// Random packets through the router and back together: cut by it and joined by a naive oracle, cut by the oracle and joined by it.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { counting, echo, fragment, ip4, sum } from "../conformance/packet.js";
import { InlineRouter, LEFT_MAC } from "./inline.js";
import { ethernet } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
const [PEER, OWN, FAR] = ["192.0.2.2", "192.0.2.1", "198.51.100.2"];
router.setNeighbor("host-left", PEER, "02:00:00:00:00:02");
router.setNeighbor("host-right", FAR, "02:00:00:00:00:03");

const send = (packets: Uint8Array[]): void => inline.send(0, packets.map((packet) => ethernet(LEFT_MAC, "02:00:00:00:00:02", 0x0800, packet)));
const sent = (port: number): Buffer[] => inline.sent(port).map((frame) => Buffer.from(frame.subarray(14)));
const headerOf = (packet: Buffer): number => (packet[0]! & 15) * 4;

function atRest(): void {
  inline.assertAtRest();
}

/** RFC 791, 3.2, the plain way: each fragment's bytes to their place. */
function join(all: Buffer[]): Buffer {
  const payload = Buffer.alloc(65_535, 0xee);
  let end = 0;
  for (const one of all) {
    const word = one.readUInt16BE(6);
    const at = (word & 0x1fff) * 8;
    one.copy(payload, at, headerOf(one), one.readUInt16BE(2));
    if ((word & 0x2000) === 0) end = at + one.readUInt16BE(2) - headerOf(one);
  }
  return payload.subarray(0, end);
}

/** RFC 791, 3.1, the plain way: the options of a later fragment. */
function copied(options: Buffer): Buffer {
  const result = Buffer.from(options);
  for (let at = 0; at < options.length && options[at] !== 0; ) {
    const length = options[at] === 1 ? 1 : options[at + 1]!;
    if (options[at]! < 128) result.fill(1, at, at + length);
    at += length;
  }
  return result;
}

const option = fc.constantFrom("01", "94040000", "5e040000", "9e03ab", "5e05aabbcc");
const packets = fc.record({
  size: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 3000, max: 65_000 })),
  mtu: fc.oneof(fc.integer({ min: 108, max: 1500 }), fc.integer({ min: 1500, max: 9000 })),
  options: fc.array(option, { maxLength: 5 }).map((all) => all.join("")),
  id: fc.nat(0xffff), tos: fc.nat(255), ttl: fc.integer({ min: 2, max: 255 }),
});

test("cut by the router, joined by the oracle: the same packet", () => {
  fc.assert(fc.property(packets, ({ size, mtu, options, id, tos, ttl }) => {
    router.setInterfaceMtu("host-right", mtu);
    const packet = ip4(PEER, FAR, counting(size), { options, id, tos, ttl, protocol: 50 });
    send([packet]);
    const parts = sent(1);
    const skip = headerOf(packet);
    const least = packet.length <= mtu ? 1 : Math.ceil(size / ((mtu - skip) & ~7));
    assert.ok(parts.length === least || parts.length === least - 1, `${parts.length} fragments`); // the last may be longer by up to 7 bytes
    assert.ok(join(parts).equals(packet.subarray(skip)));
    const later = copied(packet.subarray(20, skip));
    parts.forEach((part, i) => {
      assert.ok(part.length <= mtu && part.length === part.readUInt16BE(2));
      assert.equal([part[1], part.readUInt16BE(4), part[8], sum(part.subarray(0, skip))], [tos, id, ttl - 1, 0xffff]);
      assert.ok(part.subarray(20, skip).equals(i === 0 ? packet.subarray(20, skip) : later));
    });
    atRest();
  }), { numRuns: 300 });
});

const pieces = fc.record({
  size: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 2000, max: 65_500 })),
  cuts: fc.array(fc.integer({ min: 1, max: 8187 }), { minLength: 1, maxLength: 40 }),
  order: fc.array(fc.nat(1 << 20), { minLength: 60, maxLength: 60 }),
  again: fc.array(fc.nat(39), { maxLength: 5 }),
  bursts: fc.boolean(),
});
let id = 0;

test("cut by the oracle, in any order and some twice, joined by the router: the reply has all of it", () => {
  router.setInterfaceMtu("host-left", 65_535);
  fc.assert(fc.property(pieces, ({ size, cuts, order, again, bursts }) => {
    const packet = echo(PEER, OWN, { id: ++id & 0xffff, data: counting(size) });
    const length = packet.length - 20;
    const places = [0, ...new Set(cuts.map((at) => at * 8).filter((at) => at < length).sort((a, b) => a - b)), length];
    const parts = places.slice(0, -1).map((from, i) => fragment(packet, from, places[i + 1]! - from, places[i + 1]! < length));
    // one that comes again after its packet was whole would begin another one: it comes right behind itself
    const twice = (i: number): boolean => again.includes(i) && i + 1 < parts.length;
    const shuffled = [...parts.entries()].sort(([a], [b]) => order[a]! - order[b]!).flatMap(([, part], i) => (twice(i) ? [part, part] : [part]));
    if (bursts) send(shuffled);
    else for (const part of shuffled) send([part]);
    const [reply, ...others] = sent(0);
    assert.equal(others, []);
    assert.equal([reply!.length, sum(reply!.subarray(0, 20)), sum(reply!.subarray(20)), reply!.readUInt16BE(6)], [packet.length, 0xffff, 0xffff, 0]);
    assert.ok(reply!.subarray(24).equals(packet.subarray(24)));
    atRest();
  }), { numRuns: 500 });
});

test.after(() => router.stop());
test.run();
