// Longest prefix match (RFC 1812, 5.2.4.3): gives each packet its adjacency, which says where it goes.

import { ADJ_NO_ROUTE, LOOKUP_NEXT_DROP, LOOKUP_NEXT_UNREACHABLE } from "../abi";
import { packetAt, requestIcmp, setAdjacency, setTxInterface } from "../sdk/buffer";
import { adjacencyAt, adjacencyIcmpCode, adjacencyNext, adjacencyTxInterface, fibLookup } from "../sdk/tables";
import { bufferAt, count, setNext } from "../sdk/vector";
import { ICMP_UNREACHABLE } from "../wire/icmp";
import { destination } from "../wire/ipv4";

const NO_ROUTE: u32 = 0;
const UNREACHABLE: u32 = 1;
const ROUTE_DROPS: u32 = 2;

export function ip4Lookup(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, route(node, bufferAt(frame, i)));
}

function route(node: usize, buffer: usize): u32 {
  const index = fibLookup(destination(packetAt(buffer)));
  const entry = adjacencyAt(index);
  setAdjacency(buffer, index);
  setTxInterface(buffer, adjacencyTxInterface(entry));
  const next = adjacencyNext(entry);
  if (next == LOOKUP_NEXT_DROP) count(node, ROUTE_DROPS);
  else if (next == LOOKUP_NEXT_UNREACHABLE) {
    requestIcmp(buffer, ICMP_UNREACHABLE, adjacencyIcmpCode(entry));
    count(node, index == ADJ_NO_ROUTE ? NO_ROUTE : UNREACHABLE);
  }
  return next;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-lookup",
  process: "ip4Lookup",
  next: ["error-drop", "ip4-rewrite", "ip4-local", "ip4-glean", "ip4-icmp-error"],
  counters: ["no route", "route says unreachable", "route says drop"],
  trace: { layer: "ip4", packet: ["adjacency", "tx-interface"] },
});
