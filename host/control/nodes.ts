// Custom nodes: loaded, put into the packets' way, replaced and taken away, all while packets flow.
//
// A worker does its part between two turns. A node is in every worker before the tables lead to it, and
// stays there until a turn has ended since they no longer do: so no packet is lost, and a step that fails
// leaves everything as it was.

import { NODE_COUNTERS, NODE_STATE } from "../../assembly/abi.js";
import { bad, WeftError } from "../errors.js";
import type { Inheritance, NodeSpec } from "../graph/messages.js";
import { decodeTable } from "../graph/node-table.js";
import { CONTINUE } from "../graph/wiring.js";
import { workerAt } from "../memory/memory.js";
import { quote } from "../nearest.js";
import type { CustomNodeInfo, NodeConfig, NodeCounter, NodePlace, NodePolicy, NodeTable } from "./api.js";
import { BESIDE, type Custom, customSpec, inheritance, type NodeReport, policyOf, settled, summary, withPolicy } from "./custom.js";
import type { Interfaces } from "./interfaces.js";
import { type Foundations, NodeLoader } from "./node-loader.js";
import { NodePlaces } from "./node-places.js";

const NAME = /^(?=.{1,48}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export class Nodes {
  private readonly customs = new Map<string, Custom>();
  /** the last change, so that the next one begins after it */
  private last: Promise<unknown> = Promise.resolve();

  private readonly loader: NodeLoader;
  private readonly places: NodePlaces;

  constructor(private readonly on: Foundations, private readonly interfaces: Interfaces, private readonly notice: (line: string) => void) {
    this.loader = new NodeLoader(on);
    this.places = new NodePlaces(on, this.loader);
  }

  load(file: string, name: string, config?: NodeConfig): Promise<CustomNodeInfo> {
    return this.inTurn(async () => {
      if (!NAME.test(name)) throw bad(`"${name}" is no name for a node: it needs kebab-case of at most 48 characters, such as acl-1`);
      const custom = await this.loader.prepare(file, name, config);
      try {
        await this.addToWorkers(custom, null);
      } catch (cause) {
        this.loader.dismantle(custom);
        throw refusal(name, cause);
      }
      this.customs.set(name, custom);
      return this.info(custom);
    });
  }

  insert(name: string, place: NodePlace): Promise<void> {
    return this.inTurn(async () => {
      await this.places.enter(this.find(name), place, (one) => this.customs.get(one));
    });
  }

  bypass(name: string, interfaceName?: string): Promise<void> {
    return this.inTurn(async () => {
      await this.places.leave(this.find(name), interfaceName === undefined ? null : this.interfaces.find(interfaceName));
    });
  }

  unload(name: string): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      for (const node of custom.nodes) {
        const user = this.userOf(custom, node);
        if (user) throw new WeftError("CONFLICT", `node ${user.name} leads to ${node.name}: unload that one first`);
      }
      if (this.on.wiring.chainOf(custom.nodes[0]!)) await this.places.takeOut(custom);
      await this.loader.remove(custom);
      this.customs.delete(name);
    });
  }

  replace(name: string, file: string, config?: NodeConfig): Promise<CustomNodeInfo> {
    return this.inTurn(async () => {
      const old = this.find(name);
      const link = this.on.wiring.chainOf(old.nodes[0]!)?.links.find((one) => one.node === old.nodes[0]);
      const fresh = await this.loader.prepare(file, name, config, old);
      try {
        if (link && !fresh.declarations[0]!.next.includes(CONTINUE)) {
          throw bad(`${file} has no next slot "${CONTINUE}", and node ${name} stands in the packets' way`);
        }
        for (const node of old.nodes) {
          const user = fresh.nodes.some((one) => settled(one.name) === node.name) ? undefined : this.userOf(old, node);
          if (user) throw new WeftError("CONFLICT", `node ${user.name} leads to ${node.name}, which ${file} does not have: unload that one first`);
        }
        await this.addToWorkers(fresh, inheritance(old, fresh));
      } catch (cause) {
        this.loader.dismantle(fresh);
        throw refusal(name, cause);
      }
      this.customs.set(name, fresh);
      for (const node of fresh.nodes) [node.name, node.next] = [settled(node.name), node.next.map(settled)];
      for (const node of old.nodes) node.name += BESIDE;
      this.on.statistics.moveNode(old.nodes[0]!, fresh.nodes[0]!);
      if (link) [link.node, link.siblings] = [fresh.nodes[0]!, fresh.nodes.slice(1)];
      this.on.wiring.retire(old.nodes);
      this.on.wiring.connect();
      await this.loader.remove(old);
      return this.info(fresh);
    });
  }

  configure(name: string, config: NodeConfig): Promise<void> {
    return this.inTurn(async () => {
      const custom = this.find(name);
      const placed = this.on.configs.place(name, custom.declarations[0]!.config, config);
      try {
        const change = (to: { at: number; size: number }) =>
          ({ type: "configure" as const, index: custom.nodes[0]!.index, address: to.at, size: to.size });
        await this.on.requests.send(change(placed), { undo: change(custom.config) });
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
    const names = tables.map((one) => one.name).join(", ") || "none";
    if (!found) throw new WeftError("NOT_FOUND", `node ${name} has no table "${table}": it has ${names}`);
    const { packets } = this.on.memory;
    const states = Array.from({ length: packets.layout.workers }, (_, worker) => workerAt(worker) + custom.nodes[0]!.runtime + NODE_STATE);
    const rows = decodeTable(found, states.map((state) => new DataView(packets.memory.buffer, state, custom.declarations[0]!.state)));
    return { node: name, table, columns: found.columns.map((column) => column.name), rows };
  }

  /** A worker tells how one of its nodes does. What one sets aside, all do. */
  changed(index: number, report: NodeReport, worker: number): void {
    const custom = this.byIndex(index);
    if (!custom) return;
    const before = summary(custom.reports);
    custom.reports[worker] = report;
    const { state, cause, traps } = summary(custom.reports);
    const went = state !== before.state;
    if (!went && cause === before.cause && traps === before.traps) return; // a new worker tells what is known
    if (went || cause !== null) this.notice(`node ${custom.name}: ${state === "running" ? cause ?? "runs again" : `${state}: ${cause}`}`);
    if (went && state === "set-aside") this.on.tellOthers({ type: "set-aside", index, cause: cause! }, worker);
  }

  /** The node whose worker had to be given up, because it never returned or ended the worker. */
  hung(index: number, cause: string, worker: number): void {
    const custom = this.byIndex(index);
    if (custom) this.changed(custom.nodes[0]!.index, { state: "set-aside", cause, traps: custom.reports[worker]!.traps + 1 }, worker);
  }

  /** All of them, for a new worker. */
  specs(): ReturnType<typeof customSpec>[] {
    return [...this.customs.values()].map(customSpec);
  }

  /** Throws CONFLICT when an interface that is to go is in a node's configuration, or a node stands in the way of its packets or leads to it. */
  interfaceLeaves(index: number, name: string): void {
    const user = this.on.configs.user(index);
    if (user !== undefined) throw new WeftError("CONFLICT", `node ${user} is configured with interface ${name}: change that first`);
    for (const { name: node, nodes, interfaces } of this.customs.values()) {
      if (interfaces?.has(index)) throw new WeftError("CONFLICT", `node ${node} stands on interface ${name}: "node bypass ${node} on ${name}" first`);
      const port = this.interfaces.byIndex(index)!.txNode!.name;
      if (nodes.some(({ next }) => next.includes(port))) throw new WeftError("CONFLICT", `node ${node} leads to ${port}: unload it first`);
    }
    this.on.configs.interfaceLeaves(index);
  }

  // Steps of the above

  /** In all workers, or in none. */
  private addToWorkers(custom: Custom, inherit: Inheritance | null): Promise<void> {
    const undo = { type: "remove-custom" as const, nodes: custom.nodes.map((node) => node.index) };
    return this.on.requests.send({ type: "add-custom", custom: customSpec(custom), inherit }, { undo });
  }

  private find(name: string): Custom {
    const custom = this.customs.get(name);
    if (custom) return custom;
    const others = [...this.customs.keys()].join(", ");
    throw new WeftError("NOT_FOUND", `no custom node ${quote(name)}: ${others === "" ? "none is loaded" : `there are ${others}`}`);
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

  private info(custom: Custom): CustomNodeInfo {
    const { name, file, declarations, nodes, policy, config, region } = custom;
    const { state, cause, traps } = summary(custom.reports);
    const chain = this.on.wiring.chainOf(nodes[0]!);
    const interfaces = custom.interfaces && [...custom.interfaces].map((index) => this.interfaces.byIndex(index)!.name);
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
