// What npm packs: all that is needed and no more, by rules that publint and arethetypeswrong know; and what the reference says of it.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { test } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weft-pack-"));
test.after(() => rmSync(folder, { recursive: true }));

interface Ran {
  status: number | null;
  output: string;
}

function run(cwd: string, ...[command, ...args]: [string, ...string[]]): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

/** The lifecycle's scripts build; here all is built already. */
const packed = run(ROOT, "npm", "pack", "--ignore-scripts", "--pack-destination", folder);
assert.is(packed.status, 0, packed.output);
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const TARBALL = join(folder, `weft-${version}.tgz`);
const INSTALLED = join(folder, "node_modules/weft");
mkdirSync(INSTALLED, { recursive: true });
assert.is(run(folder, "tar", "-xzf", TARBALL, "-C", INSTALLED, "--strip-components=1").status, 0);
const FILES = readdirSync(INSTALLED, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(INSTALLED.length + 1));

test("what runs, what the shim is compiled from, and what node authors need, is in it", () => {
  for (const file of [
    "package.json", "README.md", "LICENSE", "build/graph.wasm", "build/nodes.wasm", "dist/host/index.js", "dist/host/index.d.ts",
    "dist/host/graph/worker.js",
    "dist/host/cli/main.js", "dist/assembly/abi.js", "host/setup/weft.mjs", "host/setup/install.mjs", "native/binding.gyp", "native/abi-header.mjs",
    "native/emulator/nic.cc", "assembly/abi.ts", "assembly/sdk/CONTRACT.md", "assembly/sdk/weft.h", "assembly/sdk/manifest.mjs",
    "assembly/wire/ipv4.ts", "assembly/examples/acl.ts", "assembly/examples/c/ttl-floor.c",
  ]) assert.ok(FILES.includes(file), file);
  const sources = readdirSync(join(ROOT, "native"), { recursive: true, encoding: "utf8" }).filter((file) => /\.(cc|h)$/.test(file));
  for (const source of sources.filter((file) => !file.startsWith("build/"))) assert.ok(FILES.includes(`native/${source}`), source);
});

test("nothing else is: no tests, nothing compiled for this machine, no sources of the host", () => {
  const made = String.raw`build/(graph|nodes)\.wasm|dist/(host|assembly)/.*\.(js|d\.ts)`;
  const allowed = new RegExp(`^(package\\.json|README\\.md|LICENSE|${made}|host/setup/\\w+\\.mjs|native/.*|assembly/.*)$`);
  assert.equal(FILES.filter((file) => !allowed.test(file) || /^native\/build\/|\.(node|so|o|tsbuildinfo)$|docs\.mjs$/.test(file)), []);
});

test("publint and arethetypeswrong find nothing", async () => {
  const { messages } = await publint({ pkgDir: INSTALLED, pack: false, strict: true });
  assert.equal(messages, []);
  const { status, output } = run(ROOT, "npm", "exec", "--", "attw", TARBALL, "--profile", "esm-only");
  assert.is(status, 0, output);
});

test("a program of somebody's compiles against its types, strictly, those of the package included", () => {
  symlinkSync(join(ROOT, "node_modules/@types"), join(folder, "node_modules/@types"));
  writeFileSync(join(folder, "program.mts"), `
    import { Router, WeftError, type Control, type HostNode, type WeftErrorCode, type Metric } from "weft";
    const router: Control = await Router.start({ buffers: 2048, notice: (line) => line.length });
    const metrics: Metric[] = router.metrics();
    const names: string[] = router.interfaces().map(({ name, counters }) => name + counters.rxPackets.toFixed());
    const node: HostNode = { name: "n", next: ["error-drop"], packet: (packet) => packet.bytes[0]! };
    const reason = (error: unknown): WeftErrorCode | undefined => (error instanceof WeftError ? error.code : undefined);
    await router.ping("192.0.2.1", { count: 1 }).catch(reason);
    // @ts-expect-error: options are checked
    await Router.start({ bufers: 1 });
    // @ts-expect-error: what is within stays there
    router.statistics;
    await router.stop();
  `);
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
  const compilerOptions = { ...strict, module: "nodenext", target: "es2022", noEmit: true, types: ["node"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.mts"] }));
  assert.equal(run(folder, process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."), { status: 0, output: "" });
});

test("the reference: a page for each call, nothing that is used and not exported, no any", () => {
  const { status, output } = run(ROOT, process.execPath, "host/setup/docs.mjs");
  assert.is(status, 0, output);
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
