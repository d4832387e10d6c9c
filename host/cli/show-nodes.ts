// What custom nodes there are, and what they have counted and kept.

import { CONFIGURATIONS_SIZE, MODULE_COUNT, NODE_COUNT, WORKER_NODES, WORKER_SIZE } from "../../assembly/abi.js";
import type { Control, CustomNodeInfo, MemoryInfo, NodeCounter } from "../control/api.js";
import type { Command, Values } from "./grammar.js";
import { select, show } from "./show.js";
import { table } from "./table.js";

export const SHOW_NODES: Command[] = [
  show("show node [<node>]", "custom nodes; or all there is to know of one", selectNodes, (nodes, { node }) =>
    (node === undefined ? nodeTable(nodes) : nodes.map(nodeText).join("\n"))),
  show("show node counters [<node>]", "what custom nodes have counted", counters, (shown) =>
    table(["Node", "Name", "Kind", "Value"], shown.map(({ node, name, kind, value }) => [node, name, kind, value]))),
  show("show node table <node> <table>", "a table that a custom node keeps in its state",
    (control, values) => control.nodeTable(values.node!, values.table!), ({ columns, rows }) => table(columns, rows)),
  show("show memory", "how much of the fixed tables and regions is in use", (control) => control.memory(), memoryTable),
];

function selectNodes(control: Control, values: Values): CustomNodeInfo[] {
  return select("custom node", control.customNodes(), values.node);
}

function counters(control: Control, { node }: Values): NodeCounter[] {
  const shown = control.nodeCounters().filter((counter) => node === undefined || counter.node === node);
  if (shown.length === 0 && node !== undefined) select("custom node", control.customNodes(), node); // it declares none, or is none
  return shown;
}

function nodeTable(nodes: CustomNodeInfo[]): string {
  return table(["Name", "State", "Place", "Declared", "File", "Traps"],
    nodes.map((node) => [node.name, node.state, placeText(node) ?? "-", node.declared, node.file, node.traps]));
}

/** after ip4-input on host-eth0 */
function placeText({ place }: CustomNodeInfo): string | null {
  if (place === null) return null;
  return `${place.anchor} ${place.node}${place.interfaces === null ? "" : ` on ${place.interfaces.join(", ")}`}`;
}

function nodeText(node: CustomNodeInfo): string {
  const { fail, via, restart, limit } = node.policy;
  const packets = fail === "closed" ? "dropped (fail closed)" : `sent to ${via} (fail open)`;
  return [
    `${node.name}: ${node.state}${node.cause === null ? "" : ` (${node.cause})`}`,
    `  place: ${placeText(node) ?? "none, it is loaded only"}`,
    `  file: ${node.file}, node ${node.declared}, ${node.kind}`,
    `  next: ${node.next.map((name, slot) => `${slot} ${name}`).join(", ")}`,
    `  traps: ${node.traps}`,
    `  policy when it traps: packets ${packets}; ${restart === 0 ? "goes on at once" : `starts anew after ${restart} ms`}; `
      + `set aside ${limit === 0 ? "never" : `after ${limit} traps`}`,
    `  state: ${node.stateSize} bytes, version ${node.stateVersion}`,
    `  static data: ${node.region === null ? "none" : `region ${node.region}`}`,
    `  config: ${JSON.stringify(node.config)}`,
  ].join("\n");
}

function memoryTable({ nodes, configurations, regions, nodeCount }: MemoryInfo): string {
  return table(["What", "Used", "Size", "Unit"], [
    ["nodes", nodeCount, NODE_COUNT, "nodes"],
    ["node blocks", nodes, WORKER_SIZE - WORKER_NODES, "bytes"],
    ["configurations", configurations, CONFIGURATIONS_SIZE, "bytes"],
    ["module regions", regions, MODULE_COUNT, "regions"],
  ]);
}
