// The C++ programs of test/native/, compiled with the sanitizers: each prints a line per check. And the ABI of libibverbs as the shim
// declares it, against the genuine headers.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite, type Test } from "uvu";
import * as assert from "uvu/assert";
import { RSS_FIELDS } from "../host/ports/rdma-options.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
// Node's own headers: beside its binary, or where Debian and nvm put them.
const NODE = join(dirname(process.execPath), "../include/node");
const INCLUDES = ["native", "native/rdma", "native/emulator", "build", "node_modules/node-addon-api", NODE].flatMap((folder) => ["-I", folder]);

const PROGRAMS: Record<string, string[]> = {
  "dv-rings-test": [
    "rdma/dv_completion", "rdma/dv_receive", "rdma/dv_transmit", "rdma/outgoing", "rdma/ring_dump", "worker_memory",
  ],
  "traffic-test": ["fault", "fault_line", "pg", "pg_bursts", "pg_replay", "pg_template", "pg_wire", "worker_memory"],
  "steering-test": ["emulator/steering", "emulator/toeplitz", "emulator/packet", "emulator/checksum"],
};

function compile(options: string[]): string {
  const { status, stderr } = spawnSync("g++", ["-std=c++17", "-Wall", "-Wextra", ...INCLUDES, ...options], { cwd: ROOT, encoding: "utf8" });
  return status === 0 && stderr === "" ? "" : stderr || "g++ did not start";
}

function run(program: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "weft-native-"));
  try {
    const binary = join(folder, program);
    const sources = [`test/native/${program}.cc`, ...PROGRAMS[program]!.map((source) => `native/${source}.cc`)];
    // The sources' calls to Node, which no program here makes, go with the sections that hold them.
    const errors = compile(["-g", "-O0", ...SANITIZERS, "-ffunction-sections", "-Wl,--gc-sections", ...sources, "-o", binary]);
    if (errors !== "") return [`not ok ${program} compiles: ${errors}`];
    const { status, stdout, stderr } = spawnSync(binary, { encoding: "utf8", timeout: 60_000 });
    return [...stdout.trim().split("\n"), `${status === 0 && stderr === "" ? "ok" : "not ok"} ${program} ends well: status ${status}, ${stderr}`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A test for each line that the program prints. */
function adopt(programs: Test, name: string): void {
  for (const line of run(name)) {
    const [, verdict, what] = /^(ok|not ok) (.*)$/s.exec(line) ?? [];
    programs(what ?? line, () => assert.is(verdict, "ok", line));
  }
}

for (const name of Object.keys(PROGRAMS)) {
  const program = suite(name);
  adopt(program, name);
  program.run();
}

const abi = suite("verbs ABI");
abi("is that of the genuine headers", () => {
  const fields = Object.entries(RSS_FIELDS).map(([name, bits]) => `-DRSS_${name.replace("-", "_")}=${bits}`);
  assert.is(compile(["-fsyntax-only", ...fields, "test/native/verbs-abi-check.cc"]), "");
});
abi.run();
