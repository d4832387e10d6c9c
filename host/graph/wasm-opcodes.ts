// Which instructions a node may have. A list of what is allowed: an instruction that WebAssembly gets next year is
// refused until someone has thought about it.

import { OperatorCodeNames } from "wasmparser";

/** First and last code of the instructions that are allowed; those with a prefix are 0xfc00 | code and 0xfd000 | code. */
const ALLOWED: [first: number, last: number][] = [
  [0x00, 0x05], // control: unreachable, nop, block, loop, if, else
  [0x0b, 0x11], // end, branches, return, calls
  [0x1a, 0x1b], // drop, select
  [0x20, 0x24], // locals, globals
  [0x28, 0x3f], // loads, stores, memory.size
  [0x41, 0xc4], // constants, arithmetic, conversion, sign extension
  [0xfc00, 0xfc07], // saturating conversion
  [0xfd000, 0xfd0ff], // 128-bit SIMD
];

interface Refused {
  first: number;
  last: number;
  what: string;
  mend: string;
}

const NO_BULK = "build with --disable bulk-memory (asc), -mno-bulk-memory (clang), or copy in a loop";
const NO_ATOMICS = "nothing that a node may write is another worker's: use plain loads and stores";
const NO_GROWTH = "nodes allocate nothing: what they keep belongs into their state";
const NO_REFERENCES = "build with -mno-reference-types";
const NO_EXCEPTIONS = "build without exceptions";

/** Why the others are not. */
const REFUSED: Refused[] = [
  // A fault in one of these has no landing pad in V8: it would end the process.
  { first: 0xfc08, last: 0xfc0b, what: "a bulk memory instruction", mend: NO_BULK },
  { first: 0xfe00, last: 0xfeff, what: "an atomic instruction", mend: NO_ATOMICS },
  { first: 0x40, last: 0x40, what: "an allocation", mend: NO_GROWTH },
  { first: 0xfc0c, last: 0xfc11, what: "a table instruction", mend: "fill tables with element segments" },
  { first: 0x06, last: 0x0a, what: "an exception instruction", mend: NO_EXCEPTIONS },
  { first: 0x18, last: 0x19, what: "an exception instruction", mend: NO_EXCEPTIONS },
  { first: 0x1f, last: 0x1f, what: "an exception instruction", mend: NO_EXCEPTIONS },
  { first: 0x12, last: 0x13, what: "a tail call", mend: "build with -mno-tail-call" },
  { first: 0x14, last: 0x17, what: "a call by reference", mend: NO_REFERENCES },
  { first: 0x1c, last: 0x1c, what: "a reference type instruction", mend: NO_REFERENCES },
  { first: 0x25, last: 0x26, what: "a reference type instruction", mend: NO_REFERENCES },
  { first: 0xd0, last: 0xd2, what: "a reference type instruction", mend: NO_REFERENCES },
  { first: 0xd3, last: 0xd6, what: "a garbage collection instruction", mend: "build for linear memory" },
  { first: 0xfb00, last: 0xfbff, what: "a garbage collection instruction", mend: "build for linear memory" },
  { first: 0xfd100, last: 0xfd1ff, what: "a relaxed SIMD instruction", mend: "build with -mno-relaxed-simd" },
];

/** What is wrong with an instruction, and how to mend it; undefined: nothing. */
export function refusal(code: number): { what: string; mend: string } | undefined {
  if (ALLOWED.some(([first, last]) => code >= first && code <= last)) return undefined;
  const why = REFUSED.find(({ first, last }) => code >= first && code <= last);
  const name = OperatorCodeNames[code] ?? `instruction 0x${code.toString(16)}`;
  return { what: `${name}, ${why?.what ?? "an unknown instruction"}`, mend: why?.mend ?? "build for WebAssembly 1.0 and SIMD" };
}
