// What each node costs: `npm run bench`. Each trial is a process of its own, for code and memory lie differently in each; trials of all
// workloads take turns.

import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { table } from "../host/cli/table.js";
import { chart } from "./chart.js";
import { known, optionsOf, refuse, times } from "./options.js";
import { writeFigures } from "./readme.js";
import { caseName, comparison, emptyReport, fileName, type PeerReport, referencesOf, type Report, workloadReport, workloadTable } from "./report.js";
import { targets } from "./targets.js";
import type { Trial } from "./trial.js";
import { VECTORS, WORKLOADS } from "./workloads.js";

const USAGE = `Usage: npm run bench -- [OPTION…]

Clocks a packet of each node, for vectors of 1 to 256 packets; without --workload also the rdma rings, native code
beside it, two workers, the start-up, garbage collection, what a custom node costs, and fragments (a quarter of an hour).

  --workload NAME   ${WORKLOADS.map(({ name }) => name).join(", ")}; may be given again (all)
  --trials N        processes for each workload, of which the median is shown (5)
  --json FILE       writes what was measured
  --compare FILE    what such a file holds beside this run: four trials or more on both sides
  --charts FOLDER   writes an SVG for each workload
  --peers FILE      what "npm run bench:peers -- --json" wrote: drawn in the charts
  --readme FILE     writes tables and charts into it, between the marks that "npm run bench:charts" needs

Examples:
  npm run bench -- --workload forward --trials 3
  npm run bench -- --workload echo --json before.json          then change a node, and
  npm run bench -- --workload echo --compare before.json`;

const run = promisify(execFile);
const program = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));
/** Programs that run as well where no workload is named: OTHERS measure further targets, TABLES only print a table. */
const OTHERS = [["rings"], ["peers", "--workload", "forward", "--sets", "1"], ["workers"], ["startup"], ["gc"]];
const TABLES = ["custom", "fragments"];
/** Also measured with packets that no near cache holds. */
const COLD = ["forward", "fib-bgp"];
/** Also measured node by node: what several nodes cost at once is shared out among them by estimate. */
const BY_NODE = ["forward", "echo", "fib-500k", "fib-bgp"];

/** A file of an earlier run. */
function fileOf<T>(option: string, path: string): T {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (error) {
    return refuse(`${option}: ${path}: ${(error as Error).message}`);
  }
}

async function main(): Promise<void> {
  const names = WORKLOADS.map(({ name }) => name);
  const values = optionsOf({
    workload: { type: "string", multiple: true }, trials: { type: "string", default: "5" },
    json: { type: "string" }, charts: { type: "string" }, compare: { type: "string" }, peers: { type: "string" },
    readme: { type: "string" },
  }, USAGE);
  if (values.readme !== undefined && values.charts === undefined) refuse("--readme needs --charts");
  const asked = known("workload", values.workload ?? names, names);
  const count = times("--trials", values.trials);
  const old = values.compare === undefined ? undefined : fileOf<Report>("--compare", values.compare);
  const peers = values.peers === undefined ? undefined : fileOf<PeerReport>("--peers", values.peers);
  const cases = casesOf(asked);
  for (let round = 0; round < count; round++) {
    for (const { name, cold, fused, trials } of cases) {
      process.stderr.write(`\r\x1b[Ktrial ${round + 1} of ${count}: ${caseName({ name, cold, fused })}`);
      const { stdout } = await run(process.execPath, ["--expose-gc", program("trial"), name, ...(cold ? ["cold"] : []), ...(fused ? [] : ["nodes"])]);
      trials.push(JSON.parse(stdout) as Trial);
    }
  }
  process.stderr.write("\r\x1b[K");

  const report = emptyReport(VECTORS);
  report.workloads = cases.map(({ trials, ...way }) => workloadReport(way, trials));
  console.log(`Clocks a packet by node and packets in a vector, medians of ${count} trials; ${report.machine}, Node ${report.node}\n`);
  for (const workload of report.workloads) console.log(`${workloadTable(workload, VECTORS)}\n`);
  if (values.workload === undefined) report.others = await measureOthers();
  const reached = targets(report);
  console.log(table(["", "Native", "Value", "To reach", ""], reached.map(({ name, native, value, atMost, target, unit, met }) =>
    [name, native, value.toFixed(value < 10 ? 2 : 1), `${atMost ? "≤" : "≥"} ${target} ${unit}`, met ? "✔" : "✘"])));
  if (old) console.log(`\nBeside ${values.compare}\n${comparison(old, report)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...report, targets: reached }, null, 1)}\n`);
  if (values.charts !== undefined) drawCharts(values.charts, report, peers);
  if (values.readme !== undefined) writeFigures(values.readme, report, peers, values.charts!);
  if (values.workload !== undefined) return;
  for (const name of TABLES) spawnSync(process.execPath, [program(name)], { stdio: ["ignore", "inherit", "inherit"] });
}

/** The workloads that were asked for, each in all the ways in which it is measured; no trials yet. */
function casesOf(asked: string[]): { name: string; title: string; cold: boolean; fused: boolean; trials: Trial[] }[] {
  return WORKLOADS.filter(({ name }) => asked.includes(name)).flatMap(({ name, title }) => {
    const ways = [{ cold: false, fused: true }];
    if (COLD.includes(name)) ways.push({ cold: true, fused: true });
    if (BY_NODE.includes(name)) ways.push({ cold: false, fused: false });
    return ways.map((way) => ({ name, title, ...way, trials: [] }));
  });
}

/** An SVG file for each workload, in a folder. */
function drawCharts(folder: string, report: Report, peers: PeerReport | undefined): void {
  mkdirSync(folder, { recursive: true });
  for (const workload of report.workloads) {
    const drawing = chart(workload, VECTORS, `${report.machine}, Node ${report.node}`, referencesOf(workload, peers));
    writeFileSync(join(folder, `${fileName(workload)}.svg`), drawing);
  }
}

/** The targets that the other programs measure, by name. */
async function measureOthers(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, ...options] of OTHERS) {
    process.stderr.write(`\r\x1b[K${name}`);
    const { stdout } = await run(process.execPath, [program(name!), ...options, "--json"]);
    for (const target of (JSON.parse(stdout) as { targets: { name: string; value: number }[] }).targets) found[target.name] ??= target.value;
  }
  process.stderr.write("\r\x1b[K");
  return found;
}

await main();
