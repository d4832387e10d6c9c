// The thread in which a node under test runs: one that never returns is ended with it.

import { parentPort, workerData } from "node:worker_threads";

/** What the thread is made with. */
export interface ThreadData {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  /** where the module's static data lies, for one that asks */
  base: number;
}

export interface Call {
  /** an exported function */
  name: string;
  args: number[];
  /** what weft.now() gives meanwhile, ns */
  time: number;
}

export interface Answer {
  result?: number;
  /** it trapped: what the engine said */
  trap?: string;
  /** what the node logged */
  log: string[];
}

const LOG_MAX = 100;

const { memory, module, base } = workerData as ThreadData;
let time = 0;
let log: string[] = [];
let instance: WebAssembly.Instance | undefined;

function instantiate(): WebAssembly.Instance {
  const env = { memory, __memory_base: new WebAssembly.Global({ value: "i32", mutable: false }, base) };
  return new WebAssembly.Instance(module, { env, weft: { now: () => time, log: note } });
}

function note(at: number, length: number): void {
  if (log.length >= LOG_MAX) return;
  const text = new Uint8Array(memory.buffer).slice(at >>> 0, (at >>> 0) + Math.min(length >>> 0, 1024)); // a copy: shared memory cannot be decoded
  log.push(new TextDecoder().decode(text));
}

function answer(call: Call): Answer {
  time = call.time;
  log = [];
  try {
    instance ??= instantiate();
    const exported = instance.exports as Record<string, (...args: number[]) => number>;
    return { result: exported[call.name]!(...call.args), log };
  } catch (error) {
    return { trap: (error as Error).message, log };
  }
}

parentPort!.on("message", (call: Call) => parentPort!.postMessage(answer(call)));
parentPort!.postMessage("ready");
