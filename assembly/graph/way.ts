// The nodes that the fused pass (fused.ts) stands for: whether they are wired as it takes for granted, and what they count.

import { LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE, WIRING, WIRING_SIZE } from "../abi";
import { account } from "./pool";
import { arc } from "./ready";

// Their next slots on the way, as they declare them
const ETHERNET_NEXT_IP4: u32 = 2;
const WAY_ON: u32 = 1; // of all others

// The nodes: index << 32 | address of the runtime block. They stand in globals, which nodes from outside cannot reach.
let ethernetInput: u64 = 0;
let ip4Input: u64 = 0;
let ip4Lookup: u64 = 0;
let ip4Rewrite: u64 = 0;
let interfaceOutput: u64 = 0;
let ip4Local: u64 = 0;
let icmp4Input: u64 = 0;

/** Tells which node has a role: 0 ethernet-input, 1 ip4-input, 2 ip4-lookup, 3 ip4-rewrite, 4 interface-output, 5 ip4-local, 6 icmp4-input. */
export function setRole(role: u32, index: u32, block: u32): void {
  const node = (<u64>index << 32) | block;
  if (role == 0) ethernetInput = node;
  else if (role == 1) ip4Input = node;
  else if (role == 2) ip4Lookup = node;
  else if (role == 3) ip4Rewrite = node;
  else if (role == 4) interfaceOutput = node;
  else if (role == 5) ip4Local = node;
  else icmp4Input = node;
}

/** Index of the node where the way begins. */
// @ts-ignore: decorator
@inline
export function wayIn(): u32 { return indexOf(ethernetInput); }

/** Index of the node whose next slots are the ports. */
// @ts-ignore: decorator
@inline
export function wayOut(): u32 { return indexOf(interfaceOutput); }

/** Runtime block of that node. */
// @ts-ignore: decorator
@inline
export function wayOutBlock(): usize { return blockOf(interfaceOutput); }

/** Whether nothing stands between the nodes that a forwarded packet passes. The wiring may change at any time: it is looked at for each burst. */
// @ts-ignore: decorator
@inline
export function isForwardWay(): bool {
  return leads(ethernetInput, ETHERNET_NEXT_IP4, ip4Input) && leads(ip4Input, WAY_ON, ip4Lookup) && leads(ip4Lookup, LOOKUP_NEXT_REWRITE, ip4Rewrite)
    && leads(ip4Rewrite, WAY_ON, interfaceOutput);
}

/** The same between those that an echo request passes beside them until it is a reply. */
// @ts-ignore: decorator
@inline
export function isEchoWay(): bool {
  return leads(ip4Lookup, LOOKUP_NEXT_LOCAL, ip4Local) && leads(ip4Local, WAY_ON, icmp4Input) && leads(icmp4Input, WAY_ON, ip4Lookup);
}

/** Counts what the nodes would have counted, had packets come to them: these many were forwarded, and these echo requests answered. */
// @ts-ignore: decorator
@inline
export function countPassed(forwarded: u32, answered: u32): void {
  count(ethernetInput, forwarded + answered);
  count(ip4Input, forwarded + answered);
  count(ip4Lookup, forwarded + answered);
  if (forwarded != 0) {
    count(ip4Rewrite, forwarded);
    count(interfaceOutput, forwarded);
  }
  if (answered == 0) return;
  count(ip4Local, answered);
  count(icmp4Input, answered);
  count(ip4Lookup, answered);
  count(ip4Rewrite, answered);
  count(interfaceOutput, answered);
}

// @ts-ignore: decorator
@inline
function indexOf(node: u64): u32 { return <u32>(node >> 32); }

// @ts-ignore: decorator
@inline
function blockOf(node: u64): usize { return <usize>(node & 0xffffffff); }

// @ts-ignore: decorator
@inline
function leads(node: u64, slot: u32, next: u64): bool {
  return arc(<usize>WIRING + <usize>indexOf(node) * <usize>WIRING_SIZE, slot) == indexOf(next);
}

/** A call with n packets. */
// @ts-ignore: decorator
@inline
function count(node: u64, n: u32): void { account(blockOf(node), n); }
