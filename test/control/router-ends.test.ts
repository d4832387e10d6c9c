// A router that does not start, is stopped in the middle of something, or has lost a worker: whoever waits is answered, and nothing is left open.

import { readdirSync, readlinkSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addon } from "../../host/addon.js";
import type { Connect } from "../../host/control/engine-link.js";
import { Router } from "../../host/control/router.js";
import { WeftError } from "../../host/errors.js";
import type { FromEngine, ToEngine } from "../../host/graph/messages.js";

const said = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "nothing", (error: WeftError) => `${error.code}: ${error.message}`);
const STOPPED = "WORKER: the router was stopped";

/** What the process has open of a kind: "anon_inode:[eventfd]". */
function opened(kind: string): number {
  const target = (fd: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // that of the folder itself
    }
  };
  return readdirSync("/proc/self/fd").filter((fd) => target(fd).includes(kind)).length;
}

test("a CPU that there is not: one line says so, and no descriptor stays open", async () => {
  await (await Router.start({ buffers: 1024 })).stop();
  const before = opened("eventfd");
  const start = (): Promise<unknown> => Router.start({ buffers: 1024, workers: 2, cpu: [0, 1023] });
  for (let i = 0; i < 3; i++) assert.match(await said(start()), /^BAD_ARGUMENT: a worker cannot be pinned to CPU 1023: this process may use [0-9]/);
  assert.is(opened("eventfd"), before);
});

test("stopped while a queue goes from one worker to another: its port is closed", async () => {
  const router = await Router.start({ buffers: 1024, workers: 2 });
  await router.createPacketGenerator("pg0");
  const { handle } = router["interfaceTable"].find("pg0");
  const placing = said(router.setInterfaceRxPlacement("pg0", 0, 1 - addon.rxPlacement(handle!)[0]!));
  await router.stop();
  assert.is(await placing, STOPPED);
  assert.equal(addon.rxPlacement(handle!), []);
});

test("once it is stopped everything is refused, and the handles that it had are left alone", async () => {
  const router = await Router.start({ buffers: 1024 });
  await router.createPacketGenerator("pg0");
  const { handle } = router["interfaceTable"].find("pg0");
  await router.stop();
  const other = addon.openPg();
  assert.is(other.handle, handle);
  const asked = [
    router.createPacketGenerator("pg1"), router.deletePacketGenerator("pg0"), router.setInterfaceRxPlacement("pg0", 0, 0), router.addTrace("ip4-input", 1),
  ];
  for (const promise of asked) assert.is(await said(promise), STOPPED);
  assert.throws(() => router.setInterfaceState("pg0", true), (error: WeftError) => error.code === "WORKER");
  assert.equal(addon.rxPlacement(other.handle), [0]);
  addon.closePort(other.handle);
  assert.equal(await router.health(), { status: "failed", causes: ["the router was stopped"] });
});

for (const workers of [1, 2]) {
  test(`a ping ends with its router of ${workers} workers`, async () => {
    const router = await Router.start({ buffers: 1024, workers });
    await router.createPacketGenerator("pg0");
    router.setInterfaceState("pg0", true);
    router.addAddress("pg0", "192.0.2.1/24");
    const ping = said(router.ping("192.0.2.9", { interval: 3_600_000 })); // which keeps the test, else
    await router.stop();
    assert.is(await ping, STOPPED);
    assert.is(await said(router.ping("192.0.2.9")), STOPPED);
  });
}

/** A router with workers that only listen. */
async function deaf(workers: number) {
  const ends: ((error: WeftError) => void)[] = [];
  const tells: ((message: FromEngine) => void)[] = [];
  const replaced: ToEngine[][] = [];
  const connect: Connect = async ({ worker }, _memory, receive, failed) => {
    ends[worker] = failed;
    tells[worker] = receive;
    return { post: () => {}, clock: () => -1, replace: async (_options, messages) => void replaced.push(messages), close: async () => {} };
  };
  return { router: await Router.start({ buffers: 1024, workers }, connect), ends, tells, replaced };
}

test("a worker is gone: what another one says still does no harm, and pings end", async () => {
  const { router, ends, tells } = await deaf(2);
  const creating = router.createPacketGenerator("pg0");
  for (const tell of tells) tell({ type: "port-added", index: 1 });
  await creating;
  router.setInterfaceState("pg0", true);
  router.addAddress("pg0", "192.0.2.1/24");
  const ping = said(router.ping("192.0.2.9", { interval: 3_600_000 }));
  ends[1]!(new WeftError("WORKER", "it ended"));
  assert.is(await ping, "WORKER: it ended");
  tells[0]!({ type: "learned", index: 1, address: 0x090200c0, mac: new Uint8Array(6) });
  tells[0]!({ type: "wanted", index: 1, address: 0x080200c0 });
  assert.equal(router.neighbors(), []);
  await router.stop();
});

test("a worker that takes another's place hears of the pings that run", async () => {
  const { router, ends, replaced } = await deaf(1);
  const ping = said(router.ping("192.0.2.9"));
  const [id] = router["pinger"]["running"].keys();
  router["workers"]["supervisors"][0]!["pulse"].enter(1); // as if the worker were in a node from outside
  ends[0]!(new WeftError("WORKER", "it ended"));
  assert.equal(replaced[0]!.filter(({ type }) => type === "ping-open"), [{ type: "ping-open", id }]);
  await router.stop();
  assert.is(await ping, STOPPED);
});

test.run();
