// The worker thread: turns the engine, sleeps when there is nothing to do.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { addon } from "../addon.js";
import { AfPacketPort } from "../ports/af-packet.js";
import { workerAt } from "../memory/memory.js";
import { Engine, type EngineOptions } from "./engine.js";
import type { ToEngine } from "./messages.js";

export interface WorkerData extends EngineOptions {
  /** eventfd that the control plane rings */
  waiter: number;
  cpu: number | null;
}

/**
 * Turns without a packet before the worker sleeps, and in each it yields the CPU. They bridge the gaps between bursts; more of them make
 * the kernel believe that this CPU is busy, and the peers crowd on the others (measured: 20 carried 10 % more TCP than 200).
 */
const IDLE_TURNS = 20;
/** Longest sleep, ms; the control plane and every port wake it earlier. */
const SLEEP = 1000;

function main(data: WorkerData, port: MessagePort): void {
  const { memory, layout } = data.shared;
  addon.attachWorker(new Uint8Array(memory.buffer), workerAt(data.worker), layout.pool, layout.poolEnd);
  if (data.cpu !== null) addon.pinThread(data.cpu);
  const engine = new Engine(data, (message) => port.postMessage(message));
  port.postMessage({ type: "ready" });

  let mail = 0;
  let idle = 0;
  for (;;) {
    idle = engine.turn() > 0 ? 0 : idle + 1;
    if (mail !== engine.mail()) {
      mail = engine.mail();
      if (!readMail(engine, port)) return;
      idle = 0;
    }
    if (idle === 0) continue;
    if (idle < IDLE_TURNS) {
      addon.yield();
      continue;
    }
    engine.graph.sleeping(true);
    addon.wait(data.waiter, handles(engine), SLEEP);
    engine.graph.sleeping(false);
    idle = 0;
  }
}

/** Handles every message that waits; false when the worker is to end. */
function readMail(engine: Engine, port: MessagePort): boolean {
  for (;;) {
    const message = receiveMessageOnPort(port)?.message as ToEngine | undefined;
    if (!message) return true;
    if (message.type === "stop") return false;
    if (message.type === "add-port") engine.addPort(new AfPacketPort(message.port), message.txNode);
    else engine.handle(message);
  }
}

function handles(engine: Engine): Uint32Array {
  return Uint32Array.from(engine.ports.flatMap((port) => port.handle ?? []));
}

main(workerData as WorkerData, parentPort!);
