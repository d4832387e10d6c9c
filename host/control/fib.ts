// The IPv4 FIB: which target each prefix leads to, and the tables that assembly/abi.ts draws, written so that they say the same.
//
// Prefixes are nodes of a binary tree (the root 1, its halves 2 and 3): up to /16 in one array, /17 to /24 in a list for each /16, longer ones
// in a list for each /24 that has some. What the tables are to hold follows from these alone, so a change is put there and its part of the
// tables written anew. Entries are written one by one: a worker that looks up meanwhile finds the old route or the new one.
//
// In a ply a run begins and ends with each route: where one changes or goes, the runs stay as they are, and a deletion needs no room. Where a
// run must be cut, another ply takes its place.

import {
  FIB_DEEP, FIB_NUMBERS, FIB_PLIES, FIB_PLY_ENTRIES, FIB_PLY_PLACES, FIB_PLY_RANKS, FIB_PLY_UNIT, FIB_PLY_UNITS, FIB_ROOT, FIB_ROOT_SIZE, TABLES,
} from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { fibLookup } from "../memory/fib-lookup.js";
import { swap } from "./addresses.js";
import { EpochPool, type Epochs } from "./epoch.js";
import { PlySpace } from "./ply-space.js";
import { bitsOf, countOf, firstOf, nodeOf, PrefixLists } from "./prefix-lists.js";

const BLOCKS = 65536;
const PLACES = (FIB_PLY_PLACES - TABLES) / 4;

export class Fib {
  /** target of each node up to /16, and how many prefixes are longer and inside */
  private readonly short = new Uint16Array(2 * BLOCKS);
  private readonly below = new Uint32Array(2 * BLOCKS);
  /** of each /16, then of each ply */
  private readonly lists = new PrefixLists(BLOCKS + FIB_NUMBERS);
  private readonly numbers: EpochPool;
  private readonly space: PlySpace;
  private readonly root: Uint16Array;
  private readonly halves: Uint16Array;
  /** address of each ply, 0: none. The tables still say where one was that a worker may be about to read. */
  private readonly plies = new Uint32Array(FIB_NUMBERS);
  private readonly counts = new Uint32Array(33);
  /** /16s whose part of the root is to be written anew */
  private readonly marks = new Uint8Array(BLOCKS);
  private marked: number[] = [];
  /** targets of a part of the root, of a ply, and where runs begin in it */
  private readonly row = new Uint16Array(256);
  private readonly values = new Uint16Array(256);
  private readonly begins = new Uint32Array(8);

  /**
   * `words`: the tables' writable mapping; `epochs`: the workers' turns; `adjacencyOf`: where packets go for a target, always the same for one;
   * target 0 is none.
   */
  constructor(private readonly words: Uint32Array, epochs: Epochs, private readonly adjacencyOf = (target: number): number => target) {
    this.space = new PlySpace(FIB_PLY_UNITS, epochs);
    this.numbers = new EpochPool(0, FIB_NUMBERS, epochs);
    this.halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
    this.root = this.halves.subarray((FIB_ROOT - TABLES) / 2, (FIB_ROOT - TABLES + FIB_ROOT_SIZE) / 2);
    this.root.fill(adjacencyOf(0));
  }

  /** Number of routes. */
  get size(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Number of routes of each prefix length. */
  get lengths(): readonly number[] {
    return [...this.counts];
  }

  /** Bytes of tables and of the prefixes that they are made from. */
  get bytes(): number {
    return FIB_ROOT_SIZE + 4 * FIB_NUMBERS + this.plyBytes + this.short.byteLength + this.below.byteLength + this.lists.bytes;
  }

  /** Bytes of plies that are in use, of FIB_PLY_UNITS * FIB_PLY_UNIT. */
  get plyBytes(): number {
    return this.space.used * FIB_PLY_UNIT;
  }

  /** Target of exactly this prefix (network raw); 0: no such route. */
  get(network: number, length: number): number {
    const address = swap(network);
    if (length <= 16) return this.short[shortNode(address, length)]!;
    if (length <= 24) return this.lists.get(address >>> 16, nodeOf((address >>> 8) & 0xff, length - 16));
    const entry = this.root[address >>> 8]!;
    return entry < FIB_DEEP ? 0 : this.lists.get(listOf(entry), nodeOf(address & 0xff, length - 24));
  }

  /** Adds a route, changes where it leads, or takes it away with target 0. Gives the target it had. Throws as put. */
  set(network: number, length: number, target: number): number {
    const old = this.put(network, length, target);
    this.flush();
    return old;
  }

  /**
   * The same where many follow each other: what the tables say is right after flush(). Throws NO_MEMORY when there is no room for a route;
   * nothing has changed then. Changing or taking away never throws.
   */
  put(network: number, length: number, target: number): number {
    const address = swap(network);
    if (length <= 16) return this.putShort(shortNode(address, length), length, target);
    if (length > 24) return this.putDeep(address, length, target);
    const block = address >>> 16;
    const old = this.lists.put(block, nodeOf((address >>> 8) & 0xff, length - 16), target);
    this.account(length, BLOCKS + block, old, target);
    this.mark(block);
    return old;
  }

  flush(): void {
    for (const block of this.marked) this.writeBlock(block);
    this.marked = [];
  }

  /** Gives back memory that was needed while many routes came. */
  trim(): void {
    this.lists.trim();
  }

  /** Adjacency of the longest prefix that covers an address (raw). */
  lookup(raw: number): number {
    return fibLookup(this.words, raw, TABLES);
  }

  /** Calls back for each route (network raw), in no order. */
  forEach(visit: (network: number, length: number, target: number) => void): void {
    for (let node = 1; node < 2 * BLOCKS; node++) {
      if (this.short[node] !== 0) visit(swap((firstIn24(node) << 8) >>> 0), bitsOf(node), this.short[node]!);
    }
    for (let block = 0; block < BLOCKS; block++) {
      if (this.below[BLOCKS + block] === 0) continue;
      this.visitList(block, (block << 16) >>> 0, 16, visit);
      for (let at = block << 8; at < (block + 1) << 8; at++) {
        const entry = this.root[at]!;
        if (entry >= FIB_DEEP) this.visitList(listOf(entry), (at << 8) >>> 0, 24, visit);
      }
    }
  }

  private visitList(list: number, base: number, depth: number, visit: (network: number, length: number, target: number) => void): void {
    for (let i = 0; i < this.lists.size(list); i++) {
      const entry = this.lists.at(list, i);
      visit(swap((base | (firstOf(entry >>> 16) << (24 - depth))) >>> 0), depth + bitsOf(entry >>> 16), entry & 0xffff);
    }
  }

  private putShort(node: number, length: number, target: number): number {
    const old = this.short[node]!;
    if (old === target) return old;
    this.short[node] = target;
    this.account(length, node >>> 1, old, target);
    this.paint(node, this.adjacencyOf(this.cover(node)));
    return old;
  }

  private putDeep(address: number, length: number, target: number): number {
    const at = address >>> 8;
    const known = this.root[at]!;
    if (known < FIB_DEEP && target === 0) return 0;
    const number = known < FIB_DEEP ? this.numbers.take() : known - FIB_DEEP;
    if (number === undefined) throw full(`${FIB_NUMBERS} networks of /24 have longer prefixes`);
    const [list, node, cover] = [BLOCKS + number, nodeOf(address & 0xff, length - 24), this.coverOf24(at)];
    const old = this.lists.put(list, node, target);
    if (this.lists.size(list) === 0) {
      this.root[at] = this.adjacencyOf(cover);
      this.release(number);
    } else if (!this.writePly(number, cover)) {
      this.lists.put(list, node, old);
      if (known < FIB_DEEP) this.numbers.give(number);
      throw full(`${this.plyBytes} bytes of plies are in use`);
    } else if (known < FIB_DEEP) {
      this.root[at] = FIB_DEEP + number;
    }
    this.account(length, BLOCKS + (at >>> 8), old, target);
    return old;
  }

  /** Counts a route that came or went, in all nodes from `node` up. */
  private account(length: number, node: number, old: number, target: number): void {
    const change = Number(target !== 0) - Number(old !== 0);
    if (change === 0) return;
    this.counts[length]! += change;
    for (; node > 0; node >>>= 1) this.below[node]! += change;
  }

  private mark(block: number): void {
    if (this.marks[block] !== 0) return;
    this.marks[block] = 1;
    this.marked.push(block);
  }

  /** Target of the longest prefix up to /16 that covers a node or is it. */
  private cover(node: number): number {
    for (; node > 0; node >>>= 1) if (this.short[node] !== 0) return this.short[node]!;
    return 0;
  }

  /** The same up to /24 for a /24. */
  private coverOf24(at: number): number {
    for (let bits = 8; bits > 0; bits--) {
      const target = this.lists.get(at >>> 8, nodeOf(at & 0xff, bits));
      if (target !== 0) return target;
    }
    return this.cover(BLOCKS + (at >>> 8));
  }

  /** Writes an adjacency where a node of at most /16 is the longest prefix. */
  private paint(node: number, adjacency: number): void {
    const from = firstIn24(node);
    if (this.below[node] === 0) return void this.root.fill(adjacency, from, from + (1 << (24 - bitsOf(node))));
    if (node >= BLOCKS) return this.mark(node - BLOCKS);
    for (const half of [2 * node, 2 * node + 1]) if (this.short[half] === 0) this.paint(half, adjacency);
  }

  /** Writes the root's part for a /16. */
  private writeBlock(block: number): void {
    const { root, row } = this;
    this.marks[block] = 0;
    row.fill(this.cover(BLOCKS + block));
    this.spread(block, row);
    for (let i = 0, at = block << 8; i < 256; i++, at++) {
      const entry = root[at]!;
      if (entry >= FIB_DEEP) {
        this.writePly(entry - FIB_DEEP, row[i]!);
        continue;
      }
      const adjacency = this.adjacencyOf(row[i]!);
      if (entry !== adjacency) root[at] = adjacency;
    }
  }

  /** Writes a list's targets over those that cover it. */
  private spread(list: number, targets: Uint16Array): void {
    for (let i = 0; i < this.lists.size(list); i++) {
      const entry = this.lists.at(list, i);
      const first = firstOf(entry >>> 16);
      targets.fill(entry & 0xffff, first, first + countOf(entry >>> 16));
    }
  }

  /** Writes a ply for its list and what covers that: the one there is, if its runs will do. False: there is no room for another one. */
  private writePly(number: number, cover: number): boolean {
    this.values.fill(cover);
    this.spread(BLOCKS + number, this.values);
    this.findRuns(BLOCKS + number);
    const old = this.plies[number]!;
    const from = (old - TABLES) / 4;
    if (old !== 0 && this.begins.every((bits, i) => (bits & ~this.words[from + i]!) === 0)) {
      this.writeRuns((old - TABLES) / 2);
      return true;
    }
    const place = this.space.take(orderOf(runsIn(this.begins)));
    if (place === undefined) return false;
    const address = FIB_PLIES + place * FIB_PLY_UNIT;
    this.words.set(this.begins, (address - TABLES) / 4);
    this.writeRuns((address - TABLES) / 2);
    this.words[PLACES + number] = address;
    this.plies[number] = address;
    if (old !== 0) this.giveBack(old);
    return true;
  }

  private findRuns(list: number): void {
    const { begins } = this;
    begins.fill(0);
    begins[0] = 1;
    for (let i = 0; i < this.lists.size(list); i++) {
      const node = this.lists.at(list, i) >>> 16;
      for (const value of [firstOf(node), firstOf(node) + countOf(node)]) if (value < 256) begins[value >>> 5]! |= 1 << (value & 31);
    }
  }

  /** Writes `values` into the runs of the ply at a place in halves, and how many begin before each quarter. */
  private writeRuns(ply: number): void {
    let runs = 0;
    let ranks = 0;
    for (let i = 0; i < 256; i++) {
      if ((i & 63) === 0) ranks |= runs << (i >>> 3);
      if ((this.halves[ply + (i >>> 4)]! >>> (i & 15)) & 1) this.halves[ply + FIB_PLY_ENTRIES / 2 + runs++] = this.adjacencyOf(this.values[i]!);
    }
    this.words[(ply * 2 + FIB_PLY_RANKS) / 4] = ranks;
  }

  /** Gives up a ply that no route needs any more. */
  private release(number: number): void {
    this.giveBack(this.plies[number]!);
    this.plies[number] = 0;
    this.numbers.give(number);
  }

  private giveBack(ply: number): void {
    this.space.give((ply - FIB_PLIES) / FIB_PLY_UNIT, orderOf(runsIn(this.words.subarray((ply - TABLES) / 4, (ply - TABLES) / 4 + 8))));
  }
}

/**
 * Prefixes (networks in host order), and a value beside each, in the order in which put() takes many fastest: by /16, so that what belongs to one
 * stays in the processor's cache; within a /16 as they were.
 */
export function byBlock(networks: Uint32Array, lengths: Uint8Array, beside: Uint16Array): [Uint32Array, Uint8Array, Uint16Array] {
  const places = new Uint32Array(BLOCKS + 1);
  for (let i = 0; i < networks.length; i++) places[(networks[i]! >>> 16) + 1]!++;
  for (let block = 0; block < BLOCKS; block++) places[block + 1]! += places[block]!;
  const [sorted, bits, others] = [networks.slice(), lengths.slice(), beside.slice()];
  for (let i = 0; i < networks.length; i++) {
    const place = places[networks[i]! >>> 16]!++;
    sorted[place] = networks[i]!;
    bits[place] = lengths[i]!;
    others[place] = beside[i]!;
  }
  return [sorted, bits, others];
}

function shortNode(address: number, length: number): number {
  return length === 0 ? 1 : (1 << length) | (address >>> (32 - length));
}

/** First 24 bits of the first address of a node up to /16. */
function firstIn24(node: number): number {
  return (node << (24 - bitsOf(node))) & 0xffffff;
}

/** List of the ply that an entry of the root leads to. */
function listOf(entry: number): number {
  return BLOCKS + entry - FIB_DEEP;
}

function runsIn(begins: Uint32Array): number {
  let runs = 0;
  for (let bits of begins) for (; bits !== 0; bits &= bits - 1) runs++;
  return runs;
}

/** Size of a ply with so many runs: 2^order units. */
function orderOf(runs: number): number {
  const units = Math.ceil((FIB_PLY_ENTRIES + 2 * runs) / FIB_PLY_UNIT);
  return 32 - Math.clz32(units - 1);
}

function full(why: string): WeftError {
  return new WeftError("NO_MEMORY", `the IPv4 FIB is full: ${why}`);
}
