// The package wasmparser for hostile input. It believes what it reads: reads on beyond the end, where every byte is
// zero, for as many entries as a count promises, and takes an index of one byte where the specification has a LEB128
// number, so that what follows means something else to it than to V8. Both are mended here.

import { BinaryReader, BinaryReaderState as State, type IFunctionNameEntry, type INameEntry, type ISectionInformation, NameType } from "wasmparser";
import { bytesToString, SectionCode } from "wasmparser";
import { Malformed } from "./wasm-bytes.js";

/** What the parser has beside its declared interface. */
interface Internals {
  readUint8(): number;
  readVarUint1(): number;
  readVarUint32(): number;
}

/** A parser that throws Malformed instead of reading beyond the end. */
export function strictReader(bytes: Uint8Array): BinaryReader {
  const reader = new BinaryReader();
  const internals = reader as unknown as Internals;
  const { readUint8, readVarUint32 } = internals;
  // Another version of the package may have other internals; without these it must not be used.
  if (typeof readUint8 !== "function" || typeof readVarUint32 !== "function" || typeof internals.readVarUint1 !== "function") {
    throw new Error("the package wasmparser is not of the version in package-lock.json");
  }
  internals.readUint8 = () => {
    if (reader.position >= reader.length) throw new Malformed("the file ends too early", reader.length);
    return readUint8.call(reader);
  };
  // Index of a table in call_indirect, of a memory in memory.size: LEB128 since there can be several.
  internals.readVarUint1 = readVarUint32;
  reader.setData(new Uint8Array(bytes).buffer, 0, bytes.length); // a copy, from its buffer's beginning on
  return reader;
}

/** One step; false at the end of the file. Throws Malformed for what the parser does not understand. */
export function step(reader: BinaryReader): boolean {
  const at = reader.position;
  let more: boolean;
  try {
    more = reader.read();
  } catch (error) {
    if (error instanceof Malformed) throw error;
    throw new Malformed((error as Error).message, at);
  }
  if (reader.state === State.ERROR) throw new Malformed(reader.error.message, at);
  if (reader.state === State.END_WASM) return false;
  if (!more) throw new Malformed("the file, or a part of it, ends too early", at);
  return true;
}

/** Names of functions in the custom section `name`, as far as it can be read: nothing depends on them. */
export function functionNames(bytes: Uint8Array): Map<number, string> {
  const names = new Map<number, string>();
  try {
    const reader = strictReader(bytes);
    while (step(reader)) {
      if (reader.state === State.BEGIN_SECTION && !isNameSection(reader.result as ISectionInformation)) reader.skipSection();
      if (reader.state !== State.NAME_SECTION_ENTRY || (reader.result as INameEntry).type !== NameType.Function) continue;
      for (const { index, name } of (reader.result as IFunctionNameEntry).names) names.set(index, bytesToString(name));
    }
  } catch {
    // a broken section `name` names fewer functions
  }
  return names;
}

function isNameSection({ id, name }: ISectionInformation): boolean {
  return id === SectionCode.Custom && bytesToString(name) === "name";
}
