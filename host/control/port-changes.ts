// Ports that the workers are about to take or let go, or whose receive queues are being given to others of them. Until all workers have done it
// nothing else may change the interface.

import type { WeftError } from "../errors.js";
import type { ToEngine } from "../graph/messages.js";

interface Change {
  /** what all workers are told; null: see during() */
  message: ToEngine | null;
  /** workers that have not done it yet */
  left: Set<number>;
  resolve: () => void;
  reject: (error: WeftError) => void;
}

export class PortChanges {
  /** by interface index */
  private readonly changes = new Map<number, Change>();

  /** `post`: to all workers */
  constructor(private readonly workers: number, private readonly post: (message: ToEngine) => void) {}

  has(index: number): boolean {
    return this.changes.has(index);
  }

  /** Has the workers take or let go of a port; resolves when all have. Throws WORKER. */
  async tell(index: number, message: ToEngine): Promise<void> {
    const left = new Set(Array.from({ length: this.workers }, (_, worker) => worker));
    const done = new Promise<void>((resolve, reject) => this.changes.set(index, { message, left, resolve, reject }));
    try {
      this.post(message);
      await done;
    } finally {
      this.changes.delete(index);
    }
  }

  /** Has nothing else change the interface while an action lasts; the action tells the workers itself. */
  async during(index: number, action: () => Promise<void>): Promise<void> {
    this.changes.set(index, { message: null, left: new Set(), resolve: () => {}, reject: () => {} });
    try {
      await action();
    } finally {
      this.changes.delete(index);
    }
  }

  /** A worker has done it. */
  done(index: number, worker: number): void {
    const change = this.changes.get(index);
    if (change?.left.delete(worker) && change.left.size === 0) change.resolve();
  }

  /** What the workers were told of a port and have not all done; null: nothing. */
  pending(index: number): ToEngine | null {
    return this.changes.get(index)?.message ?? null;
  }

  /** Whether a worker has not done it yet. */
  awaits(index: number, worker: number): boolean {
    return this.changes.get(index)?.left.has(worker) ?? false;
  }

  /** No worker will do anything any more. */
  fail(error: WeftError): void {
    for (const { reject } of this.changes.values()) reject(error);
  }
}
