// A thousand random changes of custom nodes, with packets between any two steps of each: every packet comes out
// once, with the marks of exactly those nodes that stood in its way before the change or after it.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { WeftError } from "../../host/errors.js";
import { Bed, type Came } from "./custom-bed.js";
import { CONFIGURED, MARK_CONFIG, marking, moduleOf } from "./custom-modules.js";
import { Model, SECOND, TAIL } from "./custom-model.js";
import { make, MARKS, randomChanges } from "./custom-changes.js";

const CHANGES = 1000;
const plus = (offset: number): string => `(i32.add ${CONFIGURED} (i32.const ${offset}))`;
const VERSIONS = [
  moduleOf(marking("mark", CONFIGURED), { name: "mark", config: MARK_CONFIG }),
  moduleOf(marking("mark", plus(SECOND)), { name: "mark", config: MARK_CONFIG, stateVersion: 2 }),
  moduleOf(marking("mark", CONFIGURED, "(i32.const 2)") + marking("tail", plus(TAIL)),
    { name: "mark", next: ["error-drop", "continue", "tail"], config: MARK_CONFIG }, { name: "tail" }),
];

const nameOf = (mark: number): string => `n${Math.floor(((mark % SECOND) - 1) / MARKS)}`;

const bed = await Bed.start();
const { router } = bed;

/** Packets that each node must have counted, since it was loaded. */
const counted = new Map<string, number>();

function count(came: Came[]): void {
  for (const mark of came.flatMap(({ trail }) => trail)) if (mark < TAIL) counted.set(nameOf(mark), (counted.get(nameOf(mark)) ?? 0) + 1);
}

const still = () => ({ nodes: router.customNodes(), memory: router.memory(), wiring: bed.wiring() });

bed.check(`${CHANGES} random changes while packets flow`, async () => {
  const model = new Model(["host-left", "host-right"]);
  const next = randomChanges(model, VERSIONS.length);
  let [made, refused, passed] = [0, 0, 0];
  bed.observe = (came) => {
    count(came);
    passed += came.length;
  };
  for (let step = 0; made < CHANGES; step++) {
    const before = model.trails();
    const held = still();
    const change = next();
    const where = `change ${step}: ${JSON.stringify(change)}`;
    if (change.what === "load" && !model.names.includes(change.name)) counted.delete(change.name);
    const allowed = model.change(change);
    const ways = model.trails().map((trail, way) => [trail.join(), before[way]!.join()]);
    const wrong: string[] = [];
    bed.between = ({ type }) => {
      try {
        const strange = bed.trails(2).filter((trail, way) => !ways[way]!.includes(trail.join()));
        if (strange.length > 0) wrong.push(`${type}: ${strange.join(" and ")}, not one of ${ways.flat().join(" | ")}`);
      } catch (error) {
        wrong.push(`${type}: ${(error as Error).message}`);
      }
    };
    const outcome = await make(router, VERSIONS, change).then(() => null, (error: WeftError) => error);
    bed.between = () => {};
    assert.is(outcome === null, allowed, `${where}: ${outcome?.message}`);
    assert.equal(wrong, [], where);
    assert.equal(bed.trails(), model.trails(), where);
    if (!allowed) assert.equal(still(), held, where);
    for (const { node, value } of router.nodeCounters()) if (!node.endsWith("-tail")) assert.is(value, counted.get(node) ?? 0, `${where}: ${node}`);
    if (allowed) made++;
    else refused++;
  }
  assert.ok(refused > CHANGES / 20 && passed > CHANGES * 15, `${made} made, ${refused} refused, ${passed} packets`);
  assert.equal(router.errors().filter(({ reason }) => reason !== "marked"), []);
});

test.after(() => router.stop());
test.run();
