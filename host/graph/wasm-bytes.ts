// The outermost layer of a WebAssembly file: its sections, and the numbers and names in them. Strict where the
// specification is, so that V8 reads what was read here.

/** Bytes that are not as the specification says, or of a part of it that weft does not read. */
export class Malformed extends Error {
  constructor(message: string, readonly at: number, readonly mend: string | null = null) {
    super(message);
    this.name = "Malformed";
  }
}

/** Reads a part of a file from front to back; offsets are the file's. */
export class ByteReader {
  constructor(private readonly bytes: Uint8Array, public at: number, readonly end: number) {}

  get more(): boolean {
    return this.at < this.end;
  }

  u8(): number {
    if (this.at >= this.end) throw new Malformed("the file, or a part of it, ends too early", this.at);
    return this.bytes[this.at++]!;
  }

  /** An unsigned LEB128 number of 32 bits in at most five bytes (core specification, 5.2.2). */
  u32(): number {
    const start = this.at;
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.u8();
      if (i === 4 && byte > 15) break;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw new Malformed("a number of more than 32 bits or five bytes", start);
  }

  take(count: number): Uint8Array {
    if (count > this.end - this.at) throw new Malformed("the file, or a part of it, ends too early", this.at);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  name(): string {
    const start = this.at;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(this.u32()));
    } catch (error) {
      if (error instanceof Malformed) throw error;
      throw new Malformed("a name that is not UTF-8", start);
    }
  }
}

export interface Section {
  id: number;
  /** of a custom section; else the specification's word for it */
  name: string;
  /** offset of the section's first byte, its id */
  at: number;
  /** offsets of its content and after it; a custom section's content begins behind the name */
  start: number;
  end: number;
}

export const CUSTOM = 0;
export const IMPORT = 2;
export const MEMORY = 5;
export const START = 8;
const NAMES = [
  "custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count", "tag",
];

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** The sections of a module, in the file's order. Throws Malformed. */
export function readSections(bytes: Uint8Array): Section[] {
  const wrong = HEADER.findIndex((byte, i) => bytes[i] !== byte);
  if (wrong >= 0) throw new Malformed(`it does not begin with ${wrong < 4 ? "\\0asm" : "version 1"}`, wrong < 4 ? 0 : 4);
  const reader = new ByteReader(bytes, HEADER.length, bytes.length);
  const sections: Section[] = [];
  while (reader.more) {
    const at = reader.at;
    const id = reader.u8();
    if (id >= NAMES.length) throw new Malformed(`an unknown section ${id}`, at);
    const size = reader.u32();
    const start = reader.at;
    reader.take(size);
    sections.push(sectionOf(bytes, id, at, start, reader.at));
  }
  return sections;
}

function sectionOf(bytes: Uint8Array, id: number, at: number, start: number, end: number): Section {
  if (id !== CUSTOM) return { id, name: NAMES[id]!, at, start, end };
  const content = new ByteReader(bytes, start, end);
  const name = content.name();
  return { id, name, at, start: content.at, end };
}

/** A number as LEB128. */
export function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
