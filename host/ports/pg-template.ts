// A packet generator's packets as text, VPP's lines put into one:
//
//   IP4: 02:00:00:00:00:01 -> 02:00:00:00:00:02   UDP: 192.0.2.2 -> 198.51.100.1-198.51.100.9   UDP: 1234 -> 2345   incrementing 100
//
// Which layer a word with a colon begins is told by what follows: MAC addresses, IPv4 addresses, or neither. Every value may be a range.

import type { PgRange, PgTemplate } from "../addon.js";
import { bad, WeftError } from "../errors.js";
import { quote } from "../nearest.js";
import { ADDRESSES, MACS, numbers, parseRange, type ValueKind } from "./pg-range.js";

export const FRAME_MIN = 14;
/** as many buffers as a chain has, all full */
export const FRAME_MAX = 40 * 2048;
/** the shortest frame on a wire, without its check sequence */
const FRAME_DEFAULT = 60;
const IP_MAX = 65_535;
const RANGES_MAX = 32;
const SOURCE = "02:00:00:00:00:02";
const EXAMPLES: Record<string, string> = { UDP: "UDP: 1234 -> 2345", TCP: "TCP: 1234 -> 80 flags syn", ICMP: "ICMP: echo_request" };

const IP4 = 0x0800;
const TYPES = new Map([["IP4", IP4], ["ARP", 0x0806], ["IP6", 0x86dd]]);
const PROTOCOLS = new Map([["ICMP", 1], ["TCP", 6], ["UDP", 17]]);
const ICMP_TYPES = new Map([["echo_request", 8], ["echo_reply", 0]]);
const TCP_FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

const PORT = numbers("a port", 0, 0xffff);
const BYTE = numbers("a number", 0, 0xff);
const SHORT = numbers("a number", 0, 0xffff);
const WORD = numbers("a number", 0, 0xffffffff);
const VLAN = numbers("a VLAN", 0, 4095);
const MODULUS = numbers("a number", 1, 256);
const FLAGS: ValueKind = {
  expected: `flags such as syn,ack, or ${BYTE.expected}`,
  parse: (text) => BYTE.parse(text) ?? flagsOf(text.split(",")),
};
const ICMP_TYPE: ValueKind = {
  expected: `${[...ICMP_TYPES.keys()].join(", ")} or ${BYTE.expected}`,
  parse: (text) => ICMP_TYPES.get(text) ?? BYTE.parse(text),
};

/** Options of a header: name, where its value stands in it, bytes, kind. */
type Option = [name: string, at: number, bytes: number, kind: ValueKind];
const IP_OPTIONS: Option[] = [["tos", 1, 1, BYTE], ["id", 4, 2, SHORT], ["ttl", 8, 1, BYTE]];
const TCP_OPTIONS: Option[] = [["seq", 4, 4, WORD], ["ack", 8, 4, WORD], ["flags", 13, 1, FLAGS], ["window", 14, 2, SHORT]];
const ICMP_OPTIONS: Option[] = [["code", 1, 1, BYTE], ["id", 4, 2, SHORT], ["seq", 6, 2, SHORT]];

/** Makes a template of its text and size ("64", "64-1500", "64+1500"); `mac` is whom packets are for that do not say it. Throws BAD_ARGUMENT. */
export function parseTemplate(text: string, size: string | undefined, mac: string, seed: number): PgTemplate {
  return new TemplateText(text, mac).template(size, seed);
}

class TemplateText {
  private readonly words: string[];
  private next = 0;
  /** the headers, and what follows them that is told literally */
  private readonly bytes: number[] = [];
  /** where the header begins that is being written */
  private base = 0;
  private readonly ranges: PgRange[] = [];
  /** what is filled in or says what is: no range may be there */
  private readonly fixed: { at: number; bytes: number }[] = [];
  private ip = 0;
  private transport = 0;
  private checksum = 0;
  /** of "incrementing"; 0: what is left of the packet is zero */
  private modulus = 0;

  constructor(text: string, mac: string) {
    this.words = text.split(/\s+/).filter((word) => word !== "");
    if (this.words.length === 0) throw bad("the data are empty: there is no packet in them");
    if (this.words[0] !== "hex") this.headers(mac);
    while (this.next < this.words.length) this.rest(this.take("the packet's rest"));
  }

  template(size: string | undefined, seed: number): PgTemplate {
    const least = this.bytes.length;
    const most = this.ip > 0 ? this.ip + IP_MAX : FRAME_MAX;
    const shown = size ?? String(Math.max(FRAME_DEFAULT, least));
    const sizes = parseRange(shown, numbers("a number of bytes", FRAME_MIN, most), 0, 0, "size");
    if (sizes.from < least) throw bad(`size ${shown}: the data alone have ${least} bytes`);
    this.checkRanges(sizes.from);
    const bytes = new Uint8Array(sizes.from + sizes.count - 1);
    if (this.modulus > 0) for (let i = least; i < bytes.length; i++) bytes[i] = (i - least) % this.modulus;
    bytes.set(this.bytes);
    return { bytes, size: sizes, ranges: this.ranges, seed, ip: this.ip, transport: this.transport, checksum: this.checksum };
  }

  private headers(mac: string): void {
    let type = IP4;
    const told = MACS.parse(/^[^-+]*/.exec(this.words[1] ?? "")![0]) !== undefined;
    if (told) type = this.layer(TYPES, numbers("a type", 0x600, 0xffff));
    this.header(12);
    if (told) this.pair(6, 0, 6, MACS);
    else [mac, SOURCE].forEach((address, i) => this.value(address, i * 6, 6, MACS));
    if (this.words[this.next] === "vlan") {
      this.next++;
      this.header(4); // IEEE 802.1Q 9.3
      this.bytes[this.base] = 0x81;
      this.value(this.take("a VLAN"), 2, 2, VLAN);
    }
    this.bytes.push(type >> 8, type & 255);
    if (type === IP4 && this.beginsLayer()) this.ip4();
  }

  /** RFC 791 3.1 */
  private ip4(): void {
    const named = this.words[this.next]!.slice(0, -1);
    const protocol = this.layer(PROTOCOLS, BYTE);
    this.ip = this.header(20);
    [this.bytes[this.ip], this.bytes[this.ip + 8], this.bytes[this.ip + 9]] = [0x45, 64, protocol];
    this.fix([0, 1], [2, 2], [9, 3]);
    this.pair(12, 16, 4, ADDRESSES);
    this.options(IP_OPTIONS);
    if (!PROTOCOLS.has(named)) return; // by its number: what follows is as it is told
    const next = this.words[this.next];
    if (next !== `${named}:`) throw this.wrong(`the ${named} header, such as "${EXAMPLES[named]}"`, next);
    this.next++;
    this.transport = this.bytes.length;
    if (named === "UDP") this.udp();
    else if (named === "TCP") this.tcp();
    else this.icmp();
  }

  /** RFC 768 */
  private udp(): void {
    this.checksum = this.header(8) + 6;
    this.fix([4, 4]);
    this.pair(0, 2, 2, PORT);
  }

  /** RFC 9293 3.1 */
  private tcp(): void {
    this.checksum = this.header(20) + 16;
    [this.bytes[this.base + 12], this.bytes[this.base + 13]] = [0x50, 0x10];
    this.bytes.fill(0xff, this.base + 14, this.base + 16);
    this.fix([16, 2]);
    this.pair(0, 2, 2, PORT);
    this.options(TCP_OPTIONS);
  }

  /** RFC 792 */
  private icmp(): void {
    this.checksum = this.header(8) + 2;
    this.fix([2, 2]);
    this.value(this.take(ICMP_TYPE.expected), 0, 1, ICMP_TYPE);
    this.options(ICMP_OPTIONS);
  }

  private rest(word: string): void {
    if (word === "incrementing") this.modulus = MODULUS.parse(this.take("how far to count")) ?? this.fail(MODULUS.expected);
    else if (word === "hex") this.literal(this.take("hex digits"));
    else if (word === "at") this.anywhere(this.take("a place such as 42:2"));
    else this.fail('"at", "hex", "incrementing" or nothing more');
  }

  private literal(word: string): void {
    const digits = word.replace(/^0x/i, "");
    if (!/^([0-9a-f]{2})+$/i.test(digits)) this.fail("pairs of hex digits");
    for (const byte of Buffer.from(digits, "hex")) this.bytes.push(byte); // one by one: they may be more than a call takes
  }

  /** `at OFFSET:BYTES VALUES`: any bytes of the packet */
  private anywhere(place: string): void {
    const [, at, bytes] = /^(\d{1,5}):([1-6])$/.exec(place) ?? [];
    if (at === undefined) this.fail("OFFSET:BYTES, up to 6 bytes, such as 42:2");
    const kind = numbers("a number", 0, 256 ** Number(bytes) - 1);
    this.ranges.push(parseRange(this.take("its values"), kind, Number(at), Number(bytes), `at ${place}`));
  }

  /** Begins a header of this many zero bytes; gives where. */
  private header(length: number): number {
    this.base = this.bytes.length;
    this.bytes.push(...Array<number>(length).fill(0));
    return this.base;
  }

  private fix(...places: [at: number, bytes: number][]): void {
    this.fixed.push(...places.map(([at, bytes]) => ({ at: this.base + at, bytes })));
  }

  /** `SOURCE -> DESTINATION` */
  private pair(source: number, destination: number, bytes: number, kind: ValueKind): void {
    this.value(this.take(kind.expected), source, bytes, kind);
    if (this.take('"->"') !== "->") this.fail('"->"');
    this.value(this.take(kind.expected), destination, bytes, kind);
  }

  private options(known: Option[]): void {
    for (let option; (option = known.find(([name]) => name === this.words[this.next])) !== undefined;) {
      const [name, at, bytes, kind] = option;
      this.next++;
      this.value(this.take(`a value of ${name}`), at, bytes, kind);
    }
  }

  /** Values of a field of the header that is being written. */
  private value(text: string, at: number, bytes: number, kind: ValueKind): void {
    const range = parseRange(text, kind, this.base + at, bytes, `data, word ${this.next}`);
    if (range.count > 1) this.ranges.push(range);
    for (let i = bytes, rest = range.from; i > 0; rest = Math.floor(rest / 256)) this.bytes[range.at + --i] = rest % 256;
  }

  private beginsLayer(): boolean {
    return this.words[this.next]?.endsWith(":") === true;
  }

  /** A word with a colon, by name or number. */
  private layer(names: Map<string, number>, kind: ValueKind): number {
    const known = [...names.keys()].map((name) => `${name}:`);
    const word = this.take(`one of ${known.join(" ")}`);
    const name = word.endsWith(":") ? word.slice(0, -1) : "";
    return names.get(name) ?? kind.parse(name) ?? this.fail(`${known.join(", ")}, or ${kind.expected} and a colon`);
  }

  private take(expected: string): string {
    const word = this.words[this.next++];
    if (word === undefined) throw bad(`the data end where ${expected} is to come`);
    return word;
  }

  /** The word that was taken last is wrong. */
  private fail(expected: string): never {
    this.next--;
    throw this.wrong(expected, this.words[this.next]);
  }

  private wrong(expected: string, word: string | undefined): WeftError {
    return bad(`data, word ${this.next + 1}: expected ${expected}, not ${word === undefined ? "the end" : quote(word)}`);
  }

  private checkRanges(shortest: number): void {
    if (this.ranges.length > RANGES_MAX) throw bad(`${this.ranges.length} ranges: there can be ${RANGES_MAX}`);
    for (const [i, one] of this.ranges.entries()) {
      if (one.at + one.bytes > shortest) throw bad(`bytes ${one.at}:${one.bytes} are beyond the end of a packet of ${shortest}`);
      const others = [...this.ranges.slice(0, i), ...this.fixed];
      const other = others.find(({ at, bytes }) => at < one.at + one.bytes && one.at < at + bytes);
      if (other) throw bad(`bytes ${one.at}:${one.bytes} overlap ${other.at}:${other.bytes}, which another range or what is filled in has`);
    }
  }
}

function flagsOf(names: string[]): number | undefined {
  const bits = names.map((name) => TCP_FLAGS.indexOf(name));
  return bits.includes(-1) ? undefined : bits.reduce((sum, bit) => sum | (1 << bit), 0);
}
