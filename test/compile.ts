// Compiles one AssemblyScript file as a module of its own, so that a test can call what it exports.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** `source` is a path from the project's root. */
export function compile(source: string): WebAssembly.Module {
  const directory = mkdtempSync(join(tmpdir(), "weft-"));
  try {
    const wasm = join(directory, "out.wasm");
    // V8's better code for the compiler, WebAssembly itself, comes too late to be worth its while
    const asc = ["--liftoff-only", "node_modules/assemblyscript/bin/asc.js", source, "--outFile", wasm];
    execFileSync(process.execPath, asc, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    return new WebAssembly.Module(readFileSync(wasm));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
