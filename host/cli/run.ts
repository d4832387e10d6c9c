// Starts a router, configures it from a script, and keeps it until a signal.

import type { Control, RouterOptions } from "../control/api.js";
import { WeftError } from "../errors.js";
import { enterEmulator } from "../lab/emulator.js";
import type { Output } from "./ctl.js";
import { numberOption, parseOptions } from "./options.js";
import { readScript, runScript } from "./script.js";
import { ControlSocket, defaultSocketPath, freeSocketPath } from "./socket.js";
import { become, findUser } from "./user.js";
import { emulatorOptions } from "./wires.js";

export type StartRouter = (options: RouterOptions) => Promise<Control>;

const OPTIONS = {
  socket: { type: "string" },
  buffers: { type: "string" },
  "pool-size": { type: "string" },
  cpu: { type: "string" },
  "no-clocks": { type: "boolean" },
  isolate: { type: "boolean" },
  emulated: { type: "string" },
  user: { type: "string" },
} as const;

export async function run(argv: string[], start: StartRouter, output: Output): Promise<number> {
  const { values, positionals } = parseOptions("run", argv, OPTIONS);
  if (positionals.length > 1) throw new WeftError("BAD_COMMAND", `one start-up script at most, not ${positionals.join(" ")} (weft run --help)`);
  const options: RouterOptions = { clocks: values["no-clocks"] !== true, isolate: values.isolate === true, notice: (line) => output.error(`weft: ${line}\n`) };
  if (values.buffers !== undefined) options.buffers = numberOption("buffers", String(values.buffers), 1024, 262128);
  if (values["pool-size"] !== undefined) options.poolSize = numberOption("pool-size", String(values["pool-size"]), 3, 559);
  if (values.cpu !== undefined) options.cpu = numberOption("cpu", String(values.cpu), 0, 1023);
  const user = values.user === undefined ? undefined : findUser(String(values.user));
  const path = (values.socket as string | undefined) ?? (user ? defaultSocketPath({}, user.uid) : defaultSocketPath());

  // All that can be wrong is found before anything is touched.
  const lines = positionals[0] === undefined ? [] : await readScript(positionals[0]);
  await freeSocketPath(path);
  const outer = values.emulated === undefined ? null : await enterEmulator(emulatorOptions(String(values.emulated)));
  if (outer !== null) return outer;

  const ending = new AbortController();
  const end = (): void => ending.abort();
  let failure: WeftError | undefined;
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
      if (!ending.signal.aborted) await listenUntilAborted(control, path, ending.signal, output);
    } finally {
      await control.stop();
    }
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
  if (failure) throw failure;
  return 0;
}

async function listenUntilAborted(control: Control, path: string, signal: AbortSignal, output: Output): Promise<void> {
  const socket = await ControlSocket.listen(control, path);
  output.error(`weft: ready, socket ${path}\n`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await socket.close();
}
