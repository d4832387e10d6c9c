// Several paths through the whole router: every flow on one of them, and where flows go when a path comes, goes, or its interface does.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { InlineRouter } from "./inline.js";
import { ethernet, ip4, udp } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
const PATHS = [["host-left", "192.0.2.8", "02:00:00:00:00:08"], ["host-right", "198.51.100.8", "02:00:00:00:01:08"], ["host-right", "198.51.100.9", "02:00:00:00:01:09"]] as const;
for (const [name, address, mac] of PATHS) router.setNeighbor(name, address, mac);
router.setInterfaceRedirects("host-left", false);
router["routeTable"]["sets"]["tables"].setFlowSeed(7);
const [FIRST, SECOND, THIRD] = PATHS.map(([, , mac]) => mac.slice(-5)) as [string, string, string];
const FLOWS = 200;

/** Sends packets of each flow, three rounds; gives the path that each took: the end of its MAC address. Fails when a flow took two. */
function trace(): string[] {
  const took: string[] = [];
  for (let round = 0; round < 3; round++) {
    inline.send(0, Array.from({ length: FLOWS }, (_, i) => ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800,
      ip4({ from: "203.0.113.2", to: "10.0.0.1", protocol: 17, ttl: 9 + round, payload: udp(5000 + i, 53, Array<number>(8 * round).fill(round)) }))));
    for (const frame of [0, 1].flatMap((port) => inline.sent(port)).filter((one) => one[12] === 8 && one[13] === 0)) {
      const flow = ((frame[34]! << 8) | frame[35]!) - 5000;
      const path = [...frame.subarray(4, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
      if (took[flow] !== undefined && took[flow] !== path) assert.unreachable(`flow ${flow} took ${took[flow]} and ${path}`);
      took[flow] = path;
    }
  }
  assert.is(took.filter(Boolean).length, FLOWS);
  assert.is(router.balance().difference, 0);
  return took;
}

const on = (took: string[], path: string): number => took.filter((one) => one === path).length;
/** Flows that did not stay, of those that were on neither of these. */
const strayed = (before: string[], after: string[], ...but: string[]): number => before.filter((one, i) => !but.includes(one) && one !== after[i]).length;

test("one path, then two, then three, and back: only flows that must move do", () => {
  router.addRoute("10.0.0.0/8", { via: "192.0.2.8" });
  assert.is(on(trace(), FIRST), FLOWS);
  router.addRoute("10.0.0.0/8", { via: "198.51.100.8" });
  const two = trace();
  assert.ok(on(two, FIRST) > 70 && on(two, SECOND) > 70, "a fair share each");
  router.addRoute("10.0.0.0/8", { via: "198.51.100.9", interface: "host-right" });
  const three = trace();
  assert.ok([FIRST, SECOND, THIRD].every((path) => on(three, path) > 40));
  assert.is(two.filter((path, i) => path !== three[i] && three[i] !== THIRD).length, 0);
  router.deleteRoute("10.0.0.0/8", { via: "198.51.100.8" });
  const left = trace();
  assert.equal([on(left, SECOND), strayed(three, left, SECOND)], [0, 0]);
  router.deleteRoute("10.0.0.0/8", { via: "192.0.2.8" });
  assert.is(on(trace(), THIRD), FLOWS);
  router.deleteRoute("10.0.0.0/8", { via: "198.51.100.9" });
  assert.not.ok(router.routes().some(({ prefix }) => prefix === "10.0.0.0/8"), "the route goes with its last path");
});

test("weights; and a gateway that is named again has a new one", () => {
  router.addRoute("10.0.0.0/8", { paths: [{ via: "192.0.2.8", weight: 7 }, { via: "198.51.100.8" }] });
  const before = trace();
  assert.ok(on(before, FIRST) > 150, `${on(before, FIRST)}`);
  router.addRoute("10.0.0.0/8", { via: "198.51.100.8", weight: 7 });
  const after = trace();
  assert.ok(on(after, FIRST) < 130);
  assert.is(strayed(before, after, FIRST), 0);
  router.replaceRoute("10.0.0.0/8", { via: "198.51.100.9" });
  assert.is(on(trace(), THIRD), FLOWS);
  router.deleteRoute("10.0.0.0/8");
});

test("an interface that is down: its flows take the others, and come back; all down: they stay", () => {
  router.addRoute("10.0.0.0/8", { paths: PATHS.map(([, via]) => ({ via })) });
  router.addRoute("10.0.0.0/9", { paths: PATHS.slice(0, 2).map(([, via]) => ({ via })) });
  const before = trace();
  router.setInterfaceState("host-right", false);
  assert.is(on(trace(), FIRST), FLOWS);
  assert.equal(router.routes().find(({ prefix }) => prefix === "10.0.0.0/9")!.paths.map(({ buckets }) => buckets), [256, 0]);
  router.setInterfaceState("host-left", false);
  assert.equal(router.routes().find(({ prefix }) => prefix === "10.0.0.0/9")!.paths.map(({ buckets }) => buckets), [128, 128]);
  for (const name of ["host-left", "host-right"]) router.setInterfaceState(name, true);
  const after = trace();
  assert.ok(on(after, FIRST) < 130 && on(after, SECOND) > 70, "both are used again");
  assert.is(on(before, FIRST) + on(before, SECOND), FLOWS);
});

test("an interface that is removed takes its paths along, and the route with the last of them", async () => {
  const removed = router.deleteHostInterface("right");
  inline.settle();
  await removed;
  assert.equal(router.routes().filter(({ prefix }) => prefix.startsWith("10.")).map(({ prefix, via }) => [prefix, via]),
    [["10.0.0.0/8", "192.0.2.8"], ["10.0.0.0/9", "192.0.2.8"]]);
  assert.is(on(trace(), FIRST), FLOWS);
  assert.is(router["routeTable"]["sets"].list().length, 0);
});

test.after(() => router.stop());
test.run();
