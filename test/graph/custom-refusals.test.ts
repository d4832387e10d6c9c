// What must not be done to custom nodes, and what fails half way: everything is as it was, and packets flow as before.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { MODULE_SIZE, MODULES } from "../../assembly/abi.js";
import type { WeftError } from "../../host/errors.js";
import { must } from "../../host/lab/command.js";
import { Bed } from "./custom-bed.js";
import { CONFIGURED, fileOf, marker, marking, moduleOf } from "./custom-modules.js";

const bed = await Bed.start();
const { router } = bed;
const [ONE, TWO] = [1, 2].map((mark) => marker(mark)) as [string, string];

bed.check("names that are taken, and next nodes that are not there", async () => {
  const two = moduleOf(marking("head", "(i32.const 1)") + marking("tail", "(i32.const 2)"), { name: "head" }, { name: "tail" });
  await router.loadNode(ONE, "one");
  await router.loadNode(TWO, "two-tail");
  await bed.refused("CONFLICT", '"one"', () => router.loadNode(TWO, "one"));
  await bed.refused("CONFLICT", '"ip4-lookup"', () => router.loadNode(TWO, "ip4-lookup"));
  await bed.refused("CONFLICT", '"two-tail"', () => router.loadNode(two, "two"));
  await router.loadNode(TWO, "two");
  await bed.refused("CONFLICT", '"two-tail"', () => router.replaceNode("two", two));
  for (const name of ["", "Two", "a b", "x".repeat(49), "a~"]) await bed.refused("BAD_ARGUMENT", "no name", () => router.loadNode(TWO, name));
  const lost = marker(1, { next: ["error-drop", "nowhere"] });
  await bed.refused("BAD_MODULE", '"nowhere" is not in the graph', () => router.loadNode(lost, "lost"));
  await bed.refused("BAD_MODULE", '"nowhere" is not in the graph', () => router.replaceNode("two", lost));
  await bed.refused("NOT_FOUND", "no such file", () => router.loadNode("/nowhere/at-all.wasm", "gone"));
  await bed.refused("BAD_MODULE", "", () => router.replaceNode("two", fileOf("no module")));
  const unknown = 'no custom node "who": there are one, two-tail, two';
  await bed.refused("NOT_FOUND", unknown, () => router.bypassNode("who"));
  await bed.refused("NOT_FOUND", unknown, () => router.unloadNode("who"));
  await bed.refused("NOT_FOUND", unknown, () => router.restartNode("who"));
  await bed.refused("NOT_FOUND", unknown, () => router.configureNode("who", {}));
});

bed.check("places that there are not", async () => {
  await router.loadNode(ONE, "one");
  await router.loadNode(TWO, "two");
  await router.loadNode(marker(3, { next: ["error-drop", "ip4-lookup"] }), "end");
  await bed.refused("BAD_ARGUMENT", "give the node", () => router.insertNode("one", {}));
  await bed.refused("BAD_ARGUMENT", "give the node", () => router.insertNode("one", { after: "ip4-input", before: "ip4-lookup" }));
  await bed.refused("NOT_FOUND", '"ip5-input"', () => router.insertNode("one", { after: "ip5-input" }));
  await bed.refused("BAD_ARGUMENT", "itself", () => router.insertNode("one", { after: "one" }));
  await bed.refused("BAD_ARGUMENT", "stands nowhere", () => router.insertNode("one", { before: "two" }));
  for (const name of ["af-packet-input", "host-left-tx"]) await bed.refused("BAD_ARGUMENT", "port", () => router.insertNode("one", { before: name }));
  for (const after of ["error-drop", "interface-output", "punt"]) {
    await bed.refused("BAD_ARGUMENT", "no one way on", () => router.insertNode("one", { after }));
  }
  await bed.refused("BAD_ARGUMENT", '"continue"', () => router.insertNode("end", { after: "ip4-input" }));
  await bed.refused("NOT_FOUND", "host-up", () => router.insertNode("one", { after: "ip4-input", interface: "host-up" }));
  await bed.refused("NOT_FOUND", "stands nowhere", () => router.bypassNode("one"));
  await router.insertNode("one", { after: "ip4-input", interface: "host-left" });
  for (const anchor of ["after", "before"]) await bed.refused("BAD_ARGUMENT", "gate", () => router.insertNode("two", { [anchor]: "one-gate" }));
  await bed.refused("CONFLICT", "bypass it first", () => router.insertNode("one", { after: "ip4-lookup", interface: "host-left" }));
  await bed.refused("CONFLICT", "bypass it first", () => router.insertNode("one", { after: "ip4-input" }));
  await bed.refused("BAD_ARGUMENT", '"continue"', () => router.replaceNode("one", marker(3, { next: ["error-drop", "ip4-lookup"] })));
});

/** A node whose function to configure gives what its configuration says; 0 is fine. */
function judging(trap = ""): string {
  const configure = `(func (export "configure") (param $node i32) (result i32)
    (i32.store offset=576 (local.get $node) (i32.const 1)) ${trap} (i32.load offset=4 (i32.load offset=48 (local.get $node))))`;
  const config = { type: "object", properties: { mark: { type: "integer" }, verdict: { type: "integer" } } };
  return moduleOf(marking("mark", CONFIGURED) + configure, { name: "mark", configure: "configure", state: 4, config });
}

bed.check("a configuration that is refused leaves the old one in force", async () => {
  await bed.refused("BAD_MODULE", /node j: .*refuses its configuration: 3/, () => router.loadNode(judging(), "j", { mark: 1, verdict: 3 }));
  await bed.refused("BAD_MODULE", /unreachable/, () => router.loadNode(judging("(unreachable)"), "j"));
  await router.loadNode(judging(), "j", { mark: 1 });
  await router.insertNode("j", { before: "ip4-lookup" });
  await bed.meanwhile([[1]], () => router.configureNode("j", { mark: 2, verdict: 5 }).then(() => assert.unreachable(), () => {}));
  await bed.refused("BAD_MODULE", /configuration: 5/, () => router.configureNode("j", { mark: 2, verdict: 5 }));
  assert.equal([bed.trails()[0], router.customNodes()[0]!.config], [[1], { mark: 1 }]);
  await bed.refused("BAD_ARGUMENT", 'config.mark', () => router.configureNode("j", { mark: "much" }));
  await bed.refused("BAD_ARGUMENT", 'much', () => router.configureNode("j", { much: 1 }));
  await bed.meanwhile([[1], [2]], () => router.configureNode("j", { mark: 2 }));
  assert.equal([bed.trails()[0], router.customNodes()[0]!.config], [[2], { mark: 2 }]);
  await bed.refused("BAD_MODULE", /configuration: 3/, () => router.replaceNode("j", judging(), { verdict: 3 }));
  assert.equal(bed.trails()[0], [2]);
  await bed.refused("BAD_MODULE", /unreachable/, () => router.replaceNode("j", judging("(unreachable)")));
  await router.loadNode(ONE, "one");
  await bed.refused("BAD_ARGUMENT", "takes no configuration", () => router.configureNode("one", { mark: 1 }));
});

/** A module with static data in a region of its own. */
function withData(region: number, mark: number): string {
  const at = MODULES + region * MODULE_SIZE;
  const data = `(data (i32.const ${at}) "\\${mark.toString(16).padStart(2, "0")}")`;
  return moduleOf(`${data} ${marking("mark", `(i32.load8_u (i32.const ${at}))`)}`, { name: "mark" });
}

bed.check("static data: a region is one file's, shared by its instances, and another build may take it over", async () => {
  const [five, six] = [withData(7, 5), withData(7, 6)];
  assert.is((await router.loadNode(five, "five")).region, 7);
  await router.insertNode("five", { before: "ip4-lookup" });
  await bed.refused("CONFLICT", "module region 7", () => router.loadNode(six, "six"));
  await bed.meanwhile([[5], [6]], () => router.replaceNode("five", six));
  assert.equal([bed.trails()[0], router.memory().regions], [[6], 1]);
  await bed.refused("CONFLICT", "module region 7", () => router.loadNode(five, "again"));
  await router.loadNode(six, "twin");
  await bed.refused("CONFLICT", "module region 7", () => router.replaceNode("five", five));
  await router.unloadNode("twin");
  const failing = moduleOf(`(data (i32.const ${MODULES + 7 * MODULE_SIZE}) "\\09") ${marking("mark", "(i32.const 9)")}
    (func (export "no") (param i32) (result i32) (i32.const 1))`, { name: "mark", configure: "no" });
  await bed.refused("BAD_MODULE", "configuration: 1", () => router.replaceNode("five", failing));
  assert.equal(bed.trails()[0], [6], "its data is back");
  await router.loadNode(six, "twin");
  await bed.refused("CONFLICT", "module region 7", () => router.loadNode(failing, "failing"));
});

/** A node that is configured with an interface. */
const NAMED = moduleOf(marking("mark", "(i32.const 1)"),
  { name: "mark", config: { type: "object", properties: { to: { type: "string", format: "interface" } }, required: ["to"] } });

bed.check("an interface that a node needs is not deleted", async () => {
  const remove = (): Promise<void> => router.deleteHostInterface("left");
  const refused = async (words: RegExp): Promise<void> => bed.refused("CONFLICT", words, remove);
  let early: Promise<string> | undefined;
  bed.between = ({ type }) => {
    if (type === "add-custom") early ??= remove().then(() => "deleted", (error: WeftError) => error.code);
  };
  await router.loadNode(NAMED, "named", { to: "host-left" });
  assert.is(await early, "CONFLICT", "it is only about to be loaded");
  await refused(/node named is configured with interface host-left/);
  await router.configureNode("named", { to: "host-right" });
  await router.insertNode("named", { after: "ip4-input", interface: "host-left" });
  await refused(/node bypass named on host-left/);
  await router.bypassNode("named", "host-left");
  await router.loadNode(marker(1, { next: ["error-drop", "host-left-tx"] }), "direct");
  await refused(/node direct leads to host-left-tx/);
});

bed.check("an interface that is being deleted is given to no node any more", async () => {
  await must(null, "ip", ["link", "add", "name", "extra", "type", "veth", "peer", "name", "other"]);
  await router.createHostInterface("extra");
  await router.loadNode(ONE, "one");
  await router.loadNode(NAMED, "named", { to: "host-left" });
  const asked: Promise<string>[] = [];
  bed.between = ({ type }) => {
    if (type !== "remove-port" || asked.length > 0) return;
    const changes = [router.insertNode("one", { after: "ip4-input", interface: "host-extra" }), router.configureNode("named", { to: "host-extra" })];
    asked.push(...changes.map((change) => change.then(() => "taken", (error: WeftError) => `${error.code} ${error.message}`)));
  };
  await router.deleteHostInterface("extra");
  const [first, second] = await Promise.all(asked);
  assert.is(first, "CONFLICT interface host-extra is being deleted");
  assert.match(second!, /host-extra/);
});

test.after(() => router.stop());
test.run();
