// Where the slots lead when custom nodes are put into the arcs, and in which order they are written.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NodeSpec } from "../../host/graph/messages.js";
import { Board, OWN } from "./wiring-board.js";

/** A board on which nothing may ever lead to a node that is not wired. */
function watched(): Board {
  const board = new Board();
  board.watch = () => board.complete();
  return board;
}

test("after X: in the arc of its slot 1 alone; before X: in every arc that leads there", () => {
  const board = watched();
  board.link("after", "a", board.custom("one"));
  board.link("before", "c", board.custom("two"));
  assert.equal([board.path("a", 1), board.path("a", 2), board.path("b", 1)], [["one", "b"], ["two", "c"], ["two", "c"]]);
  assert.equal([board.path("input", 0), board.path("c", 1)], [["a"], ["out"]]);
});

test("a chain after a node ends in the one before the next; each is wired before anything leads to it", () => {
  const board = watched();
  const [first, second, third] = ["first", "second", "third"].map((name) => board.custom(name));
  board.link("after", "a", first!);
  board.link("before", "b", second!); // stands behind the chain that leads to it
  board.link("after", "a", third!);
  assert.equal(board.path("a", 1), ["first", "third", "second", "b"]);
  assert.equal(board.stores.slice(-2), [["third", 1, "second"], ["first", 1, "third"]]);
});

test("a next slot by name: into the chain before that node, but out of that chain to the node itself", () => {
  const board = watched();
  const jump = board.custom("jump", ["error-drop", "continue", "c", "b"]);
  board.link("before", "c", jump);
  board.link("before", "b", board.custom("guard"));
  assert.equal([1, 2, 3].map((slot) => board.arc(jump, slot)), ["c", "c", "guard"]);
});

test("a node that leads to itself by its name, inside its chain", () => {
  const board = watched();
  const again = board.custom("again", ["error-drop", "continue", "again"]);
  board.link("after", "b", again);
  assert.equal([1, 2].map((slot) => board.arc(again, slot)), ["c", "again"]);
});

test("siblings leave the chain where the node itself does, and keep their way when that is taken out", () => {
  const board = watched();
  const sibling = board.custom("pair-tail");
  const pair = board.custom("pair", ["error-drop", "continue", "pair-tail"]);
  const behind = board.custom("behind");
  board.link("before", "out", pair, null, [sibling]);
  board.link("before", "out", behind);
  assert.equal([board.arc(pair, 2), board.arc(pair, 1), board.arc(sibling, 1)], ["pair-tail", "behind", "behind"]);
  board.wiring.unlink(pair);
  board.wiring.connect();
  assert.equal([board.path("c", 1), board.arc(pair, 1), board.arc(sibling, 1)], [["behind", "out"], "behind", "behind"]);
});

test("gates: into the node, or past it to whatever follows; one that is taken out keeps its slots", () => {
  const board = watched();
  const [one, two] = [board.custom("one"), board.custom("two")];
  const [g1, g2] = [board.gate("one-gate"), board.gate("two-gate")];
  board.link("before", "b", one, g1);
  board.link("before", "b", two, g2);
  assert.equal([board.path("a", 1, true), board.path("a", 1, false)], [["one", "two", "b"], ["b"]]);
  assert.equal([0, 1, 2, 3].map((slot) => board.arc(g1, slot)), ["error-drop", "one", "two-gate", "none"]);
  assert.is(board.wiring.unlink(one).gate, g1);
  board.wiring.connect();
  assert.equal([1, 2].map((slot) => board.arc(g1, slot)), ["one", "two-gate"], "packets that are in it find their way on");
  assert.equal([board.arc(one, 1), board.path("a", 1, true)], ["two-gate", ["two", "b"]]);
});

test("unlink leaves a node its slots, and a chain that is empty goes", () => {
  const board = watched();
  const one = board.custom("one");
  board.link("after", "b", one);
  assert.is(board.wiring.chainOf(one)?.node.name, "b");
  board.wiring.unlink(one);
  board.wiring.connect();
  assert.equal([board.wiring.chains, board.wiring.chainOf(one), board.arc(one, 1), board.path("b", 1)], [[], undefined, "c", ["c"]]);
  board.wiring.clear(one);
  assert.equal([0, 1].map((slot) => board.arc(one, slot)), ["none", "none"]);
});

test("a node that is put elsewhere is wired for there before packets come", () => {
  const board = watched();
  const one = board.custom("one");
  board.link("after", "b", one);
  board.wiring.unlink(one);
  board.wiring.connect();
  board.stores.length = 0;
  board.link("before", "out", one);
  assert.equal(board.stores, [["one", 1, "out"], ["c", 1, "one"]]);
});

test("the one that is to take a place is wired like the one in it, and that keeps its slots", () => {
  const board = watched();
  const sibling = board.custom("old-tail");
  const old = board.custom("old", ["error-drop", "continue", "old-tail"]);
  board.link("after", "b", old, null, [sibling]);
  const fresh = board.custom("fresh", undefined, old);
  assert.equal([board.arc(fresh, 1), board.path("b", 1)], ["c", ["old", "c"]], "nothing leads to it yet");
  const link = board.wiring.chainOf(old)!.links[0]!;
  [link.node, link.siblings] = [fresh, []];
  sibling.name = "old-tail~"; // the names are others' now
  board.wiring.retire([old, sibling]);
  board.wiring.connect();
  assert.equal([board.path("b", 1), board.arc(old, 1), board.arc(old, 2)], [["fresh", "c"], "c", "old-tail~"]);
});

test("what cannot be wired changes nothing; error-drop's way to the free list never goes", () => {
  const board = watched();
  board.registry.find("b").next[1] = "lost";
  assert.throws(() => board.wiring.connect(), /lost/);
  board.registry.find("b").next[1] = "c";
  board.wiring.connect();
  assert.equal([board.stores, board.arc(board.registry.find("error-drop"), 0)], [[], "free"]);
});

// The oracle: places as lists of names, walked by hand.

interface Standing { name: string; gated: boolean }
type Places = Map<string, Standing[]>;

function walk(places: Places, from: string, slot: number, gated: boolean): string {
  const target = OWN[from]![slot]!;
  const chain = [...((slot === 1 && places.get(`after ${from}`)) || []), ...(places.get(`before ${target}`) ?? [])];
  return [...chain.filter((one) => gated || !one.gated).map((one) => one.name), target].join(" ");
}

const anchors = fc.constantFrom(
  "after a", "after b", "after c", "after out", "before a", "before b", "before c", "before out", "before error-drop",
);
const step = fc.record({ what: fc.constantFrom("put", "put", "take", "replace"), at: anchors, gated: fc.boolean(), which: fc.nat(7) });

test("random changes: each store leaves every way as it was or as it is to be, and the last one as the places say", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (all) => {
    const board = new Board();
    const places: Places = new Map();
    const nodes = new Map<string, NodeSpec>();
    const expected = (): Record<string, string> =>
      Object.fromEntries(Object.keys(board.paths()).map((way) => {
        const [from, slot, gated] = way.split(" ") as [string, string, string];
        return [way, from === "error-drop" ? "free" : walk(places, from, Number(slot), gated === "true")];
      }));
    const standing = (which: number): [string[], Standing[], number] | undefined => {
      const found = [...places].flatMap(([at, list]) => list.map((_, i) => [at.split(" "), list, i] as [string[], Standing[], number]));
      return found[which % found.length];
    };
    for (const [step, { what, at, gated, which }] of all.entries()) {
      const before = expected();
      const name = `n${step}`;
      const there = standing(which);
      let change = (): void => {};
      if (what === "put") {
        const [anchor, own] = at.split(" ") as ["after" | "before", string];
        const node = board.custom(name);
        const gate = gated ? board.gate(`${name}-gate`) : null;
        nodes.set(name, node);
        places.set(at, [...(places.get(at) ?? []), { name, gated }]);
        change = () => board.link(anchor, own, node, gate);
      } else if (there) {
        const [, list, i] = there;
        const old = nodes.get(list[i]!.name)!;
        if (what === "take") list.splice(i, 1);
        else list[i] = { name, gated: list[i]!.gated };
        change = () => {
          if (what === "take") board.wiring.unlink(old);
          else {
            nodes.set(name, board.custom(name, undefined, old));
            board.wiring.chainOf(old)!.links.find((link) => link.node === old)!.node = nodes.get(name)!;
            board.wiring.retire([old]);
          }
          board.wiring.connect();
        };
      }
      const after = expected();
      board.watch = () => {
        board.complete();
        for (const [way, path] of Object.entries(board.paths())) {
          assert.ok([before[way], after[way]].includes(path), `${way}: ${path}, not ${before[way]} or ${after[way]}`);
        }
      };
      change();
      board.watch = () => {};
      assert.equal(board.paths(), after);
      board.forgetUnused();
    }
  }), { numRuns: 300 });
});

test.run();
