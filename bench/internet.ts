// A table with as many prefixes of each length as the Internet's, and addresses within it.

import { random } from "./random.js";

/**
 * Prefixes of each length in a full IPv4 table, in thousands, rounded: as route collectors saw it in 2024 (CIDR Report, AS6447), and a few
 * longer ones such as a provider has inside.
 */
const THOUSANDS: [length: number, thousands: number][] = [
  [8, 0.016], [9, 0.013], [10, 0.04], [11, 0.1], [12, 0.3], [13, 0.6], [14, 1.2], [15, 2], [16, 13.5], [17, 8.2], [18, 13.7], [19, 25], [20, 43],
  [21, 52], [22, 110], [23, 98], [24, 620], [25, 0.9], [26, 0.9], [27, 0.7], [28, 0.7], [29, 0.7], [30, 0.7], [32, 0.6],
];

export interface Prefix {
  /** host order */
  network: number;
  length: number;
}

/** `count` different prefixes of unicast space, in random order. */
export function internet(count: number): Prefix[] {
  const next = random(2463534242);
  const total = THOUSANDS.reduce((sum, [, thousands]) => sum + thousands, 0);
  const prefixes: Prefix[] = [];
  for (const [length, thousands] of THOUSANDS) {
    const seen = new Set<number>();
    for (const wanted = Math.round((thousands * count) / total); seen.size < wanted; ) seen.add((unicast(next) & (-1 << (32 - length))) >>> 0);
    for (const network of seen) prefixes.push({ network, length });
  }
  for (let i = prefixes.length - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [prefixes[i], prefixes[j]] = [prefixes[j]!, prefixes[i]!];
  }
  return prefixes;
}

/** `count` addresses, each within one of the prefixes. */
export function addressesIn(prefixes: Prefix[], count: number): number[] {
  const next = random(88172645);
  return Array.from({ length: count }, () => {
    const { network, length } = prefixes[next() % prefixes.length]!;
    return length === 32 ? network : (network | (next() >>> length)) >>> 0;
  });
}

/** 1.0.0.0 to 223.255.255.255 without 127/8, and without the test networks of the rig. */
function unicast(next: () => number): number {
  for (;;) {
    const address = next();
    const first = address >>> 24;
    if (first > 0 && first < 224 && first !== 127 && address >>> 8 !== 0xc00002 && address >>> 8 !== 0xc63364) return address;
  }
}
