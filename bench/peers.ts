// weft beside native code that does the same work on the same packets, in turns on one processor: `npm run bench:peers`.

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { table } from "../host/cli/table.js";
import { lastCpu } from "../host/lab/cpu.js";
import { compileDpdk, compileTwin, Peer } from "./native.js";
import { known, optionsOf, times } from "./options.js";
import type { Clocks } from "./peer.js";
import type { PeerReport } from "./report.js";
import { quantile } from "./statistics.js";
import { VECTORS } from "./workloads.js";

const USAGE = `Usage: npm run bench:peers -- [OPTION…]

Compiles the peers, has all send the same packets, compares what they sent byte for byte, and measures them in turns on one processor: weft,
its twin in C++ (bench/twin: the same checks, tables and buffers; node by node, and in one loop), and DPDK's graph with its own nodes
(bench/dpdk: no validation, counters or MTU check). A ratio is one round's; of all rounds the quartiles are shown.

  --workload NAME   forward or fib-500k; may be given again (both)
  --sets N          how often all peers are started anew, for code and memory lie differently in each process (3)
  --rounds N        turns in each set (20)
  --json            one line of JSON on standard output, nothing else

Examples:
  npm run bench:peers -- --workload forward --sets 1
  npm run bench:peers --silent -- --json > peers.json`;

const WORKLOADS = ["forward", "fib-500k"];
const WEFT = fileURLToPath(new URL("peer.js", import.meta.url));
const [FUSED, TWIN, LOOP, DPDK] = ["weft, one pass", "C++ twin", "one C++ loop", "DPDK, unchecked"];
/** Samples of 256 packets in a turn; turns before the first that counts. */
const [SAMPLES, WARM_UP] = [100, 15];
/** What is divided by what, and what it ought not to exceed at vectors of 256 where that is a target. */
const RATIOS = [
  { name: "wasm against the native twin, node by node", of: "weft", by: TWIN, target: 1.15 },
  { name: "wasm against the native twin, in one pass", of: FUSED, by: LOOP, target: 1.15 },
  { name: "wasm against DPDK's nodes", of: "weft", by: DPDK },
];

/** Clocks of a workload by peer and vector size; of each, one round after the other. */
type Rounds = Map<string, Map<number, Clocks[]>>;

/** Peers that have shown that they send the same; the workload's own files are in `folder` as long as they start. */
async function startAll(workload: string, native: { twin: string; dpdk: string | null }, cpu: number): Promise<Peer[]> {
  const folder = mkdtempSync(join(tmpdir(), "weft-peers-"));
  try {
    const weft = [[FUSED, "fused"], ["weft", "nodes"]].map(([name, how]) => new Peer(name!, [process.execPath, WEFT, workload, folder, how!], cpu));
    const [{ sent, rx }, other] = [await weft[0]!.greeting(), await weft[1]!.greeting()];
    if (other.sent !== sent) throw new Error(`weft did not send the same node by node (${workload})`);
    const twins = [[TWIN, "nodes"], [LOOP, "loop"]].map(([name, how]) => new Peer(name!, [native.twin, folder, how!, String(rx)], cpu));
    const others = [...twins, ...(native.dpdk === null ? [] : [new Peer(DPDK, [native.dpdk, folder, String(cpu)], cpu)])];
    for (const other of others) {
      if ((await other.greeting()).sent !== sent) throw new Error(`${other.name} did not send what weft sent (${workload})`);
    }
    return [...weft, ...others];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One set: the peers are started, warm up, take turns, end. */
async function runSet(workload: string, rounds: number, into: Rounds, start: () => Promise<Peer[]>): Promise<void> {
  const peers = await start();
  for (let round = -WARM_UP; round < rounds; round++) {
    if (round >= 0) process.stderr.write(`\r\x1b[K${workload}: round ${round + 1} of ${rounds}`);
    peers.reverse(); // nobody is always the one behind a certain other
    for (const size of VECTORS) {
      for (const peer of peers) {
        const clocks = await peer.measure(size, SAMPLES);
        if (round < 0) continue;
        const sizes = into.get(peer.name) ?? into.set(peer.name, new Map()).get(peer.name)!;
        sizes.set(size, [...(sizes.get(size) ?? []), clocks]);
      }
    }
  }
  process.stderr.write("\r\x1b[K");
  for (const peer of peers) peer.close();
}

const sumOf = (clocks: Clocks): number => Object.values(clocks).reduce((sum, one) => sum + one, 0);
const sums = (rounds: Rounds, peer: string, size: number): number[] => rounds.get(peer)!.get(size)!.map(sumOf);
const median = (values: number[]): number => quantile(values, 0.5);

function ratios(rounds: Rounds, of: string, by: string, size: number): { q1: number; median: number; q3: number } {
  const divisors = sums(rounds, by, size);
  const all = sums(rounds, of, size).map((clocks, round) => clocks / divisors[round]!);
  return { q1: quantile(all, 0.25), median: median(all), q3: quantile(all, 0.75) };
}

/** The tables of a workload: clocks of the peers, of their nodes, and ratios. */
function tables(workload: string, rounds: Rounds): string {
  const columns = VECTORS.map(String);
  const peers = peersOf(rounds);
  const whole = peers.map((peer) => [peer, ...VECTORS.map((size) => median(sums(rounds, peer, size)).toFixed(1))]);
  const nodes = peers.flatMap((peer) => {
    const all = VECTORS.map((size) => rounds.get(peer)!.get(size)!);
    const names = Object.keys(all[0]![0]!);
    return names.length < 2 ? [] : names.map((node) => [peer, node, ...all.map((clocks) => median(clocks.map((one) => one[node]!)).toFixed(1))]);
  });
  const quotients = RATIOS.filter(({ by }) => rounds.has(by)).map(({ of, by }) => [`${of} / ${by}`, ...VECTORS.map((size) => {
    const { q1, median: middle, q3 } = ratios(rounds, of, by, size);
    return `${middle.toFixed(2)} (${q1.toFixed(2)}–${q3.toFixed(2)})`;
  })]);
  const parts = [[["Clocks a packet"], whole], [["Peer", "Node"], nodes], [["Ratio"], quotients]] as const;
  return [workload, ...parts.map(([head, rows]) => table([...head, ...columns], rows))].join("\n\n");
}

/** Those that took part, in the order in which they are shown. */
function peersOf(rounds: Rounds): string[] {
  return ["weft", FUSED, TWIN, LOOP, DPDK].filter((peer) => rounds.has(peer));
}

async function main(): Promise<void> {
  const values = optionsOf({
    workload: { type: "string", multiple: true, default: WORKLOADS },
    sets: { type: "string", default: "3" }, rounds: { type: "string", default: "20" }, json: { type: "boolean", default: false },
  }, USAGE);
  const workloads = known("workload", values.workload, WORKLOADS);
  const [sets, count] = [times("--sets", values.sets), times("--rounds", values.rounds)];
  const native = { twin: compileTwin(), dpdk: compileDpdk() };
  if (native.dpdk === null) console.error("no DPDK here (Debian's package libdpdk-dev): going on without it");
  const cpu = lastCpu();
  const found = new Map<string, Rounds>(workloads.map((name) => [name, new Map()]));
  for (let set = 0; set < sets; set++) {
    for (const [workload, rounds] of found) await runSet(workload, count, rounds, () => startAll(workload, native, cpu));
  }
  const machine = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} CPUs, Node ${process.version}`;
  const result = report(machine, found);
  if (values.json) return console.log(JSON.stringify(result));
  console.log(`Medians of ${sets * count} rounds in turns on processor ${cpu}; ratios with quartiles; ${machine}\n`);
  for (const [workload, rounds] of found) console.log(`${tables(workload, rounds)}\n`);
  for (const { name, value, target } of result.targets) {
    if (target !== undefined) console.log(`${name}: ${value.toFixed(2)}, to reach ≤ ${target} ${value <= target ? "✔" : "✘"}`);
  }
}

function report(machine: string, found: Map<string, Rounds>): PeerReport {
  const targets = [...found].flatMap(([workload, rounds]) => RATIOS.filter(({ by }) => rounds.has(by)).map(({ name, of, by, target }) => {
    const { median: value, q1, q3 } = ratios(rounds, of, by, 256);
    return { name: `${workload}, ${name}`, value, q1, q3, ...(target === undefined || workload !== "forward" ? {} : { target }) };
  }));
  const medians = (rounds: Rounds): Record<string, number[]> =>
    Object.fromEntries(peersOf(rounds).map((peer) => [peer, VECTORS.map((size) => median(sums(rounds, peer, size)))]));
  const clocks = Object.fromEntries([...found].map(([workload, rounds]) => [workload, medians(rounds)]));
  return { targets, machine, vectors: VECTORS, clocks };
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
process.exit();
