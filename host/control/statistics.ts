// Counters as the operator sees them: what the workers have counted, less what stood there at the last clear.

import {
  BUFFER_SIZE, GRAPH_BAD_BUFFER, GRAPH_CIRCLED, GRAPH_DROPPED, GRAPH_HELD, GRAPH_NO_COPY, GRAPH_ORIGINATED, IFC_FAULT_BUFFERS, IFC_FAULT_HELD,
  IFC_FAULT_RX_LOST, IFC_FAULT_TX_LOST, IFC_RX_BYTES, IFC_RX_CHECKSUM, IFC_RX_ERROR, IFC_RX_MISSED, IFC_RX_NO_BUFFER, IFC_RX_PACKETS,
  IFC_RX_POSTED, IFC_RX_TRUNCATED, IFC_SIZE, IFC_TX_BYTES, IFC_TX_DOWN, IFC_TX_ERROR, IFC_TX_NO_ROOM, IFC_TX_PACKETS, IFC_TX_PENDING,
  IFC_TX_TOO_LONG, INTERFACE_COUNT, NODE_BAD_HEADER, NODE_BAD_NEXT, NODE_CALLS, NODE_CLOCKS, NODE_COUNTERS, NODE_PASSED_OVER, NODE_STATE,
  NODE_TRAPS, NODE_VECTORS, WORKER_INTERFACES,
} from "../../assembly/abi.js";
import { addon } from "../addon.js";
import type { NodeSpec } from "../graph/messages.js";
import { type OwnedMemory, workerAt } from "../memory/memory.js";
import type { Balance, BufferInfo, ErrorCounter, InterfaceCounters, NodeRuntime, RuntimeInfo, WorkerRuntime } from "./api.js";

const INTERFACE_OFFSETS: Record<keyof InterfaceCounters, number> = {
  rxPackets: IFC_RX_PACKETS,
  rxBytes: IFC_RX_BYTES,
  rxMissed: IFC_RX_MISSED,
  rxTruncated: IFC_RX_TRUNCATED,
  rxErrors: IFC_RX_ERROR,
  rxNoBuffer: IFC_RX_NO_BUFFER,
  rxBadChecksum: IFC_RX_CHECKSUM,
  txPackets: IFC_TX_PACKETS,
  txBytes: IFC_TX_BYTES,
  txNoRoom: IFC_TX_NO_ROOM,
  txDown: IFC_TX_DOWN,
  txTooLong: IFC_TX_TOO_LONG,
  txErrors: IFC_TX_ERROR,
  faultRxLost: IFC_FAULT_RX_LOST,
  faultTxLost: IFC_FAULT_TX_LOST,
};
/** What a node does wrong, beside its own counters. */
const NODE_ERRORS: [reason: string, offset: number][] = [
  ["next slot that does not exist", NODE_BAD_NEXT],
  ["frame lost to a trap", NODE_TRAPS],
  ["header left inconsistent", NODE_BAD_HEADER],
  ["passed over: the node is not running", NODE_PASSED_OVER],
];
/** What goes wrong between nodes. */
const GRAPH_ERRORS: [reason: string, offset: number][] = [
  ["not a buffer in use", GRAPH_BAD_BUFFER],
  ["copy not made: no buffer", GRAPH_NO_COPY],
  ["went round in circles", GRAPH_CIRCLED],
];
/** Counters of a port in which packets end that it did not send. */
const LOSSES = [IFC_TX_NO_ROOM, IFC_TX_DOWN, IFC_TX_TOO_LONG, IFC_TX_ERROR, IFC_FAULT_RX_LOST, IFC_FAULT_TX_LOST];

export class Statistics {
  private readonly baseline = new Map<number, number>();
  private since = performance.now();
  /** packets received and sent when the runtime was last cleared: rates have a clear of their own */
  private readonly trafficAtClear = new Map<string, number>();

  /** `lasting`: the same counters as no clear command touches them; it is told of nodes and interfaces that are new. */
  constructor(private readonly memory: OwnedMemory, private readonly nodes: () => NodeSpec[], private readonly lasting?: Statistics) {}

  interfaceCounters(index: number): InterfaceCounters {
    const count = (offset: number): number => this.sum((worker) => this.read(blockOf(worker, index) + offset));
    return Object.fromEntries(Object.entries(INTERFACE_OFFSETS).map(([name, offset]) => [name, count(offset)])) as unknown as InterfaceCounters;
  }

  runtime(): RuntimeInfo {
    const seconds = (performance.now() - this.since) / 1000;
    const workers = this.workers().map((worker) => this.workerRuntime(worker, seconds));
    return { seconds, clockRate: addon.clockRate(), workers };
  }

  errors(): ErrorCounter[] {
    return this.reasons().filter(({ count }) => count > 0);
  }

  /** Those too that did not occur. */
  reasons(): ErrorCounter[] {
    const found: ErrorCounter[] = [];
    for (const node of this.nodes()) {
      const add = (reason: string, offset: number): void => {
        found.push({ count: this.nodeCounter(node, offset), node: node.name, reason });
      };
      for (const [counter, reason] of node.counters.entries()) add(reason, NODE_COUNTERS + counter * 8);
      for (const [reason, offset] of NODE_ERRORS) add(reason, offset);
    }
    for (const [reason, offset] of GRAPH_ERRORS) {
      found.push({ count: this.sum((worker) => this.read(workerAt(worker) + offset)), node: "graph", reason });
    }
    return found;
  }

  /** One of a node's counters or gauges. */
  nodeCounter(node: NodeSpec, offset: number): number {
    return this.sum((worker) => this.read(workerAt(worker) + node.runtime + offset));
  }

  buffers(): BufferInfo {
    const { packets, pageSize } = this.memory;
    const free = this.sum((worker) => packets.free(worker));
    const held = this.sum((worker) => packets.counter(workerAt(worker) + GRAPH_HELD));
    const posted = this.sumAll(IFC_RX_POSTED);
    const pending = this.sumAll(IFC_TX_PENDING) + this.sumAll(IFC_FAULT_BUFFERS);
    return { size: BUFFER_SIZE, total: packets.layout.buffers, free, held, posted, pending, pageSize };
  }

  /** Never cleared: it must hold from start to end. */
  balance(): Balance {
    const graph = (offset: number): number => this.sum((worker) => this.memory.packets.counter(workerAt(worker) + offset));
    const received = this.sumAll(IFC_RX_PACKETS);
    const originated = graph(GRAPH_ORIGINATED);
    const transmitted = this.sumAll(IFC_TX_PACKETS);
    const dropped = graph(GRAPH_DROPPED) + LOSSES.reduce((sum, offset) => sum + this.sumAll(offset), 0);
    const held = graph(GRAPH_HELD) + this.sumAll(IFC_FAULT_HELD);
    return { received, originated, transmitted, dropped, held, difference: received + originated - transmitted - dropped - held };
  }

  clearInterfaces(): void {
    for (let index = 0; index < INTERFACE_COUNT; index++) this.clearOne(index);
  }

  /** For a new interface that takes the index of an old one. */
  clearInterface(index: number): void {
    this.clearOne(index);
    this.lasting?.clearInterface(index);
  }

  clearRuntime(): void {
    this.since = performance.now();
    for (const worker of this.workers()) {
      for (const offset of [IFC_RX_PACKETS, IFC_TX_PACKETS]) this.trafficAtClear.set(keyOf(worker, offset), this.traffic(worker, offset));
    }
    for (const node of this.nodes()) this.clearNodeRuntime(node);
  }

  clearErrors(): void {
    for (const node of this.nodes()) this.clearNodeErrors(node);
    for (const worker of this.workers()) for (const [, offset] of GRAPH_ERRORS) this.clear(workerAt(worker) + offset);
  }

  /** For a new node that takes the place of an old one. */
  clearNode(node: NodeSpec): void {
    this.clearNodeRuntime(node);
    this.clearNodeErrors(node);
    this.lasting?.clearNode(node);
  }

  /** A node has taken over what another one had counted, at the same places of its block. */
  moveNode(from: NodeSpec, to: NodeSpec): void {
    for (const worker of this.workers()) {
      const [old, fresh] = [workerAt(worker) + from.runtime, workerAt(worker) + to.runtime];
      for (let offset = 0; offset < NODE_COUNTERS; offset += 8) this.baseline.set(fresh + offset, this.baseline.get(old + offset) ?? 0);
      for (const [place, name] of to.counters.entries()) {
        const before = from.counters.indexOf(name);
        if (before >= 0) this.baseline.set(fresh + NODE_COUNTERS + place * 8, this.baseline.get(old + NODE_COUNTERS + before * 8) ?? 0);
      }
    }
  }

  forgetNode(node: NodeSpec): void {
    for (const worker of this.workers()) {
      for (let offset = 0; offset < NODE_STATE; offset += 8) this.baseline.delete(workerAt(worker) + node.runtime + offset);
    }
  }

  private clearOne(index: number): void {
    for (const worker of this.workers()) for (const offset of Object.values(INTERFACE_OFFSETS)) this.clear(blockOf(worker, index) + offset);
  }

  private clearNodeErrors(node: NodeSpec): void {
    for (const worker of this.workers()) {
      const block = workerAt(worker) + node.runtime;
      for (const [, offset] of NODE_ERRORS) this.clear(block + offset);
      for (const counter of node.counters.keys()) this.clear(block + NODE_COUNTERS + counter * 8);
    }
  }

  private clearNodeRuntime(node: NodeSpec): void {
    for (const worker of this.workers()) {
      const block = workerAt(worker) + node.runtime;
      for (const offset of [NODE_CALLS, NODE_VECTORS]) this.clear(block + offset);
      this.baseline.set(block + NODE_CLOCKS, this.memory.packets.f64[(block + NODE_CLOCKS) >> 3]!);
    }
  }

  private workerRuntime(worker: number, seconds: number): WorkerRuntime {
    const nodes = this.nodes().map((node) => this.nodeRuntime(workerAt(worker) + node.runtime, node));
    const input = nodes.find((node) => node.name === "ethernet-input");
    const rate = (offset: number): number => (this.traffic(worker, offset) - (this.trafficAtClear.get(keyOf(worker, offset)) ?? 0)) / seconds;
    const vectorsPerCall = input?.vectorsPerCall ?? 0;
    return { name: `worker ${worker}`, vectorsPerCall, rxRate: rate(IFC_RX_PACKETS), txRate: rate(IFC_TX_PACKETS), nodes };
  }

  private nodeRuntime(block: number, node: NodeSpec): NodeRuntime {
    const calls = this.read(block + NODE_CALLS);
    const vectors = this.read(block + NODE_VECTORS);
    const clocks = this.memory.packets.f64[(block + NODE_CLOCKS) >> 3]! - (this.baseline.get(block + NODE_CLOCKS) ?? 0);
    return {
      name: node.name,
      kind: node.kind,
      calls,
      vectors,
      clocks,
      clocksPerPacket: vectors && clocks / vectors,
      vectorsPerCall: calls && vectors / calls,
      traps: this.read(block + NODE_TRAPS),
    };
  }

  /** Of a counter over all interfaces of a worker, as it stands there. */
  private traffic(worker: number, offset: number): number {
    let sum = 0;
    for (let index = 0; index < INTERFACE_COUNT; index++) sum += this.memory.packets.counter(blockOf(worker, index) + offset);
    return sum;
  }

  private read(address: number): number {
    return this.memory.packets.counter(address) - (this.baseline.get(address) ?? 0);
  }

  private clear(address: number): void {
    this.baseline.set(address, this.memory.packets.counter(address));
  }

  private workers(): number[] {
    return Array.from({ length: this.memory.packets.layout.workers }, (_, worker) => worker);
  }

  private sum(of: (worker: number) => number): number {
    return this.workers().reduce((sum, worker) => sum + of(worker), 0);
  }

  private sumAll(offset: number): number {
    return this.sum((worker) => this.traffic(worker, offset));
  }
}

/** Counter block of an interface in a worker's region. */
function blockOf(worker: number, index: number): number {
  return workerAt(worker) + WORKER_INTERFACES + index * IFC_SIZE;
}

function keyOf(worker: number, offset: number): string {
  return `${worker} ${offset}`;
}
