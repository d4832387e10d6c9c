// What a soak looks at every second, and whether it grows.

import { readFileSync, readdirSync } from "node:fs";
import type { Balance, BufferInfo } from "../../host/control/api.js";
import type { Told } from "./launch.js";
import { type Lab, residentKib } from "./lab.js";
import { type Trend, settledPart, trend } from "./trend.js";

export interface Sample {
  /** since the start, s */
  time: number;
  received: number;
  dropped: number;
  /** packets in the graph, and those that were counted between the reading of one counter and the next */
  difference: number;
  free: number;
  held: number;
  /** KiB: resident; heap of the main thread after a collection, and memory outside of it */
  resident: number;
  heap: number;
  external: number;
  descriptors: number;
  /** ms that the main thread took to answer */
  answer: number;
}

/**
 * By how much each may grow over the last two thirds of the soak, however long it is: what goes on warming up (V8 compiles for many minutes,
 * 400 KiB a minute at first) comes to an end, a leak does not. More is proven when even the least slope in keeping with the samples is steeper.
 */
const BOUNDS = { resident: 32 << 10, heap: 2048, external: 512, descriptors: 3 } as const;
export type Watched = keyof typeof BOUNDS;

export async function sample(lab: Lab, file: string, start: number): Promise<Sample> {
  const asked = performance.now();
  const [balance, buffers] = [await lab.weft.show<Balance>("balance"), await lab.weft.show<BufferInfo>("buffers")];
  const answer = performance.now() - asked;
  const told = lastTold(file);
  return {
    time: (asked - start) / 1000, answer, received: balance.received, dropped: balance.dropped, difference: balance.difference,
    free: buffers.free, held: buffers.held, resident: residentKib(told.pid), heap: told.heap / 1024, external: told.external / 1024,
    descriptors: readdirSync(`/proc/${told.pid}/fd`).length,
  };
}

/** The last whole line of what the router tells of its memory. */
function lastTold(file: string): Told {
  const lines = readFileSync(file, "utf8").split("\n");
  return JSON.parse(lines[lines.length - 2]!) as Told;
}

export interface Growth extends Trend {
  what: Watched;
  bound: number;
  holds: boolean;
}

/** Of everything that is watched, over the whole of the last two thirds of the samples. */
export function growth(samples: Sample[]): Growth[] {
  const judged = settledPart(samples);
  const seconds = judged.length === 0 ? 0 : judged.at(-1)!.time - judged[0]!.time;
  return (Object.keys(BOUNDS) as Watched[]).map((what) => {
    const perSecond = trend(judged.map((one) => ({ time: one.time, value: one[what] })));
    const [slope, least, most] = [perSecond.slope * seconds, perSecond.least * seconds, perSecond.most * seconds];
    return { what, slope, least, most, bound: BOUNDS[what], holds: least <= BOUNDS[what] };
  });
}
