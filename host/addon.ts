// The native shim: the one file that loads it, and the one description of what it offers.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { WeftError } from "./errors.js";

/** A failed system call throws Error with `code` (the errno's name, "ENOBUFS") and `syscall`. */
export interface Addon {
  /** Lays the memory out over a shared WebAssembly memory: page zero inaccessible, tables read-only. Gives the tables' writable alias and the pool's page size. */
  mapMemory(memory: Uint8Array, tables: number, tablesEnd: number, pool: number, poolEnd: number): { tables: ArrayBuffer; hugePages: boolean };
  /** The linear memory's address modulo 2 MiB, so that the host can align the pool. */
  memoryOffset(memory: Uint8Array): number;

  /** TSC clocks since the calling thread's last lap, at most 2^31 - 1. */
  lap(): number;
  /** TSC clocks a second, measured once. */
  clockRate(): number;
  /** Pins the calling thread to a CPU. */
  pinThread(cpu: number): void;

  /** Ties the calling thread to a worker's part of the memory: receive takes buffers from its free list, transmit gives them back. */
  attachWorker(memory: Uint8Array, worker: number, pool: number, poolEnd: number): void;
  /** Opens an AF_PACKET port on a netdev; the handle is valid in every thread of the process until closed. */
  openAfPacket(hostInterface: string, options: AfPacketOptions): { handle: number; mac: string; mtu: number; up: boolean };
  /** Receives at most `max` packets into a frame; gives how many. Interface counters are written by the shim. */
  receive(handle: number, frame: number, max: number, swIfIndex: number): number;
  /** Sends a frame's packets and returns all its buffers to the free list; gives how many were sent. Losses are counted. */
  transmit(handle: number, frame: number, n: number, swIfIndex: number): number;
  /** State of the netdev behind the port; `present` false once it was removed. Never throws. */
  linkState(handle: number): { present: boolean; up: boolean; mtu: number };
  /** Tries to bind the port again to a netdev of the same name after it was removed; true when it is there. */
  reopen(handle: number): boolean;
  closePort(handle: number): void;

  /** Sleeps until one of the ports has a packet, wake() is called for this waiter or `timeout` ms pass. terminate() of a worker waits for that too. */
  wait(waiter: number, handles: Uint32Array, timeout: number): void;
  openWaiter(): number;
  wake(waiter: number): void;
  closeWaiter(waiter: number): void;
}

export interface AfPacketOptions {
  /** slots of the receive ring */
  ringSlots: number;
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  // dist/host/addon.js → native/build/Release/weft.node
  const path = fileURLToPath(new URL("../../native/build/Release/weft.node", import.meta.url));
  try {
    return require(path) as Addon;
  } catch (cause) {
    throw new WeftError("ADDON_MISSING", `the native shim ${path} does not load: run "npm run setup" (${(cause as Error).message})`, { cause });
  }
}

export const addon: Addon = load();
