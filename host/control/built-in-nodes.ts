// The graph's nodes as a router starts with them.

import { INPUT_NODES } from "../graph/engine.js";
import { GLEAN_NODE } from "../graph/glean.js";
import { FRAGMENT_NODE } from "../graph/ip4-fragment.js";
import type { NodeDeclaration } from "../graph/module.js";
import { PUNT_NODE } from "../graph/punt.js";
import { REASSEMBLY_NODE } from "../graph/reassembly.js";
import { Registry } from "../graph/registry.js";

/** Templates: nodes of these kinds are made where one is needed. */
const GATES = ["rx-gate", "tx-gate"];

/** `declared`: by the module of the built-in nodes. */
export function builtInNodes(declared: NodeDeclaration[]): Registry {
  const registry = new Registry();
  for (const input of Object.values(INPUT_NODES)) registry.add("port", input);
  for (const node of declared) if (!GATES.includes(node.name)) registry.add("wasm", node);
  registry.add("wasm", FRAGMENT_NODE);
  for (const node of [GLEAN_NODE, REASSEMBLY_NODE, PUNT_NODE]) registry.add("host", node);
  return registry;
}
