// The IPv4 FIB: a 16-8-8 multibit trie in the tables, drawn in assembly/abi.ts, and the set of routes it is made of.
//
// An insertion writes its leaf over every slot of its range that a longer prefix has not taken; a
// deletion writes the leaf of the next shorter prefix there. A slot is one word, so a worker that
// looks up meanwhile finds the old route or the new one. A ply is there as long as a route is that
// needs it, one longer than the slot above it: so a deletion never has to take a ply, and cannot fail.

import { FIB_PLIES, FIB_PLY_COUNT, FIB_PLY_SIZE, FIB_ROOT, ADJ_NO_ROUTE, TABLES } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { maskOf, swap } from "./addresses.js";
import { EpochPool } from "./epoch.js";

const ROOT = (FIB_ROOT - TABLES) / 4;
const PLIES = (FIB_PLIES - TABLES) / 4;
const PLY_WORDS = FIB_PLY_SIZE / 4;

export class Fib {
  /** adjacency by network (host order), a map for each prefix length */
  private readonly routes: Map<number, number>[] = Array.from({ length: 33 }, () => new Map());
  private readonly plies: EpochPool;

  /** `words`: the tables' writable mapping; `epoch`: the worker's turn. */
  constructor(private readonly words: Uint32Array, epoch: () => number) {
    this.plies = new EpochPool(0, FIB_PLY_COUNT, epoch);
    words.fill(leaf(ADJ_NO_ROUTE, 0), ROOT, ROOT + 65536);
  }

  /** Number of routes. */
  get size(): number {
    return this.routes.reduce((sum, routes) => sum + routes.size, 0);
  }

  /** Plies in use, of FIB_PLY_COUNT. */
  get plyCount(): number {
    return this.plies.used;
  }

  /** Adjacency of exactly this prefix (network raw); undefined: no such route. */
  get(network: number, length: number): number | undefined {
    return this.routes[length]!.get(swap(network));
  }

  /** Adds a route or changes where it leads. Throws NO_MEMORY when the trie is full; nothing has changed then. */
  set(network: number, length: number, adjacency: number): void {
    const address = swap(network);
    this.write(address, length, leaf(adjacency, length));
    this.routes[length]!.set(address, adjacency);
  }

  /** Takes a route away; false when there is none. */
  delete(network: number, length: number): boolean {
    const address = swap(network);
    if (!this.routes[length]!.delete(address)) return false;
    this.write(address, length, this.covering(address, length));
    return true;
  }

  /** Adjacency of the longest prefix that covers an address (raw). */
  lookup(raw: number): number {
    return this.covering(swap(raw), 33) >>> 8;
  }

  /** Leaf of the longest route shorter than `length` that covers an address (host order). */
  private covering(address: number, length: number): number {
    for (let shorter = length - 1; shorter >= 0; shorter--) {
      const adjacency = this.routes[shorter]!.get((address & swap(maskOf(shorter))) >>> 0);
      if (adjacency !== undefined) return leaf(adjacency, shorter);
    }
    return leaf(ADJ_NO_ROUTE, 0);
  }

  /** Writes a leaf over the range of a prefix, where no longer prefix stands. */
  private write(address: number, length: number, value: number): void {
    const high = address >>> 16;
    if (length <= 16) return this.fill(ROOT + high, 1 << (16 - length), value, length);
    const middle = this.descend(ROOT + high);
    const second = middle + ((address >>> 8) & 0xff);
    try {
      if (length <= 24) {
        this.fill(second, 1 << (24 - length), value, length);
      } else {
        const low = this.descend(second);
        this.fill(low + (address & 0xff), 1 << (32 - length), value, length);
        this.fold(second, low);
      }
    } finally {
      // Also when there was a ply for the middle and none for the low part.
      this.fold(ROOT + high, middle);
    }
  }

  private fill(from: number, count: number, value: number, owner: number): void {
    const { words } = this;
    for (let at = from; at < from + count; at++) {
      const entry = words[at]!;
      if ((entry & 1) === 0) {
        this.fill(PLIES + (entry >>> 1) * PLY_WORDS, PLY_WORDS, value, owner);
      } else if (((entry >>> 1) & 0x7f) <= owner) {
        words[at] = value;
      }
    }
  }

  /** First word of the ply behind a slot; a leaf there is first spread over a new ply, which takes its place when it is whole. */
  private descend(slot: number): number {
    const entry = this.words[slot]!;
    if ((entry & 1) === 0) return PLIES + (entry >>> 1) * PLY_WORDS;
    const ply = this.plies.take();
    if (ply === undefined) throw new WeftError("NO_MEMORY", `the IPv4 FIB is full: ${FIB_PLY_COUNT} plies are in use`);
    const first = PLIES + ply * PLY_WORDS;
    this.words.fill(entry, first, first + PLY_WORDS);
    this.words[slot] = (ply << 1) >>> 0;
    return first;
  }

  /** Puts a leaf in place of a ply that no route needs any more: its entries have all become that leaf, of a route that fills the slot. */
  private fold(slot: number, ply: number): void {
    const entry = this.words[ply]!;
    const depth = slot < PLIES ? 16 : 24;
    if ((entry & 1) === 0 || ((entry >>> 1) & 0x7f) > depth) return;
    for (let at = ply + 1; at < ply + PLY_WORDS; at++) if (this.words[at] !== entry) return;
    this.words[slot] = entry;
    this.plies.give((ply - PLIES) / PLY_WORDS);
  }
}

function leaf(adjacency: number, length: number): number {
  return ((adjacency << 8) | (length << 1) | 1) >>> 0;
}
