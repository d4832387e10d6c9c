// Notices a custom node that never returns: the worker says which node it has called, and its thread's
// clock how long it has been computing since. Time in which the machine ran something else does not count.

import { addon } from "../addon.js";
import { type Pulse, RUNNING_CONDEMNED, RUNNING_CONFIGURE } from "../graph/pulse.js";

/** How often to look, ms. */
const LOOK = 20;
/** CPU time in one call, ms: a vector takes a thousandth of it. */
const LIMIT = 50;
/** The same outside of nodes' calls, in one turn: the graph's own work, which takes less than a call's. */
const TURN_LIMIT = 1000;

/** Where the worker is. */
export interface Running {
  /** node; -1: none from outside */
  index: number;
  /** its function to configure, not the one that processes packets */
  configuring: boolean;
}

/** What a pulse says of the node that runs. */
export function whoRuns(running: number): Running {
  return { index: (running & (RUNNING_CONFIGURE - 1)) - 1, configuring: (running & RUNNING_CONFIGURE) !== 0 };
}

export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private seen = 0;
  private turn = -1;
  private since = 0;

  /** `clock`: of the worker's thread. `hung` is called once the worker can do no more harm. */
  constructor(
    private readonly pulse: Pulse,
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
    const { running, turns } = this.pulse;
    const time = addon.threadTime(this.clock());
    if (running === RUNNING_CONDEMNED || time < 0) return; // it is being given up, or has ended
    if (running !== this.seen || turns !== this.turn || time < this.since) { // its clock went back: it is another thread's
      [this.seen, this.turn, this.since] = [running, turns, time];
      return;
    }
    if (time - this.since < (running === 0 ? TURN_LIMIT : LIMIT)) return;
    this.since = time;
    if (this.pulse.condemn(running)) this.hung(whoRuns(running));
  }
}
