// Notices a custom node that never returns: the worker says which node it has called, and its thread's
// clock how long it has been computing since. Time in which the machine ran something else does not count.

import { GRAPH_EPOCH, GRAPH_RUNNING, NODE_COUNT, RUNNING_CONDEMNED, RUNNING_CONFIGURE } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import type { PacketMemory } from "../memory/memory.js";

/** How often to look, ms. */
const LOOK = 20;
/** CPU time in one call, ms: a vector takes a thousandth of it. */
const LIMIT = 50;

export interface Running {
  index: number;
  /** its function to configure, not the one that processes packets */
  configuring: boolean;
}

export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private seen = 0;
  private turn = -1;
  private since = 0;

  /** `clock`: of the worker's thread. `hung` is called once the worker can do no more harm. */
  constructor(
    private readonly packets: PacketMemory,
    private readonly graph: number,
    private readonly clock: () => number,
    private readonly hung: (running: Running) => void,
  ) {
    this.timer = setInterval(() => this.look(), LOOK);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const at = (this.graph + GRAPH_RUNNING) >> 2;
    const running = Atomics.load(this.packets.i32, at);
    const turn = this.packets.u32[(this.graph + GRAPH_EPOCH) >> 2]!;
    if (running === 0 || running === RUNNING_CONDEMNED) {
      this.seen = 0;
      return;
    }
    const time = addon.threadTime(this.clock());
    if (running !== this.seen || turn !== this.turn) {
      [this.seen, this.turn, this.since] = [running, turn, time];
      return;
    }
    if (time - this.since < LIMIT) return;
    // From now on the worker stops where it would leave the node.
    if (Atomics.compareExchange(this.packets.i32, at, running, RUNNING_CONDEMNED) !== running) return;
    const index = (running & (RUNNING_CONFIGURE - 1)) - 1;
    if (index >= 0 && index < NODE_COUNT) this.hung({ index, configuring: (running & RUNNING_CONFIGURE) !== 0 });
  }
}
