// What the node is told, in the order of its schema (the declaration at the end of nat44.ts).

import { configU32 } from "../../sdk/config";
import { PROTOCOL_ICMP, PROTOCOL_UDP } from "../../wire/ipv4";

// @ts-ignore: decorator
@inline
export function insideInterface(node: usize): u32 { return configU32(node, 0); }

// @ts-ignore: decorator
@inline
export function outsideInterface(node: usize): u32 { return configU32(node, 4); }

/** The one address that the outside sees, raw. */
// @ts-ignore: decorator
@inline
export function natAddress(node: usize): u32 { return configU32(node, 8); }

/** First and last of the ports (and ICMP identifiers) to give out, host order. */
// @ts-ignore: decorator
@inline
export function firstPort(node: usize): u32 { return configU32(node, 12); }

// @ts-ignore: decorator
@inline
export function lastPort(node: usize): u32 { return configU32(node, 16); }

/** Seconds without a packet after which a session ends; `established` says it of TCP. */
export function timeout(node: usize, protocol: u32, established: bool): u32 {
  if (protocol == PROTOCOL_UDP) return configU32(node, 20);
  if (protocol == PROTOCOL_ICMP) return configU32(node, 32);
  return configU32(node, established ? 24 : 28);
}
