// What an rdma interface must do whichever way it drives the adapter: the same scenarios for each of them.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { RdmaOptions } from "../../host/control/api.js";
import { A, B, ping } from "./network.js";
import { Hosts, MACS, MTU, NAMES, OTHER_B, OTHER_MAC, RdmaLab, control, deviceStatistics, enterRdmaLab } from "./rdma-lab.js";
import { until } from "./weft.js";

await enterRdmaLab();

interface Variant {
  name: string;
  options: RdmaOptions;
  /** what the interface says of itself */
  shape: { mode: string; striding: boolean; compression: boolean; multiSegment: boolean };
}

const VARIANTS: Variant[] = [
  { name: "ibv", options: { mode: "ibv" }, shape: { mode: "ibv", striding: false, compression: false, multiSegment: true } },
  { name: "dv", options: { mode: "dv" }, shape: { mode: "dv", striding: true, compression: true, multiSegment: true } },
  { name: "dv no-striding", options: { mode: "dv", striding: false }, shape: { mode: "dv", striding: false, compression: true, multiSegment: true } },
  {
    name: "dv no-multi-seg",
    options: { mode: "dv", multiSegment: false },
    shape: { mode: "dv", striding: false, compression: true, multiSegment: false },
  },
  {
    name: "dv no-cqe-compression",
    options: { mode: "dv", compression: false },
    shape: { mode: "dv", striding: true, compression: false, multiSegment: true },
  },
];
/** bytes of Ethernet, IPv4 and UDP headers */
const HEADERS = 42;
const BUFFER = 2048;

type Scenario = (lab: RdmaLab, variant: Variant) => Promise<void>;

const scenarios: Record<string, Scenario> = {
  async "ping both ways"({ router, hosts }) {
    await hosts.forgetNeighbours();
    const [a, b] = hosts.hosts;
    const options = ["-c", "3", "-i", "0.1"]; // ping waits as long for the last reply
    const all = [ping(a, A.gateway, options), ping(b, B.gateway, options), ping(a, B.address, options), ping(b, A.address, options)];
    for (const { sent, received } of await Promise.all(all)) assert.equal([sent, received], [3, 3]);
    for (const { address } of [A, B]) {
      const { sent, received } = await router.ping(address, { count: 3, interval: 5, timeout: 3000 });
      assert.equal([sent, received], [3, 3], address);
    }
    await hosts.fixNeighbours();
  },

  async forwarding(lab) {
    const { a, b } = lab;
    const back = b.call("exchange", { target: A.address, count: 300, size: 1472, window: 64 });
    await lab.exchanged(300, 64, { window: 64, flows: 8 });
    assert.equal(await back, { sent: 300, echoed: 300, wrong: 0 });
    assert.ok(await a.call("stream", { target: B.address, count: 1, size: 1 << 20 }), "a stream of 1 MiB");
  },

  async "9000-byte frames"(lab, { shape }) {
    await lab.hosts.setMtu(MTU);
    try {
      const { rxErrors } = lab.interface(0).counters;
      await (shape.multiSegment ? longFrames(lab) : refusedFrames(lab));
      assert.is(lab.interface(0).counters.rxErrors, rxErrors);
    } finally {
      await lab.hosts.setMtu(1500);
    }
  },

  async "every queue goes round many times"(lab) {
    const before = [lab.interface(0).counters, lab.interface(1).counters] as const;
    await lab.exchanged(4000, 100, { flows: 16 });
    const sent = (place: 0 | 1): number => lab.interface(place).counters.txPackets - before[place].txPackets;
    await until("the last ones are counted", () => sent(0) >= 4000 && sent(1) >= 4000);
    for (const place of [0, 1] as const) {
      const { rxPackets, txPackets, rxBytes, txBytes } = lab.interface(place).counters;
      const { rxPackets: rx, txPackets: tx, rxBytes: rxb, txBytes: txb } = before[place];
      const bytes = 4000 * (100 + HEADERS);
      assert.equal([rxPackets - rx, txPackets - tx, rxBytes - rxb, txBytes - txb], [4000, 4000, bytes, bytes], NAMES[place]);
    }
  },

  async "an interface is deleted under load"(lab) {
    await lab.a.call("load", { targets: [B.address], size: 200, rate: 8, flows: 8 });
    for (const place of [1, 0] as const) {
      await until("packets pass", () => lab.interface(place).counters.rxPackets > 50);
      await lab.router.deleteRdmaInterface(NAMES[place]);
      await lab.atRest();
      await lab.create(place);
    }
    await until("packets pass", () => lab.interface(0).counters.rxPackets > 50 && lab.interface(0).counters.txPackets > 50);
    assert.is((await lab.a.call("endLoad")).wrong, 0);
    await lab.exchanged(300, 64, { flows: 8 });
  },

  async "its MAC address changes under load"(lab) {
    // Received for one address, looked at when the other was valid: such a packet is lost, and counted. So is what finds a queue full.
    const counted = async (): Promise<number> =>
      lab.errors("ethernet-input", /destination/) + (await deviceStatistics(0)).rxNoWqe + (await deviceStatistics(1)).rxNoWqe;
    const before = await counted();
    await lab.a.call("load", { targets: [B.address, OTHER_B], size: 64, rate: 1, flows: 8 });
    const { rxPackets } = lab.interface(0).counters;
    await until("packets pass", () => lab.interface(0).counters.rxPackets > rxPackets + 30);
    lab.router.setInterfaceMac(NAMES[0], OTHER_MAC);
    const changed = lab.interface(0).counters.rxPackets;
    await until("packets pass", () => lab.interface(0).counters.rxPackets > changed + 30);
    const { sent, echoed: [old, fresh], wrong } = await lab.a.call("endLoad");
    assert.is(wrong, 0);
    assert.ok(old!.length >= 20 && fresh!.length >= 20, `${old!.length} of ${sent} to the old address, ${fresh!.length} to the new one`);
    const answered = new Set([...old!, ...fresh!]);
    const [lost, known] = [sent - answered.size, (await counted()) - before];
    assert.ok(lost <= known, `${lost} of ${sent} answered by neither address, ${known} counted`);

    const stale = await lab.a.call("exchange", { target: B.address, count: 20, size: 64, patience: 60 });
    assert.is(stale.echoed, 0, "nobody answers to the old address");
    const result = await lab.a.call("exchange", { target: OTHER_B, count: 300, size: 64, flows: 8 });
    assert.equal(result, { sent: 300, echoed: 300, wrong: 0 });
    lab.router.setInterfaceMac(NAMES[0], MACS[0]);
    await lab.exchanged(20, 64);
  },

  async "the link goes down and comes back"(lab) {
    for (const place of [0, 1] as const) {
      await lab.told("it shows at once", () => control(`link ${place} down`), () => !lab.interface(place).linkUp);
      const lost = await lab.a.call("exchange", { target: B.address, count: 5, size: 64, patience: 60 });
      assert.is(lost.echoed, 0);
      await lab.told("it shows at once", () => control(`link ${place} up`), () => lab.interface(place).linkUp);
      await lab.exchanged(100, 64, { flows: 4 });
    }
  },
};

async function longFrames(lab: RdmaLab): Promise<void> {
  for (const length of [BUFFER, BUFFER + 1, 2 * BUFFER, 2 * BUFFER + 1]) await lab.exchanged(20, length - HEADERS, { flows: 4 });
  // Of a striding queue of 256 each takes 5 strides, and the rest of its 8: 32 packets fill it.
  await lab.exchanged(200, 8972, { window: 16, flows: 8 });
  assert.ok(await lab.a.call("stream", { target: B.address, count: 1, size: 1 << 20 }), "a stream of 1 MiB");
}

/** What fits one buffer passes; of the rest each frame is refused and counted. */
async function refusedFrames(lab: RdmaLab): Promise<void> {
  const { rxTruncated } = lab.interface(0).counters;
  await lab.exchanged(20, BUFFER - HEADERS);
  for (const [i, size] of [BUFFER - HEADERS + 1, 8972].entries()) {
    const refused = await lab.a.call("exchange", { target: B.address, count: 20, size, patience: 100 });
    assert.is(refused.echoed, 0);
    await until("each is counted as truncated", () => lab.interface(0).counters.rxTruncated === rxTruncated + 20 * (i + 1));
  }
  await lab.exchanged(300, 64);
}

/** Host b's adapter looks at no doorbell, so what is for it fills its send queue until the pool is empty. */
async function exhaustPool(lab: RdmaLab, count: number): Promise<void> {
  await control("fault 1 tx-hold 1");
  const before = await deviceStatistics(0);
  const flood = (datagrams: number): Promise<void> => lab.a.call("flood", { target: B.address, count: datagrams, size: 64, flows: 16 });
  const empty = async (): Promise<boolean> => lab.interface(0).counters.rxNoBuffer > 0 && (await deviceStatistics(0)).rxNoWqe > before.rxNoWqe;
  try {
    await flood(count);
    // On a busy machine the adapter may lose some of them before the worker sees them.
    await until("the pool and a receive queue are empty", async () => {
      if (await empty()) return true;
      await flood(200);
      return false;
    });
    assert.ok(lab.router.buffers().free < 8, JSON.stringify(lab.router.buffers()));
    await lab.atRest();
  } finally {
    await control("fault 1 tx-hold 0");
  }
  // The worker looks again soon, though nothing tells it that there are buffers. The 8 strides of an entry come back together.
  await until("the receive queues are full", () => lab.hardware(0).rxQueues.every(({ size, posted }) => posted > size - 8));
  await until("what waited is sent", () => lab.hardware(1).txQueue.pending === 0);
  await lab.exchanged(1000, 64, { flows: 16 });
}

const hosts = await Hosts.create();

for (const variant of VARIANTS) {
  for (const rxQueues of [1, 4]) {
    const title = `${variant.name}, ${rxQueues} receive queue${rxQueues > 1 ? "s" : ""}`;
    const options: RdmaOptions = { ...variant.options, rxQueues, rss: ["ipv4-udp"] };
    let lab: RdmaLab;

    test(`${title}: as asked for`, async () => {
      lab = await RdmaLab.start(hosts, options);
      const { mode, striding, compression, multiSegment, rxQueues: queues } = lab.hardware(0);
      assert.equal({ mode, striding, compression, multiSegment }, variant.shape);
      assert.equal(queues.map(({ size }) => size), Array(rxQueues).fill(256));
    });
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(`${title}: ${name}`, async () => {
        await scenario(lab, variant);
        await lab.atRest();
      });
    }
    test(`${title}: deleted, the pool is whole`, () => lab.stop());

    test(`${title}: the pool is exhausted, and recovers`, async () => {
      const small = await RdmaLab.start(hosts, { ...options, maxPacketLength: 1518, txQueueSize: 1024 * rxQueues }, { buffers: 1024 * rxQueues });
      await small.run(() => exhaustPool(small, 1500 * rxQueues));
    });
  }
}

test("the hosts are closed", () => hosts.close());

test.run();
