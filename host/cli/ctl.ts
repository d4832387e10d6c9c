// The client of a running router's control socket.

import { connect } from "node:net";
import { resolve as absolute } from "node:path";
import { WeftError } from "../errors.js";
import { quote } from "../nearest.js";
import { FILES } from "./arguments.js";
import { type Choices, choicesOf } from "./choices.js";
import { grammar } from "./commands.js";
import type { Parsed, Typed } from "./grammar.js";
import { jsonText } from "./json.js";
import { parseOptions } from "./options.js";
import type { Output, Session } from "./session.js";
import { defaultSocketPath } from "./socket.js";
import { asWord } from "./words.js";

/** A line of the router's: socket.ts */
interface Message {
  out?: string;
  done?: number;
  error?: string;
  choices?: Choices;
}

/** Status of a command that was cut off. */
const ABORTED = 130;

/** `input`: where a prompt or a script reads from. */
export async function ctl(argv: string[], output: Output, input: NodeJS.ReadStream = process.stdin): Promise<number> {
  const { values, positionals } = parseOptions("ctl", argv);
  const path = (values.socket as string | undefined) ?? defaultSocketPath();
  const json = values.json === true;
  const empty = positionals.indexOf("");
  if (empty >= 0 && positionals.length > 1) {
    const line = quote(positionals.join(" "));
    throw new WeftError("BAD_COMMAND", `word ${empty + 1} of ${line} is empty: is a variable of the shell not set?`);
  }
  if (positionals.length > 0) return ask(path, { command: await anywhere(positionals), json }, output);
  await ask(path, { command: "show version" }, { out: () => {}, error: () => {} }); // is there a router?
  return (await import("./prompt.js")).converse(remote(path, json), input, output);
}

/** A router behind a control socket. */
export function remote(path: string, json: boolean): Session {
  return {
    run: async (line, output, signal) => {
      const shows = json && parsed(line)?.command.json === true;
      return ask(path, { command: await anywhere([line]), json: shows }, output, signal);
    },
    choices: async (line) => {
      let choices: Choices | undefined;
      const quiet = { out: () => {}, error: () => {} };
      await ask(path, { complete: line }, quiet, undefined, (message) => (choices = message.choices)).catch(() => {});
      return choices ?? choicesOf(null, line); // a router of another version
    },
  };
}

/** What can come next in a line for the router on a socket, or for any where none answers: for shells. */
export function remoteChoices(path: string, line: string): Promise<Choices> {
  return remote(path, false).choices(line);
}

/**
 * The command as it means the same in the router's folder and to the router's user: files with nodes or packets by their absolute
 * paths, files with JSON by what is in them. What does not parse goes as it is: the router, which may be of another
 * version, says what is wrong.
 */
async function anywhere(argv: string[]): Promise<string> {
  const line = argv.join(" ");
  // The shell has taken the quotes off what has blanks; "show interface" as one argument is two words all the same.
  const quoted = argv.map(asWord).join(" ");
  const meant = [line, quoted].find((one) => parse(one) !== undefined) ?? line;
  const typed = parse(meant) ?? [];
  if (!typed.some(({ argument = "" }) => argument === "json" || FILES.includes(argument))) return meant;
  const words = await Promise.all(typed.map(({ word, argument = "" }) => {
    if (argument === "json") return jsonText(word);
    return asWord(FILES.includes(argument) ? absolute(word) : word);
  }));
  return words.join(" ");
}

function parse(line: string): Typed[] | undefined {
  return parsed(line)?.typed;
}

function parsed(line: string): Parsed | undefined {
  try {
    return grammar.parse(line);
  } catch {
    return undefined;
  }
}

/** Sends one request; gives its exit status once it is done. Who is gone is not answered: an abort cuts the connection. */
function ask(path: string, request: object, output: Output, signal?: AbortSignal, heard: (message: Message) => void = () => {}): Promise<number> {
  return new Promise((resolve, reject) => {
    let waiting = "";
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    const abort = (): void => { resolve(ABORTED); socket.destroy(); };
    signal?.addEventListener("abort", abort);
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      waiting += text;
      if (!text.includes("\n")) return; // a FIB is one line of many megabytes: it is looked through once
      const lines = waiting.split("\n");
      waiting = lines.pop()!;
      for (const line of lines) {
        const message = parseMessage(line);
        if (message === undefined) {
          reject(new WeftError("NOT_RUNNING", `what answers on ${path} is not a router: name another socket with --socket`));
          return void socket.destroy();
        }
        heard(message);
        if (message.out !== undefined) output.out(`${message.out}\n`);
        if (message.error !== undefined) output.error(`weft: ${message.error}\n`);
        if (message.done !== undefined) { resolve(message.done); socket.end(); }
      }
    });
    socket.on("error", (error: NodeJS.ErrnoException) => reject(unreachable(path, error)));
    socket.on("close", () => {
      signal?.removeEventListener("abort", abort);
      reject(new WeftError("NOT_RUNNING", `the router on ${path} went away before it had answered`));
    });
  });
}

/** undefined: the line is not from a router. */
function parseMessage(line: string): Message | undefined {
  try {
    const message = JSON.parse(line) as Message;
    const texts = [message.out, message.error].every((text) => ["string", "undefined"].includes(typeof text));
    const known = message.out !== undefined || message.choices !== undefined || typeof message.done === "number";
    return texts && known ? message : undefined;
  } catch {
    return undefined;
  }
}

function unreachable(path: string, error: NodeJS.ErrnoException): WeftError {
  if (error.code === "EACCES") {
    return new WeftError("NO_PERMISSION", `${path} belongs to another user: run weft ctl as that user, or name another with --socket`);
  }
  return new WeftError("NOT_RUNNING", `no router answers on ${path}: start one with "weft run"`, { cause: error });
}
