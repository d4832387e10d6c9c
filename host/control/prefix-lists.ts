// Many short lists of prefixes, a number for each: of those that lie in one block of 256 addresses or networks, all longer than the block's.
//
// A prefix of a block is a node of a binary tree: the block itself would be 1, its halves 2 and 3 (nodeOf). A list is in the order of these numbers,
// so shorter prefixes come before longer ones. All lists lie in one array, packed when it is full: four bytes a prefix, and little beside.

/** Entries of which a list has a whole number of units. */
const UNIT = 2;
const SMALLEST = 1024;

/** Node of a prefix: the first `bits` (1 … 8) of the block's 8. */
export function nodeOf(value: number, bits: number): number {
  return (1 << bits) | (value >>> (8 - bits));
}

/** Which of the 256 values a node takes: from the first one on, how many. */
export function firstOf(node: number): number {
  return (node << (8 - bitsOf(node))) & 0xff;
}

export function countOf(node: number): number {
  return 256 >>> bitsOf(node);
}

export function bitsOf(node: number): number {
  return 31 - Math.clz32(node);
}

export class PrefixLists {
  /** node << 16 | number */
  private entries = new Uint32Array(SMALLEST);
  /** unit with which a list begins, and how many entries it has */
  private readonly starts: Uint32Array;
  private readonly counts: Uint16Array;
  /** first unit that no list ever had, and units in use */
  private end = 0;
  private used = 0;

  constructor(lists: number) {
    this.starts = new Uint32Array(lists);
    this.counts = new Uint16Array(lists);
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.entries.byteLength + this.starts.byteLength + this.counts.byteLength;
  }

  /** How many prefixes a list has. */
  size(list: number): number {
    return this.counts[list]!;
  }

  /** Entry i of a list: node << 16 | number. */
  at(list: number, i: number): number {
    return this.entries[this.starts[list]! * UNIT + i]!;
  }

  /** Number of a node; 0: it is not there. */
  get(list: number, node: number): number {
    const place = this.place(list, node);
    return this.isAt(list, node, place) ? this.entries[place]! & 0xffff : 0;
  }

  /** Gives a node another number, 1 … 65535, or takes it away with 0. Gives the one it had, 0 for none. */
  put(list: number, node: number, number: number): number {
    const place = this.place(list, node);
    if (!this.isAt(list, node, place)) {
      if (number !== 0) this.insert(list, place - this.starts[list]! * UNIT, ((node << 16) | number) >>> 0);
      return 0;
    }
    const old = this.entries[place]! & 0xffff;
    if (number === 0) this.remove(list, place);
    else this.entries[place] = ((node << 16) | number) >>> 0;
    return old;
  }

  /** Gives back what room is to spare. */
  trim(): void {
    if (this.end * UNIT < this.entries.length || this.end > this.used) this.pack(this.used);
  }

  private isAt(list: number, node: number, place: number): boolean {
    return place < this.starts[list]! * UNIT + this.counts[list]! && this.entries[place]! >>> 16 === node;
  }

  /** Where a node stands in the array, or would. */
  private place(list: number, node: number): number {
    let low = this.starts[list]! * UNIT;
    let high = low + this.counts[list]!;
    const key = (node << 16) >>> 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts an entry before entry i of a list. */
  private insert(list: number, i: number, entry: number): void {
    const count = this.counts[list]!;
    if (count % UNIT === 0) this.move(list, count / UNIT + 1);
    const { entries } = this;
    const place = this.starts[list]! * UNIT + i;
    for (let at = place + count - i; at > place; at--) entries[at] = entries[at - 1]!;
    entries[place] = entry;
    this.counts[list] = count + 1;
  }

  private remove(list: number, place: number): void {
    const count = --this.counts[list]!;
    this.entries.copyWithin(place, place + 1, this.starts[list]! * UNIT + count + 1);
    if (count % UNIT === 0) this.used--;
  }

  /** Puts a list where it has room for so many units, one more than it has. */
  private move(list: number, units: number): void {
    if (this.end + units > this.entries.length / UNIT) this.pack(Math.ceil((this.used + units) * 1.5));
    const from = this.starts[list]! * UNIT;
    if (from + this.counts[list]! !== this.end * UNIT || units === 1) {
      for (let i = this.counts[list]! - 1; i >= 0; i--) this.entries[this.end * UNIT + i] = this.entries[from + i]!;
      this.starts[list] = this.end;
      this.end += units;
    } else {
      this.end++; // the last one grows where it stands
    }
    this.used++;
  }

  /** Puts the lists side by side in an array of so many units. */
  private pack(units: number): void {
    const fresh = new Uint32Array(Math.max(SMALLEST, units * UNIT));
    let end = 0;
    for (let list = 0; list < this.counts.length; list++) {
      const count = this.counts[list]!;
      if (count === 0) continue;
      const from = this.starts[list]! * UNIT;
      for (let i = 0; i < count; i++) fresh[end * UNIT + i] = this.entries[from + i]!;
      this.starts[list] = end;
      end += Math.ceil(count / UNIT);
    }
    this.entries = fresh;
    this.end = end;
  }
}
