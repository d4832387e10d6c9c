// A whole router whose memory is written over: by a node that others' packets come past, and before a new worker takes it over.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  B_DATA, B_STATE, BUFFER_HELD, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_USED, FRAME_NEXT, GRAPH_HELD, GRAPH_PENDING, WORKERS,
} from "../../assembly/abi.js";
import { Engine, STUCK } from "../../host/graph/engine.js";
import { Glean } from "../../host/graph/glean.js";
import type { FromEngine } from "../../host/graph/messages.js";
import { compileModule } from "../../host/graph/module.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";
import { InlineRouter, LEFT_MAC } from "./inline.js";
import { arp, ethernet, ip4, udp } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
const { u16, u32 } = inline.packets;
const engine = inline["engine"];
const folder = mkdtempSync(join(tmpdir(), "weft-untrusted-"));
const LEFT = 0;
const RIGHT = 1;
const MAC = "02:00:00:00:00:03";
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-right", "198.51.100.9", "02:00:00:00:00:09");

const packet = (to: string, tag = 0): Uint8Array =>
  ethernet(LEFT_MAC, "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to, protocol: 17, payload: udp(tag, 9, []) }));
const known = packet("198.51.100.9");
/** UDP source ports of what was sent to the right. */
const tags = (): number[] => inline.sent(RIGHT).filter((frame) => frame[12] === 8 && frame[13] === 0).map((frame) => (frame[34]! << 8) | frame[35]!);
const answer = (address: string): void => {
  const right = router.interfaces().find(({ name }) => name === "host-right")!.mac;
  inline.send(RIGHT, [ethernet(right, MAC, 0x0806, arp(2, { mac: MAC, ip: address }, { mac: right, ip: "198.51.100.1" }))]);
};
const held = (): number[] => {
  const { pool, poolEnd } = inline.packets.layout;
  const found: number[] = [];
  for (let buffer = pool; buffer < poolEnd; buffer += BUFFER_SIZE) if (u16[(buffer + B_STATE) >> 1] === BUFFER_HELD) found.push(buffer);
  return found;
};

/** A test after which every packet has come to its end. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    router.clearNeighbors();
    inline.settle();
    for (const port of [LEFT, RIGHT]) inline.sent(port);
    const { difference, held: kept } = router.balance();
    assert.equal([difference, kept, router.buffers().free], [0, 0, router.buffers().total]);
    inline.traps.length = 0;
  });
}

/** What a new worker's ip4-glean finds of what the old one held. */
function recover(): { index: number; address: number }[] {
  const wanted: { index: number; address: number }[] = [];
  const emit = (message: FromEngine): void => void (message.type === "wanted" && wanted.push({ index: message.index, address: message.address }));
  const index = (name: string): number => router["registry"].find(name).index;
  const targets = { lookup: index("ip4-lookup"), icmpError: index("ip4-icmp-error"), drop: index("error-drop") };
  const fresh = new Glean(engine.graph, targets, emit);
  fresh.recover(held());
  fresh.flush();
  (engine as unknown as { glean: Glean }).glean = fresh;
  const spec = [...engine.graph.specs.values()].find(({ name }) => name === "ip4-glean")!;
  engine.graph.add(spec, fresh.process);
  return wanted;
}

check("held packets outlive their worker: asked for anew, sent in their order", () => {
  inline.send(LEFT, Array.from({ length: 9 }, () => known)); // now the free list gives buffers from the last to the first
  inline.sent(RIGHT);
  inline.send(LEFT, [packet("198.51.100.2", 1), packet("198.51.100.3", 50), packet("198.51.100.2", 2)]);
  inline.send(LEFT, [packet("198.51.100.2", 3)]);
  assert.is(router.balance().held, 4);
  assert.equal(recover().map(({ address }) => address), [0x026433c6, 0x036433c6]);
  inline.sent(RIGHT);
  inline.send(LEFT, [packet("198.51.100.2", 4)]);
  assert.equal(recover().map(({ address }) => address), [0x026433c6, 0x036433c6], "a second worker's end");
  answer("198.51.100.2");
  assert.equal(tags(), [1, 2, 3, 4]);
  assert.is(router.balance().held, 1);
  answer("198.51.100.3");
  assert.equal(tags(), [50]);
});

check("those among them that were written over are dropped: data behind the buffer", () => {
  inline.send(LEFT, [1, 2, 3, 4].map((tag) => packet("198.51.100.2", tag)));
  const [first, second] = held();
  u16[(first! + B_DATA) >> 1] = 2240;
  u16[(second! + B_DATA) >> 1] = 0xffff;
  assert.is(recover().length, 1);
  assert.is(router.balance().held, 2);
  answer("198.51.100.2");
  assert.is(tags().length, 2);
});

check("a held packet of several buffers stays whole when the graph is put in order; what is lost is found", () => {
  const payload = Array<number>(5000).fill(7);
  inline.send(LEFT, [ethernet(LEFT_MAC, "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to: "198.51.100.2", protocol: 50, payload }))]);
  const { engine } = inline as unknown as { engine: Engine };
  assert.equal([router.balance().held, router.buffers().total - router.buffers().free, engine["mending"].whole()], [1, 3, true]);
  engine.graph.allocate(); // in no frame
  assert.is(engine["mending"].whole(), false);
  engine["mend"]();
  assert.equal([router.balance().held, router.buffers().total - router.buffers().free, engine["mending"].whole()], [1, 3, true]);
  inline.sent(RIGHT);
  answer("198.51.100.2");
  const sent = inline.sent(RIGHT).filter((frame) => frame[13] === 0);
  assert.is(sent.reduce((sum, frame) => sum + frame.subarray(34).filter((byte) => byte === 7).length, 0), 5000);
  assert.is(engine["mending"].whole(), true);
});

let files = 0;
/** Loads a node that writes there while packets for ip4-glean wait behind it, and lets such a burst come. */
async function scribbler(body: string): Promise<void> {
  const file = join(folder, `${files++}.wasm`);
  const pass = `(loop $next (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (i32.store16 offset=${FRAME_NEXT} (i32.add (local.get $frame) (i32.shl (local.get $n) (i32.const 1))) (i32.const 1))
    (br_if $next (local.get $n)))`;
  writeFileSync(file, assemble(nodeText(body + pass), manifestOf()));
  await router.loadNode(file, "bad");
  await router.insertNode("bad", { before: "ip4-rewrite" });
  inline.send(LEFT, [known, packet("198.51.100.2", 7), packet("198.51.100.2", 8)]);
  await router.unloadNode("bad");
}

/** Address of the frame in which packets wait for ip4-glean. */
const frame = `(i32.load (i32.const ${WORKERS + GRAPH_PENDING + 8 * router["registry"].find("ip4-glean").index}))`;
const waits = `(i32.shl (i32.load ${frame}) (i32.const ${BUFFER_SHIFT}))`;

check("indices in the frame of a host node: it never looks at them", async () => {
  for (const index of [0, 1, 0xffffffff]) {
    await scribbler(`(i32.store ${frame} (i32.const ${index}))`);
    assert.equal([inline.traps.length, tags()], [1, [0]]);
    assert.match(inline.traps.pop()!, /ip4-glean: its packets were written over/);
    assert.equal([router.balance().difference, router.buffers().free, router.balance().held], [0, router.buffers().total, 0]);
  }
});

check("the header of a packet that a host node has next", async () => {
  await scribbler(`(i32.store offset=${B_DATA} ${waits} (i32.const -1))`);
  assert.match(inline.traps.pop()!, /ip4-glean/);
});

check("others' packets twice: each of them is freed once", async () => {
  await scribbler(`(i32.store offset=4 ${frame} (i32.load ${frame}))`);
  assert.ok(router.balance().held <= 2);
  answer("198.51.100.2");
});

check("packets that nobody held are held, as it seems", async () => {
  await scribbler(`(i32.store16 offset=${B_STATE} ${waits} (i32.const ${BUFFER_HELD}))`);
  assert.is(u32[(WORKERS + GRAPH_HELD) >> 2], router.balance().held);
});

check("the states of all buffers: as they were when the node is gone", async () => {
  const { pool, poolEnd } = inline.packets.layout;
  await scribbler(`(local $at i32) (local.set $at (i32.const ${pool}))
    (loop $each (i32.store16 offset=${B_STATE} (local.get $at) (i32.const ${BUFFER_USED}))
    (local.set $at (i32.add (local.get $at) (i32.const ${BUFFER_SIZE}))) (br_if $each (i32.lt_u (local.get $at) (i32.const ${poolEnd}))))`);
  for (let buffer = pool; buffer < poolEnd; buffer += BUFFER_SIZE) assert.is.not(u16[(buffer + B_STATE) >> 1], BUFFER_USED);
  answer("198.51.100.2");
});

/** A new worker's engine over the same memory, with the ports that there are; the old one is given up. */
function replaceEngine(takeOver: number): Engine {
  const { memory, layout } = inline.packets;
  const build = (name: string): WebAssembly.Module => compileModule(fileURLToPath(new URL(`../../../build/${name}.wasm`, import.meta.url)));
  const fresh = new Engine({
    shared: { memory, layout }, worker: 0, clocks: false, fuse: true, isolate: false, graphModule: build("graph"), nodeModule: build("nodes"),
    nodes: router["registry"].list(), timeOrigin: performance.timeOrigin, customs: [], takeOver, pulse: router["workers"]["supervisors"][0]!["pulse"].buffer,
  }, (message) => inline["fromEngine"].push(message));
  for (const [i, port] of inline.ports.entries()) fresh.addPort(port, router["registry"].find(["host-left-tx", "host-right-tx"][i]!));
  inline["engine"] = fresh;
  return fresh;
}

/** Puts packets before a node, as if its worker had been given up before it ran. */
function leaveWaiting(name: string, count: number): void {
  const graph = inline["engine"].graph;
  const node = router["registry"].find(name);
  for (let i = 0; i < count; i++) graph["wasm"].enqueue(graph.base, node.index, graph.allocate());
}

check("what waited in the graph goes on in a new worker", () => {
  const before = router.balance().dropped;
  leaveWaiting("error-drop", 7);
  assert.is(router.balance().difference, 7);
  replaceEngine(-1);
  assert.equal([router.balance().difference, router.balance().dropped - before], [0, 7]);
  inline.send(LEFT, [known]);
  assert.is(tags().length, 1);
});

check("where the graph did not come to its end, it is emptied, and what is missing counts as dropped", () => {
  inline.send(LEFT, [packet("198.51.100.2", 1)]);
  const seen = (): number => router.runtime().workers[0]!.nodes.find(({ name }) => name === "ip4-lookup")!.vectors;
  const before = seen();
  leaveWaiting("ip4-lookup", 7);
  const graph = inline["engine"].graph;
  for (let i = 0; i < 3; i++) graph.allocate(); // in no frame
  replaceEngine(STUCK);
  assert.is(seen(), before);
  inline.send(LEFT, [known]);
  assert.equal([router.balance().difference, router.balance().held, router.buffers().free], [0, 1, router.buffers().total - 1]);
  inline.sent(RIGHT);
  answer("198.51.100.2");
  assert.equal(tags(), [1]);
});

check("frames that lead nowhere do not keep a new worker from starting", () => {
  leaveWaiting("ip4-lookup", 7);
  u32.fill(0, (WORKERS + GRAPH_PENDING) >> 2, (WORKERS + GRAPH_PENDING + 2048) >> 2);
  replaceEngine(-1);
  inline.send(LEFT, [known]);
  assert.is(tags().length, 1);
});

test.after(async () => {
  rmSync(folder, { recursive: true });
  await router.stop();
});
test.run();
