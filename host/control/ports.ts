// Interfaces with a port: made and taken away, and what is said to their devices.

import { BUFFER_DATA } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { bad, WeftError } from "../errors.js";
import type { NodeSpec, ToEngine } from "../graph/messages.js";
import type { Registry } from "../graph/registry.js";
import type { Wiring } from "../graph/wiring.js";
import type { PacketMemory } from "../memory/memory.js";
import { quote } from "../nearest.js";
import { openAfPacket } from "../ports/af-packet.js";
import { openPg } from "../ports/pg.js";
import type { OpenedPort, PortKind, RxMode } from "../ports/port.js";
import { openRdma, rdmaInfo, setRdmaMac, setRdmaPromiscuous } from "../ports/rdma.js";
import { type RdmaOptions, rdmaSettings } from "../ports/rdma-options.js";
import { formatMac, parseMac } from "./addresses.js";
import type { Adjacencies } from "./adjacencies.js";
import type { Announcements } from "./announcements.js";
import type { HardwareInfo, RxPlacementInfo } from "./api.js";
import { HardwareCounters } from "./hardware-counters.js";
import { type Interface, type Interfaces, isInterfaceName } from "./interfaces.js";
import type { Neighbours } from "./neighbours.js";
import { PortChanges } from "./port-changes.js";
import type { Requests } from "./requests.js";
import type { Routes } from "./routes.js";
import { RxPlacement } from "./rx-placement.js";
import type { Statistics } from "./statistics.js";

const RX_MODES: RxMode[] = ["polling", "interrupt", "adaptive"];
/** RFC 791: what every link must take (3.2), and the longest packet there is (3.1) */
const [MTU_MIN, MTU_MAX] = [68, 65_535];

/** What of the router an interface leaves its traces in. */
export interface Surroundings {
  packets: PacketMemory;
  interfaces: Interfaces;
  adjacencies: Adjacencies;
  registry: Registry;
  wiring: Wiring;
  /** An interface is to be deleted: throws CONFLICT where it is still needed. */
  leaves: (index: number, name: string) => void;
  statistics: Statistics;
  routes: Routes;
  neighbours: Neighbours;
  announcements: Announcements;
  /** to all workers */
  post: (message: ToEngine) => void;
  requests: Requests;
  notice: (line: string) => void;
}

export class Ports {
  /** what the workers are about to do with a port */
  private readonly changes: PortChanges;
  /** whether there ever was a port with queues that can go from one worker to another: one worker's buffers may be in another's hands then */
  lendBuffers = false;
  /** the router was stopped */
  private closed = false;
  /** no worker can be told anything any more */
  private failed = false;
  private readonly counters = new HardwareCounters();
  private readonly workers: number;
  private readonly placement: RxPlacement;

  constructor(private readonly around: Surroundings) {
    const { workers } = around.packets.layout;
    this.workers = workers;
    this.changes = new PortChanges(workers, around.post);
    this.placement = new RxPlacement(workers, around.requests);
  }

  async createAfPacket(hostInterface: string): Promise<Interface> {
    return this.create(`host-${hostInterface}`, () => openAfPacket(hostInterface));
  }

  async createRdma(options: RdmaOptions): Promise<HardwareInfo> {
    const settings = rdmaSettings(options);
    const { u8: memory, layout: { pool, poolEnd } } = this.around.packets;
    const { workers } = this;
    const open = (index: number): OpenedPort => openRdma(settings, { memory, pool, poolEnd, workers }, () => this.event(index));
    this.lendBuffers ||= workers > 1;
    const entry = await this.create(options.name ?? this.freeName(), open);
    const info = this.hardwareInfo(entry);
    this.warnOfPool(info);
    return info;
  }

  async createPg(name: string): Promise<Interface> {
    return this.create(name, openPg);
  }

  async delete(name: string, kind: PortKind): Promise<void> {
    const entry = this.find(name);
    if (entry.kind !== kind) throw bad(`interface ${name} is of kind ${entry.kind}, not ${kind}: it is deleted as it was created`);
    const { interfaces, registry, wiring } = this.around;
    this.around.leaves(entry.index, name);
    entry.adminUp = false;
    interfaces.write(entry);
    this.leadNowhere(entry);
    registry.find("interface-output").next[entry.txSlot] = ""; // what is still sent there is dropped
    wiring.connect();
    try {
      await this.changes.tell(entry.index, { type: "remove-port", index: entry.index, txNode: entry.txNode!.index });
    } finally {
      this.dismantle(entry);
    }
  }

  setState(name: string, up: boolean): void {
    const entry = this.find(name);
    entry.adminUp = up;
    if (!up) this.forgetLearned(entry.index); // it hears no more of them
    this.changedState(entry);
  }

  setRedirects(name: string, on: boolean): void {
    const entry = this.find(name);
    entry.redirects = on;
    this.around.interfaces.write(entry);
  }

  setProxyArp(name: string, on: boolean): void {
    const entry = this.find(name);
    entry.proxyArp = on;
    this.around.interfaces.write(entry);
  }

  setMtu(name: string, mtu: number): void {
    const entry = this.find(name);
    if (!Number.isInteger(mtu) || mtu < MTU_MIN || mtu > MTU_MAX) {
      throw bad(`mtu ${mtu} is not a whole number from ${MTU_MIN} (RFC 791) to ${MTU_MAX}`);
    }
    entry.mtu = mtu;
    entry.mtuGiven = true;
    this.refresh(entry);
  }

  setMac(name: string, mac: string): void {
    const entry = this.find(name);
    const bytes = parseMac(mac);
    if (entry.kind === "rdma") setRdmaMac({ ...entry, handle: entry.handle! }, bytes);
    entry.mac = bytes;
    this.refresh(entry);
    this.around.announcements.changed(entry);
  }

  setPromiscuous(name: string, on: boolean): void {
    const entry = this.find(name);
    if (entry.kind === "rdma") setRdmaPromiscuous({ ...entry, handle: entry.handle! }, on);
    else if (!on) throw bad(`interface ${name} takes every frame that comes: only rdma interfaces can leave some to Linux`);
    entry.promiscuous = on;
  }

  setRxMode(name: string, mode: RxMode): void {
    const entry = this.find(name);
    if (!RX_MODES.includes(mode)) throw bad(`rx-mode ${mode} is not one of ${RX_MODES.join(", ")}`);
    this.around.post({ type: "rx-mode", index: entry.index, mode });
    entry.rxMode = mode;
  }

  /** Gives a receive queue to another worker. */
  async setRxPlacement(name: string, queue: number, worker: number): Promise<void> {
    const entry = this.find(name);
    try {
      await this.changes.during(entry.index, () => this.placement.move(entry, queue, worker));
    } finally {
      if (this.closed) addon.closePort(entry.handle!);
    }
  }

  rxPlacement(): RxPlacementInfo[] {
    return this.placement.list(this.open());
  }

  /** An interface with a port. Throws NOT_FOUND, BAD_ARGUMENT for local0, CONFLICT while another change is under way, WORKER after close(). */
  find(name: string): Interface {
    if (this.closed) throw new WeftError("WORKER", "the router was stopped"); // its handle may lead to another's port by now
    const entry = this.around.interfaces.find(name);
    if (entry.kind === "local") throw bad(`interface ${name} has no port: it cannot be configured`);
    if (this.changes.has(entry.index)) throw new WeftError("CONFLICT", `interface ${name} is being created, deleted or placed`);
    return entry;
  }

  hardware(): HardwareInfo[] {
    return this.open().map((entry) => this.hardwareInfo(entry));
  }

  /** Of one interface, or of every: what its device counts begins anew. */
  clearHardware(name?: string): void {
    for (const entry of name === undefined ? this.open() : [this.find(name)]) {
      if (entry.kind === "rdma") this.counters.clear(entry.index, rdmaInfo(entry.handle!));
    }
  }

  dump(name: string): string {
    const entry = this.find(name);
    if (entry.kind !== "rdma") throw bad(`interface ${name} is of kind ${entry.kind}: only rdma interfaces have rings to show`);
    return addon.rdmaDump(entry.handle!);
  }

  /** A worker has taken or let go of a port. */
  changed(index: number, worker: number): void {
    this.changes.done(index, worker);
  }

  /** What a new worker must be told, in place of one that was given up: the ports there are, and what the old one had not done yet. */
  forNewWorker(worker: number): ToEngine[] {
    return this.open().flatMap((entry): ToEngine[] => {
      const change = this.changes.pending(entry.index);
      if (change?.type === "add-port") return [change];
      if (change?.type === "remove-port" && !this.changes.awaits(entry.index, worker)) return []; // it has let go of it
      const { index, kind, handle, txNode, rxMode } = entry;
      const port: ToEngine = { type: "add-port", port: { index, kind: kind as PortKind, handle: handle! }, txNode: txNode! };
      return [port, { type: "rx-mode", index, mode: rxMode }, ...(change ? [change] : [])];
    });
  }

  /** No worker will answer any more. */
  fail(error: WeftError): void {
    this.failed = true;
    this.changes.fail(error);
  }

  /** Names of interfaces that are set up and whose device was removed, or is in a fatal state. */
  lost(): string[] {
    return this.open().filter(({ adminUp, handle }) => adminUp && !addon.linkState(handle!).present).map(({ name }) => name);
  }

  /** Looks after the links. */
  tick(): void {
    for (const entry of this.open()) this.watchLink(entry);
  }

  /** Called once the workers have ended. A change that they have not answered closes its port itself. */
  close(): void {
    this.closed = true;
    for (const entry of this.open()) if (!this.changes.has(entry.index)) addon.closePort(entry.handle!);
    this.fail(new WeftError("WORKER", "the router was stopped"));
  }

  /** Forgets the learned neighbours of an interface, or all: once its link is back, others may be there, or the same with other MAC addresses. */
  forgetLearned(index?: number): void {
    const { neighbours } = this.around;
    for (const neighbour of neighbours.list(index)) if (neighbour.state !== "static") neighbours.forget(neighbour);
  }

  private open(): Interface[] {
    return this.around.interfaces.list().filter((entry) => entry.handle !== null);
  }

  private async create(name: string, open: (index: number) => OpenedPort): Promise<Interface> {
    const { interfaces, registry, wiring } = this.around;
    if (!isInterfaceName(name)) throw bad(`${quote(name)} is no name of an interface: it needs a dash or a digit, such as rdma-0`);
    if (interfaces.has(name)) throw new WeftError("CONFLICT", `interface ${name} exists already`);
    const index = interfaces.freeIndex();
    const opened = open(index);
    let entry: Interface;
    try {
      this.placement.spread(opened.handle);
      entry = this.add(name, index, opened);
    } catch (error) {
      addon.closePort(opened.handle);
      throw error;
    }
    try {
      await this.changes.tell(entry.index, { type: "add-port", port: { index, kind: opened.kind, handle: opened.handle }, txNode: entry.txNode! });
    } catch (error) {
      this.dismantle(entry);
      throw error;
    }
    // Only now: a packet that took this slot earlier would come to a node that the worker does not know yet.
    entry.txSlot = registry.addNext(registry.find("interface-output"), entry.txNode!);
    wiring.connect();
    interfaces.write(entry);
    this.watchLink(entry);
    return entry;
  }

  private add(name: string, index: number, opened: OpenedPort): Interface {
    const { adjacencies, registry, interfaces, statistics } = this.around;
    const [localAdjacency, gleanAdjacency] = adjacencies.takeTwo();
    let txNode: NodeSpec;
    try {
      txNode = registry.add("port", { name: `${name}-tx`, next: [], counters: [] });
    } catch (error) {
      for (const adjacency of [localAdjacency, gleanAdjacency]) adjacencies.free(adjacency);
      throw error;
    }
    const { kind, hostInterface, handle, mac, up } = opened;
    const entry: Interface = {
      name, index, kind, hostInterface, handle, txNode, txSlot: 0, localAdjacency, gleanAdjacency, adminUp: false, linkUp: up, mac,
      mtu: Math.min(opened.mtu, MTU_MAX), mtuGiven: false, rxMode: "adaptive", promiscuous: kind !== "rdma", redirects: true,
      proxyArp: false, addresses: [],
    };
    interfaces.add(entry);
    statistics.clearInterface(index);
    statistics.clearNode(txNode);
    this.refresh(entry);
    return entry;
  }

  /** Closes the port that no worker has any more, and takes back what its interface had. */
  private dismantle(entry: Interface): void {
    const { adjacencies, registry, interfaces, wiring } = this.around;
    this.leadNowhere(entry); // somebody may have given routes to it meanwhile
    wiring.clear(entry.txNode!);
    registry.remove(entry.txNode!);
    addon.closePort(entry.handle!);
    interfaces.remove(entry);
    this.counters.forget(entry.index);
    adjacencies.free(entry.localAdjacency);
    adjacencies.free(entry.gleanAdjacency);
  }

  /** Takes away the routes and the neighbours that an interface has. */
  private leadNowhere(entry: Interface): void {
    const { routes, neighbours } = this.around;
    routes.removeInterface(entry);
    for (const neighbour of neighbours.list(entry.index)) neighbours.forget(neighbour);
  }

  /** Brings everything that depends on an interface's MAC address or MTU up to date. */
  private refresh(entry: Interface): void {
    const { adjacencies, interfaces, neighbours } = this.around;
    interfaces.write(entry);
    adjacencies.setLocal(entry.localAdjacency, entry);
    adjacencies.setGlean(entry.gleanAdjacency, entry);
    neighbours.refresh(entry.index);
    this.around.routes.interfaceChanged(entry.index);
  }

  /** It has come up or gone down. */
  private changedState(entry: Interface): void {
    this.around.interfaces.write(entry);
    this.around.routes.interfaceChanged(entry.index);
    this.around.announcements.changed(entry);
  }

  /** The device of an rdma interface has had an asynchronous event. */
  private event(index: number): void {
    const entry = this.around.interfaces.byIndex(index);
    if (this.failed || entry?.kind !== "rdma") return;
    const { present } = addon.linkState(entry.handle!);
    if (!present) this.around.notice(`interface ${entry.name}: its device is in a fatal state: waiting for it to come back`);
    this.watchLink(entry);
  }

  /** Follows the device: link up and down, removed and made again, another MTU. */
  private watchLink(entry: Interface): void {
    const handle = entry.handle!;
    let state = addon.linkState(handle);
    if (!state.present && addon.reopen(handle)) {
      this.around.notice(`interface ${entry.name}: ${entry.hostInterface ?? "its device"} is back`);
      this.forgetLearned(entry.index);
      this.around.post({ type: "port-reopened", index: entry.index });
      state = addon.linkState(handle);
    }
    if (state.present) this.followMtu(entry, Math.min(state.mtu, MTU_MAX));
    const up = state.present && state.up;
    if (up === entry.linkUp) return;
    entry.linkUp = up;
    if (!up) this.forgetLearned(entry.index);
    this.changedState(entry);
    this.around.notice(`interface ${entry.name}: link ${up ? "up" : state.present ? "down" : "gone"}`);
  }

  /** What is longer than the device takes would be lost without a word to its sender (RFC 1191, 3). */
  private followMtu(entry: Interface, mtu: number): void {
    if (entry.mtuGiven || mtu === entry.mtu || mtu < MTU_MIN) return;
    entry.mtu = mtu;
    this.refresh(entry);
    this.around.notice(`interface ${entry.name}: ${entry.hostInterface ?? "its device"} has an MTU of ${mtu} now, and so has it`);
  }

  /** The first of rdma-0, rdma-1, … that no interface has. */
  private freeName(): string {
    for (let n = 0; ; n++) if (!this.around.interfaces.has(`rdma-${n}`)) return `rdma-${n}`;
  }

  /** Buffers in receive queues are missing elsewhere: says so where they may be more than half of all. */
  private warnOfPool({ name, rdma }: HardwareInfo): void {
    const each = Math.ceil(rdma!.maxPacketLength / BUFFER_DATA);
    const most = rdma!.rxQueues.reduce((sum, { size }) => sum + size * each, 0);
    const all = this.around.packets.layout.buffers;
    if (most <= all / 2) return;
    this.around.notice(`interface ${name}: its receive queues take up to ${most} of the ${all} buffers: start with more (--buffers)`);
  }

  private hardwareInfo(entry: Interface): HardwareInfo {
    const { name, index, kind, hostInterface, linkUp, mtu, rxMode, promiscuous } = entry;
    const rdma = kind === "rdma" ? this.counters.sinceClear(index, rdmaInfo(entry.handle!)) : null;
    return { name, index, kind: kind as PortKind, hostInterface, linkUp, mac: formatMac(entry.mac), mtu, rxMode, promiscuous, rdma };
  }
}
