// Which worker receives from which queue.

import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import { INPUT_NODES } from "../graph/engine.js";
import type { PortKind } from "../ports/port.js";
import type { RxPlacementInfo } from "./api.js";
import type { Interface } from "./interfaces.js";
import type { Requests } from "./requests.js";

const NOBODY = -1;

export class RxPlacement {
  /** worker of the next queue there is */
  private next = 0;

  constructor(private readonly workers: number, private readonly requests: Requests) {}

  /** Deals a new port's queues out, from the worker on that comes after the last one's. */
  spread(handle: number): void {
    for (const queue of addon.rxPlacement(handle).keys()) {
      addon.placeQueue(handle, queue, this.next);
      this.next = (this.next + 1) % this.workers;
    }
  }

  /**
   * Gives a queue to another worker. What waits in it stays there until the one before has ended the turn in which it took the last packets:
   * so none is lost, and no flow is reordered. Throws BAD_ARGUMENT, WORKER.
   */
  async move({ name, handle }: Interface, queue: number, worker: number): Promise<void> {
    const placed = addon.rxPlacement(handle!);
    const bad = (what: string, count: number): WeftError =>
      new WeftError("BAD_ARGUMENT", count === 1 ? `${what}: there is only 0` : `${what}: it is a whole number from 0 to ${count - 1}`);
    if (!Number.isInteger(queue) || queue < 0 || queue >= placed.length) throw bad(`interface ${name}: queue ${queue}`, placed.length);
    if (!Number.isInteger(worker) || worker < 0 || worker >= this.workers) throw bad(`worker ${worker}`, this.workers);
    const old = placed[queue]!;
    if (old === worker) return;
    addon.placeQueue(handle!, queue, NOBODY);
    try {
      await this.requests.turnEnd(old);
    } finally {
      addon.placeQueue(handle!, queue, worker);
    }
    await this.requests.turnEnd(worker); // it may sleep, and not know yet that it has this queue to wake it
  }

  list(interfaces: Interface[]): RxPlacementInfo[] {
    const all = interfaces.flatMap(({ name, kind, handle, rxMode }) => addon.rxPlacement(handle!).map((worker, queue): RxPlacementInfo =>
      ({ worker: worker === NOBODY ? null : worker, node: INPUT_NODES[kind as PortKind].name, interface: name, queue, mode: rxMode })));
    return all.sort((a, b) => (a.worker ?? NOBODY) - (b.worker ?? NOBODY));
  }
}
