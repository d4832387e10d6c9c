// Records of traced packets, from a worker to the control plane: a ring outside the linear memory, where no node can write over it.
// It outlives its worker: the record of a packet with which a node never returned stands in it, still open.
//
//   0         4      8         12     16     64                      1088
//   +---------+------+---------+------+------+- - +------------------+----------+----------+- -
//   | WRITTEN | READ | NEXT_ID | OPEN | LOST |    | WANTED, by node  | record 0 | record 1 |
//   +---------+------+---------+------+------+- - +------------------+----------+----------+- -
//
//   record    0      8      12     14     16       20     22      24        32      40          72             136 ...... 264
//             +------+------+------+------+--------+------+-------+---------+-------+-----------+--------------+-----------+
//             | time | id   | node | kind | buffer | slot | bytes | counted | total | state × 4 | header after | data      |
//             +------+------+------+------+--------+------+-------+---------+-------+-----------+--------------+-----------+

const WRITTEN = 0;
const READ = 1;
const NEXT_ID = 2;
const OPEN = 3;
const LOST = 4;
const WANTED = 16;
const RECORDS = 1088; // NODE_COUNT words further on
const RECORD_SIZE = 264;
const RECORD_COUNT = 8192;
/** Bytes of a packet in a record, from the layer on that the node sees. */
export const TRACED_BYTES = 128;
const STATE = 40;
const HEADER = 72;
const HEADER_SIZE = 64;
const DATA = 136;

/**
 * How a packet left a node: by a slot; or not at all, since the node trapped, never returned, or lost the packet with its whole frame; or the node
 * took it off its frame itself.
 */
export const Kind = { passed: 0, trapped: 1, hung: 2, lost: 3, passedOver: 4, circled: 5, taken: 6 } as const;
/** In a record's kind: the packet's first one. */
const FIRST = 0x100;

export interface TraceRecord {
  first: boolean;
  /** ms since the control plane's start */
  time: number;
  id: number;
  /** index of the node */
  node: number;
  kind: number;
  buffer: number;
  slot: number;
  /** counters of the node that it raised: a bit each, of 64 */
  counted: bigint;
  /** length of the packet before the node had it */
  total: number;
  /** up to four fields of the node's state, 8 bytes each, after it */
  state: DataView;
  /** the buffer's header after it, and the packet before */
  header: DataView;
  data: Uint8Array;
}

export class TraceRing {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(readonly buffer = new SharedArrayBuffer(RECORDS + RECORD_SIZE * RECORD_COUNT)) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Has a node's next packets traced. */
  want(node: number, packets: number): void {
    Atomics.add(this.words, WANTED + node, packets);
  }

  // The worker's side

  wanted(node: number): number {
    return this.words[WANTED + node]!;
  }

  /** A number for one more of a node's packets, 1 … 65535; the ring is full when it is 0. */
  take(node: number): number {
    if (this.full()) return 0;
    if (Atomics.sub(this.words, WANTED + node, 1) <= 0) {
      Atomics.store(this.words, WANTED + node, 0); // the control plane has just called it off
      return 0;
    }
    this.words[NEXT_ID] = this.words[NEXT_ID]! + 1;
    return ((this.words[NEXT_ID]! - 1) % 0xffff) + 1;
  }

  /** Whether a number was given out: a node may have written any. */
  isTaken(id: number): boolean {
    return id !== 0 && id <= (this.words[NEXT_ID]! >>> 0);
  }

  /** Begins a record; false when the ring is full, and one is lost. */
  open(id: number, node: number, buffer: number, total: number, time: number, data: Uint8Array): boolean {
    if (this.full()) {
      Atomics.add(this.words, LOST, 1);
      return false;
    }
    const at = this.recordAt(this.words[WRITTEN]!);
    this.view.setFloat64(at, time, true);
    this.view.setUint32(at + 8, id, true);
    this.view.setUint16(at + 12, node, true);
    this.view.setUint32(at + 16, buffer, true);
    this.view.setUint16(at + 22, data.length, true);
    this.view.setUint32(at + 32, total, true);
    this.bytes.fill(0, at + STATE, at + DATA);
    this.bytes.set(data, at + DATA);
    this.words[OPEN] = 1;
    return true;
  }

  /** Ends it. */
  close(kind: number, first: boolean, slot: number, counted: bigint, state: readonly Uint8Array[], header: Uint8Array): void {
    const at = this.recordAt(this.words[WRITTEN]!);
    this.view.setUint16(at + 14, kind | (first ? FIRST : 0), true);
    this.view.setUint16(at + 20, slot, true);
    this.view.setBigUint64(at + 24, counted, true);
    for (const [i, bytes] of state.entries()) this.bytes.set(bytes, at + STATE + 8 * i);
    this.bytes.set(header, at + HEADER);
    this.words[OPEN] = 0;
    Atomics.add(this.words, WRITTEN, 1);
  }

  /** After a worker was given up: ends the record that it had begun. */
  recover(): void {
    if (this.words[OPEN] !== 0) this.close(Kind.hung, false, 0, 0n, [], new Uint8Array(HEADER_SIZE));
  }

  // The control plane's side

  /** What was written since the last time, oldest first. */
  read(): TraceRecord[] {
    const written = Atomics.load(this.words, WRITTEN);
    const records: TraceRecord[] = [];
    for (let n = this.words[READ]!; n !== written; n = (n + 1) | 0) records.push(this.recordOf(this.recordAt(n)));
    Atomics.store(this.words, READ, written);
    return records;
  }

  /** Records that found no room. */
  get lost(): number {
    return Atomics.load(this.words, LOST);
  }

  private recordOf(at: number): TraceRecord {
    const copy = this.bytes.slice(at, at + RECORD_SIZE);
    const view = new DataView(copy.buffer);
    const kind = view.getUint16(14, true);
    return {
      time: view.getFloat64(0, true), id: view.getUint32(8, true), node: view.getUint16(12, true), kind: kind & ~FIRST, first: (kind & FIRST) !== 0,
      buffer: view.getUint32(16, true), slot: view.getUint16(20, true), counted: view.getBigUint64(24, true), total: view.getUint32(32, true),
      state: new DataView(copy.buffer, STATE, HEADER - STATE), header: new DataView(copy.buffer, HEADER, HEADER_SIZE),
      data: copy.subarray(DATA, DATA + view.getUint16(22, true)),
    };
  }

  private full(): boolean {
    return ((this.words[WRITTEN]! - Atomics.load(this.words, READ)) | 0) >= RECORD_COUNT;
  }

  private recordAt(n: number): number {
    return RECORDS + ((n >>> 0) % RECORD_COUNT) * RECORD_SIZE;
  }
}
