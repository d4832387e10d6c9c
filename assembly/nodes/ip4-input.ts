// Checks an IPv4 header before anything else believes it (RFC 1812, 5.2.2), refuses addresses that must
// not be seen on a wire (5.3.7), and cuts off the padding of short frames. Options are checked here too, so that all packets
// go one way past the nodes that are inserted behind; ip4-rewrite and icmp4-input, which know where a packet goes, do what they ask for.

import { B_FLAG_L3_GOOD, B_FLAG_LINK_BROADCAST, B_FLAG_OPTIONS, LOOKUP_NEXT_LOCAL } from "../abi";
import { flags, lengthHere, lengthTotal, packetAt, truncate, requestIcmp, setFlags } from "../sdk/buffer";
import { areOrdinary, isOrdinary } from "../sdk/ordinary-ip4";
import { adjacencyAt, fibLookup, isBroadcastAdjacency, adjacencyNext, mayBeOwn } from "../sdk/tables";
import { ODD, bufferAt, drop, nextAt, setFourNext, setNext, count } from "../sdk/vector";
import { SUM_INTACT } from "../wire/checksum";
import { ICMP_PARAMETER_PROBLEM } from "../wire/icmp";
import {
  IP4_BROADCAST, IP4_HEADER, destination, headerLength, headerSum, isMulticast, isPlain, isUnicast, source, totalLength, version,
} from "../wire/ipv4";
import { faultInOptions, hasSourceRoute } from "../wire/options";

const NEXT_LOOKUP: u32 = 1;
const NEXT_ICMP_ERROR: u32 = 2;

const TOO_SHORT: u32 = 0;
const BAD_VERSION: u32 = 1;
const BAD_HEADER_LENGTH: u32 = 2;
const BAD_TOTAL_LENGTH: u32 = 3;
const TRUNCATED: u32 = 4;
const BAD_CHECKSUM: u32 = 5;
const BAD_SOURCE: u32 = 6;
const BAD_DESTINATION: u32 = 7;
const MULTICAST: u32 = 8;
const LINK_BROADCAST: u32 = 9;
const OWN_SOURCE: u32 = 10;
const BAD_OPTIONS: u32 = 11;
const SOURCE_ROUTE: u32 = 12;

export function ip4Input(node: usize, frame: usize, n: u32): void {
  let slots: u32 = NEXT_LOOKUP;
  for (let i: u32 = 0; i < n; ) {
    if (i + 4 <= n && areOrdinary(frame + (<usize>i << 2))) {
      setFourNext(frame, i, NEXT_LOOKUP);
      i += 4;
      continue;
    }
    for (const stop = min(i + 4, n); i < stop; i++) {
      const slot = isOrdinary(bufferAt(frame, i)) ? NEXT_LOOKUP : ODD;
      setNext(frame, i, slot);
      slots |= slot;
    }
  }
  if (slots == NEXT_LOOKUP) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, check(node, bufferAt(frame, i)));
}

function check(node: usize, buffer: usize): u32 {
  const here = lengthHere(buffer);
  if (here < IP4_HEADER) return drop(node, TOO_SHORT);
  const header = packetAt(buffer);
  return isPlain(header) ? judge(node, buffer, header, IP4_HEADER) : checkUnusual(node, buffer, header, here);
}

/** Another version, or options. */
function checkUnusual(node: usize, buffer: usize, header: usize, here: u32): u32 {
  if (version(header) != 4) return drop(node, BAD_VERSION);
  const length = headerLength(header);
  if (length < IP4_HEADER || length > here) return drop(node, BAD_HEADER_LENGTH);
  const next = judge(node, buffer, header, length);
  return next == NEXT_LOOKUP ? checkOptions(node, buffer, header, length) : next;
}

// @ts-ignore: decorator
@inline
function judge(node: usize, buffer: usize, header: usize, length: u32): u32 {
  const total = totalLength(header);
  const arrived = lengthTotal(buffer);
  if (total < length) return drop(node, BAD_TOTAL_LENGTH);
  if (total > arrived) return drop(node, TRUNCATED);
  const marks = flags(buffer);
  if ((marks & B_FLAG_L3_GOOD) == 0 && headerSum(header, length) != SUM_INTACT) return drop(node, BAD_CHECKSUM);
  // The TTL is for ip4-rewrite to judge: what is for the router itself must be taken whatever it is (RFC 1122, 3.2.1.7).
  const from = source(header);
  if (!isUnicast(from)) return drop(node, BAD_SOURCE);
  if (mayBeOwn(from) && isOurs(from)) return drop(node, OWN_SOURCE);
  const to = destination(header);
  if (!isUnicast(to) && to != IP4_BROADCAST) return drop(node, isMulticast(to) ? MULTICAST : BAD_DESTINATION);
  // RFC 1122, 3.3.6: a frame to all stations must carry a packet to all of them.
  if ((marks & B_FLAG_LINK_BROADCAST) != 0 && !isBroadcast(to)) return drop(node, LINK_BROADCAST);
  if (total != arrived) truncate(buffer, total);
  return NEXT_LOOKUP;
}

/** RFC 1812, 5.3.8 and 4.2.3.1: an address of the router's own, or a broadcast one of its networks, which cannot have sent this. */
function isOurs(address: u32): bool {
  return adjacencyNext(adjacencyAt(fibLookup(address))) == LOOKUP_NEXT_LOCAL;
}

/** RFC 1812, 4.2.2.1: malformed ones are answered. Source routes are refused, RFC 7126, 4.3 and 4.4: they lead around what protects a network. */
function checkOptions(node: usize, buffer: usize, header: usize, length: u32): u32 {
  const fault = faultInOptions(header, length);
  if (fault != 0) {
    requestIcmp(buffer, ICMP_PARAMETER_PROBLEM, 0, fault << 24);
    count(node, BAD_OPTIONS);
    return NEXT_ICMP_ERROR;
  }
  if (hasSourceRoute(header, length)) return drop(node, SOURCE_ROUTE);
  setFlags(buffer, flags(buffer) | B_FLAG_OPTIONS);
  return NEXT_LOOKUP;
}

/** Limited broadcast, or a directed one that the host marked as such. */
function isBroadcast(address: u32): bool {
  return address == IP4_BROADCAST || isBroadcastAdjacency(adjacencyAt(fibLookup(address)));
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-input",
  process: "ip4Input",
  next: ["error-drop", "ip4-lookup", "ip4-icmp-error"],
  counters: [
    "packet too short", "version not 4", "bad header length", "total length shorter than header", "shorter than total length",
    "bad header checksum", "source not unicast", "destination invalid", "destination multicast", "unicast in a link broadcast",
    "source is the router's own address or a broadcast one", "malformed options", "source route",
  ],
  trace: { layer: "ip4" },
});
