// Requests that workers answer, each by its number.

import { WeftError } from "../errors.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";

type Request = Extract<ToEngine, { request: number }>;
export type Unnumbered = Request extends infer T ? (T extends unknown ? Omit<T, "request"> : never) : never;

interface Waiting {
  message: Request;
  /** workers that have not answered, have done it, and refused */
  left: Set<number>;
  done: Set<number>;
  refused: Set<number>;
  error: Error | undefined;
  undo: Unnumbered | undefined;
  resolve: () => void;
  reject: (error: Error) => void;
}

export class Requests {
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;

  constructor(private readonly post: (message: ToEngine, worker: number) => void, private readonly workers: readonly number[]) {}

  /**
   * Resolves when all workers, or those in `to`, have done it, each between two turns. Throws WORKER, or Error with what one says against it; then
   * those that have done it have done `undo` as well.
   */
  send(request: Unnumbered, { to = this.workers, undo }: { to?: readonly number[]; undo?: Unnumbered } = {}): Promise<void> {
    const message = { ...request, request: this.next++ } as Request;
    if (to.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      for (const worker of to) this.post(message, worker);
      const waiting = { message, left: new Set(to), done: new Set<number>(), refused: new Set<number>(), error: undefined, undo, resolve, reject };
      this.waiting.set(message.request, waiting);
    });
  }

  /** Resolves when every worker has ended the turn it is in: then no packet is where the tables no longer lead. */
  turnEnd(...to: number[]): Promise<void> {
    return this.send({ type: "sync" }, to.length > 0 ? { to } : {});
  }

  answered({ request, error }: Extract<FromEngine, { type: "answer" }>, worker: number): void {
    const waiting = this.waiting.get(request);
    if (!waiting?.left.delete(worker)) return;
    (error === undefined ? waiting.done : waiting.refused).add(worker);
    if (error !== undefined) waiting.error ??= new Error(error);
    if (waiting.left.size > 0) return;
    this.waiting.delete(request);
    void this.settle(waiting);
  }

  private async settle({ error, undo, done, resolve, reject }: Waiting): Promise<void> {
    if (!error) return resolve();
    if (undo && done.size > 0) await this.send(undo, { to: [...done] }).catch(() => {}); // its answer would be about the undoing
    reject(error);
  }

  /** The requests for a worker in the place of one that was given up: all that are not settled, unless the old one refused them. */
  unanswered(worker: number): Request[] {
    const again = [...this.waiting.values()].filter(({ left, done }) => left.has(worker) || done.has(worker));
    for (const { left, done } of again) {
      done.delete(worker);
      left.add(worker);
    }
    return again.map(({ message }) => message);
  }

  /** Takes the requests about a node as refused by a worker in which its configure function never returns. */
  reject(index: number, why: string, worker: number): void {
    for (const [request, { message }] of this.waiting) {
      const about = message.type === "add-custom" ? message.custom.nodes[0]!.index : "index" in message ? message.index : -1;
      if (about === index) this.answered({ type: "answer", request, error: why }, worker);
    }
  }

  /** No worker will answer any more. */
  fail(error: WeftError): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
