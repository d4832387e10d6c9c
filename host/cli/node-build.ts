// weft node build: nodes/*.ts to build/*.wasm.

import { MODULE_COUNT } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { type Built, buildNode } from "../kit/build.js";
import { nodesIn } from "../kit/folder.js";
import type { Output } from "./session.js";
import { numberOption, parseOptions } from "./options.js";

export async function nodeBuild(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = parseOptions("node build", argv);
  const folder = process.cwd();
  const region = values.region === undefined ? undefined : numberOption("region", String(values.region), 1, MODULE_COUNT - 1);
  if (region !== undefined && positionals.length !== 1) {
    throw new WeftError("BAD_COMMAND", "--region is for one node: weft node build NAME --region N (weft node build --help)");
  }
  const all: Built[] = [];
  for (const files of nodesIn(folder, ".ts", positionals)) {
    const built = await buildNode(folder, files, region);
    all.push(built);
    if (values.json !== true) tell(built, output);
  }
  const ok = all.every(({ error }) => error === null);
  if (values.json === true) output.out(`${JSON.stringify({ ok, modules: all })}\n`);
  else if (ok) output.out(`next: weft node test, or in a router: node load ${all[0]!.module} as ${all[0]!.nodes[0]!.name}\n`);
  return ok ? 0 : 1;
}

function tell(built: Built, output: Output): void {
  if (built.diagnostics !== "") output.error(`${built.diagnostics}\n`);
  if (built.error !== null) return output.error(`weft: ${built.error}\n`);
  const data = built.region === null ? "no static data" : `static data in region ${built.region}`;
  output.out(`built ${built.module}: ${built.size} bytes, ${data}\n`);
  for (const { name, next } of built.nodes) output.out(`  ${name}: next ${next.join(", ")}\n`);
}
