// Address resolution (RFC 826): what workers ask for and what they have heard, and the ARP requests that are sent.

import type { ToEngine } from "../graph/messages.js";
import type { Interface, Interfaces } from "./interfaces.js";
import type { Neighbours } from "./neighbours.js";
import { covers } from "./own-addresses.js";
import { SENDER } from "./pinger.js";
import type { Routes } from "./routes.js";

export class Resolution {
  /** `post`: to one worker, or to all */
  constructor(
    private readonly interfaces: Interfaces, private readonly neighbours: Neighbours, private readonly routes: Routes,
    private readonly post: (message: ToEngine, worker?: number) => void,
  ) {}

  /** Asks for a neighbour's MAC address: everybody on the link, or only the one that had the address (`mac`). */
  ask(index: number, target: number, mac: Uint8Array | null): void {
    const entry = this.interfaces.byIndex(index);
    const source = entry && this.sourceFor(entry, target);
    // With sender address 0 it would be a probe: of a host that wants the target's address for itself (RFC 5227 1.1).
    if (source) this.post({ type: "arp-request", index, target, source, ...(mac && { mac }) }, SENDER);
  }

  /** Packets wait in ip4-glean for an address that was on the link when they came; where routes lead elsewhere by now, they are routed anew. */
  wanted(index: number, address: number): void {
    const { hosts } = this.routes;
    const known = this.neighbours.get(index, address);
    if (known) hosts.judge(known); // its host route may have found no room before
    if (this.neighbours.get(index, address) || hosts.reach(index, address)) this.neighbours.wanted(index, address);
    else this.post({ type: "resolved", index, address, reachable: true });
  }

  /** arp-input has checked that the address is on the link (RFC 826); routes may have changed since. */
  learned(index: number, address: number, mac: Uint8Array): void {
    const entry = this.interfaces.byIndex(index);
    if (!entry || (!this.routes.onLink(entry, address) && !this.neighbours.get(index, address))) return;
    this.neighbours.learned(index, address, mac);
  }

  /** Sender address (raw) of a request: the interface's own in the target's network, else its primary one, else another interface's; 0: none. */
  private sourceFor({ addresses }: Interface, target: number): number {
    const own = addresses.find((prefix) => covers(prefix, target)) ?? addresses[0];
    return (own ?? this.interfaces.list().flatMap((other) => other.addresses)[0])?.address ?? 0;
  }
}
