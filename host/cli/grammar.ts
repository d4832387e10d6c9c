// VPP's grammar: words, of which any unambiguous prefix will do, and typed arguments. A pattern is
//
//   set interface mtu [packet] <mtu> <interface>
//
// words, <arguments> (arguments.ts) and [optional parts]; optional parts that stand side by side may come in any
// order, each once. An optional part of one word is a flag. A line is parsed whole before anything is executed.
// What a word is, words.ts says.

import type { Control } from "../control/api.js";
import { WeftError } from "../errors.js";
import { ARGUMENTS } from "./arguments.js";
import { quote, suggestion } from "../nearest.js";
import { words as wordsOf } from "./words.js";

/** Where a command runs: what it acts on, and where its output goes. */
export interface Context {
  control: Control;
  /** takes text without the final newline */
  out: (text: string) => void;
  /** aborted when whoever asked is gone */
  signal: AbortSignal;
}

/** Arguments as they were typed, by name, and the flags that were; those of optional parts may be absent. */
export type Values = Record<string, string>;

export interface Command {
  pattern: string;
  help: string;
  /** lines as one would type them, for the manual, each tried by a test; where the pattern is one as it stands there need be none */
  examples?: readonly string[];
  /** what it does; a number is an exit status other than 0 */
  run: (context: Context, values: Values, json: boolean) => void | Promise<void | number>;
  /** whether it takes --json */
  json?: boolean;
}

/** A command line that parsed. */
export interface Parsed {
  command: Command;
  values: Values;
  json: boolean;
  /** its words, but for --json */
  typed: Typed[];
}

export interface Typed {
  word: string;
  /** name of the argument that it is; undefined: a word of the command */
  argument: string | undefined;
}

/** What may come next in a line. */
export interface Next {
  /** the word that is being typed */
  partial: string;
  /** the words before it */
  typed: Typed[];
  /** the words that may stand in its place, and the commands to which each leads */
  words: { word: string; commands: Command[] }[];
  /** names of the arguments that may stand there */
  arguments: string[];
  /** that is complete without it */
  command: Command | undefined;
}

type Step = { word: string; flag: boolean } | { argument: string };
type Item = Step | { options: Item[][] };
/** What may come next, and the command that is complete here. A dozen options have half a billion orders: only the states on the way are made. */
interface State {
  edges: { step: Step; to: () => State; of: Command }[];
  command: Command | undefined;
}
interface Thread {
  state: State;
  typed: Typed[];
}

/** Widest column of patterns in help: what is longer, as some with many options are, has its help right behind it. */
const HELP_COLUMN = 48;

export class Grammar {
  readonly #commands: Command[];
  readonly #root: State;

  constructor(commands: Command[]) {
    this.#commands = commands;
    this.#root = merge(commands.map((command) => build(items(command.pattern), command)));
  }

  /** Parses a line; throws WeftError BAD_COMMAND that names the place, the wrong word and what is right there. */
  parse(line: string): Parsed {
    const all = wordsOf(line);
    const words = all.filter((word) => word !== "--json");
    if (words.length === 0) throw bad('no command: "help" lists them');
    const json = words.length < all.length;
    if (words[0] === "?" || "help".startsWith(words[0]!)) return this.#help(words.slice(1));
    if (words.at(-1) === "?") return this.#help(words.slice(0, -1));

    let threads: Thread[] = [{ state: this.#root, typed: [] }];
    words.forEach((word, i) => { threads = advance(threads, word, words.slice(0, i + 1).join(" ")); });
    const end = threads.find((thread) => thread.state.command !== undefined);
    if (end === undefined) throw bad(`${quote(words.join(" "))} is incomplete${suggestion("", ...expectedAt(threads))}`);
    const command = end.state.command!;
    if (json && command.json !== true) throw bad(`--json goes with show commands only, not with ${quote(words.join(" "))}`);
    return { command, values: valuesOf(end.typed), json, typed: end.typed };
  }

  /** What may come next in a line of which this is the beginning; its last word, if no blank follows it, may not be complete. */
  next(line: string): Next {
    const all = wordsOf(line);
    const partial = all.length > 0 && !/\s$/.test(line) ? all.pop()! : "";
    const read = all.filter((word) => word !== "--json");
    const nothing: Next = { partial, typed: [], words: [], arguments: [], command: undefined };
    let threads: Thread[] = [{ state: this.#root, typed: [] }];
    try {
      read.forEach((word, i) => { threads = advance(threads, word, read.slice(0, i + 1).join(" ")); });
    } catch {
      return nothing;
    }
    const [keywords, placeholders] = expectedAt(threads);
    const command = threads.find((thread) => thread.state.command !== undefined)?.state.command;
    const words = keywords.map((word) => ({ word, commands: commandsBehind(threads, word) }));
    if (command?.json === true && read.length === all.length) words.push({ word: "--json", commands: [command] });
    return { partial, typed: threads[0]!.typed, words, arguments: placeholders.map((one) => one.slice(1, -1)), command };
  }

  /** Lists the commands whose words begin like these. */
  #help(words: string[]): Parsed {
    const fits = this.#commands.filter(({ pattern }) => begins(pattern, words));
    if (fits.length === 0) throw bad(`no command begins with ${quote(words.join(" "))}: "help" lists them all`);
    const width = Math.min(HELP_COLUMN, Math.max(...fits.map(({ pattern }) => pattern.length)));
    const lines = fits.map(({ pattern, help }) => `${pattern.padEnd(width)}  ${help}`);
    const run = ({ out }: Context): void => out(lines.join("\n"));
    return { command: { pattern: "help", help: "", run }, values: {}, json: false, typed: [] };
  }
}

/** Lines as one would type them. */
export function examplesOf({ pattern, examples }: Command): readonly string[] {
  return examples ?? (/[[<]/.test(pattern) ? [] : [pattern]);
}

function valuesOf(typed: Typed[]): Values {
  return Object.fromEntries(typed.flatMap(({ word, argument }) => (argument === undefined ? [] : [[argument, word]])));
}

/** Whether a pattern's words begin with these prefixes, as far as its first argument. */
function begins(pattern: string, prefixes: string[]): boolean {
  const words = pattern.split(" ");
  const argument = words.findIndex((word) => /^[[<]/.test(word));
  return prefixes.every((prefix, i) => (argument >= 0 && i >= argument) || words[i]?.startsWith(prefix) === true);
}

function items(pattern: string): Item[] {
  const list: Item[] = [];
  for (const part of pattern.match(/\[[^\]]*\]|\S+/g) ?? []) {
    const last = list.at(-1);
    if (!part.startsWith("[")) list.push(part.startsWith("<") ? { argument: part.slice(1, -1) } : { word: part, flag: false });
    else if (last !== undefined && "options" in last) last.options.push(option(part.slice(1, -1)));
    else list.push({ options: [option(part.slice(1, -1))] });
  }
  return list;
}

function option(text: string): Item[] {
  const parts = items(text);
  return parts.length === 1 && "word" in parts[0]! ? [{ ...parts[0], flag: true }] : parts;
}

/** The state before a sequence of items: a small automaton without empty transitions. */
function build(sequence: Item[], command: Command): State {
  const [first, ...rest] = sequence;
  if (first === undefined) return { edges: [], command };
  if (!("options" in first)) return { edges: [{ step: first, to: once(() => build(rest, command)), of: command }], command: undefined };
  const taken = first.options.map((option, i) => {
    const others = first.options.filter((_, j) => j !== i);
    return build([...option, { options: others }, ...rest], command);
  });
  return merge([...taken, build(rest, command)]);
}

function once(make: () => State): () => State {
  let made: State | undefined;
  return () => (made ??= make());
}

function merge(states: State[]): State {
  return { edges: states.flatMap((state) => state.edges), command: states.find((state) => state.command !== undefined)?.command };
}

/** Takes one word: an exact keyword before a keyword's prefix before an argument. `line` is all that was read, for messages. */
function advance(threads: Thread[], word: string, line: string): Thread[] {
  const [keywords] = expectedAt(threads);
  const fits = keywords.includes(word) ? [word] : keywords.filter((keyword) => keyword.startsWith(word));
  if (fits.length > 1) throw bad(`${quote(word)} in ${quote(line)} is ambiguous: it could be ${fits.join(" or ")}`);

  const next: Thread[] = [];
  for (const { state, typed } of threads) {
    for (const { step, to } of state.edges) {
      if ("word" in step) {
        if (step.word === fits[0]) next.push({ state: to(), typed: [...typed, { word: step.word, argument: step.flag ? step.word : undefined }] });
      } else if (fits.length === 0 && ARGUMENTS[step.argument]!.accepts(word)) {
        next.push({ state: to(), typed: [...typed, { word, argument: step.argument }] });
      }
    }
  }
  if (next.length === 0) throw refusal(threads, word, line);
  return next;
}

/** The words and the <arguments> that may come next. */
function expectedAt(threads: Thread[]): [keywords: string[], placeholders: string[]] {
  const steps = threads.flatMap(({ state }) => state.edges.map(({ step }) => step));
  const keywords = new Set(steps.flatMap((step) => ("word" in step ? [step.word] : [])));
  const placeholders = new Set(steps.flatMap((step) => ("argument" in step ? [`<${step.argument}>`] : [])));
  return [[...keywords].sort(), [...placeholders].sort()];
}

function commandsBehind(threads: Thread[], word: string): Command[] {
  const edges = threads.flatMap(({ state }) => state.edges).filter(({ step }) => "word" in step && step.word === word);
  return [...new Set(edges.map(({ of }) => of))];
}

function refusal(threads: Thread[], word: string, line: string): WeftError {
  const [keywords, placeholders] = expectedAt(threads);
  if (keywords.length + placeholders.length === 0) {
    return bad(`unexpected ${quote(word)} at the end of ${quote(line)}: the command is complete before it`);
  }
  const unknown = suggestion(word, keywords, placeholders);
  // A word that is nearly a keyword is a typo; anything else here was meant to be the argument.
  if (placeholders.length === 0 || unknown.includes("did you mean")) return bad(`unknown word ${quote(word)} in ${quote(line)}${unknown}`);
  const names = placeholders.map((placeholder) => placeholder.slice(1, -1));
  const fault = names.length === 1 ? ARGUMENTS[names[0]!]!.fault?.(word) : undefined;
  if (fault !== undefined) return bad(`bad ${names[0]} in ${quote(line.slice(0, -word.length).trimEnd())}, ${fault}`);
  const expected = [...names.map((name) => ARGUMENTS[name]!.expected), ...keywords.map(quote)].join("; or ");
  return bad(`bad ${names.join(" or ")} ${quote(word)} in ${quote(line)}: expected ${expected}`);
}

function bad(message: string): WeftError {
  return new WeftError("BAD_COMMAND", message);
}
