// What the rdma port's rings cost: clocks a packet to receive it and to send it, for all that the port does (refilling, doorbells, completions,
// freeing what was sent), each way of driving the NIC for itself.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { RdmaOptions } from "../host/ports/rdma-options.js";
import { optionsOf, times } from "./options.js";
import { emptyReport, workloadReport, workloadTable } from "./report.js";
import type { Trial } from "./trial.js";
import { VECTORS } from "./workloads.js";

const run = promisify(execFile);
const PROCESS = fileURLToPath(new URL("rings-process.js", import.meta.url));

const CASES: { name: string; title: string; options: RdmaOptions; far?: true }[] = [
  { name: "dv", title: "as it comes", options: { mode: "dv" } },
  { name: "dv", title: "as it comes", options: { mode: "dv" }, far: true },
  { name: "dv, no striding", title: "a WQE for each packet", options: { mode: "dv", striding: false } },
  { name: "dv, no compression", title: "a CQE for each packet", options: { mode: "dv", compression: false } },
  { name: "dv, no multi-seg", title: "no packet is longer than a buffer", options: { mode: "dv", multiSegment: false } },
  { name: "ibv", title: "libibverbs' calls", options: { mode: "ibv" } },
  { name: "ibv", title: "libibverbs' calls", options: { mode: "ibv" }, far: true },
];

const USAGE = `Usage: node dist/bench/rings.js [OPTION…]

Measures what the rdma port's rings cost on a modelled ConnectX: clocks a packet to receive it and to send it.

  --trials N   processes of each kind (5)
  --json       one line of JSON on standard output, nothing else: what is to be reached, and what was`;

const values = optionsOf({ trials: { type: "string", default: "5" }, json: { type: "boolean", default: false } }, USAGE);
const count = times("--trials", values.trials);
const cases = CASES.map((one) => ({ ...one, trials: [] as Trial[] }));
for (let round = 0; round < count; round++) {
  for (const { name, options, far, trials } of cases) {
    process.stderr.write(`\r\x1b[Ktrial ${round + 1} of ${count}: ${name}`);
    const { stdout } = await run(process.execPath, [PROCESS, JSON.stringify(options), ...(far ? ["far"] : [])]);
    trials.push(JSON.parse(stdout) as Trial);
  }
}
process.stderr.write("\r\x1b[K");

const reports = cases.map(({ name, title, far, trials }) => workloadReport({ name, title, cold: far ?? false, fused: true }, trials));
if (values.json) {
  console.log(JSON.stringify({ targets: [{ name: "rdma rings, dv: rx + tx", value: reports[0]!.sum.at(-1)!.median }] }));
} else {
  const { machine, node } = emptyReport(VECTORS);
  console.log(`Rings: clocks a packet by packets in a vector, medians of ${count} trials; ${machine}, Node ${node}`);
  console.log("60-byte packets of a modelled ConnectX, whose own work is not timed. What it wrote is in this processor's caches; cold: its");
  console.log("completions are in memory alone. Its doorbell registers are ordinary memory, which costs less than the write to a real one.\n");
  for (const report of reports) console.log(`${workloadTable(report, VECTORS)}\n`);
}
