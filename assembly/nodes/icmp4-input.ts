// ICMP messages to the router (RFC 792; RFC 1122, 3.2.2). An echo or timestamp request becomes its reply in place.

import { B_DATA, B_FLAG_LOCAL, PUNT_ECHO_REPLY, PUNT_ICMP_ERROR } from "../abi";
import { advance, clearOffloads, lengthHere, packetAt, setFlags, setPunt, truncate } from "../sdk/buffer";
import { timeOfDay } from "../sdk/icmp-limits";
import { now } from "../sdk/imports";
import { isOwn } from "../sdk/tables";
import { ODD, bufferAt, drop, nextAt, setNext } from "../sdk/vector";
import { SUM_INTACT, fold, sumPacket, sumWords } from "../wire/checksum";
import {
  ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_HEADER, ICMP_PARAMETER_PROBLEM, ICMP_TIMESTAMP, ICMP_TIMESTAMP_SIZE, ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE, icmpType, makeEchoReply, makeTimestampReply,
} from "../wire/icmp";
import {
  IP4_HEADER, destination, headerLength, isPlain, setHeaderChecksum, setLengths, totalLength, turnAround,
} from "../wire/ipv4";
import { askedAddress, keepForReply, registerInOptions } from "../wire/options";

const NEXT_LOOKUP: u32 = 1;
const NEXT_PUNT: u32 = 2;

const TOO_SHORT: u32 = 0;
const BAD_CHECKSUM: u32 = 1;
const UNKNOWN_TYPE: u32 = 2;

const REPLY_TTL: u32 = 64;

export function icmp4Input(node: usize, frame: usize, n: u32): void {
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = answerEcho(bufferAt(frame, i));
    setNext(frame, i, slot);
    slots |= slot;
  }
  if (slots == NEXT_LOOKUP) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, receive(node, bufferAt(frame, i)));
}

/** A sound echo request without options, in one buffer, becomes its reply: what receive() does, in one piece. */
// @ts-ignore: decorator
@inline
function answerEcho(buffer: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA); // data, here, total
  const here = <u32>lengths >> 16;
  if (here != <u32>(lengths >> 32)) return ODD;
  if (here < IP4_HEADER + ICMP_HEADER) return ODD;
  const header = buffer + <usize>(lengths & 0xffff);
  if (!isPlain(header)) return ODD;
  const message = header + IP4_HEADER;
  if (icmpType(message) != ICMP_ECHO_REQUEST) return ODD;
  if (fold(sumWords(message, here - IP4_HEADER)) != SUM_INTACT) return ODD;
  makeEchoReply(message);
  turnAround(header, REPLY_TTL);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  return NEXT_LOOKUP;
}

function receive(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  if (skip < IP4_HEADER || lengthHere(buffer) < skip + ICMP_HEADER) return drop(node, TOO_SHORT); // a node that stands between may have written there
  if (sumPacket(buffer, skip) != SUM_INTACT) return drop(node, BAD_CHECKSUM);
  const message = header + skip;
  const type = icmpType(message);
  if (type == ICMP_ECHO_REQUEST) {
    makeEchoReply(message);
    return reply(buffer, header, skip);
  }
  if (type == ICMP_TIMESTAMP) return replyWithTime(node, buffer, header, skip);
  if (type == ICMP_ECHO_REPLY) return punt(buffer, PUNT_ECHO_REPLY);
  if (type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM) return punt(buffer, PUNT_ICMP_ERROR);
  return drop(node, UNKNOWN_TYPE);
}

/** RFC 1122, 3.2.2.6: same data and identifiers, addresses exchanged, the type of service kept (3.2.1.6). */
function reply(buffer: usize, header: usize, length: u32): u32 {
  if (length != IP4_HEADER) header = replyOptions(buffer, header, length);
  turnAround(header, REPLY_TTL);
  clearOffloads(buffer);
  setFlags(buffer, B_FLAG_LOCAL);
  return NEXT_LOOKUP;
}

/** RFC 1812, 4.3.3.8: a router may answer; what is behind the three times is no part of the message. */
function replyWithTime(node: usize, buffer: usize, header: usize, length: u32): u32 {
  if (lengthHere(buffer) < length + ICMP_TIMESTAMP_SIZE) return drop(node, TOO_SHORT);
  makeTimestampReply(header + length, timeOfDay(now()));
  truncate(buffer, length + ICMP_TIMESTAMP_SIZE);
  setLengths(header, length, length + ICMP_TIMESTAMP_SIZE);
  setHeaderChecksum(header, length);
  return reply(buffer, header, length);
}

/**
 * RFC 1812, 4.3.3.6: the router registers when the request comes and when the reply goes; other options say nothing about the reply. Gives
 * the header's new place: it becomes shorter at its front.
 */
function replyOptions(buffer: usize, header: usize, length: u32): usize {
  const own = destination(header);
  const time = timeOfDay(now());
  registerInOptions(header, length, own, own, time, isAskedOfUs(header, length), true);
  const kept = keepForReply(header, length);
  setLengths(header, kept, totalLength(header) - (length - kept));
  registerInOptions(header, kept, own, own, time, isAskedOfUs(header, kept), false); // the same module is not missing twice
  const step = length - kept;
  if (step != 0) for (let i = kept; i > 0; i -= 4) store<u32>(header + step + i - 4, load<u32>(header + i - 4));
  advance(buffer, step);
  return header + step;
}

function isAskedOfUs(header: usize, length: u32): bool {
  const asked = askedAddress(header, length);
  return asked != 0 && isOwn(asked);
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
  trace: { layer: "ip4" },
});
