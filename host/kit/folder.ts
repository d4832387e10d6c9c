// A node author's folder: nodes/NAME.ts and nodes/NAME.test, from which build/NAME.wasm is made.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { NODE_NAME_MAX } from "../graph/manifest.js";
import { systemFailure, WeftError } from "../errors.js";
import { exampleSource, exampleTest } from "./example.js";

// dist/host/kit/folder.js → the package
const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
const NAME = new RegExp(`^(?=.{1,${NODE_NAME_MAX}}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$`);
/** modules of weft's own in the checkout's build/ */
const RESERVED = ["nodes", "graph"];

/** A node's files, by paths from the current folder. */
export interface NodeFiles {
  name: string;
  source: string;
  test: string;
  module: string;
}

/** Throws BAD_ARGUMENT for what cannot be a node's name. */
function filesOf(name: string): NodeFiles {
  const bad = (why: string): WeftError => new WeftError("BAD_ARGUMENT", `${JSON.stringify(name.slice(0, 80))} cannot be a node's name: ${why}`);
  if (!NAME.test(name)) throw bad(`lower-case letters, digits and single dashes, at most ${NODE_NAME_MAX}, such as "my-node"`);
  if (RESERVED.includes(name)) throw bad(`build/${name}.wasm is weft's own`);
  return { name, source: `nodes/${name}.ts`, test: `nodes/${name}.test`, module: `build/${name}.wasm` };
}

/** The nodes of a folder that have a file with this ending, by name; where names or paths of sources are given, those alone. Throws NOT_FOUND. */
export function nodesIn(folder: string, ending: ".ts" | ".test", names: string[]): NodeFiles[] {
  const path = join(folder, "nodes");
  if (names.length > 0) return names.map((name) => (name.endsWith(".ts") ? filesAt(folder, name) : filesNamed(path, name, ending)));
  const found = existsSync(path) ? readdirSync(path).filter((file) => file.endsWith(ending) && !file.endsWith(".d.ts")).sort() : [];
  if (found.length === 0) throw new WeftError("NOT_FOUND", `no nodes/*${ending} in this folder: "weft node new NAME" makes a node to begin with`);
  return found.map((file) => filesOf(basename(file, ending)));
}

function filesNamed(path: string, name: string, ending: string): NodeFiles {
  const files = filesOf(name);
  if (existsSync(join(path, name + ending))) return files;
  throw new WeftError("NOT_FOUND", `no nodes/${name}${ending} in this folder: "weft node new ${name}" makes one to begin with`);
}

/** A node whose source lies elsewhere, its test beside it. */
function filesAt(folder: string, source: string): NodeFiles {
  if (!existsSync(resolve(folder, source))) throw new WeftError("NOT_FOUND", `${source}: no such file`);
  return { ...filesOf(basename(source, ".ts")), source, test: source.replace(/\.ts$/, ".test") };
}

/** Writes a node to begin with; gives the files that were written. Throws CONFLICT where one is there already. */
export function createNode(folder: string, name: string): string[] {
  const { source, test } = filesOf(name);
  const settings = "nodes/tsconfig.json";
  const files: [string, string][] = [[source, exampleSource(name)], [test, exampleTest(name)]];
  const taken = files.find(([path]) => existsSync(join(folder, path)));
  if (taken !== undefined) throw new WeftError("CONFLICT", `there is ${taken[0]} already: choose another name, or remove it`);
  if (!existsSync(join(folder, settings))) files.push([settings, editorSettings(folder)]);
  mkdirSync(join(folder, "nodes"), { recursive: true });
  for (const [path, content] of files) writeFileSync(join(folder, path), content, { flag: "wx" });
  return files.map(([path]) => path);
}

/** Has editors know AssemblyScript's types and weft's; the compiler does not read it. */
function editorSettings(folder: string): string {
  const types = join(dirname(fileURLToPath(import.meta.resolve("assemblyscript/asc"))), "../std/types");
  const compilerOptions = {
    target: "esnext", module: "esnext", moduleResolution: "bundler", strict: true, noEmit: true, noLib: true, skipLibCheck: true,
    experimentalDecorators: true, typeRoots: [from(folder, types)], types: ["assembly"],
    paths: { "weft/*": [from(folder, join(PACKAGE, "assembly/*"))] },
  };
  return `${JSON.stringify({ compilerOptions, include: ["./*.ts", from(folder, join(PACKAGE, "assembly/sdk/editor.d.ts"))] }, null, 2)}\n`;
}

/** A path as nodes/tsconfig.json names it: relative while it stays in the folder, so that the folder can be moved. */
function from(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside.startsWith("..") ? path : `../${inside}`;
}

/** Bytes of a file of a folder. Throws NOT_FOUND with `mend`. */
export function readBytes(folder: string, path: string, mend: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(resolve(folder, path)));
  } catch (cause) {
    const why = `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code}): ${mend}`;
    throw systemFailure(path, cause) ?? new WeftError("NOT_FOUND", why, { cause });
  }
}
