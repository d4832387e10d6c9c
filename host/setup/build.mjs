// What is built, from what, and how. A step is up to date while a digest of its inputs' contents is the
// one that build/stamps.json holds and its outputs exist; modification times say nothing after a clone.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SetupError, step } from "./step.mjs";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Installed from a package, in which all is compiled but the shim. (npm packs no lock file.) */
export const INSTALLED = !existsSync(join(ROOT, "package-lock.json"));
const STAMPS = join(ROOT, "build/stamps.json");
const MEND_BUILD = "if you did not change the code, remove build/, dist/ and node_modules/ and start again";

/** In order: later steps use what earlier ones make. */
const ALL_STEPS = [
  {
    name: "typescript",
    inputs: ["package-lock.json", "tsconfig.json", "assembly/abi.ts", "host/**.ts", "test/**.ts", "bench/**.ts"],
    outputs: ["dist/host/cli/main.js"],
    run: compileTypeScript,
  },
  {
    name: "program",
    inputs: ["package-lock.json", "assembly/abi.ts", "host/**.ts", "host/setup/bundle.mjs"],
    outputs: ["build/program/cli/main.js", "build/program/graph/worker.js", "build/program/kit/thread.js"],
    run: () => step("bundle the program", [process.execPath, "host/setup/bundle.mjs"], { cwd: ROOT, mend: MEND_BUILD }),
  },
  {
    name: "native",
    inputs: ["package-lock.json", "assembly/abi.ts", "native/**.gyp", "native/**.mjs", "native/**.h", "native/**.cc"],
    outputs: ["native/build/Release/weft.node", "native/build/Release/weft-emulator.so"],
    run: compileShim,
  },
  {
    name: "nodes",
    inputs: ["package-lock.json", "asconfig.json", "assembly/**.ts", "assembly/**.mjs"],
    outputs: ["build/nodes.wasm"],
    run: () => compileAssembly("nodes"),
  },
  {
    name: "graph",
    inputs: ["package-lock.json", "asconfig.json", "assembly/abi.ts", "assembly/sdk/**.ts", "assembly/wire/**.ts", "assembly/graph/**.ts"],
    outputs: ["build/graph.wasm"],
    run: () => compileAssembly("graph"),
  },
  {
    name: "manual", // the command line that it is written from loads the shim
    inputs: ["package.json", "assembly/abi.ts", "host/**.ts"],
    outputs: ["dist/weft.1"],
    run: writeManual,
  },
];
const STEPS = ALL_STEPS.filter(({ name }) => !INSTALLED || name === "native");

/** Names of the steps that have something to do, "packages" (npm's) first. */
export function staleSteps() {
  const stamps = readStamps();
  const missing = (output) => !existsSync(join(ROOT, output));
  const stale = STEPS.filter(({ name, inputs, outputs }) => stamps[name] !== digest(inputs) || outputs.some(missing));
  return [...(packagesStale() ? ["packages"] : []), ...stale.map(({ name }) => name)];
}

/** Does what staleSteps() named. A step's stamp is written when it is done, so a failed set-up goes on where it stopped. */
export async function build(stale) {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  if (stale.includes("packages")) {
    const mend = "npm must reach its registry: see the lines above";
    step("install npm packages", ["npm", "ci", "--include=dev", "--no-audit", "--no-fund", "--no-progress"], { cwd: ROOT, mend });
  }
  for (const { name, inputs, run } of STEPS.filter((one) => stale.includes(one.name))) {
    const stamp = digest(inputs);
    await run();
    writeStamp(name, stamp);
  }
}

/** npm writes its hidden lock file last, so it tells of an installation that was finished. */
function packagesStale() {
  if (INSTALLED) return false;
  const done = statSync(join(ROOT, "node_modules/.package-lock.json"), { throwIfNoEntry: false });
  return done === undefined || done.mtimeMs < statSync(join(ROOT, "package-lock.json")).mtimeMs;
}

function compileTypeScript() {
  removeOrphans(join(ROOT, "dist"), ROOT);
  step("compile TypeScript", [process.execPath, "node_modules/typescript/bin/tsc", "-p", "."], { cwd: ROOT, mend: MEND_BUILD });
}

function writeManual() {
  const program = "import { writeFileSync } from 'node:fs'; const { manual } = await import(process.argv[1]); "
    + "writeFileSync(process.argv[2], manual(new Date().toISOString().slice(0, 10)))";
  const man = pathToFileURL(join(ROOT, "dist/host/cli/man.js")).href;
  step("write the manual", [process.execPath, "--input-type=module", "-e", program, man, join(ROOT, "dist/weft.1")], { cwd: ROOT, mend: MEND_BUILD });
}

/** Removes what was compiled from files that are gone: a test among them would still be found and run. */
function removeOrphans(folder, source) {
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    const compiled = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(compiled, join(source, entry.name));
    else if (/\.(d\.ts|js)$/.test(entry.name) && !existsSync(join(source, entry.name.replace(/\.(d\.ts|js)$/, ".ts")))) rmSync(compiled);
  }
}

function compileShim() {
  step("write the shim's header", [process.execPath, "native/abi-header.mjs"], { cwd: ROOT, mend: MEND_BUILD });
  // Node's own headers lie beside it in most installations; else node-gyp has its ways to get them.
  const prefix = join(dirname(process.execPath), "..");
  const headers = existsSync(join(prefix, "include/node/node_api.h")) ? [`--nodedir=${prefix}`] : [];
  const words = [...nodeGyp(), "configure", "build", "--jobs", "max", "--directory", "native", ...headers];
  step("compile the native shim", words, { cwd: ROOT, mend: `python3, make, g++ and Node's headers are needed; ${MEND_BUILD}` });
}

/** How to call node-gyp: the checkout has its own; who installs a package uses npm's, of which npm tells its scripts. */
function nodeGyp() {
  if (!INSTALLED) return ["npm", "exec", "--", "node-gyp"];
  const { npm_config_node_gyp: path } = process.env;
  if (path === undefined) throw new SetupError("the native shim is not compiled: run \"npm rebuild weft\" where weft was installed");
  return [process.execPath, path];
}

async function compileAssembly(name) {
  const abi = await import(pathToFileURL(join(ROOT, "dist/assembly/abi.js")).href);
  const words = ["node_modules/assemblyscript/bin/asc.js", `assembly/${name}/index.ts`, "--transform", "./assembly/sdk/manifest.mjs"];
  const place = ["--memoryBase", String(abi.MODULES), "--outFile", `build/${name}.wasm`];
  step(`compile the ${name} to WebAssembly`, [process.execPath, ...words, ...place], { cwd: ROOT, mend: MEND_BUILD });
}

/** Digest over names and contents of files; "folder/**.ext" stands for every such file below, the shim's build folder left out. */
function digest(patterns) {
  const hash = createHash("sha1");
  for (const pattern of patterns) {
    const [folder, suffix] = pattern.split("/**");
    const files = suffix === undefined ? [pattern] : listFiles(folder).filter((file) => file.endsWith(suffix));
    for (const file of files) {
      const content = existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file)) : "";
      hash.update(`${file}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex");
}

function listFiles(folder) {
  const entries = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder), { withFileTypes: true }) : [];
  return entries
    .filter((entry) => `${folder}/${entry.name}` !== "native/build")
    .flatMap((entry) => (entry.isDirectory() ? listFiles(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]))
    .sort();
}

function readStamps() {
  try {
    return JSON.parse(readFileSync(STAMPS, "utf8"));
  } catch {
    return {}; // none yet, or not readable: build again
  }
}

function writeStamp(name, stamp) {
  writeFileSync(`${STAMPS}.new`, JSON.stringify({ ...readStamps(), [name]: stamp }, null, 2));
  renameSync(`${STAMPS}.new`, STAMPS);
}
