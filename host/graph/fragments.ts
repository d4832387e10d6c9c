// The fragments of one packet, in whatever order they come: where each belongs, and when the packet is whole. No packet memory here.

export interface ReassemblyLimits {
  /** ms from the first fragment of a packet on */
  timeout: number;
  /** packets that are not whole */
  maxReassemblies: number;
}

/** A fragment: the bytes of its packet's payload that it carries, and where they are. */
export interface Piece {
  /** index of its buffer */
  buffer: number;
  from: number;
  /** place after its last byte */
  to: number;
  /** bytes of its own header */
  skip: number;
  /** bytes of memory that it takes */
  memory: number;
}

/** malformed: it contradicts what is there about the packet's end; overlapping: it has some of the bytes that are there, and some that are not */
export type Verdict = "kept" | "duplicate" | "overlapping" | "malformed";

/** RFC 3168, 5: the congestion field of a TOS byte, and what it says when congestion was met. */
const ECN = 3;
const CE = 3;

export class Context {
  /** by their place; no two overlap */
  readonly pieces: Piece[] = [];
  /** bytes up to the farthest place that any fragment reaches */
  length = 0;
  /** bytes that are there */
  private have = 0;
  /** whether the last fragment is: then `length` is the packet's */
  private ended = false;
  /** a bit for each value of the congestion field */
  private marks = 0;
  /** how many fragments of all its source's packets had come when its newest one did */
  newest = 0;

  constructor(readonly key: string, readonly source: number, readonly born: number) {}

  get whole(): boolean {
    return this.ended && this.have === this.length;
  }

  /** RFC 3168, 5.3: congestion that one fragment met the packet met. undefined: some say that they know of congestion marks, others not. */
  get congestion(): number | undefined {
    if ((this.marks & 1) !== 0 && this.marks !== 1) return undefined;
    return (this.marks & (1 << CE)) !== 0 ? CE : 0;
  }

  /** Puts a fragment in its place; only one that is kept changes anything but the end. */
  add(piece: Piece, more: boolean, tos: number): Verdict {
    const { from, to } = piece;
    if (to <= from || !this.reach(to, more)) return "malformed";
    const place = this.placeOf(from);
    const before = this.pieces[place - 1];
    const after = this.pieces[place];
    const clear = (before === undefined || before.to <= from) && (after === undefined || to <= after.from);
    if (!clear) return this.has(from, to, place) ? "duplicate" : "overlapping";
    this.pieces.splice(place, 0, piece);
    this.have += to - from;
    this.marks |= 1 << (tos & ECN);
    return "kept";
  }

  /** False: the packet would end in two places. */
  private reach(to: number, more: boolean): boolean {
    if (more ? this.ended && to > this.length : to < this.length || (this.ended && to !== this.length)) return false;
    this.length = Math.max(this.length, to);
    this.ended ||= !more;
    return true;
  }

  /** Where in `pieces` one that begins at `from` belongs: before the first that begins later. */
  private placeOf(from: number): number {
    let [low, high] = [0, this.pieces.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.pieces[middle]!.from <= from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether all these bytes are there; `place`: what placeOf() says of the first. */
  private has(from: number, to: number, place: number): boolean {
    let reached = from;
    for (let i = Math.max(place - 1, 0); reached < to; i++) {
      const piece = this.pieces[i];
      if (piece === undefined || piece.from > reached || piece.to <= reached) return false;
      reached = piece.to;
    }
    return true;
  }
}
