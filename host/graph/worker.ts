// The worker thread: turns the engine, sleeps when there is nothing to do.

import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { addon } from "../addon.js";
import { workerAt } from "../memory/memory.js";
import { NativePort } from "../ports/native-port.js";
import { Engine, type EngineOptions } from "./engine.js";
import { type HostNodeModule, importHostNodes } from "./host-node.js";
import type { ToEngine } from "./messages.js";

export interface WorkerData extends EngineOptions {
  /** eventfd that the control plane rings */
  waiter: number;
  cpu: number | null;
}

/**
 * Turns without a packet before the worker sleeps, where all ports are adaptive. They bridge the gaps of a burst; more of them take the CPU
 * from the peers that are to send the next one. (Measured with iperf3 on two cores: 200 turns carry 10 % less; yielding in each is as fast at
 * best, but now and then a third slower, since the scheduler makes who yields wait for its next slice.)
 */
const IDLE_TURNS = 10;
/** First V8 in which loops it takes for short ones lack the check that terminate() relies on (Node 22 knows the flag, 24 and 26 need it). */
const LOOPS_UNROLLED = 12;
/** Longest sleep, ms; the control plane and every port wake it earlier. */
const SLEEP = 1000;

async function main(data: WorkerData, port: MessagePort): Promise<void> {
  const { memory, layout } = data.shared;
  addon.attachWorker(new Uint8Array(memory.buffer), workerAt(data.worker), layout.pool, layout.poolEnd);
  if (data.cpu !== null) addon.pinThread(data.cpu);
  const files = new HostNodeFiles();
  for (const { module, url } of data.customs) if (module === null) await files.import(url);
  port.postMessage({ type: "started", clock: addon.threadClock() }); // a node may hang as soon as the engine takes up what was left
  const engine = new Engine(data, (message) => port.postMessage(message), files.imported);
  port.postMessage({ type: "ready" });

  let mail = 0;
  let idle = 0;
  let limit = engine.idleTurns(IDLE_TURNS);
  let ports = handles(engine);
  for (;;) {
    idle = engine.turn() > 0 ? 0 : idle + 1;
    if (mail !== engine.mail()) {
      mail = engine.mail();
      if (!readMail(engine, port, files)) return;
      limit = engine.idleTurns(IDLE_TURNS);
      ports = handles(engine);
      idle = 0;
    }
    if (files.pending > 0) await nextTurn(); // packets flow on while a file is read
    else if (idle >= limit) {
      engine.graph.sleeping(true);
      addon.wait(data.waiter, ports, SLEEP);
      engine.graph.sleeping(false);
      idle = 0;
    }
  }
}

/** Handles every message that waits; false when the worker is to end. */
function readMail(engine: Engine, port: MessagePort, files: HostNodeFiles): boolean {
  for (;;) {
    const message = receiveMessageOnPort(port)?.message as ToEngine | undefined;
    if (!message) return true;
    if (message.type === "stop") return false;
    if (message.type === "add-port") engine.addPort(new NativePort(message.port), message.txNode);
    else if (message.type === "add-custom" && message.custom.module === null) {
      files.whenImported(message.custom.url, (file) => engine.handle(message, file));
    } else engine.handle(message);
  }
}

/** Files of host nodes, of which each thread has its own functions. */
class HostNodeFiles {
  /** an error: why there is none; its node is set aside then */
  readonly imported = new Map<string, HostNodeModule | Error>();
  /** files that are being read */
  pending = 0;

  async import(url: string): Promise<HostNodeModule | Error> {
    const file = await importHostNodes(url).catch((error: Error) => error);
    this.imported.set(url, file);
    return file;
  }

  whenImported(url: string, then: (file: HostNodeModule | Error) => void): void {
    this.pending++;
    void this.import(url).then((file) => {
      this.pending--;
      then(file);
    });
  }
}

function handles(engine: Engine): Uint32Array {
  return Uint32Array.from(engine.ports.flatMap((port) => port.handle ?? []));
}

/** The control plane starts a thread ahead of its work. The first message, which says what that is, is there once it has rung. */
function firstMessage(rung: SharedArrayBuffer, port: MessagePort): WorkerData {
  Atomics.wait(new Int32Array(rung), 0, 0);
  return receiveMessageOnPort(port)!.message as WorkerData;
}

// Else terminate() could not end a thread in which a host node runs `for (;;) all.push(new Array(1000).fill(0))`.
if (Number.parseInt(process.versions.v8) >= LOOPS_UNROLLED) setFlagsFromString("--no-turboshaft-loop-unrolling");
await main(firstMessage(workerData as SharedArrayBuffer, parentPort!), parentPort!);
