// Several workers on adapters of several queues: what must be as with one, and what only they can do wrong.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_TOTAL } from "../../assembly/abi.js";
import type { Loaded } from "./peer-program.js";
import { moduleOf, pass } from "./hostile-modules.js";
import { A, B, ping } from "./network.js";
import { Hosts, NAMES, RdmaLab, enterRdmaLab } from "./rdma-lab.js";
import { until, withoutTicks } from "./weft.js";

await enterRdmaLab();
const hosts = await Hosts.create();
const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
const FLOWS = 16;
const QUEUES = [0, 1, 2, 3];
/** No burst of the hosts fills a receive queue, however seldom the machine lets a worker run. */
const ROOMY = { rxQueues: QUEUES.length, rxQueueSize: 2048, maxPacketLength: 1518, rss: ["ipv4-udp"] } as const;
const BUFFERS = 49152;
/** bytes of payload, and of an IP packet, that make a node hang */
const DEADLY = 333;
/** a neighbour that is not there at first */
const STRANGER = "203.0.113.77";

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const passing = file("pass.wasm", moduleOf({ body: pass() }));
/** Looks at one packet of the frame after the other, and for ever at a deadly one. */
const looks = `(func $look (param $at i32) (param $n i32)
  (loop $each (if (local.get $n) (then
    (br_if $each (i32.eq (i32.load offset=${B_TOTAL} (call $buffer (local.get $at))) (i32.const ${DEADLY + 28})))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br $each)))))`;
const hanging = file("hang.wasm", moduleOf({ body: `(call $look (local.get $frame) (local.get $n)) ${pass()}`, more: looks }));

for (const mode of ["ibv", "dv"] as const) {
  let lab: RdmaLab;

  /** Packets that each worker's ethernet-input had. */
  const shares = (): number[] =>
    lab.router.runtime().workers.map(({ nodes }) => nodes.find(({ name }) => name === "ethernet-input")!.vectors);
  const takeovers = (): number[] => lab.router.metrics().find(({ name }) => name === "weft_worker_takeovers_total")!.samples.map(({ value }) => value);

  /** A test at whose end every packet and every buffer is where it belongs. */
  const scenario = (name: string, run: () => Promise<void>): void => test(`${mode}: ${name}`, async () => {
    await run();
    await lab.atRest();
  });

  /** Numbered datagrams in many flows from host a to host b and back while something else is done. */
  async function underLoad(meanwhile: () => Promise<void>, patience = 20_000): Promise<Loaded> {
    const before = shares();
    await lab.a.call("load", { targets: [B.address], size: 100, rate: 4, flows: FLOWS, patience });
    let loaded: Loaded;
    try {
      await until("both workers have packets", () => shares().every((packets, worker) => packets > before[worker]! + 100));
      await meanwhile();
    } finally {
      loaded = await lab.a.call("endLoad");
    }
    return loaded;
  }

  function nothingLost({ sent, wrong, reordered, echoed }: Loaded): void {
    assert.equal([echoed[0]!.length, wrong, reordered], [sent, 0, 0]);
  }

  test(`${mode}: two workers share the queues of two interfaces`, async () => {
    lab = await RdmaLab.start(hosts, { mode, ...ROOMY, rss: [...ROOMY.rss] }, { workers: 2, buffers: BUFFERS });
    for (const name of NAMES) {
      const placed = lab.router.rxPlacement().filter((one) => one.interface === name);
      assert.equal(placed.map(({ queue, worker }) => [queue, worker]), [[0, 0], [2, 0], [1, 1], [3, 1]]);
    }
    assert.equal(lab.router.threads().map(({ name }) => name), ["main", "worker 0", "worker 1"]);
  });

  scenario("pings: to the router, through it, and its own, whichever worker has the reply", async () => {
    await hosts.forgetNeighbours();
    const [a, b] = hosts.hosts;
    const options = ["-c", "3", "-i", "0.3"]; // ping waits as long for the last reply
    const all = [ping(a, A.gateway, options), ping(b, B.gateway, options), ping(a, B.address, options), ping(b, A.address, options)];
    for (const { sent, received } of await Promise.all(all)) assert.equal([sent, received], [3, 3]);
    for (const worker of [0, 1]) {
      for (const queue of QUEUES) await lab.router.setInterfaceRxPlacement(NAMES[0], queue, worker);
      const { sent, received, max } = await lab.router.ping(A.address, { count: 3, interval: 5, timeout: 3000 });
      assert.equal([sent, received], [3, 3], `its own, replies to worker ${worker}`);
      assert.ok(max >= 0 && max < 3000, `${max} ms`);
    }
    for (const queue of [0, 2]) await lab.router.setInterfaceRxPlacement(NAMES[0], queue, 0);
    await hosts.fixNeighbours();
  });

  scenario("both workers forward, in order, and what they count is added up", async () => {
    lab.router.clearRuntime();
    const before = lab.interface(0).counters;
    const loaded = await underLoad(() => until("many have passed", () => shares().every((packets) => packets > 2000)));
    nothingLost(loaded);
    assert.is(shares()[0]! + shares()[1]!, 2 * loaded.sent);
    assert.equal([lab.interface(0).counters.rxPackets - before.rxPackets, lab.interface(0).counters.txPackets - before.txPackets], [loaded.sent, loaded.sent]);
  });

  scenario("queues go from worker to worker under load: nothing is lost, no flow reordered", async () => {
    const loaded = await underLoad(async () => {
      for (let move = 0; move < 48; move++) {
        await lab.router.setInterfaceRxPlacement(NAMES[move & 1]!, (move >> 1) & 3, (move >> 3) & 1);
      }
    });
    nothingLost(loaded);
    for (const { queue, worker } of lab.router.rxPlacement()) assert.is(worker, 1, `queue ${queue}`);
    for (const name of NAMES) for (const queue of [0, 2]) await lab.router.setInterfaceRxPlacement(name, queue, 0);
  });

  scenario("a node is loaded, put in the way, replaced and taken out under load, in both workers", async () => {
    const { router } = lab;
    let passed: number[] = [];
    const ofNode = (): number[] => router.runtime().workers.map(({ nodes }) => nodes.find(({ name }) => name === "mark")?.vectors ?? 0);
    const loaded = await underLoad(async () => {
      await router.loadNode(passing, "mark");
      await router.insertNode("mark", { before: "ip4-rewrite" });
      await until("both workers' instances have packets", () => ofNode().every((packets) => packets > 0));
      for (let times = 0; times < 10; times++) await router.replaceNode("mark", passing);
      passed = ofNode();
      await router.bypassNode("mark");
      const then = ofNode();
      await router.insertNode("mark", { before: "ip4-rewrite", interface: NAMES[1] });
      await until("those of one interface too", () => ofNode().every((packets, worker) => packets > then[worker]!));
      await router.unloadNode("mark");
    });
    nothingLost(loaded);
    assert.ok(passed.every((packets) => packets > 0), String(passed));
    assert.equal(router.customNodes(), []);
  });

  scenario("a node that hangs in one worker: the other goes on, and the node is set aside in both", async () => {
    const { router } = lab;
    const [before, dropped] = [takeovers(), router.balance().dropped];
    const [a, b] = hosts.hosts;
    const waits = a.spawn("ping", ["-n", "-c", "1", "-W", "170", STRANGER]);
    let told = "";
    waits.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
    let loaded!: Loaded;
    // It is not given up after three seconds.
    await withoutTicks(router, async () => {
      await until("a packet is held, in whichever worker", () => router.balance().held === 1);
      await router.loadNode(hanging, "bad");
      await router.setNodePolicy("bad", { fail: "open" });
      await router.insertNode("bad", { before: "ip4-rewrite" });
      loaded = await underLoad(async () => {
        await lab.a.call("exchange", { target: B.address, count: 1, size: DEADLY, patience: 1 });
        await until("it is set aside", () => router.customNodes()[0]!.state === "set-aside");
        const { reports } = router["nodes"]["find"]("bad");
        await until("it is in both", () => reports.every(({ state }) => state === "set-aside"));
        const went = shares();
        await until("both workers have packets", () => shares().every((packets, worker) => packets > went[worker]! + 100));
      }, 3000); // some are lost
      assert.is(router.balance().dropped - dropped, loaded.sent - loaded.echoed[0]!.length + 1, "the frame in hand is lost, and nothing else");
      await b.address("eth0", `${STRANGER}/32`);
    });
    await until("what was held is answered", () => told.includes(" received"));
    assert.match(told, "1 received");
    await b.ip("address", "delete", `${STRANGER}/32`, "dev", "eth0");
    router.deleteNeighbor(NAMES[1], STRANGER);
    assert.equal(takeovers().map((times, worker) => times - before[worker]!).sort(), [0, 1]);
    assert.is(router.customNodes()[0]!.traps, 1);
    assert.equal([loaded.wrong, loaded.reordered], [0, 0]);
    await router.unloadNode("bad");
  });

  scenario("traces of both workers, each packet's way whole", async () => {
    await lab.router.addTrace("rdma-input", 5);
    nothingLost(await underLoad(async () => {}));
    const { packets } = lab.router.trace();
    assert.is(packets.length, 10);
    for (const { steps } of packets) assert.equal([steps[0]!.node, steps.at(-1)!.node.replace(/\d/, "N")], ["rdma-input", "rdma-N-tx"]);
    await lab.router.clearTrace();
  });

  test(`${mode}: deleted under load, the pool is whole`, async () => {
    await underLoad(() => lab.stop().catch((error: Error) => assert.unreachable(error.message)), 1000);
  });
}

test.after(async () => {
  rmSync(folder, { recursive: true });
  await hosts.close();
});

test.run();
