// Takes what is addressed to the router itself to its protocol. Nothing listens on TCP or UDP ports:
// those are answered as a host without listeners answers them (RFC 1122, 3.2.2.1).

import { requestIcmp, adjacency, packetAt } from "../sdk/buffer";
import { adjacencyAt, isBroadcastAdjacency } from "../sdk/tables";
import { bufferAt, count, drop, setNext } from "../sdk/vector";
import { CODE_PORT_UNREACHABLE, CODE_PROTOCOL_UNREACHABLE, ICMP_UNREACHABLE } from "../wire/icmp";
import { IP4_BROADCAST, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, destination, isFragment, protocol } from "../wire/ipv4";

const NEXT_ICMP: u32 = 1;
const NEXT_ICMP_ERROR: u32 = 2;
const NEXT_REASSEMBLY: u32 = 3;

const BROADCAST: u32 = 0;
const NO_TCP: u32 = 1;
const NO_UDP: u32 = 2;
const NO_PROTOCOL: u32 = 3;

export function ip4Local(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, deliver(node, bufferAt(frame, i)));
}

function deliver(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  // RFC 1122, 3.2.2.6 allows silence to a broadcast echo request, 3.2.2 forbids errors about a broadcast.
  if (destination(header) == IP4_BROADCAST || isBroadcastAdjacency(adjacencyAt(adjacency(buffer)))) return drop(node, BROADCAST);
  if (isFragment(header)) return NEXT_REASSEMBLY; // the whole packet comes back here
  const number = protocol(header);
  if (number == PROTOCOL_ICMP) return NEXT_ICMP;
  if (number == PROTOCOL_TCP) return drop(node, NO_TCP); // the reset of RFC 9293, 3.10.7.1 is not made yet
  const udp = number == PROTOCOL_UDP;
  count(node, udp ? NO_UDP : NO_PROTOCOL);
  requestIcmp(buffer, ICMP_UNREACHABLE, udp ? CODE_PORT_UNREACHABLE : CODE_PROTOCOL_UNREACHABLE);
  return NEXT_ICMP_ERROR;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-local",
  process: "ip4Local",
  next: ["error-drop", "icmp4-input", "ip4-icmp-error", "ip4-reassembly"],
  counters: ["broadcast to the router", "no TCP listener", "no UDP listener", "unknown protocol"],
});
