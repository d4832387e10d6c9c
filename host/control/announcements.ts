// Gratuitous ARP: what an interface's addresses are, told to everybody on its link before anyone asks (RFC 5227 2.3; RFC 826). So
// neighbours that have another MAC address in their tables take the new one at once.

import type { ToEngine } from "../graph/messages.js";
import { type Interface, type Interfaces, isUp } from "./interfaces.js";

/** ms: RFC 5227's ANNOUNCE_INTERVAL is two seconds, between announcements of one and the same thing; a link that flaps brings new ones */
const EVERY = 1000;

export class Announcements {
  /** when each interface last announced: performance.now() */
  private readonly last = new Map<number, number>();
  /** interfaces that have something to announce */
  private readonly due = new Set<number>();

  constructor(
    private readonly interfaces: Interfaces,
    private readonly post: (message: ToEngine) => void,
    private readonly now = (): number => performance.now(),
  ) {}

  /** Its addresses, its MAC address or its link changed. */
  changed(entry: Interface): void {
    this.due.add(entry.index);
    this.tick();
  }

  /** Called about once a second. */
  tick(): void {
    for (const index of this.due) {
      const entry = this.interfaces.byIndex(index);
      const can = entry !== undefined && isUp(entry) && entry.addresses.length > 0;
      if (can && this.now() - (this.last.get(index) ?? -Infinity) < EVERY) continue;
      this.due.delete(index);
      if (!can) continue; // once it can, that is another change
      this.last.set(index, this.now());
      for (const { address } of entry.addresses) this.post({ type: "arp-request", index, target: address, source: address });
    }
  }
}
