// Programs on modelled ConnectX ports: native/emulator is a library that they start with (LD_PRELOAD, ld.so(8)), and the genuine
// libibverbs in them finds what it models. WEFT_EMULATOR tells it the ports: "wire=netdev:weft0,model=cx5;wire=sink".

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";
import { WeftError } from "../errors.js";
import { DIE_WITH_PARENT, environment, passSignals, plainEnvironment, runAgain } from "./command.js";

// dist/host/lab/emulator.js → native/build/Release/weft-emulator.so
export const EMULATOR = fileURLToPath(new URL("../../../native/build/Release/weft-emulator.so", import.meta.url));

/** Runs this program again on these ports. Gives null in that second run; in the first one the exit status of the second, after its end. */
export async function enterEmulator(options: string): Promise<number | null> {
  if (process.env["WEFT_EMULATOR"] === options && process.env["LD_PRELOAD"]?.split(":").includes(EMULATOR)) return null;
  let child = 0;
  const status = await runAgain([...DIE_WITH_PARENT, ...preload(options)], withoutSysfs(environment()), (pid) => (child = pid));
  removeFolder(child);
  return status;
}

/** Runs a command on these ports, with our terminal; gives its exit status, 128 + n when signal n was its end. */
export async function runEmulated(options: string, command: string[]): Promise<number> {
  const words = [...DIE_WITH_PARENT, ...preload(options), ...command];
  const child = spawn(words[0]!, words.slice(1), { stdio: "inherit", env: withoutSysfs(environment()) });
  // From a terminal Ctrl-C reaches the command by itself. (Not process.stdin.isTTY, which makes a pipe non-blocking for the command, too.)
  const terminal = isatty(0);
  const own: NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];
  if (terminal) for (const signal of own) process.on(signal, () => {});
  const status = await passSignals(child, ["SIGTERM", "SIGHUP", ...(terminal ? [] : own)]);
  if (child.pid !== undefined) removeFolder(child.pid);
  return status;
}

/** env(1), so that none of the programs before the last one loads the library. */
function preload(options: string): string[] {
  if (!existsSync(EMULATOR)) throw new WeftError("ADDON_MISSING", `the modelled ConnectX ${EMULATOR} is not built: run "npm run setup"`);
  const others = plainEnvironment()["LD_PRELOAD"];
  return ["env", `LD_PRELOAD=${EMULATOR}${others === undefined ? "" : `:${others}`}`, `WEFT_EMULATOR=${options}`];
}

/** The library makes its own sysfs, unless this names another one. */
function withoutSysfs({ SYSFS_PATH: _, ...rest }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return rest;
}

/** The library keeps its sysfs and control socket in /dev/shm, and a link to them in TMPDIR; when it is killed it removes neither. */
function removeFolder(pid: number): void {
  for (const parent of ["/dev/shm", process.env["TMPDIR"] ?? "/tmp"]) rmSync(join(parent, `weft-emulator-${pid}`), { recursive: true, force: true });
}
