// Loads a node module: compiles it and reads what it declares in its `weft` section.

import { readFileSync } from "node:fs";
import { CONTRACT_VERSION, COUNTER_COUNT, NEXT_COUNT } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";

/** A node as its module declares it. */
export interface NodeDeclaration {
  name: string;
  /** the exported function */
  process: string;
  /** next nodes by slot */
  next: string[];
  /** reasons by counter index */
  counters: string[];
  /** bytes of state; default 0 */
  state?: number;
}

export interface NodeModule {
  module: WebAssembly.Module;
  nodes: NodeDeclaration[];
}

/** Reads and compiles a .wasm file. Throws NOT_FOUND, or BAD_MODULE with what the file lacks. */
export function loadModule(path: string): NodeModule {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new WeftError("NOT_FOUND", `${path}: cannot be read: run "npm run setup" if it is one of weft's own`, { cause });
  }
  try {
    const module = new WebAssembly.Module(bytes);
    return { module, nodes: readManifest(module, path) };
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw new WeftError("BAD_MODULE", `${path}: not a WebAssembly module: ${(cause as Error).message}`, { cause });
  }
}

function readManifest(module: WebAssembly.Module, path: string): NodeDeclaration[] {
  const [section] = WebAssembly.Module.customSections(module, "weft");
  if (!section) throw new WeftError("BAD_MODULE", `${path}: no custom section "weft": it declares no nodes`);
  const manifest = JSON.parse(new TextDecoder().decode(section)) as { contract: number; nodes: NodeDeclaration[] };
  if (manifest.contract !== CONTRACT_VERSION) {
    throw new WeftError("BAD_MODULE", `${path}: written for contract ${manifest.contract}, this is ${CONTRACT_VERSION}`);
  }
  const exported = new Set(WebAssembly.Module.exports(module).filter((e) => e.kind === "function").map((e) => e.name));
  for (const node of manifest.nodes) {
    if (!exported.has(node.process)) throw new WeftError("BAD_MODULE", `${path}: node ${node.name}: no exported function "${node.process}"`);
    if (node.next.length > NEXT_COUNT || node.counters.length > COUNTER_COUNT) {
      throw new WeftError("BAD_MODULE", `${path}: node ${node.name}: more than ${NEXT_COUNT} next nodes or ${COUNTER_COUNT} counters`);
    }
  }
  return manifest.nodes;
}
