// The benchmarks' command lines: help, and a line for each mistake.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

/** Runs one of the benchmarks with options that keep it from measuring. */
function run(program: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [fileURLToPath(new URL(`../../bench/${program}.js`, import.meta.url)), ...words], { encoding: "utf8" });
}

for (const program of ["run", "peers"]) {
  test(`${program} --help shows the usage with examples`, () => {
    const { status, stdout, stderr } = run(program, "--help");
    assert.equal([status, stderr], [0, ""]);
    assert.match(stdout, /^Usage: npm run bench/);
    assert.match(stdout, /\nExamples:\n {2}npm run bench/);
  });
}

for (const program of ["rings", "gc", "startup", "workers"]) {
  test(`${program} --help shows the usage`, () => {
    const { status, stdout, stderr } = run(program, "--help");
    assert.equal([status, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^Usage: node dist/bench/${program}\\.js .*\n\nMeasures .*\n {2}--json `, "s"));
  });
}

test("what is not known is refused in one line, which names the nearest", () => {
  const cases: [program: string, words: string[], message: RegExp][] = [
    ["run", ["--workload", "forwrad"], /^unknown workload "forwrad": did you mean "forward"\? expected one of: forward, /],
    ["peers", ["--workload", "echo"], /^unknown workload "echo": expected one of: forward, fib-500k /],
    ["run", ["--worklod", "forward"], /^unknown option "--worklod": did you mean "--workload"\? /],
    ["run", ["--workload"], /^Option '--workload <value>' argument missing/],
    ["run", ["forward"], /^Unexpected argument 'forward'/],
  ];
  for (const [program, words, message] of cases) {
    const { status, stdout, stderr } = run(program, ...words);
    assert.equal([status, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], `${words.join(" ")}: ${stderr}`);
    assert.match(stderr, message);
  }
});

test("numbers and files are judged before anything is measured", () => {
  const cases: [program: string, words: string[], message: RegExp][] = [
    ["run", ["--trials", "0"], /^--trials: "0" is not a number from 1 to 9999/], ["peers", ["--rounds", "1.5"], /^--rounds: "1\.5" is not a number/],
    ["rings", ["--trials", "-"], /^--trials: "-" is not a number/], ["gc", ["--seconds", "x"], /^--seconds: "x" is not a number/],
    ["startup", ["--runs", "0"], /^--runs: "0" is not a number/], ["workers", ["--rounds", "0"], /^--rounds: "0" is not a number/],
    ["run", ["--compare", "/nowhere"], /^--compare: \/nowhere: ENOENT/],
    ["run", ["--peers", "/etc/passwd"], /^--peers: \/etc\/passwd: Unexpected/],
  ];
  for (const [program, words, message] of cases) {
    const { status, stderr } = run(program, ...words);
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
  }
});

test.run();
