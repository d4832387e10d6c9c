// Addresses of interfaces and routes: what the FIB is to hold, and why.

import { ADJ_DROP, PATH_BUCKETS } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { formatIp4, formatPrefix, maskOf, parsePrefix, type Prefix, swap } from "./addresses.js";
import { ADJ_NET_BROADCAST, ADJ_PROHIBIT, ADJ_UNREACHABLE } from "./adjacencies.js";
import type { RouteInfo, RoutePath, RouteTarget } from "./api.js";
import type { Fib } from "./fib.js";
import { Gateways, joined } from "./gateways.js";
import type { Interface, Interfaces } from "./interfaces.js";
import type { Neighbour, Neighbours } from "./neighbours.js";
import { checkHostAddress, checkOverlap, covers, isHost, routesOf, sameNetwork } from "./own-addresses.js";
import type { Path, PathSet, PathSets } from "./paths.js";
import type { Route } from "./route.js";

const SPECIAL = { drop: ADJ_DROP, unreachable: ADJ_UNREACHABLE, prohibit: ADJ_PROHIBIT } as const;

const LIMITED_BROADCAST = 0xffffffff;

export class Routes {
  private readonly table = new Map<string, Route>();

  private readonly gateways: Gateways;

  constructor(
    private readonly fib: Fib, private readonly interfaces: Interfaces, private readonly neighbours: () => Neighbours,
    private readonly sets: PathSets,
  ) {
    this.gateways = new Gateways(interfaces, neighbours, this);
    // The limited broadcast is never forwarded, whatever the default route is (RFC 1812 5.3.5.1).
    const broadcast = { kind: "broadcast", owner: "address", adjacency: ADJ_NET_BROADCAST, index: null, paths: [], set: null } as const;
    this.install({ network: LIMITED_BROADCAST, length: 32, ...broadcast });
  }

  /** Gives an interface an address and the routes that follow from it. Throws BAD_ARGUMENT, CONFLICT. */
  addAddress(entry: Interface, text: string): void {
    const prefix = parsePrefix(text);
    checkHostAddress(prefix, text);
    checkOverlap(this.interfaces, entry, prefix, text);
    const shared = entry.addresses.some((other) => sameNetwork(other, prefix)); // the network and its broadcast addresses are there then
    const routes = routesOf(entry, prefix).filter(({ kind }) => !shared || kind === "local");
    for (const route of routes) this.checkFree(route);
    try {
      for (const route of routes) this.install(route);
    } catch (error) {
      for (const route of routes) this.uninstall(route);
      throw error;
    }
    entry.addresses.push(prefix);
    this.interfaces.write(entry);
  }

  /** Throws NOT_FOUND, and CONFLICT while routes need a gateway that is reached through it. */
  removeAddress(entry: Interface, text: string): void {
    const prefix = parsePrefix(text);
    const place = entry.addresses.findIndex((own) => own.address === prefix.address && own.length === prefix.length);
    if (place < 0) throw new WeftError("NOT_FOUND", `interface ${entry.name} has no address ${text}`);
    const others = entry.addresses.filter((_, i) => i !== place);
    const lost = (address: number): boolean => covers(prefix, address) && !others.some((other) => covers(other, address));
    const dependent = this.list().find(({ paths }) => paths.some(({ gateway }) => gateway.index === entry.index && lost(gateway.address)));
    if (dependent) {
      const first = formatPrefix(dependent.network, dependent.length);
      throw new WeftError("CONFLICT", `route ${first} needs ${text} to reach its gateway: delete it first`);
    }
    entry.addresses = others;
    this.interfaces.write(entry);
    for (const neighbour of this.neighbours().list(entry.index)) if (lost(neighbour.address)) this.neighbours().forget(neighbour);
    const shared = others.some((other) => sameNetwork(other, prefix));
    for (const route of routesOf(entry, prefix)) if (!shared || route.kind === "local") this.uninstall(route);
  }

  /** Adds a route, or paths to one that has some; `replace`: in place of what there is. Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT, NO_MEMORY. */
  add(text: string, target: RouteTarget, replace = false): void {
    const { network, address, length } = parsePrefix(text);
    if (address !== network) throw new WeftError("BAD_ARGUMENT", `${text} has host bits set: the network is ${formatPrefix(network, length)}`);
    const old = this.table.get(formatPrefix(network, length));
    if (old?.owner === "address") throw new WeftError("CONFLICT", `${text} is there already: it is ${describe(old, this.interfaces)}`);
    const named = namedPaths(network, length, target);
    if (!named) return this.exchange(old, this.without(network, length, target));
    const paths = this.gateways.hold(named);
    const kept = old && !replace ? old.paths : [];
    this.lead(old, { network, length }, kept, paths);
  }

  /** Takes a route away, or one path of it. Throws NOT_FOUND; CONFLICT for a route that belongs to an interface's address. */
  delete(text: string, path?: RoutePath): void {
    const { network, length } = parsePrefix(text);
    const route = this.table.get(formatPrefix(network, length));
    if (!route) throw new WeftError("NOT_FOUND", `no route ${formatPrefix(network, length)}`);
    if (route.owner !== "operator") {
      throw new WeftError("CONFLICT", `route ${text} is ${describe(route, this.interfaces)}: it goes with the ${route.owner}`);
    }
    if (!path) return this.remove(route);
    const { index, address } = this.gateways.find(path);
    const left = route.paths.filter(({ gateway }) => gateway.index !== index || gateway.address !== address);
    if (left.length === route.paths.length) {
      throw new WeftError("NOT_FOUND", `route ${text} does not go through ${path.via}: it is ${describe(route, this.interfaces)}`);
    }
    this.keepOnly(route, left);
  }

  /** The route to a prefix, or the longest one that covers an address; undefined: none. */
  find(network: number, length?: number): Route | undefined {
    if (length !== undefined) return this.table.get(formatPrefix(network, length));
    for (let bits = 32; bits >= 0; bits--) {
      const route = this.table.get(formatPrefix((network & maskOf(bits)) >>> 0, bits));
      if (route) return route;
    }
    return undefined;
  }

  /** A host route to a neighbour, unless another route has that prefix. */
  addNeighbour(neighbour: Neighbour): void {
    if (this.table.has(formatPrefix(neighbour.address, 32))) return;
    const { address, adjacency, index } = neighbour;
    this.install({ network: address, length: 32, kind: "neighbor", owner: "neighbour", adjacency, index, paths: [], set: null });
  }

  removeNeighbour(neighbour: Neighbour): void {
    const route = this.table.get(formatPrefix(neighbour.address, 32));
    if (route?.owner === "neighbour" && route.adjacency === neighbour.adjacency) this.uninstall(route);
  }

  /** Everything that leads through an interface goes with it; routes to its neighbours when those are forgotten. */
  removeInterface(entry: Interface): void {
    for (const route of this.list()) {
      if (route.owner === "neighbour") continue;
      const left = route.paths.filter(({ gateway }) => gateway.index !== entry.index);
      if (left.length < route.paths.length) this.keepWhatFits(route, left);
      else if (route.index === entry.index && route.paths.length === 0) this.remove(route);
    }
    entry.addresses = [];
  }

  /** An interface went up or down, or its MTU changed. */
  interfaceChanged(index: number): void {
    this.sets.refresh(index);
  }

  /** Throws BAD_ARGUMENT for an address (raw) that no neighbour can have: the router's own, a network's or a broadcast one. */
  checkNeighbour(address: number, role: string): void {
    const taken = this.table.get(formatPrefix(address, 32));
    const text = `${role} ${formatIp4(address)}`;
    if (!isHost(address)) throw new WeftError("BAD_ARGUMENT", `${text}: no host can have an address of ${address & 0xff}.0.0.0/8`);
    if (taken?.kind === "local") throw new WeftError("BAD_ARGUMENT", `${text} is this router's own address${on(taken, this.interfaces)}`);
    if (taken?.kind === "broadcast") throw new WeftError("BAD_ARGUMENT", `${text} is a broadcast address${on(taken, this.interfaces)}`);
  }

  /** Whether an address (raw) is on an interface's own subnet. */
  onLink(entry: Interface, address: number): boolean {
    return entry.addresses.some((prefix) => covers(prefix, address));
  }

  info(): RouteInfo[] {
    const sorted = this.list().sort((a, b) => swap(a.network) - swap(b.network) || a.length - b.length);
    return sorted.map((route) => this.describe(route));
  }

  /** A route as it is shown. */
  describe(route: Route): RouteInfo {
    return {
      prefix: formatPrefix(route.network, route.length),
      kind: route.kind,
      via: route.paths.length === 1 ? formatIp4(route.paths[0]!.gateway.address) : null,
      interface: route.index === null || route.set ? null : this.nameOf(route.index),
      adjacency: route.adjacency,
      paths: route.paths.map(({ gateway, weight }) => ({
        via: formatIp4(gateway.address), interface: this.nameOf(gateway.index), weight, adjacency: gateway.adjacency,
        buckets: route.set ? route.set.buckets.filter((one) => one.gateway === gateway).length : PATH_BUCKETS,
      })),
    };
  }

  private nameOf(index: number): string | null {
    return this.interfaces.byIndex(index)?.name ?? null;
  }

  /** How many routes there are of each kind. */
  kinds(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind } of this.table.values()) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  /** All there are, in no order. */
  list(): Route[] {
    return [...this.table.values()];
  }

  private install(route: Route): void {
    this.fib.set(route.network, route.length, route.adjacency);
    this.table.set(formatPrefix(route.network, route.length), route);
  }

  private uninstall(route: Route): void {
    this.fib.delete(route.network, route.length);
    this.table.delete(formatPrefix(route.network, route.length));
  }

  /** Takes an operator's or an address' route away; a neighbour that it stood before has its own again. */
  private remove(route: Route): void {
    this.uninstall(route);
    this.letGo(route);
    if (route.length === 32) for (const neighbour of this.neighbours().list()) if (neighbour.address === route.network) this.addNeighbour(neighbour);
  }

  /** Puts a route in another one's place, or where there was none; the worker sees the one or the other. */
  private exchange(old: Route | undefined, route: Route): void {
    try {
      this.install(route);
    } catch (error) {
      this.letGo(route);
      throw error;
    }
    if (old) this.letGo(old);
  }

  /** Has a route go through some of its paths and some more, which are held already. */
  private lead(old: Route | undefined, { network, length }: Pick<Prefix, "network" | "length">, kept: readonly Path[], more: readonly Path[]): void {
    let paths: readonly Path[];
    let set: PathSet | null;
    try {
      paths = joined(kept, more);
      set = paths.length > 1 ? this.sets.take(paths, old?.set ?? null) : null;
    } catch (error) {
      this.gateways.release(more);
      throw error;
    }
    this.gateways.holdAgain(paths.filter((path) => !more.includes(path)));
    const { gateway } = paths[0]!;
    const adjacency = set?.adjacency ?? gateway.adjacency;
    this.exchange(old, { network, length, kind: "gateway", owner: "operator", adjacency, index: gateway.index, paths, set });
  }

  /** Leaves a route some of its paths; none: it goes. */
  private keepOnly(route: Route, left: readonly Path[]): void {
    if (left.length > 0) this.lead(route, route, left, []);
    else this.remove(route);
  }

  /** The same where it must not fail: without room for another set of paths the first one has to do. */
  private keepWhatFits(route: Route, left: readonly Path[]): void {
    try {
      this.keepOnly(route, left);
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "NO_MEMORY") throw error;
      this.keepOnly(route, left.slice(0, 1));
    }
  }

  /** Lets go of what a route held. */
  private letGo({ paths, set }: Route): void {
    if (set) this.sets.give(set);
    this.gateways.release(paths);
  }

  /** A route without gateways. */
  private without(network: number, length: number, { kind, interface: name }: RouteTarget): Route {
    const common = { network, length, owner: "operator", paths: [], set: null } as const;
    if (kind) return { ...common, kind, adjacency: SPECIAL[kind], index: null };
    const entry = this.interfaces.find(name!);
    if (entry.kind === "local") throw new WeftError("BAD_ARGUMENT", `interface ${entry.name} has no neighbours: name another`);
    return { ...common, kind: "connected", adjacency: entry.gleanAdjacency, index: entry.index };
  }

  private checkFree({ network, length }: Route): void {
    const text = formatPrefix(network, length);
    const old = this.table.get(text);
    if (old) throw new WeftError("CONFLICT", `${text} is there already: it is ${describe(old, this.interfaces)}`);
  }
}

/** The gateways that a target names; undefined: it names none. A host on the link is its own gateway; of a network each becomes a neighbour. */
function namedPaths(network: number, length: number, { kind, via, interface: name, weight, paths }: RouteTarget): readonly RoutePath[] | undefined {
  if (kind) return undefined;
  if (paths?.length) return paths;
  const more = { ...(name !== undefined && { interface: name }), ...(weight !== undefined && { weight }) };
  if (via !== undefined) return [{ via, ...more }];
  if (name === undefined) throw new WeftError("BAD_ARGUMENT", `route ${formatPrefix(network, length)} leads nowhere: name a gateway or an interface`);
  return length === 32 ? [{ via: formatIp4(network), ...more }] : undefined;
}

function describe(route: Route, interfaces: Interfaces): string {
  return `${route.kind}${on(route, interfaces)}`;
}

function on(route: Route, interfaces: Interfaces): string {
  return route.index === null ? "" : ` on ${interfaces.byIndex(route.index)?.name}`;
}

