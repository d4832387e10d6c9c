// The rdma port and its adapter: where packets lie, which queue they take, what wakes the worker, and what becomes of failures.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { GRAPH_ASLEEP, GRAPH_EPOCH } from "../../assembly/abi.js";
import { addon } from "../../host/addon.js";
import type { RdmaOptions } from "../../host/control/api.js";
import { workerAt } from "../../host/memory/memory.js";
import { A, B, ping } from "./network.js";
import { Hosts, MACS, NAMES, RdmaLab, control, deviceStatistics, enterRdmaLab } from "./rdma-lab.js";
import { until } from "./weft.js";

await enterRdmaLab();
const hosts = await Hosts.create();

/** A test with a router; at its end nothing is missing. */
function between(name: string, options: RdmaOptions, run: (lab: RdmaLab) => Promise<void>): void {
  test(name, async () => {
    const lab = await RdmaLab.start(hosts, options);
    await lab.run(run);
  });
}

const MODES: [string, RdmaOptions][] = [["ibv", { mode: "ibv" }], ["dv", { mode: "dv" }], ["dv no-striding", { mode: "dv", striding: false }]];

for (const [name, mode] of MODES) {
  between(`${name}: the adapter writes packets into the linear memory, and nobody copies them`, mode, async (lab) => {
    const { u8, layout } = lab.memory;
    for (const count of [1, 7]) {
      await lab.exchanged(count, 1000);
      const { dma, lastDma } = lab.hardware(0);
      const [base, end, last] = [dma.base, dma.end, lastDma].map(BigInt) as [bigint, bigint, bigint];
      // The registered memory is the pool: same size, and at the same place modulo 2 MiB, which is all that JavaScript gets to know.
      assert.is(Number(end - base), layout.poolEnd - layout.pool);
      assert.is(Number(base % (2n << 20n)), (addon.memoryOffset(u8) + layout.pool) % (2 << 20));
      assert.ok(base <= last && last + 1042n <= end, `${dma.base} ${lastDma} ${dma.end}`);
      const packet = Buffer.from(u8.buffer, layout.pool + Number(last - base), 1042);
      assert.is(packet.readUInt16BE(12), 0x0800);
      assert.equal([packet.subarray(26, 30).join("."), packet.subarray(30, 34).join(".")], [A.address, B.address]);
      assert.is(packet.readUInt32BE(46), count - 1, "the last datagram's number");
      for (let i = 8; i < 1000; i++) assert.is(packet[42 + i], ((count - 1) * 31 + i) & 0xff, `byte ${i}`);
    }
  });

  between(`${name}: what the interface sends to everyone does not come back to it`, { ...mode, rxQueues: 4 }, async (lab) => {
    const { txPackets } = await deviceStatistics(0);
    const { received } = await lab.router.ping("198.51.100.77", { count: 3, interval: 5, timeout: 50 });
    assert.is(received, 0);
    await until("an ARP request is on the wire", async () => (await deviceStatistics(0)).txPackets > txPackets);
    await lab.exchanged(200, 64, { flows: 16 }); // what would have come back came before these
    const seen = lab.router.runtime().workers[0]!.nodes.find((node) => node.name === "arp-input")!.vectors;
    assert.is(seen, 0, "ARP packets received, and nobody sends any but the interface");
  });

  between(`${name}: RSS spreads IPv4 and IPv6 over four queues`, { ...mode, rxQueues: 4, rss: ["ipv4-udp", "ipv6-udp"] }, async (lab) => {
    const [host] = hosts.hosts;
    const packets = (): number[] => lab.hardware(0).rxQueues.map((queue) => queue.packets);
    const spread = async (count: number, send: () => Promise<unknown>): Promise<void> => { // from ports that are always the same
      const before = packets();
      await send();
      const shares = (): number[] => packets().map((n, queue) => n - before[queue]!);
      await until("all have come", () => shares().reduce((sum, n) => sum + n) >= count);
      // Of 64 source ports a fair hash gives each queue about 16.
      for (const share of shares()) assert.ok(share >= count / 16, shares().join());
    };
    await spread(640, () => lab.exchanged(640, 64, { flows: 64, port: 20_000 }));

    await host.ip("address", "replace", "fd00::2/64", "dev", "eth0", "nodad");
    await host.ip("neighbor", "replace", "fd00::1", "lladdr", MACS[0], "dev", "eth0");
    await spread(64, () => lab.a.call("flood6", { target: "fd00::1", count: 64, flows: 64, size: 64, port: 20_000 }));
  });

  between(`${name}: queues that stop with an error go on`, { ...mode, rxQueues: 4, rss: ["ipv4-udp"] }, async (lab) => {
    for (const [fault, counter] of [["tx-error-every", "txErrors"], ["rx-error-every", "rxErrors"]] as const) {
      await control(`fault 0 ${fault} 40`);
      await until(`${counter} are counted`, async () => {
        const result = await lab.a.call("exchange", { target: B.address, count: 400, size: 64, window: 16, flows: 8, patience: 30 });
        assert.is(result.wrong, 0);
        return lab.interface(0).counters[counter] > 0;
      });
      await control(`fault 0 ${fault} 0`);
      await lab.atRest();
      await lab.exchanged(2000, 64, { flows: 16 });
    }
  });

  between(`${name}: the device fails, and comes back`, mode, async (lab) => {
    await lab.exchanged(100, 64);
    await lab.a.call("load", { targets: [B.address], size: 64, rate: 4 });
    await lab.told("it shows at once", () => control("fatal 0"), () => !lab.interface(0).linkUp);
    assert.ok(lab.notices.some((line) => line.startsWith(`interface ${NAMES[0]}: its device is in a fatal state`)), lab.notices.join("\n"));
    await lab.atRest();
    await control("recover 0");
    await until("it is back", () => lab.interface(0).linkUp);
    await lab.filled(0);
    assert.is((await lab.a.call("endLoad")).wrong, 0);
    await lab.exchanged(1000, 64);
    await lab.atRest();

    await lab.told("it shows at once", () => control("fatal 0"), () => !lab.interface(0).linkUp);
    await lab.router.deleteRdmaInterface(NAMES[0]);
    await lab.atRest();
    await control("recover 0");
    await lab.create(0);
    await lab.exchanged(100, 64);
  });
}

between("rss as it is unless asked for: TCP by ports, IPv4", { rxQueues: 4 }, async (lab) => {
  const before = lab.hardware(0).rxQueues.map(({ packets }) => packets);
  const streams = Array.from({ length: 16 }, () => lab.a.call("stream", { target: B.address, count: 1, size: 20_000 }));
  assert.not.ok((await Promise.all(streams)).includes(false));
  const shares = lab.hardware(0).rxQueues.map(({ packets }, queue) => packets - before[queue]!);
  assert.ok(shares.filter((share) => share > 0).length > 1, shares.join());
});

for (const [name, mode] of MODES) {
  between(`${name}: polling never sleeps, interrupt and adaptive do, and all answer`, { ...mode, rxQueues: 4 }, async (lab) => {
    const { i32, u32 } = lab.memory;
    const asleep = (): boolean => Atomics.load(i32, (workerAt(0) + GRAPH_ASLEEP) >> 2) === 1;
    const turns = (): number => u32[(workerAt(0) + GRAPH_EPOCH) >> 2]!;
    for (const rxMode of ["interrupt", "adaptive", "polling"] as const) {
      for (const name of NAMES) lab.router.setInterfaceRxMode(name, rxMode);
      const { received, times } = await ping(hosts.hosts[0], B.address, ["-c", "5", "-i", "0.1"]);
      assert.is(received, 5);
      // A worker that slept on would find them all together after a second; a busy machine may keep some of them waiting.
      const median = times.sort((one, other) => one - other)[times.length >> 1]!;
      assert.ok(median < 500, `${rxMode}: ${times.join(" ")} ms`);
      await lab.exchanged(300, 64, { flows: 8 });
      if (rxMode !== "polling") {
        await until(`${rxMode}: the worker sleeps`, asleep);
        continue;
      }
      for (let round = 0; round < 3; round++) {
        const before = turns();
        await until("it turns", () => turns() - before > 1000);
        assert.not.ok(asleep());
      }
    }
  });
}

test("the hosts are closed", () => hosts.close());

test.run();
