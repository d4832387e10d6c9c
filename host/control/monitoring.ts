// What others watch a router by: metrics, health, and the endpoint that serves both.

import { WeftError } from "../errors.js";
import type { Metric } from "./exposition.js";
import { collect, type Sources } from "./metrics.js";
import type { Health, Prometheus, PrometheusInfo } from "./prometheus.js";

/** ms in which every worker that does its work ends a turn. */
const PATIENCE = 1000;

export interface Watched extends Sources {
  /** why no packet moves any more */
  failure: () => Error | undefined;
  /** resolves when all workers have ended a turn */
  turnEnd: () => Promise<void>;
  /** names of interfaces that are set up and have no device any more */
  lost: () => string[];
}

export class Monitoring {
  private endpoint: Prometheus | undefined;
  /** the endpoint, from when it begins to listen until it is closed: there is one at a time */
  private opened: Promise<Prometheus> | undefined;
  /** a question to the workers that is not answered yet */
  private asked: Promise<void> | undefined;

  constructor(private readonly watched: Watched) {}

  metrics(): Metric[] {
    return collect(this.watched);
  }

  async health(): Promise<Health> {
    const causes = this.watched.lost().map((name) => `interface ${name}: its device is gone`);
    const failure = this.watched.failure()?.message ?? (await this.turns());
    if (failure !== undefined) causes.unshift(failure);
    return { status: causes.length === 0 ? "ok" : "failed", causes };
  }

  async listen(address: string, port: number): Promise<PrometheusInfo> {
    if (this.opened) {
      const where = this.endpoint ? ` at ${this.endpoint.info.url}` : "";
      throw new WeftError("CONFLICT", `prometheus: it is served already${where}: "prometheus off" first`);
    }
    this.opened = import("./prometheus.js").then((served) => served.Prometheus.listen(address, port, this));
    try {
      this.endpoint = await this.opened;
    } catch (error) {
      this.opened = undefined;
      throw error;
    }
    return this.endpoint.info;
  }

  async off(): Promise<void> {
    if (!this.endpoint) throw new WeftError("NOT_FOUND", "prometheus: nothing is served");
    await this.close();
  }

  info(): PrometheusInfo | null {
    return this.endpoint?.info ?? null;
  }

  /** When the router stops. */
  async close(): Promise<void> {
    await this.opened?.then((endpoint) => endpoint.close(), () => {});
    this.endpoint = undefined;
    this.opened = undefined;
  }

  /** What is wrong when the workers do not end a turn in time. However many ask for health, the workers are asked once. */
  private async turns(): Promise<string | undefined> {
    this.asked ??= this.watched.turnEnd().finally(() => { this.asked = undefined; });
    const answer = this.asked.then(() => undefined, (error: Error) => error.message);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, `the packet worker has not answered for ${PATIENCE} ms`);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }
}
