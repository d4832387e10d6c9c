// Which IPv4 packets need no second look: a header without options that RFC 1812, 5.2.2 and 5.3.7 find right, and nothing behind the packet. One at
// a time, and four. Without a call, so that a loop around it keeps everything in registers.

import { B_DATA, B_FLAG_LINK_BROADCAST, OWN_ADDRESSES, OWN_HASH, OWN_SHIFT } from "../abi";
import { SUM_INTACT, fold } from "../wire/checksum";
import { IP4_HEADER } from "../wire/ipv4";
import { flags, packetAt } from "./buffer";
import { mayBeOwn } from "./tables";
import { bufferAt } from "./vector";

/** What nearly every packet is: there is nothing to say of it. */
// @ts-ignore: decorator
@inline
export function isOrdinary(buffer: usize): bool {
  const lengths = load<u64>(buffer, B_DATA);
  const header = buffer + <usize>(lengths & 0xffff);
  const arrived = <u32>(lengths >> 32);
  const first = load<u32>(header);
  if ((first & 0xff) != 0x45) return false;
  if ((<u32>lengths >> 16) != arrived) return false;
  const total = ((first >> 8) & 0xff00) | (first >> 24);
  if (total != arrived) return false;
  if (total < IP4_HEADER) return false;
  if ((flags(buffer) & B_FLAG_LINK_BROADCAST) != 0) return false;
  const from = load<u32>(header, 12);
  const to = load<u32>(header, 16);
  if (fold(<u64>first + <u64>load<u32>(header, 4) + <u64>load<u32>(header, 8) + <u64>from + <u64>to) != SUM_INTACT) return false;
  if ((from & 0xff) == 127) return false;
  if ((from & 0xff) - 1 >= 223) return false;
  if (mayBeOwn(from)) return false;
  if ((to & 0xff) == 127) return false;
  if ((to & 0xff) - 1 >= 223) return false;
  return true;
}

/**
 * Whether four packets, whose indices stand at `places` of a frame, are all isOrdinary(): the same judgement of all at once. What is row by row one
 * header's words is turned into columns, word by word all headers'; `odd` gets a bit where something is to be said of a packet. Constants are few,
 * since V8 makes each anew.
 */
// @ts-ignore: decorator
@inline
export function areOrdinary(places: usize): bool {
  const a = bufferAt(places, 0);
  const b = bufferAt(places, 1);
  const c = bufferAt(places, 2);
  const d = bufferAt(places, 3);
  const headerA = packetAt(a);
  const headerB = packetAt(b);
  const headerC = packetAt(c);
  const headerD = packetAt(d);
  // data and length, total, next, flags and state
  const rowA = v128.load(a);
  const rowB = v128.load(b);
  const rowC = v128.load(c);
  const rowD = v128.load(d);
  const marks = i32x4.extract_lane(v128.or(v128.or(rowA, rowB), v128.or(rowC, rowD)), 3);
  const lengths = evens(rowA, rowB, rowC, rowD);
  const total = odds(rowA, rowB, rowC, rowD);
  let odd = v128.xor(i32x4.shr_u(lengths, 16), total);

  const first = evens(v128.load(headerA), v128.load(headerB), v128.load(headerC), v128.load(headerD));
  const wordsA = v128.load(headerA, 4);
  const wordsB = v128.load(headerB, 4);
  const wordsC = v128.load(headerC, 4);
  const wordsD = v128.load(headerD, 4);
  const second = evens(wordsA, wordsB, wordsC, wordsD);
  const third = odds(wordsA, wordsB, wordsC, wordsD);
  const from = v128.shuffle<i64>(interleaveHigh(wordsA, wordsB), interleaveHigh(wordsC, wordsD), 0, 2);
  const to = v128.shuffle<i64>(interleaveHigh(wordsA, wordsB), interleaveHigh(wordsC, wordsD), 1, 3);

  // Total length in host order below version and header length
  const plain = i8x16.swizzle(first, i8x16(3, 2, 0, -1, 7, 6, 4, -1, 11, 10, 8, -1, 15, 14, 12, -1));
  odd = v128.or(odd, v128.xor(v128.xor(plain, total), i32x4.splat(0x450000)));
  odd = v128.or(odd, i32x4.gt_s(i32x4.splat(IP4_HEADER), total));
  odd = v128.or(odd, notIntact(first, second, third, from, to));
  const bytes = i16x8.narrow_i32x4_u(i32x4.shr_u(i32x4.shl(from, 24), 24), i32x4.shr_u(i32x4.shl(to, 24), 24));
  odd = v128.or(odd, v128.or(i16x8.eq(bytes, i16x8.splat(0)), v128.or(i16x8.eq(bytes, i16x8.splat(127)), i16x8.gt_s(bytes, i16x8.splat(223)))));
  const hash = i32x4.shr_u(i32x4.mul(from, i32x4.splat(<u32>OWN_HASH)), OWN_SHIFT);
  const own = ownMark(i32x4.extract_lane(hash, 0)) | ownMark(i32x4.extract_lane(hash, 1)) | ownMark(i32x4.extract_lane(hash, 2))
    | ownMark(i32x4.extract_lane(hash, 3));
  return (own | (marks & B_FLAG_LINK_BROADCAST) | u32(v128.any_true(odd))) == 0;
}

// @ts-ignore: decorator
@inline
function ownMark(hash: u32): u32 { return load<u8>(<usize>hash, OWN_ADDRESSES); }

/**
 * Not 0 in each column whose sum is not SUM_INTACT: ten half-words come to less than 10 * 2^16, so adding the upper half once to the lower one
 * is folding enough.
 */
// @ts-ignore: decorator
@inline
function notIntact(first: v128, second: v128, third: v128, fourth: v128, fifth: v128): v128 {
  const words = i32x4.add(i32x4.add(i32x4.add(first, second), i32x4.add(third, fourth)), fifth); // modulo 2^32
  const upper = i32x4.add(
    i32x4.add(i32x4.add(i32x4.shr_u(first, 16), i32x4.shr_u(second, 16)), i32x4.add(i32x4.shr_u(third, 16), i32x4.shr_u(fourth, 16))),
    i32x4.shr_u(fifth, 16));
  const sum = i32x4.add(i32x4.sub(words, i32x4.shl(upper, 16)), upper);
  return i32x4.shl(i32x4.sub(i32x4.add(sum, i32x4.shr_u(sum, 16)), i32x4.splat(-1)), 16);
}

/** Words 0 of four rows. */
// @ts-ignore: decorator
@inline
function evens(a: v128, b: v128, c: v128, d: v128): v128 { return v128.shuffle<i64>(interleaveLow(a, b), interleaveLow(c, d), 0, 2); }

/** Words 1. */
// @ts-ignore: decorator
@inline
function odds(a: v128, b: v128, c: v128, d: v128): v128 { return v128.shuffle<i64>(interleaveLow(a, b), interleaveLow(c, d), 1, 3); }

// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 0, 4, 1, 5); }

// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 { return v128.shuffle<i32>(a, b, 2, 6, 3, 7); }
