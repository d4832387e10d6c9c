// Each example of the table of commands, tried on a router; and what show commands print with --json, compared with its types.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMMANDS, grammar } from "../../host/cli/commands.js";
import { examplesOf } from "../../host/cli/grammar.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { Shapes } from "../shapes.js";
import { DocumentedLab } from "./documented-lab.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

/** Output of show commands with --json that may be empty on a router where nothing is wrong. */
const MAY_BE_EMPTY: string[] = [];

const shapes = new Shapes();
const lab = await DocumentedLab.start();
test.after(async () => {
  shapes.close();
  await lab.close();
});

test("every command has an example", () => {
  assert.equal(COMMANDS.filter((command) => examplesOf(command).length === 0).map(({ pattern }) => pattern), []);
});

for (const command of COMMANDS) {
  for (const example of examplesOf(command)) {
    test(example, async () => {
      assert.is(grammar.parse(example).command, command, "it is an example of its own command");
      if (example === "show errors") await lab.traffic();
      const shown = await lab.try(example, command.json);
      if (!command.json) return;
      assert.equal(shapes.faults(command.pattern, shown.json), []);
      assert.ok(shown.text.trim() !== "", "something is shown");
      const empty = Array.isArray(shown.json) && shown.json.length === 0;
      assert.not(empty && !MAY_BE_EMPTY.includes(example), "its shape can be seen: see to it in documented-lab.ts");
    });
  }
}

test("what is not as its type says is found", () => {
  const version = { version: "0.1.0", contract: 1, node: "v20" };
  assert.equal(shapes.faults("show version", version), []);
  assert.equal(shapes.faults("show version", { ...version, more: 1 }), ["$.more is not documented"]);
  assert.equal(shapes.faults("show version", { version: "0.1.0", contract: "1" }), ["$.node is missing", '$.contract: "1" is no number']);
  assert.equal(shapes.faults("show errors", [{ count: 1, node: "a" }]), ["$[0].reason is missing"]);
  assert.equal(shapes.faults("show nothing", {}).length, 1);
});

test("the routes, interfaces and nodes are as they were", async () => {
  assert.equal((await lab.router.show<{ name: string }[]>("interface")).map(({ name }) => name), ["local0", "host-eth0"]);
  assert.equal((await lab.router.show<{ name: string }[]>("node")).map(({ name }) => name), ["filter"]);
});

test.run();
