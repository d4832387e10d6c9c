// What a module says of the memory it imports, and another word put in its place.
//
// V8 leaves the bounds check out of an access to a constant address below the memory's declared minimum, and such an
// access has no entry in its table of faults that become a RuntimeError either: a null pointer in a node that declares
// one page would end the process. Declared with minimum 0, every constant address may lie outside, and each traps.

import { ByteReader, IMPORT, leb, Malformed, type Section, readSections } from "./wasm-bytes.js";

/** An imported memory as the module declares it, in pages. */
export interface MemoryImport {
  /** offsets of its limits in the file */
  start: number;
  end: number;
  minimum: number;
  maximum: number | null;
  shared: boolean;
}

/** Kinds of imports (core specification, 5.5.5). */
const [FUNCTION, TABLE, MEMORY, GLOBAL, TAG] = [0, 1, 2, 3, 4];
/** Of limits: there is a maximum; shared. */
const [HAS_MAXIMUM, SHARED] = [1, 2];
const MAXIMUM = 65536;

/** The module as it was, but for the limits of `env.memory`: shared, 0 to 65536 pages. Throws Malformed. */
export function withMemoryLimits(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(bytes);
  const section = sections.find(({ id }) => id === IMPORT);
  const [memory] = memoryImports(bytes, sections);
  if (section === undefined || memory === undefined) throw new Malformed("it imports no memory", 0);
  const limits = [HAS_MAXIMUM | SHARED, ...leb(0), ...leb(MAXIMUM)];
  const content = [bytes.subarray(section.start, memory.start), limits, bytes.subarray(memory.end, section.end)];
  const size = content.reduce((sum, part) => sum + part.length, 0);
  return joined([bytes.subarray(0, section.at), [IMPORT, ...leb(size)], ...content, bytes.subarray(section.end)]);
}

/** The memories that a module imports. Throws Malformed. */
export function memoryImports(bytes: Uint8Array, sections: Section[]): MemoryImport[] {
  const section = sections.find(({ id }) => id === IMPORT);
  if (section === undefined) return [];
  const reader = new ByteReader(bytes, section.start, section.end);
  const memories: MemoryImport[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    reader.name();
    reader.name();
    const memory = readImport(reader);
    if (memory) memories.push(memory);
  }
  return memories;
}

/** Reads past one import; gives it when it is a memory. */
function readImport(reader: ByteReader): MemoryImport | undefined {
  const at = reader.at;
  const kind = reader.u8();
  switch (kind) {
    case FUNCTION:
      reader.u32();
      return undefined;
    case TABLE:
      reader.u8();
      readLimits(reader, HAS_MAXIMUM);
      return undefined;
    case MEMORY:
      return readLimits(reader, HAS_MAXIMUM | SHARED);
    case GLOBAL:
      reader.u8();
      reader.u8();
      return undefined;
    case TAG:
      reader.u8();
      reader.u32();
      return undefined;
  }
  throw new Malformed(`an import of unknown kind ${kind}`, at);
}

function readLimits(reader: ByteReader, known: number): MemoryImport {
  const start = reader.at;
  const flags = reader.u8();
  if ((flags & ~known) !== 0) throw new Malformed(`a memory or table of another kind, flags ${flags}`, start, "build for wasm32");
  const minimum = reader.u32();
  const maximum = (flags & HAS_MAXIMUM) !== 0 ? reader.u32() : null;
  return { start, end: reader.at, minimum, maximum, shared: (flags & SHARED) !== 0 };
}

function joined(parts: (Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
