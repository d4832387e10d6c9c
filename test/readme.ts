// What README.md shows of weft: commands in its tables, blocks and sentences.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ARGUMENTS } from "../host/cli/arguments.js";
import { grammar } from "../host/cli/commands.js";
import { withoutComment } from "../host/cli/words.js";

export const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");

export interface Block {
  language: string;
  lines: string[];
}

export function blocks(text = README): Block[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)\n```$/gm)].map(([, language, body]) => ({ language: language!, lines: body!.split("\n") }));
}

/** Code in sentences and tables, as it stands there. */
export function spans(text = README): string[] {
  return [...text.replace(/^```[^]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!.replaceAll("\\|", "|"));
}

/** Spans of the first cells of tables that describe commands: those with the head "command". */
export function tableForms(text = README): string[][] {
  const tables = text.matchAll(/^\| command \|.*\n\|[-| ]+\n((?:\|.*\n)+)/gm);
  return [...tables].flatMap(([, rows]) => rows!.trim().split("\n").map((row) => spans(row.split(/(?<!\\)\|/)[1]!)));
}

/** Calls of weft in shell blocks: the words behind its name. Chains of commands come apart, comments go. */
export function calls(text = README): string[] {
  const lines = blocks(text).filter(({ language }) => language === "sh").flatMap(({ lines: all }) => all);
  return [...lines.map(withoutComment), ...spans(text)].flatMap((line) => line.split(/&&|&|\s\|\s/)).flatMap((part) => {
    const [, words] = /^\s*(?:npm run (?:-s )?weft --|weft)\s+(.*\S)\s*$/.exec(part) ?? [];
    return words === undefined ? [] : [words];
  });
}

/** A shell's words: quotes go, what is in them stays together. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

/**
 * Lines that a form stands for: `set interface state IF up|down` for two, each with an example in place of IF. It may begin as one of those
 * before it in its row do. Throws where one is no command.
 */
export function linesOf(form: string, before: string[] = []): string[] {
  const prefixes = before.flatMap((other) => other.split(" ").map((_, i, all) => `${all.slice(0, i + 1).join(" ")} `));
  for (const prefix of ["", ...prefixes]) {
    for (const variants of [expand(prefix + form), ...expandPhrases(prefix + form)]) {
      const lines = variants.map(filled);
      if (lines.every((line) => line !== undefined)) return lines;
    }
  }
  throw new Error(`README.md: \`${form}\` is no command`);
}

/** With and without the parts in brackets, and with each of the words that "|" parts. */
function expand(form: string): string[] {
  const plain = form.replace(/\[(?:OPTIONS|:[A-Z]+)\]/g, "");
  return [plain.replace(/\[([^\]]*)\]/g, ""), plain.replace(/\[([^\]]*)\]/g, "$1")].flatMap((variant) =>
    variant.trim().split(/\s+/).reduce<string[]>((lines, word) => lines.flatMap((line) => word.split("|").map((one) => `${line} ${one}`)), [""])
      .map((line) => line.trim()));
}

/** The same where "|" parts more than words, whatever they have in common before it: show interface|ip fib. */
function expandPhrases(form: string): string[][] {
  const [first, ...others] = form.split("|");
  const words = first!.trim().split(" ");
  return words.map((_, i) => [first!, ...others.map((other) => `${words.slice(0, i).join(" ")} ${other}`)].flatMap(expand));
}

/** A line with examples in place of the words in capitals; undefined where it is no command. */
function filled(line: string): string | undefined {
  const words = line.trim().split(/\s+/);
  const at = words.findIndex((word) => /^[A-Z][A-Z/]*$/.test(word));
  if (at < 0) return parses(line) ? line.trim() : undefined;
  const beginning = words.slice(0, at).join(" ");
  const likely = (name: string): number => (name.startsWith(words[at]![0]!.toLowerCase()) ? 0 : 1);
  for (const name of grammar.next(`${beginning} `).arguments.sort((a, b) => likely(a) - likely(b))) {
    const found = filled([beginning, sample(name), ...words.slice(at + 1)].join(" "));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Something that an argument accepts, as its own description says it. */
function sample(name: string): string {
  const { choices, expected, accepts } = ARGUMENTS[name]!;
  const text = choices?.[0] ?? /such as (.+?)(?:, | or |$)/.exec(expected)?.[1] ?? "";
  if (!accepts(text)) throw new Error(`arguments.ts: what "${name}" expects needs an example: "…, such as …"`);
  return text;
}

export function parses(line: string): boolean {
  try {
    grammar.parse(line);
    return true;
  } catch {
    return false;
  }
}
