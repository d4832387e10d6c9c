// Nodes that write over what is the graph's own, or other nodes': see hostile-lab.ts. All nodes share one memory, so no rule stops them.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { HostileLab } from "./hostile-lab.js";
import { type Fate, scribbler, scribbles } from "./hostile-modules.js";
import { until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const lab = await HostileLab.create();

const index = (name: string): number => lab.router["registry"].find(name).index;
const { pool, poolEnd } = lab.router["statistics"]["memory"].packets.layout;
const aims = { glean: index("ip4-glean"), punt: index("punt"), ethernet: index("ethernet-input"), pool, poolEnd };

const CAUSES: Record<Fate, RegExp> = {
  undone: /it wrote over what is the graph's own/,
  mended: /after it ran the graph was found broken/,
  "in time": /^null$|after it ran the graph was found broken: buffers are missing/,
  survived: /^null$/,
};

for (const [name, [fate, body]] of Object.entries(scribbles(aims))) {
  lab.hostile(`${fate}: ${name}`, lab.module(scribbler(body)), async () => {
    // at once: buffers from deep in the free list are taken
    if (fate === "survived") await lab.answered(10, 10);
    else await lab.knock(10, 10);
    // The worker may be about to tell it.
    const told = (): boolean => CAUSES[fate].test(String(lab.bad.cause));
    await until("it is told", told).catch(() => assert.unreachable(`${lab.bad.cause}; ${lab.notices.slice(-4).join("; ")}`));
    const { state, cause, traps } = lab.bad;
    assert.equal([state, traps > 0], ["running", cause !== null]);
  }, !name.includes("interfaces' counters"));
}

test.after(() => lab.close());
test.run();
