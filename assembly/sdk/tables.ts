// The read-only tables: interfaces, adjacencies, FIB, own addresses. A store to any of them traps.

import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_BROADCAST, ADJ_ICMP_CODE, ADJ_MTU, ADJ_NEXT, ADJ_NEXT_HOP, ADJ_REWRITE, ADJ_REWRITE_LENGTH, ADJ_TX_IF,
  FIB_DEEP, FIB_PLY_ENTRIES, FIB_PLY_PLACES, FIB_PLY_RANKS, FIB_ROOT, IF_FLAGS, IF_IP4, IF_MAC, IF_TX_SLOT, INTERFACES, INTERFACE_SIZE,
  LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_PATHS, LOOKUP_NEXT_REWRITE, OWN_ADDRESSES, OWN_HASH, OWN_SHIFT,
} from "../abi";

/** Address of an interface's entry. */
// @ts-ignore: decorator
@inline
export function interfaceAt(index: u32): usize { return <usize>INTERFACES + <usize>index * <usize>INTERFACE_SIZE; }

// @ts-ignore: decorator
@inline
export function interfaceFlags(entry: usize): u32 { return load<u32>(entry, IF_FLAGS); }

/** Address of the interface's six-byte MAC address. */
// @ts-ignore: decorator
@inline
export function interfaceMac(entry: usize): usize { return entry + IF_MAC; }

/** Primary IPv4 address, raw; 0: none. */
// @ts-ignore: decorator
@inline
export function interfaceIp4(entry: usize): u32 { return load<u32>(entry, IF_IP4); }

/** Next slot of interface-output that leads to this interface. */
// @ts-ignore: decorator
@inline
export function interfaceTxSlot(entry: usize): u32 { return load<u16>(entry, IF_TX_SLOT); }

/** Address of an adjacency. */
// @ts-ignore: decorator
@inline
export function adjacencyAt(index: u32): usize { return <usize>ADJACENCIES + <usize>index * <usize>ADJACENCY_SIZE; }

/** Next slot of ip4-lookup: LOOKUP_NEXT_*. */
// @ts-ignore: decorator
@inline
export function adjacencyNext(entry: usize): u32 { return load<u16>(entry, ADJ_NEXT); }

// @ts-ignore: decorator
@inline
export function adjacencyTxInterface(entry: usize): u32 { return load<u16>(entry, ADJ_TX_IF); }

/** Largest IP packet that this adjacency's interface sends. */
// @ts-ignore: decorator
@inline
export function adjacencyMtu(entry: usize): u32 { return load<u16>(entry, ADJ_MTU); }

/** Code of the destination unreachable that this adjacency answers with. */
// @ts-ignore: decorator
@inline
export function adjacencyIcmpCode(entry: usize): u32 { return load<u8>(entry, ADJ_ICMP_CODE); }

/** Gateway, raw; 0: the packet's own destination. */
// @ts-ignore: decorator
@inline
export function adjacencyNextHop(entry: usize): u32 { return load<u32>(entry, ADJ_NEXT_HOP); }

/** Whether the adjacency stands for a broadcast address. */
// @ts-ignore: decorator
@inline
export function isBroadcastAdjacency(entry: usize): bool { return adjacencyNextHop(entry) == <u32>ADJ_BROADCAST; }

/** Whether packets are sent on: to a neighbour, known or still to be asked for, or to one of several. */
// @ts-ignore: decorator
@inline
export function isForwarding(entry: usize): bool {
  const next = adjacencyNext(entry);
  return next == LOOKUP_NEXT_REWRITE || next == LOOKUP_NEXT_GLEAN || next == LOOKUP_NEXT_PATHS;
}

/** Bytes to put before the packet, and how many. */
// @ts-ignore: decorator
@inline
export function adjacencyRewrite(entry: usize): usize { return entry + ADJ_REWRITE; }

// @ts-ignore: decorator
@inline
export function adjacencyRewriteLength(entry: usize): u32 { return load<u8>(entry, ADJ_REWRITE_LENGTH); }

/** Index of the adjacency of the longest prefix that covers an address (raw). */
// @ts-ignore: decorator
@inline
export function fibLookup(address: u32): u32 {
  const entry = fibRoot(address);
  return entry < <u32>FIB_DEEP ? entry : fibInPly(entry, address);
}

/** The root's entry for an address (raw): its first three bytes are the low ones of its word, in reverse. FIB_DEEP and above: look in a ply. */
// @ts-ignore: decorator
@inline
export function fibRoot(address: u32): u32 {
  const first24 = ((address & 0xff) << 16) | (address & 0xff00) | ((address >> 16) & 0xff);
  return <u32>load<u16>(<usize>FIB_ROOT + (<usize>first24 << 1));
}

/** Adjacency for the last byte of an address (raw) in the ply that an entry of the root leads to: that of the last run that begins no later. */
// @ts-ignore: decorator
@inline
export function fibInPly(entry: u32, address: u32): u32 {
  const ply = <usize>load<u32>(<usize>FIB_PLY_PLACES + (<usize>(entry ^ <u32>FIB_DEEP) << 2));
  const value = address >> 24;
  const word = <usize>(value >> 6);
  const upTo = load<u64>(ply + (word << 3)) & (((<u64>2) << (value & 63)) - 1);
  const run = <usize>load<u8>(ply + word, FIB_PLY_RANKS) + <usize>popcnt<u64>(upTo); // from 1 on
  return <u32>load<u16>(ply + (run << 1), FIB_PLY_ENTRIES - 2);
}

/** Whether an address (raw) may be one of the router's own, or a broadcast one of its networks: no is certain, yes is not. It is cheap. */
// @ts-ignore: decorator
@inline
export function mayBeOwn(address: u32): bool {
  return load<u8>(<usize>((address * <u32>OWN_HASH) >> OWN_SHIFT), OWN_ADDRESSES) != 0;
}

/** Whether an address (raw) is one of the router's own, whatever interface has it. */
export function isOwn(address: u32): bool {
  return isOwnAdjacency(adjacencyAt(fibLookup(address)));
}

/** Whether it leads to one of the router's own addresses, and not to a broadcast address. */
// @ts-ignore: decorator
@inline
export function isOwnAdjacency(entry: usize): bool { return adjacencyNext(entry) == LOOKUP_NEXT_LOCAL && !isBroadcastAdjacency(entry); }
