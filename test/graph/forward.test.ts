// A frame in, a frame out, through the whole router: every byte of both, worked out by hand from the RFCs.
// 192.0.2.2 (02:00:00:00:00:02) is on the left, 198.51.100.2 (…:03) on the right, the gateway to 203.0.113.0/24.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { InlineRouter } from "./inline.js";
import { bytesOf, ethernet, fromHex, ip4, toHex } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });
router.addRoute("203.0.114.0/24", { kind: "prohibit" });
router.addRoute("203.0.115.0/24", { kind: "drop" });

const IN = "02fe00000001 020000000002 0800";
const BACK = "020000000002 02fe00000001 0800";
const ON = "020000000003 02fe00000002 0800";
const UDP = "10002000000c000077656674";
/** Source and destination of the router's ICMP errors. */
const ENDS = "c0000201 c0000202";

/** Sends one frame to the left; gives what left the router on each side, as hex. */
function pass(hex: string): { left: string[]; right: string[] } {
  inline.send(0, [fromHex(hex)]);
  return { left: inline.sent(0).map(toHex), right: inline.sent(1).map(toHex) };
}

const answered = (request: string, reply: string): void => assert.equal(pass(request), { left: [toHex(fromHex(reply))], right: [] });
const forwarded = (request: string, sent: string): void => assert.equal(pass(request), { left: [], right: [toHex(fromHex(sent))] });

function dropped(hex: string, reason: string): void {
  router.clearErrors();
  assert.equal(pass(hex), { left: [], right: [] });
  assert.equal(router.errors().map((error) => `${error.node}: ${error.reason}`), [reason]);
}

/** A test at whose end this holds too. A hook would be the place, but uvu ends the file without a word when one throws. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    inline.assertAtRest();
  });
}

check("ARP request for the router: answered, padding cut off", () => {
  const head = "0806 0001 0800 06 04";
  answered(
    `ffffffffffff 020000000002 ${head} 0001 020000000002 c0000202 000000000000 c0000201 ${"00".repeat(18)}`,
    `020000000002 02fe00000001 ${head} 0002 02fe00000001 c0000201 020000000002 c0000202`,
  );
});

check("echo to the router: addresses exchanged, TTL 64, type of service and data kept", () => {
  answered(
    `${IN} 45100024 12340000 0901 1b92 c0000202 c0000201 0800 ebe7 0007 0001 0001020304050607`,
    `${BACK} 45100024 12340000 4001 e491 c0000201 c0000202 0000 f3e7 0007 0001 0001020304050607`,
  );
});

check("UDP through a gateway: TTL less one, its checksum, both MAC addresses", () => {
  forwarded(`${IN} 45000020 12340000 4011 6a8d c0000202 cb007109 ${UDP}`, `${ON} 45000020 12340000 3f11 6b8d c0000202 cb007109 ${UDP}`);
});

check("Ethernet's padding does not travel on", () => {
  const padding = "ee".repeat(14);
  forwarded(`${IN} 45000020 12340000 4011 6a8d c0000202 cb007109 ${UDP} ${padding}`, `${ON} 45000020 12340000 3f11 6b8d c0000202 cb007109 ${UDP}`);
});

// The errors' identifications count from 0, in the order of the tests.

check("TTL 1: time exceeded, about the packet as it came", () => {
  const packet = `45000020 12340000 0111 a98d c0000202 cb007109 ${UDP}`;
  answered(`${IN} ${packet}`, `${BACK} 45c0003c 00000000 4001 f5fd ${ENDS} 0b00 e719 00000000 ${packet}`);
});

check("no route: network unreachable", () => {
  const packet = `45000020 12340000 4011 9c96 c0000202 0a000001 ${UDP}`;
  answered(`${IN} ${packet}`, `${BACK} 45c0003c 00010000 4001 f5fc ${ENDS} 0300 ef19 00000000 ${packet}`);
});

check("a route that prohibits: code 13", () => {
  const packet = `45000020 12340000 4011 698d c0000202 cb007209 ${UDP}`;
  answered(`${IN} ${packet}`, `${BACK} 45c0003c 00020000 4001 f5fb ${ENDS} 030d ef0c 00000000 ${packet}`);
});

check("longer than the next link's MTU, not to be fragmented: that MTU, and a quote that makes 576 bytes", () => {
  router.setInterfaceMtu("host-right", 1399);
  const packet = `45000578 12344000 4011 2535 c0000202 cb007109 1000200005640000 ${"00".repeat(1372)}`;
  const quote = toHex(fromHex(packet)).slice(0, 548 * 2);
  answered(`${IN} ${packet}`, `${BACK} 45c00240 00030000 4001 f3f6 ${ENDS} 0304 c220 00000577 ${quote}`);
  router.setInterfaceMtu("host-right", 1400);
  assert.equal(pass(`${IN} ${packet}`).right.length, 1, "1400 bytes fit an MTU of 1400");
  router.setInterfaceMtu("host-right", 1500);
});

check("UDP to the router: port unreachable", () => {
  const packet = `45000020 12340000 4011 e495 c0000202 c0000201 ${UDP}`;
  answered(`${IN} ${packet}`, `${BACK} 45c0003c 00040000 4001 f5f9 ${ENDS} 0303 ef16 00000000 ${packet}`);
});

check("silence, and a reason for it", () => {
  dropped(`${IN} 45000020 12340000 4011 688d c0000202 cb007309 ${UDP}`, "ip4-lookup: route says drop");
  dropped(`${IN} 45000020 12340000 4011 6a8e c0000202 cb007109 ${UDP}`, "ip4-input: bad header checksum");
  dropped("02fe00000009 020000000002 0800 4500", "ethernet-input: destination not this interface");
  router.setInterfaceState("host-right", false);
  dropped(`${IN} 45000020 12340000 4011 6a8d c0000202 cb007109 ${UDP}`, "interface-output: interface administratively down");
  router.setInterfaceState("host-right", true);
});

check("a TCP super-packet passes an MTU of 1500 whole, if its segments would; its chain and its segment size stay", () => {
  const tcp = [...bytesOf("16.0.32.0"), 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0];
  const payload = Array.from({ length: 3 * 1460 }, (_, i) => i & 255);
  const packet = (ttl: number): number[] => ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 6, ttl, payload: [...tcp, ...payload] });
  const frame = toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, packet(64)));
  const port = inline.ports[0]!;
  port.segmentSize = 1460;
  inline.ports[1]!.sentSegmentSizes.length = 0;
  forwarded(frame, toHex(ethernet("02:00:00:00:00:03", "02:fe:00:00:00:02", 0x0800, packet(63))));
  assert.equal(inline.ports[1]!.sentSegmentSizes, [1460]);
  port.segmentSize = 0;
});

test.after(() => router.stop());
test.run();
