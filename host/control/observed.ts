// Shapes of what there is to see of the graph, of threads, memory, time and notices; api.ts gives them on.

/** A node of the graph and its neighbours there. */
export interface GraphNode {
  name: string;
  index: number;
  /** what runs it */
  kind: "wasm" | "host" | "port";
  /** its next slots: by the name that its declaration gives them, and the node that packets for them come to now; null: they are dropped */
  next: { slot: number; name: string; node: string | null }[];
  /** nodes that lead to it */
  previous: string[];
}

export interface GraphInfo {
  /** seconds since the graph was last asked for, or since the start */
  seconds: number;
  /** with packets a second in that time, and clocks a packet since the last clear */
  nodes: (GraphNode & { rate: number; clocksPerPacket: number })[];
}

export interface ThreadInfo {
  /** 0: the control plane's */
  id: number;
  name: string;
  type: "main" | "worker";
  /** the kernel's number of it; null: it has ended */
  tid: number | null;
  /** that it ran on last, and those that it may run on ("0-3") */
  cpu: number | null;
  cpus: string | null;
  /** how often it slept since its start: voluntary context switches */
  sleeps: number;
}

/** What a notice is about. */
export type LogClass = "memory" | "interface" | "node" | "graph" | "trace" | "worker" | "router";

export interface LogEntry {
  /** ISO 8601, UTC, to the millisecond */
  time: string;
  class: LogClass;
  text: string;
}

export interface ClockInfo {
  /** ISO 8601, UTC */
  time: string;
  /** seconds since the router's start */
  seconds: number;
  /** TSC clocks a second */
  clockRate: number;
}

/** What of the router's memory is in use. */
export interface MemoryInfo {
  /** bytes of node runtime blocks, and of nodes' configurations */
  nodes: number;
  configurations: number;
  /** module regions */
  regions: number;
  nodeCount: number;
  /** bytes of the packet memory, of the buffer pool in it, and of the pool's pages */
  packetMemory: number;
  pool: number;
  pageSize: number;
}
