// Checks an IPv4 header before anything else believes it (RFC 1812, 5.2.2), refuses addresses that must
// not be seen on a wire (5.3.7), and cuts off the padding of short frames. Options are carried along.

import { B_FLAG_L3_GOOD, B_FLAG_LINK_BROADCAST } from "../abi";
import { flags, lengthHere, lengthTotal, packetAt, truncate } from "../sdk/buffer";
import { adjacencyAt, fibLookup, isBroadcastAdjacency } from "../sdk/tables";
import { bufferAt, drop, setNext } from "../sdk/vector";
import { SUM_INTACT } from "../wire/checksum";
import {
  IP4_BROADCAST, IP4_HEADER, destination, headerLength, headerSum, isMulticast, isPlain, isUnicast, source, totalLength, version,
} from "../wire/ipv4";

const NEXT_LOOKUP: u32 = 1;

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

export function ip4Input(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, check(node, bufferAt(frame, i)));
}

// @ts-ignore: decorator
@inline
function check(node: usize, buffer: usize): u32 {
  const here = lengthHere(buffer);
  if (here < IP4_HEADER) return drop(node, TOO_SHORT);
  const header = packetAt(buffer);
  let length = IP4_HEADER;
  if (!isPlain(header)) {
    if (version(header) != 4) return drop(node, BAD_VERSION);
    length = headerLength(header);
    if (length < IP4_HEADER || length > here) return drop(node, BAD_HEADER_LENGTH);
  }
  const total = totalLength(header);
  const arrived = lengthTotal(buffer);
  if (total < length) return drop(node, BAD_TOTAL_LENGTH);
  if (total > arrived) return drop(node, TRUNCATED);
  const marks = flags(buffer);
  if ((marks & B_FLAG_L3_GOOD) == 0 && headerSum(header, length) != SUM_INTACT) return drop(node, BAD_CHECKSUM);
  // The TTL is for ip4-rewrite to judge: what is for the router itself must be taken whatever it is (RFC 1122, 3.2.1.7).
  if (!isUnicast(source(header))) return drop(node, BAD_SOURCE);
  const to = destination(header);
  if (!isUnicast(to) && to != IP4_BROADCAST) return drop(node, isMulticast(to) ? MULTICAST : BAD_DESTINATION);
  // RFC 1122, 3.3.6: a frame to all stations must carry a packet to all of them.
  if ((marks & B_FLAG_LINK_BROADCAST) != 0 && !isBroadcast(to)) return drop(node, LINK_BROADCAST);
  if (total != arrived) truncate(buffer, total);
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
  next: ["error-drop", "ip4-lookup"],
  counters: [
    "packet too short", "version not 4", "bad header length", "total length shorter than header", "shorter than total length",
    "bad header checksum", "source not unicast", "destination invalid", "destination multicast", "unicast in a link broadcast",
  ],
  trace: { layer: "ip4" },
});
