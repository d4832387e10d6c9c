// Command lines of the benchmarks: a mistake gives one line and status 2, --help the usage.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { quote, suggestion } from "../host/nearest.js";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

/** Ends the program with status 2: what is wrong, and how to learn what is right. */
export function refuse(message: string): never {
  console.error(`${message} (--help tells more)`);
  process.exit(2);
}

/** The options given on the command line; prints `usage` and ends the program where --help is among them. */
export function optionsOf<const T extends Options>(options: T, usage: string): Values<T> {
  const names = [...Object.keys(options), "help"].map((name) => `--${name}`);
  const { tokens } = parseArgs({ options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option" || names.includes(`--${token.name}`)) continue;
    refuse(`unknown option ${quote(token.rawName)}${suggestion(token.rawName, names)}`);
  }
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    if (!(values as { help?: boolean }).help) return values as Values<T>;
  } catch (error) {
    refuse((error as Error).message.split("\n", 1)[0]!);
  }
  console.log(usage);
  process.exit(0);
}

/** A number of times, at least one; `option` is where it was given. */
export function times(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) refuse(`${option}: ${quote(text)} is not a number from 1 to 9999`);
  return Number(text);
}

/** Words of which each must be one of those that there are; `kind` says of what. */
export function known(kind: string, words: string[], there: string[]): string[] {
  for (const word of words) if (!there.includes(word)) refuse(`unknown ${kind} ${quote(word)}${suggestion(word, there)}`);
  return words;
}
