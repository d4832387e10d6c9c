// The growth test on series whose slope is known.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Dice } from "./frames.js";
import { type Point, settledPart, trend } from "./trend.js";

const series = (n: number, value: (time: number) => number): Point[] => Array.from({ length: n }, (_, time) => ({ time, value: value(time) }));

test("a straight line has its slope, without doubt", () => {
  fc.assert(fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer(), fc.integer({ min: 3, max: 60 }), (slope, start, n) => {
    const found = trend(series(n, (time) => start + slope * time));
    for (const value of [found.slope, found.least, found.most]) assert.is(value, slope);
  }));
});

test("a quarter of outliers does not move it", () => {
  fc.assert(fc.property(fc.integer(), (seed) => {
    const dice = new Dice(seed);
    const found = trend(series(200, (time) => 3 * time + dice.below(10) + (dice.below(4) === 0 ? 10_000 * dice.below(100) : 0)));
    assert.ok(Math.abs(found.slope - 3) < 1, `${found.slope}`);
  }), { numRuns: 20 });
});

test("noise alone grows no more than its bounds say, which hold zero; growth beneath the noise is seen", () => {
  const noise = (seed: number, slope: number): Point[] => {
    const dice = new Dice(seed);
    return series(300, (time) => slope * time + dice.below(1000));
  };
  const seeds = Array.from({ length: 40 }, (_, seed) => seed * 7919);
  const held = seeds.filter((seed) => { const { least, most } = trend(noise(seed, 0)); return least <= 0 && most >= 0; });
  assert.ok(held.length >= 35, `${held.length} of 40 bounds hold the truth, 38 should`);
  for (const seed of seeds) assert.ok(trend(noise(seed, 2)).least > 0, "300 s of 2 a second among noise of 1000");
});

test("of too little nothing is said; the first third is left out", () => {
  for (const points of [[], series(2, () => 1), [{ time: 1, value: 1 }, { time: 1, value: 2 }, { time: 1, value: 3 }]]) {
    assert.equal(trend(points), { slope: 0, least: -Infinity, most: Infinity });
  }
  assert.equal(settledPart(series(9, (time) => time)).map(({ time }) => time), [3, 4, 5, 6, 7, 8]);
});

test.run();
