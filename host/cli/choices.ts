// What can come next in a command line, with the names that a router knows: for TAB and "?".

import { readFileSync } from "node:fs";
import type { Control } from "../control/api.js";
import { ARGUMENTS, FILES } from "./arguments.js";
import { grammar } from "./commands.js";
import type { Command, Next, Typed } from "./grammar.js";
import { table } from "./table.js";
import { asWord } from "./words.js";

type Known = [word: string, help: string];

export interface Choices {
  /** the word that is being typed */
  partial: string;
  /** whole words that may stand in its place, and what each means */
  words: Known[];
  /** arguments that may, by their names, and what each wants */
  arguments: [name: string, expected: string][];
  /** a file's name may stand there; its place in the folder is its asker's to look up */
  file: boolean;
  /** what the line does without it; null: it is not complete */
  end: string | null;
}

const HELP_WIDTH = 90;

/** The names that a router knows for an argument. */
const NAMES: Record<string, (control: Control, typed: Typed[]) => string[]> = {
  interface: interfaces,
  "interface-2": interfaces,
  intfc: (control) => ["any", ...interfaces(control)],
  peer: (control) => control.packetGenerator().interfaces.map(({ name }) => name),
  stream: (control) => control.packetGenerator().streams.map(({ name }) => name),
  anchor: (control) => control.runtime().workers[0]?.nodes.map(({ name }) => name) ?? [],
  node: (control) => control.customNodes().map(({ name }) => name),
  next: (control, typed) => control.customNodes().find(({ name }) => typed.some(({ word }) => word === name))?.next ?? [],
  netdev: () => netdevs(),
};

function interfaces(control: Control): string[] {
  return control.interfaces().map(({ name }) => name);
}

/** Without a router: the words of the grammar. */
export function choicesOf(control: Control | null, line: string): Choices {
  const next = grammar.next(line);
  const { partial, command } = next;
  const valuesOf = (name: string): string[] => ARGUMENTS[name]!.choices ?? (control && NAMES[name]?.(control, next.typed)) ?? [];
  const values = next.arguments.flatMap((name) => valuesOf(name).map((word): Known => [word, name]));
  const keywords = next.words.filter(({ word }) => word.startsWith(partial));
  const live = [...new Map(values)].filter(([word]) => word.startsWith(partial));
  return {
    partial,
    words: [
      ...keywords.map(({ word, commands }): Known => [word, meaning(next, word, commands)]),
      ...live.map(([word, name]): Known => [asWord(word), name]),
    ],
    arguments: next.arguments.map((name) => [name, ARGUMENTS[name]!.expected]),
    file: next.arguments.some((name) => FILES.includes(name) || (name === "json" && partial.startsWith("@"))),
    end: command?.help ?? null,
  };
}

/** Of a word: the help of the command that it picks or completes; else what may stand behind it. */
function meaning({ typed, words: others }: Next, word: string, commands: Command[]): string {
  if (word === "--json") return "one line of JSON";
  const picks = others.some((other) => other.commands.some((command) => !commands.includes(command))) || typed.length === 0;
  if (commands.length === 1 && picks) return commands[0]!.help;
  const line = [...typed.map((one) => asWord(one.word)), word].join(" ");
  const { words, arguments: names, command } = grammar.next(`${line} `);
  if (command !== undefined) return picks ? command.help : ""; // a flag speaks for itself
  const list = [...words.map((one) => one.word), ...names.map((name) => `<${name}>`)].join(", ");
  return list.length > HELP_WIDTH ? `${list.slice(0, HELP_WIDTH - 1)}…` : list;
}

/** What "?" prints. */
export function choicesText({ words, arguments: names, end }: Choices): string {
  const known = new Set(names.map(([name]) => name));
  const rows = [
    ...words.filter(([, help]) => !known.has(help)),
    ...names.flatMap(([name, expected]) => {
      const values = words.filter(([, help]) => help === name).map(([word]) => word);
      return [[`<${name}>`, values.length > 0 && ARGUMENTS[name]!.choices === undefined ? `${expected} (${values.join(", ")})` : expected]];
    }),
    ...(end === null ? [] : [["<cr>", end]]),
  ];
  if (rows.length === 0) return "  nothing that is known can come here";
  return table(["", ""], rows).split("\n").slice(1).map((line) => `  ${line}`).join("\n");
}

/** Of this network namespace: proc(5), /proc/net/dev. */
export function netdevs(): string[] {
  try {
    return readFileSync("/proc/net/dev", "utf8").split("\n").flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
  } catch {
    return [];
  }
}
