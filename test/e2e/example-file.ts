// An example's module as a user has it: a file that `weft node check` finds nothing wrong with.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { compileExample } from "../examples/harness.js";
import { scratch, weft } from "./weft.js";

const files = new Map<string, string>();

/** Path of the module of assembly/examples/NAME.ts. */
export async function exampleFile(name: string): Promise<string> {
  const known = files.get(name);
  if (known !== undefined) return known;
  const file = join(scratch(), `${name}.wasm`);
  writeFileSync(file, compileExample(name));
  const { status, stdout, stderr } = await weft("node", "check", file);
  assert.is(status, 0, `weft node check ${name}.wasm: ${stderr || stdout}`);
  files.set(name, file);
  return file;
}
