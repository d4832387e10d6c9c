// What weft top shows: rates, from the difference of two readings of a router's counters.

import type { Balance, NodeRuntime, RuntimeInfo } from "../control/api.js";
import { WeftError } from "../errors.js";

/** `show runtime` and `show balance` of one moment. */
export interface Reading {
  runtime: RuntimeInfo;
  balance: Balance;
}

export interface NodeRates {
  name: string;
  /** of all clocks that the nodes took; 0 where none are measured */
  share: number;
  clocksPerPacket: number;
  /** packets a second */
  rate: number;
  vectorsPerCall: number;
  /** frames lost to traps in the interval */
  traps: number;
}

/** What weft top --json prints. */
export interface Rates {
  /** between the two readings */
  seconds: number;
  /** packets a second */
  rxRate: number;
  txRate: number;
  dropRate: number;
  /** clocks of all nodes for each packet that was received or made */
  clocksPerPacket: number;
  /** of ethernet-input, in all workers */
  vectorsPerCall: number;
  /** how much of its time each worker had packets in hand, 0 … 1 */
  workers: { name: string; busy: number }[];
  /** those that had packets, the largest share first */
  nodes: NodeRates[];
}

/** A reading from what two show commands print. Throws SYSTEM for what no router of this version says. */
export function reading(runtime: string, balance: string): Reading {
  const read = { runtime: parsed(runtime), balance: parsed(balance) } as Reading;
  const number = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
  const node = (one: NodeRuntime): boolean =>
    typeof one.name === "string" && [one.calls, one.vectors, one.clocks, one.traps].every(number);
  try {
    const { seconds, clockRate, workers } = read.runtime;
    const { originated, dropped } = read.balance;
    const whole = workers.every((worker) =>
      typeof worker.name === "string" && worker.nodes.every(node) && [worker.rxRate, worker.txRate].every(number));
    if (whole && [seconds, clockRate, originated, dropped].every(number)) return read;
  } catch {
    // something is missing on the way to a number
  }
  throw new WeftError("SYSTEM", "the router says what weft top does not understand: it is of another version, use that one's weft top");
}

/** Undefined where the runtime was cleared in between: then there is no difference. */
export function rates(before: Reading, now: Reading): Rates | undefined {
  const seconds = now.runtime.seconds - before.runtime.seconds;
  if (seconds <= 0) return undefined;
  const rate = (count: (reading: Reading) => number): number => Math.max(0, count(now) - count(before)) / seconds;
  const received = rate(traffic("rxRate"));
  const gone = now.runtime.workers.map((worker) => {
    const earlier = new Map(before.runtime.workers.find(({ name }) => name === worker.name)?.nodes.map((node) => [node.name, node]));
    return { name: worker.name, nodes: worker.nodes.map((node) => since(node, earlier.get(node.name))) };
  });
  const clocks = (nodes: Counts[]): number => nodes.reduce((sum, node) => sum + node.clocks, 0);
  const all = clocks(gone.flatMap(({ nodes }) => nodes));
  const nodes = [...summed(gone.flatMap((worker) => worker.nodes)).values()];
  const input = nodes.find(({ name }) => name === "ethernet-input");
  const entered = (received + rate(({ balance }) => balance.originated)) * seconds;
  return {
    seconds,
    rxRate: received,
    txRate: rate(traffic("txRate")),
    dropRate: rate(({ balance }) => balance.dropped),
    clocksPerPacket: ratio(all, entered),
    vectorsPerCall: input === undefined ? 0 : ratio(input.vectors, input.calls),
    workers: gone.map((worker) => ({ name: worker.name, busy: Math.min(1, ratio(clocks(worker.nodes), now.runtime.clockRate * seconds)) })),
    nodes: nodes.filter(({ vectors }) => vectors > 0).map((node) => ({
      name: node.name,
      share: ratio(node.clocks, all),
      clocksPerPacket: ratio(node.clocks, node.vectors),
      rate: node.vectors / seconds,
      vectorsPerCall: ratio(node.vectors, node.calls),
      traps: node.traps,
    })).sort((a, b) => b.share - a.share || b.rate - a.rate),
  };
}

/** Packets since the last clear, as they were when the nodes were read: the balance was read a moment before or after. */
function traffic(way: "rxRate" | "txRate"): (reading: Reading) => number {
  return ({ runtime }) => runtime.seconds * runtime.workers.reduce((sum, worker) => sum + worker[way], 0);
}

type Counts = Pick<NodeRuntime, "name" | "calls" | "vectors" | "clocks" | "traps">;

/** What a node has done since; one that was replaced meanwhile has begun anew. */
function since(now: NodeRuntime, before: NodeRuntime | undefined): Counts {
  const count = (what: "calls" | "vectors" | "clocks" | "traps"): number => Math.max(0, now[what] - (before?.[what] ?? 0));
  return { name: now.name, calls: count("calls"), vectors: count("vectors"), clocks: count("clocks"), traps: count("traps") };
}

/** Over the workers. */
function summed(all: Counts[]): Map<string, Counts> {
  const sums = new Map<string, Counts>();
  for (const { name, calls, vectors, clocks, traps } of all) {
    const sum = sums.get(name) ?? { name, calls: 0, vectors: 0, clocks: 0, traps: 0 };
    sums.set(name, {
      name, calls: sum.calls + calls, vectors: sum.vectors + vectors, clocks: sum.clocks + clocks, traps: sum.traps + traps,
    });
  }
  return sums;
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
