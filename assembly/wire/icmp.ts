// ICMP (RFC 792): echo messages and errors share their first four bytes.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------+---------------+-------------------------------+
//   |     Type      |     Code      |           Checksum            |
//   +---------------+---------------+-------------------------------+
//   |  echo: identifier, sequence number                            |
//   |  error: unused, pointer, or unused and next-hop MTU (RFC 1191)|
//   +---------------------------------------------------------------+
//   |  echo: data; error: IP header and first bytes that caused it  |

import { sumBytes, updateChecksum } from "./checksum";

export const ICMP_HEADER: u32 = 8;
export const ICMP_ECHO_REPLY: u32 = 0;
export const ICMP_UNREACHABLE: u32 = 3;
export const ICMP_SOURCE_QUENCH: u32 = 4;
export const ICMP_REDIRECT: u32 = 5;
export const ICMP_ECHO_REQUEST: u32 = 8;
export const ICMP_TIME_EXCEEDED: u32 = 11;
export const ICMP_PARAMETER_PROBLEM: u32 = 12;
export const ICMP_TIMESTAMP: u32 = 13;
export const ICMP_TIMESTAMP_REPLY: u32 = 14;
/** Timestamp messages: the header, then when the request left, when it came, when the reply left. */
export const ICMP_TIMESTAMP_SIZE: u32 = 20;
// Codes of destination unreachable (RFC 792)
export const CODE_PROTOCOL_UNREACHABLE: u32 = 2;
export const CODE_PORT_UNREACHABLE: u32 = 3;
export const CODE_FRAGMENTATION_NEEDED: u32 = 4;
/** Code of redirect: for the host. */
export const CODE_REDIRECT_HOST: u32 = 1;
/** Code of time exceeded: TTL in transit. */
export const CODE_TTL_EXCEEDED: u32 = 0;

// @ts-ignore: decorator
@inline
export function icmpType(message: usize): u32 { return load<u8>(message); }

/** Whether messages of this type report an error, so that none may be sent about them (RFC 1122, 3.2.2). */
export function isErrorType(type: u32): bool {
  return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT || type == ICMP_TIME_EXCEEDED
    || type == ICMP_PARAMETER_PROBLEM;
}

/**
 * Turns an echo request into its reply: only the type changes (RFC 792), so the checksum is mended, not made anew. Where that gives
 * 0 it is written as -0, which always verifies: 0 does not if identifier, sequence number and data are 0 too.
 */
// @ts-ignore: decorator
@inline
export function makeEchoReply(message: usize): void {
  const before: u32 = load<u16>(message);
  const after = (before & 0xff00) | ICMP_ECHO_REPLY;
  const checksum = updateChecksum(load<u16>(message, 2), before, after);
  store<u16>(message, <u16>after);
  store<u16>(message, <u16>(checksum == 0 ? 0xffff : checksum), 2);
}

/** Turns a timestamp request into its reply (RFC 792): it came and goes at `time`, ms since midnight UT. The checksum is made anew. */
export function makeTimestampReply(message: usize, time: u32): void {
  store<u32>(message, ICMP_TIMESTAMP_REPLY); // code and checksum 0
  store<u32>(message, bswap<u32>(time), 12);
  store<u32>(message, bswap<u32>(time), 16);
  setIcmpChecksum(message, sumBytes(message, ICMP_TIMESTAMP_SIZE) ^ 0xffff);
}

/** Writes an error's header with a checksum of 0. `data` is its second word, host order. */
// @ts-ignore: decorator
@inline
export function writeErrorHeader(message: usize, typeAndCode: u32, data: u32): void {
  store<u16>(message, bswap<u16>(<u16>typeAndCode));
  store<u16>(message, 0, 2);
  store<u32>(message, bswap<u32>(data), 4);
}

// @ts-ignore: decorator
@inline
export function setIcmpChecksum(message: usize, checksum: u32): void { store<u16>(message, <u16>checksum, 2); }
