// The nodes vxlan and vxlan-input at one end of a tunnel, the kernel's vxlan device at the other: a host on a link that reaches through.
//
//   a  10.5.0.2 eth0 ── weft0   weft   203.0.113.1 weft1 ══════ eth0 203.0.113.2   b   vx0 10.5.0.3
//                       frames, no address                      the tunnel, VNI 5

import { test } from "uvu";
import * as assert from "uvu/assert";
import { iperf } from "../../host/cli/peers.js";
import type { NodeCounter } from "../../host/control/api.js";
import { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { capture, framesFrom, judge } from "./capture.js";
import { exampleFile } from "./example-file.js";
import { A, B, ping, script } from "./network.js";
import { Weft, routed, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const [NEAR, FAR] = ["10.5.0.2", "10.5.0.3"] as const;
/** 1500 less the tunnel's headers: Ethernet 14, IPv4 20, UDP 8, VXLAN 8. */
const MTU = 1450;

async function makeHosts(): Promise<[Host, Host]> {
  const [a, b] = [await Host.create(), await Host.create()];
  await a.link(A.device, "eth0");
  await a.address("eth0", `${NEAR}/24`);
  await a.ip("link", "set", "dev", "eth0", "mtu", String(MTU));
  await b.link(B.device, "eth0");
  await b.address("eth0", `${B.address}/24`);
  await b.ip("link", "add", "vx0", "type", "vxlan", "id", "5", "dstport", "4789", "local", B.address, "remote", B.gateway, "dev", "eth0");
  await b.ip("link", "set", "dev", "vx0", "addrgenmode", "none", "mtu", String(MTU), "up");
  await b.address("vx0", `${FAR}/24`);
  // No super-packets in a tunnel; checksums are left to the device all the same.
  for (const feature of ["tso", "gso"]) {
    await a.offload("eth0", feature, false);
    await b.offload("vx0", feature, false);
  }
  return [a, b];
}

async function startRouter(): Promise<Weft> {
  const file = await exampleFile("vxlan");
  const config = JSON.stringify({ vni: 5, local: B.gateway, remote: B.address, interface: `host-${A.device}` });
  return Weft.start([
    `create host-interface name ${A.device}`,
    `set interface state host-${A.device} up`,
    ...script(B),
    `node load ${file} as vxlan config ${config}`,
    `node insert vxlan before ethernet-input on host-${A.device}`,
    `node load ${file}:vxlan-input as vxlan-input config ${config}`,
    "node insert vxlan-input before ip4-local",
  ]);
}

const [a, b] = await makeHosts();
const weft = await startRouter();

async function counted(node: string, name: RegExp): Promise<number> {
  const all = await weft.show<NodeCounter[]>(`node counters ${node}`);
  return all.filter((one) => one.node === node && name.test(one.name)).reduce((sum, { value }) => sum + value, 0);
}

test("two hosts on one link, ARP and all, whose frames tshark finds nothing wrong with", async () => {
  const frames = await capture(b, "eth0");
  for (const options of [[], ["-s", "0"], ["-s", "1422", "-M", "do"], ["-s", "4000"]]) {
    assert.is((await ping(a, FAR, ["-c", "3", "-i", "0.05", "-W", "2", ...options])).received, 3, `ping ${options.join(" ")}`);
    assert.is((await ping(b, NEAR, ["-c", "3", "-i", "0.05", "-W", "2", ...options])).received, 3, `ping back ${options.join(" ")}`);
  }
  await a.ip("neighbor", "flush", "to", FAR);
  for (const options of [["-b", "20M"], ["-u", "-b", "10M", "-l", "1400"], ["-u", "-b", "10M", "-l", "5000"]]) {
    const { mbits } = await iperf(a, b, FAR, 1, options, () => {});
    assert.ok(mbits > 5, `${options.join(" ")}: ${mbits} Mbit/s`);
  }
  const file = await frames.stop(B.gateway);
  const { mac } = await weft.interface(`host-${B.device}`);
  await judge(file, await framesFrom(file, mac), true);
  assert.is(await counted("vxlan", /super-packet|no Ethernet|not in the first|headroom|too long/), 0);
  assert.ok((await counted("vxlan-input", /decapsulated/)) > 24);
});

test("TCP and UDP at speed, both ways", async () => {
  const [tcp, udp] = [["-b", "200M"], ["-u", "-b", "50M", "-l", "1400"]];
  for (const options of [tcp, [...tcp, "-R"], udp, [...udp, "-R"]]) {
    const { mbits, sent, lost } = await iperf(a, b, FAR, 1, options, () => {});
    assert.ok(mbits > 5 && (sent === null || lost! < sent / 2), `${options.join(" ")}: ${mbits} Mbit/s`);
  }
});

test("what does not fit is dropped under a name: a frame too long for the route, a super-packet", async () => {
  await a.ip("link", "set", "dev", "eth0", "mtu", "1500");
  assert.is((await ping(a, FAR, ["-c", "2", "-i", "0.05", "-W", "1", "-s", "1423", "-M", "do"], 1000)).received, 0);
  await until("both are counted", async () => (await counted("vxlan", /too long/)) === 2);
  await a.ip("link", "set", "dev", "eth0", "mtu", String(MTU));
  for (const feature of ["tso", "gso"]) await a.offload("eth0", feature, true);
  await iperf(a, b, FAR, 1, [], () => {}).catch(() => {}); // what becomes of it is up to the sender's retransmissions
  assert.ok((await counted("vxlan", /super-packet/)) > 0);
});

test("the router stops with nothing missing", () => routed([a, b], weft, async () => {}));

test.run();
