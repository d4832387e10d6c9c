// Which neighbours have a host route. One has while the longest of the prefixes that cover it leads straight to its link: else a route that
// somebody gives would hold only for hosts of which nobody has heard yet. A gateway has one in any case, since ARP finds it by that.

import { WeftError } from "../errors.js";
import { maskOf } from "./addresses.js";
import type { Neighbour, Neighbours } from "./neighbours.js";
import type { Route } from "./route.js";

/** What of the routes it needs. */
export interface HostRoutes {
  find(network: number, length: number): Route | undefined;
  /** Throws NO_MEMORY. */
  addNeighbour(neighbour: Neighbour): void;
  removeNeighbour(neighbour: Neighbour): void;
}

export class NeighbourRoutes {
  constructor(private readonly routes: HostRoutes, private readonly neighbours: () => Neighbours) {}

  /** Whether routes, those to one host aside, lead straight to an address (raw) by an interface. */
  reach(index: number, address: number): boolean {
    for (let length = 31; length >= 0; length--) {
      const route = this.routes.find((address & maskOf(length)) >>> 0, length);
      if (route) return route.kind === "connected" && route.index === index;
    }
    return false;
  }

  /** Whether a neighbour is to have a host route. */
  wants({ routes, index, address }: Neighbour): boolean {
    return routes > 0 || this.reach(index, address);
  }

  /** A prefix has another route, or none any more: what it covers is looked at again. Without a prefix all is. */
  changed(network = 0, length = 0): void {
    for (const neighbour of this.neighbours().list()) if ((neighbour.address & maskOf(length)) >>> 0 === network) this.judge(neighbour);
  }

  /** Whether the address of a route may become the router's own: it is nobody's but a neighbour's that was learned. */
  yields({ owner, network }: Route): boolean {
    const there = this.neighbours().list().filter(({ address }) => address === network);
    return owner === "neighbour" && there.every(({ state, routes }) => state !== "static" && routes === 0);
  }

  /** Gives a neighbour its host route, or takes it away; one that was learned goes with it, and what waits for it is routed anew. */
  judge(neighbour: Neighbour): void {
    const ours = this.routes.find(neighbour.address, 32)?.owner === "address";
    try {
      if (!ours && this.wants(neighbour)) return this.routes.addNeighbour(neighbour);
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "NO_MEMORY") throw error; // it is wanted again, and there may be room then
    }
    if (neighbour.state === "static") this.routes.removeNeighbour(neighbour);
    else this.neighbours().forget(neighbour, true);
  }
}
