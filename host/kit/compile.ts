// Compiles a node written in AssemblyScript, in this process. `weft/…` in its imports is weft's own assembly/ folder,
// wherever the node's file lies.

import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MODULES, MODULE_COUNT, MODULE_SIZE, PAGE } from "../../assembly/abi.js";
import { systemFailure, WeftError } from "../errors.js";

// dist/host/kit/compile.js → assembly/
const ASSEMBLY = fileURLToPath(new URL("../../../assembly/", import.meta.url));
/** where asc looks for a package named weft: in each node_modules above the folder it works in */
const OWN_PACKAGE = /^(?:\.\.\/)*node_modules\/weft\/(.+)$/;

/** Texts and comments, which must be left alone. */
const LEFT_ALONE = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|/\*[^]*?\*/`;
const DECLARATION = new RegExp(String.raw`^[ \t]*declareNode\(\{(?:${LEFT_ALONE}|[^"'/])*?\}\)`, "gm");
const KEY = new RegExp(String.raw`(${LEFT_ALONE})|(?<=[{,\n]\s*)([A-Za-z_$][\w$]*)(?=\s*:)`, "g");

export interface Compiled {
  /** null: it does not compile */
  wasm: Uint8Array<ArrayBuffer> | null;
  /** what the compiler says, warnings too; for people */
  diagnostics: string;
}

/** Compiles a file; its static data, if it has any, lies in module region `region`. Throws NOT_FOUND when the file cannot be read. */
export async function compile(file: string, region: number): Promise<Compiled> {
  const path = resolve(file);
  try {
    readFileSync(path);
  } catch (cause) {
    throw systemFailure(file, cause) ?? new WeftError("NOT_FOUND", `${file}: cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  // diagnostics name files from the folder above: nodes/hello.ts
  const folder = dirname(dirname(path));
  return compileEntry(`${basename(dirname(path))}/${basename(path)}`, folder, region, (name) => readSource(name, folder));
}

/** Compiles a text that lies in no file. */
export function compileText(name: string, text: string, region: number): Promise<Compiled> {
  return compileEntry(name, "/", region, (path) => (path === name ? quoteKeys(text) : readSource(path, "/")));
}

async function compileEntry(entry: string, folder: string, region: number, read: (name: string) => string | null): Promise<Compiled> {
  const { default: asc } = await import("assemblyscript/asc");
  let wasm: Uint8Array<ArrayBuffer> | null = null;
  const { error, stderr } = await asc.main([entry, ...options(folder, region)], {
    readFile: read,
    writeFile: (_name, content) => { wasm = content as Uint8Array<ArrayBuffer>; },
    listFiles: () => [],
  });
  const diagnostics = stderr.toString().trim();
  return { wasm: error === null ? wasm : null, diagnostics };
}

/** What the contract asks of a module, and what makes it fast. */
function options(folder: string, region: number): string[] {
  const base = MODULES + region * MODULE_SIZE;
  return [
    "--baseDir", folder, "--config", "none", "--outFile", "node.wasm", "--noColors", "--transform", join(ASSEMBLY, "sdk/manifest.mjs"),
    "--importMemory", "--noExportMemory", "--sharedMemory", "--initialMemory", String((base + MODULE_SIZE) / PAGE), "--maximumMemory", "65536",
    "--memoryBase", String(base), "--runtime", "stub", "--use", "abort=", "--noAssert",
    "--optimizeLevel", "3", "--shrinkLevel", "0", "--converge", "--enable", "simd,threads", "--disable", "bulk-memory",
  ];
}

/** A file as asc names it, relative to the folder it works in; null where there is none, as it tries several. */
function readSource(name: string, folder: string): string | null {
  const own = OWN_PACKAGE.exec(name)?.[1];
  try {
    return own === undefined ? quoteKeys(readFileSync(resolve(folder, name), "utf8")) : readFileSync(join(ASSEMBLY, own), "utf8");
  } catch {
    return null;
  }
}

/** Quotes the keys of declarations: AssemblyScript takes no reserved word as a key, and configurations have "default" and "enum". */
function quoteKeys(text: string): string {
  return text.replace(DECLARATION, (declaration) => declaration.replace(KEY, (all, _alone, key?: string) => (key === undefined ? all : `"${key}"`)));
}

/** The module region that a node gets by its name, 1 to 63; two names may meet in one. */
export function regionOf(name: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return 1 + (hash % (MODULE_COUNT - 1));
}
