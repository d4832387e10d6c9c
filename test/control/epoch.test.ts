import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EpochPool, Epochs } from "../../host/control/epoch.js";

test("gives out first … size - 1, then nothing", () => {
  const pool = new EpochPool(4, 7, new Epochs([() => 0]));
  assert.equal([pool.take(), pool.take(), pool.take(), pool.take()], [4, 5, 6, undefined]);
});

test("what was given back comes again only in another turn, the oldest first", () => {
  let epoch = 10;
  const pool = new EpochPool(0, 2, new Epochs([() => epoch]));
  pool.take();
  pool.take();
  pool.give(1);
  assert.is(pool.take(), undefined, "a packet of this turn may still refer to it");
  epoch++;
  pool.give(0);
  assert.is(pool.take(), 1);
  assert.is(pool.take(), undefined);
  epoch++;
  assert.is(pool.take(), 0);
});

test("the turn's number may wrap", () => {
  let epoch = 0xffffffff;
  const pool = new EpochPool(0, 1, new Epochs([() => epoch]));
  pool.give(pool.take()!);
  epoch = 0;
  assert.is(pool.take(), 0);
});

test("random takes, returns and turns: never a number twice, never one of this turn, all come back", () => {
  const step = fc.oneof(fc.constant("take"), fc.constant("take"), fc.constant("turn"), fc.nat(20));
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (steps, size) => {
    let epoch = 0;
    const pool = new EpochPool(0, size, new Epochs([() => epoch]));
    const out: number[] = [];
    const returned = new Map<number, number>();
    for (const one of steps) {
      if (one === "turn") epoch++;
      else if (one === "take") {
        const waiting = [...returned.values()].filter((when) => when === epoch).length;
        const number = pool.take();
        assert.is(number === undefined, out.length + waiting === size, "gives while there is one");
        if (number === undefined) continue;
        assert.not(out.includes(number) || number < 0 || number >= size || returned.get(number) === epoch);
        returned.delete(number);
        out.push(number);
      } else if (out.length > 0) {
        const [number] = out.splice((one as number) % out.length, 1);
        pool.give(number!);
        returned.set(number!, epoch);
      }
      assert.is(pool.used, out.length);
    }
  }), { numRuns: 1000 });
});

test("several workers: a moment has passed when each has begun another turn since", () => {
  const workers = fc.array(fc.oneof(fc.constant("moment"), fc.nat(2)), { maxLength: 60 });
  fc.assert(fc.property(workers, (steps) => {
    const turns = [0, 0, 0];
    const epochs = new Epochs(turns.map((_, worker) => () => turns[worker]!));
    const moments: { number: number; turns: number[] }[] = [];
    for (const step of steps) {
      if (step === "moment") moments.push({ number: epochs.now(), turns: [...turns] });
      else turns[step as number]!++;
      for (const { number, turns: then } of moments) assert.is(epochs.passed(number), then.every((turn, worker) => turns[worker]! > turn));
    }
  }));
});

test("a worker that sleeps holds nobody up", () => {
  const [asleep, awake] = [{ looks: 0 }, { turn: 5 }];
  const epochs = new Epochs([() => --asleep.looks, () => awake.turn]);
  const moment = epochs.now();
  assert.not(epochs.passed(moment));
  awake.turn++;
  assert.ok(epochs.passed(moment));
});

test.run();
