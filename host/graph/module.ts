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
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new WeftError("BAD_MODULE", `${path}: not a WebAssembly module: ${(cause as Error).message}`, { cause });
  }
  return { module, nodes: readManifest(module, path) };
}

function readManifest(module: WebAssembly.Module, path: string): NodeDeclaration[] {
  const [section] = WebAssembly.Module.customSections(module, "weft");
  if (!section) throw new WeftError("BAD_MODULE", `${path}: no custom section "weft": it declares no nodes`);
  const manifest = parseManifest(section, path);
  const exported = new Set(WebAssembly.Module.exports(module).filter((e) => e.kind === "function").map((e) => e.name));
  for (const node of manifest.nodes) {
    if (!exported.has(node.process)) throw new WeftError("BAD_MODULE", `${path}: node ${node.name}: no exported function "${node.process}"`);
    if (node.next.length > NEXT_COUNT || node.counters.length > COUNTER_COUNT) {
      throw new WeftError("BAD_MODULE", `${path}: node ${node.name}: more than ${NEXT_COUNT} next nodes or ${COUNTER_COUNT} counters`);
    }
  }
  return manifest.nodes;
}

function parseManifest(section: ArrayBuffer, path: string): { nodes: NodeDeclaration[] } {
  let manifest: { contract?: unknown; nodes?: unknown } | null;
  try {
    manifest = JSON.parse(new TextDecoder().decode(section)) as typeof manifest;
  } catch (cause) {
    throw new WeftError("BAD_MODULE", `${path}: its custom section "weft" is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (manifest?.contract !== CONTRACT_VERSION) {
    throw new WeftError("BAD_MODULE", `${path}: written for contract ${manifest?.contract}, this is ${CONTRACT_VERSION}`);
  }
  const nodes = Array.isArray(manifest.nodes) ? manifest.nodes : [];
  const bad = nodes.findIndex((node) => !isDeclaration(node));
  if (nodes.length === 0) throw new WeftError("BAD_MODULE", `${path}: its manifest declares no nodes`);
  if (bad >= 0) {
    throw new WeftError("BAD_MODULE", `${path}: node ${bad} of its manifest is malformed: name, process, next, counters are needed`);
  }
  return { nodes: nodes as NodeDeclaration[] };
}

function isDeclaration(node: unknown): node is NodeDeclaration {
  const { name, process, next, counters, state = 0 } = (node ?? {}) as Record<keyof NodeDeclaration, unknown>;
  const texts = [name, process, ...(Array.isArray(next) ? next : [null]), ...(Array.isArray(counters) ? counters : [null])];
  return texts.every((text) => typeof text === "string") && Number.isInteger(state) && (state as number) >= 0;
}
