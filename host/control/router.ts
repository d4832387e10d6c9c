// The control plane: a router made of a packet memory, a worker that runs the graph, and the tables that say where packets go.

import { fileURLToPath } from "node:url";
import { WeftError } from "../errors.js";
import { type EngineOptions, INPUT_NODES, STUCK } from "../graph/engine.js";
import { GLEAN_NODE } from "../graph/glean.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import { compileModule, loadModule } from "../graph/module.js";
import { Pulse } from "../graph/pulse.js";
import { PUNT_NODE } from "../graph/punt.js";
import { Registry } from "../graph/registry.js";
import { Wiring } from "../graph/wiring.js";
import { bufferCount, createMemory, type OwnedMemory } from "../memory/memory.js";
import { Tables } from "../memory/tables.js";
import { parseIp4, parseMac } from "./addresses.js";
import { Adjacencies } from "./adjacencies.js";
import type {
  Balance, BufferInfo, Control, CustomNodeInfo, ErrorCounter, HardwareInfo, InterfaceInfo, MemoryInfo, NeighborInfo, NodeConfig, NodeCounter,
  NodePlace, NodePolicy, NodeTable, PingOptions, PingResult, RdmaOptions, RouteInfo, RouterOptions, RouteTarget, RuntimeInfo, RxMode, VersionInfo,
} from "./api.js";
import { type Connect, type EngineLink, inThread } from "./engine-link.js";
import { epochOf } from "./epoch.js";
import { Fib } from "./fib.js";
import { type Interface, interfaceInfo, Interfaces } from "./interfaces.js";
import { Neighbours } from "./neighbours.js";
import { NodeConfigs } from "./node-configs.js";
import { Regions } from "./node-files.js";
import { Nodes } from "./nodes.js";
import { Pinger } from "./pinger.js";
import { Ports } from "./ports.js";
import { Requests } from "./requests.js";
import { Routes } from "./routes.js";
import { Statistics } from "./statistics.js";
import { TraceControl } from "./trace-control.js";
import { version } from "./version.js";
import { type Running, Watchdog, whoRuns } from "./watchdog.js";

const ROOT = new URL("../../../", import.meta.url); // dist/host/control/ → the package
const WORKER = 0;
const TICK = 1000;
/** Templates: nodes of these kinds are made where one is needed. */
const GATES = ["rx-gate", "tx-gate"];

export class Router extends TraceControl implements Control {
  private link: EngineLink | undefined;
  private readonly interfaceTable: Interfaces;
  private readonly adjacencies: Adjacencies;
  private readonly neighbourTable: Neighbours;
  private readonly routeTable: Routes;
  private readonly statistics: Statistics;
  private readonly pinger: Pinger;
  private readonly ports: Ports;
  private readonly requests = new Requests((message) => this.post(message));
  private readonly nodes: Nodes;
  private readonly configs: NodeConfigs;
  private readonly regions = new Regions();
  private readonly pulse = new Pulse();
  private watchdog: Watchdog | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failure: WeftError | undefined;

  private constructor(
    memory: OwnedMemory, tables: Tables, private readonly registry: Registry, wiring: Wiring, private readonly options: RouterOptions,
  ) {
    super();
    const epoch = epochOf(memory.packets, WORKER);
    this.interfaceTable = new Interfaces(tables);
    this.adjacencies = new Adjacencies(tables, epoch);
    this.routeTable = new Routes(new Fib(tables.words, epoch), this.interfaceTable, () => this.neighbourTable);
    this.neighbourTable = new Neighbours(this.adjacencies, {
      link: (index) => this.interfaceTable.byIndex(index),
      ask: (index, target, mac) => this.post({ type: "arp-request", index, target, ...(mac && { mac }) }),
      settle: (index, address, reachable) => this.post({ type: "resolved", index, address, reachable }),
      route: (neighbour) => this.routeTable.addNeighbour(neighbour),
      unroute: (neighbour) => this.routeTable.removeNeighbour(neighbour),
    });
    this.statistics = new Statistics(memory, () => registry.list());
    this.pinger = new Pinger((message) => this.post(message));
    this.ports = new Ports({
      packets: memory.packets,
      interfaces: this.interfaceTable,
      adjacencies: this.adjacencies,
      registry,
      wiring,
      leaves: (index, name) => this.nodes.interfaceLeaves(index, name),
      statistics: this.statistics,
      routes: this.routeTable,
      neighbours: this.neighbourTable,
      post: (message) => this.post(message),
      notice: (line) => options.notice?.(line),
    });
    this.configs = new NodeConfigs(tables, this.interfaceTable);
    const { requests, statistics, configs, regions, interfaceTable } = this;
    this.nodes = new Nodes({ memory, registry, wiring, regions, configs, statistics, requests }, interfaceTable, (line) => options.notice?.(line));
    this.prepareTraces(memory.packets, registry, interfaceTable, requests, (line) => options.notice?.(line));
    this.interfaceTable.addLocal();
  }

  /** Makes the packet memory, loads the built-in nodes and starts the worker. Throws BAD_ARGUMENT, NO_MEMORY, BAD_MODULE, ADDON_MISSING. */
  static async start(options: RouterOptions = {}, connect: Connect = inThread(options.cpu)): Promise<Router> {
    const graph = compileModule(fileURLToPath(new URL("build/graph.wasm", ROOT)));
    const nodes = loadModule(fileURLToPath(new URL("build/nodes.wasm", ROOT)));
    const memory = createMemory(bufferCount(options.buffers, options.poolSize), 1, options.notice ?? ((): void => {}));
    const tables = new Tables(memory.tables);
    const registry = new Registry();
    for (const input of Object.values(INPUT_NODES)) registry.add("port", input);
    for (const node of nodes.nodes) if (!GATES.includes(node.name)) registry.add("wasm", node);
    registry.add("host", GLEAN_NODE);
    registry.add("host", PUNT_NODE);
    const wiring = new Wiring(tables, registry);
    wiring.connect();

    const router = new Router(memory, tables, registry, wiring, options);
    const shared = { memory: memory.packets.memory, layout: memory.packets.layout };
    const engine: EngineOptions = {
      shared, worker: WORKER, clocks: options.clocks ?? true, graphModule: graph, nodeModule: nodes.module, nodes: registry.list(),
      timeOrigin: performance.timeOrigin, isolate: options.isolate ?? false, customs: [], takeOver: null, pulse: router.pulse.buffer,
    };
    router.link = await connect(engine, memory, (message) => router.receive(message), (error) => router.ended(engine, error));
    router.watchdog = new Watchdog(router.pulse, () => router.link?.clock() ?? -1, (running) => void router.takeOver(engine, running));
    router.timer = setInterval(() => router.tick(), TICK);
    return router;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.watchdog?.stop();
    const link = this.link;
    this.link = undefined;
    await link?.close();
    this.endTraces();
    this.ports.close();
  }

  // Interfaces

  async createHostInterface(hostInterface: string): Promise<InterfaceInfo> {
    return this.interfaceInfo(await this.ports.createAfPacket(hostInterface));
  }

  deleteHostInterface(hostInterface: string): Promise<void> {
    return this.ports.delete(`host-${hostInterface}`, "af_packet");
  }

  createRdmaInterface(options: RdmaOptions): Promise<HardwareInfo> {
    return this.ports.createRdma(options);
  }

  deleteRdmaInterface(name: string): Promise<void> {
    return this.ports.delete(name, "rdma");
  }

  setInterfaceState(name: string, up: boolean): void {
    this.ports.setState(name, up);
  }

  setInterfaceMtu(name: string, mtu: number): void {
    this.ports.setMtu(name, mtu);
  }

  setInterfaceMac(name: string, mac: string): void {
    this.ports.setMac(name, mac);
  }

  setInterfacePromiscuous(name: string, on: boolean): void {
    this.ports.setPromiscuous(name, on);
  }

  setInterfaceRxMode(name: string, mode: RxMode): void {
    this.ports.setRxMode(name, mode);
  }

  addAddress(name: string, address: string): void {
    this.routeTable.addAddress(this.ports.find(name), address);
  }

  removeAddress(name: string, address: string): void {
    this.routeTable.removeAddress(this.ports.find(name), address);
  }

  // Routes and neighbours

  addRoute(prefix: string, target: RouteTarget): void {
    this.routeTable.add(prefix, target);
  }

  deleteRoute(prefix: string): void {
    this.routeTable.delete(prefix);
  }

  setNeighbor(name: string, address: string, mac: string): void {
    const entry = this.ports.find(name);
    const raw = parseIp4(address);
    const bytes = parseMac(mac);
    if (!this.routeTable.onLink(entry, raw) && !this.neighbourTable.get(entry.index, raw)) {
      throw new WeftError("BAD_ARGUMENT", `${address} is not on a network of interface ${name}: give the interface an address there first`);
    }
    this.routeTable.checkNeighbour(raw, "neighbor");
    this.neighbourTable.setStatic(entry.index, raw, bytes);
  }

  deleteNeighbor(name: string, address: string): void {
    const entry = this.ports.find(name);
    const neighbour = this.neighbourTable.get(entry.index, parseIp4(address));
    if (!neighbour) throw new WeftError("NOT_FOUND", `interface ${name} has no neighbor ${address}`);
    this.neighbourTable.forget(neighbour);
  }

  clearNeighbors(): void {
    this.ports.forgetLearned();
  }

  async ping(address: string, options: PingOptions = {}): Promise<PingResult> {
    return this.pinger.ping(address, options);
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

  memory(): MemoryInfo {
    return { nodes: this.registry.used, configurations: this.configs.used, regions: this.regions.used, nodeCount: this.registry.list().length };
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

  runtime(): RuntimeInfo {
    return this.statistics.runtime();
  }

  errors(): ErrorCounter[] {
    return this.statistics.errors();
  }

  buffers(): BufferInfo {
    return this.statistics.buffers();
  }

  balance(): Balance {
    return this.statistics.balance();
  }

  routes(): RouteInfo[] {
    return this.routeTable.info();
  }

  neighbors(): NeighborInfo[] {
    return this.neighbourTable.list().map((neighbour) => this.neighbourTable.info(neighbour));
  }

  version(): VersionInfo {
    return version();
  }

  clearInterfaces(): void {
    this.statistics.clearInterfaces();
  }

  clearRuntime(): void {
    this.statistics.clearRuntime();
  }

  clearErrors(): void {
    this.statistics.clearErrors();
  }

  // Within

  private post(message: ToEngine): void {
    if (this.failure) throw this.failure;
    this.link?.post(message);
  }

  private receive(message: FromEngine): void {
    switch (message.type) {
      case "learned": return this.learn(message.index, message.address, message.mac);
      case "wanted":
        return this.neighbourTable.wanted(message.index, message.address);
      case "ping-reply":
      case "ping-failed":
        return this.pinger.receive(message);
      case "port-added":
      case "port-removed":
        return this.ports.changed(message.index);
      case "trap":
        return this.options.notice?.(`node ${message.node} trapped and lost its frame: ${message.message}`);
      case "answer":
        return this.requests.answered(message);
      case "node-state":
        return this.nodes.changed(message.index, message.state, message.cause, message.traps);
      case "mended":
        return this.options.notice?.(`a node has written over what is the graph's own (${message.cause}): its packets are lost (${message.times} times)`);
      case "log":
        return this.options.notice?.(`node ${message.node}: ${message.text}`);
    }
  }

  /** arp-input has checked that the address is on the link (RFC 826); it may have left it since. */
  private learn(index: number, address: number, mac: Uint8Array): void {
    const entry = this.interfaceTable.byIndex(index);
    if (!entry || (!this.routeTable.onLink(entry, address) && !this.neighbourTable.get(index, address))) return;
    this.neighbourTable.learned(index, address, mac);
  }

  /** The worker ended by itself. When it was in a node from outside (a host node may end it), it is as if that never returned. */
  private ended(engine: EngineOptions, error: WeftError): void {
    const running = whoRuns(this.pulse.running);
    if (running.index < 0) this.fail(error);
    else void this.takeOver(engine, running, error.message);
  }

  /**
   * A node never returns: its worker is given up, the node set aside, and a new worker goes on with everything else. The packets that the
   * node had in hand are dropped; all others wait where they are. No node: what has stopped the graph is the doing of the one before.
   */
  private async takeOver(engine: EngineOptions, { index, configuring }: Running, cause = "it never returned"): Promise<void> {
    if (configuring) this.requests.reject(index, "its function to configure never returns");
    else if (index >= 0) this.nodes.hung(index, cause);
    else this.nodes.hung(whoRuns(this.pulse.last).index, "after it ran, the graph did not come to its end");
    const takeOver = configuring ? -1 : index < 0 ? STUCK : index;
    const unanswered = this.requests.unanswered();
    const seen = { nodes: this.registry.list(), customs: this.nodes.specs(), observed: this.observing.observed };
    try {
      await this.link!.replace({ ...engine, ...seen, takeOver }, [...this.ports.forNewWorker(), ...unanswered]);
    } catch (error) {
      this.fail(new WeftError("WORKER", `no new packet worker in place of one that hung: ${(error as Error).message}`, { cause: error }));
    }
  }

  private fail(error: WeftError): void {
    this.failure = error;
    this.ports.fail(error);
    this.requests.fail(error);
    this.options.failed?.(error);
  }

  private tick(): void {
    if (this.failure) return;
    this.ports.tick();
    this.neighbourTable.tick();
  }

  private interfaceInfo(entry: Interface): InterfaceInfo {
    return interfaceInfo(entry, this.statistics.interfaceCounters(entry.index));
  }
}
