// Custom nodes: loaded, put into the packets' way, replaced and taken away, all while packets flow.
//
// A worker does its part between two turns. What the tables lead to is there before they lead to it, and
// stays until a turn has ended after they do not: so no packet is lost, and a step that fails leaves
// everything as it was.

import { GATE_INTERFACES, NODE_COUNTERS, NODE_STATE } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { NodeSpec } from "../graph/messages.js";
import type { Registry } from "../graph/registry.js";
import { type Chain, CONTINUE, GATE_NEXT, type Wiring } from "../graph/wiring.js";
import { decodeTable } from "../graph/node-table.js";
import { type OwnedMemory, workerAt } from "../memory/memory.js";
import type { CustomNodeInfo, NodeConfig, NodeCounter, NodePlace, NodePolicy, NodeTable } from "./api.js";
import { BESIDE, type Custom, customSpec, inheritance, policyOf, settled, withPolicy } from "./custom.js";
import type { Interfaces } from "./interfaces.js";
import type { NodeConfigs } from "./node-configs.js";
import { inOrder, type NodeFile, openNodeFile, type Regions, splitFile } from "./node-files.js";
import type { Requests } from "./requests.js";
import type { Statistics } from "./statistics.js";

const NAME = /^(?=.{1,48}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Bytes of a gate's state: a bit for each interface. */
const GATE_STATE = 32;

/** What of the router custom nodes stand on. */
export interface Foundations {
  memory: OwnedMemory;
  registry: Registry;
  wiring: Wiring;
  regions: Regions;
  configs: NodeConfigs;
  interfaces: Interfaces;
  statistics: Statistics;
  requests: Requests;
  notice: (line: string) => void;
}

export class Nodes {
  private readonly customs = new Map<string, Custom>();
  /** the last change, so that the next one begins after it */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly on: Foundations) {}

  load(file: string, name: string, config?: NodeConfig): Promise<CustomNodeInfo> {
    return this.inTurn(async () => {
      if (!NAME.test(name)) throw bad(`"${name}" is no name for a node: it needs kebab-case of at most 48 characters, such as acl-1`);
      const custom = await this.prepare(file, name, config);
      try {
        await this.on.requests.send({ type: "add-custom", custom: customSpec(custom), inherit: null });
      } catch (cause) {
        this.dismantle(custom);
        throw refusal(name, cause);
      }
      this.customs.set(name, custom);
      return this.info(custom);
    });
  }

  insert(name: string, place: NodePlace): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      if (!custom.declarations[0]!.next.includes(CONTINUE)) {
        throw bad(`node ${name} has no next slot "${CONTINUE}": it ends the way of packets and is led to by other nodes' next slots only`);
      }
      const { chain, at } = this.placeOf(custom, place);
      const index = place.interface === undefined ? null : this.on.configs.interfaceIndex(place.interface);
      if (this.on.wiring.chainOf(custom.nodes[0]!) === chain) return this.extend(custom, index!);
      const gate = index === null ? null : await this.addGate(custom, chain, index);
      chain.links.splice(at, 0, { node: custom.nodes[0]!, siblings: custom.nodes.slice(1), gate });
      this.on.wiring.chains.includes(chain) || this.on.wiring.chains.push(chain);
      this.on.wiring.connect();
    });
  }

  bypass(name: string, interfaceName?: string): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      if (!this.on.wiring.chainOf(custom.nodes[0]!)) throw new WeftError("NOT_FOUND", `node ${name} stands nowhere: there is nothing to bypass`);
      if (interfaceName === undefined) return this.takeOut(custom);
      const { index } = this.on.interfaces.find(interfaceName);
      if (!custom.interfaces?.has(index)) throw new WeftError("NOT_FOUND", `node ${name} does not stand there for ${interfaceName} in particular`);
      if (custom.interfaces.size === 1) return this.takeOut(custom);
      custom.interfaces.delete(index);
      this.writeGate(custom);
    });
  }

  unload(name: string): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      for (const node of custom.nodes) {
        const user = this.userOf(custom, node);
        if (user) throw new WeftError("CONFLICT", `node ${user.name} leads to ${node.name}: unload that one first`);
      }
      if (this.on.wiring.chainOf(custom.nodes[0]!)) await this.takeOut(custom);
      await this.remove(custom);
      this.customs.delete(name);
    });
  }

  replace(name: string, file: string, config?: NodeConfig): Promise<CustomNodeInfo> {
    return this.inTurn(async () => {
      const old = this.find(name);
      const link = this.on.wiring.chainOf(old.nodes[0]!)?.links.find((one) => one.node === old.nodes[0]);
      const fresh = await this.prepare(file, name, config, old);
      try {
        if (link && !fresh.declarations[0]!.next.includes(CONTINUE)) {
          throw bad(`${file} has no next slot "${CONTINUE}", and node ${name} stands in the packets' way`);
        }
        for (const node of old.nodes) {
          const user = fresh.nodes.some((one) => settled(one.name) === node.name) ? undefined : this.userOf(old, node);
          if (user) throw new WeftError("CONFLICT", `node ${user.name} leads to ${node.name}, which ${file} does not have: unload that one first`);
        }
        await this.on.requests.send({ type: "add-custom", custom: customSpec(fresh), inherit: inheritance(old, fresh) });
      } catch (cause) {
        this.dismantle(fresh);
        throw refusal(name, cause);
      }
      this.customs.set(name, fresh);
      for (const node of fresh.nodes) [node.name, node.next] = [settled(node.name), node.next.map(settled)];
      for (const node of old.nodes) node.name += BESIDE;
      this.on.statistics.moveNode(old.nodes[0]!, fresh.nodes[0]!);
      if (link) [link.node, link.siblings] = [fresh.nodes[0]!, fresh.nodes.slice(1)];
      this.on.wiring.retire(old.nodes);
      this.on.wiring.connect();
      await this.remove(old);
      return this.info(fresh);
    });
  }

  configure(name: string, config: NodeConfig): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      const placed = this.on.configs.place(name, custom.declarations[0]!.config, config);
      try {
        await this.on.requests.send({ type: "configure", index: custom.nodes[0]!.index, address: placed.at, size: placed.size });
      } catch (cause) {
        this.on.configs.give(placed);
        throw refusal(name, cause);
      }
      this.on.configs.give(custom.config);
      custom.config = placed;
    });
  }

  setPolicy(name: string, change: Partial<NodePolicy>): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      const policy = withPolicy(custom, change);
      await this.on.requests.send({ type: "policy", index: custom.nodes[0]!.index, policy: policyOf(custom, policy) });
      custom.policy = policy;
    });
  }

  restart(name: string): Promise<void> {
    return this.inTurn(async () => {
      try {
        await this.on.requests.send({ type: "restart", index: this.find(name).nodes[0]!.index });
      } catch (cause) {
        throw refusal(name, cause);
      }
    });
  }

  list(): CustomNodeInfo[] {
    return [...this.customs.values()].map((custom) => this.info(custom));
  }

  counters(): NodeCounter[] {
    return [...this.customs.values()].flatMap(({ nodes, declarations }) => nodes.flatMap((node, i) => {
      const { counters, gauges } = declarations[i]!;
      const value = (place: number): number => this.on.statistics.nodeCounter(node, NODE_COUNTERS + place * 8);
      return [
        ...counters.map((name, k): NodeCounter => ({ node: node.name, name, kind: "counter", value: value(k) })),
        ...gauges.map((name, k): NodeCounter => ({ node: node.name, name, kind: "gauge", value: value(counters.length + k) })),
      ];
    }));
  }

  table(name: string, table: string): NodeTable {
    const custom = this.find(name);
    const { tables } = custom.declarations[0]!;
    const found = tables.find((one) => one.name === table);
    if (!found) throw new WeftError("NOT_FOUND", `node ${name} has no table "${table}": it has ${tables.map((one) => one.name).join(", ") || "none"}`);
    const { packets } = this.on.memory;
    const state = workerAt(0) + custom.nodes[0]!.runtime + NODE_STATE;
    const rows = decodeTable(found, [new DataView(packets.memory.buffer, state, custom.declarations[0]!.state)]);
    return { node: name, table, columns: found.columns.map((column) => column.name), rows };
  }

  /** A worker tells how one of its nodes does. */
  changed(index: number, state: CustomNodeInfo["state"], cause: string | null, traps: number): void {
    const custom = this.byIndex(index);
    if (!custom) return;
    const went = state !== custom.state;
    if (!went && cause === custom.cause && traps === custom.traps) return; // a new worker tells what is known
    Object.assign(custom, { state, cause, traps });
    if (went || cause !== null) this.on.notice(`node ${custom.name}: ${state === "running" ? cause ?? "runs again" : `${state}: ${cause}`}`);
  }

  /** The node whose worker had to be given up, because it never returned or ended the worker. */
  hung(index: number, cause: string): void {
    const custom = this.byIndex(index);
    if (custom) this.changed(custom.nodes[0]!.index, "set-aside", cause, custom.traps + 1);
  }

  /** All of them, for a new worker. */
  specs(): ReturnType<typeof customSpec>[] {
    return [...this.customs.values()].map(customSpec);
  }

  /** Throws CONFLICT when a node's configuration names an interface that is about to go, or one stands in the way of its packets alone. */
  interfaceLeaves(index: number, name: string): void {
    const user = this.on.configs.user(index);
    if (user !== undefined) throw new WeftError("CONFLICT", `node ${user} is configured with interface ${name}: change that first`);
    for (const { name: node, nodes, interfaces } of this.customs.values()) {
      if (interfaces?.has(index)) throw new WeftError("CONFLICT", `node ${node} stands on interface ${name}: "node bypass ${node} on ${name}" first`);
      const port = this.on.interfaces.byIndex(index)!.txNode!.name;
      if (nodes.some(({ next }) => next.includes(port))) throw new WeftError("CONFLICT", `node ${node} leads to ${port}: unload it first`);
    }
    this.on.configs.interfaceLeaves(index);
  }

  // Steps of the above

  private find(name: string): Custom {
    const custom = this.customs.get(name);
    if (custom) return custom;
    const others = [...this.customs.keys()].join(", ");
    throw new WeftError("NOT_FOUND", `no custom node "${name}": ${others === "" ? "none is loaded" : `there are ${others}`}`);
  }

  private byIndex(index: number): Custom | undefined {
    return [...this.customs.values()].find(({ nodes }) => nodes.some((node) => node.index === index));
  }

  /** A node outside of an instance that leads to one of its nodes. */
  private userOf(custom: Custom, { name }: NodeSpec): NodeSpec | undefined {
    return this.on.registry.list().find((one) => one.next.includes(name) && !custom.nodes.includes(one));
  }

  /** One change after the other. */
  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.last.then(change);
    this.last = result.catch(() => {});
    return result;
  }

  /** Everything that a custom node needs before a worker may have it; nothing leads to it yet. */
  private async prepare(text: string, name: string, config: NodeConfig | undefined, old?: Custom): Promise<Custom> {
    const { path, node: wanted } = splitFile(text);
    const file = await openNodeFile(path);
    const same = file.nodes.find((one) => one.name === old?.declarations[0]!.name);
    const declarations = inOrder(file, wanted ?? same?.name ?? null);
    const final = new Map(declarations.map((one, i) => [one.name, i === 0 ? name : `${name}-${one.name}`]));
    this.checkNames(file, declarations, [...final.values()], old);
    const kept = old?.declarations[0]!.name === declarations[0]!.name && declarations[0]!.config ? old.config.config : undefined;
    const region = this.on.regions.take(file, old?.region ?? null);
    const custom: Custom = {
      name, file, declarations, nodes: [], region, config: { node: name, config: {}, at: 0, size: 0, interfaces: new Set() },
      policy: old?.policy ?? { fail: "closed", via: CONTINUE, restart: 0, limit: 100 }, state: "running", cause: null, traps: old?.traps ?? 0,
      interfaces: old?.interfaces ?? null,
    };
    try {
      custom.config = this.on.configs.place(name, declarations[0]!.config, config ?? kept);
      for (const one of declarations) custom.nodes.push(this.addToRegistry(file, one, final, old ? BESIDE : ""));
      for (const node of custom.nodes) this.clearBlock(node, custom.config.at, custom.config.size);
      this.on.wiring.admit(custom.nodes, old?.nodes[0]);
      return custom;
    } catch (error) {
      this.dismantle(custom);
      throw error;
    }
  }

  /** Throws where a node would have the name of another, or lead to one that is not there. */
  private checkNames(file: NodeFile, declarations: NodeFile["nodes"], names: string[], old: Custom | undefined): void {
    const { registry } = this.on;
    const taken = names.find((name) => registry.has(name) && !old?.nodes.some((node) => node.name === name));
    if (taken !== undefined) throw new WeftError("CONFLICT", `there is a node "${taken}" already`);
    for (const { name, next } of declarations) {
      const beside = [CONTINUE, ...names, ...declarations.map((one) => one.name)];
      const stranger = next.find((one) => !beside.includes(one) && !registry.has(one));
      if (stranger !== undefined) throw new WeftError("BAD_MODULE", `${file.path}: node ${name}: its next node "${stranger}" is not in the graph`);
    }
  }

  /** `mark`: behind the names of the nodes of this file, until they take those of others. */
  private addToRegistry(file: NodeFile, declared: NodeFile["nodes"][number], final: Map<string, string>, mark: string): NodeSpec {
    const names = [...final.values()];
    const next = declared.next.map((one) => final.get(one) ?? one).map((one) => (names.includes(one) ? one + mark : one));
    const node = this.on.registry.add(file.module === null ? "host" : "wasm", { ...declared, name: final.get(declared.name)! + mark, next }, true);
    this.on.wiring.clear(node);
    return node;
  }

  private clearBlock(node: NodeSpec, config: number, size: number): void {
    this.on.memory.packets.clearNode(workerAt(0) + node.runtime, node.state, config, size);
    this.on.statistics.clearNode(node);
  }

  /** Where a place lies: its chain and the position in it. Throws when the node stands elsewhere already. */
  private placeOf(custom: Custom, place: NodePlace): { chain: Chain; at: number } {
    const { wiring, registry } = this.on;
    const anchor = place.after === undefined ? "before" : "after";
    const name = place.after ?? place.before;
    const both = place.after !== undefined && place.before !== undefined;
    if (name === undefined || both) throw bad("give the node after which, or before which, to insert");
    const node = this.customs.get(name)?.nodes[0] ?? registry.find(name);
    const here = wiring.chainOf(custom.nodes[0]!);
    const beside = wiring.chainOf(node);
    if (node === custom.nodes[0]) throw bad(`node ${name} cannot stand ${anchor} itself`);
    if (node.custom && !beside) throw bad(`node ${name} stands nowhere itself: insert it first`);
    if (node.kind === "port") throw bad(`${name} is a port of the graph: insert before ethernet-input, or before interface-output`);
    if (wiring.isGate(node)) throw bad(`${name} is the gate of a node: name that one`);
    if (anchor === "after" && !node.custom && !wiring.hasWayOn(node)) throw bad(`there is no one way on from ${name}`);
    const chain = beside ?? wiring.chains.find((one) => one.anchor === anchor && one.node === node) ?? { anchor, node, links: [] };
    if (here && !(here === chain && !beside && custom.interfaces && place.interface !== undefined)) {
      throw new WeftError("CONFLICT", `node ${custom.name} stands ${here.anchor} ${here.node.name} already: bypass it first, or load it once more`);
    }
    if (beside) return { chain, at: beside.links.findIndex((link) => link.node === node) + (anchor === "after" ? 1 : 0) };
    return { chain, at: anchor === "after" ? 0 : chain.links.length };
  }

  private extend(custom: Custom, index: number): void {
    custom.interfaces!.add(index);
    this.writeGate(custom);
  }

  private async addGate(custom: Custom, chain: Chain, index: number): Promise<NodeSpec> {
    const leaving = chain.node.name === "interface-output" || chain.node.name === "ip4-rewrite";
    const declared = { name: `${custom.name}-gate`, process: leaving ? "txGate" : "rxGate", next: GATE_NEXT, counters: [], state: GATE_STATE };
    const gate = this.on.registry.add("wasm", declared);
    this.clearBlock(gate, 0, 0);
    custom.interfaces = new Set([index]);
    this.writeGate(custom, gate);
    await this.on.requests.send({ type: "add-node", node: gate });
    return gate;
  }

  private writeGate(custom: Custom, gate = this.gateOf(custom)): void {
    const words = new Uint32Array(GATE_STATE / 4);
    for (const index of custom.interfaces!) words[index >> 5]! |= 1 << (index & 31);
    this.on.memory.packets.u32.set(words, (workerAt(0) + gate.runtime + NODE_STATE + GATE_INTERFACES) >> 2);
  }

  private gateOf(custom: Custom): NodeSpec {
    return this.on.wiring.chainOf(custom.nodes[0]!)!.links.find((link) => link.node === custom.nodes[0])!.gate!;
  }

  private async takeOut(custom: Custom): Promise<void> {
    const { gate } = this.on.wiring.unlink(custom.nodes[0]!);
    this.on.wiring.connect();
    await this.on.requests.turnEnd();
    custom.interfaces = null;
    if (!gate) return;
    await this.on.requests.send({ type: "remove-custom", nodes: [gate.index] });
    this.forget(gate);
  }

  private async remove(custom: Custom): Promise<void> {
    await this.on.requests.send({ type: "remove-custom", nodes: custom.nodes.map((node) => node.index) });
    this.dismantle(custom);
  }

  private dismantle(custom: Custom): void {
    for (const node of custom.nodes) this.forget(node);
    this.on.configs.give(custom.config);
    this.on.regions.give(custom.region, custom.file);
  }

  private forget(node: NodeSpec): void {
    this.on.wiring.clear(node);
    this.on.registry.remove(node);
    this.on.statistics.forgetNode(node);
  }

  private info(custom: Custom): CustomNodeInfo {
    const { name, file, declarations, nodes, policy, config, region, state, cause, traps } = custom;
    const chain = this.on.wiring.chainOf(nodes[0]!);
    const interfaces = custom.interfaces && [...custom.interfaces].map((index) => this.on.interfaces.byIndex(index)!.name);
    return {
      name, file: file.path, declared: declarations[0]!.name, kind: file.module === null ? "host" : "wasm", state, cause,
      place: chain ? { anchor: chain.anchor, node: chain.node.name, interfaces } : null,
      next: [...nodes[0]!.next], policy: { ...policy }, config: config.config, traps,
      stateSize: declarations[0]!.state, stateVersion: declarations[0]!.stateVersion, region,
    };
  }
}

function refusal(name: string, cause: unknown): WeftError {
  if (cause instanceof WeftError) return cause;
  return new WeftError("BAD_MODULE", `node ${name}: ${(cause as Error).message}`, { cause });
}

function bad(message: string): WeftError {
  return new WeftError("BAD_ARGUMENT", message);
}
