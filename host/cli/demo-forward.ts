// demo forward: the router between two hosts, beside the Linux kernel in the same place.
//
//   host a                      this process' namespace                      host b
//   eth0 198.51.100.2/24 ─ veth ─ weft0  router  weft1 ─ veth ─ eth0 203.0.113.2/24
//                               198.51.100.1  203.0.113.1

import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Router } from "../control/router.js";
import { must } from "../lab/command.js";
import { lastCpu } from "../lab/cpu.js";
import { Host, quiet } from "../lab/host.js";
import { tables } from "./demo-ping.js";
import type { DemoPort } from "./demo-ports.js";
import { arping, iperf, ping, traceroute, type Transfer } from "./peers.js";
import type { Report } from "./report.js";

const A = { gateway: "198.51.100.1", address: "198.51.100.2" };
const B = { gateway: "203.0.113.1", address: "203.0.113.2" };
const TCP_SECONDS = 10;
const UDP_SECONDS = 3;
const UDP_RATE = "200M";
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

export async function demoForward(report: Report, notice: (line: string) => void, ports: DemoPort[]): Promise<void> {
  const [a, b] = [await place(A, ports[0]!), await place(B, ports[1]!)];
  // Between the two halves of a real port the kernel cannot be put.
  const besideKernel = [a, b].every(({ port }) => port.device !== null);
  try {
    const before = besideKernel ? await kernelRouter(report, a, b) : null;
    const carried = await weftRouter(report, notice, a, b);
    if (before !== null) compare(report, carried, [before, await kernelRouter(report, a, b)]);
    if (a.port.kind === "emulated") report.line("Its adapters were modelled ones: a thread moved each packet from the wire to the rings and back.");
  } finally {
    await a.host.close();
    await b.host.close();
  }
}

/** A host, and how the router is joined to it. */
interface Side {
  host: Host;
  port: DemoPort;
  /** the host's own netdev and address, and the router's address on that link */
  netdev: string;
  address: string;
  gateway: string;
}

async function place({ address, gateway }: typeof A, port: DemoPort): Promise<Side> {
  const host = await Host.create();
  const netdev = await port.join(host);
  await host.address(netdev, `${address}/24`);
  await host.route("default", gateway);
  return { host, port, netdev, address, gateway };
}

/** What the Linux kernel carries as the router between the same two hosts. */
async function kernelRouter(report: Report, a: Side, b: Side): Promise<Transfer> {
  report.section("For comparison: the Linux kernel as the router");
  const ends = [a, b].map(({ port, gateway }) => ({ device: port.device!, gateway }));
  const forwarding = await readFile(FORWARDING, "utf8");
  await writeFile(FORWARDING, "1");
  for (const { device, gateway } of ends) {
    await must(null, "ip", ["link", "set", "dev", device, "arp", "on"]);
    await must(null, "ip", ["address", "add", `${gateway}/24`, "dev", device]);
  }
  try {
    return await measure(report, a, b, TCP_SECONDS / 2);
  } finally {
    for (const { device } of ends) {
      await must(null, "ip", ["address", "flush", "dev", device]);
      await quiet(device);
    }
    await writeFile(FORWARDING, forwarding);
    // The hosts learned the kernel's MAC addresses; weft has its own.
    for (const { host } of [a, b]) await host.ip("neighbor", "flush", "all");
  }
}

async function weftRouter(report: Report, notice: (line: string) => void, a: Side, b: Side): Promise<Transfer> {
  report.section("weft as the router");
  // The router gets a CPU of its own: were the scheduler to move it about between iperf3's two ends, its packets would lie in other CPUs' caches.
  const own = availableParallelism() > 1 ? { cpu: lastCpu() } : {};
  const router = await Router.start({ notice, ...own });
  try {
    if (own.cpu !== undefined) report.line(`on CPU ${own.cpu} alone, as weft run --cpu ${own.cpu} would be`);
    for (const { port, gateway } of [a, b]) {
      await report.command(router, port.create);
      await report.command(router, `set interface state ${port.name} up`);
      await report.command(router, `set interface ip address ${port.name} ${gateway}/24`);
    }
    await probes(report, a, b);
    report.section(`iperf3: TCP for ${TCP_SECONDS} s`);
    const tcp = await measure(report, a, b, TCP_SECONDS);
    report.record("tcp", tcp);
    report.section(`iperf3: UDP at ${UDP_RATE}bit/s for ${UDP_SECONDS} s`);
    const udp = await iperf(a.host, b.host, b.address, UDP_SECONDS, ["-u", "-b", UDP_RATE, "-l", "1400"], bar(report));
    report.record("udp", udp);
    report.line(`  ${udp.mbits} Mbit/s, ${udp.lost} of ${udp.sent} datagrams lost on the whole way`);
    await tables(report, router);
    return tcp;
  } finally {
    await router.stop();
    for (const { host } of [a, b]) await host.ip("neighbor", "flush", "all");
  }
}

async function probes(report: Report, { host, netdev, gateway }: Side, b: Side): Promise<void> {
  const sizes: [string, string[]][] = [
    ["ping", []],
    ["ping -s 1472 -M do (a full frame, must not be fragmented)", ["-s", "1472", "-M", "do"]],
    ["ping -s 4000 (three fragments)", ["-s", "4000"]],
  ];
  report.section("Through the router, from a to b");
  const pings = [];
  for (const [what, options] of sizes) {
    const echoes = await ping(host, b.address, ["-c", "5", "-i", "0.2", "-W", "1", ...options]);
    report.check(echoes.received === 5, `${what}: ${echoes.received} of ${echoes.sent} answered`);
    pings.push({ what, ...echoes });
  }
  report.record("pings", pings);
  const hops = await traceroute(host, b.address);
  report.record("traceroute", hops);
  report.check(hops.join() === `${gateway},${b.address}`, `traceroute: ${hops.join(" → ")}`);
  const asked = await arping(host, netdev, gateway, 3);
  report.record("arping", asked);
  report.check(asked.received === 3, `arping ${gateway}: ${asked.received} of ${asked.sent} answered`);
}

async function measure(report: Report, a: Side, b: Side, seconds: number): Promise<Transfer> {
  const transfer = await iperf(a.host, b.host, b.address, seconds, [], bar(report));
  report.line(`  ${transfer.mbits} Mbit/s received, ${transfer.retransmitted} segments sent again`);
  return transfer;
}

/** A line a second, with a bar: 1 Gbit/s is four columns. */
function bar(report: Report): (second: number, mbits: number) => void {
  return (second, mbits) => {
    const columns = Math.min(60, Math.round(mbits / 250));
    report.line(`  ${String(second).padStart(3)} s ${mbits.toFixed(0).padStart(7)} Mbit/s ${"▇".repeat(columns)}`);
  };
}

function compare(report: Report, weft: Transfer, kernel: Transfer[]): void {
  const rate = kernel.reduce((sum, transfer) => sum + transfer.mbits, 0) / kernel.length;
  const percent = Math.round((100 * weft.mbits) / rate);
  report.record("kernelTcp", kernel);
  report.record("percentOfKernel", percent);
  report.section("In short");
  report.line(`weft carried ${weft.mbits} Mbit/s of TCP, the Linux kernel ${kernel[0]!.mbits} before and ${kernel[1]!.mbits} after: ${percent} %`);
}
