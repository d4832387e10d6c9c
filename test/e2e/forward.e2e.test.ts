// The router between two hosts: what they can do through it, what it tells them, and whether every packet is accounted for.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { iperf, traceroute } from "../../host/cli/peers.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { type Capture, capture, framesFrom, judge } from "./capture.js";
import { A, B, countersAgree, hostAt, ping, script } from "./network.js";
import { Weft, routed } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const [a, b] = [await hostAt(A), await hostAt(B)];
const weft = await Weft.start(script(A, B));
const HOSTS = [[a, A], [b, B]] as const;

/** A test after which nothing is under way, and the hosts' kernels have counted what the router has. */
function accounted(name: string, run: () => Promise<void>): void {
  test(name, async () => {
    await run();
    await weft.atRest();
    for (const [host, side] of HOSTS) await countersAgree(weft, host, side);
  });
}

/** What ping prints about one echo request. */
async function ask(host: Host, target: string, ...options: string[]): Promise<string> {
  const { stdout } = await host.run("ping", ["-n", "-c", "1", "-W", "30", ...options, target]);
  return stdout;
}

accounted("ping in every size, whole and in fragments", async () => {
  for (const options of [[], ["-s", "0"], ["-s", "1472", "-M", "do"], ["-s", "4000"], ["-s", "20000"]]) {
    const echoes = await ping(a, B.address, ["-c", "3", "-i", "0.05", "-W", "2", ...options]);
    assert.equal([echoes.sent, echoes.received], [3, 3], `ping ${options.join(" ")}`);
  }
  assert.match(await ask(b, A.address), "ttl=63", "the router counts as one hop");
});

accounted("traceroute sees the router, by UDP and by ICMP", async () => {
  assert.equal(await traceroute(a, B.address), [A.gateway, B.address]);
  const { stdout } = await b.run("traceroute", ["-n", "-I", "-q", "1", "-w", "10", "-m", "5", A.address]);
  assert.equal([...stdout.matchAll(/^\s*\d+\s+(\S+)/gm)].map((match) => match[1]), [B.gateway, A.address]);
  assert.is(await weft.errors("ip4-rewrite", /TTL/), 2);
});

accounted("a smaller MTU is told to who must not fragment (RFC 1191)", async () => {
  await weft.ctl(`set interface mtu 1400 host-${B.device}`);
  const text = await ask(a, B.address, "-s", "1472", "-M", "do");
  assert.match(text, `From ${A.gateway}`);
  assert.match(text, "Frag needed and DF set (mtu = 1400)");
  assert.match(await ask(a, B.address, "-s", "1372", "-M", "do"), "1 received", "what just fits goes through");
  // the kernel has learned the path's MTU: its fragments are small enough
  assert.match(await ask(a, B.address, "-s", "4000", "-M", "want"), "1 received");
  await weft.ctl(`set interface mtu 1500 host-${B.device}`);
  await a.ip("route", "flush", "cache");
  assert.match(await ask(a, B.address, "-s", "1472", "-M", "do"), "1 received");
});

accounted("TCP finds its way past a smaller MTU, super-packets and all", async () => {
  await weft.ctl(`set interface mtu 1000 host-${B.device}`);
  const { mbits } = await iperf(a, b, B.address, 1, ["-b", "100M"], () => {});
  assert.ok(mbits > 1, `${mbits} Mbit/s`);
  assert.ok((await weft.errors("ip4-rewrite", /fragmentation needed/)) > 1);
  await weft.ctl(`set interface mtu 1500 host-${B.device}`);
  await a.ip("route", "flush", "cache");
});

accounted("no route: network unreachable; no neighbour: host unreachable; and routes that say so", async () => {
  assert.match(await ask(a, "192.0.2.99"), `From ${A.gateway} icmp_seq=1 Destination Net Unreachable`);
  assert.match(await ask(a, "203.0.113.77"), `From ${A.gateway} icmp_seq=1 Destination Host Unreachable`);
  await weft.ctl("ip route add 192.0.2.0/25 via prohibit");
  await weft.ctl("ip route add 192.0.2.128/25 via unreachable");
  assert.match(await ask(a, "192.0.2.1"), "Packet filtered");
  assert.match(await ask(a, "192.0.2.129"), "Destination Host Unreachable");
  await weft.ctl(`ip route del 192.0.2.0/25`);
  await weft.ctl(`ip route add 192.0.2.0/25 via ${B.address}`);
  await b.ip("address", "add", "192.0.2.1/32", "dev", "lo");
  assert.match(await ask(a, "192.0.2.1"), "1 received", "a route through a gateway");
});

/** TCP and UDP both ways; bounded, for all of it is captured. */
async function traffic(): Promise<void> {
  const flows: [from: Host, to: Host, target: string, options: string[]][] = [
    [a, b, B.address, ["-b", "20M"]],
    [b, a, A.address, ["-b", "20M"]],
    [a, b, B.address, ["-u", "-b", "10M", "-l", "1400"]],
    [a, b, B.address, ["-u", "-b", "10M", "-l", "5000"]],
  ];
  for (const [from, to, target, options] of flows) {
    const { mbits } = await iperf(from, to, target, 1, options, () => {});
    assert.ok(mbits > 5, `${options.join(" ")}: ${mbits} Mbit/s`);
  }
}

for (const offload of [true, false]) {
  const word = offload ? "on" : "off";

  accounted(`every packet of iperf3 is counted, offloads ${word}`, async () => {
    for (const [host] of HOSTS) for (const feature of ["tso", "gso", "tx"]) await host.offload("eth0", feature, offload);
    const before = (await weft.interface(`host-${A.device}`)).counters;
    const tcp = await iperf(a, b, B.address, 1, [], () => {});
    assert.ok(tcp.mbits > 20, `TCP: ${tcp.mbits} Mbit/s`);
    const after = (await weft.interface(`host-${A.device}`)).counters;
    const size = (after.rxBytes - before.rxBytes) / (after.rxPackets - before.rxPackets);
    assert.ok(offload ? size > 1514 : size <= 1514, `${size.toFixed(0)} bytes a packet with offloads ${word}`);

    const udp = await iperf(a, b, B.address, 1, ["-u", "-b", "150M", "-l", "1400"], () => {});
    assert.ok(udp.sent! > 5000 && udp.lost! < udp.sent! / 2, `UDP: ${udp.lost} of ${udp.sent} lost`);
  });

  accounted(`tshark finds nothing wrong in what the router sends, offloads ${word}`, async () => {
    const captures: Capture[] = [];
    for (const [host] of HOSTS) captures.push(await capture(host, "eth0"));
    for (const [host, { gateway }] of HOSTS) await host.ip("neighbor", "flush", "to", gateway); // so that there is ARP to see
    await traffic();
    assert.is((await ping(a, B.address, ["-c", "3", "-i", "0.05", "-s", "4000"])).received, 3);
    await traceroute(a, B.address);
    await traceroute(b, A.address);
    for (const [host] of HOSTS) await ask(host, "10.9.9.9");
    await weft.ctl(`ping ${B.address} repeat 3 interval 0.05`);
    const files: string[] = [];
    for (const [i, [, { gateway }]] of HOSTS.entries()) files.push(await captures[i]!.stop(gateway));
    for (const [i, [, { device }]] of HOSTS.entries()) {
      const { mac } = await weft.interface(`host-${device}`);
      const all = await framesFrom(files[i]!, mac);
      await judge(files[i]!, all, !offload, [files[1 - i]!]);
      // ARP replies, echo requests and replies, time exceeded; destination unreachable
      const types = new Set(all.flatMap((frame) => [...frame["arp.opcode"].map((code) => `arp ${code}`), ...frame["icmp.type"].map((type) => `icmp ${type}`)]));
      for (const kind of ["arp 2", "icmp 3", "icmp 11", i === 0 ? "icmp 0" : "icmp 8"]) assert.ok(types.has(kind), `${kind} on ${device}`);
    }
  });
}

test("the router stops with nothing missing", () => routed([a, b], weft, async () => {}));

test.run();
