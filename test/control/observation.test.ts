// What there is to see of a router: its graph, threads, notices, and devices' counters since a clear.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { GraphNode } from "../../host/control/api.js";
import { grammar } from "../../host/cli/commands.js";
import { HardwareCounters } from "../../host/control/hardware-counters.js";
import { Log } from "../../host/control/logging.js";
import { threadInfo, threadOf } from "../../host/control/threads.js";
import { addon } from "../../host/addon.js";
import { RDMA0 } from "../cli/stub.js";
import { InlineRouter } from "../graph/inline.js";

const test = suite("observation");
const inline = await InlineRouter.startPair();
const { router } = inline;
test.after(() => router.stop());

function named(name: string): GraphNode {
  return router.graph().nodes.find((node) => node.name === name)!;
}

test("next and previous nodes tell of the same arcs", () => {
  const { nodes } = router.graph();
  const next = nodes.flatMap(({ name, next: slots }) => slots.flatMap(({ node }) => (node === null ? [] : [`${name} > ${node}`])));
  const previous = nodes.flatMap(({ name, previous: others }) => others.map((other) => `${other} > ${name}`));
  assert.equal([...new Set(next)].sort(), previous.sort());
  assert.ok(next.includes("ethernet-input > ip4-input"));
});

test("a port's node has a slot of interface-output", () => {
  assert.equal(named("host-left-tx").previous, ["interface-output"]);
  assert.ok(named("interface-output").next.some(({ name, node }) => name === "host-left-tx" && node === "host-left-tx"));
});

test("rates are of the time since the graph was last asked for, also after a clear", () => {
  const rate = (): number => router.graph().nodes.find(({ name }) => name === "ethernet-input")!.rate;
  rate();
  inline.send(0, [Buffer.from("ffffffffffff 020000000099 0806 0001 0800 06 04 0001 020000000099 c0000263 000000000000 c0000201".replaceAll(" ", ""), "hex")]);
  assert.ok(rate() > 0);
  assert.is(rate(), 0);
  router.clearRuntime();
  assert.is(rate(), 0);
});

test("a node in detail, and one that there is not", () => {
  const { name, custom, previous, errors } = router.node("ip4-lookup");
  assert.equal([name, custom, errors], ["ip4-lookup", null, []]);
  assert.ok(previous.includes("ip4-input"));
  assert.throws(() => router.node("ip4-lokup"), (error: Error) => error.message === 'no node "ip4-lokup" in the graph: did you mean "ip4-lookup"?');
});

test("dot takes the graph", async () => {
  let text = "";
  const { command, values } = grammar.parse("show vlib graphviz");
  await command.run({ control: router, out: (line) => (text += line), signal: new AbortController().signal }, values, false);
  const { status, stdout, stderr } = spawnSync("dot", ["-Tplain"], { input: text, encoding: "utf8" });
  assert.equal([status, stderr], [0, ""]);
  const drawn = stdout.split("\n").filter((line) => line.startsWith("node ")).length;
  assert.is(drawn, router.graph().nodes.length);
});

test("threads by the kernel's numbers", () => {
  const tid = threadOf(addon.threadClock())!;
  assert.ok(readdirSync("/proc/self/task").includes(String(tid)));
  const { cpu, cpus, sleeps } = threadInfo(0, "main", "main", tid);
  assert.ok(cpu! >= 0 && /^\d/.test(cpus!) && sleeps >= 0);
  assert.equal(threadInfo(1, "worker 0", "worker", 2 ** 22 + 1), { id: 1, name: "worker 0", type: "worker", tid: null, cpu: null, cpus: null, sleeps: 0 });
  assert.is(threadOf(-1), null);
});

test("the last 512 notices stay", () => {
  const told: string[] = [];
  const log = new Log((line) => told.push(line));
  for (let i = 0; i < 600; i++) log.notice("node", `notice ${i}`);
  assert.equal([told.length, log.list().length, log.list()[0]!.text, log.list().at(-1)!.text], [600, 512, "notice 88", "notice 599"]);
  assert.match(log.list()[0]!.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  log.clear();
  assert.equal(log.list(), []);
});

test("a notice is one line, and nothing in it speaks to a terminal", () => {
  const told: string[] = [];
  const log = new Log((line) => told.push(line));
  log.notice("node", "node acl: \x1b[2J\x9b1mow\u00e9n\r\nweft: ready");
  assert.equal([told, log.list()[0]!.text], [["node acl:  [2J 1mow\u00e9n weft: ready"], "node acl:  [2J 1mow\u00e9n weft: ready"]);
});

test("what a device counts begins anew with a clear, and with the device", () => {
  const counters = new HardwareCounters();
  const info = (packets: number) => ({ ...RDMA0.rdma!, counters: { rx_packets: packets }, rxQueues: [{ ...RDMA0.rdma!.rxQueues[0]!, packets }] });
  const shown = (packets: number): number[] => {
    const { counters: { rx_packets: count }, rxQueues } = counters.sinceClear(2, info(packets));
    return [count!, rxQueues[0]!.packets];
  };
  assert.equal(shown(12), [12, 12]);
  counters.clear(2, info(12));
  assert.equal([shown(12), shown(20), shown(3)], [[0, 0], [8, 8], [3, 3]]);
  counters.forget(2);
  assert.equal(shown(20), [20, 20]);
});

test.run();
