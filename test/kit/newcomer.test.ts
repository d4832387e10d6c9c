// What somebody meets who writes a first node: new, build, test, bench, through the command line, in an empty folder.

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { node } from "../../host/cli/node.js";
import { exitStatus } from "../../host/cli/status.js";
import { WeftError } from "../../host/errors.js";

const MAIN = new URL("../../host/cli/main.js", import.meta.url).href;
const TSC = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));
// The compiler is WebAssembly itself: V8's better code for it comes too late to be worth its while.
const QUICK = "--liftoff-only";
setFlagsFromString(QUICK);
let folder = "";

test.before.each(() => { folder = mkdtempSync(join(tmpdir(), "weft-kit-")); });
test.after.each(() => rmSync(folder, { recursive: true }));

/** A failure as --json tells it. */
interface Told {
  line: number;
  got: string;
}

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Through the program's own entry. */
function spawned(...argv: string[]): Ran {
  const program = `process.exitCode = await (await import(${JSON.stringify(MAIN)})).main(process.argv.slice(1))`;
  return spawnSync(process.execPath, [QUICK, "--input-type=module", "-e", program, "--", "node", ...argv], { cwd: folder, encoding: "utf8" });
}

/** In this process, which saves a second each time. */
async function weft(...argv: string[]): Promise<Ran> {
  const ran: Ran = { status: null, stdout: "", stderr: "" };
  const home = process.cwd();
  process.chdir(folder);
  try {
    ran.status = await node(argv, { out: (text) => { ran.stdout += text; }, error: (text) => { ran.stderr += text; } });
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    ran.status = exitStatus(error);
    ran.stderr += `weft: ${error.message}\n`;
  } finally {
    process.chdir(home);
  }
  return ran;
}

const put = (path: string, text: string): void => writeFileSync(join(folder, path), text);
const change = (path: string, from: string, to: string): void => {
  const text = readFileSync(join(folder, path), "utf8");
  assert.ok(text.includes(from), `${path} has ${from}`);
  put(path, text.replaceAll(from, to));
};

test("new, build, test: each says what to type next", () => {
  const made = spawned("new", "hello");
  assert.equal([made.status, made.stderr], [0, ""]);
  assert.is(made.stdout, "wrote nodes/hello.ts\nwrote nodes/hello.test\nwrote nodes/tsconfig.json\nnext: weft node build && weft node test\n");
  const built = spawned("build");
  assert.is(built.stderr, "");
  assert.match(built.stdout, /^built build\/hello\.wasm: \d+ bytes, no static data\n {2}hello: next error-drop, continue\nnext: weft node test/);
  assert.is(built.status, 0);
  const tested = spawned("test");
  assert.is(tested.stderr, "");
  assert.is(tested.stdout, `ok   hello: a packet with TTL 64 passes as it came
ok   hello: one with TTL 3 passes too, and is counted
ok   hello: a header cut short is not IPv4
3 passed, 0 failed
`);
  assert.is(tested.status, 0);
});

test("the node that it writes is short, and editors know its types", async () => {
  await weft("new", "my-node-2");
  assert.ok(readFileSync(join(folder, "nodes/my-node-2.ts"), "utf8").split("\n").length <= 30);
  const typed = (): string[] => {
    const { stdout } = spawnSync(process.execPath, [TSC, "-p", "nodes"], { cwd: folder, encoding: "utf8" });
    return stdout.match(/^nodes\/.*$/gm) ?? [];
  };
  assert.equal(typed(), []);
  change("nodes/my-node-2.ts", "packet:", "pakcet:");
  assert.match(typed().join("\n"), "'pakcet' does not exist in type 'NodeDeclaration'");
});

test("nothing is overwritten, and a name must be one", async () => {
  await weft("new", "hello");
  put("nodes/tsconfig.json", "{}");
  put("nodes/hello.ts", "// mine");
  const again = await weft("new", "hello");
  assert.equal([again.status, again.stderr], [1, "weft: there is nodes/hello.ts already: choose another name, or remove it\n"]);
  assert.is((await weft("new", "other")).status, 0);
  assert.equal(["hello.ts", "tsconfig.json"].map((file) => readFileSync(join(folder, "nodes", file), "utf8")), ["// mine", "{}"]);
  for (const name of ["Hello", "-x", "a--b", "a/b", "../x", "a".repeat(49), "nodes", "graph"]) {
    const { status, stderr } = await weft("new", "--", name);
    assert.is(status, 1, name);
    assert.match(stderr, `weft: ${JSON.stringify(name)} cannot be a node's name: `);
  }
  assert.equal(readdirSync(join(folder, "nodes")).sort(), ["hello.test", "hello.ts", "other.test", "other.ts", "tsconfig.json"]);
});

test("a mistake in the source: the compiler's words with file and line, status 1", async () => {
  await weft("new", "hello");
  change("nodes/hello.ts", "count(node, PACKETS)", "cuont(node, PACKETS)");
  const { status, stdout, stderr } = await weft("build");
  assert.equal([status, stdout], [1, ""]);
  assert.match(stderr, "Cannot find name 'cuont'");
  assert.match(stderr, /in nodes\/hello\.ts\(\d+,\d+\)/);
  assert.match(stderr, /weft: nodes\/hello\.ts does not compile\n$/);
  assert.not(existsSync(join(folder, "build/hello.wasm")));
});

test("what no router takes is refused when it is built", async () => {
  await weft("new", "hello");
  const start = "\nlet started: u32 = load<u32>(65536);\nexport function value(): u32 { return started; }\n";
  appendFileSync(join(folder, "nodes/hello.ts"), start);
  const { status, stderr } = await weft("build");
  assert.is(status, 1);
  assert.match(stderr, "weft: build/hello.wasm: ");
  assert.match(stderr, "start function");
});

test("a test that fails shows what was expected beside what came", async () => {
  await weft("new", "hello");
  await weft("build");
  change("nodes/hello.test", "out continue same\ncounter packets 1\n\n", "out error-drop 4500001c00000000 3f11 0000\ncounter packets 2\n\n");
  const { status, stdout } = await weft("test", "hello");
  assert.is(status, 1);
  assert.is(stdout, `FAIL hello: a packet with TTL 64 passes as it came
     nodes/hello.test:5: packet 1: next node
       expected    got
       error-drop  continue
     nodes/hello.test:5: packet 1: bytes
         at  expected, 12 bytes             got, 28 bytes
       0000  4500 001c 0000 0000 3f11 0000  4500 001c 0000 0000 4011 0000 c000 0202
       0010                                 c633 6407 0035 c000 0008 0000
     nodes/hello.test:6: counter "packets"
       expected  got
              2    1
ok   hello: one with TTL 3 passes too, and is counted
ok   hello: a header cut short is not IPv4
2 passed, 1 failed
`);
  const json = JSON.parse((await weft("test", "--json")).stdout) as { ok: boolean; tests: { results: { failures: Told[] }[] }[] };
  assert.is(json.ok, false);
  assert.equal(json.tests[0]!.results[0]!.failures.map(({ line, got }) => [line, got.slice(0, 8)]), [[5, "continue"], [5, "4500001c"], [6, "1"]]);
});

test("a module that is older than its source is told", async () => {
  await weft("new", "hello");
  await weft("build");
  utimesSync(join(folder, "nodes/hello.ts"), new Date(), new Date(Date.now() + 60_000));
  const { status, stderr } = await weft("test");
  assert.equal([status, stderr], [0, "weft: nodes/hello.ts was changed after build/hello.wasm was built: weft node build hello\n"]);
});

test("nothing there yet: what to type", async () => {
  const cases: [string[], string][] = [
    [["build"], 'no nodes/*.ts in this folder: "weft node new NAME" makes a node to begin with'],
    [["test", "hello"], 'no nodes/hello.test in this folder: "weft node new hello" makes one to begin with'],
    [["bench", "build/hello.wasm"], 'build/hello.wasm: cannot be read (ENOENT): "weft node build" makes modules'],
  ];
  for (const [argv, message] of cases) assert.equal([(await weft(...argv)).status, (await weft(...argv)).stderr], [1, `weft: ${message}\n`]);
  await weft("new", "hello");
  assert.is((await weft("test")).stderr, 'weft: build/hello.wasm: cannot be read (ENOENT): make it with "weft node build hello"\n');
});

test("static data lies in the region that is asked for, and no two nodes of a folder share one", async () => {
  for (const name of ["one", "two"]) {
    await weft("new", name);
    change(`nodes/${name}.ts`, "return CONTINUE;", "return load<u8>(memory.data<u8>([1, 1]) + (header & 1));");
  }
  const regions = JSON.parse((await weft("build", "--json")).stdout) as { modules: { region: number }[] };
  const [one, two] = regions.modules.map(({ region }) => region);
  assert.ok(one! >= 1 && one! < 64 && two! >= 1 && two! < 64 && one !== two, `${one} ${two}`);
  assert.match((await weft("build", "one", "--region", "7")).stdout, "static data in region 7\n");
  assert.is((await weft("test", "one")).status, 0);
  assert.match((await weft("build", "--region", "7")).stderr, "--region is for one node");
  assert.match((await weft("build", "one", "--region", "64")).stderr, 'bad value "64" of --region: expected a number from 1 to 63');
});

test("bench: clocks for each size of a vector", async () => {
  await weft("new", "hello");
  await weft("build");
  const { status, stdout } = await weft("bench", "build/hello.wasm", "--ms", "5");
  assert.is(status, 0);
  assert.match(stdout, /^Clocks per packet.*\nVector +hello +25 % +75 % +\(pass on\)/);
  assert.equal([...stdout.matchAll(/^ +(\d+) +\d/gm)].map(([, size]) => size), ["1", "4", "16", "64", "256"]);
  const json = JSON.parse((await weft("bench", "build/hello.wasm", "--ms", "5", "--json")).stdout) as { results: { node: Record<string, number> }[] };
  for (const { node } of json.results) assert.ok(node.low! > 0 && node.low! <= node.median! && node.median! <= node.high!, JSON.stringify(node));
  assert.match((await weft("bench", "build/hello.wasm", "--config", "{}")).stderr, "node hello takes no configuration");
});

test("help of each subcommand, and of a wrong one", async () => {
  for (const argv of [[], ["--help"], ["new", "--help"], ["build", "-h"], ["check", "--help"], ["bench", "-h"], ["test", "help"], ["help", "test"]]) {
    const { status, stdout, stderr } = await weft(...argv);
    assert.equal([status, stderr], [0, ""], argv.join(" "));
    assert.match(stdout, /^Usage: weft node/);
    assert.match(stdout, "Examples:");
  }
  const { status, stderr } = await weft("bulid");
  assert.equal([status, stderr], [2, 'weft: unknown subcommand "bulid" of weft node: did you mean "build"? '
    + "expected one of: new, build, check, test, bench (weft node --help)\n"]);
});

test.run();
