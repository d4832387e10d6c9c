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
  const api = readFileSync(join(ROOT, "dist/host/control/api.d.ts"), "utf8");
  const [, control] = /^export interface Control \{\n([^]*?)^\}$/m.exec(api)!;
  const calls = [...control!.matchAll(/^ {4}(\w+)\(/gm)].map(([, name]) => name!);
  assert.ok(calls.length > 40);
  for (const call of calls) assert.ok(existsSync(join(pages, `weft.control.${call.toLowerCase()}.md`)), call);
  for (const page of readdirSync(pages)) {
    const signatures = [...readFileSync(join(pages, page), "utf8").matchAll(/^```typescript\n([^]*?)^```$/gm)].map(([, text]) => text!);
    for (const signature of signatures) assert.not.match(signature, /\bany\b/, page);
  }
  const codes = readFileSync(join(pages, "weft.wefterrorcode.md"), "utf8");
  const union = /WeftErrorCode = (.*);/.exec(codes)![1]!.match(/\w+/g)!;
  for (const code of union) assert.match(codes, `- ${code.replaceAll("_", "\\_")}: `);
});

test.run();
