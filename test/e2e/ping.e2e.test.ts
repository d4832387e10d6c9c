// The kernel of a host and the router ask each other for echoes, and for each other's MAC address.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NeighborInfo } from "../../host/control/api.js";
import { arping } from "../../host/cli/peers.js";
import { must } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, countersAgree, hostAt, ping, script } from "./network.js";
import { Weft, routed } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const FLOOD = 2000;

/** A test with a host and a router that have not heard of each other; at its end nothing is missing and all counters agree. */
function between(name: string, run: (host: Host, weft: Weft) => Promise<void>): void {
  test(name, async () => {
    const host = await hostAt(A);
    const weft = await Weft.start(script(A));
    await routed([host], weft, async () => {
      await run(host, weft);
      await countersAgree(weft, host, A);
    });
  });
}

between("the kernel pings the router, and loses none, not the first one either", async (host, weft) => {
  const echoes = await ping(host, A.gateway, ["-c", "5", "-i", "0.05", "-W", "2"]);
  assert.equal([echoes.sent, echoes.received], [5, 5]);
  assert.is(await weft.vectors("icmp4-input"), 5);
});

between("the router pings the kernel, and loses none, not the first one either", async (_host, weft) => {
  for (const size of [8, 56, 1472]) {
    const text = await weft.ctl(`ping ${A.address} repeat 5 interval 0.05 size ${size}`);
    assert.match(text, `${size + 8} bytes from ${A.address}: icmp_seq=1 ttl=64`);
    assert.match(text, "5 sent, 5 received, 0% packet loss");
  }
  const [neighbour] = await weft.show<NeighborInfo[]>("ip neighbors");
  assert.is(neighbour!.state, "reachable");
});

between("echoes of every kind of size", async (host) => {
  // Ping compares what comes back with what it sent: "wrong data byte" otherwise.
  const sizes = [...Array.from({ length: 18 }, (_, i) => i), ...Array.from({ length: 40 }, (_, i) => 18 + i * 37), 1471, 1472];
  for (const size of sizes) {
    const { stdout } = await host.run("ping", ["-n", "-c", "1", "-W", "30", "-s", String(size), "-M", "do", A.gateway]);
    assert.match(stdout, "1 packets transmitted, 1 received", `${size} bytes`);
    assert.not.match(stdout, "wrong data byte", `${size} bytes`);
  }
});

between(`a flood of ${FLOOD} echo requests`, async (host, weft) => {
  const echoes = await ping(host, A.gateway, ["-f", "-c", String(FLOOD)]);
  assert.equal([echoes.sent, echoes.received], [FLOOD, FLOOD]);
  assert.is(await weft.vectors("icmp4-input"), FLOOD);
});

between("arping, and duplicate address detection (RFC 5227)", async (host, weft) => {
  const asked = await arping(host, "eth0", A.gateway, 2);
  assert.equal([asked.sent, asked.received], [2, 2]);
  const { mac } = await weft.interface(`host-${A.device}`);
  const detect = (address: string, seconds: number) => host.run("arping", ["-D", "-I", "eth0", "-c", "1", "-w", String(seconds), address]);
  const taken = await detect(A.gateway, 30); // an answer ends it
  assert.is(taken.status, 1, "the router defends its address");
  assert.match(taken.stdout.toLowerCase(), mac);
  assert.is((await detect("198.51.100.77", 1)).status, 0, "nobody has this one");
});

between("with static neighbours nobody asks", async (host, weft) => {
  // The host neither answers ARP nor needs to ask: ip-sysctl.rst, arp_ignore.
  await must(host.namespace, "sh", ["-c", "echo 8 > /proc/sys/net/ipv4/conf/eth0/arp_ignore"]);
  const [link] = JSON.parse(await host.ip("-j", "link", "show", "eth0")) as [{ address: string }];
  const { mac } = await weft.interface(`host-${A.device}`);
  await host.ip("neighbor", "replace", A.gateway, "lladdr", mac, "dev", "eth0", "nud", "permanent");
  await weft.ctl(`set ip neighbor host-${A.device} ${A.address} ${link.address}`);

  assert.match(await weft.ctl(`ping ${A.address} repeat 3 interval 0.05`), "3 sent, 3 received");
  assert.is((await ping(host, A.gateway, ["-c", "3", "-i", "0.05", "-W", "2"])).received, 3);
  assert.is(await weft.errors("arp-input", /./), 0);
  assert.is(await weft.errors("ip4-glean", /./), 0);
  const [neighbour] = await weft.show<NeighborInfo[]>("ip neighbors");
  assert.equal([neighbour!.state, neighbour!.mac], ["static", link.address]);
  assert.is((await weft.interface(`host-${A.device}`)).counters.rxPackets, 6, "echoes and nothing else");
});

test.run();
