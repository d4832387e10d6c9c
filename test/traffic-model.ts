// What the packet generator and the fault port should do, said again naively: splitmix64, ranges, checksums byte by byte.

import type { FaultSettings, PgRange, PgTemplate } from "../host/addon.js";
import { checksum } from "./graph/packets.js";

const MASK = (1n << 64n) - 1n;

export class Random {
  private state: bigint;

  constructor(seed: number) {
    this.state = BigInt(seed);
  }

  next(): bigint {
    this.state = (this.state + 0x9e3779b97f4a7c15n) & MASK;
    let mixed = this.state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return mixed ^ (mixed >> 31n);
  }

  below(count: number): number {
    return Number((this.next() * BigInt(count)) >> 64n);
  }

  happens(probability: number): boolean {
    return Number(this.next() >> 11n) / 2 ** 53 < probability;
  }
}

/** The first `count` packets of a template. */
export function expected(template: PgTemplate, count: number): Uint8Array[] {
  const random = new Random(template.seed);
  return Array.from({ length: count }, (_, number) => {
    const pick = ({ from, count: values, random: chance }: PgRange): number =>
      values === 1 ? from : from + (chance ? random.below(values) : number % values);
    const bytes = template.bytes.slice(0, pick(template.size));
    for (const range of template.ranges) writeNumber(bytes, range.at, range.bytes, pick(range));
    if (template.ip > 0) fillIp(bytes, template.ip);
    if (template.transport > 0) fillTransport(bytes, template);
    return bytes;
  });
}

function writeNumber(bytes: Uint8Array, at: number, length: number, value: number): void {
  for (let i = 0; i < length; i++) bytes[at + length - 1 - i] = Number((BigInt(value) >> BigInt(8 * i)) & 255n);
}

function fillIp(bytes: Uint8Array, ip: number): void {
  const header = bytes.subarray(ip, ip + (bytes[ip]! & 15) * 4);
  writeNumber(header, 2, 2, bytes.length - ip);
  writeNumber(header, 10, 2, 0);
  writeNumber(header, 10, 2, checksum(header));
}

function fillTransport(bytes: Uint8Array, { ip, transport, checksum: place }: PgTemplate): void {
  const protocol = bytes[ip + 9]!;
  const segment = bytes.subarray(transport);
  writeNumber(bytes, place, 2, 0);
  if (protocol === 17) writeNumber(segment, 4, 2, segment.length);
  const pseudo = protocol === 1 ? [] : [...bytes.subarray(ip + 12, ip + 20), 0, protocol, segment.length >> 8, segment.length & 255];
  const sum = checksum([...pseudo, ...segment]);
  writeNumber(bytes, place, 2, sum === 0 && protocol === 17 ? 0xffff : sum);
}

/** A fault port's line where nothing is delayed: what comes out, in which order. */
export class FaultModel {
  readonly counts = { lost: 0, truncated: 0, corrupted: 0, duplicated: 0, reordered: 0 };
  readonly out: Uint8Array[] = [];
  private readonly random: Random;
  private aside: Uint8Array | null = null;

  constructor(private readonly set: FaultSettings, seed: number) {
    this.random = new Random(seed);
  }

  judge(frame: Uint8Array): void {
    let bytes = frame.slice();
    if (this.happens("loss")) return void this.counts.lost++;
    if (this.happens("truncate")) {
      bytes = bytes.subarray(0, 1 + this.random.below(bytes.length - 1));
      this.counts.truncated++;
    }
    if (this.happens("corrupt")) {
      const bit = this.random.below(bytes.length * 8);
      bytes[bit >> 3]! ^= 0x80 >> bit % 8;
      this.counts.corrupted++;
    }
    const twice = this.happens("duplicate");
    this.pass(bytes);
    if (!twice) return;
    this.counts.duplicated++;
    this.pass(bytes);
  }

  private pass(bytes: Uint8Array): void {
    const late = this.happens("reorder");
    if (late) this.counts.reordered++;
    if (late && this.aside === null) {
      this.aside = bytes;
      return;
    }
    this.out.push(bytes, ...(this.aside ? [this.aside] : []));
    this.aside = null;
  }

  private happens(what: "loss" | "truncate" | "corrupt" | "duplicate" | "reorder"): boolean {
    return this.set[what] > 0 && this.random.happens(this.set[what]);
  }
}
