// What a router tells a monitoring system: the same figures as its show commands, in the names that Prometheus wants.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { NODE_COUNTERS } from "../../assembly/abi.js";
import { expose } from "../../host/control/exposition.js";
import { collect } from "../../host/control/metrics.js";
import type { Router } from "../../host/control/router.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { workerAt } from "../../host/memory/memory.js";
import { RDMA0 } from "../cli/stub.js";
import { counting, fileOf, moduleOf } from "../graph/custom-modules.js";
import { InlineRouter, LEFT_MAC, RIGHT_MAC } from "../graph/inline.js";
import { ethernet, ip4, udp } from "../graph/packets.js";
import { type Family, parse, valueOf } from "./exposition-parser.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const inline = await InlineRouter.startPair();
const { router } = inline;
test.after(() => router.stop());
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-left", "192.0.2.3", "02:00:00:00:00:04");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });

const scrape = (): Map<string, Family> => parse(expose(router.metrics()));

/** So many packets that pass, and one that does not: its TTL ends. */
function traffic(count: number): void {
  const packet = (ttl: number): Uint8Array => {
    const [from, to] = ["192.0.2.2", "198.51.100.2"];
    return ethernet(LEFT_MAC, "02:00:00:00:00:02", 0x0800, ip4({ from, to, protocol: 17, ttl, payload: udp(1, 2, [1, 2, 3, 4]) }));
  };
  inline.send(0, [...Array.from({ length: count }, () => packet(64)), packet(1)]);
}

/** Each figure of the show commands beside its series. */
function agree(families: Map<string, Family>): void {
  const value = (name: string, labels: Record<string, string> = {}): number => valueOf(families, name, labels);
  for (const { name, counters, adminUp, linkUp, mtu } of router.interfaces()) {
    const labels = { interface: name };
    assert.is(value("weft_interface_receive_packets_total", labels), counters.rxPackets);
    assert.is(value("weft_interface_receive_bytes_total", labels), counters.rxBytes);
    assert.is(value("weft_interface_receive_no_buffer_total", labels), counters.rxNoBuffer);
    assert.is(value("weft_interface_transmit_packets_total", labels), counters.txPackets);
    assert.is(value("weft_interface_transmit_too_long_total", labels), counters.txTooLong);
    assert.equal([value("weft_interface_admin_up", labels), value("weft_interface_link_up", labels)], [Number(adminUp), Number(linkUp)]);
    assert.is(value("weft_interface_mtu_bytes", labels), mtu);
  }
  for (const { name, calls, vectors, traps } of router.runtime().workers[0]!.nodes) {
    const labels = { worker: "0", node: name };
    const read = ["calls", "packets", "traps"].map((what) => value(`weft_node_${what}_total`, labels));
    assert.equal(read, [calls, vectors, traps], name);
  }
  for (const { node, reason, count } of router.errors()) assert.is(value("weft_node_errors_total", { node, reason }), count);
  const errors = [...families.get("weft_node_errors_total")!.series.values()];
  assert.is(errors.filter((one) => one.value > 0).length, router.errors().length, "and those that did not occur are there, at 0");
  assert.ok(errors.length > router.errors().length);
  const { received, originated, transmitted, dropped, held } = router.balance();
  const packets = ["received", "originated", "transmitted", "dropped"].map((what) => value(`weft_packets_${what}_total`));
  assert.equal([...packets, value("weft_packets_held")], [received, originated, transmitted, dropped, held]);
  const buffers = router.buffers();
  for (const state of ["free", "held", "posted", "pending"] as const) assert.is(value("weft_buffers", { state }), buffers[state]);
  assert.equal([value("weft_buffers_capacity"), value("weft_buffer_size_bytes")], [buffers.total, buffers.size]);
  for (const kind of new Set(router.routes().map((route) => route.kind))) {
    assert.is(value("weft_routes", { kind }), router.routes().filter((route) => route.kind === kind).length);
  }
}

test("every figure is that of the show commands", () => {
  const announced = router.interfaces().find(({ name }) => name === "host-right")!.counters.txPackets;
  traffic(5);
  const families = scrape();
  agree(families);
  assert.is(valueOf(families, "weft_interface_receive_packets_total", { interface: "host-left" }), 6);
  assert.is(valueOf(families, "weft_interface_transmit_packets_total", { interface: "host-right" }), announced + 5);
  assert.is(valueOf(families, "weft_neighbors", { interface: "host-left", state: "static" }), 2);
  assert.is(valueOf(families, "weft_build_info", { contract: "1", node: process.version }), 1);
  assert.is(valueOf(families, "weft_nodes"), router.memory().nodeCount);
});

test("each counter that an interface has, and each state of buffers, is there under its name", () => {
  const families = scrape();
  const long = (name: string): string => name.replace(/^rx/, "receive").replace(/^tx/, "transmit");
  const snake = (name: string): string => long(name).replace(/[A-Z]/g, (one) => `_${one.toLowerCase()}`);
  for (const name of Object.keys(router.interfaces()[0]!.counters)) assert.ok(families.has(`weft_interface_${snake(name)}_total`), name);
  const states = [...families.get("weft_buffers")!.series.values()].map(({ labels }) => labels.state);
  assert.equal(states, Object.keys(router.buffers()).filter((name) => !["size", "total", "pageSize"].includes(name)));
});

test("counters go on counting over clear", () => {
  traffic(3);
  const before = scrape();
  router.clearInterfaces();
  router.clearErrors();
  router.clearRuntime();
  assert.is(router.interfaces()[1]!.counters.rxPackets, 0);
  const after = scrape();
  for (const [name, { type, series }] of before) {
    if (type !== "counter" || name.startsWith("process_")) continue;
    for (const [key, { value }] of series) assert.is(after.get(name)!.series.get(key)!.value, value, `${name} ${key}`);
  }
  traffic(1);
  assert.is(router.interfaces()[1]!.counters.rxPackets, 2);
  const packets = (families: Map<string, Family>): number => valueOf(families, "weft_interface_receive_packets_total", { interface: "host-left" });
  assert.is(packets(scrape()), packets(before) + 2);
});

test("custom nodes: state, gauges, counters; one that takes another's place goes on where that stood", async () => {
  const declared = { name: "count", counters: ["counted"], gauges: ["level"] };
  await router.loadNode(moduleOf(counting("count", 1), declared), "meter");
  await router.insertNode("meter", { after: "ip4-input" });
  traffic(3);
  const { runtime } = router["registry"].find("meter");
  inline.packets.u64[(workerAt(0) + runtime + NODE_COUNTERS + 8) >> 3] = 7n;
  const counted = (): number => valueOf(scrape(), "weft_node_errors_total", { node: "meter", reason: "counted" });
  const state = (name: string): number => valueOf(scrape(), "weft_custom_node_state", { node: "meter", state: name });
  const states = (): number[] => ["running", "waiting", "set-aside"].map(state);
  assert.equal([counted(), states()], [4, [1, 0, 0]]);
  assert.is(valueOf(scrape(), "weft_custom_node_level", { node: "meter", gauge: "level" }), 7);
  router.clearErrors();
  await router.replaceNode("meter", moduleOf(counting("count", 1), declared));
  traffic(0);
  assert.equal([counted(), router.nodeCounters()[0]!.value], [5, 1]);
  await router.unloadNode("meter");
  await router.loadNode(moduleOf(counting("count", 1), declared), "meter");
  assert.is(counted(), 0, "a new one begins anew");
  await router.unloadNode("meter");
});

test("a node whose counters are named to break the text, or like one of the graph's own, breaks nothing", async () => {
  const counters = ['a"} 1', "back\\slash", "frame lost to a trap", "{}", "ü ☃ 𝒳"];
  await router.loadNode(moduleOf(counting("evil", 1), { name: "evil", counters }), "evil");
  await router.insertNode("evil", { after: "ip4-input" });
  traffic(1);
  const families = scrape();
  assert.is(valueOf(families, "weft_node_errors_total", { node: "evil", reason: 'a"} 1' }), 2);
  for (const reason of counters.slice(1)) assert.is(valueOf(families, "weft_node_errors_total", { node: "evil", reason }), 0, reason);
  await router.unloadNode("evil");
});

test("a node that traps", async () => {
  const trapping = fileOf('export const nodes = [{ name: "bad", next: ["error-drop", "continue"], packet: () => { throw 1; } }];', "mjs");
  await router.loadNode(trapping, "bad");
  await router.setNodePolicy("bad", { limit: 1 });
  await router.insertNode("bad", { after: "ip4-input" });
  traffic(1);
  const families = scrape();
  assert.is(valueOf(families, "weft_node_traps_total", { node: "bad" }), 1);
  assert.equal(["running", "set-aside"].map((state) => valueOf(families, "weft_custom_node_state", { node: "bad", state })), [0, 1]);
  await router.unloadNode("bad");
});

test("what is behind an rdma interface: speed, queues, the adapter's own counters", () => {
  const watched = router["monitoring"]["watched"];
  const control = Object.assign(Object.create(router) as Router, { hardwareInterfaces: () => [RDMA0] });
  const families = parse(expose(collect({ ...watched, control })));
  assert.is(valueOf(families, "weft_interface_speed_bytes", { interface: "rdma-0" }), 12.5e9);
  assert.is(valueOf(families, "weft_interface_queue_receive_packets_total", { interface: "rdma-0", queue: "0" }), 12);
  assert.is(valueOf(families, "weft_interface_device_statistic", { interface: "rdma-0", counter: "rx_packets" }), 12);
  assert.is(families.get("weft_interface_device_statistic")!.type, "untyped");
});

test("an interface that goes takes its series along; its successor begins at 0", async () => {
  traffic(2);
  const back = ip4({ from: "198.51.100.2", to: "192.0.2.2", protocol: 17, payload: udp(1, 2, []) });
  inline.send(1, [ethernet(RIGHT_MAC, "02:00:00:00:00:03", 0x0800, back)]);
  assert.ok(valueOf(scrape(), "weft_node_packets_total", { node: "host-left-tx" }) > 0);
  await router.deleteHostInterface("left");
  const gone = [...scrape().get("weft_interface_receive_packets_total")!.series.values()].map(({ labels }) => labels.interface);
  assert.equal(gone, ["local0", "host-right"]);
  await router.createHostInterface("left");
  assert.is(valueOf(scrape(), "weft_interface_receive_packets_total", { interface: "host-left" }), 0);
  assert.is(valueOf(scrape(), "weft_node_packets_total", { node: "host-left-tx" }), 0);
});

test.run();
