// The IPv4 FIB: the trie that assembly/abi.ts draws, in the tables, and the set of routes it is made of.
//
// A route whose ends are ends of runs already is written into their entries, one word each, and so is what comes in place of a route
// that goes: a worker that looks up meanwhile finds the old route or the new one, and a deletion needs no room, so it cannot fail.
// For that, runs of two routes are never made one. Where a run must be cut, a copy of the ply takes its place.

import {
  ADJ_NO_ROUTE, FIB_PLIES, FIB_PLY_ENTRIES, FIB_PLY_RANKS, FIB_PLY_UNIT, FIB_PLY_UNITS, FIB_ROOT, FIB_ROOT_SIZE, TABLES,
} from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { beginsRun, fibLookup, plyAt, runAt } from "../memory/fib-lookup.js";
import { swap } from "./addresses.js";
import type { Epochs } from "./epoch.js";
import { PlySpace } from "./ply-space.js";
import { PrefixMap } from "./prefix-map.js";

const ROOT = (FIB_ROOT - TABLES) / 4;
const PLIES = (FIB_PLIES - TABLES) / 4;
const ROOT_WORDS = FIB_ROOT_SIZE / 4;
const UNIT_WORDS = FIB_PLY_UNIT / 4;
const ENTRIES = FIB_PLY_ENTRIES / 4;

export class Fib {
  private readonly routes = new PrefixMap();
  private readonly space: PlySpace;
  /** a ply spelled out, and the entries of its runs */
  private readonly values = new Uint32Array(256);
  private readonly image = new Uint32Array(ENTRIES + 256);

  /** `words`: the tables' writable mapping; `epochs`: the workers' turns. */
  constructor(private readonly words: Uint32Array, epochs: Epochs) {
    this.space = new PlySpace(FIB_PLY_UNITS, epochs);
    words.fill(leaf(ADJ_NO_ROUTE, 0), ROOT, ROOT + ROOT_WORDS);
  }

  /** Number of routes. */
  get size(): number {
    return this.routes.size;
  }

  /** Bytes of trie and routes that are in use. */
  get bytes(): number {
    return FIB_ROOT_SIZE + this.plyBytes + this.routes.bytes;
  }

  /** Bytes of plies that are in use, of FIB_PLY_UNITS * FIB_PLY_UNIT. */
  get plyBytes(): number {
    return this.space.used * FIB_PLY_UNIT;
  }

  /** Adjacency of exactly this prefix (network raw); undefined: no such route. */
  get(network: number, length: number): number | undefined {
    return this.routes.get(swap(network), length);
  }

  /** Adds a route or changes where it leads. Throws NO_MEMORY when there is no room for it; nothing has changed then. */
  set(network: number, length: number, adjacency: number): void {
    const address = swap(network);
    const value = leaf(adjacency, length);
    if (length > 16) this.insert(ROOT + (address >>> 16), 16, address, length, value);
    else this.fill(ROOT + (address >>> 16), 1 << (16 - length), value, length);
    this.routes.set(address, length, adjacency);
  }

  /** Takes a route away; false when there is none. */
  delete(network: number, length: number): boolean {
    const address = swap(network);
    if (!this.routes.delete(address, length)) return false;
    const [shorter, adjacency] = this.routes.covering(address, length) ?? [0, ADJ_NO_ROUTE];
    const value = leaf(adjacency, shorter);
    if (length > 16) this.remove(ROOT + (address >>> 16), 16, address, length, value);
    else this.fill(ROOT + (address >>> 16), 1 << (16 - length), value, length);
    return true;
  }

  /** Adjacency of the longest prefix that covers an address (raw). */
  lookup(raw: number): number {
    return fibLookup(this.words, raw, TABLES);
  }

  /** Writes a leaf over entries that stand side by side, where no prefix longer than `owner` has written. */
  private fill(from: number, count: number, value: number, owner: number): void {
    const { words } = this;
    for (let at = from; at < from + count; at++) {
      const entry = words[at]!;
      if (isPly(entry)) this.fill(plyAt(entry, TABLES) + ENTRIES, this.runs(plyAt(entry, TABLES)), value, owner);
      else if (lengthOf(entry) <= owner) words[at] = value;
    }
  }

  /** Writes a route longer than `depth` under the entry at word `at`, which stands for an address' first `depth` bits. */
  private insert(at: number, depth: number, address: number, length: number, value: number): void {
    const entry = this.words[at]!;
    const [from, count] = rangeIn(depth, address, length);
    const deeper = length > depth + 8;
    if (isPly(entry)) {
      const ply = plyAt(entry, TABLES);
      if (beginsRun(this.words, ply, from) && beginsRun(this.words, ply, from + count)) {
        const first = runAt(this.words, ply, from);
        if (deeper) return this.insert(first, depth + 8, address, length, value);
        return this.fill(first, runAt(this.words, ply, from + count - 1) - first + 1, value, length);
      }
    }
    if (!deeper && isPly(entry) && this.split(at, from, count, value, length)) return;
    this.spell(entry);
    if (deeper) this.graft(at, from, address, length, value);
    else this.cut(at, depth, from, count, value, length);
  }

  /**
   * Puts a copy of the ply under the entry at word `at`, with a leaf over a range of it, in its place, without spelling it out. False: it would
   * need a larger block, and is worth looking for runs that have become one.
   */
  private split(at: number, from: number, count: number, value: number, owner: number): boolean {
    const { words } = this;
    const [ply, to] = [plyAt(words[at]!, TABLES), from + count];
    const [atFrom, atTo] = [beginsRun(words, ply, from), beginsRun(words, ply, to)];
    const runs = this.runs(ply);
    const order = orderOf(runs);
    const place = orderOf(runs + (atFrom ? 0 : 1) + (atTo ? 0 : 1)) === order ? this.space.take(order) : undefined;
    if (place === undefined) return false;
    const fresh = PLIES + place * UNIT_WORDS;
    for (let word = 0; word < ENTRIES; word++) words[fresh + word] = words[ply + word]!;
    if (!atFrom) this.begin(fresh, from);
    if (!atTo) this.begin(fresh, to);
    const [first, last] = [runAt(words, ply, from), runAt(words, ply, to - 1)];
    for (let run = ply + ENTRIES, copy = fresh + ENTRIES; run < ply + ENTRIES + runs; run++) {
      words[copy++] = words[run]!;
      if (run === first && !atFrom) words[copy++] = words[run]!;
      if (run === last && !atTo) words[copy++] = words[run]!;
    }
    const inside = runAt(words, fresh, from);
    this.fill(inside, runAt(words, fresh, to - 1) - inside + 1, value, owner);
    this.replace(at, (place << 1) >>> 0);
    return true;
  }

  /** Marks in a ply that a run begins with a value where none did. */
  private begin(ply: number, value: number): void {
    this.words[ply + (value >>> 5)]! |= 1 << (value & 31);
    this.words[ply + FIB_PLY_RANKS / 4]! += 0x01010100 << ((value >>> 6) * 8); // one more before each of the 64s that follow
  }

  /** Puts a copy of the ply in `values`, with a leaf over a range of it, in the place of the entry at word `at`. */
  private cut(at: number, depth: number, from: number, count: number, value: number, owner: number): void {
    const { values } = this;
    const below: number[] = [];
    for (let i = from; i < from + count; i++) {
      if (isPly(values[i]!)) below.push(plyAt(values[i]!, TABLES));
      else if (lengthOf(values[i]!) <= owner) values[i] = value;
    }
    const fresh = this.write(depth);
    for (const ply of below) this.fill(ply + ENTRIES, this.runs(ply), value, owner);
    this.replace(at, fresh);
  }

  /** The same with a new ply under one value, which is a leaf as yet. */
  private graft(at: number, from: number, address: number, length: number, value: number): void {
    const outer = this.values.slice();
    this.values.fill(outer[from]!);
    const [low, count] = rangeIn(24, address, length);
    this.values.fill(value, low, low + count);
    const below = this.write(24);
    this.values.set(outer);
    this.values[from] = below;
    try {
      this.replace(at, this.write(16));
    } catch (error) {
      this.release(below);
      throw error;
    }
  }

  /** Writes what covers a route over its own entries, and gives up the plies that no route needs any more. */
  private remove(at: number, depth: number, address: number, length: number, value: number): void {
    const ply = plyAt(this.words[at]!, TABLES);
    const [from, count] = rangeIn(depth, address, length);
    const first = runAt(this.words, ply, from);
    if (length > depth + 8) this.remove(first, depth + 8, address, length, value);
    else this.fill(first, runAt(this.words, ply, from + count - 1) - first + 1, value, length);
    this.fold(at, ply, depth);
  }

  /** Puts a leaf in place of a ply that has become that leaf throughout, if a route wrote it that covers all of the ply. */
  private fold(at: number, ply: number, depth: number): void {
    const { words } = this;
    const entry = words[ply + ENTRIES]!;
    if (isPly(entry) || lengthOf(entry) > depth) return;
    for (let run = this.runs(ply) - 1; run > 0; run--) if (words[ply + ENTRIES + run] !== entry) return;
    this.replace(at, entry);
  }

  private replace(at: number, entry: number): void {
    const old = this.words[at]!;
    this.words[at] = entry;
    if (isPly(old)) this.release(old);
  }

  private release(entry: number): void {
    this.space.give(entry >>> 1, orderOf(this.runs(plyAt(entry, TABLES))));
  }

  /** Spells a ply, or a leaf in place of one, out into `values`. */
  private spell(entry: number): void {
    const { words, values } = this;
    if (!isPly(entry)) return void values.fill(entry);
    const ply = plyAt(entry, TABLES);
    let run = ply + ENTRIES - 1;
    for (let i = 0; i < 256; i++) {
      if ((words[ply + (i >>> 5)]! >>> (i & 31)) & 1) run++;
      values[i] = words[run]!;
    }
  }

  /** Writes a ply of `values` where nothing reads yet; gives the entry that leads there. Throws NO_MEMORY. */
  private write(depth: number): number {
    const { values, image } = this;
    image.fill(0, 0, ENTRIES);
    let runs = 0;
    for (let i = 0; i < 256; i++) {
      if ((i & 63) === 0) image[FIB_PLY_RANKS / 4]! |= runs << (i >>> 3);
      if (i > 0 && values[i] === values[i - 1] && !beginsRoute(values[i]!, depth, i)) continue;
      image[i >>> 5]! |= 1 << (i & 31);
      image[ENTRIES + runs++] = values[i]!;
    }
    const place = this.space.take(orderOf(runs));
    if (place === undefined) throw new WeftError("NO_MEMORY", `the IPv4 FIB is full: ${this.space.used * FIB_PLY_UNIT} bytes of plies are in use`);
    this.words.set(image.subarray(0, ENTRIES + runs), PLIES + place * UNIT_WORDS);
    return (place << 1) >>> 0;
  }

  private runs(ply: number): number {
    return runAt(this.words, ply, 255) - ply - ENTRIES + 1;
  }
}

function isPly(entry: number): boolean {
  return (entry & 1) === 0;
}

/** Length of the prefix that wrote a leaf. */
function lengthOf(entry: number): number {
  return (entry >>> 1) & 0x7f;
}

function leaf(adjacency: number, length: number): number {
  return ((adjacency << 8) | (length << 1) | 1) >>> 0;
}

/** Which values a prefix takes in a ply that stands below `depth` bits. */
function rangeIn(depth: number, address: number, length: number): [from: number, count: number] {
  return [(address >>> (24 - depth)) & 0xff, length > depth + 8 ? 1 : 1 << (depth + 8 - length)];
}

/** Whether a route that wrote a leaf begins at value i of a ply: a leaf alike before it is another route's. */
function beginsRoute(entry: number, depth: number, i: number): boolean {
  const bits = lengthOf(entry) - depth;
  return bits > 0 && (i & (0xff >>> bits)) === 0;
}

/** Size of a ply with so many runs: 2^order units. */
function orderOf(runs: number): number {
  const units = Math.ceil((ENTRIES + runs) / UNIT_WORDS);
  return 32 - Math.clz32(units - 1);
}
