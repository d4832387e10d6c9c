// Addresses and routes through the router's own interface: what follows from each, and what is refused,
// which leaves everything as it was.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { RouteTarget } from "../../host/control/api.js";
import type { WeftError, WeftErrorCode } from "../../host/errors.js";
import { clear, EMPTY, inline, router, state, UNUSED, used } from "./empty-router.js";

/** The routing table as text, without the limited broadcast. */
const table = (): string[] =>
  router.routes().slice(0, -1).map((route) => {
    const words = [route.prefix, route.kind, route.via && `via ${route.via}`, route.interface?.slice("host-".length)];
    return words.filter(Boolean).join(" ");
  });

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

/** A test at whose end this holds too. A hook would be the place, but uvu ends the file without a word when one throws. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    clear();
    assert.equal([state(), used()], [EMPTY, UNUSED]);
  });
}

check("an interface there is not: the nearest is named, and all", () => {
  refused("NOT_FOUND", 'no interface "left": did you mean "host-left"? there are local0, host-left, host-right', () => router.addAddress("left", "192.0.2.1/24"));
  refused("NOT_FOUND", 'no interface "host-rihgt": did you mean "host-right"?', () => router.setInterfaceState("host-rihgt", false));
  refused("NOT_FOUND", 'no interface "eth0": there are local0, host-left, host-right', () => router.setInterfaceMtu("eth0", 1400));
});

check("an address brings its network, itself, and the network's two broadcast addresses", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  assert.equal(table(), ["192.0.2.0/24 connected left", "192.0.2.0/32 broadcast left", "192.0.2.1/32 local left", "192.0.2.255/32 broadcast left"]);
});

check("a /31 has no broadcast addresses (RFC 3021), a /32 nothing but itself", () => {
  router.addAddress("host-left", "192.0.2.0/31");
  router.addAddress("host-left", "10.0.0.1/32");
  assert.equal(table(), ["10.0.0.1/32 local left", "192.0.2.0/31 connected left", "192.0.2.0/32 local left"]);
});

check("what an interface cannot have", () => {
  const add = (address: string) => () => router.addAddress("host-left", address);
  refused("BAD_ARGUMENT", "network's own", add("192.0.2.0/24"));
  refused("BAD_ARGUMENT", "broadcast", add("192.0.2.255/24"));
  for (const address of ["0.0.0.1/8", "127.0.0.1/8", "224.0.0.1/24", "255.255.255.254/32"]) refused("BAD_ARGUMENT", ".0.0.0/8", add(address));
  refused("BAD_ARGUMENT", "length", add("10.0.0.1/0"));
  refused("NOT_FOUND", "host-left, host-right", () => router.addAddress("host-lost", "10.0.0.1/8"));
  refused("BAD_ARGUMENT", "local0", () => router.addAddress("local0", "10.0.0.1/8"));
});

check("overlapping networks, in either direction, on the same interface or another", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  for (const name of ["host-left", "host-right"]) {
    const fits = name === "host-left" ? [] : ["192.0.2.9/24"];
    for (const address of ["192.0.2.1/24", "192.0.2.130/25", "192.0.3.1/16", "192.0.2.9/32", ...fits]) {
      refused("CONFLICT", "overlaps 192.0.2.1/24 of interface host-left", () => router.addAddress(name, address));
    }
  }
  refused("NOT_FOUND", "192.0.2.1/25", () => router.removeAddress("host-left", "192.0.2.1/25"));
  router.addRoute("10.0.0.0/8", { kind: "drop" });
  refused("CONFLICT", "drop", () => router.addAddress("host-right", "10.0.0.1/8"));
});

check("several addresses of one interface in one network: the network goes with the last of them", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  router.addAddress("host-left", "192.0.2.9/24");
  const net = (...own: string[]): string[] => ["192.0.2.0/24 connected left", "192.0.2.0/32 broadcast left", ...own.map((ip) => `${ip}/32 local left`), "192.0.2.255/32 broadcast left"];
  assert.equal(table(), net("192.0.2.1", "192.0.2.9"));
  router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
  router.addRoute("10.0.0.0/8", { via: "192.0.2.3" });
  router.removeAddress("host-left", "192.0.2.1/24");
  assert.equal(table(), ["10.0.0.0/8 gateway via 192.0.2.3 left", ...net("192.0.2.2", "192.0.2.3", "192.0.2.9").map((line) => line.replace(/(\.[23]\/32) local/, "$1 neighbor"))]);
  refused("CONFLICT", "10.0.0.0/8", () => router.removeAddress("host-left", "192.0.2.9/24"));
  router.deleteRoute("10.0.0.0/8");
  router.removeAddress("host-left", "192.0.2.9/24");
  assert.equal(table(), []);
});

check("several paths: added, given another weight, taken away; none named twice, none that is not there", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  const paths = (): string[] => router.routes()[0]!.paths.map(({ via, weight, buckets }) => `${via} ${weight} ${buckets}`);
  router.addRoute("10.0.0.0/8", { via: "192.0.2.2" });
  router.addRoute("10.0.0.0/8", { via: "203.0.113.2", interface: "host-right", weight: 3 });
  assert.equal(paths(), ["192.0.2.2 1 64", "203.0.113.2 3 192"]);
  assert.equal(router.routes()[0]!.via, null);
  router.addRoute("10.0.0.0/8", { paths: [{ via: "192.0.2.2", weight: 3 }] });
  assert.equal(paths(), ["203.0.113.2 3 128", "192.0.2.2 3 128"]);
  refused("BAD_ARGUMENT", "named twice", () => router.addRoute("10.0.0.0/8", { paths: [{ via: "192.0.2.3" }, { via: "192.0.2.3" }] }));
  for (const weight of [0, 256, 1.5]) refused("BAD_ARGUMENT", "weight", () => router.addRoute("10.0.0.0/8", { via: "192.0.2.3", weight }));
  refused("BAD_ARGUMENT", "own address", () => router.addRoute("10.0.0.0/8", { paths: [{ via: "192.0.2.3" }, { via: "192.0.2.1" }] }));
  refused("NOT_FOUND", "does not go through 192.0.2.9", () => router.deleteRoute("10.0.0.0/8", { via: "192.0.2.9" }));
  refused("BAD_ARGUMENT", "a route can have 64", () =>
    router.addRoute("10.1.0.0/16", { paths: Array.from({ length: 65 }, (_, i) => ({ via: `192.0.2.${100 + i}` })) }));
  const most = Array.from({ length: 64 }, (_, i) => ({ via: `192.0.2.${100 + i}` }));
  router.addRoute("10.1.0.0/16", { paths: most });
  assert.is(router.route("10.1.0.1").route!.paths.length, 64);
  router.addRoute("10.1.0.0/16", { via: "192.0.2.100", weight: 2 });
  refused("CONFLICT", "a route can have 64", () => router.addRoute("10.1.0.0/16", { via: "192.0.2.99" }));
  router.deleteRoute("10.1.0.0/16");
  refused("CONFLICT", "10.0.0.0/8", () => router.removeAddress("host-left", "192.0.2.1/24"));
  router.deleteRoute("10.0.0.0/8", { via: "192.0.2.2" });
  assert.equal(table()[0], "10.0.0.0/8 gateway via 203.0.113.2 right");
  router.addRoute("10.0.0.0/8", { kind: "drop" });
  assert.equal(table()[0], "10.0.0.0/8 drop");
  assert.equal(router.neighbors(), [], "gateways that nobody needs are forgotten");
});

check("1024 different sets of paths, and no more; when an interface goes its routes go on as well as they can", async () => {
  router.addAddress("host-left", "192.0.2.1/24");
  router.addAddress("host-right", "198.51.100.1/24");
  const [one, two, three] = ["192.0.2.2", "192.0.2.3", "198.51.100.2"] as const;
  const prefix = (n: number): string => `10.${n >> 8}.${n & 255}.0/24`;
  const set = (n: number): RouteTarget => ({ paths: [{ via: one, weight: 1 + (n & 31) }, { via: two, weight: 1 + (n >> 5) }] });
  for (let n = 0; n < 1023; n++) router.addRoute(prefix(n), set(n));
  router.addRoute(prefix(1023), { paths: [{ via: one, weight: 200 }, { via: two, weight: 100 }, { via: three }] });
  router.addRoute(prefix(1024), set(0));
  refused("NO_MEMORY", "sets of paths", () => router.addRoute(prefix(1025), set(1023)));
  refused("NO_MEMORY", "sets of paths", () => router.deleteRoute(prefix(1023), { via: one }));
  router.deleteRoute(prefix(1024), { via: two });
  assert.is(router.routes().find((route) => route.prefix === prefix(1024))!.via, one);
  const removed = router.deleteHostInterface("right");
  inline.settle();
  await removed;
  assert.equal(router.routes().find((route) => route.prefix === prefix(1023))!.paths.map(({ via }) => via), [one]);
  await router.createHostInterface("right");
  router.setInterfaceState("host-right", true);
  router.setInterfaceMac("host-right", "02:fe:00:00:00:02");
  inline.settle();
});

check("both addresses of a /31 on one interface", () => {
  router.addAddress("host-left", "192.0.2.0/31");
  router.addAddress("host-left", "192.0.2.1/31");
  assert.equal(table(), ["192.0.2.0/31 connected left", "192.0.2.0/32 local left", "192.0.2.1/32 local left"]);
});

check("gateways: on the link, found by address; off it only with the interface named; never an address of the router's", () => {
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
  router.replaceRoute("10.0.0.0/8", { via: "203.0.113.7", interface: "host-right" });
  assert.equal(router.neighbors().map((neighbor) => neighbor.address), ["203.0.113.7"], "the gateway that nobody needs any more is forgotten");
});

check("an address that routes depend on stays; so does a route that an address brought", () => {
  router.addAddress("host-left", "192.0.2.1/24");
  router.addRoute("10.0.0.0/8", { via: "192.0.2.2" });
  refused("CONFLICT", "10.0.0.0/8", () => router.removeAddress("host-left", "192.0.2.1/24"));
  refused("CONFLICT", "goes with the address", () => router.deleteRoute("192.0.2.1/32"));
  refused("CONFLICT", "goes with the neighbour", () => router.deleteRoute("192.0.2.2/32"));
  refused("NOT_FOUND", "10.0.0.0/9", () => router.deleteRoute("10.0.0.0/9"));
  router.deleteRoute("10.0.0.0/8");
  router.removeAddress("host-left", "192.0.2.1/24");
});

check("a route to one host replaces the neighbour's own, and gives it back, also when its interface goes", async () => {
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

test.after(() => router.stop());
test.run();
