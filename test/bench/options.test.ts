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

  test(`${program} refuses what it does not know in one line, and names the nearest`, () => {
    const cases: [words: string[], message: RegExp][] = [
      [["--workload", "forwrad"], /^unknown workload "forwrad": did you mean "forward"\? expected one of: forward, /],
      [["--worklod", "forward"], /^unknown option "--worklod": did you mean "--workload"\? /],
      [["--workload"], /^Option '--workload <value>' argument missing/],
      [["forward"], /^Unexpected argument 'forward'/],
    ];
    for (const [words, message] of cases) {
      const { status, stdout, stderr } = run(program, ...words);
      assert.equal([status, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], `${words.join(" ")}: ${stderr}`);
      assert.match(stderr, message);
    }
  });
}

test("code refuses what it does not know", () => {
  const { status, stderr } = run("code", "--no-cout");
  assert.equal([status, stderr.startsWith("unknown option \"--no-cout\": did you mean \"--no-count\"? ")], [2, true], stderr);
});

test("numbers and files are judged before anything is measured", () => {
  const cases: [program: string, words: string[], message: RegExp][] = [
    ["run", ["--trials", "0"], /^--trials: "0" is not a number from 1 to 9999/], ["peers", ["--rounds", "1.5"], /^--rounds: "1\.5" is not a number/],
    ["peers", ["--sets", "many"], /^--sets: "many" is not a number/], ["run", ["--compare", "/nowhere"], /^--compare: \/nowhere: ENOENT/],
    ["run", ["--peers", "/etc/hostname"], /^--peers: \/etc\/hostname: Unexpected/],
  ];
  for (const [program, words, message] of cases) {
    const { status, stderr } = run(program, ...words);
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
  }
});

test.run();
