// The node of one's own that a demo's router is given: --node FILE[:NODE].

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { WeftError } from "../errors.js";
import { ARGUMENTS, NODE_FILE } from "./arguments.js";
import { quote } from "../nearest.js";

export interface DemoNode {
  /** as `node load` wants it, absolute */
  file: string;
  /** what the router calls it */
  name: string;
}

/** Named as in the file, or as the file. Throws BAD_COMMAND, or NOT_FOUND before anything is set up for it. */
export function demoNode(text: string): DemoNode {
  const { file, node } = NODE_FILE.exec(text)?.groups ?? {};
  if (file === undefined) {
    throw new WeftError("BAD_COMMAND", `bad value ${quote(text)} of --node: expected ${ARGUMENTS.file!.expected} (weft demo --help)`);
  }
  if (!existsSync(file)) throw new WeftError("NOT_FOUND", `there is no file ${file}: --node takes a module that is built`);
  return { file: resolve(text), name: node ?? nameOf(file) };
}

/** build/My_Node.wasm: my-node */
function nameOf(file: string): string {
  const words = basename(file).replace(/\.\w+$/, "").toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== "");
  const name = words.join("-");
  return ARGUMENTS["new-node"]!.accepts(name) ? name : `node-${name}`.slice(0, 48).replace(/-$/, "");
}
