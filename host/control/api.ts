// Shapes that the control plane takes and gives. Addresses are text ("192.0.2.1", "192.0.2.0/24",
// "02:fe:00:00:00:01"), times milliseconds unless a name says otherwise, counters numbers since start
// or the last clear.

import type { CustomNodeInfo, NodeConfig, NodeCounter, NodePlace, NodePolicy, NodeTable } from "./api-nodes.js";
import type { RouteControl } from "./api-routes.js";
import type { FaultInfo, FaultOptions } from "../ports/fault-options.js";
import type { PacketGeneratorInfo, PacketStreamInfo, PacketStreamOptions } from "../ports/pg-options.js";
import type { RdmaInfo } from "../ports/rdma.js";
import type { WeftError } from "../errors.js";
import type { Metric } from "./exposition.js";
import type { Health, PrometheusInfo } from "./prometheus.js";
import type { PortKind, RxMode } from "../ports/port.js";
import type { RdmaOptions } from "../ports/rdma-options.js";
import type { Watching } from "./trace-api.js";
import type { ClockInfo, GraphInfo, GraphNode, LogEntry, MemoryInfo, ThreadInfo } from "./observed.js";

export type * from "./api-nodes.js";
export type * from "./api-routes.js";
export type { FaultCounts, FaultInfo, FaultLine, FaultOptions } from "../ports/fault-options.js";
export type { PacketGeneratorInfo, PacketStreamInfo, PacketStreamOptions } from "../ports/pg-options.js";
export type { Metric, MetricSample } from "./exposition.js";
export type { Health, PrometheusInfo } from "./prometheus.js";
export type { RdmaInfo } from "../ports/rdma.js";
export type { ClockInfo, GraphInfo, GraphNode, LogClass, LogEntry, MemoryInfo, ThreadInfo } from "./observed.js";
export type { PortKind, RxMode } from "../ports/port.js";
export type { RdmaOptions, RssType } from "../ports/rdma-options.js";
export type * from "./trace-api.js";

export interface RouterOptions {
  /** packet buffers of 2048 bytes; 1024 … 262,128, at least 128 for each worker, default 16,384 */
  buffers?: number;
  /** MiB of packet buffers, in place of their number */
  poolSize?: number;
  /** threads that run the graph, 1 … 64; default 1 */
  workers?: number;
  /** CPU to pin the worker to, or CPUs for the workers in turn; default: not pinned */
  cpu?: number | readonly number[];
  /** read the TSC around each dispatch for `show runtime`; default true */
  clocks?: boolean;
  /** take ordinary packets through several nodes at once; false: each node does its own work, and its clocks are exact; default true */
  fuse?: boolean;
  /** debugging: find, name and undo what custom nodes write where they have no business; slow; default false */
  isolate?: boolean;
  /** called with one-line notices for the operator ("no huge pages: …") */
  notice?: (line: string) => void;
  /** called when a worker ended by itself: no packet moves any more, and all that is left to do is stop() */
  failed?: (error: WeftError) => void;
}

/** A receive queue, and who looks after it. */
export interface RxPlacementInfo {
  /** null: it is just going from one to another */
  worker: number | null;
  /** where its packets enter the graph */
  node: string;
  interface: string;
  queue: number;
  mode: RxMode;
}

export interface InterfaceInfo {
  name: string;
  /** software interface index */
  index: number;
  kind: "local" | PortKind;
  /** the Linux netdev behind it, where there is one */
  hostInterface: string | null;
  adminUp: boolean;
  linkUp: boolean;
  mac: string;
  mtu: number;
  /** whether it tells hosts of a better first hop on their own link (ICMP redirect) */
  redirects: boolean;
  /** whether it answers ARP requests for addresses to which another interface leads */
  proxyArp: boolean;
  /** "192.0.2.1/24", the primary first */
  addresses: string[];
  counters: InterfaceCounters;
}

export interface InterfaceCounters {
  rxPackets: number;
  rxBytes: number;
  /** lost before the driver saw them: ring full */
  rxMissed: number;
  rxTruncated: number;
  rxErrors: number;
  /** polls that found the pool empty; the packets wait in the ring */
  rxNoBuffer: number;
  /** checksums that the device found bad; the packets come through, and the nodes judge them */
  rxBadChecksum: number;
  txPackets: number;
  txBytes: number;
  /** ENOBUFS: the device's queue was full */
  txNoRoom: number;
  txDown: number;
  txTooLong: number;
  txErrors: number;
  /** lost on purpose: setInterfaceFault() */
  faultRxLost: number;
  faultTxLost: number;
}

export interface HardwareInfo {
  name: string;
  index: number;
  kind: PortKind;
  hostInterface: string | null;
  linkUp: boolean;
  mac: string;
  mtu: number;
  rxMode: RxMode;
  promiscuous: boolean;
  /** null for other kinds */
  rdma: RdmaInfo | null;
}

export interface NodeRuntime {
  name: string;
  kind: "wasm" | "host" | "port";
  calls: number;
  vectors: number;
  clocks: number;
  /** clocks / vectors; 0 when idle */
  clocksPerPacket: number;
  /** vectors / calls; 0 when idle */
  vectorsPerCall: number;
  /** frames lost because the node trapped */
  traps: number;
}

export interface WorkerRuntime {
  name: string;
  vectorsPerCall: number;
  /** packets a second that came in and went out */
  rxRate: number;
  txRate: number;
  nodes: NodeRuntime[];
}

export interface RuntimeInfo {
  /** seconds since start or the last clear */
  seconds: number;
  /** TSC clocks a second */
  clockRate: number;
  workers: WorkerRuntime[];
}

export interface ErrorCounter {
  count: number;
  node: string;
  reason: string;
}

export interface BufferInfo {
  size: number;
  total: number;
  free: number;
  /** kept by host nodes: while a neighbour is being resolved, or fragments of a packet that is not whole */
  held: number;
  /** in receive queues, for packets to come */
  posted: number;
  /** in send queues, not yet reported sent, or delayed on purpose */
  pending: number;
  /** pool page size in bytes: 2 MiB where huge pages were had */
  pageSize: number;
}

/** Packets to the router that come in fragments. */
export interface ReassemblyInfo {
  /** ms after which what is not whole is given up; default 30,000 */
  timeout: number;
  /** most packets that are not whole, a quarter of them of one source; default 1024 */
  maxReassemblies: number;
  /** most bytes of buffers that fragments take: 4 MiB, or a quarter of a small pool */
  maxMemory: number;
  /** packets that are not whole now, their fragments, and bytes of buffers that those take */
  reassemblies: number;
  fragments: number;
  memory: number;
  /** packets put together, and fragments that were given up, since the last clear */
  reassembled: number;
  timedOut: number;
}

export interface PingOptions {
  /** default 5 */
  count?: number;
  /** default 1000; at least 1 */
  interval?: number;
  /** payload bytes, 8 … 65,507; default 56 */
  size?: number;
  /** how long to wait after the last request; default twice the longest round trip, at least 1000, and 5000 where no reply has come yet */
  timeout?: number;
  onReply?: (reply: PingReply) => void;
  signal?: AbortSignal;
}

export interface PingReply {
  sequence: number;
  from: string;
  bytes: number;
  ttl: number;
  /** round trip */
  time: number;
}

export interface PingResult {
  sent: number;
  received: number;
  /** round trips; 0 when nothing came back */
  min: number;
  average: number;
  max: number;
}

/** All there is to know of a node. */
export interface NodeInfo extends GraphNode {
  calls: number;
  vectors: number;
  clocks: number;
  clocksPerPacket: number;
  vectorsPerCall: number;
  traps: number;
  errors: { count: number; reason: string }[];
  /** null: it is one of weft's own */
  custom: CustomNodeInfo | null;
}

/** Where every packet went: received + originated = transmitted + dropped + held (+ those in the graph at this moment). */
export interface Balance {
  received: number;
  originated: number;
  transmitted: number;
  dropped: number;
  held: number;
  /** received + originated - transmitted - dropped - held: 0 when the graph is at rest */
  difference: number;
}

/** How often ICMP errors may be sent (RFC 1812 4.3.2.8). Those that tell a path MTU, and echo replies, are not limited. */
export interface IcmpLimits {
  /** ms between two errors to one destination, behind the first six; 0: no limit; default 1000 */
  interval: number;
  /** errors a second to all destinations, and as many TCP resets; 0: no limit; default 1000 */
  rate: number;
  /** of those at once; default 50 */
  burst: number;
}

export interface VersionInfo {
  version: string;
  contract: number;
  node: string;
}

/** The control plane: everything the command line can do. Each call either takes effect whole or throws a WeftError and changes nothing. */
export interface Control extends RouteControl, Watching {
  /**
   * A port on a Linux netdev, over packet sockets: interface `host-NAME`, down until it is set up. Throws NOT_FOUND, CONFLICT, NO_PERMISSION,
   * NO_MEMORY, SYSTEM.
   */
  createHostInterface(hostInterface: string): Promise<InterfaceInfo>;
  /** Addresses, routes and neighbours go with it. Throws NOT_FOUND, BAD_ARGUMENT for another kind, CONFLICT while a custom node needs it. */
  deleteHostInterface(hostInterface: string): Promise<void>;
  /** A share of a ConnectX port. Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT, NO_PERMISSION, NO_MEMORY, SYSTEM. */
  createRdmaInterface(options: RdmaOptions): Promise<HardwareInfo>;
  /** As deleteHostInterface. */
  deleteRdmaInterface(name: string): Promise<void>;
  /** An interface without a device: what it receives, streams make. Throws BAD_ARGUMENT, CONFLICT, NO_MEMORY. */
  createPacketGenerator(name: string): Promise<InterfaceInfo>;
  /** Its streams go with it. As deleteHostInterface. */
  deletePacketGenerator(name: string): Promise<void>;
  /** What is sent through it comes in at the peer, another one or itself; null: it is dropped, as at first. */
  connectPacketGenerator(name: string, peer: string | null): void;
  /** Adds a stream, not enabled yet. Reads a capture to its end, and refuses a damaged one. */
  newPacketStream(options: PacketStreamOptions): Promise<PacketStreamInfo>;
  deletePacketStream(name: string): void;
  /** From its first packet on, with the same random values again; no name: all streams. */
  enablePacketStream(name?: string): void;
  disablePacketStream(name?: string): void;
  /** Has packets lost, damaged, delayed … on purpose; a direction that is not given stays as it is. null: no more, what waits goes on at once. */
  setInterfaceFault(name: string, faults: { rx?: FaultOptions; tx?: FaultOptions; seed?: number } | null): Promise<void>;
  /**
   * Up or down for the router; the netdev stays as it is. This and what follows throw NOT_FOUND for an unknown interface, BAD_ARGUMENT for
   * local0.
   */
  setInterfaceState(name: string, up: boolean): void;
  /** 68 … 65535, RFC 791's least and IPv4's most; until then it is the device's, and changes with it */
  setInterfaceMtu(name: string, mtu: number): void;
  /** Throws NO_PERMISSION where an adapter refuses it to a virtual function; the old address stays then. */
  setInterfaceMac(name: string, mac: string): void;
  /** whether the device takes frames for other stations too; they still end in ethernet-input unless a node wants them */
  setInterfacePromiscuous(name: string, on: boolean): void;
  /** When the worker looks for packets: always, when the device rings, or the one while there are some and then the other. */
  setInterfaceRxMode(name: string, mode: RxMode): void;
  /** Gives a receive queue to another worker; no packet is lost, and no flow reordered. Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT. */
  setInterfaceRxPlacement(name: string, queue: number, worker: number): Promise<void>;
  /** Echo requests of the router's own (RFC 792); resolves when the last is answered or overdue. Throws BAD_ARGUMENT, NOT_FOUND without a route. */
  ping(address: string, options?: PingOptions): Promise<PingResult>;
  /** What is not given stays. Throws BAD_ARGUMENT. */
  setIcmpLimits(limits: Partial<IcmpLimits>): void;
  /** What is not given stays. Throws BAD_ARGUMENT. */
  setReassembly(limits: Partial<Pick<ReassemblyInfo, "timeout" | "maxReassemblies">>): void;

  /** Loads a node from a module (.wasm; .mjs: host nodes); `FILE:NODE` names one of several. It sees no packets until it is inserted. */
  loadNode(file: string, name: string, config?: NodeConfig): Promise<CustomNodeInfo>;
  /** Again at the same place, with another interface: for that one too. */
  insertNode(name: string, place: NodePlace): Promise<void>;
  /** Takes a node out of the packets' way; of one interface only, where it was given to some. It stays loaded. */
  bypassNode(name: string, interfaceName?: string): Promise<void>;
  /** Takes it out of the packets' way first, and then out of memory. Throws NOT_FOUND; CONFLICT while another node leads to it. */
  unloadNode(name: string): Promise<void>;
  /** Its place stays, its state too where the new one takes it; a configuration that is not given stays. */
  replaceNode(name: string, file: string, config?: NodeConfig): Promise<CustomNodeInfo>;
  /** Checked against the schema that the node declares: all of it takes effect, or nothing. Throws NOT_FOUND, BAD_ARGUMENT, BAD_MODULE, NO_MEMORY. */
  configureNode(name: string, config: NodeConfig): Promise<void>;
  /** What is not given stays. Throws NOT_FOUND, BAD_ARGUMENT. */
  setNodePolicy(name: string, policy: Partial<NodePolicy>): Promise<void>;
  /** Has a node that was set aside, or waits, start anew now. */
  restartNode(name: string): Promise<void>;

  /** Interfaces by index, local0 first. */
  interfaces(): InterfaceInfo[];
  /** the interfaces that have a port */
  hardwareInterfaces(): HardwareInfo[];
  /** an rdma interface's rings, in hex */
  rdmaDump(name: string): string;
  /** What each node of each worker did since start or the last clearRuntime(). */
  runtime(): RuntimeInfo;
  /** Reasons that have occurred since start or the last clearErrors(), packets each. */
  errors(): ErrorCounter[];
  /** Where the buffers of the packet pool are. */
  buffers(): BufferInfo;
  icmpLimits(): IcmpLimits;
  reassembly(): ReassemblyInfo;
  /** Versions of weft, of the node contract and of Node. */
  version(): VersionInfo;
  /** Since start, whatever was cleared. */
  balance(): Balance;
  packetGenerator(): PacketGeneratorInfo;
  /** of the interfaces that have any */
  interfaceFaults(): FaultInfo[];
  /** Nodes that were loaded, in that order. */
  customNodes(): CustomNodeInfo[];
  /** counters and gauges that custom nodes declare, zero ones too */
  nodeCounters(): NodeCounter[];
  /** Throws NOT_FOUND for a node that is not loaded or declares no such table. */
  nodeTable(name: string, table: string): NodeTable;
  memory(): MemoryInfo;
  /** Rates in it are since it was last asked for. */
  graph(): GraphInfo;
  /** Any node of the graph. Throws NOT_FOUND. */
  node(name: string): NodeInfo;
  threads(): ThreadInfo[];
  /** by worker */
  rxPlacement(): RxPlacementInfo[];
  /** the last 512 notices, the oldest first */
  logging(): LogEntry[];
  clock(): ClockInfo;

  /** Every counter and gauge as a monitoring system wants it: in base units, and counted on whatever is cleared. */
  metrics(): Metric[];
  /** ok while the worker answers within a second and no interface that is up has lost its device; a link that is down is no failure. */
  health(): Promise<Health>;
  /**
   * Serves metrics() to Prometheus at http://ADDRESS:PORT/metrics and health() at /healthz (200, or 503 with the causes) until closed or
   * stopped. Port 0: any that is free. Throws BAD_ARGUMENT, CONFLICT, NO_PERMISSION.
   */
  listenPrometheus(address: string, port: number): Promise<PrometheusInfo>;
  /** Throws NOT_FOUND where nothing listens. */
  closePrometheus(): Promise<void>;
  /** where it listens; null: nowhere */
  prometheus(): PrometheusInfo | null;

  /** Interface counters begin at 0 again; metrics() go on. */
  clearInterfaces(): void;
  /** What the devices count, of one interface or of all. Throws NOT_FOUND. */
  clearHardware(name?: string): void;
  /** The same for runtime(). */
  clearRuntime(): void;
  /** The same for errors() and nodeCounters(), but for gauges. */
  clearErrors(): void;
  clearLogging(): void;

  /** Ends the workers, closes every port; what is still asked for, or is asked later, is rejected with WORKER. A second call waits for the first. */
  stop(): Promise<void>;
}
