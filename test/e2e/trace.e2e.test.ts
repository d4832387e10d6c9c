// Traces of a running router: recorded by its worker, read through the control socket; and of a packet whose worker was given up.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NodeInfo, TraceInfo } from "../../host/control/api.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";
import { A, hostAt, ping, script } from "./network.js";
import { Weft, routed, scratch, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

test("a ping's way in and out", async () => {
  const host = await hostAt(A);
  const weft = await Weft.start(script(A));
  await routed([host], weft, async () => {
    await weft.ctl(`trace filter packet src ${A.address} proto icmp`);
    await weft.ctl("trace add af-packet-input 3");
    assert.is((await ping(host, A.gateway, ["-c", "5", "-i", "0.01", "-W", "2"])).received, 5);
    const text = await weft.ctl("show trace max 1");
    const nodes = [...text.matchAll(/^\d\d:\d\d:\d\d:\d{6}: (\S+)$/gm)].map(([, node]) => node);
    assert.equal(nodes, ["af-packet-input", "ethernet-input", "ip4-input", "ip4-lookup", "ip4-local", "icmp4-input", "ip4-lookup",
      ...(nodes.includes("ip4-glean") ? ["ip4-glean", "ip4-lookup"] : []), "ip4-rewrite", "interface-output", "host-weft0-tx"]);
    assert.match(text, `ipv4: ${A.address} -> ${A.gateway}, icmp`);
    assert.match(text, "icmp: echo request");
    assert.is((await weft.show<TraceInfo>("trace")).kept, 3);
    await weft.ctl("clear trace");
    assert.match(await weft.ctl("show trace"), "no packet is traced");
  });
});

test("a node that never returns: the packet's trace ends there, and the next worker traces on", async () => {
  const file = join(scratch(), "stuck.wasm");
  writeFileSync(file, assemble(nodeText("(loop $for-ever (br $for-ever))"), manifestOf()));
  const host = await hostAt(A);
  const weft = await Weft.start(script(A));
  await routed([host], weft, async () => {
    await ping(host, A.gateway, ["-c", "1", "-W", "2"]);
    await weft.ctl(`node load ${file} as stuck`);
    await weft.ctl("node policy stuck fail open");
    await weft.ctl("node insert stuck before icmp4-input");
    await weft.ctl("trace add ip4-local 100");
    assert.is((await ping(host, A.gateway, ["-c", "1", "-W", "1"], 1000)).received, 0);
    await until("it is set aside", async () => (await weft.show<NodeInfo>("node stuck")).custom!.state === "set-aside");
    assert.is((await ping(host, A.gateway, ["-c", "1", "-W", "2"])).received, 1);
    const { packets } = await weft.show<TraceInfo>("trace");
    const ends = packets.map(({ steps }) => steps.map(({ node, end }) => (end === null ? node : `${node}: ${end}`)));
    assert.equal(ends[0]!.slice(0, 2), ["ip4-local", "stuck: the node never returned"]);
    assert.equal(ends.at(-1)!.slice(0, 3), ["ip4-local", "stuck: passed over: the node is not running", "icmp4-input"]);
    await weft.ctl("clear errors"); // its frame was lost, and routed() would find that
  });
});

test.run();
