// The probe's end of each link: raw packet sockets, through the shim that test/native-bench.ts wraps. Nothing but these sockets
// speaks there: the netdevs have no addresses and their own MAC addresses are nobody's.

import { VECTOR } from "../../assembly/abi.js";
import { addon } from "../../host/addon.js";
import { FRAME, look, release, resetPool, send } from "../native-bench.js";
import { ALL, type LinkName } from "./network.js";

export const netdev = (name: LinkName): string => `probe-${name}`;
/** frames that a turn of the shim takes */
const BURST = 64;
const RING = 2048;

export interface Arrived {
  link: LinkName;
  bytes: Buffer;
}

export class Wire {
  readonly #handles = new Map<LinkName, number>();
  readonly #waiter = addon.openWaiter();

  /** The netdevs have to be there. */
  constructor() {
    resetPool();
    for (const { name } of ALL) this.#handles.set(name, addon.openAfPacket(netdev(name), { ringSlots: RING }).handle);
  }

  send(link: LinkName, frames: Buffer[]): void {
    for (let i = 0; i < frames.length; i += BURST) {
      const burst = frames.slice(i, i + BURST);
      const sent = send(this.#handles.get(link)!, 1, ...burst);
      if (sent !== burst.length) throw new Error(`${burst.length - sent} of ${burst.length} frames could not be sent on ${link}`);
    }
  }

  /** What has arrived; waits for something at most `timeout` ms. */
  async receive(timeout: number): Promise<Arrived[]> {
    const end = Date.now() + timeout;
    for (;;) {
      const arrived = this.#poll();
      const left = end - Date.now();
      if (arrived.length > 0 || left <= 0) return arrived;
      addon.wait(this.#waiter, Uint32Array.from(this.#handles.values()), Math.min(left, 10));
      await new Promise(setImmediate);
    }
  }

  #poll(): Arrived[] {
    const arrived: Arrived[] = [];
    for (const [link, handle] of this.#handles) {
      for (let n = VECTOR; n === VECTOR; ) {
        n = addon.receive(handle, FRAME, VECTOR, 1);
        const packets = look(n);
        for (const { bytes } of packets) arrived.push({ link, bytes: Buffer.from(bytes) });
        release(packets);
      }
    }
    return arrived;
  }

  close(): void {
    for (const handle of this.#handles.values()) addon.closePort(handle);
    addon.closeWaiter(this.#waiter);
  }
}
