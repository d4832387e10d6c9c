// The README's program, exactly as printed, in a folder where the package is installed: the compiler takes it, and it routes.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { run } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { scratch } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const [, PROGRAM] = /^## From TypeScript\n[^]*?^```ts\n([^]*?)^```$/m.exec(readFileSync(join(ROOT, "README.md"), "utf8"))!;
const OPTIONS = { strict: true, module: "nodenext", target: "es2022", noEmit: true, types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] };

const folder = scratch();
mkdirSync(join(folder, "node_modules"));
symlinkSync(ROOT, join(folder, "node_modules/weft"));

test("it has twenty lines at most", () => {
  assert.ok(PROGRAM!.trimEnd().split("\n").length <= 20);
});

test("the compiler takes it", async () => {
  writeFileSync(join(folder, "program.mts"), PROGRAM!);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: OPTIONS, files: ["program.mts"] }));
  const { status: failed, stdout } = await run(null, process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder]);
  assert.equal([failed, stdout], [0, ""]);
});

test("it routes, counts, and leaves nothing behind", async () => {
  writeFileSync(join(folder, "program.mjs"), PROGRAM!);
  // ip(8) keeps namespaces by name in /run: here in one that nobody else sees
  const script = `mount -t tmpfs none /run && ${process.execPath} ${join(folder, "program.mjs")} && ls /run/netns && ip -o link`;
  const { status: failed, stdout, stderr } = await run(null, "unshare", ["--mount", "--net", "sh", "-c", script], 60_000);
  assert.is(failed, 0, stderr);
  assert.match(stdout, "3 packets transmitted, 3 received, 0% packet loss");
  assert.match(stdout, /icmp_seq=1 ttl=63/);
  const counts = [...stdout.matchAll(/^host-weft-(left|right) (\d+) (\d+)$/gm)];
  assert.equal(counts.map(([, host]) => host), ["left", "right"]);
  for (const [line, , came, went] of counts) assert.ok(Number(came) >= 4 && Number(went) >= 4, line);
  assert.not.match(stdout.slice(stdout.lastIndexOf("]")), /left|right/, "neither namespaces nor interfaces");
});

test.run();
