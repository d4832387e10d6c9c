// Sets of paths: what a route with several gateways leads to. A set has 256 buckets, each with one of its paths; a flow's hash chooses the
// bucket (assembly/sdk/paths.ts). Routes with the same gateways and weights share a set.
//
// Each path has buckets by its weight. When a path goes, comes, or its interface is down, only buckets that must change do: the flows of
// the others stay where they are, in their order (RFC 2992, 3.1 has the loss that a plain hash brings).

import { LOOKUP_NEXT_PATHS, PATH_BUCKETS, PATH_SET_COUNT, PATH_SET_SIZE, PATH_SETS } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { Tables } from "../memory/tables.js";
import type { Adjacencies } from "./adjacencies.js";
import { EpochPool, type Epochs } from "./epoch.js";
import type { Neighbour } from "./neighbours.js";

/** Most paths of a route, and the largest weight of one. */
export const PATHS_MAX = 64;
export const WEIGHT_MAX = 255;

export interface Path {
  gateway: Neighbour;
  weight: number;
}

export interface PathSet {
  readonly paths: readonly Path[];
  readonly adjacency: number;
  /** place of its buckets */
  readonly place: number;
  /** path of each bucket */
  buckets: Path[];
  /** routes that lead here */
  users: number;
}

/** What a set must know of an interface: up, and how long packets may be. */
export type LinkOf = (index: number) => { up: boolean; mtu: number } | undefined;

export class PathSets {
  private readonly sets = new Map<string, PathSet>();
  private readonly places: EpochPool;

  constructor(private readonly tables: Tables, private readonly adjacencies: Adjacencies, epochs: Epochs, private readonly linkOf: LinkOf) {
    this.places = new EpochPool(0, PATH_SET_COUNT, epochs);
  }

  list(): PathSet[] {
    return [...this.sets.values()];
  }

  /** The set of these paths, of which there are two at least. A new one is as like `like`, whose place it takes, as can be. Throws NO_MEMORY. */
  take(paths: readonly Path[], like: PathSet | null): PathSet {
    const known = this.sets.get(keyOf(paths));
    if (known) {
      known.users++;
      return known;
    }
    const place = this.places.take();
    if (place === undefined) {
      throw new WeftError("NO_MEMORY", `all ${PATH_SET_COUNT} sets of paths are in use: let routes share gateways and weights`);
    }
    let adjacency: number;
    try {
      adjacency = this.adjacencies.take();
    } catch (error) {
      this.places.give(place);
      throw error;
    }
    const set: PathSet = { paths, adjacency, place, buckets: like?.buckets ?? [], users: 1 };
    this.fill(set);
    this.sets.set(keyOf(paths), set);
    return set;
  }

  /** One route less leads there. */
  give(set: PathSet): void {
    if (--set.users > 0) return;
    this.sets.delete(keyOf(set.paths));
    this.adjacencies.free(set.adjacency);
    this.places.give(set.place);
  }

  /** An interface went up or down, or its MTU changed. */
  refresh(index: number): void {
    for (const set of this.sets.values()) if (set.paths.some(({ gateway }) => gateway.index === index)) this.fill(set);
  }

  /** Gives each path that is up its buckets; all of them, when none is. */
  private fill(set: PathSet): void {
    const up = set.paths.filter(({ gateway }) => this.linkOf(gateway.index)?.up);
    const paths = up.length > 0 ? up : set.paths;
    set.buckets = shareOut(paths, set.buckets);
    this.tables.writeBuckets(PATH_SETS + set.place * PATH_SET_SIZE, set.buckets.map(({ gateway }) => gateway.adjacency));
    const mtu = Math.min(...paths.map(({ gateway }) => this.linkOf(gateway.index)?.mtu ?? 0xffff));
    const buckets = PATH_SETS + set.place * PATH_SET_SIZE;
    this.tables.writeAdjacency(set.adjacency, { next: LOOKUP_NEXT_PATHS, txInterface: paths[0]!.gateway.index, mtu, buckets });
  }
}

/** Buckets by weight, changed as little as can be from those before: a gateway keeps what it has as far as it has a right to it. */
export function shareOut(paths: readonly Path[], before: readonly Path[]): Path[] {
  const left = new Map(quotas(paths.map(({ weight }) => weight)).map((quota, i) => [paths[i]!.gateway, { path: paths[i]!, quota }]));
  const kept = Array.from({ length: PATH_BUCKETS }, (_, i) => {
    const mine = before[i] && left.get(before[i].gateway);
    return mine && mine.quota-- > 0 ? mine.path : undefined;
  });
  const free = [...left.values()].flatMap(({ path, quota }) => Array<Path>(Math.max(0, quota)).fill(path));
  return kept.map((path) => path ?? free.pop()!);
}

/** How many of the buckets each weight has a right to: its share, the largest fractions rounded up, one at least. */
function quotas(weights: number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const shares = weights.map((weight) => (weight * PATH_BUCKETS) / sum);
  const whole = shares.map((share) => Math.max(1, Math.floor(share)));
  const fractions = shares.map((share, i) => ({ i, over: share - whole[i]! })).sort((a, b) => b.over - a.over || a.i - b.i);
  let left = PATH_BUCKETS - whole.reduce((all, one) => all + one, 0);
  for (let k = 0; left > 0; k++, left--) whole[fractions[k % whole.length]!.i]!++;
  for (; left < 0; left++) whole[whole.indexOf(Math.max(...whole))]!--; // the least ones had less than one to come
  return whole;
}

/** The same for the same gateways and weights in any order. */
function keyOf(paths: readonly Path[]): string {
  return paths.map(({ gateway, weight }) => `${gateway.adjacency} ${weight}`).sort().join(", ");
}
