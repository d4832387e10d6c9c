#!/usr/bin/env node
// The program `weft`: sees to it that everything is installed and compiled, then hands over to the
// command line. Plain JavaScript without a dependency: it runs before there is anything else.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { INSTALLED, ROOT, staleSteps } from "./build.mjs";
import { missingTools } from "./packages.mjs";

// What some demos need is got for the checkout only: an installed package may lie where its user cannot write.
const missing = missingTools({ test: false, build: false }).filter(({ needed }) => needed || !INSTALLED);
if (staleSteps().length > 0 || missing.length > 0) {
  // On standard error: `--json` output stays clean.
  const { status } = spawnSync(process.execPath, [join(ROOT, "host/setup/setup.mjs")], { stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

const { main } = await import("../../build/program/cli/main.js");
process.exit(await main(process.argv.slice(2)));
