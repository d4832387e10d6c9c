// Files with custom nodes: read, verified, and their static data given a place.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MODULE_COUNT, MODULE_SIZE, MODULES } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { declareHostNodes, digestOf } from "../graph/host-node.js";
import type { NodeDeclaration } from "../graph/manifest.js";
import { readModule } from "../graph/module.js";

export interface NodeFile {
  path: string;
  nodes: NodeDeclaration[];
  /** null: host nodes, from `url` */
  module: WebAssembly.Module | null;
  url: string;
  /** of its contents */
  digest: string;
  /** module region of its static data; null: it has none */
  region: number | null;
  /** its static data may lie in any region */
  relocatable: boolean;
}

/** Splits "build/acl.wasm:acl" into the file and the node's name in it. */
export function splitFile(text: string): { path: string; node: string | null } {
  const [, path, node] = /^(.*\.(?:wasm|mjs|js)):([a-z][a-z0-9-]*)$/.exec(text) ?? [];
  return path === undefined ? { path: resolve(text), node: null } : { path: resolve(path), node: node! };
}

/** Reads and verifies a file. Throws NOT_FOUND; BAD_MODULE with what is wrong with it. */
export async function openNodeFile(path: string): Promise<NodeFile> {
  const bytes = readModule(path);
  const digest = digestOf(bytes);
  const url = pathToFileURL(path).href;
  if (/\.m?js$/.test(path)) {
    const fresh = `${url}?${digest}`; // a changed file is another module
    return { path, nodes: await declareHostNodes(fresh, path), module: null, url: fresh, digest, region: null, relocatable: false };
  }
  const { verify } = await import("../graph/verify.js"); // of much code: loaded with the first node
  const { module, nodes, region, relocatable } = verify(bytes, path);
  return { path, nodes, module, url, digest, region, relocatable };
}

/** The nodes of a file, the wanted one first. Throws NOT_FOUND. */
export function inOrder({ path, nodes }: NodeFile, wanted: string | null): NodeDeclaration[] {
  if (wanted === null) return nodes;
  const first = nodes.find((node) => node.name === wanted);
  if (!first) throw new WeftError("NOT_FOUND", `${path} declares no node "${wanted}": it has ${nodes.map((node) => node.name).join(", ")}`);
  return [first, ...nodes.filter((node) => node !== first)];
}

/** Which files' static data lies in which module region. All instances of one file share theirs. */
export class Regions {
  /** the files of the nodes that use a region; two different ones only while one replaces the other */
  private readonly table = new Map<number, NodeFile[]>();

  /** Regions in use. */
  get used(): number {
    return this.table.size;
  }

  /** Finds a place for a file's static data; null when it needs none. `old`: the region of the node that it replaces. Throws CONFLICT, NO_MEMORY. */
  take(file: NodeFile, old: number | null): number | null {
    const { path, digest, region, relocatable } = file;
    if (region === null && !relocatable) return null;
    const wanted = region ?? this.find(digest);
    const users = this.table.get(wanted) ?? [];
    const other = users.find((one) => one.digest !== digest);
    if (other && !(wanted === old && users.length === 1)) {
      const mend = `build it for another one ("weft node build --region N", or the linker's --global-base)`;
      throw new WeftError("CONFLICT", `${path}: its static data lies in module region ${wanted}, where that of ${other.path} is: ${mend}`);
    }
    this.table.set(wanted, [...users, file]);
    return wanted;
  }

  /** Takes back what take() gave for a file. */
  give(region: number | null, file: NodeFile): void {
    if (region === null) return;
    const left = this.table.get(region)!.filter((one) => one !== file);
    if (left.length === 0) this.table.delete(region);
    else this.table.set(region, left);
  }

  /** The region that the same file has already, or a free one. */
  private find(digest: string): number {
    for (const [region, [user]] of this.table) if (user!.digest === digest) return region;
    for (let region = MODULE_COUNT - 1; region > 0; region--) if (!this.table.has(region)) return region;
    throw new WeftError("NO_MEMORY", `all ${MODULE_COUNT - 1} module regions are in use: unload a node first`);
  }
}

/** Address of a region; 0 for none. */
export function regionAt(region: number | null): number {
  return region === null ? 0 : MODULES + region * MODULE_SIZE;
}
