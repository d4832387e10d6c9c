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

/** Prefix i is networks[i]/lengths[i], its network in host order. */
export interface Prefixes {
  networks: Uint32Array;
  lengths: Uint8Array;
}

/** `count` different prefixes of unicast space, in random order; what rounding leaves is of /24. */
export function internet(count: number): Prefixes {
  const next = random(2463534242);
  const total = THOUSANDS.reduce((sum, [, thousands]) => sum + thousands, 0);
  const wanted = new Map(THOUSANDS.map(([length, thousands]) => [length, Math.round((thousands * count) / total)]));
  wanted.set(24, wanted.get(24)! + count - [...wanted.values()].reduce((sum, one) => sum + one, 0));
  const [networks, lengths] = [new Uint32Array(count), new Uint8Array(count)];
  let made = 0;
  for (const [length, many] of wanted) {
    const seen = new Set<number>();
    while (seen.size < many) seen.add((unicast(next) & (-1 << (32 - length))) >>> 0);
    for (const network of seen) [networks[made], lengths[made++]] = [network, length];
  }
  for (let i = count - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [networks[i], networks[j]] = [networks[j]!, networks[i]!];
    [lengths[i], lengths[j]] = [lengths[j]!, lengths[i]!];
  }
  return { networks, lengths };
}

/** `count` addresses, each within one of the prefixes. */
export function addressesIn({ networks, lengths }: Prefixes, count: number): number[] {
  const next = random(88172645);
  return Array.from({ length: count }, () => {
    const i = next() % networks.length;
    return lengths[i] === 32 ? networks[i]! : (networks[i]! | (next() >>> lengths[i]!)) >>> 0;
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
