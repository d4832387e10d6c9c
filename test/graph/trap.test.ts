// A node that traps, in each way that WebAssembly has, or throws: its frame is dropped and counted as
// one, no buffer is lost, and the graph goes on.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Process } from "../../host/graph/graph.js";
import { InlineRouter } from "./inline.js";
import { ethernet, icmp, ip4, udp } from "./packets.js";

const inline = await InlineRouter.startPair(false); // node by node: some are replaced
const { router } = inline;
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
const graph = inline["engine"].graph;
const nodes = graph["nodes"];

const frame = (to: string, protocol: number, payload: number[]): Uint8Array =>
  ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to, protocol, payload }));
const echo = frame("192.0.2.1", 1, icmp(8, 0, [0, 1, 0, 1]));
const through = frame("198.51.100.2", 17, udp(1, 2, []));

/** Puts another function in a node's place for the time of a test. */
function withProcess(name: string, process: Process, action: () => void): void {
  const node = nodes.find((one) => one?.name === name)!;
  const { process: original } = node;
  node.process = process;
  try {
    action();
  } finally {
    node.process = original;
  }
}

/** A module that imports the memory and exports process(node, frame, n) with this body. */
function assemble(body: number[]): Process {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
  const section = (id: number, content: number[]): number[] => [id, content.length, ...content];
  const bytes = [
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0]), // type 0: three i32, no result
    // Shared, 0 … 65536 pages. Below the least size V8 takes a constant address for safe, and a fault there ends the process.
    ...section(2, [1, ...text("env"), ...text("memory"), 2, 3, 0, 0x80, 0x80, 4]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text("process"), 0, 0]),
    ...section(10, [1, body.length + 2, 0, ...body, 0x0b]),
  ];
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), { env: { memory: inline.packets.memory } });
  return instance.exports.process as Process;
}

const [LOCAL_GET, CONST, CALL, DROP] = [0x20, 0x41, 0x10, 0x1a];
const TRAPS: Record<string, number[]> = {
  unreachable: [0x00],
  "a null pointer": [CONST, 0, 0x28, 2, 0, DROP], // i32.load
  "a write to the tables": [CONST, 0x80, 0x80, 4, CONST, 7, 0x36, 2, 0], // i32.store at 65536
  "an address beyond the memory": [CONST, 0x7f, 0x28, 2, 0, DROP],
  "division by zero": [CONST, 1, CONST, 0, 0x6d, DROP],
  "endless recursion": [LOCAL_GET, 0, LOCAL_GET, 1, LOCAL_GET, 2, CALL, 0],
};

function check(node: string, burst: Uint8Array[], lost: number, left: [number, number]): void {
  router.clearErrors();
  inline.traps.length = 0;
  const before = router.balance();
  inline.send(0, burst);
  const after = router.balance();
  assert.equal([inline.sent(0).length, inline.sent(1).length], left);
  assert.equal([after.dropped - before.dropped, after.difference, router.buffers().free], [lost, 0, router.buffers().total]);
  assert.equal(inline.traps.map((trap) => trap.split(":")[0]), [node]);
  assert.equal(router.errors().filter((error) => error.reason.includes("trap")), [{ count: 1, node, reason: "frame lost to a trap" }]);
  assert.is(router.runtime().workers[0]!.nodes.find((one) => one.name === node)!.traps, 1);
}

for (const [name, body] of Object.entries(TRAPS)) {
  test(`${name}: three packets lost with the frame, the other two go on`, () => {
    withProcess("ip4-local", assemble(body), () => check("ip4-local", [echo, through, echo, through, echo], 3, [0, 2]));
    inline.send(0, [echo]);
    assert.is(inline.sent(0).length, 1, "the node itself works again");
  });
}

test("the first node of all", () => {
  withProcess("ethernet-input", assemble(TRAPS.unreachable!), () => check("ethernet-input", [echo, through], 2, [0, 0]));
});

test("a host node that throws", () => {
  const reply = frame("192.0.2.1", 1, icmp(0, 0, [0, 1, 0, 1]));
  const fail = (): void => {
    throw new Error("no such luck");
  };
  withProcess("punt", fail, () => check("punt", [reply, through, reply], 2, [0, 1]));
  assert.equal(inline.traps, ["punt: no such luck"]);
});

test("what a node writes beyond its next slots' range is dropped and counted as its own", () => {
  router.clearErrors();
  withProcess("ip4-local", (_node, at, n) => {
    for (let i = 0; i < n; i++) graph.setNext(at, i, 99);
  }, () => inline.send(0, [echo, echo]));
  assert.equal(router.errors(), [{ count: 2, node: "ip4-local", reason: "next slot that does not exist" }]);
  assert.equal([router.balance().difference, router.buffers().free], [0, router.buffers().total]);
});

test.after(() => router.stop());
test.run();
