// What a second worker brings: packets a second through a router with two of them, one at work and then both, in turn.
//
// It is the router as it ships, in its threads: each worker takes 60-byte packets from a packet generator, forwards them, and sends them through
// another one. Beside it the same path in native code (bench/twin), in one process and in two side by side: their quotient is the most that this
// machine's CPUs, which may be two threads of one core, can give. What others on the machine take is not counted: rates are those of CPU time, except
// in the column "wall".

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { VECTOR } from "../assembly/abi.js";
import { table } from "../host/cli/table.js";
import { Router } from "../host/control/router.js";
import { compileTwin, Peer } from "./native.js";
import { optionsOf, times } from "./options.js";
import { quantile } from "./statistics.js";

const USAGE = `Usage: node dist/bench/workers.js [OPTION…]

Measures what a second worker brings: packets a second through a router with one worker and with two, each on a CPU of its own.

  --rounds N   turns of one and two (15)
  --json       one line of JSON on standard output, nothing else: what is to be reached, and what was`;
const WINDOW = 250; // ms
const CPUS = [0, 1];
/** Of 256 packets each, to a twin in a round. */
const TWIN_SAMPLES = 4000;

interface Rate { cpu: number; wall: number }

/** A worker with a generator to receive from, one to send through, and a route between them; the workers' ports are dealt out in turn. */
async function startRouter(): Promise<Router> {
  const router = await Router.start({ workers: CPUS.length, cpu: CPUS, buffers: 16384 });
  for (const direction of ["in", "out"]) {
    for (const worker of CPUS) {
      const name = `pg-${direction}${worker}`;
      await router.createPacketGenerator(name);
      router.setInterfaceState(name, true);
      router.addAddress(name, `192.0.2.${direction === "in" ? 1 + 16 * worker : 129 + 16 * worker}/28`);
    }
  }
  for (const worker of CPUS) {
    const next = `192.0.2.${130 + 16 * worker}`;
    router.setNeighbor(`pg-out${worker}`, next, "02:00:00:00:00:03");
    router.addRoute(`${10 + worker}.0.0.0/8`, { via: next });
    const data = `UDP: 192.0.2.${2 + 16 * worker} -> ${10 + worker}.0.0.0-${10 + worker}.0.3.255 UDP: 1 -> 2`;
    await router.newPacketStream({ name: String(worker), interface: `pg-in${worker}`, data });
  }
  return router;
}

/** Packets a second that these workers forward, while the others sleep. */
async function measure(router: Router, workers: number[]): Promise<Rate> {
  const seen = (): { packets: number; seconds: number }[] => {
    const states = router["workers"].states();
    return router.runtime().workers.map(({ nodes }, worker) =>
      ({ packets: nodes.find(({ name }) => name === `pg-out${worker}-tx`)!.vectors, seconds: states[worker]!.cpuSeconds! }));
  };
  for (const worker of workers) router.enablePacketStream(String(worker));
  await sleep(20); // until they are at full rate
  const [from, start] = [seen(), performance.now()];
  await sleep(WINDOW);
  const [to, seconds] = [seen(), (performance.now() - start) / 1000];
  for (const worker of workers) router.disablePacketStream(String(worker));
  const rate = { cpu: 0, wall: 0 };
  for (const worker of workers) {
    const packets = to[worker]!.packets - from[worker]!.packets;
    rate.cpu += packets / (to[worker]!.seconds - from[worker]!.seconds);
    rate.wall += packets / seconds;
  }
  return rate;
}

/** A native twin on each CPU, with the packets and tables of weft's own benchmark. */
async function startTwins(): Promise<Peer[]> {
  const folder = mkdtempSync(join(tmpdir(), "weft-workers-"));
  const weft = new Peer("weft", [process.execPath, fileURLToPath(new URL("peer.js", import.meta.url)), "forward", folder, "nodes"], CPUS[0]!);
  try {
    const { rx } = await weft.greeting();
    const twins = CPUS.map((cpu) => new Peer("twin", [compileTwin(), folder, "nodes", String(rx)], cpu));
    for (const twin of twins) await twin.greeting();
    return twins;
  } finally {
    weft.close();
    rmSync(folder, { recursive: true });
  }
}

/** Packets by clock of these twins side by side: node by node, vectors of 256. */
async function measureTwins(twins: Peer[]): Promise<number> {
  const all = await Promise.all(twins.map((twin) => twin.measure(VECTOR, TWIN_SAMPLES)));
  return all.reduce((sum, clocks) => sum + 1 / Object.values(clocks).reduce((path, one) => path + one, 0), 0);
}

const median = (values: number[]): number => quantile(values, 0.5);

const values = optionsOf({ rounds: { type: "string", default: "15" }, json: { type: "boolean", default: false } }, USAGE);
const count = times("--rounds", values.rounds);
const router = await startRouter();
const twins = await startTwins();
const rounds: { alone: Rate[]; both: Rate; native: [alone: number[], both: number] }[] = [];
for (let round = 0; round < count; round++) {
  const first = await measure(router, [0]);
  const both = await measure(router, [0, 1]);
  const second = await measure(router, [1]);
  const alone = [await measureTwins([twins[0]!]), await measureTwins([twins[1]!])];
  rounds.push({ alone: [first, second], both, native: [alone, await measureTwins(twins)] });
}
const balance = router.balance().difference;
await router.stop();
for (const twin of twins) twin.close();

const mean = (all: number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;
const column = (of: (rate: Rate) => number) => ({
  one: median(rounds.map(({ alone }) => mean(alone.map(of)))), two: median(rounds.map(({ both }) => of(both))),
  quotient: median(rounds.map(({ alone, both }) => of(both) / mean(alone.map(of)))),
});
const [cpu, wall] = [column((rate) => rate.cpu), column((rate) => rate.wall)];
const native = median(rounds.map(({ native: [alone, both] }) => both / mean(alone)));
if (values.json) {
  console.log(JSON.stringify({ targets: [
    { name: "two workers against one, forward", value: cpu.quotient }, { name: "two native twins against one, forward", value: native },
  ] }));
} else {
  const mega = (rate: number): string => (rate / 1e6).toFixed(2);
  console.log(`Million packets a second forwarded, medians of ${rounds.length} rounds; received and not accounted for: ${balance}`);
  console.log(table(["", "One worker", "Two", "Quotient"], [
    ["weft, of CPU time", mega(cpu.one), mega(cpu.two), cpu.quotient.toFixed(2)],
    ["weft, wall", mega(wall.one), mega(wall.two), wall.quotient.toFixed(2)],
    ["native twin, by clocks", "", "", native.toFixed(2)],
  ]));
}
