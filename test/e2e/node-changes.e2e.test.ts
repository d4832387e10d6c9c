// A thousand random changes of custom nodes in a router that is at work: two hosts exchange numbered datagrams
// through it all the while, and not one of them is lost, doubled or changed.

import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NODE_COUNT, WIRING, WIRING_SIZE } from "../../assembly/abi.js";
import type { ErrorCounter } from "../../host/control/api.js";
import { Router } from "../../host/control/router.js";
import type { WeftError } from "../../host/errors.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { make, randomChanges } from "../graph/custom-changes.js";
import { Model } from "../graph/custom-model.js";
import { counting, MARK_CONFIG, moduleOf } from "../graph/custom-modules.js";
import { A, B, hostAt } from "./network.js";
import { Peer } from "./peer.js";
import { until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const CHANGES = 1000;
/** datagrams under way: no queue between the hosts is as short, so whatever is lost was lost by the router */
const WINDOW = 48;
/** bytes by which the process may grow: a thousand changes take 15 MiB, twenty-four thousand 48, and from then on it stays */
const GROWTH = 48 * 2 ** 20;

const VERSIONS = [
  moduleOf(counting("mark", 1), { name: "mark", config: MARK_CONFIG }),
  moduleOf(counting("mark", 1), { name: "mark", config: MARK_CONFIG, state: 65536 }),
  moduleOf(counting("mark", 2) + counting("tail", 1),
    { name: "mark", next: ["error-drop", "continue", "tail"], config: MARK_CONFIG }, { name: "tail" }),
];

const hosts = [await hostAt(A), await hostAt(B)] as const;
const notices: string[] = [];
const router = await Router.start({ notice: (line) => notices.push(line), failed: (error) => notices.push(error.stack!) });
for (const { device, gateway } of [A, B]) {
  await router.createHostInterface(device);
  router.setInterfaceState(`host-${device}`, true);
  router.addAddress(`host-${device}`, `${gateway}/24`);
}
const peers = [await Peer.start(hosts[0]), await Peer.start(hosts[1])] as const;

const exchange = (count: number) => peers[0].call("exchange", { target: B.address, count, size: 64, window: WINDOW, flows: 4, patience: 10_000 });

/** Exchanges datagrams until the function that it gives is called; that gives what became of them. */
function stream(): () => Promise<{ sent: number; lost: number; wrong: number }> {
  const sum = { sent: 0, lost: 0, wrong: 0 };
  let ended = false;
  const running = (async () => {
    while (!ended) {
      const { sent, echoed, wrong } = await exchange(2000);
      sum.sent += sent;
      sum.lost += sent - echoed;
      sum.wrong += wrong;
    }
  })();
  return async () => {
    ended = true;
    await running;
    return sum;
  };
}

function wiring(): string {
  const { u8 } = router["nodes"]["on"].memory.packets;
  return createHash("sha256").update(u8.slice(WIRING, WIRING + NODE_COUNT * WIRING_SIZE)).digest("hex");
}

/** Without what the hosts ask each other in between. */
const errors = (): ErrorCounter[] => router.errors().filter(({ node }) => node !== "arp-input" && node !== "ip4-glean");
const still = () => ({ memory: router.memory(), wiring: wiring() });

/** Makes so many changes that are allowed, and some that are not; gives how many packets custom nodes have counted. */
async function change(times: number): Promise<number> {
  const model = new Model([`host-${A.device}`, `host-${B.device}`]);
  const next = randomChanges(model, VERSIONS.length);
  let passed = 0;
  for (let made = 0; made < times; ) {
    const one = next();
    const allowed = model.change(one);
    if (one.what === "unload") passed += router.nodeCounters().reduce((sum, { node, value }) => sum + (node === one.name ? value : 0), 0);
    const outcome = await make(router, VERSIONS, one).then(() => null, (error: WeftError) => error);
    assert.is(outcome === null, allowed, `change ${made}: ${JSON.stringify(one)}: ${outcome?.message}`);
    if (allowed) made++;
  }
  for (const { name } of router.customNodes()) await router.unloadNode(name);
  return passed;
}

test(`${CHANGES} random changes, and every datagram comes back once`, async () => {
  assert.is((await exchange(2000)).echoed, 2000);
  await change(100); // compiled and grown is what ever will be
  const start = { ...still(), errors: errors() };
  const { rss } = process.memoryUsage();
  const noticed = notices.length;

  const end = stream();
  const began = performance.now();
  const passed = await change(CHANGES);
  const seconds = (performance.now() - began) / 1000;
  const { sent, lost, wrong } = await end();
  const growth = process.memoryUsage().rss - rss;
  console.log(`${sent} datagrams in ${seconds.toFixed(1)} s, ${passed} times through a custom node; ${(growth / 2 ** 20).toFixed(0)} MiB more`);

  assert.equal({ lost, wrong }, { lost: 0, wrong: 0 });
  assert.ok(sent > CHANGES * 4 && passed > sent, `${sent} datagrams, ${passed} times through a custom node`);
  assert.equal({ ...still(), errors: errors() }, start);
  assert.equal(notices.slice(noticed), []);
  await until("rest", () => router.balance().difference === 0 && router.buffers().free === router.buffers().total);
  for (const { name, counters } of router.interfaces()) assert.equal([counters.rxMissed, counters.txNoRoom, counters.txErrors], [0, 0, 0], name);
  assert.ok(growth < GROWTH, `the process has grown by ${(growth / 2 ** 20).toFixed(0)} MiB`);
});

test.after(async () => {
  for (const peer of peers) peer.close();
  await router.stop();
  for (const host of hosts) await host.close();
});
test.run();
