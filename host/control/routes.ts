// Addresses of interfaces and routes: what the FIB is to hold, and why.

import { ADJ_DROP } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { formatIp4, formatPrefix, maskOf, parseIp4, parsePrefix, type Prefix, swap } from "./addresses.js";
import { ADJ_NET_BROADCAST, ADJ_PROHIBIT, ADJ_UNREACHABLE } from "./adjacencies.js";
import type { RouteInfo, RouteTarget } from "./api.js";
import type { Fib } from "./fib.js";
import type { Interface, Interfaces } from "./interfaces.js";
import type { Neighbour, Neighbours } from "./neighbours.js";

interface Route {
  network: number;
  length: number;
  kind: RouteInfo["kind"];
  /** what it came with, and goes with */
  owner: "operator" | "address" | "neighbour";
  adjacency: number;
  /** software interface index */
  index: number | null;
  gateway: Neighbour | null;
}

const SPECIAL = { drop: ADJ_DROP, unreachable: ADJ_UNREACHABLE, prohibit: ADJ_PROHIBIT } as const;

const LIMITED_BROADCAST = 0xffffffff;

export class Routes {
  private readonly table = new Map<string, Route>();

  constructor(private readonly fib: Fib, private readonly interfaces: Interfaces, private readonly neighbours: () => Neighbours) {
    // The limited broadcast is never forwarded, whatever the default route is (RFC 1812 5.3.5.1).
    const broadcast = { kind: "broadcast", owner: "address", adjacency: ADJ_NET_BROADCAST, index: null, gateway: null } as const;
    this.install({ network: LIMITED_BROADCAST, length: 32, ...broadcast });
  }

  /** Gives an interface an address and the routes that follow from it. Throws BAD_ARGUMENT, CONFLICT. */
  addAddress(entry: Interface, text: string): void {
    const prefix = parsePrefix(text);
    checkHostAddress(prefix, text);
    this.checkOverlap(prefix, text);
    const routes = this.connected(entry, prefix);
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
    const dependent = this.list().find((route) => route.gateway?.index === entry.index && covers(prefix, route.gateway.address));
    if (dependent) {
      const first = formatPrefix(dependent.network, dependent.length);
      throw new WeftError("CONFLICT", `route ${first} needs ${text} to reach its gateway: delete it first`);
    }
    entry.addresses.splice(place, 1);
    this.interfaces.write(entry);
    for (const neighbour of this.neighbours().list(entry.index)) if (covers(prefix, neighbour.address)) this.neighbours().forget(neighbour);
    for (const route of this.connected(entry, prefix)) this.uninstall(route);
  }

  /** Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT. */
  add(text: string, target: RouteTarget): void {
    const { network, address, length } = parsePrefix(text);
    if (address !== network) throw new WeftError("BAD_ARGUMENT", `${text} has host bits set: the network is ${formatPrefix(network, length)}`);
    const old = this.table.get(formatPrefix(network, length));
    if (old?.owner === "address") throw new WeftError("CONFLICT", `${text} is there already: it is ${describe(old, this.interfaces)}`);
    const route = this.resolve(network, length, target);
    if (route.gateway) route.gateway.routes++;
    try {
      this.install(route);
    } catch (error) {
      this.releaseGateway(route);
      throw error;
    }
    if (old) this.releaseGateway(old);
  }

  /** Throws NOT_FOUND; CONFLICT for a route that belongs to an interface's address. */
  delete(text: string): void {
    const { network, length } = parsePrefix(text);
    const route = this.table.get(formatPrefix(network, length));
    if (!route) throw new WeftError("NOT_FOUND", `no route ${formatPrefix(network, length)}`);
    if (route.owner !== "operator") {
      throw new WeftError("CONFLICT", `route ${text} is ${describe(route, this.interfaces)}: it goes with the ${route.owner}`);
    }
    this.remove(route);
  }

  /** A host route to a neighbour, unless another route has that prefix. */
  addNeighbour(neighbour: Neighbour): void {
    if (this.table.has(formatPrefix(neighbour.address, 32))) return;
    const { address, adjacency, index } = neighbour;
    this.install({ network: address, length: 32, kind: "neighbor", owner: "neighbour", adjacency, index, gateway: null });
  }

  removeNeighbour(neighbour: Neighbour): void {
    const route = this.table.get(formatPrefix(neighbour.address, 32));
    if (route?.owner === "neighbour" && route.adjacency === neighbour.adjacency) this.uninstall(route);
  }

  /** Everything that leads through an interface goes with it; routes to its neighbours when those are forgotten. */
  removeInterface(entry: Interface): void {
    for (const route of this.list()) if (route.index === entry.index && route.owner !== "neighbour") this.remove(route);
    entry.addresses = [];
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
    return sorted.map((route) => ({
      prefix: formatPrefix(route.network, route.length),
      kind: route.kind,
      via: route.gateway && formatIp4(route.gateway.address),
      interface: route.index === null ? null : (this.interfaces.byIndex(route.index)?.name ?? null),
      adjacency: route.adjacency,
    }));
  }

  /** How many routes there are of each kind. */
  kinds(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind } of this.table.values()) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  private list(): Route[] {
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
    this.releaseGateway(route);
    if (route.length === 32) for (const neighbour of this.neighbours().list()) if (neighbour.address === route.network) this.addNeighbour(neighbour);
  }

  private releaseGateway({ gateway }: Route): void {
    if (gateway && --gateway.routes === 0 && gateway.state === "incomplete") this.neighbours().forget(gateway);
  }

  private resolve(network: number, length: number, target: RouteTarget): Route {
    const owner = "operator";
    if (target.kind) return { network, length, kind: target.kind, owner, adjacency: SPECIAL[target.kind], index: null, gateway: null };
    const named = target.interface === undefined ? undefined : this.interfaces.find(target.interface);
    if (named?.kind === "local") throw new WeftError("BAD_ARGUMENT", `interface ${named.name} has no neighbours: name another`);
    if (target.via === undefined) {
      if (!named) throw new WeftError("BAD_ARGUMENT", `route ${formatPrefix(network, length)} leads nowhere: name a gateway or an interface`);
      // A host on the link is its own gateway; of a network on the link each host becomes a neighbour.
      if (length < 32) return { network, length, kind: "connected", owner, adjacency: named.gleanAdjacency, index: named.index, gateway: null };
      const host = this.neighbours().ensure(named.index, network);
      return { network, length, kind: "gateway", owner, adjacency: host.adjacency, index: named.index, gateway: host };
    }
    const address = parseIp4(target.via);
    const entry = named ?? this.interfaces.list().find((candidate) => this.onLink(candidate, address));
    if (!entry) {
      const mend = "give one an address there, or name the interface";
      throw new WeftError("NOT_FOUND", `no interface is on the network of gateway ${target.via}: ${mend}`);
    }
    this.checkNeighbour(address, "gateway");
    const gateway = this.neighbours().ensure(entry.index, address);
    return { network, length, kind: "gateway", owner, adjacency: gateway.adjacency, index: entry.index, gateway };
  }

  /** The routes that an address brings: its network, itself, and where there are any the network's two broadcast addresses. */
  private connected(entry: Interface, { network, address, length }: Prefix): Route[] {
    const common = { owner: "address", index: entry.index, gateway: null } as const;
    const own: Route = { ...common, network: address, length: 32, kind: "local", adjacency: entry.localAdjacency };
    if (length === 32) return [own];
    const net: Route = { ...common, network, length, kind: "connected", adjacency: entry.gleanAdjacency };
    if (length === 31) return [net, own]; // RFC 3021: a link of two has no broadcast addresses
    const broadcast = (network | ~maskOf(length)) >>> 0;
    const ends = [network, broadcast].map((end): Route => ({ ...common, network: end, length: 32, kind: "broadcast", adjacency: ADJ_NET_BROADCAST }));
    return [net, own, ...ends];
  }

  private checkFree({ network, length }: Route): void {
    const text = formatPrefix(network, length);
    const old = this.table.get(text);
    if (old) throw new WeftError("CONFLICT", `${text} is there already: it is ${describe(old, this.interfaces)}`);
  }

  private checkOverlap(prefix: Prefix, text: string): void {
    for (const entry of this.interfaces.list()) {
      const other = entry.addresses.find((own) => covers(own, prefix.address) || covers(prefix, own.address));
      if (other) throw new WeftError("CONFLICT", `${text} overlaps ${formatPrefix(other.address, other.length)} of interface ${entry.name}`);
    }
  }
}

function covers(prefix: Prefix, address: number): boolean {
  return (address & maskOf(prefix.length)) >>> 0 === prefix.network;
}

function describe(route: Route, interfaces: Interfaces): string {
  return `${route.kind}${on(route, interfaces)}`;
}

function on(route: Route, interfaces: Interfaces): string {
  return route.index === null ? "" : ` on ${interfaces.byIndex(route.index)?.name}`;
}

/** RFC 1122 3.2.1.3: an address (raw) that is neither "this" network's, nor loopback, nor a group's. */
function isHost(address: number): boolean {
  const first = address & 0xff;
  return first !== 0 && first !== 127 && first < 224;
}

/** RFC 1122 3.2.1.3: what a host may have. */
function checkHostAddress({ address, network, length }: Prefix, text: string): void {
  if (!isHost(address)) throw new WeftError("BAD_ARGUMENT", `${text}: no interface can have an address of ${address & 0xff}.0.0.0/8`);
  if (length === 0) throw new WeftError("BAD_ARGUMENT", `${text}: a prefix length of 1 to 32 is needed`);
  if (length >= 31) return;
  if (address === network) throw new WeftError("BAD_ARGUMENT", `${text} is the network's own address: choose one inside it`);
  const broadcast = (network | ~maskOf(length)) >>> 0;
  if (address === broadcast) throw new WeftError("BAD_ARGUMENT", `${text} is the network's broadcast address: choose another`);
}
