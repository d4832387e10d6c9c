// What notices that a worker does not get on: by the CPU time of its thread, which here is the test's own.

import { setTimeout as sleep } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addon } from "../../host/addon.js";
import { type Running, Watchdog } from "../../host/control/watchdog.js";
import { Pulse, RUNNING_CONFIGURE } from "../../host/graph/pulse.js";

const clock = addon.threadClock();

/** Uses up CPU time, and lets the watchdog look after each few ms of it; gives what it says. */
async function watch(ms: number, pulse: Pulse, meanwhile: () => void = () => {}): Promise<Running[]> {
  const said: Running[] = [];
  const watchdog = new Watchdog(pulse, () => clock, (running) => said.push(running));
  await sleep(50); // it has looked once
  for (const end = addon.threadTime(clock) + ms; addon.threadTime(clock) < end; ) {
    for (const pause = addon.threadTime(clock) + 10; addon.threadTime(clock) < pause; );
    meanwhile();
    await sleep(25);
  }
  watchdog.stop();
  return said;
}

test("a node that does not return, told once", async () => {
  const pulse = new Pulse();
  pulse.enter(6);
  assert.equal(await watch(120, pulse), [{ index: 5, configuring: false }]);
  assert.not(pulse.condemn(6), "it was given up");
});

test("its function to configure", async () => {
  const pulse = new Pulse();
  pulse.enter(6 | RUNNING_CONFIGURE);
  assert.equal(await watch(120, pulse), [{ index: 5, configuring: true }]);
});

test("not told: a node that is called again and again, one after the other, and one that waits", async () => {
  const pulse = new Pulse();
  pulse.enter(6);
  assert.equal(await watch(120, pulse, () => pulse.endTurn()), []);
  let node = 0;
  assert.equal(await watch(120, pulse, () => pulse.enter(1 + (node++ % 2))), []);
  const idle = new Watchdog(pulse, () => clock, () => assert.unreachable("it has not run"));
  await sleep(300);
  idle.stop();
});

test("a turn without an end that is in no node: after a second, not before", async () => {
  assert.equal(await watch(700, new Pulse()), []);
  assert.equal(await watch(1200, new Pulse()), [{ index: -1, configuring: false }]);
});

test("a thread that has ended is not looked at", async () => {
  const pulse = new Pulse();
  pulse.enter(6);
  const watchdog = new Watchdog(pulse, () => -1, () => assert.unreachable("nobody is there"));
  for (const end = addon.threadTime(clock) + 100; addon.threadTime(clock) < end; ) await sleep(0);
  watchdog.stop();
});

test("a thread in the place of another: its clock begins anew", async () => {
  const { threadTime } = addon;
  let [time, looks] = [1_000_000, 0];
  addon.threadTime = () => (looks++, time);
  const looked = async (): Promise<void> => {
    for (const before = looks; looks < before + 2; ) await sleep(5);
  };
  const said: Running[] = [];
  const watchdog = new Watchdog(new Pulse(), () => clock, (running) => said.push(running));
  try {
    await looked();
    time = 100;
    await looked();
    assert.equal(said, []);
    time = 2000; // the graph's own work for longer than it ever takes
    await looked();
    assert.equal(said, [{ index: -1, configuring: false }]);
  } finally {
    watchdog.stop();
    addon.threadTime = threadTime;
  }
});

test.run();
