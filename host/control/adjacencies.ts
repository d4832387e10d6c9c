// Gives out adjacencies and fills them in.

import {
  ADJ_BROADCAST, ADJ_DROP, ADJ_NO_ROUTE, FIB_NUMBERS, LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE,
  LOOKUP_NEXT_UNREACHABLE,
} from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { Tables } from "../memory/tables.js";
import { EpochPool, type Epochs } from "./epoch.js";

/** Adjacencies that always exist, beside ADJ_NO_ROUTE and ADJ_DROP: what a route can refuse with (codes of RFC 792 and RFC 1812 5.2.7.1). */
export const ADJ_UNREACHABLE = 2;
export const ADJ_PROHIBIT = 3;
/** The two broadcast addresses of a network: never an address of one host, and never answered (RFC 1122 3.2.2.6). */
export const ADJ_NET_BROADCAST = 4;
const FIRST_FREE = 5;
const NET_UNREACHABLE = 0;
const HOST_UNREACHABLE = 1;
const PROHIBITED = 13;

/** What an adjacency needs to know of its interface. */
export interface Link {
  index: number;
  mac: Uint8Array;
  mtu: number;
}

export class Adjacencies {
  private readonly pool: EpochPool;

  constructor(private readonly tables: Tables, epochs: Epochs) {
    this.pool = new EpochPool(FIRST_FREE, FIB_NUMBERS, epochs);
    tables.writeAdjacency(ADJ_NO_ROUTE, { next: LOOKUP_NEXT_UNREACHABLE, icmpCode: NET_UNREACHABLE });
    tables.writeAdjacency(ADJ_DROP, { next: LOOKUP_NEXT_DROP });
    tables.writeAdjacency(ADJ_UNREACHABLE, { next: LOOKUP_NEXT_UNREACHABLE, icmpCode: HOST_UNREACHABLE });
    tables.writeAdjacency(ADJ_PROHIBIT, { next: LOOKUP_NEXT_UNREACHABLE, icmpCode: PROHIBITED });
    tables.writeAdjacency(ADJ_NET_BROADCAST, { next: LOOKUP_NEXT_LOCAL, nextHop: ADJ_BROADCAST });
  }

  /** Throws NO_MEMORY. */
  take(): number {
    const index = this.pool.take();
    if (index === undefined) throw new WeftError("NO_MEMORY", `all ${FIB_NUMBERS} adjacencies are in use`);
    return index;
  }

  /** Both or none. Throws NO_MEMORY. */
  takeTwo(): [number, number] {
    const first = this.take();
    try {
      return [first, this.take()];
    } catch (error) {
      this.free(first);
      throw error;
    }
  }

  free(index: number): void {
    this.tables.closeAdjacency(index);
    this.pool.give(index);
  }

  /** Packets for the router itself. */
  setLocal(index: number, link: Link): void {
    this.tables.writeAdjacency(index, { next: LOOKUP_NEXT_LOCAL, txInterface: link.index, mtu: link.mtu });
  }

  /** Packets whose neighbour must be asked for; `nextHop` 0: the packet's own destination. */
  setGlean(index: number, link: Link, nextHop = 0): void {
    this.tables.writeAdjacency(index, { next: LOOKUP_NEXT_GLEAN, txInterface: link.index, mtu: link.mtu, nextHop });
  }

  /** Packets for a neighbour whose MAC address is known. */
  setRewrite(index: number, link: Link, nextHop: number, mac: Uint8Array): void {
    const rewrite = new Uint8Array(14); // Ethernet II: destination, source, type 0x0800
    rewrite.set(mac);
    rewrite.set(link.mac, 6);
    rewrite[12] = 8;
    this.tables.writeAdjacency(index, { next: LOOKUP_NEXT_REWRITE, txInterface: link.index, mtu: link.mtu, nextHop, rewrite });
  }
}
