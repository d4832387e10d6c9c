// What --help prints.

import type { Subcommand } from "./subcommand.js";
import { SUBCOMMANDS, subcommand } from "./subcommands.js";

const EXAMPLES = [
  "weft demo ping", "weft node new hello && weft node build && weft node test", "weft run router.weft", "weft ctl show interface", "weft help run",
];

/** Help for a subcommand ("run", "node build"), or for all of weft. */
export function usage(name?: string): string {
  return name === undefined ? general() : detailed(subcommand(name));
}

function general(): string {
  const list = SUBCOMMANDS.filter((one) => !one.name.includes(" ")).map(({ name, summary }): Row => [name, summary]);
  return [
    "weft: a packet graph whose every node is a WebAssembly function",
    "Usage: weft SUBCOMMAND …\n       weft                on a terminal: a prompt for the router that runs",
    rows([...list, ["help [SUBCOMMAND], --help, -h", ""], ["--version", ""]]),
    `Examples:\n${indented(EXAMPLES)}\n`,
  ].join("\n\n");
}

function detailed({ name, synopsis, about, words = [], options, notes, examples }: Subcommand): string {
  const list: Row[] = [...words.map(([word, help]): Row => [word, help]), ...options.map((one): Row => [flag(one), one.help])];
  return [
    `Usage: weft ${name} ${synopsis}`.trimEnd(),
    about,
    ...(list.length > 0 ? [rows(list)] : []),
    ...(notes === undefined ? [] : [notes]),
    `Examples:\n${indented(examples)}\n`,
  ].join("\n\n");
}

/** "--socket PATH" */
export function flag({ name, value }: { name: string; value?: string }): string {
  return `--${name}${value === undefined ? "" : ` ${value}`}`;
}

type Row = [left: string, right: string];

function rows(list: Row[]): string {
  const width = Math.max(...list.filter(([, right]) => right !== "").map(([left]) => left.length));
  return list.map(([left, right]) => `  ${left.padEnd(width)}  ${right.replaceAll("\n", `\n${" ".repeat(width + 4)}`)}`.trimEnd()).join("\n");
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
