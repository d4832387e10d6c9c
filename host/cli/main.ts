// The command line's entry.

import { fstatSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Control, RouterOptions } from "../control/api.js";
import { WeftError } from "../errors.js";
import { ctl } from "./ctl.js";
import { quote, suggestion } from "../nearest.js";
import { parseOptions } from "./options.js";
import type { Output } from "./session.js";
import { exitStatus } from "./status.js";
import { SUBCOMMANDS } from "./subcommands.js";
import { usage } from "./usage.js";

const NAMES = [...SUBCOMMANDS.map(({ name }) => name).filter((name) => !name.includes(" ")), "help"];

const OUTPUT: Output = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
};

/**
 * Runs `weft ARGV…`; gives the exit status: 0, 1 failed, 2 called wrongly. A router runs on without its standard output, and without its
 * standard error.
 */
export async function main(argv: string[]): Promise<number> {
  let lost: string | undefined;
  process.stderr.on("error", () => {}); // nobody is left to be told
  process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    // A reader who is gone is no failure of ours.
    if (code === "EPIPE" || lost !== undefined) return;
    lost = code ?? message;
    OUTPUT.error(`weft: cannot write to standard output: ${lost}\n`);
  });
  const status = await outcome(argv);
  await nextTurn(); // failed writes are reported in the next turn
  return status === 0 && lost !== undefined ? 1 : status;
}

async function outcome(argv: string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    OUTPUT.error(`weft: ${error.message}\n`);
    return exitStatus(error);
  }
}

async function dispatch([first, ...rest]: string[]): Promise<number> {
  if (first === "help" && rest[0] === "node") return dispatch(rest.concat("--help"));
  if (first === undefined) return converse();
  if (first === "--help" || first === "-h" || first === "help") return help(first === "help" ? rest[0] : undefined);
  if (first === "--version") return version();
  if (NAMES.includes(first) && first !== "node" && wantsHelp(first, rest)) return help(first); // weft node has subcommands with help of their own
  // Modules are loaded when they are needed: ctl and --help work without the native shim.
  switch (first) {
    case "run": {
      const { run } = await import("./run.js");
      return run(rest, startRouter, OUTPUT);
    }
    case "ctl":
      // `… | head`: who reads is gone, and nothing is left to clean up.
      process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 1));
      return ctl(rest, OUTPUT);
    case "top":
      return (await import("./top.js")).top(rest, OUTPUT);
    case "demo":
      return (await import("./demo.js")).demo(rest);
    case "node":
      return (await import("./node.js")).node(rest, OUTPUT);
    case "emulate":
      return (await import("./emulate.js")).emulate(rest);
    case "completion":
      return (await import("./completion.js")).completion(rest, OUTPUT);
    case "complete": // what the scripts of completion ask
      return (await import("./completion.js")).complete(rest.slice(rest[0] === "--" ? 1 : 0), OUTPUT);
    case "man": {
      const { manual } = await import("./man.js");
      const { positionals } = parseOptions("man", rest);
      if (positionals.length > 0) throw new WeftError("BAD_COMMAND", `unexpected argument ${quote(positionals[0]!)} (weft man --help)`);
      OUTPUT.out(manual(new Date().toISOString().slice(0, 10)));
      return 0;
    }
    case "doctor":
      return (await import("./doctor.js")).doctor(rest);
    default:
      throw unknown(first);
  }
}

/** The worker's thread and the control plane load their modules at the same time. */
async function startRouter(options: RouterOptions): Promise<Control> {
  (await import("../control/engine-link.js")).startThread();
  return (await import("../control/router.js")).Router.start(options);
}

/** `weft` alone: a prompt for the router that runs, or what standard input says to it; help where there is neither. */
async function converse(): Promise<number> {
  const { defaultSocketPath, knock } = await import("./socket.js");
  const path = defaultSocketPath();
  const answers = (await knock(path)) === undefined;
  if (answers && (process.stdin.isTTY || hasInput())) return ctl(["--socket", path], OUTPUT);
  help(undefined);
  if (process.stdin.isTTY && !answers) OUTPUT.error(`weft: no router answers on ${path}: start one with "weft run --interactive"\n`);
  return 0;
}

/** Standard input is a file or a pipe: /dev/null and the like have nothing to say. */
function hasInput(): boolean {
  const input = fstatSync(0);
  return input.isFile() || input.isFIFO();
}

/** `weft run --help`, `weft run help`; but `weft ctl help` is a command to the router. */
function wantsHelp(subcommand: string, argv: string[]): boolean {
  const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv; // what stands behind is another program's
  return own.includes("--help") || own.includes("-h") || (own[0] === "help" && subcommand !== "ctl");
}

function help(subcommand: string | undefined): number {
  if (subcommand !== undefined && !NAMES.includes(subcommand)) throw unknown(subcommand);
  OUTPUT.out(usage(subcommand === "help" ? undefined : subcommand));
  return 0;
}

function version(): number {
  // dist/host/cli/main.js → package.json
  const description = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
  OUTPUT.out(`weft ${description.version}\n`);
  return 0;
}

function unknown(word: string): WeftError {
  const what = word.startsWith("-") ? "option" : "subcommand";
  const right = word.startsWith("-") ? ["--help", "--version"] : NAMES;
  return new WeftError("BAD_COMMAND", `unknown ${what} ${quote(word)}${suggestion(word, right)} (weft --help)`);
}
