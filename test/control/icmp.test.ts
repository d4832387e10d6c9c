// What the control plane tells the nodes that send ICMP messages, and whose addresses are nobody's source.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CONTROL, CONTROL_ICMP_BURST, CONTROL_ICMP_INTERVAL, CONTROL_ICMP_RATE, CONTROL_UTC, OWN_ADDRESSES, OWN_HASH, OWN_SHIFT, OWN_SIZE } from "../../assembly/abi.js";
import type { WeftError } from "../../host/errors.js";
import { parseIp4 } from "../../host/control/addresses.js";
import type { IcmpLimits } from "../../host/control/api.js";
import { ethernet, ip4, udp } from "../graph/packets.js";
import { clear, inline, router } from "./empty-router.js";

const { u32, u8 } = inline.packets;
const at = (offset: number): number => u32[(CONTROL + offset) >> 2]!;
const told = (): number[] => [at(CONTROL_ICMP_INTERVAL), at(CONTROL_ICMP_RATE), at(CONTROL_ICMP_BURST)];

function marked(address: string): boolean {
  return u8[OWN_ADDRESSES + (Math.imul(parseIp4(address), OWN_HASH) >>> OWN_SHIFT)] === 1;
}

function marks(): number {
  return u8.subarray(OWN_ADDRESSES, OWN_ADDRESSES + OWN_SIZE).reduce((sum, byte) => sum + byte, 0);
}

test("limits: Linux' defaults, each set by itself", () => {
  assert.equal([router.icmpLimits(), told()], [{ interval: 1000, rate: 1000, burst: 50 }, [1000, 1000, 50]]);
  router.setIcmpLimits({ interval: 0 });
  router.setIcmpLimits({ rate: 10, burst: 1 });
  assert.equal([router.icmpLimits(), told()], [{ interval: 0, rate: 10, burst: 1 }, [0, 10, 1]]);
  router.setIcmpLimits({ rate: undefined, other: 5 } as unknown as Partial<IcmpLimits>); // not given, and not known
  assert.equal(router.icmpLimits(), { interval: 0, rate: 10, burst: 1 });
});

test("limits that are refused change nothing", () => {
  const before = told();
  const refused: [Partial<IcmpLimits>, string][] = [
    [{ interval: -1 }, "ICMP limits: interval -1: expected a whole number from 0 to 3600000"], [{ interval: 3_600_001 }, "interval 3600001"],
    [{ rate: 0.5 }, "rate 0.5"], [{ rate: 1_000_001, interval: 5 }, "rate 1000001"], [{ burst: 0 }, "burst 0: expected a whole number from 1"],
    [{ burst: NaN }, "burst NaN"], [{ rate: "7" as unknown as number }, "rate 7"],
  ];
  for (const [limits, message] of refused) {
    assert.throws(() => router.setIcmpLimits(limits), (error: WeftError) => error.code === "BAD_ARGUMENT" && error.message.includes(message));
  }
  assert.equal(told(), before);
});

test("the time of day is that of the system", () => {
  const origin = inline.packets.view.getFloat64(CONTROL + CONTROL_UTC, true);
  assert.ok(Math.abs(origin - (Date.now() - performance.now())) < 60_000);
});

test("own and broadcast addresses are marked, and only while they are there", () => {
  clear();
  assert.is(marks(), 0);
  router.addAddress("host-left", "192.0.2.1/24");
  router.addAddress("host-right", "198.51.100.0/31");
  router.addAddress("host-right", "203.0.113.9/32");
  for (const address of ["192.0.2.1", "192.0.2.0", "192.0.2.255", "198.51.100.0", "203.0.113.9"]) assert.ok(marked(address), address);
  assert.is(marks(), 5);
  router.removeAddress("host-left", "192.0.2.1/24");
  router.setInterfaceState("host-left", false);
  router.setInterfaceState("host-left", true);
  assert.is(marks(), 2);
  clear();
  assert.is(marks(), 0);
});

test("whatever the address is: a packet that claims to come from it is dropped, and only while it is the router's", () => {
  const mac = router.interfaces().find(({ name }) => name === "host-left")!.mac;
  const spoofed = (): number => router.errors().find(({ reason }) => reason.startsWith("source is the router's own"))?.count ?? 0;
  fc.assert(fc.property(fc.integer({ min: 1, max: 223 }).filter((first) => first !== 127), fc.nat(255), fc.nat(255), (a, b, c) => {
    const from = `${a}.${b}.${c}.5`;
    const frame = ethernet(mac, "02:00:00:00:00:02", 0x0800, ip4({ from, to: "192.0.2.77", protocol: 17, payload: udp(1, 2, []) }));
    const counts = [spoofed()];
    router.addAddress("host-right", `${from}/32`);
    for (const there of [true, false]) {
      inline.send(0, [frame]);
      counts.push(spoofed());
      if (there) router.removeAddress("host-right", `${from}/32`);
    }
    assert.equal(counts, [counts[0], counts[0]! + 1, counts[0]! + 1]);
  }), { numRuns: 200 });
});

test.after(() => router.stop());

test.run();
