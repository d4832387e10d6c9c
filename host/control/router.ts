// The control plane: a router made of a packet memory, a worker that runs the graph, and the tables that say where packets go.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CONTRACT_VERSION, GRAPH_ASLEEP, GRAPH_EPOCH } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { type EngineOptions, INPUT_NODES } from "../graph/engine.js";
import { GLEAN_NODE } from "../graph/glean.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import { loadModule } from "../graph/module.js";
import { PUNT_NODE } from "../graph/punt.js";
import { Registry } from "../graph/registry.js";
import { bufferCount, createMemory, type OwnedMemory, workerAt } from "../memory/memory.js";
import { Tables } from "../memory/tables.js";
import { formatMac, formatPrefix, parseIp4, parseMac } from "./addresses.js";
import { Adjacencies } from "./adjacencies.js";
import type {
  Balance, BufferInfo, Control, ErrorCounter, HardwareInfo, InterfaceInfo, NeighborInfo, PingOptions, PingResult, RdmaOptions, RouteInfo,
  RouterOptions, RouteTarget, RuntimeInfo, RxMode, VersionInfo,
} from "./api.js";
import { type EngineLink, startWorker } from "./engine-link.js";
import { Fib } from "./fib.js";
import { type Interface, Interfaces } from "./interfaces.js";
import { Neighbours } from "./neighbours.js";
import { Pinger } from "./pinger.js";
import { Ports } from "./ports.js";
import { Routes } from "./routes.js";
import { Statistics } from "./statistics.js";

const ROOT = new URL("../../../", import.meta.url); // dist/host/control/ → the package
const WORKER = 0;
const TICK = 1000;

/** How a router reaches its engine: in a worker thread unless a caller of the constructor has something else. */
export type Connect = (
  options: EngineOptions,
  memory: OwnedMemory,
  receive: (message: FromEngine) => void,
  failed: (error: WeftError) => void,
) => Promise<EngineLink>;

export class Router implements Control {
  private link: EngineLink | undefined;
  private readonly interfaceTable: Interfaces;
  private readonly adjacencies: Adjacencies;
  private readonly neighbourTable: Neighbours;
  private readonly routeTable: Routes;
  private readonly statistics: Statistics;
  private readonly pinger: Pinger;
  private readonly ports: Ports;
  private timer: NodeJS.Timeout | undefined;
  private failure: WeftError | undefined;

  private constructor(memory: OwnedMemory, tables: Tables, registry: Registry, private readonly options: RouterOptions) {
    const epoch = epochOf(memory);
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
      statistics: this.statistics,
      routes: this.routeTable,
      neighbours: this.neighbourTable,
      post: (message) => this.post(message),
      notice: (line) => options.notice?.(line),
    });
    this.addLocalInterface();
  }

  /** Makes the packet memory, loads the built-in nodes and starts the worker. Throws BAD_ARGUMENT, NO_MEMORY, BAD_MODULE, ADDON_MISSING. */
  static async start(options: RouterOptions = {}, connect: Connect = inThread(options.cpu)): Promise<Router> {
    const graph = loadGraph();
    const nodes = loadModule(fileURLToPath(new URL("build/nodes.wasm", ROOT)));
    const memory = createMemory(bufferCount(options.buffers, options.poolSize), 1, options.notice ?? ((): void => {}));
    const tables = new Tables(memory.tables);
    const registry = new Registry(tables);
    for (const input of Object.values(INPUT_NODES)) registry.add("port", input);
    for (const node of nodes.nodes) registry.add("wasm", node);
    registry.add("host", GLEAN_NODE);
    registry.add("host", PUNT_NODE);
    registry.connect();

    const router = new Router(memory, tables, registry, options);
    const shared = { memory: memory.packets.memory, layout: memory.packets.layout };
    const clocks = options.clocks ?? true;
    const engine: EngineOptions = { shared, worker: WORKER, clocks, graphModule: graph, nodeModule: nodes.module, nodes: registry.list() };
    router.link = await connect(engine, memory, (message) => router.receive(message), (error) => router.fail(error));
    router.timer = setInterval(() => router.tick(), TICK);
    return router;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    const link = this.link;
    this.link = undefined;
    await link?.close();
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

  // What there is to see

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
    const { version } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as { version: string };
    return { version, contract: CONTRACT_VERSION, node: process.version };
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
      case "learned":
        return this.learn(message.index, message.address, message.mac);
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
      case "ready":
        return;
    }
  }

  /** arp-input has checked that the address is on the link (RFC 826); it may have left it since. */
  private learn(index: number, address: number, mac: Uint8Array): void {
    const entry = this.interfaceTable.byIndex(index);
    if (!entry || (!this.routeTable.onLink(entry, address) && !this.neighbourTable.get(index, address))) return;
    this.neighbourTable.learned(index, address, mac);
  }

  private fail(error: WeftError): void {
    this.failure = error;
    this.ports.fail(error);
    this.options.failed?.(error);
  }

  private tick(): void {
    if (this.failure) return;
    this.ports.tick();
    this.neighbourTable.tick();
  }

  private addLocalInterface(): void {
    this.interfaceTable.add({
      name: "local0", index: this.interfaceTable.freeIndex(), kind: "local", hostInterface: null, handle: null, txNode: null, txSlot: 0,
      localAdjacency: 0, gleanAdjacency: 0, adminUp: false, linkUp: false, mac: new Uint8Array(6), mtu: 0, rxMode: "adaptive", promiscuous: false,
      addresses: [],
    });
  }

  private interfaceInfo(entry: Interface): InterfaceInfo {
    const { name, index, kind, hostInterface, adminUp, linkUp, mtu } = entry;
    const addresses = entry.addresses.map(({ address, length }) => formatPrefix(address, length));
    const counters = this.statistics.interfaceCounters(index);
    return { name, index, kind, hostInterface, adminUp, linkUp, mac: formatMac(entry.mac), mtu, addresses, counters };
  }
}

/** The worker's turn, as EpochPool takes it. While it sleeps it reads no table: each look is an epoch of its own. */
function epochOf({ packets: { u32, i32 } }: OwnedMemory): () => number {
  let looks = 0;
  return () => (Atomics.load(i32, (workerAt(WORKER) + GRAPH_ASLEEP) >> 2) ? --looks : u32[(workerAt(WORKER) + GRAPH_EPOCH) >> 2]!);
}

function loadGraph(): WebAssembly.Module {
  const path = fileURLToPath(new URL("build/graph.wasm", ROOT));
  try {
    return new WebAssembly.Module(new Uint8Array(readFileSync(path)));
  } catch (cause) {
    throw new WeftError("BAD_MODULE", `${path} cannot be loaded: run "npm run setup"`, { cause });
  }
}

function inThread(cpu: number | undefined): Connect {
  return (engine, memory, receive, failed) => startWorker(engine, cpu ?? null, memory.packets, receive, failed);
}
