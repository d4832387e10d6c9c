// weft node check: what it says of a module that the router takes, and of one that it does not.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nodeCheck } from "../../host/cli/node-check.js";
import { WeftError } from "../../host/errors.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";

const folder = mkdtempSync(join(tmpdir(), "weft-check-"));

function fileOf(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

function check(...argv: string[]): { status: number; text: string } {
  let text = "";
  const status = nodeCheck(argv, { out: (more) => void (text += more), error: () => assert.unreachable() });
  return { status, text };
}

const table = { name: "flows", at: 0, rows: 2, size: 48, used: 0, columns: [{ name: "source", at: 4, type: "ipv4" }] };
const declared = manifestOf({ counters: ["denied", "lost"], state: 112, stateVersion: 2, stateAccepts: [1], tables: [table] });
const good = fileOf("good.wasm", assemble(nodeText(""), declared));
const grows = nodeText("(drop (memory.grow (i32.const 1)))", '(import "env" "abort" (func))');
const bad = fileOf("bad.wasm", assemble(grows, manifestOf(), true));

test("a module that the router takes", () => {
  const { status, text } = check(good);
  assert.is(status, 0);
  assert.is(text, `${good}: keeps the contract

size         341 bytes, 1 function
sections     type, import, function, export, code, weft
imports      env.memory
memory       declared as 1 to any number of pages; loaded as shared, of the router's size
static data  none

node null
  process   run
  next      0 error-drop, 1 continue
  counters  denied, lost
  state     112 bytes, version 2, goes on with 1
  tables    flows (2 rows of 48 bytes)
`);
});

test("one that it does not take: each finding with its offset, its function and how to mend it", () => {
  const { status, text } = check(bad);
  assert.is(status, 1);
  assert.is(text.split("\n")[0], `${bad}: refused, 2 findings`);
  assert.equal(text.split("\n").slice(-4), [
    "Offset  Function  Finding                     Mend",
    "0x45    1 run     memory.grow, an allocation  nodes allocate nothing: what they keep belongs into their state",
    '0x25              an import "env.abort"       build with --use abort=',
    "",
  ]);
});

test("as JSON", () => {
  const { status, text } = check(bad, "--json");
  const { ok, findings, nodes } = JSON.parse(text) as { ok: boolean; findings: { at: number }[]; nodes: { name: string }[] };
  assert.equal([status, ok, findings.map(({ at }) => at), nodes[0]!.name], [1, false, [0x45, 0x25], "null"]);
  assert.is((JSON.parse(check("--json", good).text) as { ok: boolean }).ok, true);
});

test("garbage, and what is no file", () => {
  const { status, text } = check(fileOf("garbage.wasm", Uint8Array.from(Buffer.from("(module)"))));
  assert.is(status, 1);
  assert.match(text, /refused, 1 finding\n/);
  assert.match(text, /^0x0 .*it does not begin with \\0asm$/m);
  const refused = (code: string, words: string, ...argv: string[]): void => {
    assert.throws(() => check(...argv), (error: Error) => error instanceof WeftError && error.code === code && error.message.includes(words));
  };
  refused("NOT_FOUND", "no such file", join(folder, "lost.wasm"));
  refused("BAD_MODULE", "not a file", folder);
  refused("BAD_MODULE", "not a file", "/dev/zero");
  refused("BAD_MODULE", "at most 1048576", fileOf("long.wasm", new Uint8Array(2 ** 20 + 1)));
  refused("BAD_COMMAND", "which file?");
  refused("BAD_COMMAND", "one file at a time", good, bad);
  refused("BAD_COMMAND", 'did you mean "--json"', good, "--jsn");
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
