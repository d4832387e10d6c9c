// A million frames from a seed, as a capture file: sound ones of every protocol that the router meets, and what becomes of them when
// bytes are changed, cut off or added. The same seed gives the same bytes.

import { closeSync, openSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  ARP, BROADCAST, IP4, address, arp, counting, datagram, echo, ethernet, fragments, hex, icmp, icmpMessage, ip4, mac, segment, sum,
} from "../conformance/packet.js";

export interface Endpoints {
  /** the router's interface, and the host that sends */
  router: { mac: string; address: string };
  host: { mac: string; address: string };
  /** behind the router; another one that is on the host's link but not there, one that no route leads to */
  far: string;
  absent: string;
  unrouted: string;
}

/** Ethernet frames that veth carries: header and MTU. */
const LONGEST = 1514;
const ETHERNET = 14;
/** Linux drops a frame whose VLAN tag is cut short before anybody sees it. */
const TAGGED = 20;
const TAG_TYPES = [0x8100, 0x88a8];
const CHUNK = 1 << 20;

/** Numbers from a seed: a linear congruential generator, whose upper bits are good enough for this. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to limit - 1. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** Sound frames: ARP of every kind, IPv4 to the router, through it and to nobody, with options, fragments, odd protocols and sizes. */
function templates({ router, host, far, absent, unrouted }: Endpoints): Buffer[] {
  const from = host.address;
  const own = (payload: Buffer, to = router.mac): Buffer => ethernet(to, host.mac, IP4, payload);
  const told = (operation: number, fields: object = {}): Buffer =>
    ethernet(operation === 1 ? BROADCAST : router.mac, host.mac, ARP,
      arp({ operation, senderMac: host.mac, sender: from, target: router.address, ...fields }));
  const quoted = ip4(router.address, far, counting(8), { protocol: 17 });
  const errors = [3, 4, 5, 11, 12].map((type) => own(icmp(from, router.address, icmpMessage(type, 1, "00000000", quoted))));
  const asked = [8, 10, 13, 15, 17, 42].map((type) => own(icmp(from, router.address, icmpMessage(type, 0, "00070001", counting(12)))));
  const ways = [router.address, far, absent, unrouted];
  return [
    told(1), told(2), told(1, { target: from }), told(1, { target: absent }), told(1, { sender: "0.0.0.0" }), told(1, { sender: router.address }),
    ...errors, ...asked,
    ...ways.flatMap((to) => [
      own(echo(from, to)), own(echo(from, to, { data: counting(1472 - 8) })), own(datagram(from, to)), own(datagram(from, to, { ttl: 1 })),
      own(datagram(from, to, { data: counting(1472), df: true })), own(datagram(from, to, { options: "0707040000000000" })),
      own(segment(from, to, 2)), own(segment(from, to, 0x3f)), own(segment(from, to, 0x10, { options: "830704c6336409" })),
      own(ip4(from, to, counting(40), { protocol: 47 })), own(ip4(from, to, counting(40), { protocol: 255 })),
      ...fragments(datagram(from, to, { data: counting(2800) }), 1400).map((packet) => own(packet)),
    ]),
    ...["255.255.255.255", "224.0.0.5", "127.0.0.1", "0.0.0.0", "240.0.0.1"].flatMap((to) =>
      [own(echo(from, to)), own(datagram(from, to), BROADCAST)]),
    ...["127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", router.address, far].map((source) => own(echo(source, far))),
    ethernet("01:00:5e:00:00:05", host.mac, IP4, ip4(from, "224.0.0.5", counting(44), { protocol: 89, ttl: 1 })),
    ethernet("02:00:00:00:00:77", host.mac, IP4, echo(from, far)),
    ethernet(router.mac, host.mac, 0x86dd, hex(`60000000 0008 3a 40 ${"fe80".padEnd(32, "0")} ${"ff02".padEnd(32, "0")} 8500000000000000`)),
    ethernet(router.mac, host.mac, 0x8100, Buffer.concat([hex("00640800"), echo(from, far)])),
    ethernet(router.mac, host.mac, 0x88cc, counting(60)),
    Buffer.concat([mac(router.mac), mac(host.mac), hex("0026"), counting(38)]),
  ];
}

/** A changed copy of a frame; one in three is left as it is. */
export function mutated(frame: Buffer, dice: Dice): Buffer {
  if (dice.below(3) === 0) return frame;
  let copy = Buffer.from(frame);
  for (let changes = 1 + dice.below(3); changes > 0; changes--) {
    const place = dice.below(dice.of([ETHERNET, 64, copy.length]));
    const kind = dice.below(10);
    if (kind === 0) copy = copy.subarray(0, Math.max(place, ETHERNET));
    else if (kind === 1) copy = Buffer.concat([copy, counting(dice.below(300))]).subarray(0, LONGEST);
    else if (place < copy.length) copy[place] = kind < 6 ? dice.of([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]) : copy[place]! ^ (1 << dice.below(8));
  }
  if (dice.below(4) > 0) repair(copy);
  return copy.length < TAGGED && copy.length > 13 && TAG_TYPES.includes(copy.readUInt16BE(12)) ? frame : copy;
}

/** Gives a broken IPv4 header a right checksum again, so that later checks are reached too. */
function repair(frame: Buffer): void {
  const length = ((frame[ETHERNET] ?? 0) & 15) * 4;
  if (length < 20 || frame.length < ETHERNET + length || frame.readUInt16BE(12) !== IP4) return;
  const header = frame.subarray(ETHERNET, ETHERNET + length);
  header.writeUInt16BE(0, 10);
  header.writeUInt16BE(sum(header) ^ 0xffff, 10);
}

/** ARP requests for the router, each from any address of `prefix`.1.0 to .255.254, with a MAC address of its own. */
export function* arpFlood(count: number, prefix: string, router: string, seed: number): Generator<Buffer> {
  const dice = new Dice(seed);
  for (let i = 0; i < count; i++) {
    const sender = `${prefix}.${1 + dice.below(255)}.${1 + dice.below(254)}`;
    const senderMac = `02:aa:${[...address(sender)].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
    yield ethernet(BROADCAST, senderMac, ARP, arp({ senderMac, sender, target: router }));
  }
}

export function* mixedFrames(count: number, endpoints: Endpoints, seed: number): Generator<Buffer> {
  const [dice, sound] = [new Dice(seed), templates(endpoints)];
  for (let i = 0; i < count; i++) yield mutated(dice.of(sound), dice);
}

/** Writes a classic pcap file of Ethernet frames; lets others run in between. */
export async function writePcap(path: string, frames: Iterable<Buffer>): Promise<void> {
  const file = openSync(path, "w");
  let parts: Buffer[] = [hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000")];
  let size = 0;
  for (const frame of frames) {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(frame.length, 12);
    parts.push(header, frame);
    size += frame.length;
    if (size < CHUNK) continue;
    writeSync(file, Buffer.concat(parts));
    [parts, size] = [[], 0];
    await nextTurn();
  }
  writeSync(file, Buffer.concat(parts));
  closeSync(file);
}
