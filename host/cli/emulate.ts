// weft emulate: any command on modelled ConnectX ports.

import { WeftError } from "../errors.js";
import { runEmulated } from "../lab/emulator.js";
import { quote, suggestion } from "../nearest.js";
import { numberOption, parseOptions } from "./options.js";
import { MODELS } from "./subcommands.js";
import { emulatorOptions } from "./wires.js";

/** Runs `weft emulate --wire WIRES -- COMMAND…`; gives the command's exit status. */
export async function emulate(argv: string[]): Promise<number> {
  const end = argv.indexOf("--");
  const { values, positionals } = parseOptions("emulate", end < 0 ? argv : argv.slice(0, end));
  if (positionals.length > 0) throw bad(`the command goes behind "--": unexpected ${quote(positionals[0]!)}`);
  const command = end < 0 ? [] : argv.slice(end + 1);
  if (command.length === 0) throw bad('which command? it goes behind "--", such as: weft emulate --wire sink -- ibv_devinfo');
  if (values.wire === undefined) throw bad("--wire is missing: what is behind the ports?");
  const model = values.model as string | undefined;
  if (model !== undefined && !MODELS.includes(model)) throw bad(`bad value ${quote(model)} of --model${suggestion(model, MODELS)}`);
  const ports = values.ports === undefined ? undefined : numberOption("ports", String(values.ports), 1, 8);
  return runEmulated(emulatorOptions(String(values.wire), ports, model), command);
}

function bad(message: string): WeftError {
  return new WeftError("BAD_COMMAND", `${message} (weft emulate --help)`);
}
