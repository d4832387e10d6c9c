// demo ping: the kernel pings the router, the router pings the kernel.
//
//   weft (this process' namespace)       host (a namespace of its own)
//   rdma-0  192.0.2.1/24  ── veth pair ──  eth0  192.0.2.2/24

import { Router } from "../control/router.js";
import type { PingReply } from "../control/api.js";
import { Host } from "../lab/host.js";
import type { DemoNode } from "./demo-node.js";
import type { DemoPort } from "./demo-ports.js";
import { ping } from "./peers.js";
import type { Report } from "./report.js";
import { atRest } from "./rest.js";
import { asWord } from "./words.js";

const COUNT = 5;

export async function demoPing(report: Report, notice: (line: string) => void, port: DemoPort, node: DemoNode | null): Promise<void> {
  const host = await Host.create();
  await host.address(await port.join(host), "192.0.2.2/24");
  const router = await Router.start({ notice });
  try {
    report.section("A router whose every packet is handled by WebAssembly");
    await report.command(router, port.create);
    await report.command(router, `set interface state ${port.name} up`);
    await report.command(router, `set interface ip address ${port.name} 192.0.2.1/24`);
    if (node !== null) await insertNode(report, router, node);
    await kernelPingsRouter(report, host);
    await routerPingsKernel(report, router);
    await tables(report, router);
    if (node !== null) await nodeSaw(report, router, node);
  } finally {
    await router.stop();
    await host.close();
  }
}

async function kernelPingsRouter(report: Report, host: Host): Promise<void> {
  report.section("The Linux kernel pings the router");
  report.line(`host$ ping -c ${COUNT} 192.0.2.1`);
  const echoes = await ping(host, "192.0.2.1", ["-c", String(COUNT), "-i", "0.2", "-W", "1"]);
  for (const [i, time] of echoes.times.entries()) report.line(`  reply ${i + 1} in ${time} ms`);
  report.record("kernelToRouter", echoes);
  report.check(echoes.sent === COUNT && echoes.received === COUNT, `${echoes.received} of ${echoes.sent} echo requests answered`);
}

async function routerPingsKernel(report: Report, router: Router): Promise<void> {
  report.section("The router pings the Linux kernel");
  report.line(`weft# ping 192.0.2.2 repeat ${COUNT} interval 0.2`);
  const onReply = ({ sequence, time }: PingReply): void => report.line(`  reply ${sequence} in ${time.toFixed(3)} ms`);
  const result = await router.ping("192.0.2.2", { count: COUNT, interval: 200, timeout: 5000, onReply });
  report.record("routerToKernel", result);
  report.check(result.sent === COUNT && result.received === COUNT, `${result.received} of ${result.sent} echo requests answered`);
}

async function insertNode(report: Report, router: Router, { file, name }: DemoNode): Promise<void> {
  report.section(`The node ${name} stands in the packets' way`);
  await report.command(router, `node load ${asWord(file)} as ${name}`);
  await report.command(router, `node insert ${name} after ip4-input`);
}

/** Both pings' requests and replies come in through ip4-input. */
async function nodeSaw(report: Report, router: Router, { name }: DemoNode): Promise<void> {
  report.section(`What ${name} has counted`);
  await report.command(router, `show node counters ${name}`);
  const seen = router.runtime().workers.flatMap(({ nodes }) => nodes).filter((one) => one.name === name).reduce((sum, one) => sum + one.vectors, 0);
  report.record("node", { ...router.customNodes().find((one) => one.name === name), packets: seen, counters: router.nodeCounters() });
  report.check(seen >= 2 * COUNT, `${seen} packets went through ${name}`);
}

/** The tables that tell what happened, and whether every packet came to a known end. */
export async function tables(report: Report, router: Router): Promise<void> {
  report.section("What each node did");
  const balance = await atRest(router);
  const buffers = router.buffers();
  for (const command of ["show runtime", "show errors", "show interface", "show balance"]) await report.command(router, command);
  const hardware = router.hardwareInterfaces();
  const shown = { runtime: router.runtime(), errors: router.errors(), interfaces: router.interfaces(), hardware, balance, buffers };
  for (const [name, value] of Object.entries(shown)) report.record(name, value);
  report.check(balance.difference === 0, "received + originated = transmitted + dropped + held");
  const { free, held, posted, pending, total } = buffers;
  report.check(free + held + posted + pending === total, "every buffer is back in the pool, or in a queue of the device");
}
