// The demos: each in a private network namespace, which is gone with the process however that ends.

import { WeftError } from "../errors.js";
import { enterEmulator } from "../lab/emulator.js";
import { enterPrivateNetwork } from "../lab/private-network.js";
import { demoNode } from "./demo-node.js";
import { demoPort, demoWires, portChoice } from "./demo-ports.js";
import { parseOptions } from "./options.js";
import { quote, suggestion } from "../nearest.js";
import { Report } from "./report.js";
import { emulatorOptions } from "./wires.js";

/** The demos there are, and how many ports the router of each has. */
const DEMOS = new Map([["ping", 1], ["forward", 2]]);

/** Runs `weft demo NAME [--port PORT] [--node FILE] [--json]`; gives the exit status. */
export async function demo(argv: string[]): Promise<number> {
  const { values, positionals } = parseOptions("demo", argv);
  const [name, ...more] = positionals;
  if (name === undefined) throw new WeftError("BAD_COMMAND", "which demo? ping or forward (weft demo --help)");
  const ports = DEMOS.get(name);
  if (ports === undefined) throw new WeftError("BAD_COMMAND", `unknown demo ${quote(name)}${suggestion(name, [...DEMOS.keys()])} (weft demo --help)`);
  if (more.length > 0) throw new WeftError("BAD_COMMAND", `unknown word ${quote(more[0]!)} after "demo ${name}" (weft demo --help)`);

  if (values["node"] !== undefined && name !== "ping") throw new WeftError("BAD_COMMAND", "--node goes with demo ping only (weft demo --help)");
  const node = values["node"] === undefined ? null : demoNode(String(values["node"]));
  const choice = portChoice(String(values["port"] ?? "emulated"), ports);
  // Real ports are where they are.
  const outer = choice.kind === "rdma" ? null : await enterPrivateNetwork();
  if (outer !== null) return outer;
  const inner = choice.kind === "emulated" ? await enterEmulator(emulatorOptions(demoWires(ports))) : null;
  if (inner !== null) return inner;
  // Namespaces, links and the programs in them go with this process; there is nothing else to clean up.
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) process.once(signal, () => process.exit(128 + number));
  const report = new Report(values["json"] === true);
  const notice = (line: string): void => void process.stderr.write(`weft: ${line}\n`);
  const places = await Promise.all(Array.from({ length: ports }, (_, n) => demoPort(choice, n)));
  if (name === "ping") await (await import("./demo-ping.js")).demoPing(report, notice, places[0]!, node);
  else await (await import("./demo-forward.js")).demoForward(report, notice, places);
  return report.end();
}
