// Several workers on adapters of several queues: what must be as with one, and what only they can do wrong.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { ping } from "../../host/cli/peers.js";
import { A, B } from "./network.js";
import { Hosts, NAMES, RdmaLab, enterRdmaLab } from "./rdma-lab.js";

await enterRdmaLab();
const hosts = await Hosts.create();
const FLOWS = 16;

for (const mode of ["ibv", "dv"] as const) {
  let lab: RdmaLab;

  /** Packets that each worker's ethernet-input had. */
  const shares = (): number[] =>
    lab.router.runtime().workers.map(({ nodes }) => nodes.find(({ name }) => name === "ethernet-input")!.vectors);

  /** A test at whose end every packet and every buffer is where it belongs. */
  const scenario = (name: string, run: () => Promise<void>): void => test(`${mode}: ${name}`, async () => {
    await run();
    await lab.atRest();
  });

  test(`${mode}: two workers share the queues of two interfaces`, async () => {
    lab = await RdmaLab.start(hosts, { mode, rxQueues: 4, rss: ["ipv4-udp"] }, { workers: 2 });
    assert.equal(lab.router.rxPlacement().filter((one) => one.interface === "rdma-0").map(({ queue, worker }) => [queue, worker]),
      [[0, 0], [2, 0], [1, 1], [3, 1]]);
    assert.equal(lab.router.threads().map(({ name }) => name), ["main", "worker 0", "worker 1"]);
  });

  scenario("pings: to the router, through it, and its own, whichever worker has the reply", async () => {
    await hosts.forgetNeighbours();
    const [a, b] = hosts.hosts;
    const options = ["-c", "3", "-i", "0.05"];
    const all = [ping(a, A.gateway, options), ping(b, B.gateway, options), ping(a, B.address, options), ping(b, A.address, options)];
    for (const { sent, received } of await Promise.all(all)) assert.equal([sent, received], [3, 3]);
    for (const worker of [0, 1]) {
      for (const queue of [0, 1, 2, 3]) await lab.router.setInterfaceRxPlacement(NAMES[0], queue, worker);
      const { sent, received, max } = await lab.router.ping(A.address, { count: 3, interval: 5, timeout: 3000 });
      assert.equal([sent, received], [3, 3]);
      assert.ok(max >= 0 && max < 3000, `${max} ms`);
    }
    for (const queue of [0, 2]) await lab.router.setInterfaceRxPlacement(NAMES[0], queue, 0);
    await hosts.fixNeighbours();
  });

  scenario("both workers forward, and what they count is added up", async () => {
    lab.router.clearRuntime();
    const before = lab.interface(0).counters;
    const back = lab.b.call("exchange", { target: A.address, count: 2000, size: 64, flows: FLOWS });
    await lab.exchanged(2000, 64, { flows: FLOWS });
    assert.equal(await back, { sent: 2000, echoed: 2000, wrong: 0 });
    const each = shares();
    assert.ok(each.every((packets) => packets > 100), String(each));
    assert.is(each[0]! + each[1]!, 8000);
    assert.is(lab.interface(0).counters.rxPackets - before.rxPackets, 4000);
  });

  test(`${mode}: deleted, the pool is whole`, () => lab.stop());
}

test("the hosts are closed", () => hosts.close());

test.run();
