// What custom nodes there are, and what they have counted and kept.

import type { Control, CustomNodeInfo, NodeCounter } from "../control/api.js";
import type { Command, Values } from "./grammar.js";
import { select, show } from "./show.js";
import { table } from "./table.js";

export const SHOW_NODES: Command[] = [
  show("show node", "custom nodes", (control) => control.customNodes(), nodeTable),
  show("show node counters [<node>]", "what custom nodes have counted", counters, (shown) =>
    table(["Node", "Name", "Kind", "Value"], shown.map(({ node, name, kind, value }) => [node, name, kind, value])), ["show node counters acl"]),
  show("show node table <node> <table>", "a table that a custom node keeps in its state",
    (control, values) => control.nodeTable(values.node!, values.table!), ({ columns, rows }) => table(columns, rows), ["show node table acl rules"]),
];

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

/** All there is to know of one, its first line without an indent. */
export function customText(node: CustomNodeInfo): string {
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
