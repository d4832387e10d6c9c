// The node nat44 between real hosts, beside the kernel's masquerade in the same network: both must look the same from outside and inside.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { iperf, traceroute } from "../../host/cli/peers.js";
import type { NodeTable } from "../../host/control/api.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { exampleFile } from "./example-file.js";
import { MIRROR_PORT, askMirror, serveMirror } from "./mirror.js";
import { C, type NatNetwork, OUTSIDE, kernelNetwork, weftNetwork } from "./nat-network.js";
import { A, B, ping } from "./network.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

/** What hosts see of a NAT. */
async function observe({ a, b, c, setMtu }: NatNetwork): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  const stopMirror = await serveMirror(b);
  for (const protocol of ["udp", "tcp"] as const) {
    seen[protocol] = await askMirror(a, protocol, B.address, 40001);
    const second = await askMirror(c, protocol, B.address, 40001);
    seen[`${protocol}, another host's port the same`] = second.startsWith(`${OUTSIDE}:`) && second !== seen[protocol];
    seen[`${protocol}, nobody there`] = await askMirror(a, protocol, B.address, 40002, 9);
  }
  await stopMirror();
  for (const options of [[], ["-s", "1472", "-M", "do"], ["-s", "4000"], ["-s", "20000"]]) {
    const { received } = await ping(a, B.address, ["-c", "3", "-i", "0.05", "-W", "2", ...options]);
    seen[`ping ${options.join(" ")}`] = received;
  }
  seen["traceroute"] = await traceroute(a, B.address);
  const { stdout: byIcmp } = await a.run("traceroute", ["-n", "-I", "-q", "1", "-w", "10", "-m", "5", B.address]);
  seen["traceroute -I"] = [...byIcmp.matchAll(/^\s*\d+\s+(\S+)/gm)].map((match) => match[1]);
  seen["no such host"] = /Destination .*Unreachable/.exec((await a.run("ping", ["-n", "-c", "1", "-W", "8", "203.0.113.77"])).stdout)?.[0];
  await setMtu(1400);
  const { stdout: tooLong } = await a.run("ping", ["-n", "-c", "1", "-W", "8", "-s", "1472", "-M", "do", B.address]);
  seen["path MTU"] = /From .*mtu = \d+/.exec(tooLong)?.[0];
  const { mbits } = await iperf(a, b, B.address, 1, ["-b", "100M"], () => {});
  seen["TCP past a smaller MTU"] = mbits > 1;
  await setMtu(1500);
  await a.ip("route", "flush", "cache");
  seen["ping from the outside"] = (await ping(b, OUTSIDE, ["-c", "2", "-i", "0.05", "-W", "2"])).received;
  return seen;
}

/** Bulk traffic, both ways, offloads as the kernel has them; bounded, for what it looks like does not depend on how much there can be. */
async function load({ a, b }: NatNetwork): Promise<Record<string, boolean>> {
  const seen: Record<string, boolean> = {};
  const [tcp, udp] = [["-b", "200M"], ["-u", "-b", "50M", "-l", "1400"]];
  for (const options of [tcp, [...tcp, "-R"], udp, [...udp, "-R"], ["-u", "-b", "20M", "-l", "5000"]]) {
    const { mbits, sent, lost } = await iperf(a, b, B.address, 1, options, () => {});
    seen[`iperf3 ${options.join(" ")}`] = mbits > 5 && (sent === null || lost! < sent / 2);
  }
  return seen;
}

const look = (network: NatNetwork) => network.during(async () => ({ ...(await observe(network)), ...(await load(network)) }));

test("weft's NAT looks like the kernel's", async () => {
  const kernel: Record<string, unknown> = await look(await kernelNetwork());
  assert.is(kernel["udp"], `${OUTSIDE}:40001`);
  assert.equal(kernel["traceroute"], [A.gateway, B.address]);
  assert.match(String(kernel["path MTU"]), "mtu = 1400");
  for (const [what, value] of Object.entries(kernel)) assert.not.ok(value === false || value === undefined, `the kernel: ${what}`);
  assert.equal(await look(await weftNetwork()), kernel);
});

test("hairpin: a host inside is reached by the outside address, and sees the asker's outside one", async () => {
  const network = await weftNetwork();
  await network.during(async () => {
    const { a, c, weft } = network;
    const stopMirror = await serveMirror(c, B.address);
    assert.is(await askMirror(a, "udp", OUTSIDE, 40003), `${OUTSIDE}:40003`);
    assert.is(await askMirror(c, "udp", OUTSIDE, 40004), `${OUTSIDE}:40004`, "itself");
    await stopMirror();
    const { columns, rows } = await weft!.show<NodeTable>("node table nat sessions");
    const inside = rows.map((row) => `${row[columns.indexOf("inside")]}:${row[columns.indexOf("port")]} ${row[columns.indexOf("outside-port")]}`);
    assert.equal(inside.sort(), [`${A.address}:40003 40003`, `${C.address}:40004 40004`, `${C.address}:${MIRROR_PORT} ${MIRROR_PORT}`]);
    assert.is((await ping(a, OUTSIDE, ["-c", "2", "-i", "0.05", "-W", "2"])).received, 2, "a ping to the address is the router's");
  });
});

test("sessions outlive the replacement of the node", async () => {
  const network = await weftNetwork();
  await network.during(async () => {
    const { a, b, c, weft } = network;
    const stopMirror = await serveMirror(b);
    const sessions = async (): Promise<string[]> => {
      const { columns, rows } = await weft!.show<NodeTable>("node table nat sessions");
      return rows.map((row) => ["inside", "port", "outside-port"].map((name) => row[columns.indexOf(name)]).join(" ")).sort();
    };
    await askMirror(a, "tcp", B.address, 40005);
    const second = await askMirror(c, "udp", B.address, 40005);
    const before = await sessions();
    await weft!.ctl(`node replace nat with ${await exampleFile("nat44")}`);
    assert.equal([before.length, await sessions()], [2, before]);
    assert.is(await askMirror(c, "udp", B.address, 40005), second);
    await stopMirror();
  });
});

test.run();
