// Where a module's static data lies: in one of the regions that assembly/abi.ts keeps for modules.

import { ExternalKind, OperatorCode } from "wasmparser";
import { MODULE_COUNT, MODULE_SIZE, MODULES } from "../../assembly/abi.js";
import { Findings, hex } from "./findings.js";
import { ByteReader, CUSTOM, type Section } from "./wasm-bytes.js";
import type { Facts, Operator, Segment } from "./wasm-facts.js";
import { MEMORY_BASE } from "./verify-rules.js";

export interface StaticData {
  /** the region that the module was linked for; null: none, or any */
  region: number | null;
  /** it takes whichever region it is given */
  relocatable: boolean;
}

const SEGMENTS_MAX = 256;
const EXAMPLE = MODULES + MODULE_SIZE;
const REGIONS = `${MODULE_COUNT - 1} regions of ${MODULE_SIZE} bytes`;
const MEND = `link it for one of the ${REGIONS}, the first with: asc --memoryBase ${EXAMPLE}, wasm-ld --global-base=${EXAMPLE}`;
/** In the custom section dylink.0: how much memory the module needs. */
const DYLINK_MEMORY = 1;

/** Where a segment begins; relative: to __memory_base. */
interface Place {
  offset: number;
  relative: boolean;
}

/** Checks that all data is in one region, and says in which. */
export function checkData(bytes: Uint8Array, sections: Section[], facts: Facts, findings: Findings): StaticData {
  const { data } = facts;
  if (data.length > SEGMENTS_MAX) findings.add(`${data.length} data segments`, data[0]!.at, `at most ${SEGMENTS_MAX} are allowed`);
  const globals = facts.imports.filter(({ kind }) => kind === ExternalKind.Global);
  const base = globals.findIndex(({ module, name }) => `${module}.${name}` === MEMORY_BASE);
  const relocatable = base >= 0;
  let region: number | null = null;
  for (const [i, segment] of data.entries()) {
    const place = placeOf(segment, base);
    if (!segment.active) findings.add(`data segment ${i}, a passive one`, segment.at, "build without bulk memory");
    else if (place === undefined) findings.add(`data segment ${i}, whose place is not constant`, segment.at, MEND);
    else if (relocatable) checkRelative(`data segment ${i}`, place, segment, findings);
    else region = checkAbsolute(`data segment ${i}`, place, segment, region, findings);
  }
  if (relocatable) checkNeed(bytes, sections, findings);
  return { region, relocatable };
}

function placeOf({ offset }: Segment, base: number): Place | undefined {
  const operators = offset.slice(0, -1); // without its end
  const [first, second, third] = operators;
  if (first?.code === OperatorCode.i32_const && operators.length === 1) return { offset: literal(first) >>> 0, relative: false };
  if (first?.code !== OperatorCode.global_get || first.immediate.globalIndex !== base) return undefined;
  if (operators.length === 1) return { offset: 0, relative: true };
  if (operators.length !== 3 || second!.code !== OperatorCode.i32_const || third!.code !== OperatorCode.i32_add) return undefined;
  return { offset: literal(second!) >>> 0, relative: true };
}

function literal({ immediate }: Operator): number {
  return immediate.literal as number;
}

function checkRelative(what: string, { offset, relative }: Place, { at, size }: Segment, findings: Findings): void {
  if (!relative) findings.add(`${what} at the fixed address ${hex(offset)} in a module that imports ${MEMORY_BASE}`, at, "make all of it relative");
  else if (offset + size > MODULE_SIZE) findings.add(`${what} ends beyond its region of ${MODULE_SIZE} bytes`, at);
}

/** Gives the region in which the module's data lies, as far as it is known by now. */
function checkAbsolute(what: string, { offset }: Place, { at, size }: Segment, region: number | null, findings: Findings): number | null {
  const found = Math.floor((offset - MODULES) / MODULE_SIZE);
  const where = `${what}, ${size} bytes for address ${hex(offset)}`;
  if (found < 0 || found >= MODULE_COUNT) findings.add(`${where}, outside the modules' regions`, at, MEND);
  else if (found === 0) findings.add(`${where}, in region 0, which is weft's own`, at, MEND);
  else if (offset + size > MODULES + (found + 1) * MODULE_SIZE) findings.add(`${where}, ends beyond its region ${found}`, at, MEND);
  else if (region !== null && region !== found) findings.add(`${where}, in region ${found}; another one is in region ${region}`, at, MEND);
  else return found;
  return region;
}

/** What a shared library says it needs, data that is zero at first included. */
function checkNeed(bytes: Uint8Array, sections: Section[], findings: Findings): void {
  const section = sections.find(({ id, name }) => id === CUSTOM && name === "dylink.0");
  if (section === undefined) return;
  const reader = new ByteReader(bytes, section.start, section.end);
  while (reader.more) {
    const kind = reader.u8();
    const size = reader.u32();
    const content = new ByteReader(bytes, reader.at, reader.at + size);
    reader.take(size);
    const need = kind === DYLINK_MEMORY ? content.u32() : 0;
    const mend = `at most ${MODULE_SIZE} are allowed: keep tables in the node's state`;
    if (need > MODULE_SIZE) findings.add(`it needs ${need} bytes of static data`, section.at, mend);
  }
}
