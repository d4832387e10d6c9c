// Longest prefix match (RFC 1812, 5.2.4.3): gives each packet its adjacency, which says where it goes; of several paths the one that
// its flow takes. A packet that goes back to the link it came from may be answered with a redirect beside being sent on.

import { ADJ_NO_ROUTE, FIB_DEEP, LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_PATHS, LOOKUP_NEXT_REWRITE, LOOKUP_NEXT_UNREACHABLE } from "../abi";
import { adjacency, lengthHere, packetAt, requestIcmp, rxInterface, setAdjacency, setTxInterface } from "../sdk/buffer";
import { now } from "../sdk/imports";
import { pathOf } from "../sdk/paths";
import { concernsSender, mayTell } from "../sdk/redirect";
import { adjacencyAt, adjacencyIcmpCode, adjacencyNext, adjacencyNextHop, adjacencyTxInterface, fibInPly, fibRoot } from "../sdk/tables";
import { bufferAt, copyTo, count, nextAt, setNext, state } from "../sdk/vector";
import { CODE_REDIRECT_HOST, ICMP_REDIRECT, ICMP_UNREACHABLE } from "../wire/icmp";
import { destination, source } from "../wire/ipv4";

const NO_ROUTE: u32 = 0;
const UNREACHABLE: u32 = 1;
const ROUTE_DROPS: u32 = 2;
const REDIRECT: u32 = 3;
const REDIRECT_LIMITED: u32 = 4;

const NEXT_ICMP_ERROR: u32 = LOOKUP_NEXT_UNREACHABLE;

export function ip4Lookup(node: usize, frame: usize, n: u32): void {
  // In a loop that does nothing else the processor fetches the root's entries for many packets at once from where a large FIB lies: far away.
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, fibRoot(destination(packetAt(bufferAt(frame, i)))));
  let others: u32 = 0;
  for (let i: u32 = 0; i < n; i++) others |= route(frame, i);
  if (others != 0) for (let i: u32 = 0; i < n; i++) setNext(frame, i, routeOther(node, bufferAt(frame, i)));
}

/** Finds the adjacency; not 0: it is not simply to a known neighbour by another interface. Without a call the loop is a third faster. */
// @ts-ignore: decorator
@inline
function route(frame: usize, i: u32): u32 {
  const buffer = bufferAt(frame, i);
  let index = nextAt(frame, i);
  if (index >= <u32>FIB_DEEP) index = fibInPly(index, destination(packetAt(buffer)));
  const entry = adjacencyAt(index);
  const tx = adjacencyTxInterface(entry);
  setAdjacency(buffer, index);
  setTxInterface(buffer, tx);
  setNext(frame, i, LOOKUP_NEXT_REWRITE);
  return (adjacencyNext(entry) ^ LOOKUP_NEXT_REWRITE) | u32(tx == rxInterface(buffer));
}

/** All but packets to a known neighbour by another interface. */
function routeOther(node: usize, buffer: usize): u32 {
  let index = adjacency(buffer);
  let entry = adjacencyAt(index);
  let next = adjacencyNext(entry);
  if (next == LOOKUP_NEXT_PATHS) {
    index = pathOf(entry, packetAt(buffer), lengthHere(buffer));
    entry = adjacencyAt(index);
    setAdjacency(buffer, index);
    setTxInterface(buffer, adjacencyTxInterface(entry));
    next = adjacencyNext(entry);
  }
  if (next == LOOKUP_NEXT_REWRITE || next == LOOKUP_NEXT_GLEAN) {
    return adjacencyTxInterface(entry) == rxInterface(buffer) ? turnBack(node, buffer, entry, next) : next;
  }
  if (next == LOOKUP_NEXT_DROP) count(node, ROUTE_DROPS);
  else if (next == LOOKUP_NEXT_UNREACHABLE) {
    requestIcmp(buffer, ICMP_UNREACHABLE, adjacencyIcmpCode(entry));
    count(node, index == ADJ_NO_ROUTE ? NO_ROUTE : UNREACHABLE);
  }
  return next;
}

/** RFC 1812, 5.2.7.2: the packet is sent on all the same; a copy becomes the redirect, with the better next hop in its second word. */
function turnBack(node: usize, buffer: usize, entry: usize, next: u32): u32 {
  if (!concernsSender(buffer)) return next;
  const header = packetAt(buffer);
  if (!mayTell(state(node), source(header), now() / 1e6)) {
    count(node, REDIRECT_LIMITED);
    return next;
  }
  const hop = adjacencyNextHop(entry);
  requestIcmp(buffer, ICMP_REDIRECT, CODE_REDIRECT_HOST, bswap<u32>(hop == 0 ? destination(header) : hop));
  count(node, REDIRECT);
  return copyTo(next, NEXT_ICMP_ERROR);
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-lookup",
  process: "ip4Lookup",
  next: ["error-drop", "ip4-rewrite", "ip4-local", "ip4-glean", "ip4-icmp-error"],
  counters: ["no route", "route says unreachable", "route says drop", "redirect", "redirect withheld: its rate is limited"],
  state: 4096,
  trace: { layer: "ip4", packet: ["adjacency", "tx-interface"] },
});
