// Runs the graph in a worker: node after node, until every packet has come to its end.

import {
  BUFFER_SHIFT, FRAME_NEXT, GRAPH_ASLEEP, GRAPH_EPOCH, GRAPH_FRAME, GRAPH_PACKETS, GRAPH_PENDING, GRAPH_PENDING_SIZE, NODE_CLOCKS, NODE_COUNTERS,
  VECTOR,
} from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { type PacketMemory, workerAt } from "../memory/memory.js";
import type { Port } from "../ports/port.js";
import type { NodeSpec } from "./messages.js";

/** Processes one frame: reads its n buffer indices, writes n next slots. */
export type Process = (node: number, frame: number, n: number) => void;

/** How scatter takes the frame that a node leaves; assembly/graph names them too. */
const Mode = { wasm: 0, host: 1, port: 2 } as const;

interface GraphModule {
  submit(graph: number, index: number, n: number, input: number): number;
  enqueue(graph: number, index: number, buffer: number): void;
  take(graph: number): number;
  scatter(graph: number, index: number, node: number, frame: number, n: number, mode: number): number;
  dropFrame(graph: number, node: number, frame: number, n: number): number;
  allocate(graph: number): number;
  unhold(graph: number, n: number): void;
}

interface Node {
  index: number;
  name: string;
  /** address of its runtime block */
  runtime: number;
  process: Process;
  mode: number;
}

export class Graph {
  /** address of the worker's region */
  readonly base: number;
  private readonly wasm: GraphModule;
  private readonly nodes: Node[] = [];

  constructor(
    readonly packets: PacketMemory,
    worker: number,
    module: WebAssembly.Module,
    private readonly clocks: boolean,
    private readonly onTrap: (node: string, error: Error) => void,
  ) {
    this.base = workerAt(worker);
    const instance = new WebAssembly.Instance(module, { env: { memory: packets.memory } });
    this.wasm = instance.exports as unknown as GraphModule;
  }

  add(spec: NodeSpec, process: Process): void {
    this.nodes[spec.index] = { index: spec.index, name: spec.name, runtime: this.base + spec.runtime, process, mode: Mode[spec.kind] };
  }

  remove(index: number): void {
    delete this.nodes[index];
  }

  /** Takes a burst from a port through the graph, beginning with node `first`; what the port did is `input`'s. Gives how many packets came. */
  receive(port: Port, input: NodeSpec, first: number): number {
    if (this.clocks) addon.lap();
    const n = port.receive(this.inputFrame(first), VECTOR);
    if (n === 0) return 0;
    const block = this.base + input.runtime;
    if (this.clocks) this.packets.f64[(block + NODE_CLOCKS) >> 3]! += addon.lap();
    this.run(this.wasm.submit(this.base, first, n, block));
    return n;
  }

  /** Runs the graph on packets that host nodes made or held. */
  inject(index: number, buffers: readonly number[]): void {
    for (let from = 0; from < buffers.length; from += VECTOR) {
      for (const buffer of buffers.slice(from, from + VECTOR)) this.wasm.enqueue(this.base, index, buffer);
      this.run(this.wasm.take(this.base));
    }
  }

  /** A buffer for a packet that the router makes: its index, or 0 when the pool is empty. */
  allocate(): number {
    return this.wasm.allocate(this.base);
  }

  /** Tells that n packets are held no more. */
  unhold(n: number): void {
    this.wasm.unhold(this.base, n);
  }

  /** Marks a turn of the scheduler: no table entry that was read before is still in use. */
  endTurn(): void {
    this.packets.u32[(this.base + GRAPH_EPOCH) >> 2]!++;
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

  private run(index: number): void {
    const { u32, f64 } = this.packets;
    const frameWord = (this.base + GRAPH_FRAME) >> 2;
    const packetsWord = (this.base + GRAPH_PACKETS) >> 2;
    if (this.clocks) addon.lap();
    while (index >= 0) {
      const node = this.nodes[index]!;
      const frame = u32[frameWord]!;
      const n = u32[packetsWord]!;
      index = this.runNode(node, frame, n);
      if (this.clocks) f64[(node.runtime + NODE_CLOCKS) >> 3]! += addon.lap();
    }
  }

  private runNode(node: Node, frame: number, n: number): number {
    try {
      node.process(node.runtime, frame, n);
    } catch (error) {
      this.onTrap(node.name, error as Error);
      return this.wasm.dropFrame(this.base, node.runtime, frame, n);
    }
    return this.wasm.scatter(this.base, node.index, node.runtime, frame, n, node.mode);
  }
}
