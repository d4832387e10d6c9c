// weft node new: a node to begin with.

import { createNode } from "../kit/folder.js";
import { WeftError } from "../errors.js";
import { quote } from "../nearest.js";
import type { Output } from "./session.js";
import { parseOptions } from "./options.js";

export async function nodeNew(argv: string[], output: Output): Promise<number> {
  const { positionals } = parseOptions("node new", argv);
  const [name, extra] = positionals;
  if (name === undefined) throw new WeftError("BAD_COMMAND", "which name is the node to have? weft node new hello (weft node new --help)");
  if (extra !== undefined) throw new WeftError("BAD_COMMAND", `one name at a time: unexpected ${quote(extra)} (weft node new --help)`);
  for (const file of createNode(process.cwd(), name)) output.out(`wrote ${file}\n`);
  output.out("next: weft node build && weft node test\n");
  return 0;
}
