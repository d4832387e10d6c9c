// What the commands of custom nodes print and refuse; what they ask of the control plane is in commands.test.ts.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Control } from "../../host/control/api.js";
import { grammar } from "../../host/cli/commands.js";
import { ctl } from "../../host/cli/ctl.js";
import { demoNode } from "../../host/cli/demo-node.js";
import { ControlSocket } from "../../host/cli/socket.js";
import { WeftError } from "../../host/errors.js";
import { ACL, LOOKUP_INFO, METER, stub } from "./stub.js";

const test = suite("nodes");
const folder = mkdtempSync(join(tmpdir(), "weft test-")); // with a blank in it
const home = process.cwd();
test.before(() => process.chdir(folder));
test.after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

async function run(line: string, overrides: Partial<Control> = {}): Promise<{ calls: unknown[][]; out: string }> {
  const { control, calls } = stub(overrides);
  const printed: string[] = [];
  const { command, values, json } = grammar.parse(line);
  await command.run({ control, out: (text) => printed.push(text), signal: new AbortController().signal }, values, json);
  return { calls, out: printed.join("\n") };
}

async function failure(work: Promise<unknown>): Promise<WeftError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, WeftError);
  return error as WeftError;
}

test("show node NAME tells everything", async () => {
  const shown = await run("show node acl", { node: () => ({ ...LOOKUP_INFO, custom: ACL }) });
  assert.equal(shown.calls, [["node", "acl"]]);
  assert.is(shown.out, [
    "node ip4-lookup, index 1, wasm",
    "  calls 10, vectors 2560, clocks/packet 17.3, vectors/call 256.00, traps 0",
    "  next nodes:",
    "    Slot  Name         Leads to",
    "       0  error-drop   -",
    "       1  ip4-rewrite  acl",
    "       3  ip4-local    acl",
    "  previous nodes: ip4-input icmp4-input",
    "  errors:",
    "    Count  Reason",
    "        3  no route",
    "  custom node acl: running",
    "  place: after ip4-input on host-eth0, host-eth1",
    "  file: /srv/build/all.wasm, node packet-filter, wasm",
    "  next: 0 error-drop, 1 continue",
    "  traps: 0",
    "  policy when it traps: packets dropped (fail closed); starts anew after 100 ms; set aside after 10 traps",
    "  state: 1040 bytes, version 2",
    "  static data: region 3",
    '  config: {"rules":[{"action":"deny"}]}',
  ].join("\n"));
  const { out } = await run("show node flow-meter", { node: () => ({ ...LOOKUP_INFO, custom: METER }) });
  for (const text of [
    "flow-meter: set-aside (it never returned)\n", "place: none, it is loaded only\n", "static data: none\n",
    "packets sent to continue (fail open); goes on at once; set aside never\n",
  ]) assert.match(out, text);
  assert.equal(JSON.parse((await run("show node ip4-lookup --json")).out), LOOKUP_INFO);
  assert.match((await run("show node", { customNodes: () => [{ ...METER, place: { anchor: "before", node: "ip4-lookup", interfaces: null } }] })).out,
    "  before ip4-lookup  ");
});

test("show node counters NAME", async () => {
  assert.is((await run("show node counters acl")).out, "Node  Name    Kind     Value\nacl   denied  counter     12\nacl   rules   gauge        1");
  const { out } = await run("show node counters flow-meter --json", { nodeCounters: () => [] });
  assert.is(out, "[]");
});

test("show node table", async () => {
  const { calls, out } = await run("show node table flow-meter flows");
  assert.equal(calls, [["nodeTable", "flow-meter", "flows"]]);
  assert.is(out, "source     destination   packets  bytes\n192.0.2.2  198.51.100.2       12  17000\n192.0.2.3  198.51.100.2        1     64");
  assert.is(JSON.parse((await run("sh no ta flow-meter flows --json")).out).rows[1][2], 1);
});

test("an unknown node is named with the nearest one", async () => {
  const error = await failure(run("show node counters acll"));
  assert.equal([error.code, error.message], ["NOT_FOUND", 'no custom node "acll": did you mean "acl"?']);
  assert.is((await failure(run("show node counters acl", { customNodes: () => [], nodeCounters: () => [] }))).message, 'no custom node "acl": there are none');
});

test("a policy that says nothing", async () => {
  const { code, message } = await failure(run("node policy acl"));
  assert.equal([code, message], ["BAD_COMMAND", '"node policy acl" changes nothing: add fail, via, restart or limit, or see "show node acl"']);
});

test("config @FILE reads the file when the command runs, from this process' folder", async () => {
  const line = "node load build/acl.wasm as acl config @acl.json";
  assert.is((await failure(run(line))).message, "cannot read acl.json: ENOENT");
  writeFileSync("acl.json", '{\n"rules": [{"action": "deny"}]\n}\n');
  assert.equal((await run(line)).calls, [["loadNode", "build/acl.wasm", "acl", { rules: [{ action: "deny" }] }]]);
  assert.equal((await run("node config acl @acl.json")).calls, [["configureNode", "acl", { rules: [{ action: "deny" }] }]]);
});

/** Runs `weft ctl` in the test's folder against a router; gives what the router was asked. */
async function ask(...argv: string[]): Promise<{ status: number; error: string; calls: unknown[][] }> {
  const { control, calls } = stub();
  const path = join(folder, "weft.sock");
  const server = await ControlSocket.listen(control, path);
  let error = "";
  try {
    return { status: await ctl(["--socket", path, ...argv], { out: () => {}, error: (text) => { error += text; } }), error, calls };
  } finally {
    await server.close();
  }
}

test("weft ctl sends absolute paths, and what is in a file of JSON", async () => {
  writeFileSync("acl.json", '{\n"note": "a  b"\n}\n');
  const module = join(process.cwd(), "build/all.wasm:acl"); // with the blank of the folder's name
  const sent = await ask("node", "load", "build/all.wasm:acl", "as", "acl", "config", "@acl.json");
  assert.equal(sent.calls, [["loadNode", module, "acl", { note: "a  b" }]]);
  assert.equal((await ask("no rep acl w ../a.mjs")).calls, [["replaceNode", "acl", join(process.cwd(), "../a.mjs")]]);
  assert.equal((await ask("node load /srv/a.wasm as acl")).calls, [["loadNode", "/srv/a.wasm", "acl"]]);
  const [stream] = (await ask("packet-generator new name s1 interface pg0 pcap ../web.pcapng")).calls;
  assert.equal(stream, ["newPacketStream", { name: "s1", interface: "pg0", pcap: join(process.cwd(), "../web.pcapng") }]);
  const [capture] = (await ask("pcap trace rx file rx.pcapng")).calls;
  assert.equal(capture, ["startPcapTrace", { file: join(process.cwd(), "rx.pcapng"), rx: true, tx: false, drop: false }]);
});

test("weft ctl: what the shell made one argument stays one", async () => {
  const replaced = [["replaceNode", "acl", join(process.cwd(), "my nodes/a.wasm")]];
  assert.equal((await ask("node", "config", "acl", '{"rules": [{"a": "b  c"}]}')).calls, [["configureNode", "acl", { rules: [{ a: "b  c" }] }]]);
  assert.equal((await ask("node", "replace", "acl", "with", "my nodes/a.wasm")).calls, replaced);
  assert.equal((await ask('node replace acl with "my nodes/a.wasm"')).calls, replaced);
  assert.equal((await ask("show version")).calls, [["version"]]);
  assert.equal((await ask("set interface", "state host-eth0", "up")).calls, [["setInterfaceState", "host-eth0", true]]);
});

test("weft ctl: mistakes", async () => {
  const wrong = await ask("node", "config", "acl", "{rules: []}");
  assert.equal([wrong.status, wrong.error, wrong.calls],
    [2, 'weft: bad json in "node config acl", character 2: expected a name in double quotes or "}", not "r"\n', []]);
  assert.is((await failure(ask("node config acl @none.json"))).message, "cannot read none.json: ENOENT");
  writeFileSync("bad.json", "{\n  1: 2\n}");
  assert.is((await failure(ask("node config acl @bad.json"))).message, 'bad.json:2:3: expected a name in double quotes or "}", not "1"');
  assert.match((await ask("node lod a.wasm as acl")).error, 'unknown word "lod" in "node lod": did you mean "load"?');
});

test("the demo's node is called as in the file, or as the file", async () => {
  for (const file of ["hello.wasm", "My_Node-2.wasm", "3com.mjs", "table.wasm", "__.wasm"]) writeFileSync(file, "");
  for (const [text, name] of [
    ["hello.wasm", "hello"], ["./hello.wasm:acl", "acl"], ["My_Node-2.wasm", "my-node-2"], ["3com.mjs", "node-3com"],
    ["table.wasm", "node-table"], ["__.wasm", "node"],
  ] as const) assert.equal(demoNode(text), { file: join(process.cwd(), text), name });
  for (const [text, code, message] of [
    ["hello", "BAD_COMMAND", 'bad value "hello" of --node: expected a .wasm or .mjs file'],
    ["none.wasm:acl", "NOT_FOUND", "there is no file none.wasm"],
  ] as const) {
    const error = await failure((async () => demoNode(text))());
    assert.is(error.code, code);
    assert.match(error.message, message);
  }
});

test.run();
