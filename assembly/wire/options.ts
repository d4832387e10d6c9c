// IP options (RFC 791, 3.1; RFC 1812, 4.2.2.1): what can be wrong with them, and what a router writes into them.
//
//   record route  +------+--------+---------+---------------- - -    timestamp  +------+--------+---------+-----------------+-------- - -
//                 |    7 | length | pointer | addresses              |   68 | length | pointer | overflow | flag | entries
//                 +------+--------+---------+---------------- - -               +------+--------+---------+-----------------+-------- - -
//
// A pointer counts from 1, the option's first byte, to the next free byte; beyond the length: no room is left.

import { IP4_HEADER, setHeaderChecksum } from "./ipv4";

const END: u32 = 0;
const NO_OPERATION: u32 = 1;
const RECORD_ROUTE: u32 = 7;
const TIMESTAMP: u32 = 68;
const LOOSE_ROUTE: u32 = 131;
const ROUTER_ALERT: u32 = 148;
const STRICT_ROUTE: u32 = 137;

// Flags of a timestamp option
const TIMES: u32 = 0;
const ADDRESSES_AND_TIMES: u32 = 1;
const ASKED_ADDRESSES: u32 = 3;

/** Offset from the header's first byte of what is wrong with its options, the pointer of a parameter problem (RFC 792); 0: nothing. */
export function faultInOptions(header: usize, length: u32): u32 {
  let seen: u32 = 0;
  for (let at: u32 = IP4_HEADER; at < length;) {
    const option = header + at;
    const type: u32 = load<u8>(option);
    if (type == END) break;
    const size = sizeOf(option, length - at);
    if (size == 0) return at;
    // RFC 1812, 4.2.2.1 and RFC 791: each of these at most once, and one source route.
    const kind = u32(type == RECORD_ROUTE) | u32(type == TIMESTAMP) << 1 | u32(isSourceRoute(type)) << 2;
    if ((seen & kind) != 0) return at;
    seen |= kind;
    const fault = faultIn(option, type, size);
    if (fault != 0) return at + fault;
    at += size;
  }
  return 0;
}

/** Whether the sender says what way the packet is to take. */
export function hasSourceRoute(header: usize, length: u32): bool {
  return find(header, length, LOOSE_ROUTE) != 0 || find(header, length, STRICT_ROUTE) != 0;
}

// From here on the options were found right, but that is looked at no less: a node that stands between may have written there.

/** The address that a timestamp option wants the time of next; 0: none is asked for. */
export function askedAddress(header: usize, length: u32): u32 {
  const option = find(header, length, TIMESTAMP);
  if (option == 0 || flagOf(option) != ASKED_ADDRESSES || !hasRoom(option, 8)) return 0;
  return load<u32>(freeAt(option));
}

/**
 * Writes the router into record route and timestamp options: `route` is its address on the way on (0: it has none), `arrival` that on the
 * way in, `time` ms since midnight UT, `own` whether askedAddress is its own. What has no room for a time counts it, if `overflow`.
 */
export function registerInOptions(header: usize, length: u32, route: u32, arrival: u32, time: u32, own: bool, overflow: bool): void {
  const record = find(header, length, RECORD_ROUTE);
  if (record != 0 && route != 0 && hasRoom(record, 4)) put(record, route);
  const stamp = find(header, length, TIMESTAMP);
  if (stamp != 0) stampTime(stamp, arrival, bswap<u32>(time), own, overflow);
  setHeaderChecksum(header, length);
}

/**
 * Leaves of the options only those that an answer repeats: record route and timestamp (RFC 1122, 3.2.2.6). Gives the header's new length; its
 * length field and checksum are the caller's.
 */
export function keepForReply(header: usize, length: u32): u32 {
  let end: u32 = IP4_HEADER;
  for (let at: u32 = IP4_HEADER; at < length;) {
    const type: u32 = load<u8>(header + at);
    const size: u32 = type == END ? 0 : sizeOf(header + at, length - at);
    if (size == 0) break;
    if (type == RECORD_ROUTE || type == TIMESTAMP) {
      for (let i: u32 = 0; i < size; i++) store<u8>(header + end + i, load<u8>(header + at + i));
      end += size;
    }
    at += size;
  }
  for (; (end & 3) != 0; end++) store<u8>(header + end, END);
  return end;
}

function faultIn(option: usize, type: u32, size: u32): u32 {
  if (type == ROUTER_ALERT) return u32(size < 4); // RFC 2113, 2.1
  const least: u32 = type == TIMESTAMP ? 4 : 3;
  if (type != RECORD_ROUTE && type != TIMESTAMP && !isSourceRoute(type)) return 0;
  if (size < least) return 1;
  if (<u32>load<u8>(option, 2) <= least) return 2;
  if (isSourceRoute(type)) return 0;
  // RFC 791: some room, but not enough for a whole entry, is an error.
  const paired = type == TIMESTAMP && (flagOf(option) == ADDRESSES_AND_TIMES || flagOf(option) == ASKED_ADDRESSES);
  if (<u32>load<u8>(option, 2) <= size) return hasRoom(option, paired ? 8 : 4) ? 0 : 2;
  // RFC 791: so is an overflow count that overflows; where addresses are asked for nobody else's time is missing.
  return u32(type == TIMESTAMP && flagOf(option) != ASKED_ADDRESSES && <u32>load<u8>(option, 3) >= 0xf0) * 3;
}

function stampTime(option: usize, arrival: u32, time: u32, own: bool, overflow: bool): void {
  const flag = flagOf(option);
  if (flag == TIMES && hasRoom(option, 4)) put(option, time);
  else if (hasRoom(option, 8) && (flag == ADDRESSES_AND_TIMES || (flag == ASKED_ADDRESSES && own))) {
    put(option, flag == ASKED_ADDRESSES ? load<u32>(freeAt(option)) : arrival);
    put(option, time);
  } else if (overflow && flag != ASKED_ADDRESSES && load<u8>(option, 2) > load<u8>(option, 1) && <u32>load<u8>(option, 3) < 0xf0) {
    store<u8>(option, load<u8>(option, 3) + 16, 3);
  }
}

/** The first option of this type; 0: none. At least its first four bytes are there. */
function find(header: usize, length: u32, type: u32): usize {
  for (let at: u32 = IP4_HEADER; at < length;) {
    const option = header + at;
    const size: u32 = load<u8>(option) == END ? 0 : sizeOf(option, length - at);
    if (size == 0) break;
    if (load<u8>(option) == type) return size >= 4 || isSourceRoute(type) ? option : 0;
    at += size;
  }
  return 0;
}

/** Bytes of an option of which `left` at most can be there; 0: it says something else. */
function sizeOf(option: usize, left: u32): u32 {
  if (load<u8>(option) == NO_OPERATION) return 1;
  const size: u32 = left < 2 ? 0 : load<u8>(option, 1);
  return size < 2 || size > left ? 0 : size;
}

// @ts-ignore: decorator
@inline
function isSourceRoute(type: u32): bool { return type == LOOSE_ROUTE || type == STRICT_ROUTE; }

// @ts-ignore: decorator
@inline
function flagOf(timestamp: usize): u32 { return load<u8>(timestamp, 3) & 15; }

/** Whether `bytes` more fit in: behind type, length and pointer, and before the end. */
function hasRoom(option: usize, bytes: u32): bool {
  const pointer: u32 = load<u8>(option, 2);
  return pointer >= 4 && pointer + bytes <= <u32>load<u8>(option, 1) + 1;
}

// @ts-ignore: decorator
@inline
function freeAt(option: usize): usize { return option + <usize>load<u8>(option, 2) - 1; }

/** Writes one word, for which there is room, to where the pointer says. */
function put(option: usize, word: u32): void {
  store<u32>(freeAt(option), word);
  store<u8>(option, load<u8>(option, 2) + 4, 2);
}
