// Addresses and routes through the router's own interface: what follows from each, what is refused, and
// that a refused change leaves everything as it was.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseIp4, parsePrefix, swap } from "../../host/control/addresses.js";
import type { RouteTarget } from "../../host/control/api.js";
import { type WeftErrorCode, WeftError } from "../../host/errors.js";
import { InlineRouter } from "../graph/inline.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
router.removeAddress("host-left", "192.0.2.1/24");
router.removeAddress("host-right", "198.51.100.1/24");

/** The routing table as text, without the limited broadcast. */
const table = (): string[] =>
  router.routes().slice(0, -1).map(({ prefix, kind, via, interface: name }) => [prefix, kind, via && `via ${via}`, name?.slice(5)].filter(Boolean).join(" "));
const state = () => ({ routes: router.routes(), interfaces: router.interfaces(), neighbors: router.neighbors().map(({ age, ...rest }) => rest) });
const used = (): number => router["adjacencies"]["pool"].used;
const EMPTY = state();
const UNUSED = used();

function refused(code: WeftErrorCode, text: string, change: () => unknown): void {
  const before = state();
  try {
    change();
  } catch (error) {
    assert.equal([(error as WeftError).code, (error as Error).message.includes(text)], [code, true], (error as Error).message);
    return assert.equal(state(), before);
  }
  assert.unreachable("it was taken");
}

/** Leaves the router without addresses and routes. */
function clear(): void {
  for (const { prefix } of router.routes()) {
    try {
      router.deleteRoute(prefix);
    } catch (error) {
      // It goes with an address, or went with the route through it.
      assert.ok(["CONFLICT", "NOT_FOUND"].includes((error as WeftError).code));
    }
  }
  for (const { name, addresses } of router.interfaces()) for (const address of addresses) router.removeAddress(name, address);
  for (const { interface: name, address } of router.neighbors()) router.deleteNeighbor(name, address);
  inline.settle();
}

test.after.each(() => {
  clear();
  assert.equal([state(), used()], [EMPTY, UNUSED]);
});

test("an address brings its network, itself, and the network's two broadcast addresses", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  assert.equal(table(), ["192.0.2.0/24 connected left", "192.0.2.0/32 broadcast left", "192.0.2.1/32 local left", "192.0.2.255/32 broadcast left"]);
});

test("a /31 has no broadcast addresses (RFC 3021), a /32 nothing but itself", () => {
  router.addAddress("host-left", "192.0.2.0/31");
  router.addAddress("host-left", "10.0.0.1/32");
  assert.equal(table(), ["10.0.0.1/32 local left", "192.0.2.0/31 connected left", "192.0.2.0/32 local left"]);
});

test("what an interface cannot have", () => {
  const add = (address: string) => () => router.addAddress("host-left", address);
  refused("BAD_ARGUMENT", "network's own", add("192.0.2.0/24"));
  refused("BAD_ARGUMENT", "broadcast", add("192.0.2.255/24"));
  for (const address of ["0.0.0.1/8", "127.0.0.1/8", "224.0.0.1/24", "255.255.255.254/32"]) refused("BAD_ARGUMENT", ".0.0.0/8", add(address));
  refused("BAD_ARGUMENT", "length", add("10.0.0.1/0"));
  refused("NOT_FOUND", "host-left, host-right", () => router.addAddress("host-lost", "10.0.0.1/8"));
  refused("BAD_ARGUMENT", "local0", () => router.addAddress("local0", "10.0.0.1/8"));
});

test("overlapping networks, in either direction, on the same interface or another", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  for (const name of ["host-left", "host-right"]) {
    for (const address of ["192.0.2.1/24", "192.0.2.9/24", "192.0.2.130/25", "192.0.3.1/16", "192.0.2.9/32"]) {
      refused("CONFLICT", "overlaps 192.0.2.1/24 of interface host-left", () => router.addAddress(name, address));
    }
  }
  refused("NOT_FOUND", "192.0.2.1/25", () => router.removeAddress("host-left", "192.0.2.1/25"));
  router.addRoute("10.0.0.0/8", { kind: "drop" });
  refused("CONFLICT", "drop", () => router.addAddress("host-right", "10.0.0.1/8"));
});

test("gateways: on the link, found by address; off it only with the interface named; never an address of the router's", () => {
  const via = (target: RouteTarget) => () => router.addRoute("10.0.0.0/8", target);
  refused("NOT_FOUND", "192.0.2.2", via({ via: "192.0.2.2" }));
  router.addAddress("host-left", "192.0.2.1/24");
  via({ via: "192.0.2.2" })();
  assert.equal(table().slice(0, 1), ["10.0.0.0/8 gateway via 192.0.2.2 left"]);
  for (const gateway of ["192.0.2.1", "192.0.2.0", "192.0.2.255", "255.255.255.255", "224.0.0.9", "127.0.0.1"]) {
    refused("BAD_ARGUMENT", gateway, via({ via: gateway, interface: "host-left" }));
  }
  refused("BAD_ARGUMENT", "192.0.2.1", via({ via: "192.0.2.1", interface: "host-right" }));
  refused("BAD_ARGUMENT", "local0", via({ interface: "local0" }));
  refused("BAD_ARGUMENT", "leads nowhere", via({}));
  refused("BAD_ARGUMENT", "the network is 10.0.0.0/8", () => router.addRoute("10.0.0.1/8", { kind: "drop" }));
  refused("CONFLICT", "connected on host-left", () => router.addRoute("192.0.2.0/24", { kind: "drop" }));
  via({ via: "203.0.113.7", interface: "host-right" })();
  assert.equal(router.neighbors().map((neighbor) => neighbor.address), ["203.0.113.7"], "the gateway that nobody needs any more is forgotten");
});

test("an address that routes depend on stays; so does a route that an address brought", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  router.addRoute("10.0.0.0/8", { via: "192.0.2.2" });
  refused("CONFLICT", "10.0.0.0/8", () => router.removeAddress("host-left", "192.0.2.1/24"));
  refused("CONFLICT", "goes with the address", () => router.deleteRoute("192.0.2.1/32"));
  refused("CONFLICT", "goes with the neighbour", () => router.deleteRoute("192.0.2.2/32"));
  refused("NOT_FOUND", "10.0.0.0/9", () => router.deleteRoute("10.0.0.0/9"));
  router.deleteRoute("10.0.0.0/8");
  router.removeAddress("host-left", "192.0.2.1/24");
});

test("a route to one host replaces the neighbour's own, and gives it back, also when its interface goes", async () => {
  router.addAddress("host-left", "192.0.2.1/24");
  router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
  const before = table();
  for (const target of [{ kind: "drop" }, { via: "10.0.0.9", interface: "host-right" }] as const) {
    router.addRoute("192.0.2.2/32", target);
    assert.not.equal(table(), before);
    router.deleteRoute("192.0.2.2/32");
    assert.equal(table(), before);
  }
  router.addRoute("192.0.2.2/32", { via: "10.0.0.9", interface: "host-right" });
  const deleted = router.deleteHostInterface("right");
  inline.settle();
  await deleted;
  assert.equal(table(), before);
  await router.createHostInterface("right");
  router.setInterfaceState("host-right", true);
  router.setInterfaceMac("host-right", "02:fe:00:00:00:02");
  inline.settle();
});

const ips = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "10.0.1.254", "10.0.0.0", "10.0.0.255", "224.0.0.1", "0.0.0.0"];
const address = fc.constantFrom(...ips);
const prefix = fc.tuple(address, fc.constantFrom(0, 8, 16, 24, 25, 31, 32)).map(([ip, length]) => `${ip}/${length}`);
const network = fc.constantFrom("10.0.0.0/24", "10.0.0.0/16", "10.0.0.2/32", "10.0.0.1/32", "10.0.1.254/32", "10.0.1.0/24", "0.0.0.0/0", "10.0.0.2/31", "10.0.0.1/24", "224.0.0.0/4");
const name = fc.constantFrom("host-left", "host-right", "local0");
const target: fc.Arbitrary<RouteTarget> = fc.oneof(
  address.map((via) => ({ via })), fc.record({ via: address, interface: name }), name.map((one) => ({ interface: one })),
  fc.constantFrom("drop", "unreachable", "prohibit").map((kind) => ({ kind }) as RouteTarget),
);
const change: fc.Arbitrary<() => void> = fc.oneof(
  fc.tuple(name, prefix).map(([to, what]) => () => router.addAddress(to, what)),
  fc.tuple(name, fc.nat(5)).map(([to, n]) => () => router.removeAddress(to, router.interfaces().flatMap((entry) => entry.addresses)[n] ?? "10.0.0.1/24")),
  fc.tuple(network, target).map(([to, how]) => () => router.addRoute(to, how)),
  network.map((to) => () => router.deleteRoute(to)),
  fc.tuple(name, address).map(([to, ip]) => () => router.setNeighbor(to, ip, "02:00:00:00:00:09")),
  fc.tuple(name, address).map(([to, ip]) => () => router.deleteNeighbor(to, ip)),
  fc.tuple(name, fc.constantFrom(67, 1400, 70000)).map(([to, mtu]) => () => router.setInterfaceMtu(to, mtu)),
  fc.constant(() => router.clearNeighbors()),
);

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
      const routes = router.routes().map((route) => ({ ...route, ...parsePrefix(route.prefix) })).sort((a, b) => b.length - a.length);
      for (const ip of ips) {
        const raw = parseIp4(ip);
        const best = routes.find(({ network: net, length }) => length === 0 || swap(raw) >>> (32 - length) === swap(net) >>> (32 - length));
        assert.is(router["routeTable"]["fib"].lookup(raw), best?.adjacency ?? 0, ip);
      }
      inline.settle();
    }
    for (const entry of ["host-left", "host-right"]) router.setInterfaceMtu(entry, 1500);
    clear();
    assert.equal([state(), used()], [EMPTY, UNUSED]);
  }), { numRuns: 300 });
  assert.ok(refusals > 1000, `${refusals} refusals`);
});

test.after(() => router.stop());
test.run();
