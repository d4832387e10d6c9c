// Which neighbours have a host route (/32): those for which the longest covering prefix is connected, by the neighbour's own interface. Did the
// others keep theirs, a new route through a gateway would not hold for hosts that ARP knows already. A gateway has one in any case: ARP finds it by
// that route.

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

  /** Whether the longest prefix that covers an address (raw), host routes aside, is connected by this interface. */
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

  /** The route of a prefix has changed, or is gone: judges the neighbours that it covers again; all neighbours where no prefix is given. */
  changed(network = 0, length = 0): void {
    for (const neighbour of this.neighbours().list()) if ((neighbour.address & maskOf(length)) >>> 0 === network) this.judge(neighbour);
  }

  /** Whether a host route gives way where its address becomes the router's own: that of a neighbour that was learned, and that is no gateway. */
  yields({ owner, network }: Route): boolean {
    const there = this.neighbours().list().filter(({ address }) => address === network);
    return owner === "neighbour" && there.every(({ state, routes }) => state !== "static" && routes === 0);
  }

  /** Gives a neighbour its host route or takes it away; a learned neighbour is forgotten with it, and packets that wait for it are routed anew. */
  judge(neighbour: Neighbour): void {
    const ours = this.routes.find(neighbour.address, 32)?.owner === "address";
    try {
      if (!ours && this.wants(neighbour)) return this.routes.addNeighbour(neighbour);
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "NO_MEMORY") throw error; // the next packet asks for it again, and there may be room then
    }
    if (neighbour.state === "static") this.routes.removeNeighbour(neighbour);
    else this.neighbours().forget(neighbour, true);
  }
}
