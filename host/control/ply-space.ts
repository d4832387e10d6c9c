// Room for the FIB's plies: blocks of 1, 2, 4 … 16 units, halved and joined again as buddies (Knowlton 1965). A block that was given
// back may still be read by a worker, so it is free only when each has begun another turn.

import type { Epochs } from "./epoch.js";

/** Largest block: 256 entries and what stands before them. */
const ORDERS = 5;
const NONE = -1;

export class PlySpace {
  /** first free block of each order; each one's neighbours in that list, by its first unit */
  private readonly heads = new Int32Array(ORDERS).fill(NONE);
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** order + 1 of the free block that begins with a unit; 0: none does */
  private readonly free: Uint8Array;
  /** blocks given back, oldest first: place << 3 | order, and when */
  private returned: number[] = [];
  private moments: number[] = [];
  private oldest = 0;
  private unitsUsed = 0;

  /** `units`: a multiple of the largest block; `epochs`: the workers' turns. */
  constructor(units: number, private readonly epochs: Epochs) {
    this.next = new Int32Array(units);
    this.previous = new Int32Array(units);
    this.free = new Uint8Array(units);
    const largest = 1 << (ORDERS - 1);
    for (let place = units - largest; place >= 0; place -= largest) this.link(place, ORDERS - 1);
  }

  /** Units that are not free, those included which wait for a worker. */
  get used(): number {
    return this.unitsUsed;
  }

  /** Place of a block of 2^order units; undefined when there is none. */
  take(order: number): number | undefined {
    this.reclaim();
    let from = order;
    while (from < ORDERS && this.heads[from] === NONE) from++;
    if (from === ORDERS) return undefined;
    const place = this.heads[from]!;
    this.unlink(place, from);
    while (from > order) this.link(place + (1 << --from), from);
    this.unitsUsed += 1 << order;
    return place;
  }

  give(place: number, order: number): void {
    this.returned.push((place << 3) | order);
    this.moments.push(this.epochs.now());
  }

  /** Frees what was given back before the workers' present turns. */
  reclaim(): void {
    if (this.oldest === this.returned.length) return;
    while (this.oldest < this.returned.length && this.epochs.passed(this.moments[this.oldest]!)) {
      const block = this.returned[this.oldest++]!;
      this.join(block >> 3, block & 7);
    }
    if (this.oldest < this.returned.length && this.oldest < 65536) return;
    this.returned = this.returned.slice(this.oldest);
    this.moments = this.moments.slice(this.oldest);
    this.oldest = 0;
  }

  private join(place: number, order: number): void {
    this.unitsUsed -= 1 << order;
    for (; order < ORDERS - 1; order++) {
      const buddy = place ^ (1 << order);
      if (this.free[buddy] !== order + 1) break;
      this.unlink(buddy, order);
      place &= ~(1 << order);
    }
    this.link(place, order);
  }

  private link(place: number, order: number): void {
    const head = this.heads[order]!;
    this.next[place] = head;
    this.previous[place] = NONE;
    if (head !== NONE) this.previous[head] = place;
    this.heads[order] = place;
    this.free[place] = order + 1;
  }

  private unlink(place: number, order: number): void {
    const [before, after] = [this.previous[place]!, this.next[place]!];
    if (before === NONE) this.heads[order] = after;
    else this.next[before] = after;
    if (after !== NONE) this.previous[after] = before;
    this.free[place] = 0;
  }
}
