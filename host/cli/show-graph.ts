// What the graph looks like, and all there is to know of a node.

import type { CustomNodeInfo, GraphInfo, NodeInfo } from "../control/api.js";
import type { Command } from "./grammar.js";
import { customText } from "./show-nodes.js";
import { show } from "./show.js";
import { table } from "./table.js";

export const SHOW_GRAPH: Command[] = [
  show("show node <anchor>", "all there is to know of a node: what it leads to, what leads to it, its errors and clocks",
    (control, { anchor }) => control.node(anchor!), nodeText, ["show node ip4-lookup", "show node acl"]),
  show("show vlib graph", "each node's next and previous nodes", (control) => control.graph(), graphTable),
  show("show vlib graphviz", "the graph for Graphviz' dot, with packets a second since it was last asked for", (control) => control.graph(), dotText),
];

function nodeText(node: NodeInfo): string {
  const { calls, vectors, clocksPerPacket, vectorsPerCall, traps } = node;
  return [
    `node ${node.name}, index ${node.index}, ${node.kind}`,
    `  calls ${calls}, vectors ${vectors}, clocks/packet ${clocksPerPacket.toFixed(1)}, vectors/call ${vectorsPerCall.toFixed(2)}, traps ${traps}`,
    ...section("next nodes", ["Slot", "Name", "Leads to"], node.next.map(({ slot, name, node: to }) => [slot, name, to ?? "-"])),
    `  previous nodes: ${node.previous.join(" ") || "none"}`,
    ...section("errors", ["Count", "Reason"], node.errors.map(({ count, reason }) => [count, reason])),
    ...custom(node.custom),
  ].join("\n");
}

function section(title: string, head: string[], rows: (string | number)[][]): string[] {
  return rows.length === 0 ? [] : [`  ${title}:`, ...table(head, rows).split("\n").map((line) => `    ${line}`)];
}

function custom(node: CustomNodeInfo | null): string[] {
  return node === null ? [] : [`  custom node ${customText(node)}`];
}

function graphTable({ nodes }: GraphInfo): string {
  const rows = nodes.flatMap(({ name, next, previous }) => {
    const leads = [...new Set(next.map(({ node }) => node ?? "-"))];
    return Array.from({ length: Math.max(1, leads.length, previous.length) }, (_, i) => [i === 0 ? name : "", leads[i] ?? "", previous[i] ?? ""]);
  });
  return table(["Name", "Next", "Previous"], rows);
}

/** The DOT language of graphviz.org. Nodes that packets came to are drawn with a thick line. */
function dotText({ nodes }: GraphInfo): string {
  const lines = nodes.flatMap(({ name, next, rate, clocksPerPacket }) => {
    const label = `label="${escaped(name)}\\n${rate.toFixed(0)} packets/s\\n${clocksPerPacket.toFixed(1)} clocks"`;
    const leads = [...new Set(next.flatMap(({ node }) => node ?? []))];
    return [`  "${escaped(name)}" [${label}${rate > 0 ? ", penwidth=3" : ""}];`, ...leads.map((to) => `  "${escaped(name)}" -> "${escaped(to)}";`)];
  });
  return ["digraph weft {", "  rankdir=LR;", "  node [shape=box, fontname=monospace];", ...lines, "}"].join("\n");
}

function escaped(name: string): string {
  return name.replace(/["\\]/g, "\\$&");
}
