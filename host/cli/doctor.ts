// What this machine has and lacks for weft, each lack with a hint.

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WeftError } from "../errors.js";
import { environment } from "../lab/command.js";
import { privateNetworkProblem } from "../lab/private-network.js";
import type { DoctorCheck } from "./doctor-check.js";
import { rdmaChecks } from "./doctor-rdma.js";
import { parseOptions } from "./options.js";
import { table } from "./table.js";

const SETUP = `run "npm run setup"`;
/** capabilities(7): bit numbers in CapEff */
const CAP_NET_ADMIN = 12;
const CAP_NET_RAW = 13;
const CAP_IPC_LOCK = 14;

/** `weft doctor [--json]`: prints the table; 0 when nothing that is needed is missing. */
export async function doctor(argv: string[]): Promise<number> {
  const { values, positionals } = parseOptions("doctor", argv);
  if (positionals.length > 0) throw new WeftError("BAD_COMMAND", `unexpected argument "${positionals[0]}" (weft doctor --help)`);
  const checks = await checkMachine();
  const word = (ok: DoctorCheck["ok"]): string => (ok === true ? "ok" : ok === "warn" ? "warning" : "MISSING");
  const rows = checks.map(({ name, ok, found, hint }) => [name, word(ok), found, hint]);
  process.stdout.write(`${values["json"] === true ? JSON.stringify(checks) : table(["Check", "State", "Found", "Hint"], rows)}\n`);
  return checks.some(({ ok }) => ok === false) ? 1 : 0;
}

/** Looks at the machine; changes nothing. */
async function checkMachine(): Promise<DoctorCheck[]> {
  return [
    nodeVersion(),
    await shim(),
    ...["nodes", "graph"].map(wasm),
    ...networkRights(),
    hugePages(),
    lockedMemory(),
    tool("ip", false, SETUP),
    tool("ping", false, SETUP),
    tool("iperf3", "warn", `for "demo forward": ${SETUP}`),
    tool("traceroute", "warn", `for "demo forward": ${SETUP}`),
    tool("arping", "warn", `for "demo forward": ${SETUP}`),
    tool("tshark", "warn", "for npm test, which installs it"),
    ...(await rdmaChecks()),
    processors(),
  ];
}

function nodeVersion(): DoctorCheck {
  const ok = Number(process.versions.node.split(".")[0]) >= 20;
  return { name: "Node", ok, found: process.versions.node, hint: ok ? "" : "install Node 20 or newer" };
}

async function shim(): Promise<DoctorCheck> {
  try {
    await import("../addon.js");
    return { name: "native shim", ok: true, found: "loads", hint: "" };
  } catch (error) {
    return { name: "native shim", ok: false, found: (error as Error).message, hint: SETUP };
  }
}

function wasm(name: string): DoctorCheck {
  // dist/host/cli/doctor.js → build/
  const path = fileURLToPath(new URL(`../../../build/${name}.wasm`, import.meta.url));
  const found = !existsSync(path) ? "not built" : WebAssembly.validate(readFileSync(path)) ? "valid" : "damaged";
  return { name: `build/${name}.wasm`, ok: found === "valid", found, hint: found === "valid" ? "" : `remove build/, ${SETUP}` };
}

/** Packet sockets on the machine's own interfaces need capabilities; demos and tests a namespace of their own. */
function networkRights(): DoctorCheck[] {
  const own = hasCapability(CAP_NET_RAW) && hasCapability(CAP_NET_ADMIN);
  const problem = privateNetworkProblem();
  const rights: DoctorCheck = own
    ? { name: "network rights", ok: true, found: "CAP_NET_RAW and CAP_NET_ADMIN", hint: "" }
    : { name: "network rights", ok: "warn", found: "no CAP_NET_RAW, CAP_NET_ADMIN", hint: "for the machine's own interfaces run weft as root" };
  const spaces: DoctorCheck =
    problem === null
      ? { name: "private networks", ok: true, found: "can be made", hint: "" }
      : { name: "private networks", ok: own ? "warn" : false, found: "refused", hint: `for demos and tests: ${problem}` };
  return [rights, spaces];
}

function hugePages(): DoctorCheck {
  const free = Number(/^HugePages_Free:\s+(\d+)/m.exec(read("/proc/meminfo"))?.[1] ?? 0);
  const hint = free > 0 ? "" : `faster with them: run "sysctl -w vm.nr_hugepages=64" as root`;
  return { name: "huge pages", ok: free > 0 ? true : "warn", found: `${free} free`, hint };
}

/** Memory that a network adapter reads and writes stays in place: ibv_reg_mr(3) counts it against this limit. */
function lockedMemory(): DoctorCheck {
  const limit = /^Max locked memory\s+(\S+)/m.exec(read("/proc/self/limits"))?.[1] ?? "unknown";
  const ok = limit === "unlimited" || hasCapability(CAP_IPC_LOCK) || Number(limit) >= 64 * 1024 * 1024;
  const found = limit === "unlimited" ? limit : `${Math.floor(Number(limit) / 1024)} KiB`;
  const hint = ok ? "" : `only for ConnectX adapters: "ulimit -l unlimited" as root; in a container "--ulimit memlock=-1"`;
  return { name: "locked memory", ok: ok ? true : "warn", found, hint };
}

function tool(command: string, otherwise: false | "warn", hint: string): DoctorCheck {
  const path = (environment()["PATH"] ?? "").split(":").map((folder) => join(folder, command)).find(isExecutable);
  return { name: command, ok: path === undefined ? otherwise : true, found: path ?? "not installed", hint: path === undefined ? hint : "" };
}

function processors(): DoctorCheck {
  const count = availableParallelism();
  const hint = count > 1 ? "" : "a busy worker will slow the command line down: give it a second one";
  return { name: "processors", ok: count > 1 ? true : "warn", found: String(count), hint };
}

function hasCapability(bit: number): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)/m.exec(read("/proc/self/status"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // /proc is not there: what it would tell counts as missing
  }
}
