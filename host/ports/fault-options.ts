// What can go wrong in a port on purpose: as people set it and see it, and as the shim has it.

import type { FaultCounts, Faults, FaultSettings, FaultState } from "../addon.js";
import { bad } from "../errors.js";

export type { FaultCounts } from "../addon.js";

/** Of one direction: probabilities from 0 to 1; not given: 0. */
export interface FaultOptions {
  loss?: number;
  /** cut off at a random length */
  truncate?: number;
  /** one bit turned over */
  corrupt?: number;
  duplicate?: number;
  /** overtaken by the packet behind it, where there is no delay; where there is one: sent without it */
  reorder?: number;
  /** ms */
  delay?: number;
  /** ms: each packet's delay differs from `delay` by up to this much */
  jitter?: number;
}

/** A direction's settings, and how often each has happened. */
export interface FaultLine extends Required<FaultOptions>, FaultCounts {}

export interface FaultInfo {
  interface: string;
  seed: number;
  rx: FaultLine;
  tx: FaultLine;
}

const PROBABILITIES = ["loss", "truncate", "corrupt", "duplicate", "reorder"] as const;
const TIMES = ["delay", "jitter"] as const;
export const DELAY_MAX = 60_000;
const MS = 1_000_000; // ns
const NONE: FaultSettings = { loss: 0, truncate: 0, corrupt: 0, duplicate: 0, reorder: 0, delay: 0, jitter: 0 };

/** What the shim is told; a direction and a seed that are not given stay as in `before`. Throws BAD_ARGUMENT. */
export function faultSettings(given: { rx?: FaultOptions; tx?: FaultOptions; seed?: number }, before: Faults | null): Faults {
  const seed = given.seed ?? before?.seed ?? 0;
  if (!Number.isSafeInteger(seed) || seed < 0) throw bad(`seed ${seed} is not a whole number from 0 to 2^53`);
  const line = (direction: "rx" | "tx"): FaultSettings => (given[direction] ? settings(given[direction]) : (before?.[direction] ?? NONE));
  return { seed, rx: line("rx"), tx: line("tx") };
}

function settings(given: FaultOptions): FaultSettings {
  const result = { ...NONE };
  for (const name of PROBABILITIES) {
    const value = given[name] ?? 0;
    if (!(value >= 0 && value <= 1)) throw bad(`${name} ${value} is not a probability from 0 to 1`);
    result[name] = value;
  }
  for (const name of TIMES) {
    const value = given[name] ?? 0;
    if (!(value >= 0 && value <= DELAY_MAX)) throw bad(`${name} ${value} is not a time from 0 to ${DELAY_MAX} ms`);
    result[name] = Math.round(value * MS);
  }
  if (result.jitter > result.delay) throw bad(`jitter ${given.jitter} ms is more than the delay of ${given.delay ?? 0} ms`);
  return result;
}

/** A fault port's state as it is shown. */
export function faultInfo(name: string, { seed, rx, tx }: { seed: number; rx: FaultState; tx: FaultState }): FaultInfo {
  const line = (state: FaultState): FaultLine => ({ ...state, delay: state.delay / MS, jitter: state.jitter / MS });
  return { interface: name, seed, rx: line(rx), tx: line(tx) };
}
