// The control plane's end of a worker thread.

import { Worker } from "node:worker_threads";
import { GRAPH_MAIL } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import type { EngineOptions } from "../graph/engine.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import type { WorkerData } from "../graph/worker.js";
import { type PacketMemory, workerAt } from "../memory/memory.js";

/** How the control plane reaches an engine, in a thread or not. */
export interface EngineLink {
  post(message: ToEngine): void;
  close(): Promise<void>;
}

/** Starts a worker thread; resolves when its graph is ready. `failed` is called if it ends by itself. */
export async function startWorker(
  options: EngineOptions,
  cpu: number | null,
  packets: PacketMemory,
  receive: (message: FromEngine) => void,
  failed: (error: WeftError) => void,
): Promise<EngineLink> {
  const waiter = addon.openWaiter();
  const workerData: WorkerData = { ...options, waiter, cpu };
  const worker = new Worker(new URL("../graph/worker.js", import.meta.url), { workerData });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  let closing = false;
  const fail = (message: string, cause?: unknown): void => failed(new WeftError("WORKER", `the packet worker ended: ${message}`, { cause }));

  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", resolve);
  });
  worker.removeAllListeners("error");
  worker.on("error", (error) => fail(error.message, error));
  worker.once("exit", (code) => closing || fail(`exit code ${code}`));
  worker.on("message", receive);

  const mail = (workerAt(options.worker) + GRAPH_MAIL) >> 2;
  const post = (message: ToEngine): void => {
    worker.postMessage(message);
    Atomics.add(packets.i32, mail, 1);
    addon.wake(waiter);
  };
  const close = async (): Promise<void> => {
    closing = true;
    post({ type: "stop" });
    await ended;
    addon.closeWaiter(waiter);
  };
  return { post, close };
}
