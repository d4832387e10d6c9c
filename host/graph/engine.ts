// A worker's whole work, without its thread: ports in, graph, ports out, and what the control plane asks for.

import {
  ARP_LEARN_COUNT, ARP_LEARN_ENTRIES, ARP_LEARN_ENTRY_SIZE, ARP_LEARN_IF, ARP_LEARN_IP4, ARP_LEARN_MAC, ARP_LEARN_READ, ARP_LEARN_WRITTEN, GRAPH_MAIL,
  INTERFACE_COUNT, NODE_STATE,
} from "../../assembly/abi.js";
import type { Faults } from "../addon.js";
import { PacketMemory, type SharedMemory } from "../memory/memory.js";
import type { Port, PortKind, RxMode } from "../ports/port.js";
import { CustomNodes, clockFrom } from "./custom.js";
import { Drops } from "./drops.js";
import { FRAGMENT_NODE } from "./ip4-fragment.js";
import { FUSED_NODES } from "./fusion.js";
import { Glean, GLEAN_NODE } from "./glean.js";
import { Graph, type Process } from "./graph.js";
import { Isolation } from "./isolation.js";
import type { HostNodeModule } from "./host-node.js";
import { Mending } from "./mending.js";
import type { CustomSpec, FromEngine, NodeSpec, Observed, ToEngine } from "./messages.js";
import { Observation } from "./observation.js";
import { type EchoRequest, echoLength, sourceFor, writeArpRequest, writeEchoRequest } from "./originate.js";
import { Pulse } from "./pulse.js";
import { Punt, PUNT_NODE } from "./punt.js";
import { Reassembly, REASSEMBLY_NODE } from "./reassembly.js";
import { TraceRing } from "./trace-ring.js";
import { Tracer } from "./tracer.js";

/** Where packets enter the graph, by kind of port: what receiving them costs. */
export const INPUT_NODES: Record<PortKind, { name: string; next: string[]; counters: string[] }> = {
  af_packet: { name: "af-packet-input", next: ["ethernet-input"], counters: [] },
  rdma: { name: "rdma-input", next: ["ethernet-input"], counters: [] },
  pg: { name: "pg-input", next: ["ethernet-input"], counters: [] },
};

export interface EngineOptions {
  shared: SharedMemory;
  worker: number;
  clocks: boolean;
  /** take ordinary packets through several nodes at once */
  fuse: boolean;
  /** compiled assembly/graph and the module of the built-in nodes */
  graphModule: WebAssembly.Module;
  nodeModule: WebAssembly.Module;
  nodes: NodeSpec[];
  /** performance.timeOrigin of the control plane's thread */
  timeOrigin: number;
  /** find and undo what nodes from outside write where they have no business */
  isolate: boolean;
  /** nodes from outside, which lived in the worker that this one replaces */
  customs: CustomSpec[];
  /** what that worker left: index of the node that never returned, -1 if none had packets in hand; null: it is the first one */
  takeOver: number | null;
  /** memory of a Pulse */
  pulse: SharedArrayBuffer;
  /** what the worker before looked at */
  observed?: Observed | null;
  /** there were ports that keep buffers, and other workers: its buffers may be in others' hands, and theirs in its own */
  lent?: boolean;
}

/** In takeOver: it did not come to the end of a turn, and nobody knows why. */
export const STUCK = -2;

/** A request of the control plane, which is answered by its number. */
type Request = Extract<ToEngine, { request: number }>;

export class Engine {
  readonly graph: Graph;
  readonly ports: Port[] = [];
  /** of the ports that are not adaptive, by interface */
  private readonly rxModes = new Map<number, RxMode>();
  private readonly glean: Glean;
  private readonly reassembly: Reassembly;
  private readonly punt: Punt;
  private readonly mending: Mending;
  /** how often the graph had to be put in order */
  private mended = 0;
  private readonly inputs: Record<PortKind, NodeSpec>;
  private readonly customs: CustomNodes;
  /** exports of the module of the built-in nodes */
  private readonly own: Record<string, Process>;
  private readonly arpInput: NodeSpec;
  private readonly lookup: number;
  private readonly drop: number;
  private readonly timeOrigin: number;
  private readonly several: boolean;
  private lent: boolean;
  /** address of arp-input's ring of neighbours to learn */
  private readonly learned: number;

  /** `implementations`: of host nodes from outside, by their URL. */
  constructor(
    options: EngineOptions, private readonly emit: (message: FromEngine) => void, implementations = new Map<string, HostNodeModule | Error>(),
  ) {
    const { shared, worker, nodes } = options;
    const packets = new PacketMemory(shared.memory, shared.layout);
    const pulse = new Pulse(options.pulse);
    const onTrap = (node: string, error: Error): void => emit({ type: "trap", node, message: error.message });
    this.graph = new Graph(packets, worker, options.graphModule, options.clocks, pulse, onTrap);
    this.mending = new Mending(packets, worker);
    const find = (name: string): NodeSpec => nodes.find((node) => node.name === name)!;
    this.inputs = { af_packet: find(INPUT_NODES.af_packet.name), rdma: find(INPUT_NODES.rdma.name), pg: find(INPUT_NODES.pg.name) };
    this.arpInput = find("arp-input");
    this.lookup = find("ip4-lookup").index;
    this.drop = find("error-drop").index;
    this.learned = this.graph.base + this.arpInput.runtime + NODE_STATE;
    this.glean = new Glean(this.graph, { lookup: this.lookup, icmpError: find("ip4-icmp-error").index, drop: this.drop }, emit);
    this.punt = new Punt(this.graph, emit);

    const imports = { env: { memory: shared.memory }, weft: { now: clockFrom(options.timeOrigin) } };
    this.own = new WebAssembly.Instance(options.nodeModule, imports).exports as Record<string, Process>;
    for (const node of nodes) {
      if (node.kind === "wasm" && !node.custom && node.process) this.graph.add(node, this.own[node.process]!);
    }
    if (options.fuse) this.graph.fuse(FUSED_NODES.map(find));
    this.graph.addFragment(find(FRAGMENT_NODE.name));
    this.reassembly = new Reassembly(this.graph, find(REASSEMBLY_NODE.name));
    this.graph.addTaking(find(REASSEMBLY_NODE.name), this.reassembly.process, true);
    this.graph.add(find(GLEAN_NODE.name), this.glean.process);
    this.graph.add(find(PUNT_NODE.name), this.punt.process);
    const isolation = options.isolate ? new Isolation(packets, this.graph.base) : null;
    this.customs = new CustomNodes(this.graph, options.timeOrigin, emit, isolation);
    for (const custom of options.customs) this.customs.add(custom, null, true, implementations.get(custom.url));
    this.timeOrigin = options.timeOrigin;
    this.several = shared.layout.workers > 1;
    this.lent = options.lent ?? false;
    if (options.observed) this.observe(options.observed);
    if (options.takeOver === null) return;
    pulse.clear();
    this.takeOver(options.takeOver, nodes);
  }

  /** One turn: a burst from every port, each taken through the graph. Gives how many packets came. */
  turn(): number {
    let packets = 0;
    try {
      for (const port of this.ports) packets += this.graph.receive(port, this.inputs[port.kind]);
      if (packets > 0) this.afterPackets();
      this.reassembly.expire();
    } catch (error) {
      this.broken(error as Error);
    }
    if (this.graph.touched && this.poolIsOurs() && !this.mending.whole()) this.broken(new Error("buffers are missing"));
    this.graph.endTurn();
    return packets;
  }

  /** How many messages the control plane has sent; a change means that some wait. */
  mail(): number {
    return Atomics.load(this.graph.packets.i32, (this.graph.base + GRAPH_MAIL) >> 2);
  }

  /** Turns without a packet after which to sleep, if `adaptive` are the ones of a port in adaptive mode. */
  idleTurns(adaptive: number): number {
    const turns = { polling: Infinity, interrupt: 1, adaptive };
    const modes = this.ports.map((port) => this.rxModes.get(port.index) ?? "adaptive");
    return modes.length === 0 ? adaptive : Math.max(...modes.map((mode) => turns[mode]));
  }

  addPort(port: Port, txNode: NodeSpec): void {
    this.ports.push(port);
    this.lent ||= this.several && port.keepsBuffers === true;
    this.graph.add(txNode, (_node, frame, n) => port.transmit(frame, n));
    this.emit({ type: "port-added", index: port.index });
  }

  /** `implementation`: of the host nodes that the message adds. */
  handle(message: Exclude<ToEngine, { type: "add-port" | "stop" }>, implementation?: HostNodeModule | Error): void {
    if ("request" in message) return this.answer(message, implementation);
    try {
      this.act(message);
    } catch (error) {
      this.broken(error as Error);
    }
  }

  private act(message: Exclude<ToEngine, { type: "add-port" | "stop" } | Request>): void {
    switch (message.type) {
      case "remove-port":
        return this.removePort(message.index, message.txNode);
      case "rx-mode":
        this.rxModes.set(message.index, message.mode);
        return;
      case "port-reopened":
        return; // the turn that follows fills its queues
      case "arp-request":
        return this.askFor(message);
      case "resolved":
        this.glean.release(message.index, message.address, message.reachable);
        return this.afterPackets();
      case "reassembly":
        return this.reassembly.setLimits(message.limits);
      case "set-aside":
        return this.customs.setAside(message.index, message.cause);
      case "ping-open":
        return this.punt.open(message.id);
      case "ping-close":
        return this.punt.close(message.id);
      case "ping":
        return this.ping(message);
    }
  }

  private answer(message: Request, implementation: HostNodeModule | Error | undefined): void {
    const { request } = message;
    try {
      this.change(message, implementation);
      this.emit({ type: "answer", request });
    } catch (error) {
      this.emit({ type: "answer", request, error: (error as Error).message });
    }
  }

  private change(message: Request, implementation: HostNodeModule | Error | undefined): void {
    switch (message.type) {
      case "add-node":
        return this.graph.add(message.node, this.own[message.node.process!]!);
      case "add-custom":
        this.graph.touched ||= this.several; // in another worker it may write into this one's memory
        return this.customs.add(message.custom, message.inherit, false, implementation);
      case "remove-custom":
        this.customs.remove(message.nodes);
        return this.mend(); // what it may have left behind would be found while another one runs
      case "configure":
        return this.customs.reconfigure(message.index, message.address, message.size);
      case "policy":
        return this.customs.setPolicy(message.index, message.policy);
      case "restart":
        return this.customs.restart(message.index);
      case "observe":
        return this.observe(message.observed);
      case "fault":
        return this.setFault(message.port, message.faults);
      case "ping-expect":
        return this.punt.expect(message.id, message.sequence);
      case "sync":
        return;
    }
  }

  /** What a turn has begun is not looked at from its middle on: the scheduler is between two of them. */
  private observe(observed: Observed | null): void {
    const { packets, base, tracing } = this.graph;
    const clock = (): number => performance.timeOrigin - this.timeOrigin + performance.now();
    const ring = observed?.rings?.[this.graph.worker];
    const tracer = ring ? new Tracer(packets, base, tracing, new TraceRing(ring), observed!.filter, clock) : null;
    const drops = observed?.drops ? new Drops(packets, this.drop) : null;
    this.graph.observe(tracer || drops ? new Observation(this.graph, tracer, drops) : null);
  }

  /** Goes on where a worker was given up. What its host nodes held is found again in the pool. */
  private takeOver(from: number, nodes: NodeSpec[]): void {
    this.graph.touched = true;
    try {
      const held = this.mending.heldBuffers();
      this.glean.recover(held.others);
      this.reassembly.recover(held.reassembly);
      if (from === STUCK) this.mend();
      else this.graph.takeOver(nodes.find((node) => node.index === from));
      this.afterPackets();
    } catch (error) {
      this.broken(error as Error);
    }
  }

  /**
   * What the graph needs to work is not as it was left. Where nodes from outside have run, one of them has written over it: then what was on
   * its way is lost, and the rest goes on. Else it is our own mistake.
   */
  private broken(error: Error): void {
    if (!this.graph.touched) throw error;
    this.mend();
    this.mended++;
    if ((this.mended & (this.mended - 1)) === 0) this.emit({ type: "mended", cause: error.message, times: this.mended });
    this.graph.suspect?.trapped(new Error(`after it ran the graph was found broken: ${error.message}`));
  }

  private mend(): void {
    this.mending.layAnew((index) => this.graph.release(index));
    if (this.poolIsOurs()) this.mending.sweep(new Set([...this.glean.held(), ...this.reassembly.held()]));
  }

  /** Whether no port keeps buffers, and all ports are there: a buffer that is in use at rest is lost then. */
  private poolIsOurs(): boolean {
    return !this.lent && this.ports.length > 0 && this.ports.every(({ keepsBuffers }) => keepsBuffers !== true);
  }

  /** What waits in a port whose faults end is taken first. */
  private setFault(index: number, faults: Faults | null): void {
    const port = this.ports.find((one) => one.index === index);
    while (port?.setFault?.(faults) === false) this.graph.receive(port, this.inputs[port.kind]);
    this.afterPackets();
  }

  private removePort(index: number, txNode: number): void {
    this.glean.dropInterface(index);
    this.reassembly.dropInterface(index);
    const place = this.ports.findIndex((port) => port.index === index);
    if (place >= 0) this.ports.splice(place, 1)[0]!.drain();
    this.graph.remove(txNode);
    this.rxModes.delete(index);
    this.emit({ type: "port-removed", index });
  }

  private askFor({ index, target, source, mac }: Extract<ToEngine, { type: "arp-request" }>): void {
    const buffer = this.graph.allocate();
    if (buffer === 0) return; // asked again a second later
    writeArpRequest(this.graph.packets, buffer, index, target, source, mac);
    this.graph.inject(this.graph.arc(this.arpInput.index, this.arpInput.next.indexOf("interface-output")), [buffer]);
  }

  private ping(ping: EchoRequest): void {
    const source = sourceFor(this.graph.packets, ping.target);
    if (source === 0) return this.emit({ type: "ping-failed", id: ping.id, sequence: ping.sequence, reason: "no-route" });
    const buffer = this.graph.allocate();
    if (buffer === 0 || !this.graph.extend(buffer, echoLength(ping))) {
      if (buffer !== 0) this.graph.release(buffer);
      return this.emit({ type: "ping-failed", id: ping.id, sequence: ping.sequence, reason: "no-buffer" });
    }
    this.punt.expect(ping.id, ping.sequence);
    writeEchoRequest(this.graph.packets, buffer, ping, source);
    this.graph.inject(this.lookup, [buffer]);
    this.afterPackets();
  }

  private afterPackets(): void {
    this.glean.flush();
    this.readLearned();
  }

  /** Tells the control plane which neighbours arp-input has heard of; the ring is drawn in abi.ts. */
  private readLearned(): void {
    const { u32, u16, u8 } = this.graph.packets;
    const written = u32[(this.learned + ARP_LEARN_WRITTEN) >> 2]!;
    const read = u32[(this.learned + ARP_LEARN_READ) >> 2]!;
    const fresh = Math.min((written - read) >>> 0, ARP_LEARN_COUNT);
    for (let entries = fresh; entries > 0; entries--) {
      const entry = this.learned + ARP_LEARN_ENTRIES + (((written - entries) >>> 0) % ARP_LEARN_COUNT) * ARP_LEARN_ENTRY_SIZE;
      const index = u16[(entry + ARP_LEARN_IF) >> 1]!;
      const mac = u8.slice(entry + ARP_LEARN_MAC, entry + ARP_LEARN_MAC + 6);
      if (index < INTERFACE_COUNT) this.emit({ type: "learned", index, address: u32[(entry + ARP_LEARN_IP4) >> 2]!, mac });
    }
    u32[(this.learned + ARP_LEARN_READ) >> 2] = written;
  }
}
