// The control plane: a router made of a packet memory, a worker that runs the graph, and the tables that say where packets go.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CONTRACT_VERSION, GRAPH_ASLEEP, GRAPH_EPOCH } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import { type EngineOptions, INPUT_NODE } from "../graph/engine.js";
import { GLEAN_NODE } from "../graph/glean.js";
import type { FromEngine, NodeSpec, ToEngine } from "../graph/messages.js";
import { loadModule } from "../graph/module.js";
import { PUNT_NODE } from "../graph/punt.js";
import { Registry } from "../graph/registry.js";
import { bufferCount, createMemory, type OwnedMemory, workerAt } from "../memory/memory.js";
import { Tables } from "../memory/tables.js";
import { type OpenedHostInterface, openHostInterface } from "../ports/af-packet.js";
import { formatMac, formatPrefix, parseIp4, parseMac } from "./addresses.js";
import { Adjacencies } from "./adjacencies.js";
import type {
  Balance, BufferInfo, Control, ErrorCounter, InterfaceInfo, NeighborInfo, PingOptions, PingResult, RouteInfo, RouterOptions, RouteTarget, RuntimeInfo,
  VersionInfo,
} from "./api.js";
import { type EngineLink, startWorker } from "./engine-link.js";
import { Fib } from "./fib.js";
import { type Interface, Interfaces } from "./interfaces.js";
import { Neighbours } from "./neighbours.js";
import { Pinger } from "./pinger.js";
import { Routes } from "./routes.js";
import { Statistics } from "./statistics.js";

const ROOT = new URL("../../../", import.meta.url); // dist/host/control/ → the package
const WORKER = 0;
const TICK = 1000;

/** How a router reaches its engine: in a worker thread unless a caller of the constructor has something else. */
export type Connect = (options: EngineOptions, memory: OwnedMemory, receive: (message: FromEngine) => void, failed: (error: WeftError) => void) => Promise<EngineLink>;

export class Router implements Control {
  private link: EngineLink | undefined;
  private readonly interfaceTable: Interfaces;
  private readonly adjacencies: Adjacencies;
  private readonly neighbourTable: Neighbours;
  private readonly routeTable: Routes;
  private readonly statistics: Statistics;
  private readonly pinger: Pinger;
  /** interfaces whose port the worker is about to take or to let go, and what to do when it has */
  private readonly changing = new Map<number, () => void>();
  private timer: NodeJS.Timeout | undefined;
  private failure: WeftError | undefined;

  private constructor(memory: OwnedMemory, tables: Tables, private readonly registry: Registry, private readonly options: RouterOptions) {
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
    this.addLocalInterface();
  }

  /** Makes the packet memory, loads the built-in nodes and starts the worker. Throws BAD_ARGUMENT, NO_MEMORY, BAD_MODULE, ADDON_MISSING. */
  static async start(options: RouterOptions = {}, connect: Connect = inThread(options.cpu)): Promise<Router> {
    const graph = loadGraph();
    const nodes = loadModule(fileURLToPath(new URL("build/nodes.wasm", ROOT)));
    const memory = createMemory(bufferCount(options.buffers, options.poolSize), 1, options.notice ?? ((): void => {}));
    const tables = new Tables(memory.tables);
    const registry = new Registry(tables);
    registry.add("port", INPUT_NODE);
    for (const node of nodes.nodes) registry.add("wasm", node);
    registry.add("host", GLEAN_NODE);
    registry.add("host", PUNT_NODE);
    registry.connect();

    const router = new Router(memory, tables, registry, options);
    const shared = { memory: memory.packets.memory, layout: memory.packets.layout };
    const engine: EngineOptions = { shared, worker: WORKER, clocks: options.clocks ?? true, graphModule: graph, nodeModule: nodes.module, nodes: registry.list() };
    router.link = await connect(engine, memory, (message) => router.receive(message), (error) => router.fail(error));
    router.timer = setInterval(() => router.tick(), TICK);
    return router;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    const link = this.link;
    this.link = undefined;
    await link?.close();
    for (const entry of this.interfaceTable.list()) if (entry.handle !== null) addon.closePort(entry.handle);
  }

  // Interfaces

  async createHostInterface(hostInterface: string): Promise<InterfaceInfo> {
    const name = `host-${hostInterface}`;
    if (this.interfaceTable.has(name)) throw new WeftError("CONFLICT", `interface ${name} exists already`);
    const index = this.interfaceTable.freeIndex();
    const opened = openHostInterface(hostInterface);
    let entry: Interface;
    try {
      entry = this.addInterface(name, hostInterface, index, opened);
    } catch (error) {
      addon.closePort(opened.handle);
      throw error;
    }
    await this.change(entry, { type: "add-port", port: { index, handle: opened.handle }, txNode: entry.txNode! });
    // Only now: a packet that took this slot earlier would come to a node that the worker does not know yet.
    entry.txSlot = this.registry.addNext(this.registry.find("interface-output"), entry.txNode!);
    this.interfaceTable.write(entry);
    return this.interfaceInfo(entry);
  }

  async deleteHostInterface(hostInterface: string): Promise<void> {
    const entry = this.port(`host-${hostInterface}`);
    entry.adminUp = false;
    this.interfaceTable.write(entry);
    this.routeTable.removeInterface(entry);
    for (const neighbour of this.neighbourTable.list(entry.index)) this.neighbourTable.forget(neighbour);
    this.registry.removeNext(this.registry.find("interface-output"), entry.txSlot);
    await this.change(entry, { type: "remove-port", index: entry.index, txNode: entry.txNode!.index });
    this.registry.remove(entry.txNode!);
    addon.closePort(entry.handle!);
    this.interfaceTable.remove(entry);
    this.adjacencies.free(entry.localAdjacency);
    this.adjacencies.free(entry.gleanAdjacency);
  }

  setInterfaceState(name: string, up: boolean): void {
    const entry = this.port(name);
    entry.adminUp = up;
    this.interfaceTable.write(entry);
  }

  setInterfaceMtu(name: string, mtu: number): void {
    const entry = this.port(name);
    if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65_535) {
      throw new WeftError("BAD_ARGUMENT", `mtu ${mtu} is not a whole number from 68 (RFC 791) to 65535`);
    }
    entry.mtu = mtu;
    this.refresh(entry);
  }

  setInterfaceMac(name: string, mac: string): void {
    const entry = this.port(name);
    entry.mac = parseMac(mac);
    this.refresh(entry);
  }

  addAddress(name: string, address: string): void {
    this.routeTable.addAddress(this.port(name), address);
  }

  removeAddress(name: string, address: string): void {
    this.routeTable.removeAddress(this.port(name), address);
  }

  // Routes and neighbours

  addRoute(prefix: string, target: RouteTarget): void {
    this.routeTable.add(prefix, target);
  }

  deleteRoute(prefix: string): void {
    this.routeTable.delete(prefix);
  }

  setNeighbor(name: string, address: string, mac: string): void {
    const entry = this.port(name);
    const raw = parseIp4(address);
    const bytes = parseMac(mac);
    if (!this.routeTable.onLink(entry, raw) && !this.neighbourTable.get(entry.index, raw)) {
      throw new WeftError("BAD_ARGUMENT", `${address} is not on a network of interface ${name}: give the interface an address there first`);
    }
    this.routeTable.checkNeighbour(raw, "neighbor");
    this.neighbourTable.setStatic(entry.index, raw, bytes);
  }

  deleteNeighbor(name: string, address: string): void {
    const entry = this.port(name);
    const neighbour = this.neighbourTable.get(entry.index, parseIp4(address));
    if (!neighbour) throw new WeftError("NOT_FOUND", `interface ${name} has no neighbor ${address}`);
    this.neighbourTable.forget(neighbour);
  }

  clearNeighbors(): void {
    this.forgetLearned();
  }

  async ping(address: string, options: PingOptions = {}): Promise<PingResult> {
    return this.pinger.ping(address, options);
  }

  // What there is to see

  interfaces(): InterfaceInfo[] {
    return this.interfaceTable.list().map((entry) => this.interfaceInfo(entry));
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

  /** Has the worker take or let go of an interface's port; until it has, nothing else may change the interface. */
  private async change(entry: Interface, message: ToEngine): Promise<void> {
    const done = new Promise<void>((resolve) => this.changing.set(entry.index, resolve));
    this.post(message);
    await done;
    this.changing.delete(entry.index);
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
        return this.changing.get(message.index)?.();
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
    this.options.failed?.(error);
  }

  private tick(): void {
    if (this.failure) return;
    for (const entry of this.interfaceTable.list()) if (entry.handle !== null) this.watchLink(entry, entry.handle);
    this.neighbourTable.tick();
  }

  /** Follows the netdev: link up and down, removed and made again. */
  private watchLink(entry: Interface, handle: number): void {
    let state = addon.linkState(handle);
    if (!state.present && addon.reopen(handle)) {
      this.options.notice?.(`interface ${entry.name}: ${entry.hostInterface} is back`);
      this.forgetLearned(entry.index);
      state = addon.linkState(handle);
    }
    const up = state.present && state.up;
    if (up === entry.linkUp) return;
    entry.linkUp = up;
    if (!up) this.forgetLearned(entry.index);
    this.interfaceTable.write(entry);
    this.options.notice?.(`interface ${entry.name}: link ${up ? "up" : state.present ? "down" : "gone"}`);
  }

  /** Of one interface, or of every: when its link is back, others may be behind it, or the same ones with other MAC addresses. */
  private forgetLearned(index?: number): void {
    for (const neighbour of this.neighbourTable.list(index)) if (neighbour.state !== "static") this.neighbourTable.forget(neighbour);
  }

  private port(name: string): Interface {
    const entry = this.interfaceTable.find(name);
    if (entry.kind === "local") throw new WeftError("BAD_ARGUMENT", `interface ${name} has no port: it cannot be configured`);
    if (this.changing.has(entry.index)) throw new WeftError("CONFLICT", `interface ${name} is being created or deleted`);
    return entry;
  }

  private addLocalInterface(): void {
    this.interfaceTable.add({
      name: "local0", index: this.interfaceTable.freeIndex(), kind: "local", hostInterface: null, handle: null, txNode: null, txSlot: 0,
      localAdjacency: 0, gleanAdjacency: 0, adminUp: false, linkUp: false, mac: new Uint8Array(6), mtu: 0, addresses: [],
    });
  }

  private addInterface(name: string, hostInterface: string, index: number, opened: OpenedHostInterface): Interface {
    const [localAdjacency, gleanAdjacency] = this.adjacencies.takeTwo();
    let txNode: NodeSpec;
    try {
      txNode = this.registry.add("port", { name: `${name}-tx`, next: [], counters: [] });
    } catch (error) {
      for (const adjacency of [localAdjacency, gleanAdjacency]) this.adjacencies.free(adjacency);
      throw error;
    }
    const entry: Interface = {
      name, index, kind: "af_packet", hostInterface, handle: opened.handle, txNode, txSlot: 0, localAdjacency, gleanAdjacency, adminUp: false,
      linkUp: opened.up, mac: randomMac(), mtu: Math.min(opened.mtu, 65_535), addresses: [],
    };
    this.interfaceTable.add(entry);
    this.statistics.clearInterface(index);
    this.statistics.clearNode(txNode);
    this.refresh(entry);
    return entry;
  }

  /** Brings everything that depends on an interface's MAC address or MTU up to date. */
  private refresh(entry: Interface): void {
    this.interfaceTable.write(entry);
    this.adjacencies.setLocal(entry.localAdjacency, entry);
    this.adjacencies.setGlean(entry.gleanAdjacency, entry);
    this.neighbourTable.refresh(entry.index);
  }

  private interfaceInfo(entry: Interface): InterfaceInfo {
    const { name, index, kind, hostInterface, adminUp, linkUp, mtu } = entry;
    const addresses = entry.addresses.map(({ address, length }) => formatPrefix(address, length));
    return { name, index, kind, hostInterface, adminUp, linkUp, mac: formatMac(entry.mac), mtu, addresses, counters: this.statistics.interfaceCounters(index) };
  }
}

/** The worker's turn, as EpochPool takes it. While it sleeps it reads no table: each look is an epoch of its own. */
function epochOf({ packets: { u32, i32 } }: OwnedMemory): () => number {
  let looks = 0;
  return () => (Atomics.load(i32, (workerAt(WORKER) + GRAPH_ASLEEP) >> 2) ? --looks : u32[(workerAt(WORKER) + GRAPH_EPOCH) >> 2]!);
}

/** A locally administered address of weft's own: the kernel keeps the netdev's, so each takes only what is meant for it. */
function randomMac(): Uint8Array {
  return Uint8Array.from([0x02, 0xfe, ...randomBytes(4)]);
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
