// Reuse of table entries that a worker may still be reading.

import { GRAPH_ASLEEP, GRAPH_EPOCH } from "../../assembly/abi.js";
import { type PacketMemory, workerAt } from "../memory/memory.js";

/** Moments. One has passed once every worker has begun another turn: then no packet refers to entries that the tables did not lead to by then. */
export class Epochs {
  /** the turn of each worker at moments that have not passed yet, oldest first; they are numbered from `passedUpTo` on */
  private moments: number[][] = [];
  private passedUpTo = 0;

  /** `turns`: each gives the turn that a worker is in. */
  constructor(private readonly turns: readonly (() => number)[]) {}

  /** The number of this moment. */
  now(): number {
    const turns = this.advance();
    const last = this.moments.at(-1);
    if (!last || last.some((turn, worker) => turn !== turns[worker])) this.moments.push(turns);
    return this.passedUpTo + this.moments.length - 1;
  }

  passed(moment: number): boolean {
    if (moment >= this.passedUpTo) this.advance();
    return moment < this.passedUpTo;
  }

  private advance(): number[] {
    const turns = this.turns.map((turn) => turn());
    let passed = 0;
    while (passed < this.moments.length && this.moments[passed]!.every((turn, worker) => turn !== turns[worker])) passed++;
    if (passed > 0) this.moments = this.moments.slice(passed);
    this.passedUpTo += passed;
    return turns;
  }
}

/**
 * Numbers 0 … size - 1 to give out. One that was given back is given out again only in a later turn of every worker: no packet can still
 * refer to it.
 */
export class EpochPool {
  private next: number;
  private readonly returned: { number: number; epoch: number }[] = [];

  constructor(first: number, private readonly size: number, private readonly epochs: Epochs) {
    this.next = first;
  }

  /** A free number; undefined when there is none. */
  take(): number | undefined {
    const oldest = this.returned[0];
    if (oldest && this.epochs.passed(oldest.epoch)) return this.returned.shift()!.number;
    return this.next < this.size ? this.next++ : undefined;
  }

  give(number: number): void {
    this.returned.push({ number, epoch: this.epochs.now() });
  }

  /** Numbers in use. */
  get used(): number {
    return this.next - this.returned.length;
  }
}

/** Epochs of all workers of a memory. One that sleeps reads no table, so each time it is asked for its turn it is in a new one. */
export function epochsOf({ u32, i32, layout }: PacketMemory): Epochs {
  let looks = 0;
  const turnOf = (worker: number) => (): number =>
    (Atomics.load(i32, (workerAt(worker) + GRAPH_ASLEEP) >> 2) ? --looks : u32[(workerAt(worker) + GRAPH_EPOCH) >> 2]!);
  return new Epochs(Array.from({ length: layout.workers }, (_, worker) => turnOf(worker)));
}
