// Custom nodes in a router: loaded, put into the packets' way, configured, replaced, taken away. The trails
// that they leave in packets say which of them each packet passed; packets go between any two steps.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bed } from "./custom-bed.js";
import { CONFIGURED, fileOf, keep, KEPT, MARK_CONFIG, marker, marking, moduleOf } from "./custom-modules.js";

const bed = await Bed.start();
const { router } = bed;
const CONFIGURABLE = moduleOf(marking("mark", CONFIGURED), { name: "mark", config: MARK_CONFIG });
const [ONE, TWO, THREE] = [1, 2, 3].map((mark) => marker(mark)) as [string, string, string];

bed.check("loaded, inserted, bypassed, inserted elsewhere, unloaded", async () => {
  const info = await router.loadNode(ONE, "one");
  assert.equal([info.name, info.declared, info.kind, info.place, info.state], ["one", "mark", "wasm", null, "running"]);
  assert.equal([info.file, info.next, info.config], [ONE, ["error-drop", "continue"], {}]);
  assert.equal(bed.trails(), [[], []]);
  await router.insertNode("one", { after: "ip4-lookup" });
  assert.equal(bed.trails(), [[1], [1]]);
  assert.equal(router.nodeCounters(), [{ node: "one", name: "marked", kind: "counter", value: 6 }]);
  assert.equal(router.customNodes()[0]!.place, { anchor: "after", node: "ip4-lookup", interfaces: null });
  await bed.meanwhile([[1], []], () => router.bypassNode("one"));
  assert.equal(bed.trails(), [[], []]);
  await router.insertNode("one", { before: "interface-output" });
  assert.equal(bed.trails(), [[1], [1]]);
  await bed.meanwhile([[1], []], () => router.unloadNode("one"));
  assert.equal(router.customNodes(), []);
});

bed.check("an order: before and after nodes of the graph, before and after each other", async () => {
  for (let mark = 1; mark <= 6; mark++) await router.loadNode(CONFIGURABLE, `n${mark}`, { mark });
  await router.insertNode("n1", { before: "ip4-lookup" });
  await router.insertNode("n2", { before: "ip4-lookup" });
  await router.insertNode("n3", { after: "ip4-input" });
  await router.insertNode("n4", { after: "ip4-input" });
  assert.equal(bed.trails()[0], [4, 3, 1, 2]);
  await router.insertNode("n5", { after: "n1" });
  await router.insertNode("n6", { before: "n4" });
  assert.equal(bed.trails(), [[6, 4, 3, 1, 5, 2], [6, 4, 3, 1, 5, 2]]);
  await router.bypassNode("n1");
  await router.bypassNode("n6");
  assert.equal(bed.trails()[0], [4, 3, 5, 2]);
  await router.insertNode("n1", { before: "ip4-rewrite" });
  assert.equal(bed.trails()[0], [4, 3, 5, 2, 1]);
});

bed.check("on an interface: the one that packets come from, or leave by; more of them; less", async () => {
  await router.loadNode(ONE, "one");
  await router.loadNode(TWO, "two");
  await router.insertNode("one", { before: "ip4-input", interface: "host-left" });
  await router.insertNode("two", { before: "interface-output", interface: "host-left" });
  assert.equal(bed.trails(), [[1], [2]]);
  await router.insertNode("one", { before: "ip4-input", interface: "host-right" });
  assert.equal(bed.trails(), [[1], [1, 2]]);
  assert.equal(router.customNodes()[0]!.place!.interfaces, ["host-left", "host-right"]);
  await router.bypassNode("one", "host-left");
  assert.equal(bed.trails(), [[], [1, 2]]);
  await bed.refused("NOT_FOUND", "host-left", () => router.bypassNode("one", "host-left"));
  await bed.meanwhile([[], [1, 2], [2]], () => router.bypassNode("one", "host-right"));
  assert.equal([bed.trails(), router.customNodes()[0]!.place], [[[], [2]], null]);
  await router.bypassNode("two");
});

bed.check("packets that are before a gate when it goes find their way on", async () => {
  await router.loadNode(ONE, "one");
  await router.insertNode("one", { after: "ip4-input", interface: "host-left" });
  await bed.meanwhile([[1], []], () => router.unloadNode("one"));
  assert.equal(router.errors().filter(({ reason }) => reason.includes("does not exist")), []);
});

bed.check("instances of one file: each with its configuration, its state and its counters", async () => {
  const add = keep(`(i32.add ${KEPT} ${CONFIGURED})`);
  const counting = moduleOf(marking("mark", KEPT, "(i32.const 1)", add), { name: "mark", state: 4, config: MARK_CONFIG });
  await router.loadNode(counting, "a", { mark: 1 });
  await router.loadNode(counting, "b", { mark: 10 });
  await router.insertNode("a", { before: "ip4-lookup" });
  assert.equal([bed.trails(), bed.trails()], [[[1], [2]], [[3], [4]]]);
  await router.insertNode("b", { before: "ip4-lookup" });
  assert.equal([bed.trails(), bed.trails()], [[[5, 10], [6, 20]], [[7, 30], [8, 40]]]);
  await router.configureNode("a", { mark: 100 });
  assert.equal(bed.trails()[0], [108, 50]);
  assert.equal(router.nodeCounters().map(({ node, value }) => [node, value]), [["a", 30], ["b", 18]]);
});

bed.check("nodes of one file lead to each other by their names there; another one of them by FILE:NODE", async () => {
  const pair = moduleOf(marking("head", "(i32.const 1)", "(i32.const 2)") + marking("tail", "(i32.const 2)"),
    { name: "head", next: ["error-drop", "continue", "tail"] }, { name: "tail", next: ["error-drop", "continue", "head"] });
  assert.equal((await router.loadNode(pair, "p")).next, ["error-drop", "continue", "p-tail"]);
  await router.insertNode("p", { after: "ip4-lookup" });
  assert.equal(bed.trails()[0], [1, 2]);
  await router.loadNode(`${pair}:tail`, "q");
  await router.insertNode("q", { before: "p" });
  assert.equal(bed.trails()[0], [2, 1, 2]);
  assert.equal(router.nodeCounters().map(({ node }) => node), ["p", "p-tail", "q", "q-head"]);
  await bed.refused("NOT_FOUND", "it has head, tail", () => router.loadNode(`${pair}:nose`, "r"));
  await bed.meanwhile([[2, 1, 2], [2]], () => router.unloadNode("p"));
});

bed.check("copies go to their own slot, whole; the packet goes on", async () => {
  const mirror = moduleOf(marking("mirror", "(i32.const 1)", "(i32.const 0x201)") + marking("copy", "(i32.const 9)"),
    { name: "mirror", next: ["error-drop", "continue", "copy"] }, { name: "copy" });
  await router.loadNode(mirror, "m");
  await router.insertNode("m", { before: "ip4-rewrite" });
  const { originated } = router.balance();
  const trails = bed.pass(2).map(({ serial, port, trail }) => `${serial} ${port} ${trail}`);
  assert.is(trails.length, 8);
  assert.is(new Set(trails).size, 8, "every packet and its copy");
  assert.equal([trails.filter((line) => line.endsWith(" 1")).length, trails.filter((line) => line.endsWith(" 1,9")).length], [4, 4]);
  assert.is(router.balance().originated - originated, 4);
});

bed.check("replaced while packets flow: each passes the old or the new one", async () => {
  await router.loadNode(ONE, "one");
  await router.loadNode(THREE, "three");
  const [left, right] = ["host-left", "host-right"];
  for (const place of [{ after: "ip4-input" }, { before: "ip4-lookup", interface: left! }, { before: "ip4-rewrite", interface: right! }]) {
    await router.insertNode("one", place);
    await router.insertNode("three", { after: "one" });
    const [there, back] = bed.trails();
    const swap = (trail: number[]): number[] => trail.map((mark) => (mark === 1 ? 2 : mark));
    const before = router.customNodes()[0]!;
    await bed.meanwhile([there, back, swap(there), swap(back)], () => router.replaceNode("one", TWO));
    assert.equal(bed.trails(), [swap(there), swap(back)]);
    assert.equal(router.customNodes()[0], { ...before, file: TWO });
    await router.replaceNode("one", ONE);
    await router.bypassNode("three");
    await router.bypassNode("one");
  }
});

bed.check("what a node takes over: counters by their names, the state by its version, the configuration if it is the same node", async () => {
  const version = (fields: Record<string, unknown>): string =>
    moduleOf(marking("mark", KEPT, "(i32.const 1)", keep("(i32.const 7)")), { name: "mark", state: 8, ...fields });
  const kept = (fields: Record<string, unknown>): string => moduleOf(marking("mark", KEPT), { name: "mark", state: 8, ...fields });
  const passed = async (file: string): Promise<number> => {
    await router.loadNode(version({ stateVersion: 2 }), "s");
    await router.insertNode("s", { before: "ip4-lookup" });
    assert.equal(bed.trails()[0], [7]);
    await bed.meanwhile([[7], [0]], () => router.replaceNode("s", file));
    const [mark] = bed.trails()[0];
    await router.unloadNode("s");
    return mark!;
  };
  assert.is(await passed(kept({ stateVersion: 2 })), 7);
  assert.is(await passed(kept({ stateVersion: 3 })), 0, "it does not know version 2");
  assert.is(await passed(kept({ stateVersion: 3, stateAccepts: [1, 2] })), 7);
  assert.is(await passed(kept({ stateVersion: 2, state: 64 })), 7, "more of it: the rest is zero");
  assert.is(await passed(moduleOf(marking("other", KEPT), { name: "other", state: 8, stateVersion: 2 })), 0, "another node");

  await router.loadNode(moduleOf(marking("mark", "(i32.const 1)"), { name: "mark", counters: ["marked", "lost"], stateVersion: 1 }), "c");
  await router.insertNode("c", { before: "ip4-lookup" });
  bed.trails();
  await router.replaceNode("c", moduleOf(marking("mark", "(i32.const 1)"), { name: "mark", counters: ["new", "marked"], stateVersion: 9 }));
  assert.equal(router.nodeCounters().map(({ name, value }) => [name, value]), [["new", 0], ["marked", 6]]);
  router.clearErrors();
  await router.replaceNode("c", moduleOf(marking("mark", "(i32.const 1)"), { name: "mark", counters: ["marked"] }));
  assert.equal(router.nodeCounters().map(({ value }) => value), [0], "cleared is cleared");

  await router.loadNode(CONFIGURABLE, "d", { mark: 5 });
  await router.insertNode("d", { before: "ip4-lookup" });
  await router.replaceNode("d", moduleOf(marking("mark", CONFIGURED), { name: "mark", config: MARK_CONFIG, counters: [] }));
  assert.equal([bed.trails()[0], router.customNodes().at(-1)!.config], [[1, 5], { mark: 5 }]);
  await router.replaceNode("d", CONFIGURABLE, { mark: 6 });
  assert.equal(bed.trails()[0], [1, 6]);
});

bed.check("nodes of several: one gets new ones beside it, loses some, and another file leads to them", async () => {
  const head = (mark: number, ...tails: string[]): string => {
    const functions = tails.map((tail, i) => marking(tail, `(i32.const ${mark + i + 1})`)).join("");
    return moduleOf(marking("head", `(i32.const ${mark})`, `(i32.const ${tails.length > 0 ? 2 : 1})`) + functions,
      { name: "head", next: ["error-drop", "continue", ...tails] }, ...tails.map((name) => ({ name })));
  };
  await router.loadNode(head(10, "tail"), "h");
  await router.insertNode("h", { before: "ip4-lookup" });
  await bed.meanwhile([[10, 11], [20]], () => router.replaceNode("h", head(20)));
  await bed.meanwhile([[20], [30, 31]], () => router.replaceNode("h", head(30, "tail", "spare")));
  assert.equal(bed.trails()[0], [30, 31]);
  await router.loadNode(marker(1, { next: ["error-drop", "h-tail"] }), "user");
  const way = moduleOf(marking("mark", "(i32.const 2)", "(i32.const 2)"), { name: "mark", next: ["error-drop", "continue", "user"] });
  await router.loadNode(way, "way");
  await router.insertNode("way", { before: "ip4-input" });
  // "h-tail" continues where "h" does
  assert.equal(bed.trails()[0], [2, 1, 31]);
  await bed.meanwhile([[2, 1, 31], [2, 1, 41]], () => router.replaceNode("h", head(40, "tail")));
  assert.equal(bed.trails()[0], [2, 1, 41]);
  await bed.refused("CONFLICT", "node user leads to h-tail", () => router.replaceNode("h", head(50)));
  await bed.refused("CONFLICT", "node user leads to h-tail", () => router.unloadNode("h"));
  await bed.refused("CONFLICT", "node way leads to user", () => router.unloadNode("user"));
  for (const name of ["way", "user", "h"]) await router.unloadNode(name);
});

bed.check("a policy, traps, and a start anew", async () => {
  const judge = `${keep("(i32.const 3)")} (if (i32.eqz ${CONFIGURED}) (then (unreachable)))`;
  const trapping = moduleOf(marking("mark", KEPT, "(i32.const 1)", judge), { name: "mark", state: 4, config: MARK_CONFIG });
  await router.loadNode(trapping, "t", { mark: 1 });
  await router.insertNode("t", { before: "ip4-lookup" });
  assert.equal(bed.trails()[0], [3]);
  await bed.refused("BAD_ARGUMENT", "it has error-drop, continue", () => router.setNodePolicy("t", { fail: "open", via: "away" }));
  await bed.refused("BAD_ARGUMENT", "limit", () => router.setNodePolicy("t", { limit: -1 }));
  await router.setNodePolicy("t", { limit: 3 });
  await router.configureNode("t", { mark: 0 });
  assert.equal(bed.pass(), [], "closed: what it trapped on is dropped");
  await router.setNodePolicy("t", { fail: "open" });
  assert.equal(bed.trails(), [[], []]);
  assert.equal([router.customNodes()[0]!.traps, router.customNodes()[0]!.state], [2, "running"]);
  bed.inline.settle();
  assert.equal(bed.trails(), [[], []]);
  bed.inline.settle();
  assert.equal([router.customNodes()[0]!.state, bed.trails()], ["set-aside", [[], []]]);
  await router.configureNode("t", { mark: 1 });
  assert.equal(bed.trails(), [[], []], "set aside is set aside");
  await router.restartNode("t");
  assert.equal([bed.trails()[0], router.customNodes()[0]!.state], [[3], "running"]);
  await bed.meanwhile([[3], [1]], () => router.replaceNode("t", ONE));
  assert.equal([router.customNodes()[0]!.policy.fail, router.customNodes()[0]!.policy.limit], ["open", 3]);
});

bed.check("host nodes: functions in a file", async () => {
  const host = (mark: number): string => fileOf(`
    const mark = (packet) => {
      const trail = packet.bytes.length - 32;
      packet.bytes[trail]++;
      packet.bytes[trail + packet.bytes[trail]] = ${mark};
      packet.count(0);
      return 1;
    };
    export const nodes = [{ name: "mark", next: ["error-drop", "continue"], counters: ["marked"], packet: mark }];`, "mjs");
  assert.is((await router.loadNode(host(8), "script")).kind, "host");
  await router.insertNode("script", { after: "ip4-lookup", interface: "host-left" });
  assert.equal([bed.trails(), router.nodeCounters()[0]!.value], [[[8], []], 3]);
  await bed.meanwhile([[8], [9], []], () => router.replaceNode("script", host(9)));
  assert.equal(bed.trails(), [[9], []]);
  await bed.meanwhile([[9], [1], []], () => router.replaceNode("script", ONE));
  await bed.refused("BAD_MODULE", "nodes", () => router.loadNode(fileOf("export const knots = [];", "mjs"), "bad"));
  await bed.refused("BAD_MODULE", "no such luck", () => router.loadNode(fileOf('throw new Error("no such luck")', "mjs"), "bad"));
});

bed.check("changes that are asked for at once are made one after the other", async () => {
  const outcomes = await Promise.allSettled([
    router.loadNode(ONE, "one"), router.insertNode("one", { before: "ip4-lookup" }), router.loadNode(TWO, "one"), router.replaceNode("one", TWO),
    router.unloadNode("two"), router.bypassNode("one"), router.insertNode("one", { after: "ip4-lookup" }),
  ]);
  assert.equal(outcomes.map(({ status }) => status === "fulfilled"), [true, true, false, true, false, true, true]);
  assert.equal(bed.trails()[0], [2]);
});

test.after(() => router.stop());
test.run();
