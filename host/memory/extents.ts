// Parts of a fixed range of addresses, given out and taken back: the runtime blocks of nodes, their configurations.

interface Extent {
  at: number;
  size: number;
}

export class Extents {
  /** what is free, by address; no two of them touch */
  private free: Extent[];
  private readonly taken = new Map<number, number>();
  /** bytes given out */
  used = 0;

  constructor(from: number, to: number, private readonly align: number) {
    this.free = [{ at: from, size: to - from }];
  }

  /** Address of `size` bytes, the lowest place that they fit in; undefined when there is none. */
  take(size: number): number | undefined {
    const needed = Math.max(Math.ceil(size / this.align), 1) * this.align;
    const place = this.free.findIndex((extent) => extent.size >= needed);
    if (place < 0) return undefined;
    const extent = this.free[place]!;
    const { at } = extent;
    if (extent.size === needed) this.free.splice(place, 1);
    else this.free[place] = { at: at + needed, size: extent.size - needed };
    this.taken.set(at, needed);
    this.used += needed;
    return at;
  }

  /** Takes back what take() gave. */
  give(at: number): void {
    const size = this.taken.get(at);
    if (size === undefined) throw new Error(`nothing was given out at ${at}`);
    this.taken.delete(at);
    this.used -= size;
    const next = this.free.findIndex((extent) => extent.at > at);
    this.free.splice(next < 0 ? this.free.length : next, 0, { at, size });
    this.free = this.free.reduce<Extent[]>((merged, extent) => {
      const last = merged.at(-1);
      if (last && last.at + last.size === extent.at) last.size += extent.size;
      else merged.push({ ...extent });
      return merged;
    }, []);
  }
}
