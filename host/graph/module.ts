// Reads files with node modules: weft's own, which the build made, and those of others, which verify.ts looks at first.

import { readFileSync, type Stats, statSync } from "node:fs";
import { systemFailure, WeftError } from "../errors.js";
import { type NodeDeclaration, parseManifest } from "./manifest.js";

export type { NodeDeclaration } from "./manifest.js";

/** bytes of a module from outside */
export const FILE_MAX = 2 ** 20;

export interface NodeModule {
  module: WebAssembly.Module;
  nodes: NodeDeclaration[];
}

/** Reads a module of weft's own nodes. Throws NOT_FOUND, SYSTEM, or BAD_MODULE with what the file lacks. */
export function loadModule(path: string): NodeModule {
  const module = compileModule(path);
  return { module, nodes: readManifest(module, path) };
}

/** Reads and compiles a .wasm file of weft's own. Throws NOT_FOUND, SYSTEM, BAD_MODULE. */
export function compileModule(path: string): WebAssembly.Module {
  const bytes = read(path, 'run "npm run setup" if it is one of weft\'s own');
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new WeftError("BAD_MODULE", `${path}: not a WebAssembly module: ${(cause as Error).message}`, { cause });
  }
}

/** The bytes of a file that anyone may have written, if it is not too big to be a module. Throws NOT_FOUND, SYSTEM, BAD_MODULE. */
export function readModule(path: string): Uint8Array<ArrayBuffer> {
  const status = statusOf(path);
  if (status === undefined) throw new WeftError("NOT_FOUND", `${path}: no such file: build it with "weft node build"`);
  if (!status.isFile()) throw new WeftError("BAD_MODULE", `${path}: not a file`); // a pipe would keep who reads it waiting
  if (status.size > FILE_MAX) throw new WeftError("BAD_MODULE", `${path}: a file of ${status.size} bytes: at most ${FILE_MAX} are allowed`);
  return read(path, "check its permissions");
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw systemFailure(path, cause) ?? new WeftError("NOT_FOUND", `${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function read(path: string, mend: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw systemFailure(path, cause) ?? new WeftError("NOT_FOUND", `${path}: cannot be read: ${mend}`, { cause });
  }
}

function readManifest(module: WebAssembly.Module, path: string): NodeDeclaration[] {
  const [section] = WebAssembly.Module.customSections(module, "weft");
  if (!section) throw new WeftError("BAD_MODULE", `${path}: no custom section "weft": it declares no nodes`);
  const nodes = parseAt(path, new Uint8Array(section));
  const exported = new Set(WebAssembly.Module.exports(module).filter((e) => e.kind === "function").map((e) => e.name));
  for (const { name, process } of nodes) {
    if (!exported.has(process)) throw new WeftError("BAD_MODULE", `${path}: node ${name}: no exported function "${process}"`);
  }
  return nodes;
}

function parseAt(path: string, section: Uint8Array): NodeDeclaration[] {
  try {
    return parseManifest(section);
  } catch (error) {
    if (error instanceof WeftError) throw new WeftError(error.code, `${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
