// A route as the control plane keeps it: a prefix, and a target that it shares with all routes which lead the same way.

import { WeftError } from "../errors.js";
import type { RouteInfo } from "./api-routes.js";
import type { Interfaces } from "./interfaces.js";
import type { Path, PathSet } from "./paths.js";

export interface Target {
  readonly kind: RouteInfo["kind"];
  /** what its routes came with, and go with */
  readonly owner: "operator" | "address" | "neighbour";
  readonly adjacency: number;
  /** software interface index; of several paths the first one's */
  readonly index: number | null;
  /** gateways, each held once */
  readonly paths: readonly Path[];
  /** what several of them share */
  readonly set: PathSet | null;
}

export interface Route extends Target {
  /** raw */
  network: number;
  length: number;
}

/** Most different targets: a FIB names one in 16 bits, and 0 is none. */
const TARGETS_MAX = 65535;

/** The targets that routes have, by number, and how many routes each has. One that no route has any more is let go by sweep(). */
export class Targets {
  private readonly targets: (Target | undefined)[] = [undefined];
  private readonly keys: string[] = [""];
  private readonly numbers = new Map<string, number>();
  private readonly free: number[] = [];
  private readonly users = new Uint32Array(TARGETS_MAX + 1);
  private readonly adjacencies = new Uint16Array(TARGETS_MAX + 1);
  /** those that may have no routes */
  private idle: number[] = [];

  get(number: number): Target {
    return this.targets[number]!;
  }

  /** Where packets go; of number 0, which is no target, adjacency 0. */
  adjacencyOf(number: number): number {
    return this.adjacencies[number]!;
  }

  /** Number of a target that is there already; 0: none. */
  find(key: string): number {
    return this.numbers.get(key) ?? 0;
  }

  /** Number of a target, kept until the next sweep. Throws NO_MEMORY. */
  add(key: string, target: Target): number {
    const number = this.free.pop() ?? this.targets.length;
    if (number > TARGETS_MAX) throw new WeftError("NO_MEMORY", `routes lead ${TARGETS_MAX} different ways already, the most they can`);
    this.targets[number] = target;
    this.adjacencies[number] = target.adjacency;
    this.keys[number] = key;
    this.numbers.set(key, number);
    this.idle.push(number);
    return number;
  }

  /** A route leads to `number` instead of `old`; either may be 0. */
  exchange(old: number, number: number): void {
    if (number !== 0) this.users[number]!++;
    if (old !== 0 && --this.users[old]! === 0) this.idle.push(old);
  }

  /** Lets go of targets without routes. */
  sweep(letGo: (target: Target) => void): void {
    for (const number of this.idle.splice(0)) {
      const target = this.targets[number];
      if (!target || this.users[number] !== 0) continue;
      this.targets[number] = undefined;
      this.numbers.delete(this.keys[number]!);
      this.free.push(number);
      letGo(target);
    }
  }

  /** All there are, their numbers and how many routes lead there. */
  list(): { number: number; target: Target; routes: number }[] {
    return this.targets.flatMap((target, number) => (target ? [{ number, target, routes: this.users[number]! }] : []));
  }
}

/** "gateway on host-eth0": what a route is, for people. */
export function describe(route: Target, interfaces: Interfaces): string {
  return `${route.kind}${on(route, interfaces)}`;
}

export function on(route: Target, interfaces: Interfaces): string {
  return route.index === null ? "" : ` on ${interfaces.byIndex(route.index)?.name}`;
}
