// Where packets go, in detail: adjacencies, one route, the FIB as a whole, what is taken to the router itself.

import type { AdjacencyInfo, Control, FibSummary, RouteDetail, RouteInfo } from "../control/api.js";
import type { Command, Values } from "./grammar.js";
import { show } from "./show.js";
import { table } from "./table.js";

export const SHOW_ROUTES: Command[] = [
  show("show ip fib", "routes", (control) => control.routes(), routeTable),
  show("show ip fib summary", "routes by prefix length and kind, and how full the tables are", (control) => control.fibSummary(), summaryText),
  show("show ip fib <prefix>", "one route in detail", (control, { prefix }) => control.route(prefix!), routeText, ["show ip fib 192.0.2.0/24"]),
  show("show ip fib <address>", "the route that an address takes, in detail", (control, { address }) => control.route(address!), routeText,
    ["show ip fib 192.0.2.9"]),
  show("show adj [<adjacency>]", "adjacencies: where packets leave, and the bytes put before them", adjacencies, adjacencyTable, ["show adj 0"]),
  show("show ip local", "which node takes packets to the router itself, by their protocol", (control) => control.localProtocols(), (protocols) =>
    table(["Protocol", "Name", "Node"], protocols.map(({ protocol, name, node }) => [protocol < 0 ? "*" : protocol, name, node]))),
];

function adjacencies(control: Control, { adjacency }: Values): AdjacencyInfo[] {
  return control.adjacencies(...(adjacency === undefined ? [] : [Number(adjacency)]));
}

/** A line for each path; what they share stands in the first. */
function routeTable(routes: RouteInfo[]): string {
  const head = ["Prefix", "Kind", "Via", "Interface", "Adjacency", "Weight"];
  return table(head, routes.flatMap(({ prefix, kind, via, interface: name, adjacency, paths }) => {
    if (paths.length < 2) return [[prefix, kind, via ?? "-", name ?? "-", adjacency, paths[0]?.weight ?? ""]];
    const rows = paths.map((path) => ["", "", path.via, path.interface ?? "-", path.adjacency, path.weight]);
    return [[prefix, kind, `${paths.length} paths`, "-", adjacency, ""], ...rows];
  }));
}

function routeText({ asked, route, adjacency, paths }: RouteDetail): string {
  if (!route) return `${asked}: no route\n${adjacencyTable([adjacency])}`;
  const ways = route.paths.map(({ via, interface: name, weight, buckets }) =>
    `  via ${via} ${name ?? "-"} weight ${weight}: ${buckets} of 256 flows`);
  const through = route.paths.length === 0 ? [`  ${route.kind}${route.interface === null ? "" : ` ${route.interface}`}`] : ways;
  return [route.prefix, ...through, adjacencyTable([adjacency, ...paths])].join("\n");
}

function adjacencyTable(adjacencies: AdjacencyInfo[]): string {
  return table(["Adjacency", "Kind", "Interface", "Next-hop", "MTU", "Answer", "Rewrite"], adjacencies.map((one) => {
    const answer = one.icmpCode === null ? "-" : `ICMP 3/${one.icmpCode}`;
    return [one.index, one.kind, one.interface ?? "-", hop(one), one.mtu ?? "-", answer, spaced(one.rewrite)];
  }));
}

function hop({ kind, nextHop, paths }: AdjacencyInfo): string {
  return kind === "paths" ? `one of ${paths.join(", ")}` : (nextHop ?? "-");
}

/** Destination, source and type apart. */
function spaced(rewrite: string | null): string {
  return rewrite?.replace(/^(.{12})(.{12})/, "$1 $2 ") ?? "-";
}

function summaryText({ routes, lengths, kinds, bytes, plyBytes, plyBytesTotal, pathSets, pathSetsTotal }: FibSummary): string {
  return [
    table(["Prefix length", "Routes"], [...lengths.map(({ length, routes: of }) => [`/${length}`, of]), ["all", routes]]),
    table(["Kind", "Routes"], kinds.map(({ kind, routes: of }) => [kind, of])),
    table(["What", "Used", "Size"], [
      ["bytes of FIB and prefixes", bytes, ""], ["bytes of FIB plies", plyBytes, plyBytesTotal], ["sets of paths", pathSets, pathSetsTotal],
    ]),
  ].join("\n\n");
}
