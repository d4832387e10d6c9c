// Turns a TCP segment to the router, on which nothing listens, into the reset that says so (RFC 9293, 3.10.7.1). Anybody can have
// these sent, so they are limited like ICMP errors.

import { B_FLAG_LOCAL, NODE_STATE } from "../abi";
import { clearOffloads, isTransportGood, lengthHere, lengthTotal, packetAt, setFlags, truncate } from "../sdk/buffer";
import { mayLeave } from "../sdk/icmp-limits";
import { now } from "../sdk/imports";
import { bufferAt, drop, setNext } from "../sdk/vector";
import { SUM_INTACT, fold, sumBytes, sumPacket } from "../wire/checksum";
import {
  IP4_HEADER, PROTOCOL_TCP, destination, headerLength, pseudoSum, setDontFragment, setHeaderChecksum, source, typeOfService, writeHeader,
} from "../wire/ipv4";
import { TCP_HEADER, isReset, makeReset, setTcpChecksum, tcpHeaderLength } from "../wire/tcp";

const NEXT_LOOKUP: u32 = 1;

const MALFORMED: u32 = 0;
const BAD_CHECKSUM: u32 = 1;
const RESET: u32 = 2;
const TOO_MANY: u32 = 3;

const RESET_TTL: u32 = 64;
/** The type of service without ECN: a reset is not ECN-capable (RFC 3168, 6.1). */
const DSCP: u32 = 0xfc;

/** Its state is one bucket. */
export function ip4TcpReset(node: usize, frame: usize, n: u32): void {
  const time = now();
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, refuse(node, bufferAt(frame, i), time));
}

function refuse(node: usize, buffer: usize, time: f64): u32 {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  const length = lengthTotal(buffer) - skip;
  if (skip < IP4_HEADER || lengthHere(buffer) < skip + TCP_HEADER) return drop(node, MALFORMED); // a node that stands between may have written there
  const size = tcpHeaderLength(header + skip);
  if (size < TCP_HEADER || size > length) return drop(node, MALFORMED);
  if (!isTransportGood(buffer) && fold(<u64>(pseudoSum(header, length) + sumPacket(buffer, skip))) != SUM_INTACT) {
    return drop(node, BAD_CHECKSUM);
  }
  if (isReset(header + skip)) return drop(node, RESET);
  if (!mayLeave(node + NODE_STATE, time)) return drop(node, TOO_MANY);
  makeReset(header + skip, length - size);
  return answer(buffer, header, header + skip);
}

/** The header of an answer has no options, so it stands right before the segment only if there were none: the segment moves down. */
function answer(buffer: usize, header: usize, segment: usize): u32 {
  const tcp = header + IP4_HEADER;
  for (let i: u32 = 0; i < TCP_HEADER; i += 4) store<u32>(tcp + i, load<u32>(segment + i));
  truncate(buffer, IP4_HEADER + TCP_HEADER);
  writeHeader(header, typeOfService(header) & DSCP, IP4_HEADER + TCP_HEADER, 0, RESET_TTL, PROTOCOL_TCP, destination(header), source(header));
  setDontFragment(header); // RFC 6864: so its identification may be 0
  setHeaderChecksum(header, IP4_HEADER);
  setTcpChecksum(tcp, fold(<u64>(pseudoSum(header, TCP_HEADER) + sumBytes(tcp, TCP_HEADER))) ^ 0xffff);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  return NEXT_LOOKUP;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-tcp-reset",
  process: "ip4TcpReset",
  next: ["error-drop", "ip4-lookup"],
  counters: ["malformed segment", "bad checksum", "reset", "rate limited"],
  state: 8,
});
