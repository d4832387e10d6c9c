// What each node costs: `npm run bench`.
//
//   node dist/bench/run.js [--workload NAME …] [--trials N] [--json FILE] [--charts FOLDER] [--compare OLD.json]
//
// Each trial is a process of its own, for code and memory lie differently in each; trials of all workloads take turns.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { table } from "../host/cli/table.js";
import { chart } from "./chart.js";
import { comparison, emptyReport, type Report, workloadReport, workloadTable } from "./report.js";
import { targets } from "./targets.js";
import { type Trial, VECTORS } from "./trial.js";
import { WORKLOADS } from "./workloads.js";

const run = promisify(execFile);
const TRIAL = fileURLToPath(new URL("trial.js", import.meta.url));
/** Also measured with packets that no near cache holds. */
const COLD = ["forward", "fib-bgp"];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workload: { type: "string", multiple: true, default: WORKLOADS.map(({ name }) => name) }, trials: { type: "string", default: "5" },
      json: { type: "string" }, charts: { type: "string" }, compare: { type: "string" },
    },
  });
  const old = values.compare === undefined ? undefined : (JSON.parse(readFileSync(values.compare, "utf8")) as Report);
  const wanted = WORKLOADS.filter(({ name }) => values.workload.includes(name));
  const cases = wanted.flatMap(({ name, title }) => (COLD.includes(name) ? [false, true] : [false]).map((cold) => ({ name, title, cold, trials: [] as Trial[] })));
  const count = Number(values.trials);
  for (let round = 0; round < count; round++) {
    for (const { name, cold, trials } of cases) {
      process.stderr.write(`\r\x1b[Ktrial ${round + 1} of ${count}: ${name}${cold ? ", cold" : ""}`);
      const { stdout } = await run(process.execPath, ["--expose-gc", TRIAL, name, ...(cold ? ["cold"] : [])]);
      trials.push(JSON.parse(stdout) as Trial);
    }
  }
  process.stderr.write("\r\x1b[K");

  const report = emptyReport(VECTORS);
  report.workloads = cases.map(({ name, title, cold, trials }) => workloadReport(name, title, cold, trials));
  console.log(`Clocks a packet by node and packets in a vector, medians of ${count} trials; ${report.machine}, Node ${report.node}\n`);
  for (const workload of report.workloads) console.log(`${workloadTable(workload, VECTORS)}\n`);
  const reached = targets(report);
  console.log(table(["", "Native", "Value", "To reach", ""], reached.map((one) =>
    [one.name, one.native, one.value.toFixed(1), `${one.atMost ? "≤" : "≥"} ${one.target} ${one.unit}`, one.met ? "✔" : "✘"])));
  if (old) console.log(`\nBeside ${values.compare}\n${comparison(old, report)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...report, targets: reached }, null, 1)}\n`);
  if (values.charts !== undefined) {
    mkdirSync(values.charts, { recursive: true });
    for (const workload of report.workloads) {
      writeFileSync(join(values.charts, `${workload.name}${workload.cold ? "-cold" : ""}.svg`), chart(workload, VECTORS, report.machine));
    }
  }
}

await main();
