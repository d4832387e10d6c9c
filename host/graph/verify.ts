// Verification of a module before anything of it runs. Whoever wrote it may mean ill: no byte of it is believed, what
// the contract does not name is refused, and V8 has the last word.

import { ExternalKind } from "wasmparser";
import { WeftError } from "../errors.js";
import { type Finding, Findings, findingText, printable } from "./findings.js";
import { type NodeDeclaration, parseManifest } from "./manifest.js";
import { FILE_MAX } from "./module.js";
import { checkData } from "./static-data.js";
import { checkExports, checkGlobals, checkImports, checkOperator, checkSections, checkSizes, checkTables } from "./verify-rules.js";
import { CUSTOM, Malformed, readSections, type Section } from "./wasm-bytes.js";
import { type Facts, readFacts } from "./wasm-facts.js";
import { type MemoryImport, memoryImports, withMemoryLimits } from "./wasm-import.js";
import { functionNames } from "./wasm-reader.js";

export { type Finding, findingText } from "./findings.js";

/** What a module consists of, and what is wrong with it. */
export interface Inspection {
  /** bytes of the file */
  size: number;
  sections: { name: string; at: number; size: number }[];
  imports: { name: string; kind: string }[];
  exports: { name: string; kind: string }[];
  functions: number;
  /** the imported memory as the module declares it, in pages */
  memory: { minimum: number; maximum: number | null; shared: boolean } | null;
  /** module region that its static data is linked for */
  region: number | null;
  /** it takes any region */
  relocatable: boolean;
  nodes: NodeDeclaration[];
  /** none: it keeps the contract */
  findings: Finding[];
  /** findings beyond those listed */
  more: number;
}

export interface VerifiedModule {
  /** compiled, its memory's limits rewritten */
  module: WebAssembly.Module;
  nodes: NodeDeclaration[];
  region: number | null;
  relocatable: boolean;
  /** which of weft's functions it wants */
  imports: { now: boolean; log: boolean };
}

/** Looks at a module without running any of it. Never throws. */
export function inspect(bytes: Uint8Array): Inspection {
  return examine(bytes).inspection;
}

/** Compiles a module that keeps the contract. Throws BAD_MODULE with the first thing that is wrong. */
export function verify(bytes: Uint8Array, path: string): VerifiedModule {
  const { inspection, module } = examine(bytes);
  const { findings, more, nodes, region, relocatable, imports } = inspection;
  const [first] = findings;
  if (first !== undefined || module === undefined) {
    const others = findings.length - 1 + more;
    const rest = others > 0 ? ` (and ${others} more: weft node check ${path})` : "";
    throw new WeftError("BAD_MODULE", `${path}: ${first === undefined ? "it cannot be compiled" : findingText(first)}${rest}`);
  }
  const names = imports.map(({ name }) => name);
  return { module, nodes, region, relocatable, imports: { now: names.includes("weft.now"), log: names.includes("weft.log") } };
}

interface Examination {
  inspection: Inspection;
  module: WebAssembly.Module | undefined;
}

function examine(bytes: Uint8Array): Examination {
  const findings = new Findings();
  const inspection: Inspection = {
    size: bytes.length, sections: [], imports: [], exports: [], functions: 0, memory: null, region: null, relocatable: false, nodes: [],
    findings: findings.list, more: 0,
  };
  let module: WebAssembly.Module | undefined;
  try {
    examineInto(bytes, inspection, findings);
    if (findings.list.length === 0) module = compile(bytes, findings);
  } catch (error) {
    addUnreadable(error as Error, findings);
  }
  inspection.more = findings.more;
  return { inspection, module };
}

function examineInto(bytes: Uint8Array, inspection: Inspection, findings: Findings): void {
  if (bytes.length > FILE_MAX) return findings.add(`a file of ${bytes.length} bytes`, null, `at most ${FILE_MAX} are allowed`);
  const sections = readSections(bytes);
  inspection.sections = sections.map(({ name, at, end }) => ({ name, at, size: end - at }));
  checkSections(sections, findings);
  const facts = readFacts(bytes, sections, (operator, body) => checkOperator(operator, findings, body));
  describe(inspection, facts);
  const manifest = sections.find(({ id, name }) => id === CUSTOM && name === "weft");
  readNodes(bytes, manifest, inspection, findings);
  // What was not read to its end lacks more than it seems to.
  if (facts.broken) addUnreadable(facts.broken, findings);
  else checkFacts(bytes, sections, facts, inspection, findings);
  nameFunctions(bytes, facts, findings.list);
}

function addUnreadable(error: Error, findings: Findings): void {
  const { at, mend } = error instanceof Malformed ? error : { at: null, mend: null };
  findings.add(`cannot be read: ${printable(error.message)}`, at, mend);
}

function checkFacts(bytes: Uint8Array, sections: Section[], facts: Facts, inspection: Inspection, findings: Findings): void {
  checkImports(facts, findings);
  inspection.memory = memoryOf(memoryImports(bytes, sections));
  checkExports(inspection.nodes, facts, findings);
  checkTables(facts, findings);
  checkGlobals(facts, findings);
  checkSizes(facts, findings);
  const { region, relocatable } = checkData(bytes, sections, facts, findings);
  inspection.region = region;
  inspection.relocatable = relocatable;
}

function describe(inspection: Inspection, facts: Facts): void {
  const kindOf = (kind: ExternalKind): string => ["function", "table", "memory", "global", "tag"][kind] ?? "unknown";
  inspection.imports = facts.imports.map(({ module, name, kind }) => ({ name: printable(`${module}.${name}`), kind: kindOf(kind) }));
  inspection.exports = facts.exports.map(({ name, kind }) => ({ name: printable(name), kind: kindOf(kind) }));
  inspection.functions = facts.functions.length;
}

function readNodes(bytes: Uint8Array, section: Section | undefined, inspection: Inspection, findings: Findings): void {
  if (section === undefined) return findings.add('no custom section "weft": it declares no nodes', null, "see assembly/sdk/CONTRACT.md");
  try {
    inspection.nodes = parseManifest(bytes.subarray(section.start, section.end));
  } catch (error) {
    findings.add((error as Error).message, section.at);
  }
}

function memoryOf([memory]: MemoryImport[]): Inspection["memory"] {
  return memory ? { minimum: memory.minimum, maximum: memory.maximum, shared: memory.shared } : null;
}

/** Gives the findings' functions their names: what the module's debug section says, else what they are exported as. */
function nameFunctions(bytes: Uint8Array, facts: Facts, findings: Finding[]): void {
  if (!findings.some((finding) => finding.function)) return;
  const names = functionNames(bytes);
  const exported = new Map(facts.exports.filter(({ kind }) => kind === ExternalKind.Function).map(({ name, index }) => [index, name]));
  for (const { function: place } of findings) {
    const name = place && (names.get(place.index) ?? exported.get(place.index));
    if (place && name !== undefined && name !== null) place.name = printable(name).slice(0, 60);
  }
}

/** V8's own validation, of the file as it is, so that the offset in its message is the file's; then the module that will run. */
function compile(bytes: Uint8Array, findings: Findings): WebAssembly.Module | undefined {
  try {
    new WebAssembly.Module(new Uint8Array(bytes));
  } catch (error) {
    const [, message, at] = /^(?:WebAssembly\.Module\(\): )?(.*?)(?: @\+(\d+))?$/s.exec((error as Error).message)!;
    findings.add(`not valid: ${printable(message!)}`, at === undefined ? null : Number(at));
    return undefined;
  }
  return new WebAssembly.Module(withMemoryLimits(bytes));
}
