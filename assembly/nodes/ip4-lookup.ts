// Longest prefix match (RFC 1812, 5.2.4.3): gives each packet its adjacency, which says where it goes.

import { ADJ_NO_ROUTE, LOOKUP_NEXT_DROP, LOOKUP_NEXT_REWRITE, LOOKUP_NEXT_UNREACHABLE } from "../abi";
import { adjacency, packetAt, requestIcmp, setAdjacency, setTxInterface } from "../sdk/buffer";
import { adjacencyAt, adjacencyIcmpCode, adjacencyNext, adjacencyTxInterface, fibLookup } from "../sdk/tables";
import { bufferAt, count, nextAt, setNext } from "../sdk/vector";
import { ICMP_UNREACHABLE } from "../wire/icmp";
import { destination } from "../wire/ipv4";

const NO_ROUTE: u32 = 0;
const UNREACHABLE: u32 = 1;
const ROUTE_DROPS: u32 = 2;

export function ip4Lookup(node: usize, frame: usize, n: u32): void {
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = route(bufferAt(frame, i));
    setNext(frame, i, slot);
    slots |= slot;
  }
  if (slots == LOOKUP_NEXT_REWRITE) return;
  for (let i: u32 = 0; i < n; i++) account(node, bufferAt(frame, i), nextAt(frame, i));
}

// @ts-ignore: decorator
@inline
function route(buffer: usize): u32 {
  const index = fibLookup(destination(packetAt(buffer)));
  const entry = adjacencyAt(index);
  setAdjacency(buffer, index);
  setTxInterface(buffer, adjacencyTxInterface(entry));
  return adjacencyNext(entry);
}

function account(node: usize, buffer: usize, next: u32): void {
  const index = adjacency(buffer);
  const entry = adjacencyAt(index);
  if (next == LOOKUP_NEXT_DROP) count(node, ROUTE_DROPS);
  else if (next == LOOKUP_NEXT_UNREACHABLE) {
    requestIcmp(buffer, ICMP_UNREACHABLE, adjacencyIcmpCode(entry));
    count(node, index == ADJ_NO_ROUTE ? NO_ROUTE : UNREACHABLE);
  }
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-lookup",
  process: "ip4Lookup",
  next: ["error-drop", "ip4-rewrite", "ip4-local", "ip4-glean", "ip4-icmp-error"],
  counters: ["no route", "route says unreachable", "route says drop"],
  trace: { layer: "ip4", packet: ["adjacency", "tx-interface"] },
});
