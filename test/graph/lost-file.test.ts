// A host node whose file is gone, is just being written or was changed when a new worker takes another one's place: it is set aside, all else goes on.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Router } from "../../host/control/router.js";
import { scratch, until } from "../e2e/weft.js";

const folder = scratch();
const file = (name: string): string => join(folder, `${name}.mjs`);
const write = (name: string, packet: string): void =>
  writeFileSync(file(name), `export const nodes = [{ name: "${name}", next: ["error-drop", "continue"], packet: () => { ${packet} } }];`);

test("files that cannot be read any more, or are not what they were", async () => {
  let failure: Error | undefined;
  const router = await Router.start({ buffers: 1024, failed: (error) => (failure = error) });
  await router.createPacketGenerator("pg0");
  router.setInterfaceState("pg0", true);
  router.addAddress("pg0", "192.0.2.1/24");
  for (const [name, packet] of [["gone", "return 1"], ["other", "return 1"], ["changed", "return 1"], ["stays", "return 1"], ["hangs", "for (;;);"]] as const) {
    write(name, packet);
    await router.loadNode(file(name), name);
    await router.insertNode(name, { before: "ip4-lookup", interface: "pg0" });
  }
  rmSync(file("gone"));
  writeFileSync(file("other"), "export const nodes = [];");
  write("changed", "return 0");
  writeFileSync(file("hangs"), "export const nodes = [{");
  await router.newPacketStream({ name: "s", interface: "pg0", limit: 4, data: "UDP: 192.0.2.2 -> 192.0.2.1 UDP: 1 -> 9" });
  router.enablePacketStream("s");
  const states = (): string[] => router.customNodes().map(({ state }) => state);
  await until("the new worker has told", () => failure !== undefined || states().filter((state) => state === "set-aside").length === 4);
  assert.is(failure, undefined);
  assert.equal(states(), ["set-aside", "set-aside", "set-aside", "running", "set-aside"]);
  const causes = router.customNodes().map(({ cause }) => cause ?? "none");
  const changed = (name: string): RegExp => new RegExp(`${name}.mjs is not what it was when it was loaded: "node replace" takes the new one$`);
  const expected = [/gone.mjs cannot be read by the worker: ENOENT$/, changed("other"), changed("changed"), /^none$/, /^it never returned$/];
  for (const [i, cause] of expected.entries()) assert.match(causes[i]!, cause);

  router.enablePacketStream("s");
  await until("packets go past them", () => router.runtime().workers[0]!.nodes.find(({ name }) => name === "stays")!.vectors === 4);
  await router.restartNode("gone").then(() => assert.unreachable(), (error: Error) => assert.match(error.message, "cannot be read"));
  write("gone", "return 1");
  await router.replaceNode("gone", file("gone"));
  await router.replaceNode("changed", file("changed"));
  assert.equal(states().slice(0, 3), ["running", "set-aside", "running"]);
  for (const name of ["gone", "other", "changed", "stays", "hangs"]) await router.unloadNode(name);
  await until("rest", () => router.buffers().free === router.buffers().total && router.balance().difference === 0);
  await router.stop();
});

test.run();
