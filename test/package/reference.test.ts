// The reference of the TypeScript API, as npm run docs writes it.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

test("a page for each call, nothing that is used and not exported, no any", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["host/setup/docs.mjs"], { cwd: ROOT, encoding: "utf8" });
  assert.is(status, 0, stdout + stderr);
  const pages = join(ROOT, "build/docs");
  const parts = [["api", "Control"], ["api-routes", "RouteControl"], ["trace-api", "Watching"]] as const; // of Control
  const calls = parts.flatMap(([file, name]) => {
    const types = readFileSync(join(ROOT, `dist/host/control/${file}.d.ts`), "utf8");
    const [, body] = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([^]*?)^\\}$`, "m").exec(types)!;
    return [...body!.matchAll(/^ {4}(\w+)\(/gm)].map(([, call]) => [name, call!] as const);
  });
  assert.ok(calls.length > 80, `${calls.length} calls`);
  for (const [name, call] of calls) assert.ok(existsSync(join(pages, `weft.${name.toLowerCase()}.${call.toLowerCase()}.md`)), `${name}.${call}`);
  for (const page of readdirSync(pages)) {
    const signatures = [...readFileSync(join(pages, page), "utf8").matchAll(/^```typescript\n([^]*?)^```$/gm)].map(([, text]) => text!);
    for (const signature of signatures) assert.not.match(signature, /\bany\b/, page);
  }
  const codes = readFileSync(join(pages, "weft.wefterrorcode.md"), "utf8");
  const union = /WeftErrorCode = (.*);/.exec(codes)![1]!.match(/\w+/g)!;
  for (const code of union) assert.match(codes, `- ${code.replaceAll("_", "\\_")}: `);
});

test.run();
