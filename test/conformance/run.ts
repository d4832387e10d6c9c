// Compares a router with the Linux kernel, from outside: the same literal packets to both, everything that comes out observed.
//
//   node dist/test/conformance/run.js [--router weft|linux|broken:NAME|broken] [--group G] [--json FILE] [--save-linux FILE] [--linux FILE]
//
// linux: the kernel with itself, which must be the same in every point. broken:NAME: the kernel with a defect (broken.ts), which must
// not be; broken: all of them. --linux takes what --save-linux wrote instead of observing the kernel once more.

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      router: { type: "string", default: "weft" }, group: { type: "string" }, json: { type: "string" },
      linux: { type: "string" }, "save-linux": { type: "string" },
    },
  });
  const status = await enterPrivateNetwork();
  if (status !== null) return status;
  // These open the shim, which the first run of this program has no use for.
  const { compareWith, breakAll } = await import("./compare.js");
  const known = values.linux === undefined ? undefined : JSON.parse(readFileSync(values.linux, "utf8"));
  const save = (file: string | undefined, what: unknown): void => void (file !== undefined && writeFileSync(file, JSON.stringify(what, null, 1)));
  if (values.router === "broken") return (await breakAll(values.group, known)) ? 0 : 1;

  const { linux, compared, refused, text, ok } = await compareWith(values.router, values.group, known);
  save(values["save-linux"], linux);
  save(values.json, { router: values.router, refused, points: compared });
  console.log(text);
  return ok ? 0 : 1;
}

process.exitCode = await main().catch((error: Error) => {
  console.error(`conformance: ${error.stack ?? error.message}`);
  return 1;
});
