// IPv4 header (RFC 791, 3.1). Addresses are raw, as they lie in the packet.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------+-------+---------------+-------------------------------+
//   |Version|  IHL  |Type of service|         Total length          |
//   +-------+-------+---------------+-----+-------------------------+
//   |        Identification         |Flags|     Fragment offset     |
//   +---------------+---------------+-----+-------------------------+
//   | Time to live  |   Protocol    |        Header checksum        |
//   +---------------+---------------+-------------------------------+
//   |                        Source address                         |
//   +---------------------------------------------------------------+
//   |                      Destination address                      |
//   +---------------------------------------------------------------+

import { fold, sumBytes, updateChecksum } from "./checksum";

export const IP4_HEADER: u32 = 20;
export const IP4_BROADCAST: u32 = 0xffffffff;
export const PROTOCOL_ICMP: u32 = 1;
export const PROTOCOL_TCP: u32 = 6;
export const PROTOCOL_UDP: u32 = 17;
export const PROTOCOL_DCCP: u32 = 33;
export const PROTOCOL_SCTP: u32 = 132;
export const PROTOCOL_UDP_LITE: u32 = 136;

// @ts-ignore: decorator
@inline
export function version(header: usize): u32 { return <u32>load<u8>(header) >> 4; }

/** Header length in bytes, options included. */
// @ts-ignore: decorator
@inline
export function headerLength(header: usize): u32 { return (<u32>load<u8>(header) & 15) << 2; }

/** Version 4 and a header without options: one comparison for nearly every packet. */
// @ts-ignore: decorator
@inline
export function isPlain(header: usize): bool { return load<u8>(header) == 0x45; }

// @ts-ignore: decorator
@inline
export function totalLength(header: usize): u32 { return bswap<u16>(load<u16>(header, 2)); }

/** Writes header and total length, in bytes; the checksum stays as it is. */
export function setLengths(header: usize, length: u32, total: u32): void {
  store<u8>(header, <u8>(0x40 | length >> 2));
  store<u16>(header, bswap<u16>(<u16>total), 2);
}

/** Don't fragment. */
// @ts-ignore: decorator
@inline
export function dontFragment(header: usize): bool { return (load<u8>(header, 6) & 0x40) != 0; }

/** Leaves the checksum as it is. */
// @ts-ignore: decorator
@inline
export function setDontFragment(header: usize): void { store<u8>(header, load<u8>(header, 6) | 0x40, 6); }

/** Whether this is a part of a packet: more fragments follow, or some came before. */
// @ts-ignore: decorator
@inline
export function isFragment(header: usize): bool { return (load<u16>(header, 6) & 0xff3f) != 0; }

/** Whether the packet's first byte, and with it the next protocol's header, is elsewhere. */
// @ts-ignore: decorator
@inline
export function isLaterFragment(header: usize): bool { return (load<u16>(header, 6) & 0xff1f) != 0; }

/** Flags and fragment offset, host order. */
export const MORE_FRAGMENTS: u32 = 0x2000;
export const FRAGMENT_OFFSET: u32 = 0x1fff; // in units of 8 bytes

// @ts-ignore: decorator
@inline
export function fragmentWord(header: usize): u32 { return bswap<u16>(load<u16>(header, 6)); }

/** Writes the fields in which a fragment's header of `length` bytes differs from its packet's: total length, flags and offset, checksum. */
// @ts-ignore: decorator
@inline
export function setFragment(header: usize, length: u32, total: u32, word: u32): void {
  store<u16>(header, bswap<u16>(<u16>total), 2);
  store<u16>(header, bswap<u16>(<u16>word), 6);
  setHeaderChecksum(header, length);
}

/** Host order. */
// @ts-ignore: decorator
@inline
export function identification(header: usize): u32 { return bswap<u16>(load<u16>(header, 4)); }

/** `value` is in host order; the checksum is not mended. */
// @ts-ignore: decorator
@inline
export function setIdentification(header: usize, value: u32): void { store<u16>(header, bswap<u16>(<u16>value), 4); }

const OPTION_END: u32 = 0;
const OPTION_NO_OPERATION: u32 = 1;
const OPTION_COPIED: u32 = 0x80;

/** RFC 791, 3.1: the options that stand in a packet's first fragment only become "no operation". The checksum is not mended. */
export function blankUncopiedOptions(header: usize, length: u32): void {
  const end = header + length;
  for (let at = header + IP4_HEADER; at < end; ) {
    const kind = <u32>load<u8>(at);
    if (kind == OPTION_END) return;
    if (kind == OPTION_NO_OPERATION) {
      at++;
      continue;
    }
    if (at + 1 == end) return;
    const next = at + <usize>load<u8>(at, 1);
    if (next < at + 2 || next > end) return;
    if ((kind & OPTION_COPIED) == 0) for (; at < next; at++) store<u8>(at, OPTION_NO_OPERATION);
    at = next;
  }
}

// @ts-ignore: decorator
@inline
export function typeOfService(header: usize): u32 { return load<u8>(header, 1); }

// @ts-ignore: decorator
@inline
export function timeToLive(header: usize): u32 { return load<u8>(header, 8); }

// @ts-ignore: decorator
@inline
export function protocol(header: usize): u32 { return load<u8>(header, 9); }

// @ts-ignore: decorator
@inline
export function source(header: usize): u32 { return load<u32>(header, 12); }

// @ts-ignore: decorator
@inline
export function destination(header: usize): u32 { return load<u32>(header, 16); }

/** Sum over the header of `length` bytes: SUM_INTACT if its checksum is right. */
// @ts-ignore: decorator
@inline
export function headerSum(header: usize, length: u32): u32 {
  if (length != IP4_HEADER) return sumBytes(header, length);
  return fold(<u64>load<u32>(header) + <u64>load<u32>(header, 4) + <u64>load<u32>(header, 8) + <u64>load<u32>(header, 12)
    + <u64>load<u32>(header, 16));
}

/**
 * Takes one from the TTL, which is at least 1, and mends the checksum: RFC 1624, equation 3. As loaded, the TTL is the low byte of
 * its word m, so m' = m - 1 and HC' = ~(~HC + ~m + m') = ~(~HC - 1): HC + 1, and 2 more than 0xfffe is 0 (0xffff would be -0).
 */
// @ts-ignore: decorator
@inline
export function decrementTtl(header: usize): void {
  const word = load<u32>(header, 8); // checksum << 16 | protocol << 8 | TTL
  store<u32>(header, word + 0xffff + (u32(word >= 0xfffe0000) << 16), 8);
}

/** Makes the checksum of a header of `length` bytes anew. */
export function setHeaderChecksum(header: usize, length: u32): void {
  store<u16>(header, 0, 10);
  store<u16>(header, <u16>(headerSum(header, length) ^ 0xffff), 10);
}

/** Sum over the pseudo-header of a transport message of `length` bytes (RFC 9293, 3.1; RFC 768), not folded. */
export function pseudoSum(header: usize, length: u32): u32 {
  return sumBytes(header + 12, 8) + (protocol(header) << 8) + <u32>bswap<u16>(<u16>length);
}

/**
 * Makes a packet's header that of its answer: source and destination change places, which the checksum does not see; flags and fragment offset are
 * cleared, so that the answer may be cut up where its way has a smaller MTU; the TTL starts anew. Mends the checksum.
 */
// @ts-ignore: decorator
@inline
export function turnAround(header: usize, ttl: u32): void {
  const words = load<u64>(header, 4); // identification, flags and offset, TTL and protocol, checksum
  const flags = <u32>words >> 16;
  const before = <u32>(words >> 32) & 0xffff;
  const after = (before & 0xff00) | ttl;
  // RFC 1624, equation 3, for both words at once
  const checksum = fold((words >> 48 ^ 0xffff) + <u64>(flags ^ 0xffff) + <u64>(before ^ 0xffff) + <u64>after) ^ 0xffff;
  store<u64>(header, (words & 0xffff) | (<u64>after << 32) | (<u64>checksum << 48), 4);
  store<u64>(header, rotl<u64>(load<u64>(header, 12), 32), 12);
}

/** Writes a header without options, checksum included. `identification` is in host order. */
export function writeHeader(header: usize, tos: u32, total: u32, identification: u32, ttl: u32, protocol: u32, from: u32, to: u32): void {
  store<u8>(header, 0x45);
  store<u8>(header, <u8>tos, 1);
  store<u16>(header, bswap<u16>(<u16>total), 2);
  store<u16>(header, bswap<u16>(<u16>identification), 4);
  store<u16>(header, 0, 6);
  store<u8>(header, <u8>ttl, 8);
  store<u8>(header, <u8>protocol, 9);
  store<u32>(header, from, 12);
  store<u32>(header, to, 16);
  setHeaderChecksum(header, IP4_HEADER);
}

/** An address that one host can have: not in 0/8 or 127/8, below 224.0.0.0 (RFC 1122, 3.2.1.3). */
// @ts-ignore: decorator
@inline
export function isUnicast(address: u32): bool {
  const first = address & 0xff;
  return first - 1 < 223 && first != 127;
}

/** 224.0.0.0/4 (RFC 1112, 4). */
// @ts-ignore: decorator
@inline
export function isMulticast(address: u32): bool { return (address & 0xf0) == 0xe0; }
