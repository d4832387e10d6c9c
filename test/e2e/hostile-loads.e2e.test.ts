// Files that are refused, each by the name of what is wrong with it, and those that are not what they seem: see hostile-lab.ts.

import { writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MODULE_SIZE, MODULES, NODE_CONFIG, WORKERS } from "../../assembly/abi.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";
import { HostileLab } from "./hostile-lab.js";
import { moduleOf, pass } from "./hostile-modules.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const lab = await HostileLab.create();

const REFUSED: [name: string, file: () => string, message: RegExp][] = [
  ["memory.grow", () => text("(drop (memory.grow (i32.const 1)))"), /memory\.grow, an allocation/],
  ["bulk memory", () => text("(memory.fill (i32.const 0) (i32.const 0) (i32.const 1))"), /memory\.fill, a bulk memory instruction/],
  ["an atomic", () => text("(drop (i32.atomic.load (i32.const 8)))"), /i32\.atomic\.load, an atomic instruction/],
  ["a tail call", () => text("(return_call $run (local.get 0) (local.get 1) (local.get 2))"), /return_call, a tail call/],
  ["a memory of its own", () => text("", "(memory 1)"), /a memory of its own/],
  ["a start function", () => text("", "(func $init) (start $init)"), /a start function/],
  ["an import of a system", () => text("", '(import "wasi_snapshot_preview1" "fd_write" (func))'), /an import "wasi_snapshot_preview1\.fd_write"/],
  ["data in the tables", () => text("", '(data (i32.const 65536) "a")'), /data segment 0.*outside the modules' regions/],
  ["data in weft's own region", () => text("", data(0)), /region 0, which is weft's own/],
  ["data in two regions", () => text("", data(1) + data(2)), /another one is in region 1/],
  ["no manifest", () => lab.file(assemble(nodeText(""))), /no custom section "weft"/],
  ["a manifest of another contract", () => text("", "", { contract: 2, nodes: [] }), /written for contract 2, this weft knows 1/],
  ["a field that is none", () => text("", "", manifestOf({ counter: [] })), /unknown field "counter": did you mean "counters"\?/],
  ["a function that is not there", () => text("", "", manifestOf({ process: "rum" })), /no exported function "rum"/],
  ["a next node that is not there", () => text("", "", manifestOf({ next: ["error-drop", "ip4-lokup"] })), /"ip4-lokup" is not in the graph/],
  ["more state than there is room", () => text("", "", manifestOf({ state: 0x1000000 })), /state/],
  ["an element segment beyond its table", () => text("", "(table 1 funcref) (elem (i32.const 5) $run)"), /node bad: .*(table|element)/i],
  ["a configuration that it refuses", () => configured("(i32.const 7)"), /node bad: it refuses its configuration: 7/],
  ["a function to configure that traps", () => configured("(unreachable)"), /node bad: unreachable/],
  ["a function to configure that never returns", () => configured("(loop $l (br $l)) (i32.const 0)"), /its function to configure never returns/],
  ["a function to configure that writes over the graph", () => configured(`(i32.store (i32.const ${WORKERS}) (i32.const 99)) (i32.const 0)`),
    /node bad: it wrote over what is the graph's own/],
  ["a truncated file", () => lab.file(moduleOf({ body: pass() }).subarray(0, 200)), /cannot be read|not valid|no custom section/],
  ["an empty file", () => lab.file(new Uint8Array()), /cannot be read: it does not begin with/],
  ["a host node that throws when it is read", () => lab.file("throw new Error('oh');", "mjs"), /oh/],
  ["a host node without a function", () => lab.file("export const nodes = [{ name: 'a', next: [] }];", "mjs"), /it must export "nodes"/],
];

function data(region: number): string {
  return `(data (i32.const ${MODULES + region * MODULE_SIZE}) "a")`;
}

function text(body: string, more = "", manifest: unknown = manifestOf()): string {
  return lab.file(assemble(nodeText(body, more), manifest));
}

function configured(body: string): string {
  return text("", `(func (export "set") (param i32) (result i32) ${body})`, manifestOf({ configure: "set" }));
}

/** What an operation throws. */
async function refusal(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was thrown";
}

test("refused, each by its name, while packets flow", async () => {
  const memory = lab.router.memory();
  await lab.beside(async () => {
    for (const [name, file, message] of REFUSED) assert.match(await refusal(() => lab.router.loadNode(file(), "bad")), message, name);
  });
  assert.equal([lab.router.customNodes(), lab.router.memory()], [[], memory]);
  await lab.answered(3);
  await lab.whole();
});

test("names that are taken or none, and files that are not there", async () => {
  const good = lab.file(moduleOf({ body: pass() }));
  assert.match(await refusal(() => lab.router.loadNode(good, "ip4-lookup")), /there is a node "ip4-lookup" already/);
  for (const name of ["", "A", "a b", "../x", "a".repeat(49)]) {
    assert.match(await refusal(() => lab.router.loadNode(good, name)), /is no name for a node/);
  }
  assert.match(await refusal(() => lab.router.loadNode("/gone.wasm", "bad")), /gone\.wasm/);
  await lab.router.loadNode(good, "bad");
  assert.match(await refusal(() => lab.router.loadNode(good, "bad")), /there is a node "bad" already/);
  await lab.router.unloadNode("bad");
});

test("a configuration that is refused, traps or hangs when it is changed: the node goes on with its old one", async () => {
  const config = { type: "object", properties: { way: { type: "integer", default: 1 } } };
  const more = `(func (export "set") (param $node i32) (result i32) (local $way i32)
    (local.set $way (i32.load (i32.load offset=${NODE_CONFIG} (local.get $node))))
    (if (i32.eq (local.get $way) (i32.const 2)) (then (unreachable))) (if (i32.eq (local.get $way) (i32.const 3)) (then (loop $l (br $l))))
    (i32.shr_u (local.get $way) (i32.const 2)))`;
  const body = `(call $pass (local.get $frame) (local.get $n) (i32.load (i32.load offset=${NODE_CONFIG} (local.get $node))))`;
  const memory = lab.router.memory();
  await lab.router.loadNode(lab.file(moduleOf({ body, more, fields: { config, configure: "set" } })), "bad");
  await lab.router.insertNode("bad", HostileLab.place);
  await lab.beside(async () => {
    for (const [way, message] of [[4, /refuses its configuration: 1/], [2, /unreachable/], [3, /never returns/]] as const) {
      assert.match(await refusal(() => lab.router.configureNode("bad", { way })), message);
      assert.equal(lab.bad.config, { way: 1 }, "the old one");
      await lab.answered();
    }
    await lab.router.configureNode("bad", { way: 0 });
    assert.is(await lab.knock(), 0, "the new one");
  });
  await lab.router.unloadNode("bad");
  assert.equal(lab.router.memory(), memory);
  await lab.whole();
});

test("a module that declares more memory than there is, and one whose file changes under it", async () => {
  const huge = lab.file(moduleOf({ body: pass(), pages: 65536 }));
  await lab.router.loadNode(huge, "bad");
  writeFileSync(huge, moduleOf({ body: pass(0) }));
  await lab.router.insertNode("bad", HostileLab.place);
  await lab.answered(); // as it was when it was loaded
  await lab.router.restartNode("bad");
  await lab.answered();
  await lab.router.loadNode(huge, "other");
  await lab.router.insertNode("other", { after: "bad" });
  assert.is(await lab.knock(), 0, "as it is now");
  for (const name of ["other", "bad"]) await lab.router.unloadNode(name);
  await lab.whole();
});

test.after(() => lab.close());
test.run();
