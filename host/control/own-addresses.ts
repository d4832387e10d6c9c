// Which addresses an interface can have, and the routes that each brings.

import { WeftError } from "../errors.js";
import { formatPrefix, maskOf, type Prefix } from "./addresses.js";
import { ADJ_NET_BROADCAST } from "./adjacencies.js";
import type { Interface, Interfaces } from "./interfaces.js";
import type { Route } from "./route.js";

/** RFC 1122 3.2.1.3: what a host may have. Throws BAD_ARGUMENT. */
export function checkHostAddress({ address, network, length }: Prefix, text: string): void {
  if (!isHost(address)) throw new WeftError("BAD_ARGUMENT", `${text}: no interface can have an address of ${address & 0xff}.0.0.0/8`);
  if (length === 0) throw new WeftError("BAD_ARGUMENT", `${text}: a prefix length of 1 to 32 is needed`);
  if (length >= 31) return;
  if (address === network) throw new WeftError("BAD_ARGUMENT", `${text} is the network's own address: choose one inside it`);
  const broadcast = (network | ~maskOf(length)) >>> 0;
  if (address === broadcast) throw new WeftError("BAD_ARGUMENT", `${text} is the network's broadcast address: choose another`);
}

/** Networks do not overlap, but an interface may have several addresses in one. Throws CONFLICT. */
export function checkOverlap(interfaces: Interfaces, to: Interface, prefix: Prefix, text: string): void {
  for (const entry of interfaces.list()) {
    const other = entry.addresses.find((own) => covers(own, prefix.address) || covers(prefix, own.address));
    if (!other || (entry === to && other.address !== prefix.address && sameNetwork(other, prefix))) continue;
    throw new WeftError("CONFLICT", `${text} overlaps ${formatPrefix(other.address, other.length)} of interface ${entry.name}`);
  }
}

/** The routes that an address brings: its network, itself, and where there are any the network's two broadcast addresses. */
export function routesOf(entry: Interface, { network, address, length }: Prefix): Route[] {
  const common = { owner: "address", index: entry.index, paths: [], set: null } as const;
  const own: Route = { ...common, network: address, length: 32, kind: "local", adjacency: entry.localAdjacency };
  if (length === 32) return [own];
  const net: Route = { ...common, network, length, kind: "connected", adjacency: entry.gleanAdjacency };
  if (length === 31) return [net, own]; // RFC 3021: a link of two has no broadcast addresses
  const broadcast = (network | ~maskOf(length)) >>> 0;
  const ends = [network, broadcast].map((end): Route => ({ ...common, network: end, length: 32, kind: "broadcast", adjacency: ADJ_NET_BROADCAST }));
  return [net, own, ...ends];
}

export function covers(prefix: Prefix, address: number): boolean {
  return (address & maskOf(prefix.length)) >>> 0 === prefix.network;
}

export function sameNetwork(one: Prefix, other: Prefix): boolean {
  return one.network === other.network && one.length === other.length;
}

/** RFC 1122 3.2.1.3: an address (raw) that is neither "this" network's, nor loopback, nor a group's. */
export function isHost(address: number): boolean {
  const first = address & 0xff;
  return first !== 0 && first !== 127 && first < 224;
}
