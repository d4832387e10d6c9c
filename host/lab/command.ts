// Runs programs for the laboratory, in our network namespace or in another one's. None of them
// outlives us, however we end: the kernel kills a child whose parent dies (PR_SET_PDEATHSIG, prctl(2)).

import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { WeftError } from "../errors.js";

export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** A running program, its standard output and error piped to us. */
export type Running = ChildProcessByStdio<null, Readable, Readable>;

/** Prefix for a program that is to die with us. */
export const DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"];

/** Our environment, with the folders where Debian keeps ip and ethtool, which are not on everybody's PATH. */
export function environment(): NodeJS.ProcessEnv {
  const path = process.env["PATH"] ?? "/usr/bin:/bin";
  return { ...process.env, PATH: path.split(":").includes("/usr/sbin") ? path : `${path}:/usr/sbin:/sbin` };
}

/** The same without the modelled NICs that we may run on: the laboratory's programs are to see the machine as it is. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { LD_PRELOAD, WEFT_EMULATOR, SYSFS_PATH, ...rest } = environment();
  const others = (LD_PRELOAD ?? "").split(":").filter((library) => library !== "" && !library.endsWith("/weft-emulator.so"));
  return {
    ...rest,
    ...(others.length > 0 && { LD_PRELOAD: others.join(":") }),
    ...(WEFT_EMULATOR === undefined && SYSFS_PATH !== undefined && { SYSFS_PATH }),
  };
}

/** Starts a program; `namespace` is the path of a network namespace, null ours. Every wrapper execs the next, so the pid is the program's own. */
export function start(namespace: string | null, command: string, args: string[]): Running {
  const words = [...(namespace === null ? [] : ["nsenter", `--net=${namespace}`, "--"]), ...DIE_WITH_PARENT, command, ...args];
  return spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "pipe"], env: plainEnvironment() });
}

/** Runs a program to its end, or kills it after `timeout` ms. Its own failure is in `status` (128 + n: signal n was the end), not thrown. */
export async function run(namespace: string | null, command: string, args: string[], timeout = 60_000): Promise<CommandResult> {
  const child = start(namespace, command, args);
  const what = [command, ...args].join(" ");
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  let late = false;
  const timer = setTimeout(() => (late = child.kill("SIGKILL")), timeout);
  const status = await ended(child).finally(() => clearTimeout(timer));
  if (late) throw new WeftError("SYSTEM", `"${what}" did not end within ${timeout} ms`);
  // 127 and 126 are what nsenter and setpriv end with when exec fails
  if (status !== 127 && status !== 126) return { status, ...output };
  throw new WeftError("NOT_FOUND", `"${command}" cannot be started: run "npm run setup" (${output.stderr.trim()})`);
}

/** Runs a program that must succeed; gives its standard output. */
export async function must(namespace: string | null, command: string, args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(namespace, command, args);
  if (status !== 0) throw new WeftError("SYSTEM", `"${[command, ...args].join(" ")}" failed: ${stderr.trim() || `status ${status}`}`);
  return stdout;
}

/**
 * Runs this program again with the same arguments, behind a prefix of other programs that exec it; passes signals on, and gives the
 * exit status.
 */
export async function runAgain(prefix: string[], env: NodeJS.ProcessEnv, started: (pid: number) => void = () => {}): Promise<number> {
  const words = [...prefix, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // In a session of its own: Ctrl-C in a terminal reaches a whole process group, and the signal that
  // we pass on would be the second one.
  const child = spawn(words[0]!, words.slice(1), { stdio: "inherit", detached: true, env });
  if (child.pid !== undefined) started(child.pid);
  return passSignals(child, ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]);
}

/** Waits for a program's end as ended() does; until then it gets the signals that we get. */
export async function passSignals(child: ChildProcess, signals: NodeJS.Signals[]): Promise<number> {
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  try {
    return await ended(child);
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}

/** Waits for a program's end and the end of its output; gives its exit status, 128 + n when signal n ended it. */
export function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const mend = cause.code === "ENOENT" ? `: run "npm run setup"` : "";
      reject(new WeftError("SYSTEM", `cannot start a program: ${cause.message}${mend}`, { cause }));
    });
    child.on("close", (status: number | null, signal: NodeJS.Signals | null) => resolve(status ?? 128 + signalNumber(signal)));
  });
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
