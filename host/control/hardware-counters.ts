// What devices count themselves, less what stood there at the last clear: they have no way to set it to zero.

import type { RdmaInfo } from "../ports/rdma.js";

interface Baseline {
  counters: Record<string, number>;
  packets: number[];
}

export class HardwareCounters {
  /** by interface index */
  private readonly baselines = new Map<number, Baseline>();

  clear(index: number, { counters, rxQueues }: RdmaInfo): void {
    this.baselines.set(index, { counters, packets: rxQueues.map(({ packets }) => packets) });
  }

  forget(index: number): void {
    this.baselines.delete(index);
  }

  sinceClear(index: number, info: RdmaInfo): RdmaInfo {
    const baseline = this.baselines.get(index);
    if (baseline === undefined) return info;
    const counters = Object.fromEntries(Object.entries(info.counters).map(([name, count]) => [name, less(count, baseline.counters[name])]));
    const rxQueues = info.rxQueues.map((queue, i) => ({ ...queue, packets: less(queue.packets, baseline.packets[i]) }));
    return { ...info, counters, rxQueues };
  }
}

/** A device that was reset counts from zero again. */
function less(count: number, before = 0): number {
  return count >= before ? count - before : count;
}
