// ICMP messages to the router (RFC 792; RFC 1122, 3.2.2). An echo request becomes its reply in place.

import { B_FLAG_LOCAL, PUNT_ECHO_REPLY, PUNT_ICMP_ERROR } from "../abi";
import { clearOffloads, lengthHere, packetAt, setFlags, setPunt } from "../sdk/buffer";
import { bufferAt, drop, setNext } from "../sdk/vector";
import { SUM_INTACT, sumPacket } from "../wire/checksum";
import {
  ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_HEADER, ICMP_PARAMETER_PROBLEM, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, icmpType, makeEchoReply,
} from "../wire/icmp";
import { clearFragment, headerLength, setTtl, swapAddresses } from "../wire/ipv4";

const NEXT_LOOKUP: u32 = 1;
const NEXT_PUNT: u32 = 2;

const TOO_SHORT: u32 = 0;
const BAD_CHECKSUM: u32 = 1;
const UNKNOWN_TYPE: u32 = 2;

const REPLY_TTL: u32 = 64;

export function icmp4Input(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, receive(node, bufferAt(frame, i)));
}

function receive(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  if (lengthHere(buffer) < skip + ICMP_HEADER) return drop(node, TOO_SHORT);
  if (sumPacket(buffer, skip) != SUM_INTACT) return drop(node, BAD_CHECKSUM);
  const message = header + skip;
  const type = icmpType(message);
  if (type == ICMP_ECHO_REQUEST) return reply(buffer, header, message);
  if (type == ICMP_ECHO_REPLY) return punt(buffer, PUNT_ECHO_REPLY);
  if (type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM) return punt(buffer, PUNT_ICMP_ERROR);
  return drop(node, UNKNOWN_TYPE);
}

/** RFC 1122, 3.2.2.6: same data and identifiers, addresses exchanged, the type of service kept (3.2.1.6). */
function reply(buffer: usize, header: usize, message: usize): u32 {
  makeEchoReply(message);
  swapAddresses(header);
  clearFragment(header); // the way back may have a smaller MTU
  setTtl(header, REPLY_TTL);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  return NEXT_LOOKUP;
}

function punt(buffer: usize, reason: u32): u32 {
  setPunt(buffer, reason);
  return NEXT_PUNT;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "icmp4-input",
  process: "icmp4Input",
  next: ["error-drop", "ip4-lookup", "punt"],
  counters: ["message too short", "bad checksum", "unknown type"],
});
