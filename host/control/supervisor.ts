// A worker that runs a graph: started, watched, and replaced by another when a node never returns.

import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import { type EngineOptions, STUCK } from "../graph/engine.js";
import type { FromEngine, NodeSpec, Observed, ToEngine } from "../graph/messages.js";
import { Pulse, RUNNING_CONDEMNED } from "../graph/pulse.js";
import type { OwnedMemory } from "../memory/memory.js";
import type { Connect, EngineLink } from "./engine-link.js";
import type { WorkerState } from "./metrics.js";
import type { Nodes } from "./nodes.js";
import type { Ports } from "./ports.js";
import type { Requests } from "./requests.js";
import { type Running, Watchdog, whoRuns } from "./watchdog.js";

/** What is the same for the engines of all workers. */
export type SharedOptions = Omit<EngineOptions, "worker" | "pulse">;

/** The parts of the router that the start and end of a worker concern. */
export interface Dependents {
  requests: Requests;
  nodes: Nodes;
  ports: Ports;
  /** all nodes there are now */
  specs: () => NodeSpec[];
  /** which packets are looked at */
  observed: () => Observed | null;
  /** what else a new worker has to hear, beside its ports */
  settings: () => ToEngine[];
  failed: (error: WeftError) => void;
}

export class Supervisor {
  /** why no packet moves any more */
  failure: WeftError | undefined;
  private link: EngineLink | undefined;
  private watchdog: Watchdog | undefined;
  private takeovers = 0;
  private readonly pulse = new Pulse();

  constructor(private readonly worker: number, private readonly around: Dependents) {}

  async start(
    connect: Connect, options: SharedOptions, memory: OwnedMemory,
    receive: (message: FromEngine, worker: number) => void,
  ): Promise<void> {
    const engine = { ...options, worker: this.worker, pulse: this.pulse.buffer };
    this.link = await connect(engine, memory, (message) => receive(message, this.worker), (error) => this.ended(engine, error));
    this.watchdog = new Watchdog(this.pulse, () => this.link?.clock() ?? -1, (running) => void this.takeOver(engine, running));
  }

  /** Throws the failure where there was one. */
  post(message: ToEngine): void {
    if (this.failure) throw this.failure;
    this.link?.post(message);
  }

  /** of its thread's time on a CPU, -1 for none */
  clock(): number {
    return this.link?.clock() ?? -1;
  }

  state(): WorkerState {
    const time = this.link === undefined ? -1 : addon.threadTime(this.link.clock());
    return { up: this.link !== undefined && this.failure === undefined, cpuSeconds: time < 0 ? null : time / 1000, takeovers: this.takeovers };
  }

  /** From now on nothing can be asked for. */
  async stop(): Promise<void> {
    this.failure ??= new WeftError("WORKER", "the router was stopped");
    this.watchdog?.stop();
    const link = this.link;
    this.link = undefined;
    await link?.close();
  }

  /** The worker ended by itself. When it was in a node from outside (a host node may end it), it is as if that never returned. */
  private ended(engine: EngineOptions, error: WeftError): void {
    const { running } = this.pulse;
    if (running === 0 || !this.pulse.condemn(running)) this.fail(error);
    else void this.takeOver(engine, whoRuns(running), error.message);
  }

  /**
   * A node never returns: its worker is given up, the node set aside, and a new worker goes on with everything else. The packets that the
   * node had in hand are dropped; all others wait where they are. No node (index -1): the graph itself came to no end, and the node that ran
   * last is set aside for it.
   * Other workers go on meanwhile, without the node.
   */
  private async takeOver(engine: EngineOptions, { index, configuring }: Running, cause = "it never returned"): Promise<void> {
    const { worker, pulse, around: { requests, nodes, ports, specs, observed, settings } } = this;
    this.takeovers++;
    if (configuring) requests.reject(index, "its function to configure never returns", worker);
    else if (index >= 0) nodes.hung(index, cause, worker);
    else nodes.hung(whoRuns(pulse.last).index, "after it ran, the graph did not come to its end", worker);
    const takeOver = configuring ? -1 : index < 0 ? STUCK : index;
    const unanswered = requests.unanswered(worker);
    const told = ports.forNewWorker(worker);
    try {
      const options = { ...engine, nodes: specs(), customs: nodes.specs(), takeOver, observed: observed(), lent: ports.lendBuffers };
      await this.link!.replace(options, [...settings(), ...told, ...unanswered]);
    } catch (error) {
      if (!this.link) return; // stopped meanwhile
      // The new worker may have got as far as what was left in the graph, and another node has ended it.
      const { running } = pulse;
      if (running !== 0 && running !== RUNNING_CONDEMNED && pulse.condemn(running)) {
        return this.takeOver(engine, whoRuns(running), `the packet worker ended: ${(error as Error).message}`);
      }
      this.fail(new WeftError("WORKER", `no new packet worker in place of one that hung: ${(error as Error).message}`, { cause: error }));
    }
  }

  private fail(error: WeftError): void {
    this.failure = error;
    this.around.ports.fail(error);
    this.around.requests.fail(error);
    this.around.failed(error);
  }
}
