// Options of the subcommands: node:util's parseArgs, with messages that name the wrong word and the nearest right one.

import { parseArgs } from "node:util";
import { WeftError } from "../errors.js";
import { quote, suggestion } from "../nearest.js";
import { subcommand as described } from "./subcommands.js";

export interface ParsedOptions {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  positionals: string[];
}

/** Parses the arguments of a subcommand of the table; throws WeftError BAD_COMMAND. */
export function parseOptions(subcommand: string, argv: string[]): ParsedOptions {
  const types = described(subcommand).options.map(({ name, value }) => [name, { type: value === undefined ? "boolean" : "string" }] as const);
  const options: Record<string, { type: "boolean" | "string" }> = Object.fromEntries(types);
  const { values, positionals, tokens } = parseArgs({ args: argv, options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = options[token.name];
    const fail = (why: string): WeftError => new WeftError("BAD_COMMAND", `${why} (weft ${subcommand} --help)`);
    const known = [...Object.keys(options).map((name) => `--${name}`), "--help"];
    if (option === undefined) throw fail(`unknown option ${quote(token.rawName)} of weft ${subcommand}${suggestion(token.rawName, known)}`);
    if (option.type === "string" && (token.value === undefined || (!token.inlineValue && token.value.startsWith("-")))) {
      throw fail(`option ${token.rawName} needs a value`);
    }
    if (option.type === "boolean" && token.value !== undefined) throw fail(`option ${token.rawName} takes no value`);
  }
  return { values, positionals };
}

/** A whole number given as an option's value. */
export function numberOption(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new WeftError("BAD_COMMAND", `bad value ${quote(text)} of --${name}: expected a number from ${least} to ${most}`);
}
