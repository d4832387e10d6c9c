// How a route's flows are shared out: each path has what its weight says, and a change moves what must move and nothing else.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PATH_BUCKETS } from "../../assembly/abi.js";
import type { Neighbour } from "../../host/control/neighbours.js";
import { type Path, shareOut } from "../../host/control/paths.js";

const GATEWAYS = Array.from({ length: 64 }, (_, i) => ({ index: i % 3, address: i, adjacency: 100 + i }) as Neighbour);
const path = (i: number, weight = 1): Path => ({ gateway: GATEWAYS[i]!, weight });
const owners = (buckets: readonly Path[]): Neighbour[] => buckets.map(({ gateway }) => gateway);
const count = (buckets: readonly Path[], { gateway }: Path): number => owners(buckets).filter((one) => one === gateway).length;

test("two alike, three alike, 3 : 1, 255 : 1, and 64 of which one outweighs all others", () => {
  const counts = (...weights: number[]): number[] => {
    const paths = weights.map((weight, i) => path(i, weight));
    const buckets = shareOut(paths, []);
    return paths.map((one) => count(buckets, one));
  };
  assert.equal(counts(1, 1), [128, 128]);
  assert.equal(counts(7, 7, 7), [86, 85, 85]);
  assert.equal(counts(3, 1), [192, 64]);
  assert.equal(counts(255, 1), [255, 1]);
  assert.equal(counts(255, ...Array<number>(63).fill(1)), [193, ...Array<number>(63).fill(1)]);
});

const paths = fc.uniqueArray(fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 255 })), { selector: ([i]) => i, minLength: 1, maxLength: 64 })
  .map((list) => list.map(([i, weight]) => path(i, weight)));

test("each path has its share, one bucket at least", () => {
  fc.assert(fc.property(paths, paths, (all, before) => {
    const buckets = shareOut(all, shareOut(before, []));
    assert.is(buckets.length, PATH_BUCKETS);
    const sum = all.reduce((total, { weight }) => total + weight, 0);
    for (const one of all) {
      const share = (one.weight * PATH_BUCKETS) / sum;
      const got = count(buckets, one);
      assert.ok(got >= 1 && got < share + 1, `${got} of ${share}`);
      if (all.every(({ weight }) => (weight * PATH_BUCKETS) / sum >= 1)) assert.ok(got > share - 1, `${got} of ${share}`);
    }
  }), { numRuns: 2000 });
});

test("a path that goes moves only its own flows; one that comes takes flows, and no others move", () => {
  fc.assert(fc.property(paths, fc.nat(63), (all, n) => {
    const gone = all[n % all.length]!;
    const left = all.filter((one) => one !== gone);
    if (left.length === 0) return;
    const [before, after] = [shareOut(all, []), []] as [Path[], Path[]];
    after.push(...shareOut(left, before));
    // Where a light path has a bucket that is not its due, the heavier ones may give one back.
    const exact = all.every(({ weight }) => (weight * PATH_BUCKETS) / all.reduce((sum, one) => sum + one.weight, 0) >= 1);
    const moved = before.filter((one, i) => one.gateway !== gone.gateway && after[i]!.gateway !== one.gateway);
    assert.ok(moved.length <= (exact ? left.length : 64), `${moved.length} moved beside those of the path that went`);
    const again = shareOut(all, after);
    const strangers = after.filter((one, i) => again[i]!.gateway !== one.gateway && again[i]!.gateway !== gone.gateway);
    assert.ok(strangers.length <= (exact ? left.length : 64), `${strangers.length} moved between paths that stayed`);
    assert.equal(shareOut(all, again), again, "without a change nothing moves");
  }), { numRuns: 2000 });
});

test("of equal paths none but those of the one that goes moves at all", () => {
  for (let n = 2; n <= 16; n *= 2) {
    const all = Array.from({ length: n }, (_, i) => path(i));
    const before = shareOut(all, []);
    const after = shareOut(all.slice(1), before);
    assert.ok(before.every((one, i) => one.gateway === all[0]!.gateway || after[i]!.gateway === one.gateway));
    assert.equal(owners(shareOut(all, after)).filter((one, i) => one !== owners(after)[i]).length, PATH_BUCKETS / n);
  }
});

test.run();
