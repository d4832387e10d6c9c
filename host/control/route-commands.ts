// What a router is told and asked about addresses, routes and neighbours.

import { WeftError } from "../errors.js";
import { parseIp4, parseMac, swap } from "./addresses.js";
import type { Announcements } from "./announcements.js";
import type {
  AdjacencyInfo, FibSummary, LocalProtocol, NeighborInfo, RouteBatch, RouteControl, RouteDetail, RouteInfo, RoutePath, RouteTarget,
} from "./api-routes.js";
import { type Forwarding, LOCAL_PROTOCOLS } from "./forwarding.js";
import type { Neighbours } from "./neighbours.js";
import { Observation } from "./observation.js";
import type { Ports } from "./ports.js";
import type { Routes } from "./routes.js";

export abstract class RouteCommands extends Observation implements RouteControl {
  protected abstract readonly ports: Ports;
  protected abstract readonly routeTable: Routes;
  protected abstract readonly neighbourTable: Neighbours;
  protected abstract readonly announcements: Announcements;
  protected abstract readonly forwarding: Forwarding;

  setInterfaceRedirects(name: string, on: boolean): void {
    this.ports.setRedirects(name, on);
  }

  setInterfaceProxyArp(name: string, on: boolean): void {
    this.ports.setProxyArp(name, on);
  }

  addAddress(name: string, address: string): void {
    const entry = this.ports.find(name);
    this.routeTable.addAddress(entry, address);
    this.announcements.changed(entry);
  }

  removeAddress(name: string, address: string): void {
    this.routeTable.removeAddress(this.ports.find(name), address);
  }

  addRoute(prefix: string, target: RouteTarget): void {
    this.routeTable.add(prefix, target);
  }

  addRoutes(routes: RouteBatch): void {
    this.routeTable.addMany(routes, false);
  }

  replaceRoutes(routes: RouteBatch): void {
    this.routeTable.addMany(routes, true);
  }

  deleteRoutes(networks: Uint32Array, lengths: Uint8Array): void {
    this.routeTable.deleteMany(networks, lengths);
  }

  replaceRoute(prefix: string, target: RouteTarget): void {
    this.routeTable.add(prefix, target, true);
  }

  deleteRoute(prefix: string, path?: RoutePath): void {
    this.routeTable.delete(prefix, path);
  }

  setNeighbor(name: string, address: string, mac: string): void {
    const entry = this.ports.find(name);
    const raw = parseIp4(address);
    const bytes = parseMac(mac);
    if (!this.routeTable.onLink(entry, raw) && !this.neighbourTable.get(entry.index, raw)) {
      throw new WeftError("BAD_ARGUMENT", `${address} is not on a network of interface ${name}: give the interface an address there first`);
    }
    this.routeTable.checkNeighbour(raw, "neighbor");
    this.neighbourTable.setStatic(entry.index, raw, bytes);
  }

  deleteNeighbor(name: string, address: string): void {
    const entry = this.ports.find(name);
    const neighbour = this.neighbourTable.get(entry.index, parseIp4(address));
    if (!neighbour) throw new WeftError("NOT_FOUND", `interface ${name} has no neighbor ${address}`);
    this.neighbourTable.forget(neighbour);
  }

  clearNeighbors(): void {
    this.ports.forgetLearned();
  }

  routes(): RouteInfo[] {
    return this.routeTable.info();
  }

  route(prefixOrAddress: string): RouteDetail {
    return this.forwarding.detail(prefixOrAddress);
  }

  fibSummary(): FibSummary {
    return this.forwarding.summary();
  }

  adjacencies(index?: number): AdjacencyInfo[] {
    return index === undefined ? this.forwarding.adjacencies() : [this.forwarding.findAdjacency(index)];
  }

  localProtocols(): LocalProtocol[] {
    return LOCAL_PROTOCOLS;
  }

  neighbors(): NeighborInfo[] {
    const sorted = this.neighbourTable.list().sort((a, b) => a.index - b.index || swap(a.address) - swap(b.address));
    return sorted.map((neighbour) => this.neighbourTable.info(neighbour));
  }
}
