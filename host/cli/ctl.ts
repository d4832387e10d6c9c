// The client of a running router's control socket.

import { connect } from "node:net";
import { WeftError } from "../errors.js";
import { parseOptions } from "./options.js";
import { defaultSocketPath } from "./socket.js";

/** Where a client's output goes; the process' own streams unless a test says otherwise. */
export interface Output {
  out: (text: string) => void;
  error: (text: string) => void;
}

export async function ctl(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = parseOptions("ctl", argv, { socket: { type: "string" }, json: { type: "boolean" } });
  if (positionals.length === 0) throw new WeftError("BAD_COMMAND", 'no command: try weft ctl "show interface", or weft ctl help');
  const request = { command: positionals.join(" "), json: values.json === true };
  return ask((values.socket as string | undefined) ?? defaultSocketPath(), request, output);
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
