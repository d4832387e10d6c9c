// weft node …: what an author of nodes needs. Each subcommand has a file of its own.

import { WeftError } from "../errors.js";
import { quote, suggestion } from "../nearest.js";
import type { Output } from "./session.js";
import { NODE_SUBCOMMANDS } from "./node-subcommands.js";
import { usage } from "./usage.js";

const NAMES = NODE_SUBCOMMANDS.map(({ name }) => name.split(" ")[1]!);

/** Runs `weft node ARGV…`; gives the exit status. */
export async function node([first, ...rest]: string[], output: Output): Promise<number> {
  if (first === undefined || isHelp(first)) return help(first === "help" ? rest[0] : undefined, output);
  if (!NAMES.includes(first)) throw unknown(first);
  if (rest.some(isHelp)) return help(first, output);
  switch (first) {
    case "new": return (await import("./node-new.js")).nodeNew(rest, output);
    case "build": return (await import("./node-build.js")).nodeBuild(rest, output);
    case "check": return (await import("./node-check.js")).nodeCheck(rest, output);
    case "bench": return (await import("./node-bench.js")).nodeBench(rest, output);
    default: return (await import("./node-test.js")).nodeTest(rest, output);
  }
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h" || word === "help";
}

function help(subcommand: string | undefined, output: Output): number {
  if (subcommand !== undefined && !NAMES.includes(subcommand)) throw unknown(subcommand);
  output.out(usage(subcommand === undefined ? "node" : `node ${subcommand}`));
  return 0;
}

function unknown(word: string): WeftError {
  return new WeftError("BAD_COMMAND", `unknown subcommand ${quote(word)} of weft node${suggestion(word, NAMES)} (weft node --help)`);
}
