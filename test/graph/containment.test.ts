// What becomes of a node that traps, by its policy, with a clock that the test turns.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Containment, type ContainmentPolicy } from "../../host/graph/containment.js";

let now = 0;
const clock = performance.now.bind(performance);
test.before(() => void (performance.now = () => now));
test.after(() => void (performance.now = clock));

/** A containment, what it has reported, and how often its node was started anew; `failing`: it does not start. */
function contained(policy: Partial<ContainmentPolicy>) {
  const seen = { changes: [] as string[], starts: 0, failing: false };
  const start = (): void => {
    seen.starts++;
    if (seen.failing) throw new Error("no start");
  };
  const report = ({ state, cause, traps }: Containment): void => void seen.changes.push(`${state} ${traps} ${cause}`);
  const containment = new Containment({ slot: 0, restart: 0, limit: 0, ...policy }, start, report);
  const trap = (times = 1): void => {
    for (let i = 0; i < times; i++) containment.trapped(new Error("trap"));
  };
  return { seen, containment, trap };
}

test("no restart, no limit: it runs on, and is reported with traps 1, 2, 4, 8 …", () => {
  const { seen, containment, trap } = contained({ slot: 3 });
  trap(1000);
  assert.equal([containment.ready(), containment.state, containment.traps, containment.slot], [true, "running", 1000, 3]);
  assert.equal(seen.changes.map((line) => Number(line.split(" ")[1])), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
  assert.is(seen.starts, 0);
});

test("a limit: that trap sets it aside, and it is never ready again by itself", () => {
  for (const restart of [0, 10]) {
    const { seen, containment, trap } = contained({ limit: 3, restart });
    trap(2);
    assert.is.not(containment.state, "set-aside");
    trap();
    now += 1e9;
    assert.equal([containment.state, containment.ready(), seen.starts], ["set-aside", false, 0]);
    assert.is(seen.changes.at(-1), "set-aside 3 3 traps, the last one: trap");
  }
});

test("a restart: it waits, starts anew, waits twice as long each time, at most a minute", () => {
  const { seen, containment, trap } = contained({ restart: 100 });
  const waits = Array.from({ length: 12 }, () => {
    trap();
    assert.equal([containment.state, containment.ready()], ["waiting", false]);
    let waited = 0;
    while (!containment.ready()) [now, waited] = [now + 50, waited + 50];
    assert.equal([containment.state, containment.cause], ["running", null]);
    return waited;
  });
  assert.equal(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
  assert.is(seen.starts, 12);
  assert.equal(seen.changes.slice(0, 2), ["waiting 1 trap", "running 1 null"]);
});

test("a first wait of more than a minute stays", () => {
  const { containment, trap } = contained({ restart: 100_000 });
  for (let i = 0; i < 3; i++) {
    trap();
    now += 99_999;
    assert.not.ok(containment.ready());
    now += 1;
    assert.ok(containment.ready());
  }
});

test("one that does not even start: that is a trap too", () => {
  const { seen, containment, trap } = contained({ restart: 100, limit: 3 });
  seen.failing = true;
  trap();
  now += 100;
  assert.equal([containment.ready(), containment.state, containment.traps], [false, "waiting", 2]);
  now += 199;
  assert.equal([containment.ready(), seen.starts], [false, 1]);
  now += 1;
  assert.equal([containment.ready(), containment.state, seen.starts], [false, "set-aside", 2]);
  assert.is(seen.changes.at(-1), "set-aside 3 3 traps, the last one: no start");
});

test("one that runs on after a trap, and does not start when it is told to: set aside", () => {
  const { seen, containment } = contained({});
  seen.failing = true;
  containment.restart();
  assert.equal([containment.state, containment.cause, containment.ready()], ["set-aside", "it does not start: no start", false]);
});

test("forgiven by the operator: traps and waits begin anew, under the policy that is given", () => {
  const { containment, trap } = contained({ restart: 100, limit: 5 });
  for (let i = 0; i < 3; i++) {
    trap();
    now += 1000;
    containment.ready();
  }
  containment.forgive();
  trap(4);
  assert.is(containment.state, "waiting");
  containment.forgive({ slot: 1, restart: 10, limit: 2 });
  containment.restart();
  assert.equal([containment.state, containment.traps, containment.slot], ["running", 0, 1]);
  trap();
  now += 10;
  assert.ok(containment.ready(), "the first wait again");
  trap();
  assert.is(containment.state, "set-aside");
});

test("set aside from outside, and started by hand", () => {
  const { seen, containment } = contained({});
  containment.setAside("it never returned");
  assert.equal([containment.ready(), containment.cause], [false, "it never returned"]);
  containment.restart();
  assert.equal([containment.ready(), containment.cause, seen.starts], [true, null, 1]);
  assert.equal(seen.changes, ["set-aside 0 it never returned", "running 0 null"]);
});

test.run();
