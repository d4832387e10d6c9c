// Who has an address on a link: what workers ask and tell of it, and the questions to the link (RFC 826).

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

  /** Asks a neighbour's MAC address: everybody on the link, or the one that had it (`mac`). */
  ask(index: number, target: number, mac: Uint8Array | null): void {
    const entry = this.interfaces.byIndex(index);
    const source = entry && this.sourceFor(entry, target);
    // Without one it would be the probe of somebody who wants the target's address for himself (RFC 5227 1.1).
    if (source) this.post({ type: "arp-request", index, target, source, ...(mac && { mac }) }, SENDER);
  }

  /** ip4-lookup has found the address on the link; if routes say something else by now, they are to be followed. */
  wanted(index: number, address: number): void {
    const { hosts } = this.routes;
    const known = this.neighbours.get(index, address);
    if (known) hosts.judge(known); // there was no room for its route, perhaps
    if (this.neighbours.get(index, address) || hosts.reach(index, address)) this.neighbours.wanted(index, address);
    else this.post({ type: "resolved", index, address, reachable: true });
  }

  /** arp-input has checked that the address is on the link (RFC 826); it may have left it since. */
  learned(index: number, address: number, mac: Uint8Array): void {
    const entry = this.interfaces.byIndex(index);
    if (!entry || (!this.routes.onLink(entry, address) && !this.neighbours.get(index, address))) return;
    this.neighbours.learned(index, address, mac);
  }

  /** The address (raw) in whose name to ask: the interface's of the same network, else its primary one, else another interface's; 0: there is none. */
  private sourceFor({ addresses }: Interface, target: number): number {
    const own = addresses.find((prefix) => covers(prefix, target)) ?? addresses[0];
    return (own ?? this.interfaces.list().flatMap((other) => other.addresses)[0])?.address ?? 0;
  }
}
