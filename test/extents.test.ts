// Parts of a range, given out and taken back, beside a map with a cell for each unit.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Extents } from "../host/memory/extents.js";

test("the lowest place that fits; sizes rounded up, at least one unit; nothing when there is none", () => {
  const extents = new Extents(1000, 1160, 16);
  assert.equal([0, 1, 17, 16].map((size) => extents.take(size)), [1000, 1016, 1032, 1064]);
  assert.is(extents.used, 80);
  assert.is(extents.take(81), undefined);
  assert.equal([extents.used, extents.take(80), extents.take(1)], [80, 1080, undefined]);
  extents.give(1032);
  assert.equal([extents.take(40), extents.take(16), extents.take(16), extents.used], [undefined, 1032, 1048, 160]);
});

test("what was not given out is not taken back, nor twice", () => {
  const extents = new Extents(0, 64, 16);
  const at = extents.take(32)!;
  for (const address of [at + 16, 48, -1]) assert.throws(() => extents.give(address), /nothing was given out/);
  extents.give(at);
  assert.throws(() => extents.give(at), /nothing was given out/);
  assert.equal([extents.used, extents.take(64)], [0, 0]);
});

test("as a map of single units would have it; everything comes back and is whole again", () => {
  const [FROM, UNITS, ALIGN] = [640, 40, 8];
  const step = fc.oneof(fc.record({ take: fc.integer({ min: 0, max: 100 }) }), fc.record({ give: fc.nat(20) }));
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const extents = new Extents(FROM, FROM + UNITS * ALIGN, ALIGN);
    const map = Array<boolean>(UNITS).fill(false);
    const taken: [place: number, units: number][] = [];
    const mark = ([place, units]: [number, number], used: boolean): void => void map.fill(used, place, place + units);
    for (const one of steps) {
      if ("take" in one) {
        const units = Math.max(Math.ceil(one.take / ALIGN), 1);
        const place = map.findIndex((_, i) => i + units <= UNITS && map.slice(i, i + units).every((used) => !used));
        assert.is(extents.take(one.take), place < 0 ? undefined : FROM + place * ALIGN);
        if (place < 0) continue;
        taken.push([place, units]);
        mark([place, units], true);
      } else if (taken.length > 0) {
        const [part] = taken.splice(one.give % taken.length, 1);
        extents.give(FROM + part![0] * ALIGN);
        mark(part!, false);
      }
      assert.is(extents.used, map.filter(Boolean).length * ALIGN);
    }
    for (const [place] of taken) extents.give(FROM + place * ALIGN);
    assert.equal([extents.used, extents.take(UNITS * ALIGN)], [0, FROM]);
  }), { numRuns: 1000 });
});

test.run();
