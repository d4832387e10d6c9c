// What a capture of drops has of each packet that ends in the graph: its bytes as a frame, and the reason that was counted for it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addon } from "../../host/addon.js";
import { workerAt } from "../../host/memory/memory.js";
import { type CapturedBlock, readPcapng } from "../pcapng.js";
import { counting, moduleOf } from "./custom-modules.js";
import { ethernet, fromHex, ip4, toHex, udp } from "./packets.js";
import { BAD_SUM, ECHO, FORWARDED, inline, NO_ROUTE, rest, router, send, TO_LEFT, UNKNOWN } from "./trace-bed.js";

// This thread is the worker too, as far as the shim can tell.
const { memory, layout } = inline.packets;
addon.attachWorker(new Uint8Array(memory.buffer), workerAt(0), layout.pool, layout.poolEnd);
const folder = mkdtempSync(join(tmpdir(), "weft-drops-"));
const file = join(folder, "drops.pcapng");

/** The packets that are dropped meanwhile. */
async function dropped(action: () => unknown): Promise<CapturedBlock[]> {
  await router.startPcapTrace({ file, drop: true });
  try {
    await action();
  } finally {
    await router.stopPcapTrace();
  }
  return readPcapng(file);
}

/** Runs a test; at its end as many packets were captured as were dropped. */
function check(name: string, comments: string[], action: () => unknown, also: (packets: CapturedBlock[]) => void = () => {}): void {
  test(name, async () => {
    const before = router.balance().dropped;
    const packets = await dropped(action);
    assert.equal(packets.map(({ comment }) => comment).sort(), comments);
    assert.is(packets.length, router.balance().dropped - before);
    also(packets);
    for (const { name: node } of router.customNodes()) await router.unloadNode(node);
    rest();
    assert.equal([router.balance().difference, router.buffers().free], [0, router.buffers().total]);
  });
}

const frame = (hex: string): string => toHex(fromHex(hex));
const bytes = ({ data }: CapturedBlock): string => data.toString("hex");

const SUM = "ip4-input: bad header checksum";

check("each with its own reason, out of one vector, and what is not dropped is not there",
  ["ethernet-input: destination not this interface", "ethernet-input: frame too short", SUM, SUM],
  () => send(FORWARDED, BAD_SUM, "02fe00000009 020000000002 0800 4500", NO_ROUTE, BAD_SUM, ECHO, "02fe0000"),
  (packets) => {
    assert.ok(packets.every(({ interface: name, direction }) => name === "host-left" && direction === 0));
    const bad = packets.filter(({ comment }) => comment === SUM).map(bytes);
    assert.equal(bad, [frame(BAD_SUM), frame(BAD_SUM)], "with the header they came with");
  });

check("a chain whole", [SUM], () => {
  const long = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 17, payload: udp(1, 2, Array.from({ length: 5000 }, (_, i) => i & 255)) });
  long[10]! ^= 1;
  send(toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, long)));
}, ([packet]) => {
  assert.is(packet!.data.length, 5042);
  assert.is(packet!.original, 5042);
  assert.equal([...packet!.data.subarray(42)].map((byte, i) => byte - (i & 255)).filter(Boolean), []);
});

check("too many wait for a neighbour: the oldest, under the reason that was counted for the newest",
  ["ip4-glean: too many packets wait for this neighbour", "ip4-glean: too many packets wait for this neighbour"],
  () => send(...Array.from({ length: 103 }, () => UNKNOWN)));

const node = (functions: string, name: string, next = ["error-drop", "continue"]): Promise<unknown> =>
  router.loadNode(moduleOf(functions, { name, next }), name).then(() => router.insertNode(name, { after: "ip4-input" }));

check("a custom node that drops, with the name it is loaded under", ["mine: marked", "mine: marked"], async () => {
  await router.loadNode(moduleOf(counting("drops", 0), { name: "drops" }), "mine");
  await router.insertNode("mine", { after: "ip4-input" });
  send(FORWARDED, FORWARDED);
});

check("a next slot that does not exist", ["lost: next slot that does not exist"], async () => {
  await node(counting("lost", 9), "lost");
  send(FORWARDED);
});

check("a trap takes its frame along; while the node waits packets are passed over",
  ["bad: frame lost to a trap", "bad: frame lost to a trap", "bad: passed over: the node is not running"], async () => {
    await node('(func (export "bad") (param i32 i32 i32) unreachable)', "bad");
    await router.setNodePolicy("bad", { limit: 1 });
    send(FORWARDED, FORWARDED);
    send(FORWARDED);
  });

check("a header left inconsistent: whose doing it is", ["liar: header left inconsistent"], async () => {
  await node(`(func (export "liar") (param $node i32) (param $frame i32) (param $n i32) (i32.store16 offset=1024 (local.get $frame) (i32.const 1))
    (i32.store16 offset=2 (i32.shl (i32.load (local.get $frame)) (i32.const 6)) (i32.const -1)))`, "liar");
  send(FORWARDED);
});

check("round in circles", ["graph: went round in circles"], async () => {
  await node(counting("loop", 2), "loop", ["error-drop", "continue", "ip4-input"]);
  send(FORWARDED);
});

const FRAGMENTS = [
  `${TO_LEFT} 45000024 00052000 4001 d6d0 c0000202 c0000201 0800 bfb7 0007 0001 0001020304050607`,
  `${TO_LEFT} 4500001c 00050002 4001 f6d6 c0000202 c0000201 08090a0b0c0d0e0f`,
];
for (const [first, last] of [[0, 1], [1, 0]] as const) {
  check(`fragments to the router, ${first} before ${last}: what was joined and what came twice, not what waits or goes on`,
    ["ip4-reassembly: joined to its packet", "ip4-reassembly: repeats what is there"],
    () => send(FRAGMENTS[first]!, FRAGMENTS[first]!, FRAGMENTS[last]!),
    (packets) => {
      const seen = packets.map(bytes).sort();
      assert.equal(seen, [frame(FRAGMENTS[first]!), frame(FRAGMENTS[1]!)].sort());
    });
}

check("a packet that is cut into fragments", [], () => {
  const long = ip4({ from: "192.0.2.2", to: "203.0.113.9", protocol: 17, payload: udp(1, 2, Array<number>(3000).fill(7)) });
  send(...Array<string>(2).fill(toHex(ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, long))));
});

test("a ring that is full: what it missed is counted, and the file is whole", async () => {
  const long = toHex(ethernet("02:fe:00:00:00:09", "02:00:00:00:00:02", 0x0800, Array<number>(1486).fill(7))); // for somebody else
  const before = router.balance().dropped;
  await router.startPcapTrace({ file, drop: true });
  for (let n = 0; n < 120; n++) inline.send(0, Array.from({ length: 100 }, () => fromHex(long))); // this thread does not get to empty it
  const { dropped: captured, missed } = await router.stopPcapTrace();
  assert.is(captured + missed, router.balance().dropped - before);
  assert.ok(missed > 0 && captured > 10_000, `${captured} captured, ${missed} missed`);
  const packets = readPcapng(file);
  assert.is(packets.length, captured);
  assert.ok(packets.every(({ data }) => data.length === 1500));
});

test.after(async () => {
  await router.stop();
  rmSync(folder, { recursive: true });
});
test.run();
