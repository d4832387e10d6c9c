// Takes what is addressed to the router itself to its protocol. Nothing listens on TCP or UDP ports:
// those are answered as a host without listeners answers them (RFC 1122, 3.2.2.1; RFC 9293, 3.10.7.1).

import { adjacency, isTransportGood, lengthHere, lengthTotal, packetAt, requestIcmp, truncate } from "../sdk/buffer";
import { adjacencyAt, isBroadcastAdjacency } from "../sdk/tables";
import { ODD, bufferAt, count, drop, nextAt, setNext } from "../sdk/vector";
import { SUM_INTACT, fold, sumPacket } from "../wire/checksum";
import { CODE_PORT_UNREACHABLE, CODE_PROTOCOL_UNREACHABLE, ICMP_UNREACHABLE } from "../wire/icmp";
import {
  IP4_BROADCAST, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, destination, headerLength, isFragment, protocol, pseudoSum,
} from "../wire/ipv4";
import { UDP_HEADER, hasNoChecksum, udpLength } from "../wire/udp";

const NEXT_ICMP: u32 = 1;
const NEXT_ICMP_ERROR: u32 = 2;
const NEXT_TCP_RESET: u32 = 3;
const NEXT_REASSEMBLY: u32 = 4;

const BROADCAST: u32 = 0;
const NO_TCP: u32 = 1;
const NO_UDP: u32 = 2;
const NO_PROTOCOL: u32 = 3;
const UDP_LENGTH: u32 = 4;
const UDP_CHECKSUM: u32 = 5;

export function ip4Local(node: usize, frame: usize, n: u32): void {
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = ordinary(bufferAt(frame, i));
    setNext(frame, i, slot);
    slots |= slot;
  }
  if (slots == NEXT_ICMP) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, deliver(node, bufferAt(frame, i)));
}

/** A whole ICMP message to an address of one host. */
// @ts-ignore: decorator
@inline
function ordinary(buffer: usize): u32 {
  const header = packetAt(buffer);
  if (protocol(header) != PROTOCOL_ICMP) return ODD;
  if (isFragment(header)) return ODD;
  if (destination(header) == IP4_BROADCAST) return ODD;
  if (isBroadcastAdjacency(adjacencyAt(adjacency(buffer)))) return ODD;
  return NEXT_ICMP;
}

function deliver(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  // RFC 1122, 3.2.2.6 allows silence to a broadcast echo request, 3.2.2 forbids errors about a broadcast.
  if (destination(header) == IP4_BROADCAST || isBroadcastAdjacency(adjacencyAt(adjacency(buffer)))) return drop(node, BROADCAST);
  if (isFragment(header)) return NEXT_REASSEMBLY; // the whole packet comes back here
  const number = protocol(header);
  if (number == PROTOCOL_ICMP) return NEXT_ICMP;
  if (number == PROTOCOL_UDP) return deliverUdp(node, buffer, header);
  count(node, number == PROTOCOL_TCP ? NO_TCP : NO_PROTOCOL);
  if (number == PROTOCOL_TCP) return NEXT_TCP_RESET;
  requestIcmp(buffer, ICMP_UNREACHABLE, CODE_PROTOCOL_UNREACHABLE);
  return NEXT_ICMP_ERROR;
}

/** RFC 1122, 4.1.3.4: a datagram with a bad checksum is silently dropped, and so is one that is not whole. */
function deliverUdp(node: usize, buffer: usize, header: usize): u32 {
  const skip = headerLength(header);
  const udp = header + skip;
  if (lengthHere(buffer) < skip + UDP_HEADER) return drop(node, UDP_LENGTH);
  const length = udpLength(udp);
  if (length < UDP_HEADER || skip + length > lengthTotal(buffer)) return drop(node, UDP_LENGTH);
  truncate(buffer, skip + length); // RFC 768: what is behind the datagram is not part of it
  if (!hasNoChecksum(udp) && !isTransportGood(buffer)
    && fold(<u64>(pseudoSum(header, length) + sumPacket(buffer, skip))) != SUM_INTACT) return drop(node, UDP_CHECKSUM);
  count(node, NO_UDP);
  requestIcmp(buffer, ICMP_UNREACHABLE, CODE_PORT_UNREACHABLE);
  return NEXT_ICMP_ERROR;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-local",
  process: "ip4Local",
  next: ["error-drop", "icmp4-input", "ip4-icmp-error", "ip4-tcp-reset", "ip4-reassembly"],
  counters: ["broadcast to the router", "no TCP listener", "no UDP listener", "unknown protocol", "bad UDP length", "bad UDP checksum"],
  trace: { layer: "ip4" },
});
