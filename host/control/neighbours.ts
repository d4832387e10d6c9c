// The neighbour table: who has which MAC address, learned by ARP (RFC 826) or set by hand.
//
//   incomplete --answer--> reachable --60 s--> probe --answer--> reachable
//       |  3 questions                           |  3 questions
//       v                                        v
//   forgotten, what waits gets host unreachable  forgotten
//
// Each neighbour has one adjacency for as long as it is in the table: gateway routes refer to it, and
// its content changes when the MAC address does (RFC 1122 2.3.2.1 asks for this ageing).

import { WeftError } from "../errors.js";
import { formatIp4, formatMac } from "./addresses.js";
import type { Adjacencies, Link } from "./adjacencies.js";
import type { NeighborInfo } from "./api.js";

/** ms */
const CONFIRM_AFTER = 60_000;
const ASK_EVERY = 1000;
const QUESTIONS = 3;
/** Neighbours that may be learned; a peer that claims a whole /8 ends here. */
const LEARNED_MAX = 16_384;

export interface Neighbour {
  readonly index: number;
  readonly address: number;
  readonly adjacency: number;
  state: NeighborInfo["state"];
  mac: Uint8Array | null;
  /** when it last answered, and when it was last asked: performance.now() */
  confirmed: number;
  asked: number;
  questions: number;
  /** gateway routes that go through it; it stays in the table while there are any */
  routes: number;
}

/** What the table needs done. */
export interface NeighbourActions {
  link(index: number): (Link & { name: string }) | undefined;
  ask(index: number, address: number, mac: Uint8Array | null): void;
  /** lets go of packets that wait for the neighbour */
  settle(index: number, address: number, reachable: boolean): void;
  /** a host route to the neighbour; removed again with it */
  route(neighbour: Neighbour): void;
  unroute(neighbour: Neighbour): void;
}

export class Neighbours {
  private readonly table = new Map<string, Neighbour>();

  constructor(
    private readonly adjacencies: Adjacencies,
    private readonly actions: NeighbourActions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get(index: number, address: number): Neighbour | undefined {
    return this.table.get(keyOf(index, address));
  }

  /** The neighbour, made if it is not there. Throws NO_MEMORY. */
  ensure(index: number, address: number): Neighbour {
    const known = this.get(index, address);
    if (known) return known;
    const adjacency = this.adjacencies.take();
    const neighbour: Neighbour = { index, address, adjacency, state: "incomplete", mac: null, confirmed: 0, asked: 0, questions: 0, routes: 0 };
    this.fill(neighbour);
    try {
      this.actions.route(neighbour);
    } catch (error) {
      this.adjacencies.free(adjacency);
      throw error;
    }
    this.table.set(keyOf(index, address), neighbour);
    return neighbour;
  }

  /** A neighbour told its MAC address. */
  learned(index: number, address: number, mac: Uint8Array): void {
    const neighbour = this.admit(index, address);
    if (!neighbour || neighbour.state === "static") return;
    this.confirm(neighbour, "reachable", mac);
  }

  /** Packets wait for this address. */
  wanted(index: number, address: number): void {
    const neighbour = this.admit(index, address);
    if (!neighbour) return this.actions.settle(index, address, false);
    if (neighbour.state !== "incomplete") return this.actions.settle(index, address, true);
    if (neighbour.questions === 0) this.ask(neighbour);
  }

  setStatic(index: number, address: number, mac: Uint8Array): void {
    this.confirm(this.ensure(index, address), "static", mac);
  }

  /** Called about once a second: asks again, ages, forgets. */
  tick(): void {
    const now = this.now();
    for (const neighbour of [...this.table.values()]) {
      if (neighbour.state === "reachable" && now - neighbour.confirmed >= CONFIRM_AFTER) neighbour.state = "probe";
      const asking = neighbour.state === "probe" || (neighbour.state === "incomplete" && neighbour.questions > 0);
      if (!asking || now - neighbour.asked < ASK_EVERY) continue;
      if (neighbour.questions < QUESTIONS) this.ask(neighbour);
      else this.forget(neighbour);
    }
  }

  /** Forgets a neighbour; one that routes go through stays, incomplete. Packets that wait for it get host unreachable, or are routed `anew`. */
  forget(neighbour: Neighbour, anew = false): void {
    if (neighbour.routes > 0) {
      Object.assign(neighbour, { state: "incomplete", mac: null, questions: 0 });
      this.fill(neighbour);
    } else {
      this.table.delete(keyOf(neighbour.index, neighbour.address));
      this.actions.unroute(neighbour);
      this.adjacencies.free(neighbour.adjacency);
    }
    this.actions.settle(neighbour.index, neighbour.address, anew);
  }

  /** All neighbours, of one interface or of every. */
  list(index?: number): Neighbour[] {
    return [...this.table.values()].filter((neighbour) => index === undefined || neighbour.index === index);
  }

  /** Writes the adjacencies of an interface anew: its MAC address or MTU changed. */
  refresh(index: number): void {
    for (const neighbour of this.list(index)) this.fill(neighbour);
  }

  info(neighbour: Neighbour): NeighborInfo {
    return {
      address: formatIp4(neighbour.address),
      mac: neighbour.mac && formatMac(neighbour.mac),
      interface: this.actions.link(neighbour.index)?.name ?? "",
      state: neighbour.state,
      age: neighbour.mac ? (this.now() - neighbour.confirmed) / 1000 : 0,
    };
  }

  /** The neighbour that the wire tells of; undefined when its interface is gone or there is no room for one more. */
  private admit(index: number, address: number): Neighbour | undefined {
    if (!this.actions.link(index)) return undefined;
    const known = this.get(index, address);
    if (known || this.table.size >= LEARNED_MAX) return known;
    try {
      return this.ensure(index, address);
    } catch (error) {
      if (error instanceof WeftError && error.code === "NO_MEMORY") return undefined;
      throw error;
    }
  }

  private confirm(neighbour: Neighbour, state: "reachable" | "static", mac: Uint8Array): void {
    Object.assign(neighbour, { state, mac, confirmed: this.now(), questions: 0 });
    this.fill(neighbour);
    this.actions.settle(neighbour.index, neighbour.address, true);
  }

  private ask(neighbour: Neighbour): void {
    neighbour.asked = this.now();
    neighbour.questions++;
    this.actions.ask(neighbour.index, neighbour.address, neighbour.mac);
  }

  private fill(neighbour: Neighbour): void {
    const link = this.actions.link(neighbour.index);
    if (!link) return;
    if (neighbour.mac) this.adjacencies.setRewrite(neighbour.adjacency, link, neighbour.address, neighbour.mac);
    else this.adjacencies.setGlean(neighbour.adjacency, link, neighbour.address);
  }
}

function keyOf(index: number, address: number): string {
  return `${index} ${address}`;
}
