// What is asked of several workers is done by all of them or by none, whoever of them is given up meanwhile.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Requests } from "../../host/control/requests.js";
import { WeftError } from "../../host/errors.js";
import type { ToEngine } from "../../host/graph/messages.js";

let posted: [worker: number, message: ToEngine][] = [];
let requests: Requests;

test.before.each(() => {
  posted = [];
  requests = new Requests((message, worker) => posted.push([worker, message]), [0, 1, 2]);
});

/** What became of a request so far. */
function fateOf(promise: Promise<void>): { fate: string } {
  const seen = { fate: "waits" };
  promise.then(() => (seen.fate = "done"), (error: Error) => (seen.fate = error.message));
  return seen;
}

const settled = (): Promise<void> => new Promise(setImmediate);
const answer = (worker: number, request = 1, error?: string): void =>
  requests.answered({ type: "answer", request, ...(error !== undefined && { error }) }, worker);
const CONFIGURE = { type: "configure", index: 7, address: 64, size: 8 } as const;
const UNDO = { ...CONFIGURE, address: 32 };

test("all must have done it; one answer counts once", async () => {
  const seen = fateOf(requests.turnEnd());
  assert.equal(posted.map(([worker]) => worker), [0, 1, 2]);
  for (const worker of [0, 1, 1, 1]) answer(worker);
  await settled();
  assert.is(seen.fate, "waits");
  answer(2);
  await settled();
  assert.is(seen.fate, "done");
  assert.equal([0, 1, 2].flatMap((worker) => requests.unanswered(worker)), [], "a new worker has nothing to do again");
});

test("what cannot be taken back is refused all the same, and nothing else is asked", async () => {
  const seen = fateOf(requests.send(CONFIGURE));
  answer(0);
  answer(1, 1, "no");
  answer(2);
  await settled();
  assert.equal([posted.length, seen.fate], [3, "no"]);
});

test("only those that are asked; nobody asked: done", async () => {
  const [one, none] = [fateOf(requests.turnEnd(1)), fateOf(requests.send({ type: "sync" }, { to: [] }))];
  answer(1);
  await settled();
  assert.equal([posted.length, one.fate, none.fate], [1, "done", "done"]);
});

test("what one refuses those take back that have done it, and then it is refused", async () => {
  const seen = fateOf(requests.send(CONFIGURE, { undo: UNDO }));
  answer(0);
  answer(1, 1, "no");
  answer(2);
  await settled();
  assert.equal(posted.slice(3), [[0, { ...UNDO, request: 2 }], [2, { ...UNDO, request: 2 }]]);
  assert.is(seen.fate, "waits");
  for (const worker of [0, 2]) answer(worker, 2);
  await settled();
  assert.is(seen.fate, "no");
});

test("nobody has done it: nothing is taken back", async () => {
  const seen = fateOf(requests.send(CONFIGURE, { undo: UNDO }));
  for (const worker of [0, 1, 2]) answer(worker, 1, `no ${worker}`);
  await settled();
  assert.equal([posted.length, seen.fate], [3, "no 0"]);
});

test("a new worker does all over again what is not settled, but what the one before refused", async () => {
  const [first, second] = [fateOf(requests.send(CONFIGURE, { undo: UNDO })), fateOf(requests.turnEnd())];
  answer(1, 2);
  requests.reject(7, "it never returns", 1);
  assert.equal(requests.unanswered(1), [{ type: "sync", request: 2 }]);
  for (const request of [1, 2]) for (const worker of [0, 2]) answer(worker, request);
  await settled();
  assert.equal([first.fate, second.fate], ["waits", "waits"]);
  answer(1, 2);
  for (const worker of [0, 2]) answer(worker, 3);
  await settled();
  assert.equal([first.fate, second.fate], ["it never returns", "done"]);
});

test("no worker is left: all are refused", async () => {
  const seen = fateOf(requests.turnEnd());
  answer(0);
  requests.fail(new WeftError("WORKER", "gone"));
  await settled();
  assert.equal([seen.fate, requests.unanswered(0)], ["gone", []]);
});

test.run();
