// What a node from outside may do wrong without harm to others: when it traps, its packets go where its
// policy says, and it goes on, starts anew after a while, or is set aside.

/** Longest time until a restart, ms, where the policy's first one is not longer. */
const BACKOFF_MAX = 60_000;

export interface ContainmentPolicy {
  /** next slot of the packets that it fails to process; 0 drops them */
  slot: number;
  /** ms until it starts anew after a trap, twice as long each time; 0: it goes on as it is */
  restart: number;
  /** traps after which it is set aside; 0: no limit */
  limit: number;
}

export type ContainmentState = "running" | "waiting" | "set-aside";

export class Containment {
  state: ContainmentState = "running";
  cause: string | null = null;
  traps = 0;
  private wait: number;
  private until = 0;

  /** `startAnew` throws when the node does not even start; `changed` is called with each new state, and now and then while it traps on. */
  constructor(
    private policy: ContainmentPolicy,
    private readonly startAnew: () => void,
    private readonly changed: (containment: Containment) => void,
  ) {
    this.wait = policy.restart;
  }

  get slot(): number {
    return this.policy.slot;
  }

  /** Whether the node is to be run; the one that has waited long enough is started for it. */
  ready(): boolean {
    if (this.state === "running") return true;
    if (this.state === "set-aside" || performance.now() < this.until) return false;
    this.restart();
    return (this.state as ContainmentState) === "running";
  }

  trapped(error: Error): void {
    this.traps++;
    this.cause = error.message;
    if (this.policy.limit > 0 && this.traps >= this.policy.limit) return this.setAside(`${this.traps} traps, the last one: ${error.message}`);
    if (this.policy.restart > 0) {
      this.until = performance.now() + this.wait;
      this.wait = Math.min(this.wait * 2, Math.max(this.policy.restart, BACKOFF_MAX));
      this.become("waiting");
    } else if ((this.traps & (this.traps - 1)) === 0) {
      this.changed(this); // 1, 2, 4, 8 …: a node that traps with every frame must not flood its operator
    }
  }

  setAside(cause: string): void {
    this.cause = cause;
    this.become("set-aside");
  }

  /** Starts the node anew, whatever it was. */
  restart(): void {
    try {
      this.startAnew();
    } catch (error) {
      this.trapped(error as Error);
      if (this.state === "running") this.setAside(`it does not start: ${(error as Error).message}`); // its state is empty by now
      return;
    }
    this.cause = null;
    this.become("running");
  }

  /** By the operator: past traps are forgiven. */
  forgive(policy: ContainmentPolicy = this.policy): void {
    this.policy = policy;
    this.wait = policy.restart;
    this.traps = 0;
  }

  private become(state: ContainmentState): void {
    this.state = state;
    this.changed(this);
  }
}
