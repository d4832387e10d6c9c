// Options of the subcommands: node:util's parseArgs, with messages that name the wrong word and the nearest right one.

import { parseArgs } from "node:util";
import { WeftError } from "../errors.js";
import { quote, suggestion } from "../nearest.js";
import { subcommand as described } from "./subcommands.js";

export interface ParsedOptions {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  positionals: string[];
}

/** A word that begins like a negative number is no option: it is a value, right or wrong. */
const NUMBER = /^-\.?\d/;

/** Parses the arguments of a subcommand of the table; throws WeftError BAD_COMMAND. */
export function parseOptions(subcommand: string, argv: string[]): ParsedOptions {
  const types = described(subcommand).options.map(({ name, value }) => [name, { type: value === undefined ? "boolean" : "string" }] as const);
  const options: Record<string, { type: "boolean" | "string" }> = Object.fromEntries(types);
  const { values, tokens } = parseArgs({ args: argv, options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option" || NUMBER.test(argv[token.index]!)) continue;
    const option = options[token.name];
    const fail = (why: string): WeftError => new WeftError("BAD_COMMAND", `${why} (weft ${subcommand} --help)`);
    const known = [...Object.keys(options).map((name) => `--${name}`), "--help"];
    if (option === undefined) throw fail(`unknown option ${quote(token.rawName)} of weft ${subcommand}${suggestion(token.rawName, known)}`);
    if (option.type === "string" && !isValue(token)) throw fail(`option ${token.rawName} needs a value`);
    if (option.type === "boolean" && token.value !== undefined) throw fail(`option ${token.rawName} takes no value`);
  }
  const words = tokens.filter(({ kind, index }) => kind === "positional" || (kind === "option" && NUMBER.test(argv[index]!)));
  return { values, positionals: [...new Set(words.map(({ index }) => index))].map((index) => argv[index]!) }; // -10 is two tokens
}

/** Whether an option was given a value: the option that comes next is none, nor is the empty word that a shell makes of an unset variable. */
function isValue({ value, inlineValue }: { value?: string | undefined; inlineValue?: boolean | undefined }): boolean {
  return value !== undefined && value !== "" && (inlineValue === true || !value.startsWith("-") || NUMBER.test(value));
}

/** A whole number given as an option's value. */
export function numberOption(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new WeftError("BAD_COMMAND", `bad value ${quote(text)} of --${name}: expected a number from ${least} to ${most}`);
}
