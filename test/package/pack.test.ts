// What npm packs: all that is needed and no more, by rules that publint and arethetypeswrong know.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FOLDER, INSTALLED, ROOT, TARBALL, run } from "./packed.js";

const FILES = readdirSync(INSTALLED, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(INSTALLED.length + 1));

test("what runs, what the shim is compiled from, and what node authors need, is in it", () => {
  for (const file of [
    "package.json", "README.md", "LICENSE", "build/graph.wasm", "build/nodes.wasm", "dist/host/index.js", "dist/host/index.d.ts",
    "dist/host/graph/worker.js", "build/program/cli/main.js", "build/program/graph/worker.js",
    "dist/host/cli/main.js", "dist/assembly/abi.js", "host/setup/weft.mjs", "host/setup/install.mjs", "native/binding.gyp", "native/abi-header.mjs",
    "native/emulator/nic.cc", "assembly/abi.ts", "assembly/sdk/CONTRACT.md", "assembly/sdk/weft.h", "assembly/sdk/manifest.mjs",
    "assembly/wire/ipv4.ts", "assembly/examples/acl.ts", "assembly/examples/c/ttl-floor.c",
  ]) assert.ok(FILES.includes(file), file);
  const sources = readdirSync(join(ROOT, "native"), { recursive: true, encoding: "utf8" }).filter((file) => /\.(cc|h)$/.test(file));
  for (const source of sources.filter((file) => !file.startsWith("build/"))) assert.ok(FILES.includes(`native/${source}`), source);
});

test("nothing else is: no tests, nothing compiled for this machine, no sources of the host", () => {
  const made = String.raw`build/(graph|nodes)\.wasm|build/program/.*\.js|dist/(host|assembly)/.*\.(js|d\.ts)|dist/weft\.1`;
  const allowed = new RegExp(`^(package\\.json|README\\.md|LICENSE|${made}|host/setup/\\w+\\.mjs|native/.*|assembly/.*)$`);
  assert.equal(FILES.filter((file) => !allowed.test(file) || /^native\/build\/|\.(node|so|o|tsbuildinfo)$|(docs|bundle)\.mjs$/.test(file)), []);
});

test("publint and arethetypeswrong find nothing", async () => {
  const { messages } = await publint({ pkgDir: INSTALLED, pack: false, strict: true });
  assert.equal(messages, []);
  const { status, output } = run(ROOT, [join(ROOT, "node_modules/.bin/attw"), TARBALL, "--profile", "esm-only"]);
  assert.is(status, 0, output);
});

test("a program of somebody's compiles against its types, strictly, those of the package included", () => {
  writeFileSync(join(FOLDER, "program.mts"), `
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
  writeFileSync(join(FOLDER, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.mts"] }));
  assert.equal(run(FOLDER, [process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."]), { status: 0, output: "" });
});

test.run();
