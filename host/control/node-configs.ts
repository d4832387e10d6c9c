// Configurations of custom nodes, in the read-only tables.

import { CONFIGURATIONS, CONFIGURATIONS_SIZE } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { type ConfigSchema, defaults, encodeConfig } from "../graph/node-config.js";
import { Extents } from "../memory/extents.js";
import type { Tables } from "../memory/tables.js";
import type { NodeConfig } from "./api.js";
import type { Interface, Interfaces } from "./interfaces.js";

/** A configuration in its place. */
export interface PlacedConfig {
  /** name of the node */
  node: string;
  config: NodeConfig;
  /** address; 0: the node takes none */
  at: number;
  size: number;
  /** software interface indices that it names */
  interfaces: Set<number>;
}

export class NodeConfigs {
  private readonly extents = new Extents(CONFIGURATIONS, CONFIGURATIONS + CONFIGURATIONS_SIZE, 64);
  /** those in force, and those that a node is about to be shown */
  private readonly placed = new Set<PlacedConfig>();
  /** interfaces that are being deleted */
  private readonly leaving = new WeakSet<Interface>();

  constructor(private readonly tables: Tables, private readonly interfaces: Interfaces) {}

  /** Bytes in use. */
  get used(): number {
    return this.extents.used;
  }

  /** Checks a configuration and writes it; `undefined`: the one that holds when none is given. Throws BAD_ARGUMENT, NOT_FOUND, NO_MEMORY. */
  place(node: string, schema: ConfigSchema | null, given: NodeConfig | undefined): PlacedConfig {
    const interfaces = new Set<number>();
    if (schema === null) {
      if (given !== undefined && Object.keys(given).length > 0) throw new WeftError("BAD_ARGUMENT", `node ${node} takes no configuration`);
      return { node, config: {}, at: 0, size: 0, interfaces };
    }
    const where = `node ${node}: config`;
    const config = given ?? defaults(schema, where);
    const interfaceIndex = (name: string): number => {
      const index = this.interfaceIndex(name);
      interfaces.add(index);
      return index;
    };
    const { size, write } = encodeConfig(schema, config, { interfaceIndex }, where);
    const at = this.extents.take(size);
    if (at === undefined) throw new WeftError("NO_MEMORY", `${where}: no room for its ${size} bytes: unload a node first`);
    this.tables.writeBytes(at, write(at));
    const placed = { node, config, at, size, interfaces };
    this.placed.add(placed);
    return placed;
  }

  give(placed: PlacedConfig): void {
    if (this.placed.delete(placed)) this.extents.give(placed.at);
  }

  /** Index of an interface for a node to stand on. Throws NOT_FOUND; CONFLICT for one that is being deleted. */
  interfaceIndex(name: string): number {
    const entry = this.interfaces.find(name);
    if (this.leaving.has(entry)) throw new WeftError("CONFLICT", `interface ${name} is being deleted`);
    return entry.index;
  }

  /** Name of a node that is configured with an interface. */
  user(index: number): string | undefined {
    return [...this.placed].find(({ interfaces }) => interfaces.has(index))?.node;
  }

  /** From now on no node may be given this interface. */
  interfaceLeaves(index: number): void {
    this.leaving.add(this.interfaces.byIndex(index)!);
  }
}
