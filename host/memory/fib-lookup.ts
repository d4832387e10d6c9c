// Longest prefix match in the FIB that assembly/abi.ts draws, as the nodes' own in assembly/sdk/tables.ts does it.

import { FIB_DEEP, FIB_PLY_ENTRIES, FIB_PLY_PLACES, FIB_PLY_RANKS, FIB_ROOT } from "../../assembly/abi.js";

/** Adjacency of the longest prefix that covers an address (raw). `words`: memory from address `origin` on. */
export function fibLookup(words: Uint32Array, address: number, origin = 0): number {
  const first24 = ((address & 0xff) << 16) | (address & 0xff00) | ((address >>> 16) & 0xff);
  const entry = half(words, FIB_ROOT - origin + first24 * 2);
  if (entry < FIB_DEEP) return entry;
  const ply = words[(FIB_PLY_PLACES - origin) / 4 + (entry - FIB_DEEP)]! - origin;
  return half(words, runAt(words, ply, address >>> 24));
}

/** Where the entry of the run is which a value is in. Places in bytes from where the words begin. */
function runAt(words: Uint32Array, ply: number, value: number): number {
  const [first, word] = [ply / 4, value >>> 5];
  let runs = (words[first + FIB_PLY_RANKS / 4]! >>> ((word >> 1) * 8)) & 0xff;
  if (word & 1) runs += ones(words[first + word - 1]!);
  return ply + FIB_PLY_ENTRIES - 2 + 2 * (runs + ones(words[first + word]! & (0xffffffff >>> (31 - (value & 31)))));
}

/** The 16 bits at a place in bytes. */
function half(words: Uint32Array, at: number): number {
  return (words[at >>> 2]! >>> ((at & 2) * 8)) & 0xffff;
}

/** Bits that are set. */
function ones(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
