// Makes everything that weft needs on a machine that has only Node and npm: system packages, npm
// packages, compiled code. `npm run setup` and `npm test` start it, and weft.mjs when something is missing.
//
//   node host/setup/setup.mjs [--test] [--peers]      also what the tests need; what bench/peers.ts compares weft with

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT, build, staleSteps } from "./build.mjs";
import { installTools, missingTools } from "./packages.mjs";
import { SetupError } from "./step.mjs";

const LOCKED = "--locked";

async function setUp(options) {
  const test = options.includes("--test");
  const peers = options.includes("--peers");
  const unknown = options.find((option) => !["--test", "--peers", LOCKED].includes(option));
  if (unknown !== undefined) throw new SetupError(`setup: unknown option "${unknown}"; there are: --test, --peers`);
  if (Number(process.versions.node.split(".")[0]) < 20) throw new SetupError(`Node ${process.versions.node} is too old: weft needs 20 or newer`);

  const stale = staleSteps();
  const missing = missingTools({ test, build: stale.includes("native"), peers });
  if (stale.length === 0 && missing.length === 0) return 0;
  if (!options.includes(LOCKED)) return lockAndRun(options);
  if (missing.length > 0) installTools(missing);
  await build(stale);
  return 0;
}

/** Runs this again under flock(1): the kernel lets go of the lock when its holder ends, however it ends. */
function lockAndRun(options) {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  const lock = join(ROOT, "build/lock");
  const again = [lock, process.execPath, join(ROOT, "host/setup/setup.mjs"), ...options, LOCKED];
  const BUSY = 75;
  const first = spawnSync("flock", ["-n", "-E", String(BUSY), ...again], { stdio: ["ignore", 2, 2] });
  if (first.error !== undefined) throw new SetupError(`flock does not start (${first.error.message}): install util-linux`);
  if (first.status !== BUSY) return first.status ?? 1;
  process.stderr.write("weft: another set-up is at work here: waiting for it\n");
  return spawnSync("flock", again, { stdio: ["ignore", 2, 2] }).status ?? 1;
}

try {
  process.exitCode = await setUp(process.argv.slice(2));
} catch (error) {
  // A folder that is not ours to write is the one system error that users meet here.
  const readOnly = error.code === "EACCES" || error.code === "EROFS";
  if (!(error instanceof SetupError) && !readOnly) throw error;
  process.stderr.write(`weft: ${error.message}${readOnly ? `: ${ROOT} must be writable to build in it` : ""}\n`);
  process.exitCode = 1;
}
