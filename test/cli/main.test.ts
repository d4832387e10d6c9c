import { spawnSync, type StdioOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const LAUNCH = fileURLToPath(new URL("../e2e/launch.js", import.meta.url));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function spawn(argv: readonly string[], stdio: StdioOptions): Outcome {
  return spawnSync(process.execPath, [LAUNCH, ...argv], { encoding: "utf8", stdio });
}

const weft = (...argv: readonly string[]): Outcome => spawn(argv, "pipe");

test("help everywhere, with examples", () => {
  for (const argv of [[], ["--help"], ["-h"], ["help"], ["run", "--help"], ["run", "-h"], ["run", "help"], ["help", "run"], ["ctl", "--help"],
    ["demo", "--help"], ["demo", "ping", "--help"], ["doctor", "--help"], ["emulate", "--help"],
    ["emulate", "help"]]) {
    const { status, stdout, stderr } = weft(...argv);
    assert.equal([status, stderr], [0, ""], argv.join(" "));
    assert.match(stdout, /Usage: weft/);
    assert.match(stdout, "Examples:");
  }
  assert.match(weft("help", "run").stdout, "--no-clocks");
});

test("--version", () => {
  const { status, stdout } = weft("--version");
  assert.is(status, 0);
  assert.match(stdout, /^weft \d+\.\d+\.\d+\n$/);
});

test("a wrong subcommand or option: the nearest right one, status 2", () => {
  for (const [argv, message] of [
    [["rnu"], 'weft: unknown subcommand "rnu": did you mean "run"? expected one of: run, ctl, top, node, demo, emulate, doctor, completion, man, help (weft --help)\n'],
    [["help", "dcotor"], 'weft: unknown subcommand "dcotor": did you mean "doctor"? expected one of: run, ctl, top, node, demo, emulate, doctor, completion, man, help (weft --help)\n'],
    [["--hlep"], 'weft: unknown option "--hlep": did you mean "--help"? expected one of: --help, --version (weft --help)\n'],
    [["ctl", "--jsno", "show", "errors"], 'weft: unknown option "--jsno" of weft ctl: did you mean "--json"? '
      + "expected one of: --socket, --json, --help (weft ctl --help)\n"],
  ] as const) {
    const { status, stdout, stderr } = weft(...argv);
    assert.equal([status, stdout, stderr], [2, "", message]);
  }
});

test("what is behind -- belongs to the command that weft emulate runs", () => {
  const { status, stdout } = weft("emulate", "--help", "--", "true", "--help");
  assert.equal([status, stdout.includes("Usage: weft emulate")], [0, true]);
  for (const [argv, message] of [
    [["emulate", "--wire", "sink"], "which command?"],
    [["emulate", "--wire", "sink", "ls"], 'goes behind "--": unexpected "ls"'],
    [["emulate", "--", "ls", "--help"], "--wire is missing"],
    [["emulate", "--wire", "snik", "--", "ls"], 'bad wire "snik": expected netdev:IF'],
    [["emulate", "--wire", "sink", "--model", "cx55", "--", "ls"], 'bad value "cx55" of --model: did you mean "cx5"?'],
    [["emulate", "--wire", "sink", "--ports", "9", "--", "ls"], 'bad value "9" of --ports'],
    [["emulate", "--wrie", "sink", "--", "ls"], 'did you mean "--wire"?'],
  ] as const) {
    const { status, stdout, stderr } = weft(...argv);
    assert.equal([status, stdout], [2, ""], argv.join(" "));
    assert.match(stderr, message);
  }
});

test("nodes in the help texts", () => {
  assert.match(weft("run", "--help").stdout, "node insert acl after ip4-input on host-eth0");
  assert.match(weft("ctl", "--help").stdout, "weft ctl node config acl '{");
  assert.match(weft("demo", "--help").stdout, "weft demo ping --node build/hello.wasm");
});

test("a demo's node: what is wrong with it is told before anything is set up", () => {
  for (const [argv, expected, message] of [
    [["ping", "--node"], 2, "option --node needs a value"],
    [["ping", "--node", "hello"], 2, 'bad value "hello" of --node: expected a .wasm or .mjs file, such as build/acl.wasm'],
    [["forward", "--node", "hello.wasm"], 2, "--node goes with demo ping only"],
    [["ping", "--node", "/nonexistent/hello.wasm:acl"], 1, "there is no file /nonexistent/hello.wasm: --node takes a module that is built"],
  ] as const) {
    const { status, stdout, stderr } = weft("demo", ...argv);
    assert.equal([status, stdout], [expected, ""], argv.join(" "));
    assert.match(stderr, message);
  }
});

test("failures: one line, status 1", () => {
  const { status, stdout, stderr } = weft("ctl", "--socket", "/nonexistent/weft.sock", "show", "version");
  assert.equal([status, stdout, stderr], [1, "", 'weft: no router answers on /nonexistent/weft.sock: start one with "weft run"\n']);
});

test("a script with an error, before the native shim is even loaded", () => {
  const { status, stderr } = weft("run", "/nonexistent/router.weft");
  assert.equal([status, stderr], [1, "weft: cannot read the start-up script /nonexistent/router.weft: ENOENT\n"]);
});

test("an option with an empty value, as an unset variable of the shell leaves it", () => {
  for (const [argv, message] of [
    [["ctl", "--socket", "", "show", "version"], "weft: option --socket needs a value (weft ctl --help)\n"],
    [["run", "--socket="], "weft: option --socket needs a value (weft run --help)\n"],
    [["top", "--once", "--socket", ""], "weft: option --socket needs a value (weft top --help)\n"],
    [["run", "--buffers", ""], "weft: option --buffers needs a value (weft run --help)\n"],
  ] as const) {
    const { status, stdout, stderr } = weft(...argv);
    assert.equal([status, stdout, stderr], [2, "", message]);
  }
});

test("a number below zero is a value, not an option", () => {
  assert.equal(weft("run", "--buffers", "-5").stderr, 'weft: bad value "-5" of --buffers: expected a number from 1024 to 262128\n');
  assert.equal(weft("top", "--interval", "-.5").stderr, 'weft: bad value "-.5" of --interval: expected seconds from 0.1 to 60\n');
  assert.equal(weft("man", "-1").stderr, 'weft: unexpected argument "-1" (weft man --help)\n');
  assert.equal(weft("doctor", "-1").stderr, 'weft: unexpected argument "-1" (weft doctor --help)\n');
});

test("a CPU that the process cannot have", () => {
  const { status, stdout, stderr } = weft("run", "--cpu", "1023");
  assert.equal([status, stdout], [1, ""]);
  assert.match(stderr.split("\n").at(-2)!, /^weft: a worker cannot be pinned to CPU 1023: this process may use \d[\d,-]*$/);
  assert.not.match(stderr, "    at ");
});

test("standard output on a disk that is full: one line, status 1", () => {
  const full = openSync("/dev/full", "w");
  for (const argv of [["--version"], ["run", "--help"], ["doctor", "--json"]]) {
    const { status, stderr } = spawn(argv, ["ignore", full, "pipe"]);
    assert.equal([status, stderr], [1, "weft: cannot write to standard output: ENOSPC\n"], argv.join(" "));
  }
  closeSync(full);
});

test.run();
