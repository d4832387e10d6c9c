// Reads packet captures: the classic pcap format, in both byte orders, with micro- or nanoseconds.
//
//   file header, 24 bytes                                     before each packet, 16 bytes
//   +-------+---------+------+------+---------+------+        +---------+-------------+----------+----------+
//   | magic | version | zone | sigs | snaplen | link |        | seconds | µs or ns    | captured | original |
//   +-------+---------+------+------+---------+------+        +---------+-------------+----------+----------+

import { readFileSync } from "node:fs";
import { WeftError } from "../errors.js";

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** the largest packet that a capture may claim to hold, as libpcap has it */
const MAXIMUM_SNAPLEN = 262144;
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const PCAPNG = 0x0a0d0d0a;

export interface CapturedPacket {
  /** ns since 1970 */
  time: bigint;
  data: Uint8Array;
  /** length on the wire */
  original: number;
}

export interface Capture {
  /** LINKTYPE_*: 1 Ethernet, 101 raw IP */
  link: number;
  packets: CapturedPacket[];
}

/** Reads a capture file. Throws NOT_FOUND, or BAD_ARGUMENT for one that is damaged or of another format. */
export function readPcap(path: string): Capture {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new WeftError("NOT_FOUND", `${path}: cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  return parsePcap(bytes, path);
}

/** Reads a capture's bytes; `path` is for messages. Throws BAD_ARGUMENT. */
export function parsePcap(bytes: Uint8Array, path: string): Capture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (what: string): WeftError => new WeftError("BAD_ARGUMENT", `${path}: ${what}`);
  if (bytes.length >= 4 && view.getUint32(0) === PCAPNG) throw bad('pcapng: turn it into pcap with "editcap -F pcap IN OUT"');
  if (bytes.length < FILE_HEADER) throw bad(`no packet capture: ${bytes.length} bytes, and the header alone has ${FILE_HEADER}`);
  const little = [MICROSECONDS, NANOSECONDS].includes(view.getUint32(0, true));
  const magic = view.getUint32(0, little);
  if (magic !== MICROSECONDS && magic !== NANOSECONDS) throw bad("no packet capture: it does not begin as pcap files do");

  const packets: CapturedPacket[] = [];
  for (let at = FILE_HEADER; at < bytes.length;) {
    const place = `packet ${packets.length + 1}`;
    if (bytes.length - at < PACKET_HEADER) throw bad(`${place}: the file ends in its header`);
    const word = (offset: number): number => view.getUint32(at + offset, little);
    const [seconds, fraction, captured, original] = [word(0), word(4), word(8), word(12)];
    at += PACKET_HEADER;
    if (captured > MAXIMUM_SNAPLEN) throw bad(`${place}: a length of ${captured}, more than the ${MAXIMUM_SNAPLEN} that pcap allows`);
    if (captured > bytes.length - at) throw bad(`${place}: the file ends ${captured - (bytes.length - at)} bytes before it does`);
    const time = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * (magic === NANOSECONDS ? 1n : 1000n);
    packets.push({ time, data: bytes.subarray(at, at + captured), original });
    at += captured;
  }
  return { link: view.getUint32(20, little) & 0xffff, packets }; // its high bits tell of a frame check sequence
}
