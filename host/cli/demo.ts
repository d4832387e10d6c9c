// The demos: each in a private network namespace, which is gone with the process however that ends.

import { WeftError } from "../errors.js";
import { enterPrivateNetwork } from "../lab/private-network.js";
import { parseOptions } from "./options.js";
import { quote, suggestion } from "./nearest.js";
import { Report } from "./report.js";

const DEMOS = ["ping", "forward"];

/** Runs `weft demo NAME [--json]`; gives the exit status. */
export async function demo(argv: string[]): Promise<number> {
  const { values, positionals } = parseOptions("demo", argv, { json: { type: "boolean" } });
  const [name, ...more] = positionals;
  if (name === undefined) throw new WeftError("BAD_COMMAND", "which demo? ping or forward (weft demo --help)");
  if (!DEMOS.includes(name)) throw new WeftError("BAD_COMMAND", `unknown demo ${quote(name)}${suggestion(name, DEMOS)} (weft demo --help)`);
  if (more.length > 0) throw new WeftError("BAD_COMMAND", `unknown word ${quote(more[0]!)} after "demo ${name}" (weft demo --help)`);

  const outer = await enterPrivateNetwork();
  if (outer !== null) return outer;
  // Namespaces, links and the programs in them go with this process; there is nothing else to clean up.
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) process.once(signal, () => process.exit(128 + number));
  const report = new Report(values["json"] === true);
  const notice = (line: string): void => void process.stderr.write(`weft: ${line}\n`);
  if (name === "ping") await (await import("./demo-ping.js")).demoPing(report, notice);
  else await (await import("./demo-forward.js")).demoForward(report, notice);
  return report.end();
}
