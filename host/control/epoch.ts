// Reuse of table entries that a worker may still be reading.

import { GRAPH_ASLEEP, GRAPH_EPOCH } from "../../assembly/abi.js";
import { type PacketMemory, workerAt } from "../memory/memory.js";

/**
 * Numbers 0 … size - 1 to give out. One that was given back is given out again only in a later turn of the worker: no packet can still
 * refer to it.
 */
export class EpochPool {
  private next: number;
  private readonly returned: { number: number; epoch: number }[] = [];

  constructor(first: number, private readonly size: number, private readonly epoch: () => number) {
    this.next = first;
  }

  /** A free number; undefined when there is none. */
  take(): number | undefined {
    const oldest = this.returned[0];
    if (oldest && oldest.epoch !== this.epoch()) return this.returned.shift()!.number;
    return this.next < this.size ? this.next++ : undefined;
  }

  give(number: number): void {
    this.returned.push({ number, epoch: this.epoch() });
  }

  /** Numbers in use. */
  get used(): number {
    return this.next - this.returned.length;
  }
}

/** A worker's turn, as EpochPool takes it. While it sleeps it reads no table: each look is an epoch of its own. */
export function epochOf({ u32, i32 }: PacketMemory, worker: number): () => number {
  let looks = 0;
  return () => (Atomics.load(i32, (workerAt(worker) + GRAPH_ASLEEP) >> 2) ? --looks : u32[(workerAt(worker) + GRAPH_EPOCH) >> 2]!);
}
