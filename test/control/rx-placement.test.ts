// A receive queue on its way from one worker to another: nobody has it until the first has ended the turn that it is in.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { addon } from "../../host/addon.js";
import type { Interface } from "../../host/control/interfaces.js";
import { Requests } from "../../host/control/requests.js";
import { RxPlacement } from "../../host/control/rx-placement.js";
import { WeftError } from "../../host/errors.js";
import type { ToEngine } from "../../host/graph/messages.js";

let posted: [worker: number, message: ToEngine][] = [];
let requests: Requests;
let placement: RxPlacement;
let entry: Interface;

test.before.each(() => {
  posted = [];
  requests = new Requests((message, worker) => posted.push([worker, message]), [0, 1, 2]);
  placement = new RxPlacement(3, requests);
  entry = { name: "pg0", kind: "pg", handle: addon.openPg().handle, rxMode: "adaptive" } as Interface;
});
test.after.each(() => addon.closePort(entry.handle!));

const settled = (): Promise<void> => new Promise(setImmediate);
const workers = (): (number | null)[] => placement.list([entry]).map(({ worker }) => worker);
const answer = (worker: number, request: number): void => requests.answered({ type: "answer", request }, worker);

test("queues are dealt out in turn, from where the last port's ended", () => {
  const others = [addon.openPg(), addon.openPg(), addon.openPg()].map(({ handle }) => handle);
  for (const handle of others) placement.spread(handle);
  placement.spread(entry.handle!);
  assert.equal([...others, entry.handle!].map((handle) => addon.rxPlacement(handle)), [[0], [1], [2], [0]]);
  for (const handle of others) addon.closePort(handle);
});

test("the worker before ends its turn, then the new one has the queue, and hears of it", async () => {
  let done = false;
  const moving = placement.move(entry, 0, 2).then(() => (done = true));
  assert.equal([workers(), posted], [[null], [[0, { type: "sync", request: 1 }]]]);
  answer(2, 1); // it was not asked
  await settled();
  assert.equal(workers(), [null]);
  answer(0, 1);
  await settled();
  assert.equal([workers(), posted.slice(1), done], [[2], [[2, { type: "sync", request: 2 }]], false]);
  answer(2, 2);
  await moving;
});

test("where no worker answers any more the queue is not lost", async () => {
  const moving = placement.move(entry, 0, 1);
  requests.fail(new WeftError("WORKER", "gone"));
  await moving.then(() => assert.unreachable(), (error: WeftError) => assert.is(error.code, "WORKER"));
  assert.equal(workers(), [1]);
});

test("what there is not is refused, and where it is already it stays", async () => {
  const cases: [queue: number, worker: number, message: string][] = [
    [1, 1, "interface pg0: queue 1: there is only 0"], [-1, 1, "interface pg0: queue -1: there is only 0"],
    [0, 3, "worker 3: it is a whole number from 0 to 2"], [0, 0.5, "worker 0.5: it is a whole number from 0 to 2"],
  ];
  for (const [queue, worker, message] of cases) {
    await placement.move(entry, queue, worker).then(() => assert.unreachable(), (error: WeftError) => assert.equal([error.code, error.message], ["BAD_ARGUMENT", message]));
  }
  await placement.move(entry, 0, 0);
  assert.equal([workers(), posted], [[0], []]);
});

test.run();
