// A number for each of many prefixes: a hash table with open addressing (linear probing, Knuth vol. 3, 6.4), eight bytes a place.

const SMALLEST = 1024;

export class PrefixMap {
  private networks = new Uint32Array(SMALLEST);
  /** value << 8 | length << 1 | 1; 0: the place is empty */
  private entries = new Uint32Array(SMALLEST);
  private shift = 32 - Math.log2(SMALLEST);
  /** how many there are of each length */
  private readonly counts = new Uint32Array(33);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.networks.byteLength + this.entries.byteLength;
  }

  /** Networks in host order, their host bits 0; undefined: it is not there. */
  get(network: number, length: number): number | undefined {
    if (this.counts[length] === 0) return undefined;
    const entry = this.entries[this.place(network, length)]!;
    return entry === 0 ? undefined : entry >>> 8;
  }

  /** `value`: 24 bits. */
  set(network: number, length: number, value: number): void {
    const place = this.place(network, length);
    const added = this.entries[place] === 0;
    this.networks[place] = network;
    this.entries[place] = ((value << 8) | (length << 1) | 1) >>> 0;
    if (!added) return;
    this.counts[length]!++;
    if (++this.count > this.entries.length * 0.75) this.resize(this.entries.length * 2);
  }

  delete(network: number, length: number): boolean {
    let hole = this.place(network, length);
    if (this.entries[hole] === 0) return false;
    const last = this.entries.length - 1;
    // What was put farther from its home because this place was taken moves up.
    for (let at = (hole + 1) & last; this.entries[at] !== 0; at = (at + 1) & last) {
      const home = this.home(this.networks[at]!, (this.entries[at]! >>> 1) & 0x7f);
      if (((at - home) & last) < ((at - hole) & last)) continue;
      this.networks[hole] = this.networks[at]!;
      this.entries[hole] = this.entries[at]!;
      hole = at;
    }
    this.entries[hole] = 0;
    this.counts[length]!--;
    this.count--;
    if (this.count < this.entries.length * 0.15 && this.entries.length > SMALLEST) this.resize(this.entries.length / 2);
    return true;
  }

  /** The longest prefix shorter than `length` that covers an address: [its length, its value]. */
  covering(address: number, length: number): [length: number, value: number] | undefined {
    for (let shorter = length - 1; shorter >= 0; shorter--) {
      const value = this.get(shorter === 0 ? 0 : (address & (-1 << (32 - shorter))) >>> 0, shorter);
      if (value !== undefined) return [shorter, value];
    }
    return undefined;
  }

  /** Where a prefix stands, or would. */
  private place(network: number, length: number): number {
    const last = this.entries.length - 1;
    let at = this.home(network, length);
    for (;;) {
      const entry = this.entries[at]!;
      if (entry === 0 || (this.networks[at] === network && ((entry >>> 1) & 0x7f) === length)) return at;
      at = (at + 1) & last;
    }
  }

  private home(network: number, length: number): number {
    const mixed = Math.imul(network ^ (network >>> 15) ^ length, 0x9e3779b1); // 2^32 / golden ratio
    return Math.imul(mixed ^ (mixed >>> 13), 0x85ebca6b) >>> this.shift;
  }

  private resize(places: number): void {
    const { networks, entries } = this;
    this.networks = new Uint32Array(places);
    this.entries = new Uint32Array(places);
    this.shift = 32 - Math.log2(places);
    entries.forEach((entry, at) => {
      if (entry === 0) return;
      const place = this.place(networks[at]!, (entry >>> 1) & 0x7f);
      this.networks[place] = networks[at]!;
      this.entries[place] = entry;
    });
  }
}
