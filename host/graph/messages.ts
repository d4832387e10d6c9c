// What the control plane and a worker tell each other. Addresses are raw (see assembly/abi.ts).

import type { Faults } from "../addon.js";
import type { PortSpec, RxMode } from "../ports/port.js";
import type { ContainmentPolicy, ContainmentState } from "./containment.js";
import type { NodeTrace } from "./manifest.js";
import type { PacketFilter } from "./packet-filter.js";
import type { ReassemblyLimits } from "./fragments.js";

/** A node of the graph, as every thread knows it. */
export interface NodeSpec {
  index: number;
  name: string;
  kind: "wasm" | "host" | "port";
  /** export of its module that processes a frame; only for kind wasm */
  process?: string;
  next: string[];
  counters: string[];
  /** offset of its runtime block in a worker's region, and bytes of state in it */
  runtime: number;
  state: number;
  /** it came from outside: workers hear of it as a CustomSpec */
  custom: boolean;
  /** how its packets' traces are shown; absent: it does not say */
  trace?: NodeTrace;
}

/** What a node inherits from the one it replaces. */
export interface Inheritance {
  /** index of the old node: what still comes to it is the new one's */
  index: number;
  /** offset of its runtime block, and how many bytes of its state the new one takes */
  runtime: number;
  state: number;
  /** counters of both: [old place, new place] */
  counters: [from: number, to: number][];
}

/** A node from outside with the others of its instance. */
export interface CustomSpec {
  /** the one that was asked for first */
  nodes: NodeSpec[];
  /** null: host nodes, from `url` */
  module: WebAssembly.Module | null;
  url: string;
  /** address of the module's region; 0: none */
  base: number;
  /** export that takes a new configuration; null: none */
  configure: string | null;
  policy: ContainmentPolicy;
  /** why it was set aside by the control plane; null: it was not */
  setAside: string | null;
  /** what it has behind it in each worker, or another node whose place it takes */
  traps: number[];
  /** where its configuration lies */
  config: { at: number; size: number };
}

/** What is looked at in the graph. */
export interface Observed {
  /** memory of the TraceRings that take the records, one a worker; null: nobody traces */
  rings: SharedArrayBuffer[] | null;
  /** which packets are traced */
  filter: PacketFilter;
  /** packets that are dropped go to the capture */
  drops: boolean;
}

export type ToEngine =
  /** one of weft's own nodes that was not there from the start */
  | { type: "add-node"; request: number; node: NodeSpec }
  | { type: "add-custom"; request: number; custom: CustomSpec; inherit: Inheritance | null }
  | { type: "remove-custom"; request: number; nodes: number[] }
  /** a new configuration lies at `address` */
  | { type: "configure"; request: number; index: number; address: number; size: number }
  | { type: "policy"; request: number; index: number; policy: ContainmentPolicy }
  | { type: "restart"; request: number; index: number }
  /** from now on look at packets like this; null: no more */
  | { type: "observe"; request: number; observed: Observed | null }
  /** what goes wrong in a port; null: nothing any more */
  | { type: "fault"; request: number; port: number; faults: Faults | null }
  /** nothing but the answer, which says that a turn has ended */
  | { type: "sync"; request: number }
  | { type: "add-port"; port: PortSpec; txNode: NodeSpec }
  | { type: "remove-port"; index: number; txNode: number }
  | { type: "rx-mode"; index: number; mode: RxMode }
  /** a port has a new device behind it, whose receive queues are empty until the worker looks */
  | { type: "port-reopened"; index: number }
  /** ask a neighbour for its MAC address, as `source`; `mac`: only it, to confirm what it said. To ask for `source` itself announces it */
  | { type: "arp-request"; index: number; target: number; source: number; mac?: Uint8Array }
  /** a neighbour answered, or never will: let its packets go */
  | { type: "resolved"; index: number; address: number; reachable: boolean }
  | { type: "reassembly"; limits: ReassemblyLimits }
  /** a node is set aside in another worker */
  | { type: "set-aside"; index: number; cause: string }
  | { type: "ping-open"; id: number }
  | { type: "ping-close"; id: number }
  /** the reply to what another worker is about to send may come to this one */
  | { type: "ping-expect"; request: number; id: number; sequence: number }
  | { type: "ping"; id: number; sequence: number; target: number; size: number }
  | { type: "stop" };

export type FromEngine =
  /** its thread runs; `clock` counts that thread's time on a CPU: see addon.threadTime */
  | { type: "started"; clock: number }
  /** it has its graph, and has taken up what the worker before left there */
  | { type: "ready" }
  | { type: "answer"; request: number; error?: string }
  | { type: "node-state"; index: number; state: ContainmentState; cause: string | null; traps: number }
  | { type: "log"; node: string; text: string }
  | { type: "port-added"; index: number }
  | { type: "port-removed"; index: number }
  /** a neighbour told its address */
  | { type: "learned"; index: number; address: number; mac: Uint8Array }
  /** packets wait for a neighbour */
  | { type: "wanted"; index: number; address: number }
  | { type: "ping-reply"; id: number; sequence: number; from: number; bytes: number; ttl: number; time: number }
  /** a ping could not be sent */
  | { type: "ping-failed"; id: number; sequence: number; reason: "no-route" | "no-buffer" }
  | { type: "trap"; node: string; message: string }
  /** a node has written over what is the graph's own, which was put in order for the `times`th time */
  | { type: "mended"; cause: string; times: number };
