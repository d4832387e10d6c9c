// The control plane's end of a worker thread.

import { Worker } from "node:worker_threads";
import { GRAPH_MAIL } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import type { EngineOptions } from "../graph/engine.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import type { WorkerData } from "../graph/worker.js";
import { type OwnedMemory, type PacketMemory, workerAt } from "../memory/memory.js";
import { threadInfo } from "./threads.js";

/** How the control plane reaches an engine, in a thread or not. */
export interface EngineLink {
  post(message: ToEngine): void;
  /** of the time that the engine's thread was on a CPU: see addon.threadTime */
  clock(): number;
  /** Ends the engine, whatever it is doing, and starts another in its place: that gets `messages`, then all that is posted from now on. */
  replace(options: EngineOptions, messages: ToEngine[]): Promise<void>;
  close(): Promise<void>;
}

/** Starts an engine for a router: in a worker thread, unless the caller of Router.start has another way. `failed`: it ended by itself. */
export type Connect = (
  options: EngineOptions,
  memory: OwnedMemory,
  receive: (message: FromEngine) => void,
  failed: (error: WeftError) => void,
) => Promise<EngineLink>;

/** Starts worker threads, pinned to these CPUs in turn, or to none; resolves when the graph is ready. */
export function inThread(cpus: readonly number[]): Connect {
  return async (options, { packets }, receive, failed) => {
    const cpu = cpus[options.worker % cpus.length] ?? null;
    let link: WorkerLink | undefined;
    try {
      link = new WorkerLink(cpu, packets, (workerAt(options.worker) + GRAPH_MAIL) >> 2, receive, failed);
      await link.start(options);
      return link;
    } catch (cause) {
      await link?.close();
      throw notStarted(cause as NodeJS.ErrnoException, cpu);
    }
  };
}

function notStarted(cause: NodeJS.ErrnoException, cpu: number | null): WeftError {
  if (cause.syscall !== "sched_setaffinity") return new WeftError("WORKER", `the packet worker does not start: ${cause.message}`, { cause });
  const { cpus } = threadInfo(0, "main", "main", process.pid);
  return new WeftError("BAD_ARGUMENT", `a worker cannot be pinned to CPU ${cpu}: this process may use ${cpus}`, { cause });
}

/** A thread that loads its modules and then waits for begin(). */
class Thread {
  readonly worker: Worker;
  private readonly rung = new SharedArrayBuffer(4);

  constructor() {
    this.worker = new Worker(new URL("../graph/worker.js", import.meta.url), { workerData: this.rung });
  }

  begin(data: WorkerData): void {
    this.worker.ref();
    this.worker.postMessage(data);
    const bell = new Int32Array(this.rung);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  }
}

let early: Thread | undefined;

/** Starts the first router's thread ahead, while the router's own modules are still being loaded. It does not keep the process alive. */
export function startThread(): void {
  early ??= new Thread();
  early.worker.unref();
}

class WorkerLink implements EngineLink {
  private readonly waiter = addon.openWaiter();
  private worker: Worker | undefined;
  private ended: Promise<void> = Promise.resolve();
  private threadClock = -1;
  /** the worker that is not ready yet, and the messages for it */
  private starting: Worker | undefined;
  private backlog: ToEngine[] = [];
  private closed = false;
  /** how often it was replaced */
  private replaced = 0;

  constructor(
    private readonly cpu: number | null,
    private readonly packets: PacketMemory,
    /** place of the mail counter in the memory, in words */
    private readonly mail: number,
    private readonly receive: (message: FromEngine) => void,
    private readonly failed: (error: WeftError) => void,
  ) {}

  async start(options: EngineOptions): Promise<void> {
    const thread = early ?? new Thread();
    early = undefined;
    const { worker } = thread;
    this.starting = worker;
    this.ended = new Promise((resolve) => worker.once("exit", () => resolve()));
    thread.begin({ ...options, waiter: this.waiter, cpu: this.cpu });
    await new Promise<void>((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`exit code ${code}`)));
      worker.on("message", (message: FromEngine) => {
        if (message.type === "started") this.threadClock = message.clock;
        else if (message.type === "ready") resolve();
        else this.receive(message);
      });
    });
    const fail = (message: string, cause?: unknown): void => {
      if (this.closed || this.worker !== worker) return;
      this.worker = undefined; // an error is followed by the exit
      this.failed(new WeftError("WORKER", `the packet worker ended: ${message}`, { cause }));
    };
    [this.worker, this.starting] = [worker, undefined];
    worker.removeAllListeners("error");
    worker.on("error", (error) => fail(error.message, error));
    worker.once("exit", (code) => fail(`exit code ${code}`));
    for (const message of this.backlog.splice(0)) this.post(message);
  }

  post(message: ToEngine): void {
    if (!this.worker) {
      this.backlog.push(message);
      return;
    }
    this.worker.postMessage(message);
    Atomics.add(this.packets.i32, this.mail, 1);
    addon.wake(this.waiter);
  }

  clock(): number {
    return this.threadClock;
  }

  /** May be called while a replacement is still starting: the earlier call then resolves without having one. */
  async replace(options: EngineOptions, messages: ToEngine[]): Promise<void> {
    const old = this.worker ?? this.starting;
    this.worker = undefined;
    this.backlog = [...messages];
    const time = ++this.replaced;
    const over = (): boolean => this.closed || time !== this.replaced;
    old?.removeAllListeners("message"); // what it has said and nobody has read yet does not count: its requests are sent again
    await old?.terminate();
    if (over()) return;
    await this.start(options).catch((error: unknown) => {
      if (!over()) throw error;
    });
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.closed = true;
    this.post({ type: "stop" });
    this.worker = undefined;
    if (worker) await this.ended;
    await this.starting?.terminate(); // it has no port yet
    addon.closeWaiter(this.waiter);
  }
}
