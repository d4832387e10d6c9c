// A control plane that records what is asked of it and answers with fixed figures.

import type {
  Control, CustomNodeInfo, FaultLine, GraphNode, HardwareInfo, InterfaceCounters, InterfaceInfo, NodeInfo, PacketStreamInfo, PcapTraceStatus,
  PrometheusInfo, TraceInfo,
} from "../../host/control/api.js";

const NO_COUNTERS: InterfaceCounters = {
  rxPackets: 0, rxBytes: 0, rxMissed: 0, rxTruncated: 0, rxErrors: 0, rxNoBuffer: 0, rxBadChecksum: 0,
  txPackets: 0, txBytes: 0, txNoRoom: 0, txDown: 0, txTooLong: 0, txErrors: 0, faultRxLost: 0, faultTxLost: 0,
};

export const LOCAL0: InterfaceInfo = {
  name: "local0", index: 0, kind: "local", hostInterface: null, adminUp: false, linkUp: false, mac: "00:00:00:00:00:00", mtu: 0, redirects: true, proxyArp: false, addresses: [],
  counters: NO_COUNTERS,
};

export const ETH0: InterfaceInfo = {
  name: "host-eth0", index: 1, kind: "af_packet", hostInterface: "eth0", adminUp: true, linkUp: true, mac: "02:fe:00:00:00:01", mtu: 1500,
  redirects: true, proxyArp: false, addresses: ["192.0.2.1/24", "198.51.100.1/30"], counters: { ...NO_COUNTERS, rxPackets: 12, rxBytes: 1176, rxNoBuffer: 3, txPackets: 1000000 },
};

export const RDMA0: HardwareInfo = {
  name: "rdma-0", index: 2, kind: "rdma", hostInterface: "eth1", linkUp: true, mac: "02:fe:00:00:00:02", mtu: 1500, rxMode: "adaptive",
  promiscuous: false,
  rdma: {
    device: "mlx5_0", netdev: "eth1", pci: "0000:5e:00.0", model: "ConnectX-5", virtualFunction: false, firmware: "16.35.2000", mode: "dv",
    reason: "the adapter has Direct Verbs", speed: 100000, up: true, mac: "02:fe:00:00:00:02", promiscuous: false, striding: true,
    compression: true, multiSegment: true, maxPacketLength: 1522, rss: ["ipv4-tcp", "ipv6-tcp"],
    flows: ["ipv4 to 02:fe:00:00:00:02"], rxQueues: [{ size: 1024, posted: 1000, packets: 12, cqeSize: 64 }],
    txQueue: { size: 1024, pending: 3 }, offloads: ["tx-checksum"], dma: { base: "0x7f0000000000", end: "0x7f0002300000", lkey: 0x1e00 },
    lastDma: "0x7f00000000c0", counters: { rx_out_of_buffer: 0, rx_packets: 12 },
  },
};

export const ACL: CustomNodeInfo = {
  name: "acl", file: "/srv/build/all.wasm", declared: "packet-filter", kind: "wasm", state: "running", cause: null,
  place: { anchor: "after", node: "ip4-input", interfaces: ["host-eth0", "host-eth1"] }, next: ["error-drop", "continue"],
  policy: { fail: "closed", via: "continue", restart: 100, limit: 10 }, config: { rules: [{ action: "deny" }] }, traps: 0,
  stateSize: 1040, stateVersion: 2, region: 3,
};

export const METER: CustomNodeInfo = {
  ...ACL, name: "flow-meter", file: "/srv/meter.wasm", declared: "flow-meter", state: "set-aside", cause: "it never returned", place: null,
  policy: { fail: "open", via: "continue", restart: 0, limit: 0 }, config: {}, traps: 11, region: null,
};

const TRACE: TraceInfo = {
  packets: [
    {
      number: 1, copy: 0,
      steps: [
        { time: 1259.123, node: "af-packet-input", lines: ["rx-interface host-eth0, 46 bytes"], next: "ethernet-input", counted: [], end: null },
        { time: 3661000, node: "ip4-lookup", lines: [], next: "error-drop", counted: ["no route"], end: null },
      ],
    },
    { number: 1, copy: 1, steps: [{ time: 1259.124, node: "ip4-glean", lines: [], next: null, counted: [], end: "held" }] },
  ],
  kept: 1, lost: 4,
};

const CAPTURE: PcapTraceStatus = {
  file: "/tmp/a.pcapng", rx: true, tx: true, drop: true, max: 100000, interface: "any", running: true, ended: null, received: 3, sent: 2, dropped: 1,
  missed: 0, bytes: 1234,
};

const STREAM: PacketStreamInfo = {
  name: "", interface: "pg0", enabled: false, packets: 0, bytes: 0, elapsed: 0, limit: 0, rate: 0, size: null, seed: 0, data: null, pcap: null, failure: null,
};

const NO_FAULTS: FaultLine = {
  loss: 0, truncate: 0, corrupt: 0, duplicate: 0, reorder: 0, delay: 0, jitter: 0,
  lost: 0, truncated: 0, corrupted: 0, duplicated: 0, reordered: 0, delayed: 0, held: 0,
};

const LOOKUP: GraphNode = {
  name: "ip4-lookup", index: 1, kind: "wasm",
  next: [{ slot: 0, name: "error-drop", node: null }, { slot: 1, name: "ip4-rewrite", node: "acl" }, { slot: 3, name: "ip4-local", node: "acl" }],
  previous: ["ip4-input", "icmp4-input"],
};

export const LOOKUP_INFO: NodeInfo = {
  ...LOOKUP, calls: 10, vectors: 2560, clocks: 44160, clocksPerPacket: 17.25, vectorsPerCall: 256, traps: 0,
  errors: [{ count: 3, reason: "no route" }], custom: null,
};
const PROMETHEUS: PrometheusInfo = { address: "127.0.0.1", port: 9469, url: "http://127.0.0.1:9469/metrics" };

const ANSWERS: { [name in keyof Control]?: unknown } = {
  createHostInterface: Promise.resolve(ETH0),
  deleteHostInterface: Promise.resolve(),
  createRdmaInterface: Promise.resolve(RDMA0),
  deleteRdmaInterface: Promise.resolve(),
  rdmaDump: "rings in hex",
  createPacketGenerator: Promise.resolve({ ...ETH0, name: "pg0", kind: "pg", hostInterface: null }),
  packetGenerator: {
    interfaces: [{ name: "pg0", output: "pg1" }, { name: "pg1", output: null }],
    streams: [
      { ...STREAM, name: "s0", enabled: true, packets: 12, rate: 1e5, size: "60-1500", seed: 3, data: "UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1 -> 2" },
      { ...STREAM, name: "s1", packets: 7, limit: 9, pcap: "a.pcap", failure: "the file has become shorter" },
    ],
  },
  interfaceFaults: [{ interface: "pg0", seed: 9, rx: { ...NO_FAULTS, loss: 0.07, delay: 5, jitter: 0.05, lost: 7, delayed: 93, held: 2 }, tx: NO_FAULTS }],
  hardwareInterfaces: [
    { ...RDMA0, name: "host-eth0", index: 1, kind: "af_packet", hostInterface: "eth0", linkUp: false, promiscuous: true, rdma: null },
    RDMA0,
  ],
  stop: Promise.resolve(),
  interfaces: [LOCAL0, ETH0],
  runtime: {
    seconds: 10.25,
    clockRate: 2600000000,
    workers: [{
      name: "worker-0", vectorsPerCall: 1.5, rxRate: 100, txRate: 99.5,
      nodes: [
        { name: "ethernet-input", kind: "wasm", calls: 10, vectors: 2560, clocks: 16896, clocksPerPacket: 6.6, vectorsPerCall: 256, traps: 0 },
        { name: "arp-learn", kind: "host", calls: 1, vectors: 1, clocks: 1234, clocksPerPacket: 1234, vectorsPerCall: 1, traps: 2 },
        { name: "ip4-local", kind: "wasm", calls: 0, vectors: 0, clocks: 0, clocksPerPacket: 0, vectorsPerCall: 0, traps: 0 },
      ],
    }],
  },
  errors: [{ count: 7, node: "ip4-input", reason: "bad checksum" }, { count: 12, node: "ethernet-input", reason: "frame too short" }],
  buffers: { size: 2048, total: 16384, free: 16380, held: 1, posted: 3, pending: 0, pageSize: 2097152 },
  node: LOOKUP_INFO,
  routes: [
    { prefix: "0.0.0.0/0", kind: "drop", via: null, interface: null, adjacency: 1, paths: [] },
    { prefix: "203.0.113.0/24", kind: "gateway", via: "192.0.2.2", interface: "host-eth0", adjacency: 14, paths: [{ via: "192.0.2.2", interface: "host-eth0", weight: 1, adjacency: 14, buckets: 256 }] },
  ],
  neighbors: [
    { address: "192.0.2.2", mac: "02:fe:00:00:00:02", interface: "host-eth0", state: "reachable", age: 4.25 },
    { address: "192.0.2.9", mac: null, interface: "host-eth0", state: "incomplete", age: 0 },
  ],
  icmpLimits: { interval: 1000, rate: 0, burst: 50 },
  reassembly: {
    timeout: 30000, maxReassemblies: 1024, maxMemory: 4194304, reassemblies: 2, fragments: 5, memory: 11200, reassembled: 7, timedOut: 3,
  },
  version: { version: "0.1.0", contract: 1, node: "v20.20.2" },
  balance: { received: 100, originated: 5, transmitted: 90, dropped: 14, held: 1, difference: 0 },
  loadNode: Promise.resolve(ACL),
  replaceNode: Promise.resolve(ACL),
  customNodes: [ACL, METER],
  nodeCounters: [
    { node: "acl", name: "denied", kind: "counter", value: 12 },
    { node: "acl", name: "rules", kind: "gauge", value: 1 },
    { node: "flow-meter", name: "flows", kind: "gauge", value: 0 },
  ],
  nodeTable: {
    node: "flow-meter", table: "flows", columns: ["source", "destination", "packets", "bytes"],
    rows: [["192.0.2.2", "198.51.100.2", 12, 17000], ["192.0.2.3", "198.51.100.2", 1, 64]],
  },
  trace: TRACE,
  pcapTrace: CAPTURE,
  stopPcapTrace: Promise.resolve({ ...CAPTURE, running: false, ended: "stopped" }),
  memory: {
    nodes: 81920, configurations: 96, regions: 4, nodeCount: 18, packetMemory: 94896128, pool: 36700160, pageSize: 4096,
  },
  graph: {
    seconds: 2, nodes: [
      { ...LOOKUP, rate: 1000.5, clocksPerPacket: 17.25 },
      {
        name: 'a"b\\-tx', index: 2, kind: "port", next: [{ slot: 0, name: "x", node: null }, { slot: 1, name: "ip4-lookup", node: "ip4-lookup" }],
        previous: [], rate: 0, clocksPerPacket: 0,
      },
    ],
  },
  rxPlacement: [
    { worker: 0, node: "af-packet-input", interface: "host-eth0", queue: 0, mode: "adaptive" },
    { worker: 0, node: "rdma-input", interface: "rdma-0", queue: 0, mode: "polling" },
    { worker: 1, node: "rdma-input", interface: "rdma-0", queue: 1, mode: "polling" },
  ],
  threads: [
    { id: 0, name: "main", type: "main", tid: 4711, cpu: 1, cpus: "0-3", sleeps: 128 },
    { id: 1, name: "worker 0", type: "worker", tid: null, cpu: null, cpus: null, sleeps: 0 },
  ],
  logging: [
    { time: "2026-01-02T03:04:05.678Z", class: "memory", text: "no huge pages" },
    { time: "2026-01-02T03:04:06.000Z", class: "interface", text: "interface host-eth0: link up" },
  ],
  clock: { time: "2026-01-02T03:04:05.678Z", seconds: 12.34567, clockRate: 2600000000 },
  listenPrometheus: Promise.resolve(PROMETHEUS),
  closePrometheus: Promise.resolve(),
  prometheus: PROMETHEUS,
};

export interface Stub {
  control: Control;
  /** ["addRoute", "0.0.0.0/0", {…}] */
  calls: unknown[][];
}

export function stub(overrides: Partial<Control> = {}): Stub {
  const calls: unknown[][] = [];
  const control = new Proxy({} as Control, {
    get: (_, name: keyof Control | "then") => {
      if (name === "then") return undefined; // else `await control` would take it for a promise
      return (...args: unknown[]) => {
        calls.push([name, ...args]);
        const override = overrides[name] as ((...args: unknown[]) => unknown) | undefined;
        return override === undefined ? ANSWERS[name] : override(...args);
      };
    },
  });
  return { control, calls };
}
