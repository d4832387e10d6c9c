// The interfaces there are, and their entries in the tables.

import { IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, IF_FLAG_PROXY_ARP, IF_FLAG_REDIRECTS, INTERFACE_COUNT } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { NodeSpec } from "../graph/messages.js";
import { nearest, quote } from "../nearest.js";
import type { Tables } from "../memory/tables.js";
import type { RxMode } from "../ports/port.js";
import { formatMac, formatPrefix, maskOf, type Prefix } from "./addresses.js";
import type { InterfaceCounters, InterfaceInfo } from "./api.js";

export interface Interface {
  readonly name: string;
  /** software interface index */
  readonly index: number;
  readonly kind: InterfaceInfo["kind"];
  readonly hostInterface: string | null;
  /** of the port; null: no port */
  readonly handle: number | null;
  readonly txNode: NodeSpec | null;
  /** next slot of interface-output; 0 until the worker has the port */
  txSlot: number;
  /** adjacencies: packets for the router itself, and for neighbours not yet known */
  readonly localAdjacency: number;
  readonly gleanAdjacency: number;
  adminUp: boolean;
  linkUp: boolean;
  mac: Uint8Array;
  mtu: number;
  /** it was given one: else it is its device's, whatever that comes to be */
  mtuGiven: boolean;
  rxMode: RxMode;
  promiscuous: boolean;
  /** whether hosts of its link are told of better gateways, and answered for who is behind other interfaces */
  redirects: boolean;
  proxyArp: boolean;
  /** the primary first */
  addresses: Prefix[];
}

/** Every interface's name has a dash or a digit in it (host-eth0, local0), and no word of a command has: so no mistyped word passes for a name. */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z][!-~]{0,63}$/.test(text) && /[-0-9]/.test(text);
}

/** An interface as it is shown. */
export function interfaceInfo({ index, mac, addresses, ...entry }: Interface, counters: InterfaceCounters): InterfaceInfo {
  const { name, kind, hostInterface, adminUp, linkUp, mtu, redirects, proxyArp } = entry;
  const prefixes = addresses.map(({ address, length }) => formatPrefix(address, length));
  return { name, index, kind, hostInterface, adminUp, linkUp, mac: formatMac(mac), mtu, redirects, proxyArp, addresses: prefixes, counters };
}

/** Whether packets can leave. */
export const isUp = (entry: Interface): boolean => entry.adminUp && entry.linkUp;

export class Interfaces {
  private readonly table: (Interface | undefined)[] = [];
  /** called when one has come; no packet of it has moved yet */
  added: () => void = () => {};

  constructor(private readonly tables: Tables) {}

  list(): Interface[] {
    return this.table.filter((entry) => entry !== undefined);
  }

  byIndex(index: number): Interface | undefined {
    return this.table[index];
  }

  /** What sets of paths must know of one. */
  linkOf(index: number): { up: boolean; mtu: number } | undefined {
    const entry = this.table[index];
    return entry && { up: isUp(entry), mtu: entry.mtu };
  }

  has(name: string): boolean {
    return this.table.some((entry) => entry?.name === name);
  }

  /** Throws NOT_FOUND, naming those there are and the nearest, which may be the port on a netdev of that name. */
  find(name: string): Interface {
    const found = this.table.find((entry) => entry?.name === name);
    if (found) return found;
    const names = this.list().map((entry) => entry.name);
    const near = this.has(`host-${name}`) ? `host-${name}` : nearest(name, names);
    const meant = near === undefined ? "" : `did you mean ${quote(near)}? `;
    throw new WeftError("NOT_FOUND", `no interface ${quote(name)}: ${meant}there are ${names.join(", ")}`);
  }

  /** The lowest free index. Throws NO_MEMORY. */
  freeIndex(): number {
    for (let index = 0; index < INTERFACE_COUNT; index++) if (!this.table[index]) return index;
    throw new WeftError("NO_MEMORY", `there are ${INTERFACE_COUNT} interfaces already, the most there can be`);
  }

  add(entry: Interface): void {
    this.table[entry.index] = entry;
    this.write(entry);
    this.added();
  }

  /** local0, the interface without a port that every router has. */
  addLocal(): void {
    this.add({
      name: "local0", index: this.freeIndex(), kind: "local", hostInterface: null, handle: null, txNode: null, txSlot: 0, localAdjacency: 0,
      gleanAdjacency: 0, adminUp: false, linkUp: false, mac: new Uint8Array(6), mtu: 0, mtuGiven: false, rxMode: "adaptive", promiscuous: false,
      redirects: true, proxyArp: false, addresses: [],
    });
  }

  remove(entry: Interface): void {
    delete this.table[entry.index];
    this.tables.writeInterface(entry.index, { flags: 0, mtu: 0, txSlot: 0, mac: new Uint8Array(6), ip4: 0 });
    this.writeOwnAddresses();
  }

  /** Brings the tables up to date after a change. */
  write(entry: Interface): void {
    const flags = (entry.adminUp ? IF_FLAG_ADMIN_UP : 0) | (entry.linkUp ? IF_FLAG_LINK_UP : 0)
      | (entry.redirects ? IF_FLAG_REDIRECTS : 0) | (entry.proxyArp ? IF_FLAG_PROXY_ARP : 0);
    this.tables.writeInterface(entry.index, { flags, mtu: entry.mtu, txSlot: entry.txSlot, mac: entry.mac, ip4: entry.addresses[0]?.address ?? 0 });
    this.writeOwnAddresses();
  }

  /** RFC 1812 5.3.7: neither the router's own addresses nor its networks' broadcast addresses are sources of packets that come in. */
  private writeOwnAddresses(): void {
    const prefixes = this.list().flatMap(({ addresses }) => addresses);
    this.tables.writeOwnAddresses(prefixes.flatMap(({ address, network, length }) => [
      address, ...(length < 31 ? [network, (network | ~maskOf(length)) >>> 0] : []), // RFC 3021: a link of two has no broadcast address
    ]));
  }
}
