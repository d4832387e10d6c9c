import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseScript, readScript, runScript } from "../../host/cli/script.js";
import { WeftError } from "../../host/errors.js";
import { type Stub, stub } from "./stub.js";

const GOOD = [
  "# a router", "", "create host-interface name eth0  # its only port", "  set interface state host-eth0 up", "\t", "show version", "",
].join("\n");

async function failure(work: () => unknown): Promise<WeftError> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, WeftError);
    return error as WeftError;
  }
  throw new Error("it did not fail");
}

function context({ control }: Stub, signal = new AbortController().signal): { printed: string[]; context: Parameters<typeof runScript>[1] } {
  const printed: string[] = [];
  return { printed, context: { control, out: (text) => printed.push(text), signal } };
}

test("commands in order; comments and blank lines are skipped", async () => {
  const stubbed = stub();
  const { printed, context: where } = context(stubbed);
  await runScript(parseScript("a.weft", GOOD), where);
  assert.equal(stubbed.calls, [["createHostInterface", "eth0"], ["setInterfaceState", "host-eth0", true], ["version"]]);
  assert.is(printed[0], "host-eth0");
});

test("a syntax error in line 7 is found before anything runs", async () => {
  const error = await failure(() => parseScript("a.weft", `${GOOD}shwo version\nshow errors\n`));
  assert.is(error.code, "BAD_ARGUMENT");
  assert.match(error.message, 'a.weft:7: unknown word "shwo" in "shwo": did you mean "show"?');
});

test("a failing command is named with its line, and the rest is not executed", async () => {
  const stubbed = stub({ setInterfaceState: () => { throw new WeftError("NOT_FOUND", 'no interface "host-eth0"'); } });
  const error = await failure(() => runScript(parseScript("a.weft", GOOD), context(stubbed).context));
  assert.is(error.code, "NOT_FOUND");
  assert.is(error.message, 'a.weft:4: no interface "host-eth0"');
  assert.equal(stubbed.calls.map(([name]) => name), ["createHostInterface", "setInterfaceState"]);
});

test("nodes in a script: JSON with a comment's sign in it, and a file that is not there", async () => {
  const lines = ['node load build/acl.wasm as acl config {"note": "a # b"} # its comment', "node config acl @/nonexistent/acl.json", "show version"];
  const stubbed = stub();
  const error = await failure(() => runScript(parseScript("a.weft", lines.join("\n")), context(stubbed).context));
  assert.equal(stubbed.calls, [["loadNode", "build/acl.wasm", "acl", { note: "a # b" }]]);
  assert.is(error.code, "NOT_FOUND");
  assert.is(error.message, "a.weft:2: cannot read /nonexistent/acl.json: ENOENT");

  const missing = stub({ loadNode: async (file) => { throw new WeftError("NOT_FOUND", `no file ${file}`); } });
  const other = await failure(() => runScript(parseScript("a.weft", `\n${lines[0]}`), context(missing).context));
  assert.is(other.message, "a.weft:2: no file build/acl.wasm");
});

test("wrong JSON in a script is found before anything runs", async () => {
  const error = await failure(() => parseScript("a.weft", `${GOOD}node config acl {"a": [1, ]}`));
  assert.is(error.code, "BAD_ARGUMENT");
  assert.is(error.message, 'a.weft:7: bad json in "node config acl", character 11: expected a value, not "]"');
});

test("an interrupted script executes nothing more", async () => {
  const ending = new AbortController();
  const stubbed = stub({ setInterfaceState: () => ending.abort() });
  await runScript(parseScript("a.weft", GOOD), context(stubbed, ending.signal).context);
  assert.equal(stubbed.calls.map(([name]) => name), ["createHostInterface", "setInterfaceState"]);
});

test("no such file", async () => {
  const error = await failure(() => readScript("/nonexistent/router.weft"));
  assert.is(error.code, "NOT_FOUND");
  assert.is(error.message, "cannot read the start-up script /nonexistent/router.weft: ENOENT");
});

test.run();
