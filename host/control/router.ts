// The control plane: a router made of a packet memory, workers that run the graph, and the tables that say where packets go.

import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { WeftError } from "../errors.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import { compileModule, loadModule } from "../graph/module.js";
import type { Registry } from "../graph/registry.js";
import { Wiring } from "../graph/wiring.js";
import { bufferCount, createMemory, type OwnedMemory } from "../memory/memory.js";
import { Tables } from "../memory/tables.js";
import { Adjacencies } from "./adjacencies.js";
import { Announcements } from "./announcements.js";
import type {
  Control, CustomNodeInfo, HardwareInfo, Health, InterfaceInfo, MemoryInfo, Metric, NodeConfig, NodeCounter, NodePlace, NodePolicy, NodeTable,
  PingOptions, PingResult, PrometheusInfo, ReassemblyInfo, RouterOptions,
} from "./api.js";
import { builtInNodes } from "./built-in-nodes.js";
import { type Connect, inThread } from "./engine-link.js";
import { epochsOf } from "./epoch.js";
import { Faults } from "./faults.js";
import { Fib } from "./fib.js";
import { Forwarding } from "./forwarding.js";
import { Icmp } from "./icmp.js";
import { type Interface, interfaceInfo, Interfaces } from "./interfaces.js";
import { Log } from "./logging.js";
import { Monitoring } from "./monitoring.js";
import { Neighbours } from "./neighbours.js";
import { NodeConfigs } from "./node-configs.js";
import { Regions } from "./node-files.js";
import { Nodes } from "./nodes.js";
import { noticeOf } from "./notices.js";
import { PacketGenerators } from "./packet-generator.js";
import { PathSets } from "./paths.js";
import { Pinger, SENDER } from "./pinger.js";
import { Ports } from "./ports.js";
import { ReassemblySettings } from "./reassembly.js";
import { Requests } from "./requests.js";
import { Resolution } from "./resolution.js";
import { Targets } from "./route.js";
import { Routes } from "./routes.js";
import type { SharedOptions } from "./supervisor.js";
import { TraceControl } from "./trace-control.js";
import { Workers } from "./workers.js";

const ROOT = new URL("../../../", import.meta.url); // dist/host/control/ → the package
/** each worker's region takes 8 MiB of the memory's 4 GiB */
const WORKERS_MAX = 64;
const TICK = 1000;

/**
 * Control has too many methods for one file. Observation, RouteCommands, TraceControl and Router have those of one subject each; a method calls the
 * part that does it. Each class extends the one before only so that all are methods of one object. Router makes the parts.
 */
export class Router extends TraceControl implements Control {
  protected readonly interfaceTable: Interfaces;
  private readonly adjacencyTable: Adjacencies;
  protected readonly neighbourTable: Neighbours;
  protected readonly routeTable: Routes;
  private readonly resolution: Resolution;
  protected readonly announcements: Announcements;
  protected readonly forwarding: Forwarding;
  private readonly pinger: Pinger;
  private readonly reassemblySettings: ReassemblySettings;
  protected readonly ports: Ports;
  private readonly generators = new PacketGenerators(() => this.interfaceTable.list(), (name) => this.ports.find(name));
  private readonly faults = new Faults(
    () => this.interfaceTable.list(), (name) => this.ports.find(name), (change) => this.requests.send(change), () => this.workers.count,
  );
  private readonly requests: Requests;
  private readonly nodes: Nodes;
  private readonly configs: NodeConfigs;
  private readonly regions = new Regions();
  private readonly workers: Workers;
  private readonly monitoring: Monitoring;
  private timer: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;

  private constructor(
    memory: OwnedMemory, tables: Tables, private readonly icmp: Icmp, registry: Registry, wiring: Wiring, options: RouterOptions, log: Log,
  ) {
    super(memory, registry, wiring, log);
    const { buffers, workers } = memory.packets.layout;
    const epochs = epochsOf(memory.packets);
    const all = Array.from({ length: workers }, (_, worker) => worker);
    this.requests = new Requests((message, worker) => this.post(message, worker), all);
    this.interfaceTable = new Interfaces(tables);
    this.adjacencyTable = new Adjacencies(tables, epochs);
    tables.setFlowSeed(randomInt(2 ** 32));
    const sets = new PathSets(tables, this.adjacencyTable, epochs, (index) => this.interfaceTable.linkOf(index));
    const targets = new Targets();
    const fib = new Fib(tables.words, epochs, (target) => targets.adjacencyOf(target));
    this.routeTable = new Routes(fib, targets, this.interfaceTable, () => this.neighbourTable, sets);
    this.neighbourTable = new Neighbours(this.adjacencyTable, {
      link: (index) => this.interfaceTable.byIndex(index),
      ask: (index, target, mac) => this.resolution.ask(index, target, mac),
      settle: (index, address, reachable) => this.post({ type: "resolved", index, address, reachable }),
      route: (neighbour) => this.routeTable.addNeighbour(neighbour),
      unroute: (neighbour) => this.routeTable.removeNeighbour(neighbour),
    });
    this.resolution = new Resolution(this.interfaceTable, this.neighbourTable, this.routeTable, (message, worker) => this.post(message, worker));
    this.forwarding = new Forwarding(tables, this.interfaceTable, this.neighbourTable, this.routeTable, sets, fib);
    this.announcements = new Announcements(this.interfaceTable, (message) => this.post(message, SENDER));
    this.pinger = new Pinger(
      (message, worker) => this.post(message, worker),
      workers > 1 ? (id, sequence) => this.requests.send({ type: "ping-expect", id, sequence }, { to: all.filter((one) => one !== SENDER) }) : null,
    );
    this.reassemblySettings = new ReassemblySettings(registry, this.statistics, buffers, workers, (message) => this.post(message));
    this.ports = new Ports({
      packets: memory.packets,
      interfaces: this.interfaceTable,
      adjacencies: this.adjacencyTable,
      registry,
      wiring,
      leaves: (index, name) => this.nodes.interfaceLeaves(index, name),
      statistics: this.statistics,
      routes: this.routeTable,
      neighbours: this.neighbourTable,
      announcements: this.announcements,
      post: (message) => this.post(message),
      requests: this.requests,
      notice: (line) => log.notice("interface", line),
    });
    this.configs = new NodeConfigs(tables, this.interfaceTable);
    const { requests, statistics, configs, regions, interfaceTable } = this;
    const tellOthers = (message: ToEngine, but: number): void => all.filter((worker) => worker !== but).forEach((one) => this.post(message, one));
    const foundations = { memory, registry, wiring, regions, configs, statistics, requests, tellOthers };
    this.nodes = new Nodes(foundations, interfaceTable, (line) => log.notice("node", line));
    this.prepareTraces(memory.packets, registry, interfaceTable, requests, (line) => log.notice("trace", line));
    this.workers = new Workers(workers, {
      requests, nodes: this.nodes, ports: this.ports, specs: () => registry.list(), observed: () => this.observing.observed,
      settings: () => [this.reassemblySettings.message(), ...this.pinger.opened()],
      failed: (error) => {
        this.pinger.fail(error);
        options.failed?.(error);
      },
    });
    this.monitoring = new Monitoring({
      control: this,
      statistics: this.lasting,
      routes: () => this.routeTable.kinds(),
      workers: () => this.workers.states(),
      failure: () => this.workers.failure,
      turnEnd: () => requests.turnEnd(),
      lost: () => this.ports.lost(),
    });
    this.interfaceTable.addLocal();
  }

  /** Makes the packet memory, loads the built-in nodes and starts the workers. Throws BAD_ARGUMENT, NO_MEMORY, BAD_MODULE, ADDON_MISSING. */
  static async start(options: RouterOptions = {}, connect: Connect = inThread([options.cpu ?? []].flat())): Promise<Router> {
    const log = new Log(options.notice);
    const graph = compileModule(fileURLToPath(new URL("build/graph.wasm", ROOT)));
    const nodes = loadModule(fileURLToPath(new URL("build/nodes.wasm", ROOT)));
    const workers = options.workers ?? 1;
    if (!Number.isInteger(workers) || workers < 1 || workers > WORKERS_MAX) {
      throw new WeftError("BAD_ARGUMENT", `workers: ${workers} is not a whole number from 1 to ${WORKERS_MAX}`);
    }
    const memory = createMemory(bufferCount(options.buffers, options.poolSize), workers, (line) => log.notice("memory", line));
    const tables = new Tables(memory.tables);
    const registry = builtInNodes(nodes.nodes);
    const wiring = new Wiring(tables, registry);
    wiring.connect();

    const router = new Router(memory, tables, new Icmp(tables, workers), registry, wiring, options, log);
    const shared = { memory: memory.packets.memory, layout: memory.packets.layout };
    const engine: SharedOptions = {
      shared, clocks: options.clocks ?? true, fuse: options.fuse ?? true, graphModule: graph, nodeModule: nodes.module, nodes: registry.list(),
      timeOrigin: performance.timeOrigin, isolate: options.isolate ?? false, customs: [], takeOver: null,
    };
    await router.workers.start(connect, engine, memory, (message, worker) => router.receive(message, worker));
    router.timer = setInterval(() => router.tick(), TICK);
    return router;
  }

  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  private async end(): Promise<void> {
    clearInterval(this.timer);
    await this.monitoring.close();
    await this.workers.stop();
    this.endTraces();
    this.ports.close();
    const stopped = new WeftError("WORKER", "the router was stopped");
    this.requests.fail(stopped);
    this.pinger.fail(stopped);
  }

  // Interfaces

  async createHostInterface(hostInterface: string): Promise<InterfaceInfo> {
    return this.interfaceInfo(await this.ports.createAfPacket(hostInterface));
  }

  deleteHostInterface(hostInterface: string): Promise<void> {
    return this.ports.delete(`host-${hostInterface}`, "af_packet");
  }

  createRdmaInterface: Control["createRdmaInterface"] = (options) => this.ports.createRdma(options);

  deleteRdmaInterface(name: string): Promise<void> {
    return this.ports.delete(name, "rdma");
  }

  createPacketGenerator: Control["createPacketGenerator"] = async (name) => this.interfaceInfo(await this.ports.createPg(name));
  deletePacketGenerator: Control["deletePacketGenerator"] = (name) => this.ports.delete(name, "pg");
  connectPacketGenerator: Control["connectPacketGenerator"] = (name, peer) => this.generators.connect(name, peer);
  newPacketStream: Control["newPacketStream"] = (options) => this.generators.add(options);
  deletePacketStream: Control["deletePacketStream"] = (name) => this.generators.delete(name);
  enablePacketStream: Control["enablePacketStream"] = (name) => this.generators.enable(name, true);
  disablePacketStream: Control["disablePacketStream"] = (name) => this.generators.enable(name, false);
  packetGenerator: Control["packetGenerator"] = () => this.generators.list();

  setInterfaceFault: Control["setInterfaceFault"] = (name, given) => this.faults.set(name, given);
  interfaceFaults: Control["interfaceFaults"] = () => this.faults.list();

  setInterfaceState: Control["setInterfaceState"] = (name, up) => this.ports.setState(name, up);
  setInterfaceMtu: Control["setInterfaceMtu"] = (name, mtu) => this.ports.setMtu(name, mtu);
  setInterfaceMac: Control["setInterfaceMac"] = (name, mac) => this.ports.setMac(name, mac);
  setInterfacePromiscuous: Control["setInterfacePromiscuous"] = (name, on) => this.ports.setPromiscuous(name, on);
  setInterfaceRxMode: Control["setInterfaceRxMode"] = (name, mode) => this.ports.setRxMode(name, mode);
  setInterfaceRxPlacement: Control["setInterfaceRxPlacement"] = (name, queue, worker) => this.ports.setRxPlacement(name, queue, worker);
  rxPlacement: Control["rxPlacement"] = () => this.ports.rxPlacement();

  async ping(address: string, options: PingOptions = {}): Promise<PingResult> {
    return this.pinger.ping(address, options);
  }

  setIcmpLimits: Control["setIcmpLimits"] = (limits) => this.icmp.setLimits(limits);
  icmpLimits: Control["icmpLimits"] = () => this.icmp.limits();
  setReassembly(limits: Partial<ReassemblyInfo>): void {
    this.reassemblySettings.set(limits);
  }

  // Custom nodes

  loadNode(file: string, name: string, config?: NodeConfig): Promise<CustomNodeInfo> {
    return this.nodes.load(file, name, config);
  }

  insertNode(name: string, place: NodePlace): Promise<void> {
    return this.nodes.insert(name, place);
  }

  bypassNode(name: string, interfaceName?: string): Promise<void> {
    return this.nodes.bypass(name, interfaceName);
  }

  unloadNode(name: string): Promise<void> {
    return this.nodes.unload(name);
  }

  replaceNode(name: string, file: string, config?: NodeConfig): Promise<CustomNodeInfo> {
    return this.nodes.replace(name, file, config);
  }

  configureNode(name: string, config: NodeConfig): Promise<void> {
    return this.nodes.configure(name, config);
  }

  setNodePolicy(name: string, policy: Partial<NodePolicy>): Promise<void> {
    return this.nodes.setPolicy(name, policy);
  }

  restartNode(name: string): Promise<void> {
    return this.nodes.restart(name);
  }

  // What there is to see

  customNodes(): CustomNodeInfo[] {
    return this.nodes.list();
  }

  nodeCounters(): NodeCounter[] {
    return this.nodes.counters();
  }

  nodeTable(name: string, table: string): NodeTable {
    return this.nodes.table(name, table);
  }

  protected used(): Pick<MemoryInfo, "configurations" | "regions"> {
    return { configurations: this.configs.used, regions: this.regions.used };
  }

  protected clocks(): number[] {
    return this.workers.clocks();
  }

  interfaces(): InterfaceInfo[] {
    return this.interfaceTable.list().map((entry) => this.interfaceInfo(entry));
  }

  hardwareInterfaces(): HardwareInfo[] {
    return this.ports.hardware();
  }

  rdmaDump(name: string): string {
    return this.ports.dump(name);
  }

  reassembly(): ReassemblyInfo {
    return this.reassemblySettings.info();
  }

  clearInterfaces(): void {
    this.statistics.clearInterfaces();
  }

  clearHardware(name?: string): void {
    this.ports.clearHardware(name);
  }

  clearRuntime(): void {
    this.statistics.clearRuntime();
  }

  clearErrors(): void {
    this.statistics.clearErrors();
  }

  // For those who watch

  metrics(): Metric[] {
    return this.monitoring.metrics();
  }

  health(): Promise<Health> {
    return this.monitoring.health();
  }

  listenPrometheus(address: string, port: number): Promise<PrometheusInfo> {
    return this.monitoring.listen(address, port);
  }

  closePrometheus(): Promise<void> {
    return this.monitoring.off();
  }

  prometheus(): PrometheusInfo | null {
    return this.monitoring.info();
  }

  // Within

  private post(message: ToEngine, worker?: number): void {
    this.workers.post(message, worker);
  }

  private receive(message: FromEngine, worker: number): void {
    if (this.workers.failure) return; // nobody waits for what the others still say, and they can be told nothing
    switch (message.type) {
      case "learned":
        return this.resolution.learned(message.index, message.address, message.mac);
      case "wanted":
        return this.resolution.wanted(message.index, message.address);
      case "ping-reply":
      case "ping-failed":
        return this.pinger.receive(message);
      case "port-added":
      case "port-removed":
        return this.ports.changed(message.index, worker);
      case "answer":
        return this.requests.answered(message, worker);
      case "node-state":
        return this.nodes.changed(message.index, { state: message.state, cause: message.cause, traps: message.traps }, worker);
    }
    const notice = noticeOf(message);
    if (notice) this.log.notice(...notice);
  }

  private tick(): void {
    if (this.workers.failure) return;
    for (const part of [this.icmp, this.ports, this.neighbourTable, this.announcements]) part.tick();
  }

  private interfaceInfo(entry: Interface): InterfaceInfo {
    return interfaceInfo(entry, this.statistics.interfaceCounters(entry.index));
  }
}
