// Compiles the C++ programs of test/native/ with the sanitizers and runs them: each prints a line per check.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
// Node's own headers: beside its binary, or where Debian and nvm put them.
const NODE = join(dirname(process.execPath), "../include/node");
const INCLUDES = ["native", "native/rdma", "native/emulator", "build", "node_modules/node-addon-api", NODE].flatMap((folder) => ["-I", folder]);

/** What g++ has to say. */
export function compile(options: string[]): string {
  const { status, stderr } = spawnSync("g++", ["-std=c++17", "-Wall", "-Wextra", ...INCLUDES, ...options], { cwd: ROOT, encoding: "utf8" });
  return status === 0 && stderr === "" ? "" : stderr || "g++ did not start";
}

function run(program: string, native: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "weft-native-"));
  try {
    const binary = join(folder, program);
    const sources = [`test/native/${program}.cc`, ...native.map((source) => `native/${source}.cc`)];
    // The sources' calls to Node, which no program here makes, go with the sections that hold them.
    const errors = compile(["-g", "-O0", ...SANITIZERS, "-ffunction-sections", "-Wl,--gc-sections", ...sources, "-o", binary]);
    if (errors !== "") return [`not ok ${program} compiles: ${errors}`];
    const { status, stdout, stderr } = spawnSync(binary, { encoding: "utf8", timeout: 300_000 });
    return [...stdout.trim().split("\n"), `${status === 0 && stderr === "" ? "ok" : "not ok"} ${program} ends well: status ${status}, ${stderr}`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A suite of the program's checks; `native`: sources of the shim that it is built with. */
export function runProgram(name: string, native: string[]): void {
  const program = suite(name);
  for (const line of run(name, native)) {
    const [, verdict, what] = /^(ok|not ok) (.*)$/s.exec(line) ?? [];
    program(what ?? line, () => assert.is(verdict, "ok", line));
  }
  program.run();
}
