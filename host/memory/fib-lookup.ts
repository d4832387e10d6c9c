// Longest prefix match in the FIB's trie (assembly/abi.ts draws it), as the nodes' own in assembly/sdk/tables.ts does it.

import { FIB_PLIES, FIB_PLY_ENTRIES, FIB_PLY_RANKS, FIB_ROOT } from "../../assembly/abi.js";

/** Adjacency of the longest prefix that covers an address (raw). `words`: memory from address `origin` on. */
export function fibLookup(words: Uint32Array, address: number, origin = 0): number {
  const high = ((address & 0xff) << 8) | ((address >>> 8) & 0xff);
  let entry = words[((FIB_ROOT - origin) >> 2) + high]!;
  for (const shift of [16, 24]) {
    if (entry & 1) break;
    entry = words[runAt(words, plyAt(entry, origin), (address >>> shift) & 0xff)]!;
  }
  return entry >>> 8;
}

/** First word of the ply that an entry leads to. */
export function plyAt(entry: number, origin: number): number {
  return (FIB_PLIES - origin) / 4 + (entry >>> 1) * 16;
}

/** Word that holds the entry of the run which a value is in. */
export function runAt(words: Uint32Array, ply: number, value: number): number {
  const word = value >>> 5;
  let runs = (words[ply + FIB_PLY_RANKS / 4]! >>> ((word >> 1) * 8)) & 0xff;
  if (word & 1) runs += ones(words[ply + word - 1]!);
  return ply + FIB_PLY_ENTRIES / 4 - 1 + runs + ones(words[ply + word]! & (0xffffffff >>> (31 - (value & 31))));
}

/** Whether a run begins with a value; one more than the last always does. */
export function beginsRun(words: Uint32Array, ply: number, value: number): boolean {
  return value > 255 || ((words[ply + (value >>> 5)]! >>> (value & 31)) & 1) !== 0;
}

/** Bits that are set. */
function ones(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
