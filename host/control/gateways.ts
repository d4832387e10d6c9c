// From the gateways that somebody names to the neighbours that routes go through. A neighbour knows how many routes hold it.

import { bad, WeftError } from "../errors.js";
import { parseIp4 } from "./addresses.js";
import type { RoutePath } from "./api.js";
import type { Interface, Interfaces } from "./interfaces.js";
import type { NeighbourRoutes } from "./neighbour-routes.js";
import type { Neighbour, Neighbours } from "./neighbours.js";
import { type Path, PATHS_MAX, WEIGHT_MAX } from "./paths.js";

/** What of the routes it needs. */
export interface Network {
  /** Whether an address (raw) is on an interface's own subnet. */
  onLink(entry: Interface, address: number): boolean;
  /** Throws BAD_ARGUMENT for an address that no neighbour can have. */
  checkNeighbour(address: number, role: string): void;
  /** Throws NO_MEMORY. */
  addNeighbour(neighbour: Neighbour): void;
  readonly hosts: NeighbourRoutes;
}

export class Gateways {
  constructor(private readonly interfaces: Interfaces, private readonly neighbours: () => Neighbours, private readonly network: Network) {}

  /** The paths that these name, each held once. Throws BAD_ARGUMENT, NOT_FOUND, NO_MEMORY, and holds none then. */
  hold(named: readonly RoutePath[]): Path[] {
    const paths: Path[] = [];
    try {
      for (const one of named) {
        const { index, address } = this.find(one);
        const weight = one.weight ?? 1;
        if (!Number.isInteger(weight) || weight < 1 || weight > WEIGHT_MAX) {
          throw bad(`weight ${weight} is not a whole number from 1 to ${WEIGHT_MAX}`);
        }
        const gateway = this.neighbours().ensure(index, address);
        if (paths.some((path) => path.gateway === gateway)) throw bad(`gateway ${one.via} is named twice: give it a weight instead`);
        gateway.routes++;
        paths.push({ gateway, weight });
        this.network.addNeighbour(gateway);
      }
      if (paths.length > PATHS_MAX) throw bad(`${paths.length} paths: a route can have ${PATHS_MAX}`);
    } catch (error) {
      this.release(paths);
      throw error;
    }
    return paths;
  }

  /** Holds paths once more. */
  holdAgain(paths: readonly Path[]): void {
    for (const { gateway } of paths) gateway.routes++;
  }

  /** Lets paths go; a gateway that nobody needs any more, and that was never there, is forgotten. */
  release(paths: readonly Path[]): void {
    for (const { gateway } of paths) {
      if (--gateway.routes > 0) continue;
      if (gateway.state === "incomplete") this.neighbours().forget(gateway);
      else this.network.hosts.judge(gateway);
    }
  }

  /** Interface and address (raw) of a gateway. */
  find({ via, interface: name }: RoutePath): { index: number; address: number } {
    const address = parseIp4(via);
    const named = name === undefined ? undefined : this.interfaces.find(name);
    if (named?.kind === "local") throw bad(`interface ${named.name} has no neighbours: name another`);
    const entry = named ?? this.interfaces.list().find((candidate) => this.network.onLink(candidate, address));
    if (!entry) {
      const mend = "give one an address there, or name the interface";
      throw new WeftError("NOT_FOUND", `no interface is on the network of gateway ${via}: ${mend}`);
    }
    this.network.checkNeighbour(address, "gateway");
    return { index: entry.index, address };
  }
}

/** Two lists of paths as one: of a gateway that both have the later one's weight holds. */
export function joined(before: readonly Path[], more: readonly Path[]): Path[] {
  const paths = [...before.filter(({ gateway }) => !more.some((one) => one.gateway === gateway)), ...more];
  if (paths.length > PATHS_MAX) throw new WeftError("CONFLICT", `a route can have ${PATHS_MAX} paths, and this one has them already`);
  return paths;
}
