// Addresses of interfaces and routes: what the FIB is to hold, and why.

import { ADJ_DROP, PATH_BUCKETS } from "../../assembly/abi.js";
import { bad, WeftError } from "../errors.js";
import { formatIp4, formatPrefix, maskOf, parsePrefix, swap } from "./addresses.js";
import { ADJ_NET_BROADCAST, ADJ_PROHIBIT, ADJ_UNREACHABLE } from "./adjacencies.js";
import type { RouteBatch, RouteInfo, RoutePath, RouteTarget } from "./api.js";
import { byBlock, type Fib } from "./fib.js";
import { Gateways, joined } from "./gateways.js";
import type { Interface, Interfaces } from "./interfaces.js";
import { NeighbourRoutes } from "./neighbour-routes.js";
import type { Neighbour, Neighbours } from "./neighbours.js";
import { checkHostAddress, checkOverlap, covers, isHost, routesOf, sameNetwork } from "./own-addresses.js";
import type { Path, PathSet, PathSets } from "./paths.js";
import { describe, on, type Route, type Target, type Targets } from "./route.js";
import { checkBatch, hostBits, namedPaths } from "./route-requests.js";

const SPECIAL = { drop: ADJ_DROP, unreachable: ADJ_UNREACHABLE, prohibit: ADJ_PROHIBIT } as const;

const LIMITED_BROADCAST = 0xffffffff;

/** Where routes are to lead: through these gateways, held until unwant(), or to this target. */
type Wanted = { paths: readonly Path[] } | { target: Target };

export class Routes {
  private readonly gateways: Gateways;
  /** which neighbours have a route */
  readonly hosts: NeighbourRoutes;

  constructor(
    private readonly fib: Fib, private readonly targets: Targets, private readonly interfaces: Interfaces,
    private readonly neighbours: () => Neighbours, private readonly sets: PathSets,
  ) {
    this.gateways = new Gateways(interfaces, neighbours, this);
    this.hosts = new NeighbourRoutes(this, neighbours);
    // The limited broadcast is never forwarded, whatever the default route is (RFC 1812 5.3.5.1).
    const broadcast = { kind: "broadcast", owner: "address", adjacency: ADJ_NET_BROADCAST, index: null, paths: [], set: null } as const;
    this.install(LIMITED_BROADCAST, 32, this.fixed(broadcast));
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
      for (const { network, length, ...target } of routes) this.install(network, length, this.fixed(target));
    } catch (error) {
      for (const { network, length } of routes) this.remove(network, length);
      throw error;
    }
    entry.addresses.push(prefix);
    this.interfaces.write(entry);
    this.hosts.changed(prefix.network, prefix.length);
  }

  /** Throws NOT_FOUND, and CONFLICT while routes need a gateway that is reached through it. */
  removeAddress(entry: Interface, text: string): void {
    const prefix = parsePrefix(text);
    const place = entry.addresses.findIndex((own) => own.address === prefix.address && own.length === prefix.length);
    if (place < 0) throw new WeftError("NOT_FOUND", `interface ${entry.name} has no address ${text}`);
    const others = entry.addresses.filter((_, i) => i !== place);
    const lost = (address: number): boolean => covers(prefix, address) && !others.some((other) => covers(other, address));
    const needs = ({ paths }: Target): boolean => paths.some(({ gateway }) => gateway.index === entry.index && lost(gateway.address));
    const dependent = this.targets.list().find(({ target }) => needs(target));
    if (dependent) {
      const [{ network, length }] = this.leadingTo((number) => number === dependent.number) as [Route];
      const first = formatPrefix(network, length);
      throw new WeftError("CONFLICT", `route ${first} needs ${text} to reach its gateway: delete it first`);
    }
    entry.addresses = others;
    this.interfaces.write(entry);
    for (const neighbour of this.neighbours().list(entry.index)) if (lost(neighbour.address)) this.neighbours().forget(neighbour);
    const shared = others.some((other) => sameNetwork(other, prefix));
    for (const route of routesOf(entry, prefix)) if (!shared || route.kind === "local") this.uninstall(route.network, route.length);
  }

  /** Adds a route, or paths to one that has some; `replace`: in place of what there is. Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT, NO_MEMORY. */
  add(text: string, target: RouteTarget, replace = false): void {
    const { network, address, length } = parsePrefix(text);
    if (address !== network) throw hostBits(text, network, length);
    const old = this.replaceable(network, length);
    const wanted = this.want(namedPaths(network, length, target), target);
    try {
      this.install(network, length, this.towards(old, wanted, replace));
    } finally {
      this.unwant([wanted]);
    }
    this.hosts.changed(network, length);
  }

  /** The same for many, all or none; see RouteControl.addRoutes. */
  addMany({ networks, lengths, targets, choices }: RouteBatch, replace: boolean): void {
    checkBatch(networks, lengths, targets.length, choices);
    const wanted: Wanted[] = [];
    const known = new Map<number, number>();
    try {
      for (const target of targets) wanted.push(this.want(namedPaths(0, 0, target), target));
      const own = targets.map(({ kind, via, paths }) => !kind && via === undefined && !paths?.length); // on the link, where a host is its own gateway
      this.changeMany(networks, lengths, choices, (old, network, length, choice) => {
        if (length === 32 && own[choice]) throw bad(`${formatIp4(network)}/32: hosts on a link are each their own gateway: add them one by one`);
        const key = old * targets.length + choice;
        const found = known.get(key);
        if (found !== undefined) return found;
        this.replaceable(network, length);
        const number = this.towards(old, wanted[choice]!, replace);
        known.set(key, number);
        return number;
      });
    } finally {
      this.unwant(wanted);
    }
    this.hosts.changed();
  }

  /** Takes a route away, or one path of it. Throws NOT_FOUND; CONFLICT for a route that belongs to an interface's address. */
  delete(text: string, path?: RoutePath): void {
    const { network, length } = parsePrefix(text);
    const number = this.fib.get(network, length);
    this.checkDeletable(number, network, length);
    if (!path) return this.remove(network, length);
    const route = this.routeOf(network, length, number);
    const { index, address } = this.gateways.find(path);
    const left = route.paths.filter(({ gateway }) => gateway.index !== index || gateway.address !== address);
    if (left.length === route.paths.length) {
      throw new WeftError("NOT_FOUND", `route ${text} does not go through ${path.via}: it is ${describe(route, this.interfaces)}`);
    }
    if (left.length > 0) this.install(network, length, this.through(left, route.set));
    else this.remove(network, length);
  }

  /** Takes many routes away, all or none; see RouteControl.deleteRoutes. */
  deleteMany(networks: Uint32Array, lengths: Uint8Array): void {
    checkBatch(networks, lengths, 1, undefined);
    this.changeMany(networks, lengths, undefined, (old, network, length) => {
      this.checkDeletable(old, network, length);
      return 0;
    });
    this.hosts.changed();
  }

  /** The route to a prefix, or the longest one that covers an address; undefined: none. */
  find(network: number, length?: number): Route | undefined {
    for (let bits = length ?? 32; bits >= (length ?? 0); bits--) {
      const masked = (network & maskOf(bits)) >>> 0;
      const number = this.fib.get(masked, bits);
      if (number !== 0) return this.routeOf(masked, bits, number);
    }
    return undefined;
  }

  /** A host route to a neighbour that is to have one, unless another route has that prefix. */
  addNeighbour(neighbour: Neighbour): void {
    const { address, adjacency, index } = neighbour;
    if (this.fib.get(address, 32) !== 0 || !this.hosts.wants(neighbour)) return;
    this.install(address, 32, this.fixed({ kind: "neighbor", owner: "neighbour", adjacency, index, paths: [], set: null }));
  }

  removeNeighbour(neighbour: Neighbour): void {
    const route = this.find(neighbour.address, 32);
    if (route?.owner === "neighbour" && route.adjacency === neighbour.adjacency) this.remove(neighbour.address, 32);
  }

  /** Everything that leads through an interface goes with it; routes to its neighbours when those are forgotten. */
  removeInterface(entry: Interface): void {
    const instead = new Map<number, number>();
    for (const { number, target } of this.targets.list()) {
      if (target.owner === "neighbour") continue;
      const left = target.paths.filter(({ gateway }) => gateway.index !== entry.index);
      if (left.length < target.paths.length) instead.set(number, this.throughWhatFits(left, target.set));
      else if (target.index === entry.index && target.paths.length === 0) instead.set(number, 0);
    }
    const routes = this.leadingTo((number) => instead.has(number));
    for (const { network, length } of routes) {
      const number = instead.get(this.fib.get(network, length))!;
      this.targets.exchange(this.fib.put(network, length, number), number);
    }
    this.fib.flush();
    this.sweep();
    if (routes.length > 0) this.hosts.changed();
    entry.addresses = [];
  }

  /** An interface went up or down, or its MTU changed. */
  interfaceChanged(index: number): void {
    this.sets.refresh(index);
  }

  /** Throws BAD_ARGUMENT for an address (raw) that no neighbour can have: the router's own, a network's or a broadcast one. */
  checkNeighbour(address: number, role: string): void {
    const taken = this.find(address, 32);
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
    for (const { target: { kind }, routes } of this.targets.list()) counts[kind] = (counts[kind] ?? 0) + routes;
    return counts;
  }

  /** All there are, in no order. */
  list(): Route[] {
    return this.leadingTo(() => true);
  }

  /** The routes to some targets. */
  private leadingTo(which: (number: number) => boolean): Route[] {
    const routes: Route[] = [];
    this.fib.forEach((network, length, number) => {
      if (which(number)) routes.push(this.routeOf(network, length, number));
    });
    return routes;
  }

  private routeOf(network: number, length: number, number: number): Route {
    return { network, length, ...this.targets.get(number) };
  }

  /** Has a route lead to a target; workers see the old one or the new one. Throws NO_MEMORY. */
  private install(network: number, length: number, number: number): void {
    try {
      this.targets.exchange(this.fib.set(network, length, number), number);
    } finally {
      this.sweep();
    }
  }

  private uninstall(network: number, length: number): void {
    this.install(network, length, 0);
  }

  /** Takes a route away; neighbours whose host routes it kept out have them again. */
  private remove(network: number, length: number): void {
    this.uninstall(network, length);
    if (length < 32) return this.hosts.changed(network, length);
    const there = this.interfaces.list().map(({ index }) => this.neighbours().get(index, network));
    for (const neighbour of there) if (neighbour) this.hosts.judge(neighbour);
  }

  /** Has each of many prefixes lead to the target that `lead` gives in place of its old one (0: none). When anything is refused, all is undone. */
  private changeMany(
    networks: Uint32Array, lengths: Uint8Array, choices: Uint16Array | undefined,
    lead: (old: number, network: number, length: number, choice: number) => number,
  ): void {
    const [sorted, bits, chosen] = byBlock(networks, lengths, choices ?? new Uint16Array(networks.length));
    const olds = new Uint16Array(networks.length);
    let done = 0;
    try {
      for (; done < sorted.length; done++) {
        const [network, length] = [swap(sorted[done]!), bits[done]!];
        if (length > 32 || (network & ~maskOf(length)) !== 0) throw hostBits(`${formatIp4(network)}/${length}`, network & maskOf(length), length);
        const old = this.fib.get(network, length);
        const number = lead(old, network, length, chosen[done]!);
        olds[done] = old;
        this.fib.put(network, length, number);
        this.targets.exchange(old, number);
      }
    } catch (error) {
      while (--done >= 0) this.targets.exchange(this.fib.put(swap(sorted[done]!), bits[done]!, olds[done]!), olds[done]!);
      throw error;
    } finally {
      this.fib.flush();
      this.fib.trim();
      this.sweep();
    }
  }

  /** Number of the target that a prefix has, 0 for none. Throws CONFLICT for one that goes with an address. */
  private replaceable(network: number, length: number): number {
    const number = this.fib.get(network, length);
    const target = this.targets.get(number);
    if (number === 0 || target.owner !== "address") return number;
    throw new WeftError("CONFLICT", `${formatPrefix(network, length)} is there already: it is ${describe(target, this.interfaces)}`);
  }

  private checkDeletable(number: number, network: number, length: number): void {
    if (number === 0) throw new WeftError("NOT_FOUND", `no route ${formatPrefix(network, length)}`);
    const target = this.targets.get(number);
    if (target.owner === "operator") return;
    const text = formatPrefix(network, length);
    throw new WeftError("CONFLICT", `route ${text} is ${describe(target, this.interfaces)}: it goes with the ${target.owner}`);
  }

  /** Holds the gateways that were named; without any: the target. */
  private want(named: readonly RoutePath[] | undefined, target: RouteTarget): Wanted {
    return named ? { paths: this.gateways.hold(named) } : { target: this.without(target) };
  }

  private unwant(wanted: readonly Wanted[]): void {
    for (const one of wanted) if ("paths" in one) this.gateways.release(one.paths);
    this.sweep();
  }

  /** Number of the target that a route gets in place of `old` (0: none) when it is to lead where `wanted` says. */
  private towards(old: number, wanted: Wanted, replace: boolean): number {
    if ("target" in wanted) return this.fixed(wanted.target);
    const before = old === 0 ? undefined : this.targets.get(old);
    return this.through(joined(before && !replace ? before.paths : [], wanted.paths), before?.set ?? null);
  }

  /** Number of the target with these paths. A new one holds them; its set of them is as like `like`, whose place it takes, as can be. */
  private through(paths: readonly Path[], like: PathSet | null): number {
    const key = paths.map(({ gateway, weight }) => `${gateway.adjacency} ${weight}`).join(", ");
    const known = this.targets.find(key);
    if (known !== 0) return known;
    const set = paths.length > 1 ? this.sets.take(paths, like) : null;
    this.gateways.holdAgain(paths);
    const { gateway } = paths[0]!;
    const target: Target = { kind: "gateway", owner: "operator", adjacency: set?.adjacency ?? gateway.adjacency, index: gateway.index, paths, set };
    return this.added(key, target);
  }

  /** The same where it must not fail: without room for another set of paths it is the first path alone. Without any paths: 0. */
  private throughWhatFits(paths: readonly Path[], like: PathSet | null): number {
    if (paths.length === 0) return 0;
    try {
      return this.through(paths, like);
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "NO_MEMORY") throw error;
      return this.through(paths.slice(0, 1), like);
    }
  }

  /** Number of a target without gateways. */
  private fixed(target: Target): number {
    const key = `${target.kind} ${target.owner} ${target.adjacency} ${target.index}`;
    return this.targets.find(key) || this.added(key, target);
  }

  private added(key: string, target: Target): number {
    try {
      return this.targets.add(key, target);
    } catch (error) {
      this.letGo(target);
      throw error;
    }
  }

  private sweep(): void {
    this.targets.sweep((target) => this.letGo(target));
  }

  /** Lets go of what a target held. */
  private letGo({ paths, set }: Target): void {
    if (set) this.sets.give(set);
    this.gateways.release(paths);
  }

  /** A target without gateways. */
  private without({ kind, interface: name }: RouteTarget): Target {
    const common = { owner: "operator", paths: [], set: null } as const;
    if (kind) return { ...common, kind, adjacency: SPECIAL[kind], index: null };
    const entry = this.interfaces.find(name!);
    if (entry.kind === "local") throw new WeftError("BAD_ARGUMENT", `interface ${entry.name} has no neighbours: name another`);
    return { ...common, kind: "connected", adjacency: entry.gleanAdjacency, index: entry.index };
  }

  private checkFree({ network, length }: Route): void {
    const old = this.find(network, length);
    if (!old || this.hosts.yields(old)) return;
    throw new WeftError("CONFLICT", `${formatPrefix(network, length)} is there already: it is ${describe(old, this.interfaces)}`);
  }
}
