// Reads packet captures, pcap and pcapng, in both byte orders, a piece at a time: a file may be larger than the memory.
//
//   pcap: file header, 24 bytes                               before each packet, 16 bytes
//   +-------+---------+------+------+---------+------+        +---------+-------------+----------+----------+
//   | magic | version | zone | sigs | snaplen | link |        | seconds | µs or ns    | captured | original |
//   +-------+---------+------+------+---------+------+        +---------+-------------+----------+----------+
//   pcapng (draft-ietf-opsawg-pcapng): blocks, padded to 4 bytes
//   +------+--------+--------------------+--------+
//   | type | length | body               | length |
//   +------+--------+--------------------+--------+

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { systemFailure, WeftError } from "../errors.js";

/** the largest packet that a capture may claim to hold, as libpcap has it */
const CAPTURED_MAX = 262144;
const PCAP = { header: 24, packetHeader: 16, microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d };
const PCAPNG = { byteOrder: 0x1a2b3c4d, block: 12, section: 28, interface: 20, enhanced: 32, simple: 16 };
/** Types of blocks; all others are passed over. */
const Block = { interface: 1, obsolete: 2, simple: 3, enhanced: 6, section: 0x0a0d0d0a } as const;
const RESOLUTION_OPTION = 9; // if_tsresol
const WINDOW = 1 << 20;

/** A packet's place in its file. */
export interface CapturedAt {
  /** of its first byte */
  at: number;
  /** bytes that were captured */
  length: number;
  /** bytes that it had on the wire */
  original: number;
  /** ns since 1970; 0: not told */
  time: bigint;
  /** LINKTYPE_*: 1 Ethernet, 101 raw IP */
  link: number;
}

export interface CapturedPacket {
  time: bigint;
  data: Uint8Array;
  original: number;
}

export interface Capture {
  link: number;
  packets: CapturedPacket[];
}

/** Bytes of a file, of which a part is in memory. */
export interface Bytes {
  readonly size: number;
  /** `length` bytes from `at`, which must be within the file; they stay until the next call */
  view(at: number, length: number): DataView;
}

/** Reads a whole capture of one link type. Throws NOT_FOUND, or BAD_ARGUMENT for one that is damaged or of another format. */
export function readCapture(path: string): Capture {
  const bytes = openCapture(path);
  try {
    return capture(bytes, path);
  } finally {
    bytes.close();
  }
}

/** The same of a capture's bytes; `path` is for messages. */
export function parseCapture(bytes: Uint8Array, path: string): Capture {
  return capture(inMemory(bytes), path);
}

/** A file for packetsOf(), which the caller closes. Throws NOT_FOUND or SYSTEM where it cannot be opened, BAD_ARGUMENT where it is not regular. */
export function openCapture(path: string): Bytes & { close: () => void } {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe that nobody writes to would keep us here
  } catch (cause) {
    const why = `${path}: cannot be read: ${(cause as NodeJS.ErrnoException).code}`;
    throw systemFailure(path, cause) ?? new WeftError("NOT_FOUND", why, { cause });
  }
  const facts = fstatSync(file);
  if (facts.isFile()) return new FileBytes(file, facts.size, path);
  closeSync(file);
  throw new WeftError("BAD_ARGUMENT", `${path}: not a regular file`);
}

/** The packets of a capture in their order. Throws BAD_ARGUMENT when it comes to damage. */
export function* packetsOf(bytes: Bytes, path: string): Generator<CapturedAt> {
  const bad = (what: string): WeftError => new WeftError("BAD_ARGUMENT", `${path}: ${what}`);
  if (bytes.size < PCAP.header) throw bad(`no packet capture: ${bytes.size} bytes, and a header alone has ${PCAP.header}`);
  const start = bytes.view(0, 4);
  if (start.getUint32(0) === Block.section) return yield* new Pcapng(bytes, bad).packets();
  for (const little of [true, false]) {
    const magic = start.getUint32(0, little);
    if (magic === PCAP.microseconds || magic === PCAP.nanoseconds) return yield* pcapPackets(bytes, bad, little, magic);
  }
  throw bad("no packet capture: it does not begin as pcap and pcapng files do");
}

function* pcapPackets(bytes: Bytes, bad: (what: string) => WeftError, little: boolean, magic: number): Generator<CapturedAt> {
  const link = bytes.view(20, 4).getUint32(0, little) & 0xffff; // its high bits tell of a frame check sequence
  const unit = magic === PCAP.nanoseconds ? 1n : 1000n;
  for (let at = PCAP.header, number = 1; at < bytes.size; number++) {
    const place = `packet ${number}`;
    if (bytes.size - at < PCAP.packetHeader) throw bad(`${place}: the file ends in its header`);
    const header = bytes.view(at, PCAP.packetHeader);
    const [seconds, fraction, length, original] = [0, 4, 8, 12].map((offset) => header.getUint32(offset, little)) as [number, number, number, number];
    at += PCAP.packetHeader;
    if (length > CAPTURED_MAX) throw bad(`${place}: a length of ${length}, more than the ${CAPTURED_MAX} that pcap allows`);
    if (length > bytes.size - at) throw bad(`${place}: the file ends ${length - (bytes.size - at)} bytes before it does`);
    yield { at, length, original, link, time: BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * unit };
    at += length;
  }
}

interface CaptureInterface {
  link: number;
  snapLength: number;
  /** ns of one unit of its time stamps, as a fraction */
  unit: { ns: bigint; per: bigint };
}

/** Reads pcapng block by block: a section's header tells the byte order of all that follows, interfaces are numbered from 0 in each. */
class Pcapng {
  private little = true;
  private interfaces: CaptureInterface[] = [];
  private number = 0;

  constructor(private readonly bytes: Bytes, private readonly bad: (what: string) => WeftError) {}

  *packets(): Generator<CapturedAt> {
    for (let at = 0, length = 0; at < this.bytes.size; at += length) {
      length = this.blockLength(at);
      const type = this.bytes.view(at, 4).getUint32(0, this.little);
      if (type === Block.interface) this.interfaces.push(this.interfaceAt(at, length));
      else if (type === Block.enhanced || type === Block.simple || type === Block.obsolete) yield this.packetAt(at, length, type);
    }
  }

  /** Checks a block's frame. */
  private blockLength(at: number): number {
    const { size } = this.bytes;
    if (size - at < PCAPNG.block) throw this.bad(`block at ${at}: the file ends in its header`);
    const head = this.bytes.view(at, PCAPNG.block);
    const section = head.getUint32(0) === Block.section; // reads the same in both byte orders
    if (section) this.beginSection(at, head);
    const length = this.bytes.view(at + 4, 4).getUint32(0, this.little);
    if (length < (section ? PCAPNG.section : PCAPNG.block) || length % 4 !== 0) throw this.bad(`block at ${at}: a length of ${length}`);
    if (length > size - at) throw this.bad(`block at ${at}: the file ends ${length - (size - at)} bytes before it does`);
    const again = this.bytes.view(at + length - 4, 4).getUint32(0, this.little);
    if (again !== length) throw this.bad(`block at ${at}: its length is ${length} at its beginning and ${again} at its end`);
    return length;
  }

  private beginSection(at: number, head: DataView): void {
    const order = [true, false].find((little) => head.getUint32(8, little) === PCAPNG.byteOrder);
    if (order === undefined) throw this.bad(`block at ${at}: a section header without a byte-order mark`);
    this.little = order;
    this.interfaces = [];
  }

  private interfaceAt(at: number, length: number): CaptureInterface {
    if (length < PCAPNG.interface) throw this.bad(`block at ${at}: ${length} bytes are no interface description`);
    const head = this.bytes.view(at, PCAPNG.interface);
    const [link, snapLength] = [head.getUint16(8, this.little), head.getUint32(12, this.little)];
    return { link, snapLength, unit: unitOf(this.option(at + 16, at + length - 4, RESOLUTION_OPTION)) };
  }

  /** First byte of an option's value. */
  private option(from: number, end: number, wanted: number): number | undefined {
    for (let at = from; at + 4 <= end;) {
      const head = this.bytes.view(at, 4);
      const [code, length] = [head.getUint16(0, this.little), head.getUint16(2, this.little)];
      if (code === 0 || at + 4 + length > end) return undefined;
      if (code === wanted && length > 0) return this.bytes.view(at + 4, 1).getUint8(0);
      at += 4 + Math.ceil(length / 4) * 4;
    }
    return undefined;
  }

  private packetAt(at: number, blockLength: number, type: number): CapturedAt {
    const place = `packet ${++this.number}`;
    const header = type === Block.simple ? PCAPNG.simple : PCAPNG.enhanced;
    if (blockLength < header) throw this.bad(`${place}: its block ends in its header`);
    const head = this.bytes.view(at, header);
    const word = (offset: number): number => head.getUint32(offset, this.little);
    const index = type === Block.simple ? 0 : type === Block.enhanced ? word(8) : head.getUint16(8, this.little);
    const from = this.interfaces[index];
    if (from === undefined) throw this.bad(`${place}: of interface ${index}, which the file does not describe`);
    const simple = type === Block.simple;
    const original = simple ? word(8) : word(24);
    const length = !simple ? word(20) : from.snapLength === 0 ? original : Math.min(original, from.snapLength);
    const data = simple ? 12 : 28;
    if (length > CAPTURED_MAX) throw this.bad(`${place}: a length of ${length}, more than the ${CAPTURED_MAX} that are allowed`);
    if (length > blockLength - data - 4) throw this.bad(`${place}: a length of ${length}, more than its block holds`);
    const { ns, per } = from.unit;
    const time = simple ? 0n : (((BigInt(word(12)) << 32n) | BigInt(word(16))) * ns) / per;
    return { at: at + data, length, original, link: from.link, time };
  }
}

/** if_tsresol: a power of 10, or with the high bit of 2; not given: microseconds. */
function unitOf(resolution = 6): CaptureInterface["unit"] {
  const exponent = BigInt(resolution & 0x7f);
  return { ns: 1_000_000_000n, per: resolution & 0x80 ? 2n ** exponent : 10n ** exponent };
}

function capture(bytes: Bytes, path: string): Capture {
  const packets: CapturedPacket[] = [];
  let link: number | undefined;
  for (const { at, length, original, time, link: its } of packetsOf(bytes, path)) {
    link ??= its;
    if (its !== link) throw new WeftError("BAD_ARGUMENT", `${path}: packet ${packets.length + 1}: of link type ${its}, those before it of ${link}`);
    const view = bytes.view(at, length);
    packets.push({ time, original, data: new Uint8Array(view.buffer, view.byteOffset, length).slice() });
  }
  return { link: link ?? 1, packets };
}

function inMemory(bytes: Uint8Array): Bytes {
  return { size: bytes.length, view: (at, length) => new DataView(bytes.buffer, bytes.byteOffset + at, length) };
}

class FileBytes implements Bytes {
  private window = new Uint8Array(0);
  private from = 0;

  constructor(private readonly file: number, readonly size: number, private readonly path: string) {}

  close(): void {
    closeSync(this.file);
  }

  view(at: number, length: number): DataView {
    if (at < this.from || at + length > this.from + this.window.length) this.read(at, Math.min(Math.max(length, WINDOW), this.size - at));
    return new DataView(this.window.buffer, at - this.from, length);
  }

  private read(at: number, length: number): void {
    const window = new Uint8Array(length);
    for (let done = 0, got = 0; done < length; done += got) {
      got = readSync(this.file, window, done, length - done, at + done);
      if (got === 0) throw new WeftError("BAD_ARGUMENT", `${this.path}: it becomes shorter while it is read`);
    }
    [this.window, this.from] = [window, at];
  }
}
