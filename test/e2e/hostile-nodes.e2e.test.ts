// Nodes that trap, or break the contract otherwise: see hostile-lab.ts.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { COPY_SHIFT, MODULES } from "../../assembly/abi.js";
import { echoReplies } from "../../host/cli/peers.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { HostileLab } from "./hostile-lab.js";
import { BREACHES, LOG, pass, TRAPS } from "./hostile-modules.js";
import { until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const lab = await HostileLab.create();

for (const [name, [cause, node]] of Object.entries(TRAPS)) {
  lab.hostile(`trap: ${name}`, lab.module(node), async () => {
    assert.is(await lab.knock(), 0);
    // One for each packet, unless a busy worker finds several in a frame.
    const lost = (): number => lab.count("frame lost to a trap");
    await until("it is counted", () => lab.bad.traps > 0 && lost() > 0);
    assert.equal([lost() <= 5, lab.bad.state], [true, "running"]);
    assert.match(lab.bad.cause!, cause);
  });
}

for (const [name, [why, node]] of Object.entries(BREACHES)) {
  lab.hostile(`breach: ${name}`, lab.module(node), async () => {
    const before = await echoReplies(lab.b);
    await lab.knock();
    // The node spoils the first packet of a frame. Others in it, where a busy worker finds several, are answered.
    const counted = async (): Promise<boolean> => lab.count(why) + (await echoReplies(lab.b)) - before >= 5;
    await until("all are counted", counted).catch(() => assert.unreachable(`${why}: ${lab.count(why)}; ${JSON.stringify(lab.router.errors())}`));
    assert.is(lab.bad.traps, 0);
  });
}

lab.hostile("two nodes that send their packets to each other", lab.module({
  body: pass(2),
  more: `(func (export "back") (param $node i32) (param $frame i32) (param $n i32) ${pass(1)})`,
  fields: { next: ["error-drop", "continue", "back"] },
  second: { name: "back", process: "back", next: ["error-drop", "null"] },
}), async () => {
  await lab.knock();
  await until("all are counted", () => lab.count("went round in circles", "graph") === 5);
});

lab.hostile("a flood of copies: of each packet, and of each copy of it", lab.module({
  body: pass(2 | (2 << COPY_SHIFT)),
  fields: { next: ["error-drop", "continue", "null"] },
}), async () => {
  await lab.knock();
  await until("all are counted", () => lab.count("went round in circles", "graph") >= 10);
});

lab.hostile("a flood of log lines, with good and bad addresses", lab.module({
  body: `(local $i i32) (loop $next (call $log (i32.const ${MODULES}) (i32.const 40)) (call $log (i32.const 0) (i32.const 100))
    (call $log (i32.const -1) (i32.const -1)) (call $log (i32.const 0x80000000) (i32.const -1))
    (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $next (i32.lt_u (local.get $i) (i32.const 2000)))) ${pass()}`,
  more: LOG,
}), async () => {
  lab.notices = [];
  await lab.answered();
  // Ten a second; at worst each of ten packets comes in a second of its own.
  assert.ok(lab.notices.length > 0 && lab.notices.length < 200, `${lab.notices.length} lines`);
});

lab.hostile("restart: a node that traps again at once waits longer each time", lab.module({ body: "(unreachable)" }), async () => {
  await lab.router.setNodePolicy("bad", { restart: 50 });
  await until("two restarts", async () => (await lab.knock(3)) === 0 && lab.bad.traps >= 3);
  assert.ok(["waiting", "running"].includes(lab.bad.state), lab.bad.state);
  // The first time it is so short that a busy worker may find all packets before it, or behind it.
  await until("it waits", async () => (await lab.knock(3)) === 0 && lab.count("passed over: the node is not running") > 0);
});

lab.hostile("restart: it is a new instance that goes on", lab.module({
  // An echo request and its reply come past; the third call traps, and each one after that.
  body: `(if (i32.ge_u (global.get $calls) (i32.const 2)) (then (unreachable)))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1))) ${pass()}`,
  more: "(global $calls (mut i32) (i32.const 0))",
}), async () => {
  await lab.router.setNodePolicy("bad", { restart: 1 });
  // Every other packet; one after the other, for a busy worker would find several in a frame.
  for (let round = 1; round <= 4; round++) {
    await lab.answered(1);
    assert.is(await lab.knock(1), 0);
    await until("it traps", () => lab.bad.traps === round);
  }
});

test.after(() => lab.close());
test.run();
