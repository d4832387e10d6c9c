// A program in a host of the laboratory that sends and answers datagrams and streams on our word: peer-program.ts.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DIE_WITH_PARENT, plainEnvironment } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import type { PeerAnswer, PeerCalls } from "./peer-program.js";

const PROGRAM = fileURLToPath(new URL("./peer-program.js", import.meta.url));

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

export class Peer {
  readonly #program: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor(host: Host) {
    // nsenter execs Node, which inherits the channel to us.
    const execArgv = [`--net=${host.namespace}`, "--", ...DIE_WITH_PARENT, process.execPath];
    this.#program = fork(PROGRAM, { execPath: "nsenter", execArgv, env: plainEnvironment() });
    this.#program.on("message", ({ id, result, error }: PeerAnswer) => {
      const { resolve, reject } = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
    this.#program.on("exit", () => this.#waiting.forEach(({ reject }) => reject(new Error("the peer has ended"))));
  }

  /** Starts it in a host; it answers then. */
  static async start(host: Host): Promise<Peer> {
    const peer = new Peer(host);
    await new Promise((resolve, reject) => peer.#waiting.set(0, { resolve, reject }));
    return peer;
  }

  call<K extends keyof PeerCalls>(call: K, ...[options]: Parameters<PeerCalls[K]>): Promise<Awaited<ReturnType<PeerCalls[K]>>> {
    const id = ++this.#last;
    this.#program.send({ id, call, options });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject }));
  }

  /** Whatever it does. */
  close(): void {
    this.#program.removeAllListeners("exit");
    this.#program.kill("SIGKILL");
  }
}
