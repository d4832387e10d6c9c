// The part of the control plane's shapes (api.ts) that is about addresses, routes and neighbours.

/** One of the ways that a route can take. */
export interface RoutePath {
  /** gateway */
  via: string;
  /** its interface; where it is left out, the one that has an address on the gateway's network */
  interface?: string;
  /** share of the flows, in proportion to the other paths' weights: 1 … 255, default 1 */
  weight?: number;
}

export interface RouteTarget {
  /** gateway; absent: the destination itself is on the link */
  via?: string;
  /** interface name; with `via` it may be left out */
  interface?: string;
  /** as in RoutePath */
  weight?: number;
  /** several gateways, in place of all that */
  paths?: RoutePath[];
  /** instead of a gateway */
  kind?: "drop" | "unreachable" | "prohibit";
}

/** Many routes: prefix i is networks[i]/lengths[i]. */
export interface RouteBatch {
  /** as numbers, 10.0.0.0 = 0x0a000000 */
  networks: Uint32Array;
  lengths: Uint8Array;
  /** where they lead */
  targets: RouteTarget[];
  /** which of the targets each has, by its place; absent: all have the first */
  choices?: Uint16Array;
}

export interface RouteInfo {
  prefix: string;
  kind: "gateway" | "connected" | "local" | "broadcast" | "neighbor" | "drop" | "unreachable" | "prohibit";
  /** null where there is none, or more than one: see `paths` */
  via: string | null;
  interface: string | null;
  adjacency: number;
  /** its gateways */
  paths: RoutePathInfo[];
}

export interface RoutePathInfo {
  via: string;
  interface: string | null;
  weight: number;
  adjacency: number;
  /** of the 256 values of a flow's hash, those that lead to this path; 0 while its interface is down and another path's is up */
  buckets: number;
}

/** Where packets leave, and what is done with them. */
export interface AdjacencyInfo {
  index: number;
  /** rewrite: to a known neighbour; glean: to one still to be asked for; paths: one of several; local: the router itself */
  kind: "drop" | "rewrite" | "local" | "broadcast" | "glean" | "unreachable" | "paths";
  interface: string | null;
  /** null: the packet's own destination, or none */
  nextHop: string | null;
  mtu: number | null;
  /** code of the destination unreachable that is sent */
  icmpCode: number | null;
  /** bytes put before the IP header, in hex */
  rewrite: string | null;
  /** adjacencies of which a flow takes one */
  paths: number[];
}

/** One route, and what its packets meet. */
export interface RouteDetail {
  asked: string;
  /** null: none covers the address */
  route: RouteInfo | null;
  adjacency: AdjacencyInfo;
  /** of its gateways, where there are several */
  paths: AdjacencyInfo[];
}

export interface FibSummary {
  routes: number;
  /** prefix lengths that occur */
  lengths: { length: number; routes: number }[];
  kinds: { kind: RouteInfo["kind"]; routes: number }[];
  /** of the FIB's tables and of the prefixes that they are made from */
  bytes: number;
  /** of plies for prefixes longer than /24, in use and how many there can be */
  plyBytes: number;
  plyBytesTotal: number;
  /** different sets of gateways that routes with several of them have, and how many there can be */
  pathSets: number;
  pathSetsTotal: number;
}

/** Which node takes a protocol's packets that are for the router itself. */
export interface LocalProtocol {
  /** number in the IP header; -1: every other one */
  protocol: number;
  name: string;
  node: string;
}

export interface NeighborInfo {
  address: string;
  mac: string | null;
  interface: string;
  state: "static" | "reachable" | "probe" | "incomplete";
  /** seconds since it was last confirmed */
  age: number;
}

/** Each call takes effect whole, or throws a WeftError and changes nothing. */
export interface RouteControl {
  /** On at first: RFC 1812 5.2.7.2. All calls with an interface's name throw NOT_FOUND for one that is not there, BAD_ARGUMENT for local0. */
  setInterfaceRedirects(name: string, on: boolean): void;
  /** Off at first: RFC 1027. */
  setInterfaceProxyArp(name: string, on: boolean): void;
  /** "192.0.2.1/24", with the routes that follow from it; the first one is the primary. Throws BAD_ARGUMENT; CONFLICT where networks overlap. */
  addAddress(name: string, address: string): void;
  /** Throws NOT_FOUND; CONFLICT while a route needs it to reach its gateway. */
  removeAddress(name: string, address: string): void;
  /**
   * To a route that has gateways others are added, each flow takes one of them; any other route to the same prefix is replaced.
   * Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT for an interface's own network, NO_MEMORY.
   */
  addRoute(prefix: string, target: RouteTarget): void;
  /**
   * addRoute for many, each after the one before, millions a second: all of them, or when one is refused none. Workers see them come one by one.
   * Throws as addRoute, and BAD_ARGUMENT for arrays that do not fit each other.
   */
  addRoutes(routes: RouteBatch): void;
  /** The same with replaceRoute. */
  replaceRoutes(routes: RouteBatch): void;
  /** deleteRoute for many, all or none. */
  deleteRoutes(networks: Uint32Array, lengths: Uint8Array): void;
  /** Puts a route in the place of what there is, without a moment between. Throws as addRoute. */
  replaceRoute(prefix: string, target: RouteTarget): void;
  /** The whole route; with `path` that one only, and the route with its last. Throws NOT_FOUND; CONFLICT for one that goes with an address. */
  deleteRoute(prefix: string, path?: RoutePath): void;
  /** A neighbour that is not asked for by ARP and does not age. Throws BAD_ARGUMENT off the interface's networks. */
  setNeighbor(name: string, address: string, mac: string): void;
  /** Static or learned. Throws NOT_FOUND. */
  deleteNeighbor(name: string, address: string): void;
  /** by address, shorter prefixes first */
  routes(): RouteInfo[];
  /** the route to a prefix, or the one that an address takes; throws BAD_ARGUMENT, and NOT_FOUND for a prefix without one */
  route(prefixOrAddress: string): RouteDetail;
  fibSummary(): FibSummary;
  /** all in use, or one; throws NOT_FOUND for one that is not */
  adjacencies(index?: number): AdjacencyInfo[];
  localProtocols(): LocalProtocol[];
  /** by interface, then by address */
  neighbors(): NeighborInfo[];
  /** Forgets neighbours that were learned; static ones stay. */
  clearNeighbors(): void;
}
