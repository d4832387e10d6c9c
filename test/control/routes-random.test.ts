// Random changes of addresses, routes and neighbours: one that is refused changes nothing, the FIB is
// always what the table says, and when everything was taken away everything is as it began.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseIp4, parsePrefix, swap } from "../../host/control/addresses.js";
import type { RouteTarget } from "../../host/control/api.js";
import type { PathSet } from "../../host/control/paths.js";
import { WeftError } from "../../host/errors.js";
import { clear, EMPTY, inline, router, state, UNUSED, used } from "./empty-router.js";

const ips = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "10.0.1.254", "10.0.0.0", "10.0.0.255", "224.0.0.1", "0.0.0.0"];
const address = fc.constantFrom(...ips);
const prefix = fc.tuple(address, fc.constantFrom(0, 8, 16, 24, 25, 31, 32)).map(([ip, length]) => `${ip}/${length}`);
const network = fc.constantFrom(
  "10.0.0.0/24", "10.0.0.0/16", "10.0.0.2/32", "10.0.0.1/32", "10.0.1.254/32", "10.0.1.0/24", "0.0.0.0/0", "10.0.0.2/31",
  "10.0.0.1/24", "224.0.0.0/4",
);
const name = fc.constantFrom("host-left", "host-right", "local0");
const target: fc.Arbitrary<RouteTarget> = fc.oneof(
  address.map((via) => ({ via })), fc.record({ via: address, interface: name }), name.map((one) => ({ interface: one })),
  fc.constantFrom("drop", "unreachable", "prohibit").map((kind) => ({ kind }) as RouteTarget),
);
const addresses = (): string[] => router.interfaces().flatMap((entry) => entry.addresses);
const change: fc.Arbitrary<() => void> = fc.oneof(
  fc.tuple(name, prefix).map(([to, what]) => () => router.addAddress(to, what)),
  fc.tuple(name, fc.nat(5)).map(([from, n]) => () => router.removeAddress(from, addresses()[n] ?? "10.0.0.1/24")),
  fc.tuple(network, target).map(([to, how]) => () => router.addRoute(to, how)),
  fc.tuple(network, target).map(([to, how]) => () => router.replaceRoute(to, how)),
  fc.tuple(network, fc.array(fc.record({ via: address, interface: name, weight: fc.integer({ min: 0, max: 9 }) }), { maxLength: 4 })).map(([to, paths]) =>
    () => router.addRoute(to, { paths })),
  network.map((to) => () => router.deleteRoute(to)),
  fc.tuple(network, address, name).map(([to, via, from]) => () => router.deleteRoute(to, { via, interface: from })),
  fc.tuple(name, address).map(([to, ip]) => () => router.setNeighbor(to, ip, "02:00:00:00:00:09")),
  fc.tuple(name, address).map(([to, ip]) => () => router.deleteNeighbor(to, ip)),
  fc.tuple(name, fc.boolean()).map(([of, up]) => () => router.setInterfaceState(of, up)),
  fc.tuple(name, fc.constantFrom(67, 1400, 70000)).map(([to, mtu]) => () => router.setInterfaceMtu(to, mtu)),
  fc.constant(() => router.clearNeighbors()),
);

/** Each set of paths is somebody's, each gateway is held as often as targets of routes go through it, and the buckets are as the weights say. */
function checkPaths(): void {
  const targets = router["routeTable"]["targets"].list();
  const all = targets.map(({ target }) => target);
  const routes = router["routeTable"].list();
  for (const { number, routes: users } of targets) {
    assert.is(users, routes.filter(({ network: net, length }) => router["routeTable"]["fib"].get(net, length) === number).length);
    assert.ok(users > 0, "a target without routes was let go");
  }
  const { sets } = router["routeTable"]["sets"] as unknown as { sets: Map<string, PathSet> };
  for (const set of sets.values()) assert.is(set.users, all.filter((route) => route.set === set).length);
  for (const { paths, set, adjacency } of all) {
    assert.is(set !== null, paths.length > 1);
    if (set) assert.equal([adjacency, set.buckets.length], [set.adjacency, 256]);
    for (const { gateway } of paths) {
      assert.is(gateway.routes, all.filter((route) => route.paths.some((path) => path.gateway === gateway)).length);
      assert.is(router["neighbourTable"].get(gateway.index, gateway.address), gateway);
    }
  }
}

test("random changes: one that throws changes nothing; the FIB is the table; everything comes back", () => {
  let refusals = 0;
  fc.assert(fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
    for (const one of changes) {
      const before = state();
      try {
        one();
      } catch (error) {
        assert.instance(error, WeftError);
        assert.equal(state(), before);
        refusals++;
      }
      checkPaths();
      const routes = router.routes().map((route) => ({ ...route, ...parsePrefix(route.prefix) })).sort((a, b) => b.length - a.length);
      for (const ip of ips) {
        const raw = parseIp4(ip);
        const best = routes.find(({ network: net, length }) => length === 0 || swap(raw) >>> (32 - length) === swap(net) >>> (32 - length));
        assert.is(router["routeTable"]["fib"].lookup(raw), best?.adjacency ?? 0, ip);
      }
      inline.settle();
    }
    for (const entry of ["host-left", "host-right"]) {
      router.setInterfaceMtu(entry, 1500);
      router.setInterfaceState(entry, true);
    }
    clear();
    assert.equal([state(), used()], [EMPTY, UNUSED]);
  }), { numRuns: 300 });
  assert.ok(refusals > 300, `${refusals} refusals`);
});

test.after(() => router.stop());
test.run();
