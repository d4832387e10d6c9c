// Runs the graph in a worker: node after node, until every packet has come to its end.

import {
  BUFFER_SHIFT, FRAME_NEXT, GRAPH_ASLEEP, GRAPH_EPOCH, GRAPH_FRAME, GRAPH_PACKETS, GRAPH_PENDING, GRAPH_PENDING_SIZE, NODE_CLOCKS, NODE_COUNT,
  NODE_COUNTERS, VECTOR, WIRING, WIRING_SIZE,
} from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { type PacketMemory, workerAt } from "../memory/memory.js";
import type { Port } from "../ports/port.js";
import type { Containment } from "./containment.js";
import { Fusion, type FusedFunctions } from "./fusion.js";
import type { NodeSpec } from "./messages.js";
import type { Pulse } from "./pulse.js";
import { Kind } from "./trace-ring.js";
import type { TraceFunctions } from "./tracer.js";

/** Processes one frame: reads its n buffer indices, writes n next slots. */
export type Process = (node: number, frame: number, n: number) => void;

/** How scatter takes the frame that a node leaves; assembly/graph names them too. */
const Mode = { wasm: 0, host: 1, port: 2, inspect: 3, inspectChained: 4 } as const;
/** Dispatches in which a burst has come to its end, if its packets do not go round in circles: each of a graph's nodes a few times. */
const DISPATCHES_MAX = 2048;
/** What scatter says of a node that wrote where unseal() looks, and what the node is told to have done. */
const BROKEN = -2;
const BREACH = "it wrote over what is the graph's own";

interface GraphModule extends TraceFunctions, FusedFunctions {
  submit(graph: number, index: number, n: number, input: number): number;
  enqueue(graph: number, index: number, buffer: number): void;
  take(graph: number): number;
  scatter(graph: number, index: number, node: number, frame: number, n: number, mode: number): number;
  dropFrame(graph: number, node: number, frame: number, n: number): number;
  guard(graph: number, frame: number, n: number): number;
  restore(graph: number, frame: number, n: number): void;
  passOver(graph: number, index: number, node: number, frame: number, n: number, slot: number): number;
  failOpen(graph: number, index: number, node: number, frame: number, n: number, slot: number): number;
  abandon(graph: number, index: number): void;
  allocate(graph: number): number;
  fragment(graph: number, index: number, node: number, frame: number, n: number): void;
  extend(graph: number, buffer: number, n: number): number;
  join(graph: number, into: number, length: number, from: number, skip: number, n: number): number;
  hold(graph: number, buffer: number): void;
  unhold(graph: number, buffer: number): number;
  release(graph: number, buffer: number): void;
  seal(graph: number): void;
  unseal(graph: number): number;
  isSafe(frame: number, n: number): number;
}

/** Who looks at packets on their way: traces, captures. What it is told of is not yet done. */
export interface Observer {
  /** Gives what the graph is to call in place of a node's function. */
  wrap(spec: NodeSpec, process: Process): Process;
  /** A burst came in by an input node. */
  received(input: NodeSpec, frame: number, n: number): void;
  /** Packets that a host node made or held enter the graph; `why`: they are dropped. */
  injected(buffers: readonly number[], why: string): void;
  /** A node that takes its packets itself drops one, for the reason that it counts. */
  released(buffer: number, spec: NodeSpec, counter: number): void;
  /** Such a node lets one go on that it has held, and its trace with it. */
  resumed(): void;
  /** A frame goes from node `index` to a slot, or to nowhere, without having been processed to the end: one of Kind says how. */
  astray(spec: NodeSpec, frame: number, n: number, kind: number, slot: number): void;
}

interface Node {
  index: number;
  name: string;
  /** address of its runtime block */
  runtime: number;
  process: Process;
  /** the same without an observer around it */
  plain: Process;
  /** a JavaScript function */
  host: boolean;
  mode: number;
  /** of a node that came from outside */
  containment: Containment | undefined;
}

export class Graph {
  /** address of the worker's region */
  readonly base: number;
  private readonly wasm: GraphModule;
  private readonly nodes: Node[] = [];
  /** the nodes there are, by index */
  readonly specs = new Map<number, NodeSpec>();
  /** of the node from outside that ran last, and whether there was any: what is found broken may be its doing */
  suspect: Containment | null = null;
  touched = false;
  private observer: Observer | null = null;
  /** null: each node does its own work */
  private fusion: Fusion | null = null;

  constructor(
    readonly packets: PacketMemory,
    worker: number,
    module: WebAssembly.Module,
    private readonly clocks: boolean,
    private readonly pulse: Pulse,
    private readonly onTrap: (node: string, error: Error) => void,
  ) {
    this.base = workerAt(worker);
    const instance = new WebAssembly.Instance(module, { env: { memory: packets.memory } });
    this.wasm = instance.exports as unknown as GraphModule;
  }

  /** A node from outside comes with what holds it. */
  add(spec: NodeSpec, process: Process, containment?: Containment): void {
    this.specs.set(spec.index, spec);
    const mode = containment ? Mode.inspect : Mode[spec.kind];
    const host = spec.kind === "host";
    const [runtime, plain] = [this.base + spec.runtime, process];
    if (this.observer) process = this.observer.wrap(spec, plain);
    this.nodes[spec.index] = { index: spec.index, name: spec.name, runtime, process, plain, host, mode, containment };
  }

  /** Has somebody look at what nodes do with packets; null: nobody does, and it costs nothing any more. */
  observe(observer: Observer | null): void {
    this.observer = observer;
    for (const node of this.nodes) if (node) node.process = observer?.wrap(this.specs.get(node.index)!, node.plain) ?? node.plain;
  }

  /** What of assembly/graph looks through frames for traced packets. */
  get tracing(): TraceFunctions {
    return this.wasm;
  }

  /** A node that takes its packets off its frame itself: it holds them, releases them, passes them on. `host`: it is a JavaScript function. */
  addTaking(spec: NodeSpec, process: Process, host: boolean): void {
    this.add(spec, process);
    Object.assign(this.nodes[spec.index]!, { host, mode: Mode.port });
  }

  /** Whether a node takes its packets off its frame itself: then it chooses no next slots. */
  takes({ index, kind }: NodeSpec): boolean {
    return kind !== "port" && this.nodes[index]?.mode === Mode.port;
  }

  /** Adds ip4-fragment, which is the graph's own. */
  addFragment(spec: NodeSpec): void {
    this.addTaking(spec, (node, frame, n) => this.wasm.fragment(this.base, spec.index, node, frame, n), false);
  }

  /** From now on bursts go through the nodes of FUSED_NODES, given in that order, at once, where they can and nobody looks on. */
  fuse(nodes: NodeSpec[]): void {
    this.fusion = new Fusion(this.packets, this.base, this.wasm, nodes);
  }

  /** Has what comes to node `index` processed as if it had come to `to`. */
  redirect(index: number, to: number): void {
    this.nodes[index] = this.nodes[to]!;
  }

  remove(index: number): void {
    if (this.suspect !== null && this.nodes[index]?.containment === this.suspect) this.suspect = null;
    delete this.nodes[index];
    this.specs.delete(index);
  }

  /** Takes a burst from a port through the graph, beginning where `input` leads; what the port did is `input`'s. Gives how many packets came. */
  receive(port: Port, input: NodeSpec): number {
    const first = this.arc(input.index, 0);
    const frame = this.inputFrame(first);
    if (this.clocks) addon.lap();
    const n = port.receive(frame, VECTOR);
    if (n === 0) return 0;
    const block = this.base + input.runtime;
    if (this.clocks) this.packets.f64[(block + NODE_CLOCKS) >> 3]! += addon.lap();
    if (this.fusion !== null && first === this.fusion.first && this.observer === null) {
      this.receiveFused(this.fusion, n, block);
    } else {
      this.observer?.received(input, frame, n);
      this.run(this.wasm.submit(this.base, first, n, block));
    }
    return n;
  }

  private receiveFused(fusion: Fusion, n: number, input: number): void {
    if (this.clocks && fusion.isDue(n)) {
      fusion.begin();
      this.run(this.wasm.submit(this.base, fusion.first, n, input));
      return fusion.end(n);
    }
    const next = this.wasm.submitFused(this.base, n, input);
    if (this.clocks) fusion.share(n, addon.lap());
    this.run(next);
  }

  /** Runs the graph on packets that host nodes made or held; `why`: what drops them, where it is error-drop that they are sent to. */
  inject(index: number, buffers: readonly number[], why = ""): void {
    this.observer?.injected(buffers, why);
    for (let from = 0; from < buffers.length; from += VECTOR) {
      for (const buffer of buffers.slice(from, from + VECTOR)) this.wasm.enqueue(this.base, index, buffer);
      if (this.clocks) addon.lap();
      this.run(this.wasm.take(this.base));
    }
  }

  /** A buffer for a packet that the router makes: its index, or 0 when the pool is empty. */
  allocate(): number {
    return this.wasm.allocate(this.base);
  }

  /** Makes a packet that was allocated n bytes longer, over as many buffers as that takes; false when the pool has not so many. */
  extend(buffer: number, n: number): boolean {
    return this.wasm.extend(this.base, buffer, n) !== 0;
  }

  /** Puts n bytes of packet `from`, from place `skip` on, behind the first `length` of packet `into`; false when it cannot be done. */
  join(into: number, length: number, from: number, skip: number, n: number): boolean {
    return this.wasm.join(this.base, into, length, from, skip, n) !== 0;
  }

  /** Keeps a packet, for a node that takes its packets itself. */
  hold(buffer: number): void {
    this.wasm.hold(this.base, buffer);
  }

  /** Sends a packet from node `index`, which takes its packets itself and runs now, to a next slot; it has had more packets than it passes on. */
  pass(index: number, slot: number, buffer: number): void {
    const target = this.arc(index, slot);
    this.observer?.resumed();
    if (target < NODE_COUNT) this.wasm.enqueue(this.base, target, buffer);
    else this.wasm.release(this.base, buffer);
  }

  /** Takes packets back from a host node that held them; gives those that were held. */
  unhold(buffers: readonly number[]): number[] {
    return buffers.filter((buffer) => this.wasm.unhold(this.base, buffer));
  }

  /** Index of the node behind a next slot. */
  arc(index: number, slot: number): number {
    return this.packets.u16[(WIRING + index * WIRING_SIZE + slot * 2) >> 1]!;
  }

  /** Goes on with what another worker left: drops the frame that its node had in hand, and takes the others on their way. */
  takeOver(hung: NodeSpec | undefined): void {
    const { u32 } = this.packets;
    if (this.clocks) addon.lap();
    if (hung) {
      const frame = u32[(this.base + GRAPH_FRAME) >> 2]!;
      const n = u32[(this.base + GRAPH_PACKETS) >> 2]!;
      this.wasm.restore(this.base, frame, n);
      this.observer?.astray(hung, frame, n, Kind.lost, 0);
      this.run(this.wasm.dropFrame(this.base, this.base + hung.runtime, frame, n));
    } else {
      this.run(this.wasm.take(this.base));
    }
  }

  /** Runs code from outside, which may not come back; `what` as Pulse.enter() wants it. Throws what it throws, and when it broke the graph. */
  runOutside<T>(what: number, code: () => T): T {
    this.enter(what);
    try {
      return code();
    } finally {
      if (this.leave()) throw new Error(BREACH);
    }
  }

  /** Drops a packet. */
  release(buffer: number): void {
    this.wasm.release(this.base, buffer);
  }

  /** Drops a packet of a node that takes its packets itself, which counts the reason. */
  refuse(buffer: number, spec: NodeSpec, counter: number): void {
    this.observer?.released(buffer, spec, counter);
    this.wasm.release(this.base, buffer);
  }

  /** Marks a turn of the scheduler: no table entry that was read before is still in use. */
  endTurn(): void {
    this.packets.u32[(this.base + GRAPH_EPOCH) >> 2]!++;
    this.pulse.endTurn();
  }

  /** Tells whether the worker sleeps. */
  sleeping(asleep: boolean): void {
    Atomics.store(this.packets.i32, (this.base + GRAPH_ASLEEP) >> 2, asleep ? 1 : 0);
  }

  /** Adds to a node's counter, from a host node. */
  count(runtime: number, counter: number, by = 1): void {
    this.packets.u64[(runtime + NODE_COUNTERS + counter * 8) >> 3]! += BigInt(by);
  }

  /** Address of the buffer at place i of a frame. */
  bufferAt(frame: number, i: number): number {
    return (this.packets.u32[(frame >> 2) + i]! << BUFFER_SHIFT) >>> 0;
  }

  setNext(frame: number, i: number, slot: number): void {
    this.packets.u16[((frame + FRAME_NEXT) >> 1) + i] = slot;
  }

  /** The frame in which packets wait for a node. */
  private inputFrame(index: number): number {
    return this.packets.u32[(this.base + GRAPH_PENDING + index * GRAPH_PENDING_SIZE) >> 2]!;
  }

  /** Runs nodes from `index` on; their clocks count from the last lap. */
  private run(index: number): void {
    const { u32, f64 } = this.packets;
    const frameWord = (this.base + GRAPH_FRAME) >> 2;
    const packetsWord = (this.base + GRAPH_PACKETS) >> 2;
    for (let dispatches = 0; index >= 0; dispatches++) {
      const node = this.nodes[index]!;
      const frame = u32[frameWord]!;
      const n = u32[packetsWord]!;
      index = node.containment === undefined ? this.runNode(node, frame, n) : this.runContained(node, frame, n, node.containment);
      if (this.clocks) f64[(node.runtime + NODE_CLOCKS) >> 3]! += addon.lap();
      if (dispatches === DISPATCHES_MAX) return this.abandon(index);
    }
  }

  private abandon(index: number): void {
    const { u32 } = this.packets;
    const [frame, n] = [u32[(this.base + GRAPH_FRAME) >> 2]!, u32[(this.base + GRAPH_PACKETS) >> 2]!];
    if (index >= 0) this.observer?.astray(this.specs.get(index)!, frame, n, Kind.circled, 0);
    this.wasm.abandon(this.base, index);
  }

  private runNode(node: Node, frame: number, n: number): number {
    try {
      if (node.host) this.mustBeSafe(frame, n);
      node.process(node.runtime, frame, n);
    } catch (error) {
      this.onTrap(node.name, error as Error);
      this.observer?.astray(this.specs.get(node.index)!, frame, n, Kind.lost, 0);
      return this.wasm.dropFrame(this.base, node.runtime, frame, n);
    }
    return this.wasm.scatter(this.base, node.index, node.runtime, frame, n, node.mode);
  }

  /** A node from outside that scribbles in others' frames could have a host node read page zero, which ends the process. */
  private mustBeSafe(frame: number, n: number): void {
    if (!this.wasm.isSafe(frame, n)) throw new Error("its packets were written over before it had them");
  }

  private runContained(node: Node, frame: number, n: number, containment: Containment): number {
    const { wasm, base } = this;
    if (!containment.ready()) {
      this.observer?.astray(this.specs.get(node.index)!, frame, n, Kind.passedOver, containment.slot);
      return wasm.passOver(base, node.index, node.runtime, frame, n, containment.slot);
    }
    const { process } = this.nodes[node.index]!; // another one than node's, when it has just started anew
    if (node.host) this.mustBeSafe(frame, n);
    const mode = wasm.guard(base, frame, n) ? Mode.inspectChained : Mode.inspect;
    let failure: Error | null = null;
    this.suspect = containment;
    this.touched = true;
    this.pulse.enter(node.index + 1);
    try {
      process(node.runtime, frame, n);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error)); // JavaScript throws anything
    }
    this.pulse.leave();
    if (failure === null) {
      const next = wasm.scatter(base, node.index, node.runtime, frame, n, mode);
      if (next !== BROKEN) return next;
    }
    if (failure === null || wasm.unseal(base)) failure = new Error(BREACH);
    containment.trapped(failure);
    if (containment.slot !== 0) return wasm.failOpen(base, node.index, node.runtime, frame, n, containment.slot);
    wasm.restore(base, frame, n);
    this.observer?.astray(this.specs.get(node.index)!, frame, n, Kind.lost, 0);
    return wasm.dropFrame(base, node.runtime, frame, n);
  }

  private enter(what: number): void {
    this.touched = true;
    this.wasm.seal(this.base);
    this.pulse.enter(what);
  }

  /** Whether what ran had written over what is the graph's own; that is as it was then. */
  private leave(): boolean {
    this.pulse.leave();
    return this.wasm.unseal(this.base) !== 0;
  }
}
