// The Internet checksum (RFC 1071) and its incremental update (RFC 1624). A "sum" here is the 16-bit
// one's complement sum of little-endian words, before the final complement. It needs no byte swaps:
// the sum is the same in either byte order, only its own bytes are exchanged (RFC 1071, 2 (B)).

import { B_DATA, B_LENGTH, B_NEXT, B_TOTAL, BUFFER_SHIFT } from "../abi";

/** A sum over bytes that carry their own checksum comes to this when they are intact. */
export const SUM_INTACT: u32 = 0xffff;
/** Buffers looked at in one chain: 64 KiB need 33; a chain bent into a ring must not hang the node. */
const CHAIN_MAX: u32 = 64;

/**
 * Folds a sum of 16- or 32-bit words to 16 bits; 0 only if all words were 0. A number plus itself with its halves exchanged has
 * their sum, the carry added, in its upper half.
 */
// @ts-ignore: decorator
@inline
export function fold(sum: u64): u32 {
  const half = <u32>((sum + rotl<u64>(sum, 32)) >> 32);
  return (half + rotl<u32>(half, 16)) >> 16;
}

/** Sum over `length` bytes at any address; an odd last byte counts as if a zero followed. */
export function sumBytes(at: usize, length: u32): u32 { return fold(sumWords(at, length)); }

/** The same, not folded and without a call. */
// @ts-ignore: decorator
@inline
export function sumWords(at: usize, length: u32): u64 {
  // Four words at a time modulo 2^32, and their upper halves: that is enough to know the sum of their lower halves, which are less than 2^16 words.
  let words = i32x4.splat(0);
  let upper = i32x4.splat(0);
  let left = length;
  for (; left >= 32; left -= 32, at += 32) {
    const first = v128.load(at);
    const second = v128.load(at, 16);
    words = i32x4.add(words, i32x4.add(first, second));
    upper = i32x4.add(upper, i32x4.add(i32x4.shr_u(first, 16), i32x4.shr_u(second, 16)));
  }
  if (left >= 16) {
    const four = v128.load(at);
    words = i32x4.add(words, four);
    upper = i32x4.add(upper, i32x4.shr_u(four, 16));
    left -= 16;
    at += 16;
  }
  const halves = i32x4.add(i32x4.sub(words, i32x4.shl(upper, 16)), upper); // at most 4096 times 2 * 0xffff each
  const pairs = i32x4.add(halves, v128.shuffle<i32>(halves, halves, 2, 3, 0, 1));
  let sum = <u64>(<u32>i32x4.extract_lane(pairs, 0) + <u32>i32x4.extract_lane(pairs, 1));
  for (; left >= 4; left -= 4, at += 4) sum += <u64>load<u32>(at);
  if (left >= 2) {
    sum += <u64>load<u16>(at);
    at += 2;
  }
  if ((left & 1) != 0) sum += <u64>load<u8>(at);
  return sum;
}

/** Sum over a packet from `skip` bytes after its current layer's first byte to its end; 0, never intact, if its chain ends before. */
export function sumPacket(buffer: usize, skip: u32): u32 {
  let left = load<u32>(buffer, B_TOTAL);
  let sum: u64 = 0;
  let odd = false;
  for (let hop: u32 = 0; hop < CHAIN_MAX; hop++) {
    const here = min<u32>(load<u16>(buffer, B_LENGTH), left);
    left -= here;
    if (here > skip) {
      const part = sumBytes(buffer + <usize>load<u16>(buffer, B_DATA) + skip, here - skip);
      // After an odd number of bytes the words of this buffer straddle: exchange the bytes of its sum.
      sum += <u64>(odd ? bswap<u16>(<u16>part) : part);
      odd = odd != (((here - skip) & 1) != 0);
    }
    skip -= min<u32>(skip, here);
    const next = load<u32>(buffer, B_NEXT);
    if (left == 0 || next == 0) break;
    buffer = <usize>next << BUFFER_SHIFT;
  }
  return left == 0 ? fold(sum) : 0;
}

/** The checksum after one 16-bit word under it changed: RFC 1624, equation 3. All three as the same load finds them. */
// @ts-ignore: decorator
@inline
export function updateChecksum(checksum: u32, before: u32, after: u32): u32 {
  return fold(<u64>((checksum ^ 0xffff) + (before ^ 0xffff) + after)) ^ 0xffff;
}
