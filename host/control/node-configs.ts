// Configurations of custom nodes, in the read-only tables.

import { CONFIGURATIONS, CONFIGURATIONS_SIZE } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { type ConfigSchema, defaults, encodeConfig } from "../graph/node-config.js";
import { Extents } from "../memory/extents.js";
import type { Tables } from "../memory/tables.js";
import type { NodeConfig } from "./api.js";
import type { Interfaces } from "./interfaces.js";

/** A configuration in its place. */
export interface PlacedConfig {
  config: NodeConfig;
  /** address; 0: the node takes none */
  at: number;
  size: number;
  /** software interface indices that it names */
  interfaces: Set<number>;
}

export class NodeConfigs {
  private readonly extents = new Extents(CONFIGURATIONS, CONFIGURATIONS + CONFIGURATIONS_SIZE, 64);

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
      return { config: {}, at: 0, size: 0, interfaces };
    }
    const where = `node ${node}: config`;
    const config = given ?? defaults(schema, where);
    const interfaceIndex = (name: string): number => {
      const { index } = this.interfaces.find(name);
      interfaces.add(index);
      return index;
    };
    const { size, write } = encodeConfig(schema, config, { interfaceIndex }, where);
    const at = this.extents.take(size);
    if (at === undefined) throw new WeftError("NO_MEMORY", `${where}: no room for its ${size} bytes: unload a node first`);
    this.tables.writeBytes(at, write(at));
    return { config, at, size, interfaces };
  }

  give({ at }: PlacedConfig): void {
    if (at !== 0) this.extents.give(at);
  }
}
