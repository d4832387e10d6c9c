// Starts a router, configures it from a script, and keeps it until a signal.

import type { Control, RouterOptions } from "../control/api.js";
import { WeftError } from "../errors.js";
import { type Output, local } from "./session.js";
import { type ParsedOptions, numberOption, parseOptions } from "./options.js";
import type { Notices } from "./prompt.js";
import { readScript, runScript } from "./script.js";
import { ControlSocket, defaultSocketPath, freeSocketPath } from "./socket.js";
import { become, findUser } from "./user.js";

export type StartRouter = (options: RouterOptions) => Promise<Control>;

/** `input`: where the commands of --interactive come from. */
export async function run(argv: string[], start: StartRouter, output: Output, input: NodeJS.ReadStream = process.stdin): Promise<number> {
  const { values, positionals } = parseOptions("run", argv);
  if (positionals.length > 1) throw new WeftError("BAD_COMMAND", `one start-up script at most, not ${positionals.join(" ")} (weft run --help)`);
  const notices: Notices = { tell: (line) => output.error(`weft: ${line}\n`) };
  const options = routerOptions(values, notices);
  const user = values.user === undefined ? undefined : findUser(String(values.user));
  const path = (values.socket as string | undefined) ?? (user ? defaultSocketPath({}, user.uid) : defaultSocketPath());

  // All that can be wrong is found before anything is touched.
  const lines = positionals[0] === undefined ? [] : await readScript(positionals[0]);
  await freeSocketPath(path);
  const outer = values.emulated === undefined ? null : await emulated(String(values.emulated));
  if (outer !== null) return outer;

  const ending = new AbortController();
  const end = (): void => ending.abort();
  let failure: WeftError | undefined;
  let status = 0;
  options.failed = (error) => {
    failure = error;
    end();
  };
  process.once("SIGINT", end).once("SIGTERM", end); // once: a second Ctrl-C kills
  try {
    const control = await start(options);
    try {
      await runScript(lines, { control, out: (text) => output.out(`${text}\n`), signal: ending.signal });
      if (user) become(user);
      const { signal } = ending;
      const work = async (): Promise<number> =>
        (values.interactive ? (await import("./prompt.js")).converse(local(control), input, output, signal, notices) : aborted(signal));
      if (!signal.aborted) status = await listening(control, path, output, work);
    } finally {
      await control.stop();
    }
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
  if (failure) throw failure;
  return status;
}

/** Runs weft again on modelled ports; null in that second run. */
async function emulated(wires: string): Promise<number | null> {
  const { checkNetdevs, emulatorOptions } = await import("./wires.js");
  const options = emulatorOptions(wires);
  checkNetdevs(wires);
  return (await import("../lab/emulator.js")).enterEmulator(options);
}

function routerOptions(values: ParsedOptions["values"], notices: Notices): RouterOptions {
  const options: RouterOptions = {
    clocks: values["no-clocks"] !== true, fuse: values["no-fuse"] !== true, isolate: values.isolate === true, notice: (line) => notices.tell(line),
  };
  if (values.buffers !== undefined) options.buffers = numberOption("buffers", String(values.buffers), 1024, 262128);
  if (values["pool-size"] !== undefined) options.poolSize = numberOption("pool-size", String(values["pool-size"]), 3, 559);
  if (values.workers !== undefined) options.workers = numberOption("workers", String(values.workers), 1, 64);
  if (values.cpu !== undefined) options.cpu = String(values.cpu).split(",").map((cpu) => numberOption("cpu", cpu, 0, 1023));
  return options;
}

/** Answers on the socket for as long as something else takes; gives what that gives. */
async function listening(control: Control, path: string, output: Output, meanwhile: () => Promise<number>): Promise<number> {
  const socket = await ControlSocket.listen(control, path);
  output.error(`weft: ready, socket ${path}\n`);
  try {
    return await meanwhile();
  } finally {
    await socket.close();
  }
}

function aborted(signal: AbortSignal): Promise<number> {
  if (signal.aborted) return Promise.resolve(0);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(0), { once: true }));
}
