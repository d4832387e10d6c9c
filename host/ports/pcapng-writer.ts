// Blocks of a pcapng file (draft-ietf-opsawg-pcapng) around the packets, which the shim makes into blocks itself (native/capture.cc).
//
//   +------+--------+------------ - -+---------------------------------- - -+--------+
//   | type | length | fixed fields   | options: code, length, value padded  | length |     all little-endian
//   +------+--------+------------ - -+---------------------------------- - -+--------+

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const INTERFACE_STATISTICS = 5;
const BYTE_ORDER = 0x1a2b3c4d;
const LINKTYPE_ETHERNET = 1;
const NANOSECONDS = 9; // 10^-9 s

/** Option codes: comment of anything; then by block. */
const COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_MACADDR = 6;
const IF_TSRESOL = 9;
const ISB_OSDROP = 7;

type Option = [code: number, value: Uint8Array];

/** The first block, 4.1: `application` is what wrote the file. */
export function sectionHeader(application: string): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.writeUInt32LE(BYTE_ORDER, 0);
  fixed.writeUInt16LE(1, 4); // version 1.0
  fixed.writeBigInt64LE(-1n, 8); // of unknown length
  return block(SECTION_HEADER, fixed, [[SHB_USERAPPL, Buffer.from(application)]]);
}

/** An interface, 4.2; packets name it by its place among these blocks. */
export function interfaceDescription(name: string, description: string, mac: Uint8Array): Buffer {
  const fixed = Buffer.alloc(8); // no limit on a packet's length
  fixed.writeUInt16LE(LINKTYPE_ETHERNET, 0);
  const options: Option[] = [[IF_NAME, Buffer.from(name)], [IF_DESCRIPTION, Buffer.from(description)], [IF_MACADDR, mac]];
  return block(INTERFACE_DESCRIPTION, fixed, [...options, [IF_TSRESOL, Uint8Array.of(NANOSECONDS)]]);
}

/** What the capture missed, 4.6, at `time` (ms since 1970); of the whole capture, said of one interface. */
export function interfaceStatistics(number: number, time: number, missed: number): Buffer {
  const fixed = Buffer.alloc(12);
  const ns = BigInt(Math.round(time)) * 1_000_000n;
  fixed.writeUInt32LE(number, 0);
  fixed.writeUInt32LE(Number(ns >> 32n), 4);
  fixed.writeUInt32LE(Number(ns & 0xffffffffn), 8);
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(BigInt(missed));
  return block(INTERFACE_STATISTICS, fixed, [[COMMENT, Buffer.from("packets that the capture missed, of all interfaces")], [ISB_OSDROP, count]]);
}

function block(type: number, fixed: Buffer, options: Option[]): Buffer {
  const body = Buffer.concat([fixed, ...options.map(([code, value]) => option(code, value)), Buffer.alloc(4)]);
  const length = 12 + body.length;
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
    return bytes;
  };
  return Buffer.concat([words(type, length), body, words(length)]);
}

function option(code: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
