// What is looked at in the graph, for traces and captures: told to the workers whenever it changes, and to each new one.

import type { Observed } from "../graph/messages.js";
import { EVERY_PACKET } from "../graph/packet-filter.js";
import type { Requests } from "./requests.js";

export class Observing {
  private state: Observed = { rings: null, filter: EVERY_PACKET, drops: false };

  constructor(private readonly requests: Requests) {}

  /** For a new worker; null: nothing. */
  get observed(): Observed | null {
    return this.state.rings || this.state.drops ? this.state : null;
  }

  /** Resolves when all workers look, or no longer look. Throws WORKER. */
  async change(change: Partial<Observed>): Promise<void> {
    this.state = { ...this.state, ...change };
    await this.requests.send({ type: "observe", observed: this.observed });
  }
}
