// Nodes from outside, in a worker: instantiated, configured, started anew, taken away.

import { MODULE_SIZE, NODE_CONFIG, NODE_CONFIG_SIZE, NODE_COUNTERS, NODE_STATE, PAGE } from "../../assembly/abi.js";
import { Containment, type ContainmentPolicy } from "./containment.js";
import type { Graph, Process } from "./graph.js";
import { hostNodes, type HostNodeModule } from "./host-node.js";
import type { Isolation } from "./isolation.js";
import type { CustomSpec, FromEngine, Inheritance } from "./messages.js";
import { RUNNING_CONFIGURE } from "./pulse.js";

/** Log lines a second that one node may write; the rest is left out. */
const LOG_RATE = 10;
const LOG_LENGTH = 200;

interface Custom {
  spec: CustomSpec;
  containment: Containment;
  /** what the graph calls, by node */
  processes: Process[];
  configure: ((node: number) => number) | null;
}

/** weft.now(): ns since `origin`, the performance.timeOrigin of the control plane's thread. */
export function clockFrom(origin: number): () => number {
  return () => (performance.timeOrigin - origin + performance.now()) * 1e6;
}

export class CustomNodes {
  private readonly customs = new Map<number, Custom>();
  /** nodes that took others' places, and those */
  private readonly replaced = new Map<number, number>();

  /**
   * `isolation`: looks after each call whether a node kept to what is its own; `origin`: performance.timeOrigin of the control plane's thread,
   * from which all workers count the time.
   */
  constructor(
    private readonly graph: Graph,
    private readonly origin: number,
    private readonly emit: (message: FromEngine) => void,
    private readonly isolation: Isolation | null,
  ) {}

  /**
   * Makes a custom node known to the graph. Throws what its module throws; then nothing has changed. `kept`: it lived in another worker before; if
   * it does not start here it is set aside, such as one whose file is gone or is just being written.
   */
  add(spec: CustomSpec, inherit: Inheritance | null, kept: boolean, implementation?: HostNodeModule | Error): void {
    const main = spec.nodes[0]!;
    const report = ({ state, cause, traps }: Containment): void => this.emit({ type: "node-state", index: main.index, state, cause, traps });
    const containment = new Containment(spec.policy, () => this.startAnew(custom, implementation), report);
    const custom: Custom = { spec, containment, processes: [], configure: null };
    let { setAside } = spec;
    // Static data of the node that it replaces may lie there. (Without a region: page zero, which nobody may read.)
    const data = spec.base === 0 ? null : this.graph.packets.u8.slice(spec.base, spec.base + MODULE_SIZE);
    try {
      this.instantiate(custom, implementation);
      if (inherit) this.inherit(inherit, main.runtime);
      if (!kept) this.configure(custom);
    } catch (error) {
      if (data) this.graph.packets.u8.set(data, spec.base);
      if (!kept) throw error;
      custom.processes = spec.nodes.map(() => () => {}); // never called
      setAside ??= `it does not start in a new worker: ${(error as Error).message}`;
    }
    if (kept) for (const { runtime } of spec.nodes) this.setConfig(runtime, spec.config.at, spec.config.size);
    custom.containment.traps = spec.traps[this.graph.worker] ?? 0;
    if (setAside !== null) custom.containment.setAside(setAside);
    this.customs.set(main.index, custom);
    this.show(custom);
    if (!inherit) return;
    this.graph.redirect(inherit.index, main.index);
    this.replaced.set(main.index, inherit.index);
  }

  /** Has the graph call an instance's functions. */
  private show({ spec, processes, containment }: Custom): void {
    for (const [i, node] of spec.nodes.entries()) {
      const process = this.isolation === null ? processes[i]! : this.isolated(this.isolation, spec, processes[i]!);
      this.graph.add(node, process, containment);
    }
  }

  private isolated(isolation: Isolation, spec: CustomSpec, process: Process): Process {
    return (node, frame, n) => {
      isolation.before(this.graph.specs.values(), spec.nodes, spec.base);
      let breach: string | null = null;
      try {
        process(node, frame, n);
      } finally {
        breach = isolation.after();
      }
      if (breach !== null) throw new Error(breach);
    };
  }

  /** Takes nodes away; also those that took another node's place here and were refused in another worker: the old node is back in its place then. */
  remove(nodes: number[]): void {
    const old = this.customs.get(this.replaced.get(nodes[0]!) ?? -1);
    this.replaced.delete(nodes[0]!);
    if (old) {
      if (old.spec.module) void new WebAssembly.Instance(old.spec.module, this.imports(old.spec)); // its static data may have been written over
      this.show(old);
    }
    for (const index of nodes) {
      this.customs.delete(index);
      this.graph.remove(index);
    }
  }

  /** Shows a node a new configuration; when it refuses, or traps, it has its old one again, and this throws. */
  reconfigure(index: number, address: number, size: number): void {
    const custom = this.customs.get(index)!;
    const old = custom.spec.nodes.map((node) => this.setConfig(node.runtime, address, size));
    try {
      this.configure(custom);
    } catch (error) {
      for (const [i, node] of custom.spec.nodes.entries()) this.setConfig(node.runtime, ...old[i]!);
      this.configure(custom);
      throw error;
    }
  }

  setAside(index: number, cause: string): void {
    const custom = this.customs.get(index);
    if (custom && custom.containment.state !== "set-aside") custom.containment.setAside(cause);
  }

  setPolicy(index: number, policy: ContainmentPolicy): void {
    this.customs.get(index)!.containment.forgive(policy);
  }

  restart(index: number): void {
    const { containment } = this.customs.get(index)!;
    containment.forgive();
    containment.restart();
    if (containment.state !== "running") throw new Error(containment.cause ?? "it does not start");
  }

  private startAnew(custom: Custom, implementation: HostNodeModule | Error | undefined): void {
    const { u8 } = this.graph.packets;
    for (const { runtime, state } of custom.spec.nodes) {
      const at = this.graph.base + runtime + NODE_STATE;
      u8.fill(0, at, at + state);
    }
    this.instantiate(custom, implementation);
    this.configure(custom);
    this.show(custom);
  }

  private instantiate(custom: Custom, implementation: HostNodeModule | Error | undefined): void {
    const { spec } = custom;
    if (spec.module === null) {
      if (implementation instanceof Error) throw implementation;
      custom.processes = hostNodes(implementation!, spec, this.graph);
      return;
    }
    const instance = new WebAssembly.Instance(spec.module, this.imports(spec));
    const exported = instance.exports as Record<string, Process>;
    custom.processes = spec.nodes.map((node) => exported[node.process!]!);
    custom.configure = spec.configure === null ? null : (exported[spec.configure] as unknown as (node: number) => number);
  }

  private imports(spec: CustomSpec): WebAssembly.Imports {
    const env = { memory: this.graph.packets.memory, __memory_base: new WebAssembly.Global({ value: "i32", mutable: false }, spec.base) };
    return { env, weft: { now: clockFrom(this.origin), log: this.logger(spec.nodes[0]!.name) } };
  }

  /** weft.log(at, length): text for the operator, so much of it as a person can read. */
  private logger(node: string): (at: number, length: number) => void {
    let second = 0;
    let lines = 0;
    return (at, length) => {
      const now = Math.floor(performance.now() / 1000);
      if (now !== second) [second, lines] = [now, 0];
      if (++lines > LOG_RATE) return;
      const { u8 } = this.graph.packets;
      const from = Math.max(at >>> 0, PAGE); // page zero kills the process that looks at it
      const bytes = u8.slice(from, from + Math.min(length >>> 0, LOG_LENGTH)); // a copy: shared memory cannot be decoded
      this.emit({ type: "log", node, text: new TextDecoder().decode(bytes) });
    };
  }

  private configure(custom: Custom): void {
    if (custom.configure === null) return;
    const node = custom.spec.nodes[0]!;
    const configure = custom.configure;
    const answer = this.graph.runOutside((node.index + 1) | RUNNING_CONFIGURE, () => configure(this.graph.base + node.runtime));
    if (answer !== 0) throw new Error(`it refuses its configuration: ${answer}`);
  }

  /** The new configuration's place; gives the old one's. */
  private setConfig(runtime: number, address: number, size: number): [address: number, size: number] {
    const { u32 } = this.graph.packets;
    const at = (this.graph.base + runtime + NODE_CONFIG) >> 2;
    const of = (this.graph.base + runtime + NODE_CONFIG_SIZE) >> 2;
    const old: [number, number] = [u32[at]!, u32[of]!];
    u32[at] = address;
    u32[of] = size;
    return old;
  }

  private inherit({ runtime, state, counters }: Inheritance, to: number): void {
    const { u8, u64 } = this.graph.packets;
    const [old, fresh] = [this.graph.base + runtime, this.graph.base + to];
    u8.copyWithin(fresh + NODE_STATE, old + NODE_STATE, old + NODE_STATE + state);
    for (const [from, place] of counters) u64[(fresh + NODE_COUNTERS + place * 8) >> 3] = u64[(old + NODE_COUNTERS + from * 8) >> 3]!;
    for (let at = 0; at < NODE_CONFIG; at += 8) u64[(fresh + at) >> 3] = u64[(old + at) >> 3]!; // calls, packets, clocks, what it did wrong
  }
}
