// Health: what counts as working. And the endpoint as a router has it.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Monitoring, type Watched } from "../../host/control/monitoring.js";
import { WeftError } from "../../host/errors.js";
import { must } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
await must(null, "ip", ["link", "set", "lo", "up"]);

/** A router in which everything is well but for what is said. */
function watch(what: Partial<Watched> = {}): Monitoring {
  const well: Partial<Watched> = { failure: () => undefined, turnEnd: () => Promise.resolve(), lost: () => [] };
  return new Monitoring({ ...well, ...what } as Watched);
}

const ENDED = "the packet worker ended: exit code 1";

test("ok while the worker ends its turns and no interface has lost its device", async () => {
  assert.equal(await watch().health(), { status: "ok", causes: [] });
});

test("failed when the worker has ended, answers with an error, or an interface has lost its device", async () => {
  const failed = { failure: () => new Error(ENDED), turnEnd: () => assert.unreachable("nobody is left to ask") as never };
  assert.equal(await watch(failed).health(), { status: "failed", causes: [ENDED] });
  const dying = { turnEnd: () => Promise.reject(new WeftError("WORKER", ENDED)) };
  assert.equal(await watch(dying).health(), { status: "failed", causes: [ENDED] });
  const both = { ...failed, lost: () => ["host-eth0", "rdma-0"] };
  assert.equal((await watch(both).health()).causes, [ENDED, "interface host-eth0: its device is gone", "interface rdma-0: its device is gone"]);
});

test("failed when the worker does not answer within a second; it is asked once, and ok again when it does", async () => {
  let asked = 0;
  let answer = (): void => {};
  const monitoring = watch({ turnEnd: () => new Promise((resolve) => { asked++; answer = resolve; }) });
  const late = { status: "failed", causes: ["the packet worker has not answered for 1000 ms"] };
  assert.equal(await Promise.all([monitoring.health(), monitoring.health()]), [late, late]);
  const third = monitoring.health();
  assert.is(asked, 1);
  answer();
  assert.equal(await third, { status: "ok", causes: [] });
  const fourth = monitoring.health();
  assert.is(asked, 2);
  answer();
  assert.equal(await fourth, { status: "ok", causes: [] });
});

test("one endpoint at a time: refused while there is one, and again possible once it is off", async () => {
  const monitoring = watch();
  const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "done", (error: WeftError) => `${error.code} ${error.message}`);
  assert.is(await codeOf(monitoring.off()), "NOT_FOUND prometheus: nothing is served");
  assert.match(await codeOf(monitoring.listen("192.0.2.77", 9469)), "BAD_ARGUMENT");
  const [first, second] = await Promise.all([monitoring.listen("127.0.0.1", 0), codeOf(monitoring.listen("127.0.0.1", 0))]);
  assert.is(second, 'CONFLICT prometheus: it is served already: "prometheus off" first');
  assert.match(await codeOf(monitoring.listen("127.0.0.1", 0)), `CONFLICT prometheus: it is served already at ${first.url}`);
  assert.equal(monitoring.info(), first);
  await monitoring.off();
  assert.is(monitoring.info(), null);
  assert.is((await monitoring.listen("127.0.0.1", first.port)).url, first.url);
  await monitoring.close();
  await monitoring.close();
});

test.run();
