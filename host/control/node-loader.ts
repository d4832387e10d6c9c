// What a custom node needs before a worker may have it, and what it leaves when none has it any more: a file that is verified, names and
// places in the registry, a region for its static data, a configuration.

import { WeftError } from "../errors.js";
import type { NodeSpec, ToEngine } from "../graph/messages.js";
import type { Registry } from "../graph/registry.js";
import { CONTINUE, type Wiring } from "../graph/wiring.js";
import { type OwnedMemory, workerAt } from "../memory/memory.js";
import type { NodeConfig } from "./api.js";
import { BESIDE, type Custom } from "./custom.js";
import type { NodeConfigs } from "./node-configs.js";
import { inOrder, type NodeFile, openNodeFile, type Regions, splitFile } from "./node-files.js";
import type { Requests } from "./requests.js";
import type { Statistics } from "./statistics.js";

/** What of the router custom nodes stand on. */
export interface Foundations {
  memory: OwnedMemory;
  registry: Registry;
  wiring: Wiring;
  regions: Regions;
  configs: NodeConfigs;
  statistics: Statistics;
  requests: Requests;
  /** to all workers but one */
  tellOthers: (message: ToEngine, but: number) => void;
}

export class NodeLoader {
  private readonly workers: number[];

  constructor(private readonly on: Foundations) {
    this.workers = Array.from({ length: on.memory.packets.layout.workers }, (_, worker) => worker);
  }

  /** Everything that a custom node needs before a worker may have it; nothing leads to it yet. */
  async prepare(text: string, name: string, config: NodeConfig | undefined, old?: Custom): Promise<Custom> {
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
      policy: old?.policy ?? { fail: "closed", via: CONTINUE, restart: 0, limit: 100 },
      reports: this.workers.map((worker) => ({ state: "running", cause: null, traps: old?.reports[worker]!.traps ?? 0 })),
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

  /** Makes a node's runtime block that of a node which has done nothing yet. */
  clearBlock(node: NodeSpec, config: number, size: number): void {
    for (const worker of this.workers) this.on.memory.packets.clearNode(workerAt(worker) + node.runtime, node.state, config, size);
    this.on.statistics.clearNode(node);
  }

  /** Takes a node away that no packet comes to any more. */
  async remove(custom: Custom): Promise<void> {
    await this.on.requests.send({ type: "remove-custom", nodes: custom.nodes.map((node) => node.index) });
    this.dismantle(custom);
  }

  /** Gives back what prepare() took; no worker has the node. */
  dismantle(custom: Custom): void {
    for (const node of custom.nodes) this.forget(node);
    this.on.configs.give(custom.config);
    this.on.regions.give(custom.region, custom.file);
  }

  forget(node: NodeSpec): void {
    this.on.wiring.clear(node);
    this.on.registry.remove(node);
    this.on.statistics.forgetNode(node);
  }
}
