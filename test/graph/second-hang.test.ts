// Two nodes that never return, or end their worker, and have packets at the same time: the new worker meets the second one while it takes up
// what the first has left. That one is set aside as well, and all else goes on.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Router } from "../../host/control/router.js";
import { scratch, until } from "../e2e/weft.js";

const folder = scratch();
const BAD: [before: string, destination: string][] = [["ip4-local", "192.0.2.1"], ["ip4-icmp-error", "203.0.113.1"]];

for (const [name, ends, cause] of [
  ["never returns", "for (;;);", /^it never returned$/], ["ends its worker", "process.exit(3);", /^the packet worker ended: exit code 3$/],
] as const) {
  test(`the second ${name}`, async () => {
    let failure: Error | undefined;
    const router = await Router.start({ buffers: 1024, failed: (error) => (failure = error) });
    await router.createPacketGenerator("pg0");
    router.setInterfaceState("pg0", true);
    router.addAddress("pg0", "192.0.2.1/24");
    for (const [i, [before, destination]] of BAD.entries()) {
      const [node, code] = [`bad-${i}`, i === 0 ? "for (;;);" : ends];
      const file = join(folder, `${name} ${node}.mjs`);
      writeFileSync(file, `export const nodes = [{ name: "${node}", next: ["error-drop", "continue"], packet: () => { ${code} } }];`);
      await router.loadNode(file, node);
      await router.insertNode(node, { before });
      await router.newPacketStream({ name: node, interface: "pg0", limit: 4, data: `UDP: 192.0.2.2 -> ${destination} UDP: 1 -> 9` });
    }
    router.enablePacketStream(); // both streams in one burst
    const states = (): string[] => router.customNodes().map(({ state }) => state);
    await until("both are set aside", () => failure !== undefined || states().every((state) => state === "set-aside"));
    assert.match(router.customNodes()[1]!.cause!, cause);

    await router.addTrace("pg-input", 1); // a request, which the last of the workers answers
    assert.is(failure, undefined);
    assert.is(router["workers"].states()[0]!.takeovers, 2);
    for (const { name: node } of router.customNodes()) await router.unloadNode(node);
    assert.equal([router.balance().difference, router.buffers().free], [0, router.buffers().total]);
    await router.stop();
  });
}

test.run();
