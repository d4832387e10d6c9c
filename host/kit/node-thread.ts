// Calls a module's functions in a thread of its own, with a time limit.

import { Worker } from "node:worker_threads";
import type { Answer, Call, ThreadData } from "./thread.js";

/** The node did not come to the end that a function has: it trapped, or never returned. */
export class NodeFailure extends Error {}

export class NodeThread {
  private worker: Worker | undefined;
  /** everything that the node has logged */
  readonly log: string[] = [];

  /** `limit`: ms that one call may take. */
  constructor(private readonly data: ThreadData, private readonly limit: number) {}

  /** Calls an exported function. Throws NodeFailure; after that every call does. */
  async call(name: string, args: number[], time: number): Promise<number> {
    this.worker ??= await this.start();
    const answer = await this.ask({ name, args, time });
    this.log.push(...answer.log);
    if (answer.trap !== undefined) throw new NodeFailure(`it trapped: ${answer.trap}`);
    return answer.result ?? 0;
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
    this.worker = undefined;
  }

  /** The thread says when it is there: the time limit is the node's, not that of a machine that starts threads slowly. */
  private start(): Promise<Worker> {
    const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData: this.data, execArgv: [] });
    return new Promise((resolve, reject) => {
      worker.once("message", () => resolve(worker));
      worker.once("error", reject);
    });
  }

  private ask(call: Call): Promise<Answer> {
    const worker = this.worker!;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        void worker.terminate().then(() => reject(new NodeFailure(`it did not return within ${this.limit / 1000} s: its loop has no end`)));
      }, this.limit);
      worker.once("message", (answer: Answer) => {
        clearTimeout(timer);
        worker.removeAllListeners("error");
        resolve(answer);
      });
      worker.once("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      worker.postMessage(call);
    });
  }
}
