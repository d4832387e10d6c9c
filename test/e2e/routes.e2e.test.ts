// Routes, neighbours and ARP with kernels as neighbours: several paths, redirects, announcements, proxy ARP, a /31, a neighbour that dies.
//
//   a ── weft0 198.51.100.1/24 ┐
//                              ├ the router
//   b ── weft1 203.0.113.1/24 ─┘   behind b: 10.0.0.0/8, by its addresses .2 and .3

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NeighborInfo, RouteInfo } from "../../host/control/api.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, B, countersAgree, hostAt, ping, script } from "./network.js";
import { Weft, routed, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

/** A test with two hosts and a router between them; at its end nothing is missing. */
function between(name: string, run: (a: Host, b: Host, weft: Weft) => Promise<void>): void {
  test(name, async () => {
    const [a, b] = [await hostAt(A), await hostAt(B)];
    const weft = await Weft.start(script(A, B));
    await routed([a, b], weft, async () => {
      await run(a, b, weft);
      for (const [host, side] of [[a, A], [b, B]] as const) await countersAgree(weft, host, side);
    });
  });
}

/** All of some echoes come back. */
async function reaches(host: Host, target: string, ...options: string[]): Promise<void> {
  const { sent, received } = await ping(host, target, ["-c", "3", "-i", "0.05", "-W", "4", ...options]);
  assert.equal([sent, received], [3, 3], `ping ${target}`);
}

/** MAC address that a host has of another one. */
async function known(host: Host, address: string): Promise<string | undefined> {
  const [entry] = JSON.parse(await host.ip("-j", "neighbor", "show", address)) as { lladdr?: string }[];
  return entry?.lladdr;
}

between("two gateways share the flows; without one of them all go on through the other", async (a, b, weft) => {
  await b.address("eth0", "203.0.113.3/24");
  for (let host = 1; host <= 12; host++) await b.address("lo", `10.0.0.${host}/32`);
  await weft.ctl("ip route add 10.0.0.0/8 via 203.0.113.2 via 203.0.113.3 weight 2");
  for (let host = 1; host <= 12; host++) await reaches(a, `10.0.0.${host}`);
  const [route] = (await weft.show<RouteInfo[]>("ip fib")).filter(({ prefix }) => prefix === "10.0.0.0/8");
  assert.equal(route!.paths.map(({ via, weight, buckets }) => [via, weight, buckets]), [["203.0.113.2", 1, 85], ["203.0.113.3", 2, 171]]);
  const asked = (await weft.show<NeighborInfo[]>("ip neighbors")).filter(({ state }) => state === "reachable").map(({ address }) => address).sort();
  assert.equal(asked, [A.address, "203.0.113.2", "203.0.113.3"], "both were used");
  await weft.ctl("ip route del 10.0.0.0/8 via 203.0.113.3");
  for (let host = 1; host <= 12; host++) await reaches(a, `10.0.0.${host}`);
});

between("a changed MAC address is announced: the kernel has it at once, and loses no packet", async (a, _b, weft) => {
  await reaches(a, B.address);
  for (const mac of ["02:fe:00:00:77:01", "02:fe:00:00:77:02"]) {
    await weft.ctl(`set interface mac address host-${A.device} ${mac}`);
    await until("the kernel has the new address", async () => (await known(a, A.gateway)) === mac);
    await reaches(a, B.address);
  }
});

between("proxy ARP lets a kernel without a gateway reach who it takes for a neighbour", async (a, _b, weft) => {
  await a.ip("route", "replace", "203.0.113.0/24", "dev", "eth0");
  const { received } = await ping(a, B.address, ["-c", "1", "-W", "1"], 1000);
  assert.is(received, 0, "off unless asked for");
  await weft.ctl(`set interface proxy-arp host-${A.device} enable`);
  await a.ip("neighbor", "flush", "dev", "eth0");
  await reaches(a, B.address);
  assert.is(await known(a, B.address), await known(a, A.gateway) ?? (await weft.interface(`host-${A.device}`)).mac);
});

between("a /31 between the router and a kernel (RFC 3021)", async (a, b, weft) => {
  await weft.ctl(`set interface ip address host-${A.device} 198.18.0.0/31`);
  await a.address("eth0", "198.18.0.1/31");
  await reaches(a, "198.18.0.0");
  await reaches(b, "198.18.0.1");
  assert.match(await weft.ctl("ping 198.18.0.1 repeat 2 interval 0.05"), "2 sent, 2 received");
});

between("a neighbour that dies: asked for once a second, then host unreachable; back again, it is found", async (a, b, weft) => {
  await reaches(a, B.address);
  await b.ip("link", "set", "dev", "eth0", "arp", "off");
  await weft.ctl("clear ip neighbors");
  const before = (await weft.interface(`host-${B.device}`)).counters.txPackets;
  const start = performance.now();
  const { stdout } = await a.run("ping", ["-n", "-c", "40", "-i", "0.1", "-W", "8", B.address]);
  assert.match(stdout, `From ${A.gateway} icmp_seq=1 Destination Host Unreachable`);
  const questions = (await weft.interface(`host-${B.device}`)).counters.txPackets - before;
  const seconds = (performance.now() - start) / 1000;
  assert.ok(questions >= 3 && questions <= seconds + 2, `${questions} questions in ${seconds} s`);
  await b.ip("link", "set", "dev", "eth0", "arp", "on");
  await until("it answers", async () => (await ping(a, B.address, ["-c", "1", "-W", "1"], 1000)).received === 1);
});

test.run();
