// What a point has in its hands: it sends, waits for events with a bound, and notes; everything that the router sends meanwhile is
// observed. A point ends with a fence: an echo request on every link, twice. A router takes the packets of a link in their order, so
// when it has answered these it has dealt with what came before.

import { describe } from "./describe.js";
import { ALL, LINKS, type LinkName, hostMac } from "./network.js";
import { ARP, BROADCAST, IP4, arp, counting, ethernet, icmp, icmpMessage } from "./packet.js";
import type { Arrived, Wire } from "./wire.js";

/** ms within which a router that is well answers a fence */
const FENCE_LIMIT = 3000;
/** ms after the last question for a neighbour that is not there */
const GIVEN_UP = 2300;
const FENCE_ID = "fe0e";
const FENCE_MAC = ALL.map(({ name, fence }) => hostMac(name, Number(fence.split(".")[3])).replaceAll(":", ""));

/** What a defect makes of a frame that the router sent: nothing, another one, several. */
export type Mangle = (link: LinkName, frame: Buffer) => Buffer[];

export interface Sent {
  link: LinkName;
  frame: string;
}

export interface FrameOptions {
  /** last byte of the sending host's address; default 2 */
  host?: number;
  to?: string;
  from?: string;
  type?: number;
  /** zeros behind the packet up to this length of the frame */
  pad?: number;
}

export class Lab {
  /** frames that the router sent, as describe() tells of them */
  lines: string[] = [];
  sent: Sent[] = [];
  notes: string[] = [];
  frames: Arrived[] = [];
  #packets: Buffer[] = [];
  #fences = new Set<string>();
  #sequence = 0;
  /** neighbours that the router asked for and that have not answered; when it last asked */
  readonly #unanswered = new Set<string>();
  #asked = 0;
  /** by address: who answers ARP requests for it, and with which MAC address */
  readonly answering = new Map<string, string>();
  /** who does not confirm that he is there */
  readonly silent = new Set<string>();

  constructor(readonly wire: Wire, private readonly mangle: Mangle, readonly limitErrors: (on: boolean) => Promise<void>) {}

  /** Forgets the point before. */
  clear(): void {
    [this.lines, this.sent, this.notes, this.frames, this.#packets] = [[], [], [], [], []];
    this.answering.clear();
    this.silent.clear();
  }

  /** Sends IPv4 packets from a host to the router. */
  send(link: LinkName, packets: Buffer | Buffer[], options: FrameOptions = {}): void {
    const list = Array.isArray(packets) ? packets : [packets];
    const { host = link === "d" ? 1 : 2, to = LINKS[link].routerMac, from = hostMac(link, host), type = IP4, pad = 0 } = options;
    this.raw(link, list.map((packet) => {
      const frame = ethernet(to, from, type, packet);
      return frame.length < pad ? Buffer.concat([frame, Buffer.alloc(pad - frame.length)]) : frame;
    }));
  }

  raw(link: LinkName, frames: Buffer[]): void {
    for (const frame of frames) {
      this.sent.push({ link, frame: frame.toString("hex") });
      this.#packets.push(frame.subarray(14));
    }
    this.wire.send(link, frames);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** Takes what arrives until `done`, or for `timeout` ms; gives whether it came to that. */
  async until(done: () => boolean, timeout: number): Promise<boolean> {
    const end = Date.now() + timeout;
    while (!done()) {
      const left = end - Date.now();
      if (left <= 0) return false;
      for (const one of await this.wire.receive(left)) this.#take(one);
    }
    return true;
  }

  /** Waits until `n` of the observed lines match. */
  seen(pattern: RegExp, n: number, timeout: number): Promise<boolean> {
    return this.until(() => this.count(pattern) >= n, timeout);
  }

  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** From here on the lines tell only what comes later; those that match go too when `which` is given. */
  forget(which: RegExp = /./): void {
    this.lines = this.lines.filter((line) => !which.test(line));
  }

  /**
   * Waits until the router has given up asking for whoever did not answer. Three questions a second apart are usual; one that looks once a
   * second may take twice as long. Gives whether there was anything to wait for.
   */
  async settle(): Promise<boolean> {
    if (this.#unanswered.size === 0) return false;
    while (this.#unanswered.size > 0 && Date.now() - this.#asked < GIVEN_UP) await this.until(() => false, 100);
    this.#unanswered.clear();
    return true;
  }

  /** Waits until the router has dealt with all that was sent. */
  async fence(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const sequence = ++this.#sequence & 0xffff;
      for (const { name, fence, router, routerMac } of ALL) {
        const host = Number(fence.split(".")[3]);
        const rest = `${FENCE_ID}${sequence.toString(16).padStart(4, "0")}`;
        const packet = icmp(fence, router, icmpMessage(8, 0, rest, counting(8)));
        this.wire.send(name, [ethernet(routerMac, hostMac(name, host), IP4, packet)]);
      }
      const missing = (): LinkName[] => ALL.map(({ name }) => name).filter((name) => !this.#fences.has(`${name} ${sequence}`));
      if (!(await this.until(() => missing().length === 0, FENCE_LIMIT))) this.note(`the router does not answer on ${missing().join(", ")}`);
    }
    this.#fences.clear();
  }

  #take({ link, bytes }: Arrived): void {
    if (this.#isFence(link, bytes) || this.#isConfirmation(link, bytes)) return;
    for (const frame of this.mangle(link, bytes)) {
      this.frames.push({ link, bytes: frame });
      this.lines.push(describe(link, frame, this.#packets));
      this.#answer(link, frame);
    }
  }

  #isFence(link: LinkName, frame: Buffer): boolean {
    if (frame.length < 50 || !FENCE_MAC.includes(frame.subarray(0, 6).toString("hex")) || frame.readUInt16BE(12) !== IP4) return false;
    if (frame[23] !== 1 || frame.readUInt16BE(34) !== 0 || frame.subarray(38, 40).toString("hex") !== FENCE_ID) return false;
    this.#fences.add(`${link} ${frame.readUInt16BE(40)}`);
    return true;
  }

  /**
   * A question to a neighbour that the router knows, in a frame to him alone, whether he is still there (RFC 1122 2.3.2.1): he is. When a
   * router asks that is its own business, so it is not observed.
   */
  #isConfirmation(link: LinkName, frame: Buffer): boolean {
    if (frame.length < 42 || frame.readUInt16BE(12) !== ARP || frame.readUInt16BE(20) !== 1 || (frame[0]! & 1) !== 0) return false;
    const macOf = (at: number): string => [...frame.subarray(at, at + 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    const own = macOf(0);
    if (this.silent.has([...frame.subarray(38, 42)].join("."))) return true;
    const reply = arp({ operation: 2, senderMac: own, sender: [...frame.subarray(38, 42)].join("."), targetMac: macOf(6), target: LINKS[link].router });
    this.wire.send(link, [ethernet(macOf(6), own, ARP, reply)]);
    return true;
  }

  #answer(link: LinkName, frame: Buffer): void {
    if (frame.length < 42 || frame.readUInt16BE(12) !== ARP || frame.readUInt16BE(20) !== 1) return;
    const wanted = [...frame.subarray(38, 42)].join(".");
    const own = this.answering.get(wanted);
    this.#unanswered.add(wanted);
    this.#asked = Date.now();
    if (own !== undefined) this.arpReply(link, wanted, own);
  }

  /** A host answers the router by ARP. */
  arpReply(link: LinkName, address: string, own: string, to = LINKS[link].routerMac): void {
    this.#unanswered.delete(address);
    const reply = arp({ operation: 2, senderMac: own, sender: address, targetMac: LINKS[link].routerMac, target: LINKS[link].router });
    this.raw(link, [ethernet(to, own, ARP, reply)]);
  }

  /** A host asks by ARP, in a frame to everybody unless `to` says otherwise. */
  arpRequest(link: LinkName, fields: Parameters<typeof arp>[0], to = BROADCAST, from = fields.senderMac): void {
    this.raw(link, [ethernet(to, from, ARP, arp(fields))]);
  }
}
