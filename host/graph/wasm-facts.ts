// Everything in a module that its verification asks about, read once from front to back.

import {
  type BinaryReader, BinaryReaderState as State, bytesToString, type ExternalKind, type IDataSegment, type IDataSegmentBody, type IElementSegment,
  type IExportEntry, type IFunctionEntry, type IFunctionInformation, type IGlobalType, type IGlobalVariable, type IImportEntry,
  type IOperatorInformation, type ISectionInformation, type ITableType, OperatorCode, SectionCode,
} from "wasmparser";
import { ByteReader, Malformed, type Section } from "./wasm-bytes.js";
import { step, strictReader } from "./wasm-reader.js";

/** Types of values as the parser has them: one byte, as a signed number (core specification, 5.3). */
export const [I32, I64, F32, F64, V128] = [-1, -2, -3, -4, -5];
export const FUNCREF = -16;
/** Of a block: no result. */
export const EMPTY = -64;
/** The byte before a function's type. */
const FUNCTION = 0x60;
/** Mode of a segment that is written when the module is instantiated. */
const ACTIVE = 0;

export interface FunctionType {
  params: number[];
  results: number[];
}

export interface ImportFact {
  /** offset in the file */
  at: number;
  module: string;
  name: string;
  kind: ExternalKind;
  /** a function's */
  type?: number;
  global?: { type: number; mutable: boolean };
}

export interface Operator {
  at: number;
  code: number;
  /** as the parser decoded it */
  immediate: IOperatorInformation;
}

export interface Segment {
  /** offset in the file */
  at: number;
  /** passive: false */
  active: boolean;
  /** memory or table */
  target: number;
  offset: Operator[];
  /** bytes of data; entries of a table */
  size: number;
}

export interface Body {
  /** index of the function */
  index: number;
  at: number;
  size: number;
  locals: { count: number; type: number }[];
}

export interface Facts {
  types: FunctionType[];
  imports: ImportFact[];
  /** types of the module's own functions */
  functions: number[];
  tables: { at: number; type: number; minimum: number; flags: number }[];
  globals: { at: number; type: number; mutable: boolean; value: Operator[] }[];
  exports: { name: string; kind: ExternalKind; index: number }[];
  elements: Segment[];
  data: Segment[];
  bodies: Body[];
  tags: number;
  /** why reading ended early */
  broken: Malformed | null;
}

/** Reads a module; `onOperator` sees each instruction of each function. Never throws: what cannot be read is told in `broken`. */
export function readFacts(bytes: Uint8Array, sections: Section[], onOperator: (operator: Operator, body: Body) => void): Facts {
  const facts: Facts = {
    types: [], imports: [], functions: [], tables: [], globals: [], exports: [], elements: [], data: [], bodies: [], tags: 0, broken: null,
  };
  try {
    new FactReader(bytes, sections, facts, onOperator).read();
  } catch (error) {
    facts.broken = error instanceof Malformed ? error : new Malformed((error as Error).message, 0);
  }
  return facts;
}

/** Sections that the parser passes over; custom ones are the author's notes, the manifest among them. */
const SKIPPED: number[] = [SectionCode.Custom, SectionCode.Type, SectionCode.Start, SectionCode.DataCount];

class FactReader {
  private readonly reader: BinaryReader;
  /** the section at hand, by its place in the file */
  private section = -1;
  private body: Body | undefined;
  /** instructions of the constant expression at hand */
  private expression: Operator[] = [];
  private importedFunctions = 0;

  constructor(
    private readonly bytes: Uint8Array, private readonly sections: Section[], private readonly facts: Facts,
    private readonly onOperator: (operator: Operator, body: Body) => void,
  ) {
    this.reader = strictReader(bytes);
  }

  read(): void {
    for (let at = 0; step(this.reader); at = this.reader.position) this.take(at);
    if (this.section !== this.sections.length - 1 || this.reader.position !== this.bytes.length) {
      throw new Malformed("what follows cannot be read", this.reader.position);
    }
  }

  /** Takes what the last step read; it began at `at`. */
  private take(at: number): void {
    const { reader, facts } = this;
    const { result } = reader;
    switch (reader.state) {
      case State.BEGIN_SECTION:
        return this.beginSection(result as ISectionInformation);
      case State.END_SECTION:
        return this.endSection(at);
      case State.IMPORT_SECTION_ENTRY:
        return this.takeImport(result as IImportEntry, at);
      case State.FUNCTION_SECTION_ENTRY:
        return void facts.functions.push((result as IFunctionEntry).typeIndex);
      case State.TABLE_SECTION_ENTRY:
        return this.takeTable(result as ITableType, at);
      case State.TAG_SECTION_ENTRY:
        return void facts.tags++;
      case State.BEGIN_GLOBAL_SECTION_ENTRY:
        return this.takeGlobal((result as IGlobalVariable).type, at);
      case State.EXPORT_SECTION_ENTRY:
        return void facts.exports.push(exportOf(result as IExportEntry));
      default:
        return this.takeInner(at);
    }
  }

  /** What belongs to an entry that has been taken: segments, constant expressions, function bodies. */
  private takeInner(at: number): void {
    const { reader, facts } = this;
    const { result } = reader;
    switch (reader.state) {
      case State.BEGIN_ELEMENT_SECTION_ENTRY:
        return this.takeSegment(facts.elements, (result as IElementSegment).mode === ACTIVE, (result as IElementSegment).tableIndex, at);
      case State.BEGIN_DATA_SECTION_ENTRY:
        return this.takeSegment(facts.data, (result as IDataSegment).mode === ACTIVE, (result as IDataSegment).memoryIndex, at);
      case State.DATA_SECTION_ENTRY_BODY:
        facts.data.at(-1)!.size = (result as IDataSegmentBody).data.length;
        return;
      case State.OFFSET_EXPRESSION_OPERATOR:
        return void this.expression.push(this.operator(at));
      case State.INIT_EXPRESSION_OPERATOR:
        return this.takeInitial(at);
      case State.BEGIN_FUNCTION_BODY:
        return this.beginBody(result as IFunctionInformation, at);
      case State.CODE_OPERATOR:
        return this.onOperator(this.operator(at), this.body!);
      case State.END_FUNCTION_BODY:
        // The parser goes to where the body ends, wherever its last instruction has taken it.
        if (at !== reader.position) throw new Malformed(`function ${this.body!.index} ends at another place than it says`, at);
        return;
    }
  }

  private beginSection({ id }: ISectionInformation): void {
    const section = this.sections[++this.section];
    if (section === undefined || section.id !== id) throw new Malformed("sections that cannot be told apart", this.reader.position);
    // The parser makes room for as many parameters as a type says that it has; these few bytes are read here.
    if (id === SectionCode.Type) this.facts.types = readTypes(new ByteReader(this.bytes, section.start, section.end));
    if (SKIPPED.includes(id)) this.reader.skipSection();
  }

  private endSection(at: number): void {
    const { id, end } = this.sections[this.section]!;
    if (!SKIPPED.includes(id) && this.entryStart(at) !== end) throw new Malformed("a section ends at another place than it says", at);
  }

  private takeImport({ module, field, kind, funcTypeIndex, type }: IImportEntry, at: number): void {
    const fact: ImportFact = { at: this.entryStart(at), module: bytesToString(module), name: bytesToString(field), kind };
    if (funcTypeIndex !== undefined) {
      fact.type = funcTypeIndex;
      this.importedFunctions++;
    }
    const global = type as IGlobalType | undefined;
    if (global && "mutability" in global) fact.global = { type: global.contentType.code, mutable: global.mutability !== 0 };
    this.facts.imports.push(fact);
  }

  private takeTable({ elementType, limits }: ITableType, at: number): void {
    const entry = new ByteReader(this.bytes, this.entryStart(at), this.bytes.length);
    entry.u8(); // the type; one of several bytes is refused by its kind
    this.facts.tables.push({ at: this.entryStart(at), type: elementType.code, minimum: limits.initial, flags: entry.u8() });
  }

  private takeGlobal({ contentType, mutability }: IGlobalType, at: number): void {
    this.expression = [];
    this.facts.globals.push({ at: this.entryStart(at), type: contentType.code, mutable: mutability !== 0, value: this.expression });
  }

  private takeSegment(segments: Segment[], active: boolean, target: number | undefined, at: number): void {
    this.expression = [];
    segments.push({ at: this.entryStart(at), active, target: target ?? 0, offset: this.expression, size: 0 });
  }

  /** An instruction of a global's value, or an entry of an element segment, as one. */
  private takeInitial(at: number): void {
    const operator = this.operator(at);
    if (this.sections[this.section]!.id === SectionCode.Global) return void this.expression.push(operator);
    if (operator.code === OperatorCode.end) return;
    if (operator.code !== OperatorCode.ref_func) throw new Malformed("an element segment with something else than functions", at);
    this.facts.elements.at(-1)!.size++;
  }

  private beginBody({ locals }: IFunctionInformation, at: number): void {
    const header = new ByteReader(this.bytes, this.entryStart(at), this.bytes.length);
    const size = header.u32();
    this.body = {
      index: this.importedFunctions + this.facts.bodies.length,
      at: header.at,
      size,
      locals: locals.map(({ count, type }) => ({ count, type: type.code })),
    };
    this.facts.bodies.push(this.body);
  }

  private operator(at: number): Operator {
    const immediate = this.reader.result as IOperatorInformation;
    return { at, code: immediate.code, immediate };
  }

  /** Where an entry begins: the step that reads a section's first one reads their number as well. */
  private entryStart(at: number): number {
    const { start } = this.sections[this.section]!;
    if (at !== start) return at;
    const count = new ByteReader(this.bytes, at, this.bytes.length);
    count.u32();
    return count.at;
  }
}

const WITHOUT_REFERENCES = "build without reference types";

function readTypes(reader: ByteReader): FunctionType[] {
  const types: FunctionType[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const { at } = reader;
    if (reader.u8() !== FUNCTION) throw new Malformed(`type ${types.length} is not a function`, at, "build for linear memory");
    types.push({ params: readValueTypes(reader), results: readValueTypes(reader) });
  }
  if (reader.more) throw new Malformed("a section ends at another place than it says", reader.at);
  return types;
}

function readValueTypes(reader: ByteReader): number[] {
  const types: number[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const type = reader.u8() - 128;
    if (type < V128 || type > I32) throw new Malformed("a function of something else than numbers", reader.at - 1, WITHOUT_REFERENCES);
    types.push(type);
  }
  return types;
}

function exportOf({ field, kind, index }: IExportEntry): Facts["exports"][number] {
  return { name: bytesToString(field), kind, index };
}
