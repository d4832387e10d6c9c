// Makes build/NAME.wasm from nodes/NAME.ts, and has it verified as the router would.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { MODULE_COUNT } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { verify } from "../graph/verify.js";
import { compile, regionOf } from "./compile.js";
import { type NodeFiles, nodesIn } from "./folder.js";

export interface Built {
  name: string;
  /** null: it did not come out */
  module: string | null;
  /** bytes */
  size: number;
  /** module region of its static data; null: it has none */
  region: number | null;
  nodes: { name: string; next: string[] }[];
  /** what the compiler said */
  diagnostics: string;
  /** why it did not come out */
  error: string | null;
}

/** Builds a node of a folder; `region` in place of the one that its name gives it. A node that does not come out is told in the result. */
export async function buildNode(folder: string, files: NodeFiles, region = regionIn(folder, files.name)): Promise<Built> {
  const { wasm, diagnostics } = await compile(resolve(folder, files.source), region);
  const failed: Built = { name: files.name, module: null, size: 0, region: null, nodes: [], diagnostics, error: null };
  if (wasm === null) return { ...failed, error: `${files.source} does not compile` };
  mkdirSync(join(folder, "build"), { recursive: true });
  writeFileSync(join(folder, files.module), wasm);
  try {
    const verified = verify(wasm, files.module);
    const nodes = verified.nodes.map(({ name, next }) => ({ name, next }));
    return { ...failed, module: files.module, size: wasm.length, region: verified.region, nodes };
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return { ...failed, error: error.message };
  }
}

/** The module region of a node: by its name, but no two nodes of a folder share one while there are enough. */
function regionIn(folder: string, name: string): number {
  const taken = new Set<number>();
  const beside = existsSync(join(folder, "nodes")) ? nodesIn(folder, ".ts", []) : [];
  for (const { name: other } of beside) {
    let region = regionOf(other);
    while (taken.has(region) && taken.size < MODULE_COUNT - 1) region = (region % (MODULE_COUNT - 1)) + 1;
    if (other === name) return region;
    taken.add(region);
  }
  return regionOf(name);
}
