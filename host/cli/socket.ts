// The control socket: lines of JSON over a UNIX stream socket.
//
//   client: {"command": "show interface", "json": false}
//   router: {"out": "text"} … {"done": 0}        or {"done": status, "error": "message", "code": "NOT_FOUND"}
//
//   client: {"complete": "show in"}              what can come next
//   router: {"choices": …, "done": 0}            the shape is in choices.ts
//
// Commands of one client run one after the other. A client keeps its side open until "done": one that closes is gone,
// and what it asked for is aborted.

import { existsSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Control } from "../control/api.js";
import { WeftError } from "../errors.js";
import { choicesOf } from "./choices.js";
import { grammar } from "./commands.js";
import { exitStatus } from "./status.js";

/** Longest line, and most input that may wait, in characters: a node's configuration may have thousands of rules. */
export const LINE_MAX = 1 << 20;
/** Most unread output, in bytes, before more is sent: a client behind that is cut off. One text may be longer: the FIB of a full table is. */
const BACKLOG_MAX = 1 << 24;
const CLIENTS_MAX = 64;
/** sun_path of unix(7) holds 108 bytes with the final zero. */
const PATH_MAX = 107;

/** Where a router listens unless told otherwise. */
export function defaultSocketPath(env: NodeJS.ProcessEnv = process.env, uid = process.getuid!()): string {
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, "weft.sock");
  return uid === 0 ? "/run/weft.sock" : join(tmpdir(), `weft-${uid}.sock`);
}

/** Makes sure that a router may listen here: removes a socket that nobody answers on, refuses one that is in use. */
export async function freeSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_MAX) {
    throw new WeftError("BAD_ARGUMENT", `socket path ${path} is longer than ${PATH_MAX} bytes: choose a shorter one with --socket`);
  }
  const folder = dirname(path);
  if (!existsSync(folder)) throw new WeftError("NOT_FOUND", `no folder ${folder} for the control socket: choose another place with --socket`);
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new WeftError("SYSTEM", `cannot use ${path} as control socket: ${error.code}: choose another with --socket`, { cause: error });
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new WeftError("CONFLICT", `${path} exists and is not a socket: choose another with --socket`);
  const failure = await knock(path);
  if (failure === undefined) throw new WeftError("CONFLICT", `a router answers on ${path} already: stop it, or choose another with --socket`);
  if (failure === "ECONNREFUSED") await unlink(path).catch(() => {}); // listen() says why when it is still there
  else if (failure !== "ENOENT") throw new WeftError("SYSTEM", `cannot use ${path} as control socket: ${failure}: choose another with --socket`);
}

/** Undefined when somebody answers, else the errno's name. */
export function knock(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => { socket.destroy(); resolve(undefined); });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** A router's control socket. */
export class ControlSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #clients: Set<Socket>;

  private constructor(path: string, server: Server, clients: Set<Socket>) {
    this.path = path;
    this.#server = server;
    this.#clients = clients;
  }

  /** Listens, for this user only. */
  static async listen(control: Control, path: string): Promise<ControlSocket> {
    await freeSocketPath(path);
    const clients = new Set<Socket>();
    const server = createServer((client) => {
      clients.add(client);
      client.on("close", () => clients.delete(client));
      serve(control, client);
    });
    server.maxConnections = CLIENTS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) =>
        reject(new WeftError("SYSTEM", `cannot listen on ${path}: ${error.code}: choose another place with --socket`, { cause: error })));
      // bind() is called before listen() returns: no moment at which others could connect
      const mask = process.umask(0o177);
      server.listen(path, resolve);
      process.umask(mask);
    });
    server.removeAllListeners("error").on("error", () => {}); // a failed accept() concerns its client alone
    return new ControlSocket(path, server, clients);
  }

  /** Cuts the clients off and removes the socket. */
  close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** One client, from its first line until it goes. */
function serve(control: Control, client: Socket): void {
  const gone = new AbortController();
  let waiting = "";
  let busy = false;
  const send = (message: object): void => {
    if (client.writable) client.write(`${JSON.stringify(message)}\n`);
  };
  /** Cuts the client off where it has left too much unread; true if so. */
  const cutOff = (): boolean => client.writableLength > BACKLOG_MAX && client.destroy().destroyed;
  const out = (text: string): void => {
    if (!cutOff()) send({ out: text });
  };
  const drain = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (let end = waiting.indexOf("\n"); end >= 0 && !gone.signal.aborted && !cutOff(); end = waiting.indexOf("\n")) {
      const line = waiting.slice(0, end);
      waiting = waiting.slice(end + 1);
      send(await answer(control, line, out, gone.signal));
      await nextTurn(); // a long queue of commands must not keep the others waiting
    }
    busy = false;
  };
  client.setEncoding("utf8");
  client.on("data", (text: string) => {
    waiting += text;
    if (waiting.length > LINE_MAX) {
      client.end(`${JSON.stringify({ done: 2, error: `a line is longer than ${LINE_MAX} characters`, code: "BAD_COMMAND" })}\n`);
      waiting = "";
      client.removeAllListeners("data").resume();
    } else void drain();
  });
  client.on("end", () => gone.abort());
  client.on("close", () => gone.abort());
  client.on("error", () => client.destroy());
}

/** Runs one request; gives the closing message, whatever happens. */
async function answer(control: Control, line: string, out: (text: string) => void, signal: AbortSignal): Promise<object> {
  try {
    const { command, json, complete } = request(line);
    if (complete !== undefined) return { choices: choicesOf(control, complete), done: 0 };
    const parsed = grammar.parse(json ? `${command} --json` : command);
    return { done: (await parsed.command.run({ control, out, signal }, parsed.values, parsed.json)) ?? 0 };
  } catch (error) {
    if (error instanceof WeftError) return { done: exitStatus(error), error: error.message, code: error.code };
    return { done: 1, error: `internal error: ${error instanceof Error ? error.message : String(error)}`, code: "SYSTEM" };
  }
}

function request(line: string): { command: string; json: boolean; complete?: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const { command, json = false, complete } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof complete === "string") return { command: "", json: false, complete };
  if (typeof command === "string" && typeof json === "boolean") return { command, json };
  throw new WeftError("BAD_COMMAND", 'not a request: expected one line such as {"command": "show version", "json": false}');
}
