// What a router tells a monitoring system: every counter since the router's start, or since its node or
// interface is there, whatever was cleared for people's eyes.
//
// What is counted by name (an interface's counters, a node's, states of buffers) becomes a metric or a
// label by that name, so a new counter appears here without being mentioned.

import type { BufferInfo, Control, HardwareInfo, InterfaceInfo, NodeRuntime } from "./api.js";
import type { Metric, MetricSample } from "./exposition.js";
import type { Statistics } from "./statistics.js";

/** Where the figures come from. */
export interface Sources {
  control: Pick<Control, "interfaces" | "hardwareInterfaces" | "buffers" | "neighbors" | "version" | "customNodes" | "nodeCounters" | "memory">;
  /** which no clear command touches */
  statistics: Statistics;
  /** routes by kind */
  routes: () => Record<string, number>;
  /** of each worker */
  workers: () => WorkerState[];
}

export interface WorkerState {
  up: boolean;
  /** of its thread on a CPU, since that was started; null: it has ended */
  cpuSeconds: number | null;
  /** how often another thread took its place */
  takeovers: number;
}

/** Help of the interface counters whose name does not say it all. */
const COUNTER_HELP: Record<string, string> = {
  rxMissed: "Packets lost before the driver saw them: the receive ring was full.",
  rxNoBuffer: "Polls that found the buffer pool empty; the packets waited in the ring.",
  rxBadChecksum: "Packets whose checksum the device found bad; the nodes judge them again.",
  txNoRoom: "Packets lost because the device's queue was full.",
  txDown: "Packets lost because the link was down.",
  txTooLong: "Packets lost because they were too long for the device.",
};
/** Of BufferInfo: what is no state of buffers. */
const POOL_FACTS: string[] = ["size", "total", "pageSize"] satisfies (keyof BufferInfo)[];
const CUSTOM_STATES = ["running", "waiting", "set-aside"];

type Labels = Record<string, string>;

/** All metrics as they stand now. */
export function collect(sources: Sources): Metric[] {
  const { control } = sources;
  return merged([
    ...about(control.version()),
    ...ofWorkers(sources.workers()),
    ...ofInterfaces(control.interfaces(), sources.statistics),
    ...ofHardware(control.hardwareInterfaces()),
    ...ofNodes(sources.statistics),
    ...ofCustomNodes(control),
    ...ofPackets(sources.statistics),
    ...ofBuffers(control.buffers()),
    ...ofTables(sources),
  ]);
}

function about({ version, contract, node }: ReturnType<Control["version"]>): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge("weft_build_info", "Versions of weft, of the node contract and of Node; always 1.", one({ version, contract: String(contract), node }, 1)),
    gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", one({}, performance.timeOrigin / 1000)),
    counter("process_cpu_seconds_total", "CPU time of all threads.", one({}, (user + system) / 1e6)),
    gauge("process_resident_memory_bytes", "Memory of the process, the packet memory included.", one({}, process.memoryUsage.rss())),
  ];
}

function ofWorkers(workers: WorkerState[]): Metric[] {
  const each = (value: (worker: WorkerState) => number | null): MetricSample[] => workers.flatMap((worker, index) => {
    const read = value(worker);
    return read === null ? [] : one({ worker: String(index) }, read);
  });
  return [
    gauge("weft_worker_up", "1 while the worker runs.", each(({ up }) => Number(up))),
    counter("weft_worker_cpu_seconds_total", "CPU time of the worker's thread.", each(({ cpuSeconds }) => cpuSeconds)),
    counter("weft_worker_takeovers_total", "How often another thread took the worker's place, because a node never returned.",
      each(({ takeovers }) => takeovers)),
  ];
}

function ofInterfaces(interfaces: InterfaceInfo[], statistics: Statistics): Metric[] {
  const each = (value: (entry: InterfaceInfo) => number): MetricSample[] =>
    interfaces.flatMap((entry) => one({ interface: entry.name }, value(entry)));
  const counts = new Map(interfaces.map(({ name, index }) => [name, Object.entries(statistics.interfaceCounters(index))]));
  const names = (counts.values().next().value ?? []).map(([name]) => name);
  return [
    gauge("weft_interface_info", "What an interface is; always 1.", interfaces.flatMap(({ name, index, kind, hostInterface, mac }) =>
      one({ interface: name, index: String(index), kind, host_interface: hostInterface ?? "", mac }, 1))),
    gauge("weft_interface_admin_up", "1 where the interface was set up.", each(({ adminUp }) => Number(adminUp))),
    gauge("weft_interface_link_up", "1 while the link is up.", each(({ linkUp }) => Number(linkUp))),
    gauge("weft_interface_mtu_bytes", "Longest IP packet that is sent there.", each(({ mtu }) => mtu)),
    ...names.map((name, place) =>
      counter(`weft_interface_${counterName(name)}_total`, COUNTER_HELP[name] ?? `Interface counter "${spaced(name)}".`,
        each((entry) => counts.get(entry.name)![place]![1]))),
  ];
}

/** rxNoBuffer → receive_no_buffer */
function counterName(name: string): string {
  return snake(name).replace(/^rx_/, "receive_").replace(/^tx_/, "transmit_");
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

function spaced(name: string): string {
  return snake(name).replaceAll("_", " ");
}

function ofHardware(all: HardwareInfo[]): Metric[] {
  const each = (samples: (rdma: NonNullable<HardwareInfo["rdma"]>, labels: Labels) => MetricSample[]): MetricSample[] =>
    all.flatMap(({ name, rdma }) => (rdma === null ? [] : samples(rdma, { interface: name })));
  return [
    gauge("weft_interface_speed_bytes", "Bytes a second that the link carries.", each(({ speed }, labels) => one(labels, (speed * 1e6) / 8))),
    counter("weft_interface_queue_receive_packets_total", "Packets of each receive queue.", each(({ rxQueues }, labels) =>
      rxQueues.flatMap(({ packets }, queue) => one({ ...labels, queue: String(queue) }, packets)))),
    { name: "weft_interface_device_statistic", type: "untyped", help: "The adapter's own counters.", samples: each(({ counters }, labels) =>
      Object.entries(counters).flatMap(([name, value]) => one({ ...labels, counter: name }, value))) },
  ];
}

function ofNodes(statistics: Statistics): Metric[] {
  const { workers, clockRate } = statistics.runtime();
  const each = (value: (node: NodeRuntime) => number): MetricSample[] =>
    workers.flatMap(({ nodes }, worker) => nodes.flatMap((node) => one({ worker: String(worker), node: node.name, kind: node.kind }, value(node))));
  return [
    counter("weft_node_calls_total", "How often a node ran.", each(({ calls }) => calls)),
    counter("weft_node_packets_total", "Packets that came to a node.", each(({ vectors }) => vectors)),
    counter("weft_node_processing_seconds_total", "Time in a node, from clocks of the TSC; scattering to the next nodes included.",
      each(({ clocks }) => clocks / clockRate)),
    counter("weft_node_traps_total", "Frames lost because the node trapped.", each(({ traps }) => traps)),
    counter("weft_node_errors_total", "Packets by node and reason: those that ended there, and some that are merely noteworthy.",
      statistics.reasons().flatMap(({ node, reason, count }) => one({ node, reason }, count))),
    gauge("weft_tsc_frequency_hertz", "Clocks of the TSC a second.", one({}, clockRate)),
  ];
}

/** Their counters are among the errors. */
function ofCustomNodes(control: Sources["control"]): Metric[] {
  return [
    gauge("weft_custom_node_state", "1 for the state that a custom node is in.", control.customNodes().flatMap(({ name, state }) =>
      [...new Set([...CUSTOM_STATES, state])].flatMap((which) => one({ node: name, state: which }, Number(state === which))))),
    gauge("weft_custom_node_level", "Gauges that custom nodes declare.", control.nodeCounters().flatMap(({ node, name, kind, value }) =>
      (kind === "gauge" ? one({ node, gauge: name }, value) : []))),
  ];
}

function ofPackets(statistics: Statistics): Metric[] {
  const { received, originated, transmitted, dropped, held } = statistics.balance();
  return [
    counter("weft_packets_received_total", "Packets received on all interfaces.", one({}, received)),
    counter("weft_packets_originated_total", "Packets that the router made.", one({}, originated)),
    counter("weft_packets_transmitted_total", "Packets sent on all interfaces.", one({}, transmitted)),
    counter("weft_packets_dropped_total", "Packets that were dropped, for whatever reason.", one({}, dropped)),
    gauge(
      "weft_packets_held", "Packets that wait: for a neighbor's ARP answer, for the rest of their fragments, or delayed on purpose.", one({}, held),
    ),
  ];
}

function ofBuffers(buffers: BufferInfo): Metric[] {
  const states = Object.entries(buffers).filter(([name]) => !POOL_FACTS.includes(name)) as [string, number][];
  return [
    gauge("weft_buffers_capacity", "Buffers of the packet pool.", one({}, buffers.total)),
    gauge("weft_buffers", "Buffers by where they are; the rest is in the graph at this moment.", states.flatMap(([state, n]) => one({ state }, n))),
    gauge("weft_buffer_size_bytes", "Size of a packet buffer.", one({}, buffers.size)),
    gauge("weft_buffer_page_size_bytes", "Size of the pages under the packet pool.", one({}, buffers.pageSize)),
  ];
}

function ofTables({ control, routes }: Sources): Metric[] {
  const memory = control.memory();
  return [
    gauge("weft_nodes", "Nodes of the graph.", one({}, memory.nodeCount)),
    gauge("weft_memory_node_blocks_bytes", "Memory of nodes' counters and state that is in use.", one({}, memory.nodes)),
    gauge("weft_memory_configurations_bytes", "Memory of nodes' configurations that is in use.", one({}, memory.configurations)),
    gauge("weft_memory_module_regions", "Regions of modules' static data that are in use.", one({}, memory.regions)),
    gauge("weft_routes", "Routes by kind.", Object.entries(routes()).flatMap(([kind, n]) => one({ kind }, n))),
    gauge("weft_neighbors", "Neighbors by interface and state.", control.neighbors().flatMap(({ interface: name, state }) =>
      one({ interface: name, state }, 1))),
  ];
}

function counter(name: string, help: string, samples: MetricSample[]): Metric {
  return { name, type: "counter", help, samples };
}

function gauge(name: string, help: string, samples: MetricSample[]): Metric {
  return { name, type: "gauge", help, samples };
}

function one(labels: Labels, value: number): MetricSample[] {
  return [{ labels, value }];
}

/**
 * Adds up what has the same labels: neighbours of a state, and counters of which a node from outside has declared two by the same
 * name. A scrape in which a series came twice would be refused as a whole.
 */
function merged(metrics: Metric[]): Metric[] {
  return metrics.map((metric) => {
    const series = new Map<string, MetricSample>();
    for (const { labels, value } of metric.samples) {
      const key = JSON.stringify(labels);
      series.set(key, { labels, value: value + (series.get(key)?.value ?? 0) });
    }
    return { ...metric, samples: [...series.values()] };
  });
}
