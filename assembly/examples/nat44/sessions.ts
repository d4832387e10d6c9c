// The sessions. One belongs to an inside endpoint, whatever it talks to (RFC 4787, REQ-1: endpoint-independent mapping), and is found by
// either of its ends. Ports are as they lie in a packet, an ICMP identifier is one of them; times are seconds of weft.now().
//
// A session, one row of the state table that the declaration describes:
//
//   0          1       2     4           8            10             12        16        24      31
//   +----------+-------+-----+-----------+------------+--------------+---------+---------+--------+
//   | protocol | state |  0  | inside    | inside     | outside port | expires | packets | bytes  |
//   | 0: free  |       |     | address   | port       |              |         |         |        |
//   +----------+-------+-----+-----------+------------+--------------+---------+---------+--------+
//
// Of a free row, the word at 4 is the next free one (place + 1). Two open hash tables lead to the rows: an entry is 16 bits of the key's
// hash, 16 of the row's place + 1. It stands within WINDOW entries from where its hash points, so that a search costs at most that many
// looks and taking one out moves nothing.

import { NODE_STATE } from "../../abi";
import { PROTOCOL_TCP } from "../../wire/ipv4";
import { firstPort, lastPort, timeout } from "./configuration";

const SESSIONS: u32 = 16384;
const ROW_SIZE: usize = 32;
const ENTRIES: u32 = 32768;
/** At a table half full the fullest place takes about 20. */
const WINDOW: u32 = 32;

// The state
const FRESH: usize = NODE_STATE; // u32, rows that have ever been used
const FREE: usize = NODE_STATE + 4; // u32, first free row among them (place + 1)
const LIVE: usize = NODE_STATE + 8; // u32, sessions
const HAND: usize = NODE_STATE + 12; // u32, row that the sweep looks at next
const TURN: usize = NODE_STATE + 16; // u32, ports given out where the sender's own was taken
const SEED: usize = NODE_STATE + 20; // u32, so that nobody outside can choose keys that meet in one place
const ROWS: usize = NODE_STATE + 64;
const BY_INSIDE: usize = ROWS + <usize>SESSIONS * ROW_SIZE;
const BY_OUTSIDE: usize = BY_INSIDE + <usize>ENTRIES * 4;
export const SESSIONS_END: usize = BY_OUTSIDE + <usize>ENTRIES * 4;

const ROW_PROTOCOL: usize = 0;
const ROW_STATE: usize = 1;
const ROW_ADDRESS: usize = 4;
const ROW_PORT: usize = 8;
const ROW_OUTSIDE: usize = 10;
const ROW_EXPIRES: usize = 12;
const ROW_PACKETS: usize = 16;
const ROW_BYTES: usize = 24;

// Bits of a TCP session's state
const ANSWERED: u32 = 1; // a packet came from the outside
const ESTABLISHED: u32 = 2; // and after that one from the inside without SYN
const FIN_INSIDE: u32 = 4;
const FIN_OUTSIDE: u32 = 8;
const CLOSED: u32 = FIN_INSIDE | FIN_OUTSIDE;
// Bits of the TCP header's byte 13
const TCP_FIN: u32 = 1;
const TCP_SYN: u32 = 2;
const TCP_RST: u32 = 4;

/** Free ports looked for in one packet's time. */
const PORTS_TRIED: u32 = 64;

// @ts-ignore: decorator
@inline
export function insideAddress(session: usize): u32 { return load<u32>(session, ROW_ADDRESS); }

// @ts-ignore: decorator
@inline
export function insidePort(session: usize): u32 { return load<u16>(session, ROW_PORT); }

// @ts-ignore: decorator
@inline
export function outsidePort(session: usize): u32 { return load<u16>(session, ROW_OUTSIDE); }

// @ts-ignore: decorator
@inline
export function liveSessions(node: usize): u32 { return load<u32>(node, LIVE); }

/** Gives a state that is new a seed. */
export function seed(node: usize, value: u32): void {
  if (load<u32>(node, SEED) == 0) store<u32>(node, value | 1, SEED);
}

/** The session of an inside endpoint; 0: none. */
export function findInside(node: usize, protocol: u32, address: u32, port: u32, time: u32): usize {
  const hash = hashInside(node, protocol, address, port);
  for (let i: u32 = 0; i < WINDOW; i++) {
    const row = candidate(node, BY_INSIDE, hash, i);
    if (row == 0 || load<u32>(row, ROW_ADDRESS) != address || <u32>load<u16>(row, ROW_PORT) != port) continue;
    if (<u32>load<u8>(row, ROW_PROTOCOL) == protocol) return unlessExpired(node, row, time);
  }
  return 0;
}

/** The session that has a port of the NAT's address; 0: none. */
export function findOutside(node: usize, protocol: u32, port: u32, time: u32): usize {
  const hash = hashOutside(node, protocol, port);
  for (let i: u32 = 0; i < WINDOW; i++) {
    const row = candidate(node, BY_OUTSIDE, hash, i);
    if (row == 0 || <u32>load<u16>(row, ROW_OUTSIDE) != port) continue;
    if (<u32>load<u8>(row, ROW_PROTOCOL) == protocol) return unlessExpired(node, row, time);
  }
  return 0;
}

/** A port for a new session: its own where that is free and in the range (as Linux has it), else the next one that is; 0: none was found. */
export function choosePort(node: usize, protocol: u32, own: u32, time: u32): u32 {
  const first = firstPort(node);
  const count = lastPort(node) - first + 1;
  if (<u32>bswap<u16>(<u16>own) - first < count && findOutside(node, protocol, own, time) == 0) return own;
  let turn = load<u32>(node, TURN);
  for (let tried = min(count, PORTS_TRIED); tried > 0; tried--) {
    const port: u32 = bswap<u16>(<u16>(first + turn++ % count));
    if (findOutside(node, protocol, port, time) != 0) continue;
    store<u32>(node, turn, TURN);
    return port;
  }
  store<u32>(node, turn, TURN); // the next packet looks further
  return 0;
}

/** Makes a session; 0: no row is free. */
export function open(node: usize, protocol: u32, address: u32, port: u32, outside: u32): usize {
  const place = takeRow(node);
  if (place == 0) return 0;
  const row = rowAt(node, place);
  store<u64>(row, 0);
  store<u8>(row, <u8>protocol, ROW_PROTOCOL);
  store<u32>(row, address, ROW_ADDRESS);
  store<u16>(row, <u16>port, ROW_PORT);
  store<u16>(row, <u16>outside, ROW_OUTSIDE);
  store<u64>(row, 0, ROW_PACKETS);
  store<u64>(row, 0, ROW_BYTES);
  store<u32>(node, load<u32>(node, LIVE) + 1, LIVE);
  const entered = enter(node, BY_INSIDE, hashInside(node, protocol, address, port), place);
  if (entered && enter(node, BY_OUTSIDE, hashOutside(node, protocol, outside), place)) return row;
  close(node, row);
  return 0;
}

/** Keeps a session for a packet that belongs to it. Both directions keep it, as in Linux: RFC 4787, REQ-6, asks it of the outward one. */
export function refresh(node: usize, session: usize, time: u32, outwards: bool, transport: usize, length: u32): void {
  const protocol: u32 = load<u8>(session, ROW_PROTOCOL);
  const established = protocol == PROTOCOL_TCP && follow(session, outwards, load<u8>(transport, 13));
  store<u32>(session, time + timeout(node, protocol, established), ROW_EXPIRES);
  store<u64>(session, load<u64>(session, ROW_PACKETS) + 1, ROW_PACKETS);
  store<u64>(session, load<u64>(session, ROW_BYTES) + length, ROW_BYTES);
}

/**
 * Follows a TCP connection (RFC 5382, REQ-5); true while it is established. Where an endpoint has several, they share one state and end with
 * the first of them: then the others must not be silent for longer than the transitory timeout.
 */
function follow(session: usize, outwards: bool, flags: u32): bool {
  let state: u32 = load<u8>(session, ROW_STATE);
  if ((flags & TCP_SYN) != 0 && (state & CLOSED) == CLOSED) state = 0; // the next connection
  if ((flags & TCP_RST) != 0) state |= CLOSED;
  else if (!outwards) state |= ANSWERED;
  else if ((flags & TCP_SYN) == 0 && (state & ANSWERED) != 0) state |= ESTABLISHED;
  if ((flags & TCP_FIN) != 0) state |= outwards ? FIN_INSIDE : FIN_OUTSIDE;
  store<u8>(session, <u8>state, ROW_STATE);
  return (state & ESTABLISHED) != 0 && (state & CLOSED) != CLOSED;
}

/** Ends sessions that have expired among the next `rows` rows. */
export function sweep(node: usize, time: u32, rows: u32): void {
  const fresh = load<u32>(node, FRESH);
  let hand = load<u32>(node, HAND);
  for (let left = min(rows, fresh); left > 0; left--) {
    if (hand >= fresh) hand = 0;
    const row = rowAt(node, ++hand);
    if (load<u8>(row, ROW_PROTOCOL) != 0) unlessExpired(node, row, time);
  }
  store<u32>(node, hand, HAND);
}

function unlessExpired(node: usize, row: usize, time: u32): usize {
  if (load<u32>(row, ROW_EXPIRES) > time) return row;
  close(node, row);
  return 0;
}

function close(node: usize, row: usize): void {
  const protocol: u32 = load<u8>(row, ROW_PROTOCOL);
  const place = <u32>((row - node - ROWS) / ROW_SIZE) + 1;
  leave(node, BY_INSIDE, hashInside(node, protocol, insideAddress(row), insidePort(row)), place);
  leave(node, BY_OUTSIDE, hashOutside(node, protocol, outsidePort(row)), place);
  store<u32>(row, 0);
  store<u32>(row, load<u32>(node, FREE), ROW_ADDRESS);
  store<u32>(node, place, FREE);
  store<u32>(node, load<u32>(node, LIVE) - 1, LIVE);
}

/** Place + 1 of a row that is free now; 0: none is. */
function takeRow(node: usize): u32 {
  const free = load<u32>(node, FREE);
  if (free != 0) {
    store<u32>(node, load<u32>(rowAt(node, free), ROW_ADDRESS), FREE);
    return free;
  }
  const fresh = load<u32>(node, FRESH);
  if (fresh == SESSIONS) return 0;
  store<u32>(node, fresh + 1, FRESH);
  return fresh + 1;
}

// @ts-ignore: decorator
@inline
function rowAt(node: usize, place: u32): usize { return node + ROWS + <usize>(place - 1) * ROW_SIZE; }

// @ts-ignore: decorator
@inline
function entryAt(node: usize, table: usize, hash: u32, i: u32): usize { return node + table + (<usize>((hash + i) % ENTRIES) << 2); }

/** The row to which the i-th entry of a hash's window leads, if the hash is the same as far as the entry tells; else 0. */
// @ts-ignore: decorator
@inline
function candidate(node: usize, table: usize, hash: u32, i: u32): usize {
  const entry = load<u32>(entryAt(node, table, hash, i));
  const place = entry & 0xffff;
  return place != 0 && entry >> 16 == hash >> 16 ? rowAt(node, place) : 0;
}

function enter(node: usize, table: usize, hash: u32, place: u32): bool {
  for (let i: u32 = 0; i < WINDOW; i++) {
    const at = entryAt(node, table, hash, i);
    if (load<u32>(at) != 0) continue;
    store<u32>(at, (hash & 0xffff0000) | place);
    return true;
  }
  return false;
}

function leave(node: usize, table: usize, hash: u32, place: u32): void {
  for (let i: u32 = 0; i < WINDOW; i++) {
    const at = entryAt(node, table, hash, i);
    if ((load<u32>(at) & 0xffff) == place) return store<u32>(at, 0);
  }
}

function hashInside(node: usize, protocol: u32, address: u32, port: u32): u32 {
  return mix(mix(address ^ load<u32>(node, SEED)) ^ (port << 8 | protocol));
}

function hashOutside(node: usize, protocol: u32, port: u32): u32 {
  return mix((port << 8 | protocol) ^ load<u32>(node, SEED));
}

/** Every bit of the word changes about half of the result's: two multiplications by odd constants, the high bits folded in. */
function mix(word: u32): u32 {
  word = (word ^ (word >> 16)) * 0x9e3779b1;
  word = (word ^ (word >> 15)) * 0x85ebca77;
  return word ^ (word >> 16);
}
