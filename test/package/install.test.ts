// What happens when the package is installed, and what an installed one does. npm's node-gyp is stood in for
// by a program that takes what the checkout has compiled: the real one needs a minute.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FOLDER, INSTALLED, ROOT, type Ran, run } from "./packed.js";

const SHIM = "native/build/Release";
const GYP = join(FOLDER, "node-gyp.js");
writeFileSync(GYP, `
  const { cpSync, existsSync } = require("node:fs");
  if (process.argv[2] !== "configure" || !existsSync("native/binding.gyp") || !existsSync("build/abi.h")) process.exit(9);
  if (process.env.BROKEN) { console.log("g++: not found"); process.exit(1); }
  for (const file of ["weft.node", "weft-emulator.so"]) cpSync(${JSON.stringify(join(ROOT, SHIM))} + "/" + file, ${JSON.stringify(SHIM)} + "/" + file);
`);

/** The script that package.json names, as npm starts it. */
const install = (variables: NodeJS.ProcessEnv = {}): Ran =>
  run(INSTALLED, [process.execPath, "host/setup/install.mjs"], { npm_config_node_gyp: GYP, ...variables });
/** The compiler of nodes is WebAssembly itself: V8's better code for it comes too late to be worth its while. */
const QUICK = "--liftoff-only";
const weft = (...argv: string[]): Ran =>
  run(FOLDER, [process.execPath, QUICK, join(INSTALLED, "host/setup/weft.mjs"), ...argv], { npm_config_node_gyp: undefined });
const PROGRAM = join(FOLDER, "program.mjs");
writeFileSync(PROGRAM, 'import { Router } from "weft"; const router = await Router.start(); console.log(router.version().version); await router.stop();');

test("without the shim: what to do, from the program and from an import", () => {
  const { status, output } = weft("--version");
  assert.is(status, 1);
  assert.match(output, 'weft: the native shim is not compiled: run "npm rebuild weft" where weft was installed\n');
  const { output: told } = run(FOLDER, [process.execPath, PROGRAM]);
  assert.match(told, /does not load: run "npm run setup" in a checkout, "npm rebuild weft" where it was installed \(/);
  assert.match(told, "code: 'ADDON_MISSING'");
});

test("a compilation that fails is told with the compiler's words, and the installation fails", () => {
  const { status, output } = install({ BROKEN: "1" });
  assert.is(status, 1);
  assert.match(output, "g++: not found\nweft: could not compile the native shim");
  assert.match(output, "python3, make, g++ and Node's headers are needed");
});

test("installed: the shim alone is compiled, once, and all works", () => {
  const { status, output } = install();
  assert.is(status, 0, output);
  assert.equal(output.match(/^weft: .*?(?= …)/gm), ["weft: write the shim's header", "weft: compile the native shim"]);
  rmSync(GYP);
  assert.equal(install(), { status: 0, output: "" });
  assert.match(weft("--version").output, /^weft \d+\.\d+\.\d+\n$/);
  assert.match(run(FOLDER, [process.execPath, PROGRAM]).output, /^\d+\.\d+\.\d+\n$/);
});

test("a node of one's own, with the SDK of the package", () => {
  for (const words of [["new", "hello"], ["build"], ["test"]]) {
    const { status, output } = weft("node", ...words);
    assert.is(status, 0, output);
  }
  assert.ok(existsSync(join(FOLDER, "build/hello.wasm")));
});

test("in a checkout installing does nothing", () => {
  assert.equal(run(ROOT, [process.execPath, "host/setup/install.mjs"], { npm_config_node_gyp: "/nonexistent" }), { status: 0, output: "" });
});

test.run();
