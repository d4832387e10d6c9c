// The client of a running router's control socket.

import { connect } from "node:net";
import { resolve as absolute } from "node:path";
import { WeftError } from "../errors.js";
import { grammar } from "./commands.js";
import type { Typed } from "./grammar.js";
import { jsonText } from "./json.js";
import { parseOptions } from "./options.js";
import { defaultSocketPath } from "./socket.js";
import { asWord } from "./words.js";

/** Where a client's output goes; the process' own streams unless a test says otherwise. */
export interface Output {
  out: (text: string) => void;
  error: (text: string) => void;
}

export async function ctl(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = parseOptions("ctl", argv, { socket: { type: "string" }, json: { type: "boolean" } });
  if (positionals.length === 0) throw new WeftError("BAD_COMMAND", 'no command: try weft ctl "show interface", or weft ctl help');
  const request = { command: await anywhere(positionals), json: values.json === true };
  return ask((values.socket as string | undefined) ?? defaultSocketPath(), request, output);
}

/**
 * The command as it means the same in the router's folder and to the router's user: files with nodes, or for packets, by their absolute
 * paths, files with JSON by what is in them. What does not parse goes as it is: the router, which may be of another
 * version, says what is wrong.
 */
async function anywhere(argv: string[]): Promise<string> {
  const line = argv.join(" ");
  // The shell has taken the quotes off what has blanks; "show interface" as one argument is two words all the same.
  const typed = parse(line) ?? parse(argv.map(asWord).join(" "));
  if (!typed?.some(({ argument }) => ["file", "json", "capture"].includes(argument ?? ""))) return line;
  const words = await Promise.all(typed.map(({ word, argument }) => {
    if (argument === "json") return jsonText(word);
    return asWord(argument === "file" || argument === "capture" ? absolute(word) : word);
  }));
  return words.join(" ");
}

function parse(line: string): Typed[] | undefined {
  try {
    return grammar.parse(line).typed;
  } catch {
    return undefined;
  }
}

/** Sends one command; gives its exit status once it is done. */
function ask(path: string, request: { command: string; json: boolean }, output: Output): Promise<number> {
  return new Promise((resolve, reject) => {
    let waiting = "";
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      const lines = (waiting + text).split("\n");
      waiting = lines.pop()!;
      for (const line of lines) {
        const message = parseMessage(line);
        if (message.out !== undefined) output.out(`${message.out}\n`);
        if (message.error !== undefined) output.error(`weft: ${message.error}\n`);
        if (message.done !== undefined) { resolve(message.done); socket.end(); }
      }
    });
    socket.on("error", (error: NodeJS.ErrnoException) => reject(unreachable(path, error)));
    socket.on("close", () => reject(new WeftError("NOT_RUNNING", `the router on ${path} went away before it had answered`)));
  });
}

function parseMessage(line: string): { out?: string; done?: number; error?: string } {
  try {
    return JSON.parse(line) as object;
  } catch {
    return { done: 1, error: "what answers on the socket is not a router: name another with --socket" };
  }
}

function unreachable(path: string, error: NodeJS.ErrnoException): WeftError {
  if (error.code === "EACCES") {
    return new WeftError("NO_PERMISSION", `${path} belongs to another user: run weft ctl as that user, or name another with --socket`);
  }
  return new WeftError("NOT_RUNNING", `no router answers on ${path}: start one with "weft run"`, { cause: error });
}
