// What a worker tells of itself, outside the linear memory: there a node could write over it, and hang unseen.

/** In what enter() says: it is the node's function to configure that runs. */
export const RUNNING_CONFIGURE = 0x10000;
/** In its place: the control plane gives this worker up; it must touch nothing any more. */
export const RUNNING_CONDEMNED = 0x7fffffff;

const RUNNING = 0;
const LAST = 1;
const TURNS = 2;

export class Pulse {
  private readonly words: Int32Array;

  constructor(readonly buffer = new SharedArrayBuffer(12)) {
    this.words = new Int32Array(buffer);
  }

  // The worker's side

  /** Code from outside is about to run, which may not come back: index + 1 of its node (| RUNNING_CONFIGURE). */
  enter(what: number): void {
    this.words[RUNNING] = what;
    this.words[LAST] = what;
  }

  /** It came back. If the control plane has given this worker up meanwhile, another one is about to go on: this one stops here for good. */
  leave(): void {
    if (Atomics.exchange(this.words, RUNNING, 0) !== RUNNING_CONDEMNED) return;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    for (;;) Atomics.wait(stop, 0, 0);
  }

  endTurn(): void {
    this.words[TURNS]!++;
  }

  // The control plane's side

  /** What enter() said; 0 when it has come back. */
  get running(): number {
    return Atomics.load(this.words, RUNNING);
  }

  /** What the last enter() said. */
  get last(): number {
    return Atomics.load(this.words, LAST);
  }

  get turns(): number {
    return Atomics.load(this.words, TURNS);
  }

  /** From now on the worker stops where it would leave the node; false if it has left it by now. */
  condemn(running: number): boolean {
    return Atomics.compareExchange(this.words, RUNNING, running, RUNNING_CONDEMNED) === running;
  }

  /** The worker is gone. */
  clear(): void {
    Atomics.store(this.words, RUNNING, 0);
    Atomics.store(this.words, LAST, 0);
  }
}
