// Requests to a worker that it answers, each by its number.

import { WeftError } from "../errors.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";

type Request = Extract<ToEngine, { request: number }>;
type Unnumbered<T> = T extends unknown ? Omit<T, "request"> : never;

interface Waiting {
  message: Request;
  resolve: () => void;
  reject: (error: Error) => void;
}

export class Requests {
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;

  constructor(private readonly post: (message: ToEngine) => void) {}

  /** Resolves when the worker has done it, between two turns. Throws WORKER, or Error with what the worker says against it. */
  send(request: Unnumbered<Request>): Promise<void> {
    const message = { ...request, request: this.next++ } as Request;
    return new Promise((resolve, reject) => {
      this.post(message);
      this.waiting.set(message.request, { message, resolve, reject });
    });
  }

  /** Resolves at the end of the turn that the worker is in: what the tables no longer lead to, no packet is in any more. */
  turnEnd(): Promise<void> {
    return this.send({ type: "sync" });
  }

  answered({ request, error }: Extract<FromEngine, { type: "answer" }>): void {
    const waiting = this.waiting.get(request);
    this.waiting.delete(request);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new Error(error));
  }

  /** Of a worker that was given up: what it was asked for and has not answered, but for what a node's configuration kept it from. */
  unanswered(): Request[] {
    return [...this.waiting.values()].map(({ message }) => message);
  }

  /** Gives up what asks for this node: its function to configure never returns. */
  reject(index: number, why: string): void {
    for (const [number, { message, reject }] of this.waiting) {
      const about = message.type === "add-custom" ? message.custom.nodes[0]!.index : "index" in message ? message.index : -1;
      if (about !== index) continue;
      this.waiting.delete(number);
      reject(new Error(why));
    }
  }

  /** No worker will answer any more. */
  fail(error: WeftError): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
