// A process that may open no more files: what says so is no missing file.

import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";

const PROGRAM = `
  import { openSync } from "node:fs";
  import { readModule } from "./dist/host/graph/module.js";
  import { openCapture } from "./dist/host/ports/capture-file.js";
  const actions = [readModule, openCapture];
  const said = [];
  try { for (;;) openSync("/dev/null", "r"); } catch {}
  for (const action of actions) try { action("package.json"); } catch ({ code, message, errno }) { said.push([code, message, errno]); }
  process.stdout.write(JSON.stringify(said));
`;

test("a module and a capture: SYSTEM, and how to mend it", () => {
  const command = `ulimit -n 100 && exec "$0" --input-type=module -e "$1"`;
  const { stdout, stderr } = spawnSync("sh", ["-c", command, process.execPath, PROGRAM], { encoding: "utf8" });
  const error = ["SYSTEM", 'package.json cannot be opened: EMFILE: this process has too many files open: raise "ulimit -n"', "EMFILE"];
  assert.equal([JSON.parse(stdout || "null"), stderr], [[error, error], ""]);
});

test.run();
