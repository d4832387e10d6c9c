// Routes that are given and taken away over neighbours that are known already: the longest prefix holds for them as for hosts of which nobody has
// heard yet (RFC 1812 5.2.4.3).

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseIp4, swap } from "../../host/control/addresses.js";
import { InlineRouter, LEFT_MAC, RIGHT_MAC } from "../graph/inline.js";
import { arp, ethernet, ip4, udp } from "../graph/packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
router.setIcmpLimits({ interval: 0, rate: 0 });
const [LEFT, RIGHT] = [0, 1];
const SENDER = { mac: "02:00:00:00:00:02", ip: "192.0.2.2" };
const MAC = "02:00:00:00:00:33";
const HOST = "198.51.100.130";

const packet = (to: string): Uint8Array =>
  ethernet(LEFT_MAC, SENDER.mac, 0x0800, ip4({ from: SENDER.ip, to, protocol: 17, payload: udp(5, 9, []) }));
const answer = (ip: string): Uint8Array => ethernet(RIGHT_MAC, MAC, 0x0806, arp(2, { mac: MAC, ip }, { mac: RIGHT_MAC, ip: "198.51.100.1" }));
const errors = (): string[] => router.errors().map(({ count, reason }) => `${count} ${reason}`);
const known = (): string[] => router.neighbors().map(({ address }) => address);
const hostRoutes = (): string[] => router.routes().filter(({ kind }) => kind === "neighbor").map(({ prefix }) => prefix);

/** How many IPv4 packets came out to the right when one is sent to the address; with the answer to the question for it, if there is one. */
function arrive(to: string): number {
  inline.send(LEFT, [packet(to)]);
  if (router.balance().held > 0) inline.send(RIGHT, [answer(to)]);
  return inline.sent(RIGHT).filter((frame) => frame[12] === 8 && frame[13] === 0).length;
}

/** A test at whose start the host is known and at whose end the router is as it was. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    router.setNeighbor("host-left", SENDER.ip, SENDER.mac);
    assert.is(arrive(HOST), router.interfaces().some(({ name }) => name === "host-right") ? 1 : 0);
    router.clearErrors();
    await action();
    for (const { prefix, kind } of router.routes()) if (!["connected", "local", "broadcast", "neighbor"].includes(kind)) router.deleteRoute(prefix);
    router.clearNeighbors();
    inline.settle();
    for (const { interface: of, address } of router.neighbors()) router.deleteNeighbor(of, address);
    inline.endAnnouncements();
    inline.assertAtRest();
  });
}

check("a route that drops part of a link's network drops what is for known hosts there, too, until it is deleted", () => {
  router.addRoute("198.51.100.128/25", { kind: "drop" });
  inline.send(LEFT, [packet(HOST), packet("198.51.100.131"), packet("198.51.100.3")]);
  assert.equal(errors(), ["2 route says drop", "1 neighbour asked for"]);
  assert.equal(known(), [SENDER.ip, "198.51.100.3"]);
  inline.send(RIGHT, [answer(HOST)]);
  assert.is(arrive(HOST), 0, "it is not learned under the route");
  router.deleteRoute("198.51.100.128/25");
  assert.is(arrive(HOST), 1);
});

check("the same with many routes at a time", () => {
  const networks = Uint32Array.of(swap(parseIp4("198.51.100.128")));
  router.addRoutes({ networks, lengths: Uint8Array.of(25), targets: [{ kind: "drop" }] });
  assert.is(arrive(HOST), 0);
  router.deleteRoutes(networks, Uint8Array.of(25));
  assert.is(arrive(HOST), 1);
});

check("one set by hand stays in the table, and has its route when nothing covers it any more", () => {
  router.setNeighbor("host-right", HOST, MAC);
  router.addRoute("198.51.100.128/25", { kind: "prohibit" });
  assert.equal([arrive(HOST), hostRoutes()], [0, [`${SENDER.ip}/32`]]);
  router.deleteNeighbor("host-right", HOST);
  router.setNeighbor("host-right", HOST, MAC);
  assert.equal([arrive(HOST), hostRoutes()], [0, [`${SENDER.ip}/32`]], "nor is it there when it is set again");
  router.deleteRoute("198.51.100.128/25");
  assert.equal([arrive(HOST), hostRoutes()], [1, [`${SENDER.ip}/32`, `${HOST}/32`]]);
});

check("a gateway keeps its host route whatever covers it, and one that was on no network goes with its last route", () => {
  router.addRoute("203.0.113.0/24", { via: HOST });
  router.addRoute("198.51.100.128/25", { kind: "drop" });
  assert.is(arrive("203.0.113.9"), 1);
  router.deleteRoute("203.0.113.0/24");
  assert.equal([known(), hostRoutes()], [[SENDER.ip], [`${SENDER.ip}/32`]]);

  router.addRoute("203.0.113.0/24", { via: "10.9.9.9", interface: "host-right" });
  inline.send(LEFT, [packet("203.0.113.9")]);
  inline.send(RIGHT, [answer("10.9.9.9")]);
  assert.is(inline.sent(RIGHT).length, 2);
  assert.equal([known(), hostRoutes()], [[SENDER.ip, "10.9.9.9"], ["10.9.9.9/32", `${SENDER.ip}/32`]]);
  router.deleteRoute("203.0.113.0/24");
  assert.equal([known(), hostRoutes()], [[SENDER.ip], [`${SENDER.ip}/32`]]);
});

check("hosts of a route to an interface are gone with it", () => {
  router.addRoute("10.0.0.0/8", { interface: "host-right" });
  assert.equal([arrive("10.1.1.1"), arrive("10.1.1.1")], [1, 1]);
  router.deleteRoute("10.0.0.0/8");
  assert.equal([arrive("10.1.1.1"), arrive("10.1.1.2"), errors()], [0, 0, ["1 reply taken", "2 no route", "1 neighbour asked for"]]);
  router.addRoute("10.0.0.0/8", { interface: "host-right" });
  assert.is(arrive("10.1.1.1"), 1);
  router.replaceRoute("10.0.0.0/8", { interface: "host-left" });
  assert.is(arrive("10.1.1.1"), 0);
  assert.not(hostRoutes().includes("10.1.1.1/32") && router.route("10.1.1.1").route!.interface === "host-right");
  router.clearNeighbors();
});

check("a default route to an interface leads to hosts there like any other", () => {
  router.addRoute("0.0.0.0/0", { interface: "host-right" });
  assert.equal([arrive("172.16.0.1"), arrive("172.16.0.1"), hostRoutes().includes("172.16.0.1/32")], [1, 1, true]);
  router.deleteRoute("0.0.0.0/0");
});

check("an address whose network is inside a route to another interface takes over the hosts there", () => {
  router.addRoute("10.0.0.0/8", { interface: "host-right" });
  assert.is(arrive("10.1.1.1"), 1);
  router.addAddress("host-left", "10.1.1.9/24");
  assert.is(router.route("10.1.1.1").route!.interface, "host-left");
  router.removeAddress("host-left", "10.1.1.9/24");
  assert.is(arrive("10.1.1.1"), 1);
});

check("an address that a learned neighbour had becomes the router's own; one set by hand, or a gateway, keeps it", () => {
  router.addAddress("host-right", `${HOST}/24`);
  assert.equal([known(), router.route(HOST).route!.kind], [[SENDER.ip], "local"]);
  router.removeAddress("host-right", `${HOST}/24`);
  assert.is(arrive(HOST), 1);

  const refused = (): void => assert.throws(() => router.addAddress("host-right", `${HOST}/24`), /is there already: it is neighbor on host-right/);
  router.addRoute("203.0.113.0/24", { via: HOST });
  refused();
  router.deleteRoute("203.0.113.0/24");
  router.setNeighbor("host-right", HOST, MAC);
  refused();
});

check("what waits for a neighbour when a route comes over it follows the route", () => {
  router.setNeighbor("host-right", "198.51.100.2", MAC);
  inline.send(LEFT, [packet("198.51.100.140")]);
  assert.is(router.balance().held, 1);
  inline.endAnnouncements();
  router.addRoute("198.51.100.128/25", { via: "198.51.100.2" });
  inline.settle();
  assert.equal([router.balance().held, inline.sent(RIGHT).length], [0, 1]);
});

check("an address that is removed before the question for a neighbour is asked: nobody is asked, nothing is learned, no route stays", () => {
  inline.ports[LEFT]!.incoming.push(packet("198.51.100.77"));
  inline["engine"].turn();
  router.removeAddress("host-right", "198.51.100.1/24");
  inline.settle();
  assert.equal([inline.sent(RIGHT), known(), hostRoutes(), router.balance().held], [[], [SENDER.ip], [`${SENDER.ip}/32`], 0]);
  assert.equal(inline.sent(LEFT).map((frame) => [frame[34], frame[35]]), [[3, 0]], "network unreachable");
  router.addAddress("host-right", "198.51.100.1/24");
});

check("an interface without an address asks in the name of another one's; a router without any does not ask", () => {
  router.addRoute("10.0.0.0/8", { interface: "host-right" });
  router.removeAddress("host-right", "198.51.100.1/24");
  inline.send(LEFT, [packet("10.1.1.1")]);
  const [question] = inline.sent(RIGHT);
  assert.equal([...question!.subarray(28, 32)], [192, 0, 2, 1]);
  inline.send(RIGHT, [ethernet(RIGHT_MAC, MAC, 0x0806, arp(2, { mac: MAC, ip: "10.1.1.1" }, { mac: RIGHT_MAC, ip: "192.0.2.1" }))]);
  assert.equal([inline.sent(RIGHT).length, router.balance().held], [1, 0]);
  router.removeAddress("host-left", "192.0.2.1/24");
  inline.send(LEFT, [packet("10.1.1.2")]);
  assert.equal([inline.sent(RIGHT), router.balance().held], [[], 1]);
  router.addAddress("host-left", "192.0.2.1/24");
  router.addAddress("host-right", "198.51.100.1/24");
  router.setNeighbor("host-left", SENDER.ip, SENDER.mac);
});

check("an interface that is removed before the question is asked", async () => {
  inline.ports[LEFT]!.incoming.push(packet("198.51.100.77"));
  inline["engine"].turn();
  await router.deleteHostInterface("right");
  inline.settle();
  assert.equal([known(), hostRoutes()], [[SENDER.ip], [`${SENDER.ip}/32`]]);
});

check("routes that are given while their interface is being removed go with it", async () => {
  const interfaces = router.interfaces().map(({ name }) => name);
  const adjacencies = router.adjacencies().length;
  await router.createHostInterface("right");
  inline.settle();
  const removed = router.deleteHostInterface("right");
  router.addRoute("10.0.0.0/8", { interface: "host-right" });
  router.addRoute("203.0.113.0/24", { via: "10.9.9.9", interface: "host-right" });
  await removed;
  inline.settle();
  assert.equal([router.routes().filter(({ kind }) => kind === "connected" || kind === "gateway").length, known()], [1, [SENDER.ip]]);
  assert.equal([router.interfaces().map(({ name }) => name), router.adjacencies().length], [interfaces, adjacencies]);
});

test.after(() => router.stop());
test.run();
