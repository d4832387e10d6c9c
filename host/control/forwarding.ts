// What the tables say of where packets go, for people: adjacencies, routes in detail, and how full the FIB is.

import {
  ADJ_BROADCAST, ADJ_DROP, ADJ_NO_ROUTE, FIB_PLY_UNIT, FIB_PLY_UNITS, LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_PATHS,
  LOOKUP_NEXT_REWRITE, PATH_SET_COUNT,
} from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { Tables } from "../memory/tables.js";
import { formatIp4, parseIp4, parsePrefix } from "./addresses.js";
import { ADJ_NET_BROADCAST, ADJ_PROHIBIT, ADJ_UNREACHABLE } from "./adjacencies.js";
import type { AdjacencyInfo, FibSummary, LocalProtocol, RouteDetail } from "./api.js";
import type { Fib } from "./fib.js";
import type { Interfaces } from "./interfaces.js";
import type { Neighbours } from "./neighbours.js";
import type { PathSets } from "./paths.js";
import type { Routes } from "./routes.js";

/** What ip4-local does with each protocol; test/nodes/ip4-local.test.ts holds it to the node. Number -1: every other one. */
export const LOCAL_PROTOCOLS: LocalProtocol[] = [
  { protocol: 1, name: "ICMP", node: "icmp4-input" },
  { protocol: 6, name: "TCP", node: "ip4-tcp-reset" },
  { protocol: 17, name: "UDP", node: "ip4-icmp-error" },
  { protocol: -1, name: "any other", node: "ip4-icmp-error" },
];

export class Forwarding {
  constructor(
    private readonly tables: Tables, private readonly interfaces: Interfaces, private readonly neighbours: Neighbours,
    private readonly routes: Routes, private readonly sets: PathSets, private readonly fib: Fib,
  ) {}

  /** All adjacencies in use, by index. */
  adjacencies(): AdjacencyInfo[] {
    const ports = this.interfaces.list().filter(({ kind }) => kind !== "local");
    const ofInterfaces = ports.flatMap(({ localAdjacency, gleanAdjacency }) => [localAdjacency, gleanAdjacency]);
    const ofNeighbours = this.neighbours.list().map(({ adjacency }) => adjacency);
    const fixed = [ADJ_NO_ROUTE, ADJ_DROP, ADJ_UNREACHABLE, ADJ_PROHIBIT, ADJ_NET_BROADCAST];
    const all = [...fixed, ...ofInterfaces, ...ofNeighbours, ...this.sets.list().map(({ adjacency }) => adjacency)];
    return all.sort((a, b) => a - b).map((index) => this.adjacency(index));
  }

  /** Throws NOT_FOUND for one that is not in use. */
  findAdjacency(index: number): AdjacencyInfo {
    const found = this.adjacencies().find((one) => one.index === index);
    if (!found) throw new WeftError("NOT_FOUND", `adjacency ${index} is not in use: "show adj" lists those that are`);
    return found;
  }

  /** The route to a prefix, or the one that an address takes. Throws BAD_ARGUMENT; NOT_FOUND for a prefix to which there is none. */
  detail(asked: string): RouteDetail {
    const exact = asked.includes("/");
    const { network, length } = exact ? parsePrefix(asked) : { network: parseIp4(asked), length: undefined };
    const route = this.routes.find(network, length);
    if (exact && !route) throw new WeftError("NOT_FOUND", `no route ${asked}: without a length the route that covers an address is shown`);
    const adjacency = route?.adjacency ?? ADJ_NO_ROUTE;
    const paths = route?.set ? route.paths.map(({ gateway }) => this.adjacency(gateway.adjacency)) : [];
    return { asked, route: route ? this.routes.describe(route) : null, adjacency: this.adjacency(adjacency), paths };
  }

  summary(): FibSummary {
    const kinds = Object.entries(this.routes.kinds()).sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      routes: this.fib.size,
      lengths: this.fib.lengths.map((routes, length) => ({ length, routes })).filter(({ routes }) => routes > 0),
      kinds: kinds.map(([kind, routes]) => ({ kind: kind as FibSummary["kinds"][number]["kind"], routes })),
      bytes: this.fib.bytes,
      plyBytes: this.fib.plyBytes, plyBytesTotal: FIB_PLY_UNITS * FIB_PLY_UNIT, pathSets: this.sets.list().length, pathSetsTotal: PATH_SET_COUNT,
    };
  }

  private adjacency(index: number): AdjacencyInfo {
    const { next, txInterface, mtu, icmpCode, nextHop, rewrite } = this.tables.readAdjacency(index);
    const kind = kindOf(next, nextHop);
    const leaves = kind === "rewrite" || kind === "glean" || kind === "local";
    return {
      index, kind,
      interface: leaves ? (this.interfaces.byIndex(txInterface)?.name ?? null) : null,
      nextHop: leaves && nextHop !== 0 ? formatIp4(nextHop) : null,
      mtu: leaves || kind === "paths" ? mtu : null,
      icmpCode: kind === "unreachable" ? icmpCode : null,
      rewrite: kind === "rewrite" ? Buffer.from(rewrite).toString("hex") : null,
      paths: this.sets.list().find(({ adjacency }) => adjacency === index)?.paths.map(({ gateway }) => gateway.adjacency) ?? [],
    };
  }
}

function kindOf(next: number, nextHop: number): AdjacencyInfo["kind"] {
  switch (next) {
    case LOOKUP_NEXT_DROP:
      return "drop";
    case LOOKUP_NEXT_REWRITE:
      return "rewrite";
    case LOOKUP_NEXT_LOCAL:
      return nextHop === ADJ_BROADCAST ? "broadcast" : "local";
    case LOOKUP_NEXT_GLEAN:
      return "glean";
    case LOOKUP_NEXT_PATHS:
      return "paths";
    default:
      return "unreachable";
  }
}
