// A router under load as Prometheus meets it: started from a script, scraped, checked by promtool where that is installed.

import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CustomNodeInfo, ErrorCounter, PrometheusInfo, RuntimeInfo } from "../../host/control/api.js";
import { iperf } from "../../host/cli/peers.js";
import { must, run } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { fileOf } from "../graph/custom-modules.js";
import { type Family, parse, valueOf } from "../monitoring/exposition-parser.js";
import { A, B, hostAt, script } from "./network.js";
import { Weft, routed, until, weft } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
await must(null, "ip", ["link", "set", "lo", "up"]);

const PROMTOOL = spawnSync("promtool", ["--version"]).status === 0;

async function scrape(url: string): Promise<{ text: string; families: Map<string, Family> }> {
  const response = await fetch(url);
  assert.is(response.status, 200);
  const text = await response.text();
  return { text, families: parse(text) };
}

test("figures of a router that forwards, as the kernels count them and as show tells them", async () => {
  const [a, b] = [await hostAt(A), await hostAt(B)];
  const router = await Weft.start([...script(A, B), "prometheus listen 127.0.0.1:0"]);
  await routed([a, b], router, async () => {
    const { url } = await router.show<PrometheusInfo>("prometheus");
    const scrapes: Map<string, Family>[] = [];
    let over = false;
    const transfer = iperf(a, b, B.address, 1, [], () => {}).finally(() => (over = true));
    while (!over) scrapes.push((await scrape(url)).families);
    assert.ok((await transfer).mbits > 0);
    await router.atRest();

    // Told at the same time: nothing comes in between, not even a late retransmission.
    let last!: Awaited<ReturnType<typeof scrape>>;
    const told = async (): Promise<string> => JSON.stringify([await router.show("interface"), await router.show("errors")]);
    await until("nothing comes", async () => {
      const before = await told();
      last = await scrape(url);
      return before === (await told());
    });
    const { text, families } = last;
    scrapes.push(families);
    for (const [i, later] of scrapes.entries()) if (i > 0) neverLess(scrapes[i - 1]!, later);
    for (const { device } of [A, B]) {
      const { counters } = await router.interface(`host-${device}`);
      const labels = { interface: `host-${device}` };
      assert.is(valueOf(families, "weft_interface_receive_packets_total", labels), counters.rxPackets);
      assert.is(valueOf(families, "weft_interface_transmit_bytes_total", labels), counters.txBytes);
    }
    for (const { node, reason, count } of await router.show<ErrorCounter[]>("errors")) {
      assert.is(valueOf(families, "weft_node_errors_total", { node, reason }), count);
    }
    const { clockRate, workers } = await router.show<RuntimeInfo>("runtime");
    const { clocks, vectors } = workers[0]!.nodes.find(({ name }) => name === "ip4-lookup")!;
    const figures = ["processing_seconds", "packets"].map((what) => valueOf(families, `weft_node_${what}_total`, { node: "ip4-lookup" }));
    assert.equal(figures, [clocks / clockRate, vectors]);
    assert.ok(clocks > 0 && vectors > 100, `${clocks} clocks, ${vectors} packets`);
    if (PROMTOOL) assert.equal(spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" }).stderr, "");
  });
});

/** Fails where a counter is less than it was. */
function neverLess(before: Map<string, Family>, after: Map<string, Family>): void {
  for (const [name, { type, series }] of before) {
    if (type === "counter") for (const [key, { value }] of series) assert.ok(after.get(name)!.series.get(key)!.value >= value, `${name} ${key}`);
  }
}

test("health: ok while a node that never returns is set aside; not ok when a device is gone, and ok when it is back", async () => {
  const [a] = [await hostAt(A)];
  await must(null, "ip", ["link", "add", "name", "lost0", "type", "veth", "peer", "name", "lost1"]);
  const lines = [...script(A), "create host-interface name lost0", "set interface state host-lost0 up", "prometheus listen [::1]:0"];
  const router = await Weft.start(lines);
  await routed([a], router, async () => {
    const { url } = await router.show<PrometheusInfo>("prometheus");
    const health = async (): Promise<[number, string[]]> => {
      const response = await fetch(url.replace("metrics", "healthz"));
      return [response.status, ((await response.json()) as { causes: string[] }).causes];
    };
    /** Waits for it; a worker that the machine keeps waiting for a second is not well for a moment. */
    const becomes = (what: string, ...wanted: Awaited<ReturnType<typeof health>>): Promise<void> =>
      until(what, async () => JSON.stringify(await health()) === JSON.stringify(wanted));
    await becomes("all is well", 200, []);

    const hanging = fileOf('export const nodes = [{ name: "stuck", next: ["error-drop", "continue"], packet: () => { for (;;); } }];', "mjs");
    await router.ctl(`node load ${hanging} as stuck`);
    await router.ctl("node insert stuck after ip4-input");
    await a.run("ping", ["-c", "1", "-W", "1", A.gateway]);
    await until("it is set aside", async () => (await router.show<CustomNodeInfo[]>("node"))[0]!.state === "set-aside");
    await becomes("the new worker answers", 200, []);
    const { families } = await scrape(url);
    assert.is(valueOf(families, "weft_worker_takeovers_total", { worker: "0" }), 1);
    assert.is(valueOf(families, "weft_custom_node_state", { node: "stuck", state: "set-aside" }), 1);
    await router.ctl("node unload stuck");

    await must(null, "ip", ["link", "del", "dev", "lost0"]);
    await becomes("its loss is told", 503, ["interface host-lost0: its device is gone"]);
    await must(null, "ip", ["link", "add", "name", "lost0", "type", "veth", "peer", "name", "lost1"]);
    await becomes("it is back", 200, []);
  });
});

test("an endpoint that cannot be had ends the start-up with its line; off and on again", async () => {
  const router = await Weft.start(["prometheus listen 127.0.0.1:0"]);
  await routed([], router, async () => {
    const { port, url } = await router.show<PrometheusInfo>("prometheus");
    const listen = (...more: string[]): string => [`prometheus listen 127.0.0.1:${port}`, ...more].join("\n");
    const second = await Weft.start([]);
    await routed([], second, async () => {
      const { status: failed, stderr } = await second.try(listen());
      assert.equal([failed, stderr], [1, `weft: prometheus: 127.0.0.1:${port} is taken by another program: choose another port\n`]);
      await router.ctl("prometheus off");
      assert.is(await fetch(url).then(() => "answered", () => "refused"), "refused");
      assert.is((await second.ctl(listen())).trim(), url);
    });
    assert.is((await router.ctl(listen())).trim(), url, "the port is free when the other has stopped");
  });
  assert.is((await weft("ctl", "--socket", router.socket, "show prometheus")).status, 1);
  assert.is((await run(null, "ss", ["-Hltn"])).stdout, "", "nothing listens any more");
});

test.run();
