// Where a fragment belongs among the others of its packet: by cases, and against a map of bytes.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Context, type Verdict } from "../../host/graph/fragments.js";

const context = (): Context => new Context("", 0, 0);
const put = (into: Context, from: number, to: number, more: boolean, tos = 0): Verdict =>
  into.add({ buffer: from, from, to, skip: 20, memory: 0 }, more, tos);
type Part = [number, number, boolean];
const places = ({ pieces }: Context): number[][] => pieces.map(({ from, to }) => [from, to]);

test("in any order: whole when the last hole is filled", () => {
  const parts: [number, number, boolean][] = [[0, 104, true], [104, 208, true], [208, 312, true], [312, 400, false]];
  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 2, 3, 0]]) {
    const one = context();
    order.forEach((n, i) => {
      assert.is(put(one, ...parts[n]!), "kept");
      assert.is(one.whole, i === 3);
    });
    assert.equal([places(one), one.length], [parts.map(([from, to]) => [from, to]), 400]);
  }
});

test("bytes that are there already: a duplicate, over the edges of others too", () => {
  const one = context();
  for (const [from, to] of [[0, 16], [16, 32], [48, 64]] as const) put(one, from, to, true);
  for (const [from, to] of [[0, 16], [8, 16], [0, 32], [8, 24], [48, 56]] as const) assert.is(put(one, from, to, true), "duplicate");
  assert.equal(places(one), [[0, 16], [16, 32], [48, 64]]);
});

test("some bytes that are there and some that are not: overlapping", () => {
  for (const [from, to] of [[24, 40], [40, 56], [32, 56], [24, 56], [0, 64], [16, 64], [56, 72]] as const) {
    const one = context();
    for (const [a, b] of [[16, 32], [48, 64]] as const) put(one, a, b, true);
    assert.is(put(one, from, to, true), "overlapping", `${from} to ${to}`);
  }
});

test("empty, or with two ends: malformed", () => {
  assert.is(put(context(), 16, 16, true), "malformed");
  const cases: [Part, Part][] = [
    [[0, 8, false], [8, 16, false]], [[8, 16, true], [0, 8, false]],
    [[0, 8, false], [8, 16, true]], [[16, 24, false], [8, 12, false]],
  ];
  for (const [first, second] of cases) {
    const one = context();
    assert.is(put(one, ...first), "kept");
    assert.is(put(one, ...second), "malformed");
  }
});

test("congestion that one fragment met (RFC 3168, 5.3)", () => {
  const marks = (...tos: number[]): number | undefined => {
    const one = context();
    tos.forEach((mark, i) => put(one, i * 8, i * 8 + 8, true, 0xb8 | mark));
    return one.congestion;
  };
  assert.equal([marks(0, 0), marks(1, 2), marks(2, 3), marks(3, 1, 2), marks(3, 3)], [0, 0, 3, 3, 3]);
  assert.equal([marks(0, 2), marks(1, 0), marks(3, 0), marks(0, 1, 3)], [undefined, undefined, undefined, undefined]);
});

/** The same, byte by byte. */
class Oracle {
  readonly there = new Set<number>();
  end: number | undefined;
  farthest = 0;

  add(from: number, to: number, more: boolean): Verdict {
    if (from === to) return "malformed";
    if (more ? this.end !== undefined && to > this.end : to < this.farthest || (this.end !== undefined && this.end !== to)) return "malformed";
    const bytes = Array.from({ length: to - from }, (_, i) => from + i);
    const known = bytes.filter((byte) => this.there.has(byte)).length;
    this.farthest = Math.max(this.farthest, to);
    if (!more) this.end = to;
    if (known > 0) return known === bytes.length ? "duplicate" : "overlapping";
    bytes.forEach((byte) => this.there.add(byte));
    return "kept";
  }
}

test("random fragments: as the map of bytes says", () => {
  const fragment = fc.record({ at: fc.nat(12), units: fc.nat(4), more: fc.integer({ min: 0, max: 5 }).map((n) => n > 0) });
  fc.assert(fc.property(fc.array(fragment, { maxLength: 24 }), (all) => {
    const [one, oracle] = [context(), new Oracle()];
    for (const { at, units, more } of all) {
      const [from, to] = [at * 8, (at + units) * 8];
      const verdict = oracle.add(from, to, more);
      assert.is(put(one, from, to, more), verdict);
      assert.is(one.whole, oracle.end !== undefined && oracle.there.size === oracle.end);
      if (verdict === "malformed" || verdict === "overlapping") return; // its packet is given up
    }
  }), { numRuns: 3000 });
});

test.run();
