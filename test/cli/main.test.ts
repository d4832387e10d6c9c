import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";

const MAIN = new URL("../../host/cli/main.js", import.meta.url).href;

function weft(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = `process.exitCode = await (await import(${JSON.stringify(MAIN)})).main(process.argv.slice(1))`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", program, "--", ...argv], { encoding: "utf8" });
}

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

test.run();
