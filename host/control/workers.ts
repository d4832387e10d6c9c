// All workers of a router: each owns an instance of the graph, and what is said to one is mostly said to all.

import type { WeftError } from "../errors.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import type { OwnedMemory } from "../memory/memory.js";
import type { Connect } from "./engine-link.js";
import type { WorkerState } from "./metrics.js";
import { type Dependents, type SharedOptions, Supervisor } from "./supervisor.js";

export class Workers {
  private readonly supervisors: Supervisor[];

  constructor(count: number, around: Dependents) {
    this.supervisors = Array.from({ length: count }, (_, worker) => new Supervisor(worker, around));
  }

  /** Resolves when all run. */
  async start(
    connect: Connect, options: SharedOptions, memory: OwnedMemory,
    receive: (message: FromEngine, worker: number) => void,
  ): Promise<void> {
    const started = await Promise.allSettled(this.supervisors.map((one) => one.start(connect, options, memory, receive)));
    const failed = started.find((one) => one.status === "rejected");
    if (!failed) return;
    await this.stop();
    throw failed.reason;
  }

  /** To one, or to all. Throws the failure where there was one. */
  post(message: ToEngine, worker?: number): void {
    for (const one of worker === undefined ? this.supervisors : [this.supervisors[worker]!]) one.post(message);
  }

  get count(): number {
    return this.supervisors.length;
  }

  /** why no packet moves any more */
  get failure(): WeftError | undefined {
    return this.supervisors.find(({ failure }) => failure)?.failure;
  }

  /** of each one's thread's time on a CPU, -1 for none */
  clocks(): number[] {
    return this.supervisors.map((one) => one.clock());
  }

  states(): WorkerState[] {
    return this.supervisors.map((one) => one.state());
  }

  async stop(): Promise<void> {
    await Promise.all(this.supervisors.map((one) => one.stop()));
  }
}
