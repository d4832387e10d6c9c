// Abuses a router in every way that we know of, at length, and tells what it made of it.
//
//   node dist/test/soak/abuse.js [--short] [--only TEXT] [--port af_packet|rdma] [--json FILE]
//
// --only: the kinds whose name contains this. Exit status 0 only if everything held after each of them.

import { writeFileSync } from "node:fs";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { table } from "../../host/cli/table.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { Lab, type PortKind, portKind, residentKib } from "./lab.js";
import { judge, type Verdict } from "./scenario.js";
import { LONG, SCENARIOS, SHORT } from "./sizes.js";

/** KiB that the router's process may have grown by */
const GROWTH_MAX = 128 << 10;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean", default: false }, only: { type: "string", default: "" }, port: { type: "string", default: "af_packet" },
      json: { type: "string" },
    },
  });
  const kind: PortKind = portKind(values.port);
  const status = await enterPrivateNetwork();
  if (status !== null) return status;
  const lab = await Lab.start(kind);
  const verdicts: Verdict[] = [];
  const failed: string[] = [];
  try {
    await lab.reachable();
    const before = residentKib(lab.pid);
    for (const scenario of SCENARIOS.filter(({ name }) => name.includes(values.only))) {
      process.stdout.write(`${scenario.name} … `);
      const verdict = await judge(lab, scenario, values.short ? SHORT : LONG).catch((error: Error) => error);
      if (verdict instanceof Error) failed.push(`${scenario.name}: ${reason(verdict)}`);
      else verdicts.push(verdict);
      console.log(verdict instanceof Error ? `FAILED: ${reason(verdict)}` : `${verdict.seconds.toFixed(1)} s`);
    }
    const grown = residentKib(lab.pid) - before;
    if (grown > GROWTH_MAX) failed.push(`the process has grown by ${grown} KiB`);
    await lab.weft.stop();
  } finally {
    await lab.close();
  }
  print(verdicts);
  const plain = verdicts.map((verdict) => ({ ...verdict, counts: Object.fromEntries(verdict.counts) }));
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(plain, null, 1));
  console.log(failed.length === 0 ? "everything held" : `FAILED:\n${failed.join("\n")}`);
  return failed.length === 0 ? 0 : 1;
}

/** With what uvu's assertions say beside their message: what was expected, what came. */
function reason({ message, details, stack }: Error & { details?: string | false }): string {
  return [message, details ? stripVTControlCharacters(details) : stack].join("\n");
}

function print(verdicts: Verdict[]): void {
  const rows = verdicts.map(({ name, seconds, received, neighbours, residentKib: kib, answered, slowest }) =>
    [name, seconds.toFixed(1), received, neighbours, (kib / 1024).toFixed(0), answered, slowest.toFixed(0)]);
  console.log(table(["Abuse", "s", "Received", "Neighbours", "RSS MiB", "Commands", "slowest ms"], rows));
  for (const { name, counts } of verdicts) {
    if (counts.size > 0) console.log(`\n${name}\n${table(["Count", "Reason"], [...counts].map(([reason, count]) => [count, reason]))}`);
  }
}

process.exitCode = await main().catch((error: Error) => {
  console.error(`abuse: ${error.stack ?? error.message}`);
  return 1;
});
