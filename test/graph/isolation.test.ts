// --isolate: what a node writes where it has no business is named, undone, and ends its frame.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GRAPH_READY_HEAD, MODULE_SIZE, MODULES, NODE_COUNTERS, NODE_STATE, WORKER_FREE_LIST, WORKER_INTERFACES } from "../../assembly/abi.js";
import { must } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { workerAt } from "../../host/memory/memory.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";
import { InlineRouter } from "./inline.js";
import { ethernet, ip4, udp } from "./packets.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
await must(null, "ip", ["link", "add", "name", "left", "type", "veth", "peer", "name", "right"]);
for (const name of ["left", "right"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);
const folder = mkdtempSync(join(tmpdir(), "weft-isolation-"));
const inline = await InlineRouter.start(["left", "right"], 4096, true);
const { router } = inline;
router.setInterfaceMac("host-left", "02:fe:00:00:00:01");
router.addAddress("host-left", "192.0.2.1/24");
router.addAddress("host-right", "198.51.100.1/24");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
inline.endAnnouncements();
const frame = ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to: "198.51.100.2", protocol: 17, payload: udp(1, 2, []) }));

/** Passes everything on, and keeps to what is its own. */
const HONEST = `(local $i i32) (loop $each (i32.store16 offset=1024 (i32.add (local.get $frame) (i32.shl (local.get $i) (i32.const 1))) (i32.const 1))
  (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
  (i64.store offset=${NODE_COUNTERS} (local.get $node) (i64.add (i64.load offset=${NODE_COUNTERS} (local.get $node)) (i64.const 1)))
  (i32.store offset=${NODE_STATE} (local.get $node) (i32.const 7))`;

async function load(name: string, body: string): Promise<void> {
  const file = join(folder, `${name}.wasm`);
  writeFileSync(file, assemble(nodeText(body), manifestOf({ name, counters: ["frames"], state: 64 })));
  await router.loadNode(file, name);
}

await load("victim", HONEST);
const graph = workerAt(0);
const victim = graph + router["registry"].find("victim").runtime;

/** A value that none of those bytes has by itself. */
const SCRIBBLE = 0xe7;
const BREACHES: [what: string, address: number][] = [
  ["the state of node victim, at byte 8", victim + NODE_STATE + 8],
  ["the counters of node victim, at byte 64", victim + NODE_COUNTERS],
  ["module region 3, at byte 5", MODULES + 3 * MODULE_SIZE + 5],
  ["the free list, at byte 0", graph + WORKER_FREE_LIST],
  ["the graph block, at byte 0", graph + GRAPH_READY_HEAD],
  ["the interface counters, at byte 256", graph + WORKER_INTERFACES + 256],
];

for (const [what, address] of BREACHES) {
  test(`a store into ${what}`, async () => {
    await load("scribbler", `${HONEST} (i32.store8 (i32.const ${address}) (i32.const ${SCRIBBLE}))`);
    await router.insertNode("scribbler", { before: "ip4-lookup" });
    inline.send(0, [frame]);
    assert.equal(inline.sent(1), [], "its frame is dropped");
    assert.is(router.customNodes().find(({ name }) => name === "scribbler")!.cause, `it wrote into ${what}`);
    assert.is.not(inline.packets.u8[address], SCRIBBLE, "undone");
    await router.unloadNode("scribbler");
    inline.send(0, [frame]);
    assert.is(inline.sent(1).length, 1);
    assert.is(router.balance().difference, 0);
    const { free, total } = router.buffers();
    assert.is(free, total);
  });
}

test("a node that keeps to its own is left in peace", async () => {
  await load("honest", HONEST);
  await router.insertNode("honest", { before: "ip4-lookup" });
  await router.insertNode("victim", { after: "honest" });
  inline.send(0, Array<Uint8Array>(300).fill(frame));
  assert.is(inline.sent(1).length, 300);
  assert.equal(router.customNodes().map(({ name, traps }) => [name, traps]), [["victim", 0], ["honest", 0]]);
});

test.after(async () => {
  rmSync(folder, { recursive: true });
  await router.stop();
});
test.run();
