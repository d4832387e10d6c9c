// What the control plane and a worker tell each other. Addresses are raw (see assembly/abi.ts).

import type { PortSpec, RxMode } from "../ports/port.js";

/** A node of the graph, as every thread knows it. */
export interface NodeSpec {
  index: number;
  name: string;
  kind: "wasm" | "host" | "port";
  /** export of its module that processes a frame; only for kind wasm */
  process?: string;
  next: string[];
  counters: string[];
  /** offset of its runtime block in a worker's region */
  runtime: number;
}

export type ToEngine =
  | { type: "add-port"; port: PortSpec; txNode: NodeSpec }
  | { type: "remove-port"; index: number; txNode: number }
  | { type: "rx-mode"; index: number; mode: RxMode }
  /** a port has a new device behind it, whose receive queues are empty until the worker looks */
  | { type: "port-reopened"; index: number }
  /** ask a neighbour for its MAC address; `mac`: only it, to confirm what it said before */
  | { type: "arp-request"; index: number; target: number; mac?: Uint8Array }
  /** a neighbour answered, or never will: let its packets go */
  | { type: "resolved"; index: number; address: number; reachable: boolean }
  | { type: "ping-open"; id: number }
  | { type: "ping-close"; id: number }
  | { type: "ping"; id: number; sequence: number; target: number; size: number }
  | { type: "stop" };

export type FromEngine =
  | { type: "ready" }
  | { type: "port-added"; index: number }
  | { type: "port-removed"; index: number }
  /** a neighbour told its address */
  | { type: "learned"; index: number; address: number; mac: Uint8Array }
  /** packets wait for a neighbour */
  | { type: "wanted"; index: number; address: number }
  | { type: "ping-reply"; id: number; sequence: number; from: number; bytes: number; ttl: number; time: number }
  /** a ping could not be sent */
  | { type: "ping-failed"; id: number; sequence: number; reason: "no-route" | "no-buffer" }
  | { type: "trap"; node: string; message: string };
