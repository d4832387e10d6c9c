// The package as npm packs it, unpacked where npm would install it. Its dependencies are the checkout's.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Somebody's folder, in which weft is installed. */
export const FOLDER = mkdtempSync(join(tmpdir(), "weft-pack-"));
process.once("exit", () => rmSync(FOLDER, { recursive: true, force: true }));
export const INSTALLED = join(FOLDER, "node_modules/weft");

export interface Ran {
  status: number | null;
  output: string;
}

/** Runs a program; the variables are added to the environment, undefined ones taken out. */
export function run(cwd: string, words: [string, ...string[]], variables: NodeJS.ProcessEnv = {}): Ran {
  const [command, ...args] = words;
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...variables } });
  return { status, output: stdout + stderr };
}

const { version, dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  version: string;
  dependencies: Record<string, string>;
};
export const TARBALL = join(FOLDER, `weft-${version}.tgz`);

// The scripts of its life would build; here all is built already.
const packed = run(ROOT, ["npm", "pack", "--ignore-scripts", "--pack-destination", FOLDER]);
assert.is(packed.status, 0, packed.output);
mkdirSync(INSTALLED, { recursive: true });
assert.is(run(FOLDER, ["tar", "-xzf", TARBALL, "-C", INSTALLED, "--strip-components=1"]).status, 0);
for (const name of [...Object.keys(dependencies), "@types"]) symlinkSync(join(ROOT, "node_modules", name), join(FOLDER, "node_modules", name));
