// Nodes that never return, or end their worker: see hostile-lab.ts.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Running } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { HostileLab, Probe } from "./hostile-lab.js";
import { HANGS } from "./hostile-modules.js";
import { A, B } from "./network.js";
import { until, withoutTicks } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const lab = await HostileLab.create();

function hang(name: string, file: () => string, cause = /it never returned/): void {
  lab.hostile(`hang: ${name}`, file, async () => {
    await lab.knock();
    await until("it is set aside", () => lab.bad.state === "set-aside");
    assert.is(lab.bad.traps, 1);
    assert.match(lab.bad.cause!, cause);
    assert.is(lab.notices.filter((line) => line.startsWith("node bad: set-aside")).length, 1, lab.notices.join("\n"));
    lab.notices = [];
    await lab.taken(); // the rest of what came is dropped, not answered late
    await lab.router.setNodePolicy("bad", { fail: "open" });
    await lab.answered(); // what comes now goes past it
  });
}

for (const [name, node] of Object.entries(HANGS)) hang(name, lab.module(node));

const hostNode = (packet: string) => (): string =>
  lab.file(`export const nodes = [{ name: "script", next: ["error-drop", "continue"], packet: () => { ${packet} } }];`, "mjs");
hang("a host node", hostNode("for (;;);"));
hang("a host node that ends its thread", hostNode("process.exit(3);"), /the packet worker ended: exit code 3/);
const greedy = "const all = []; for (;;) all.push(new Array(1000).fill(all.length + 0.5));";
hang("a host node that eats its thread's memory", hostNode(greedy), /it never returned|memory/); // whichever is first

const THROWN = [["an error", "new Error('no')", /no/], ["undefined", "undefined", /undefined/], ["null", "null", /null/]] as const;
for (const [name, thrown, cause] of THROWN) {
  lab.hostile(`a host node that throws ${name}`, hostNode(`throw ${thrown};`), async () => {
    assert.is(await lab.knock(), 0);
    assert.ok(lab.bad.traps > 0);
    assert.match(lab.bad.cause!, cause);
  });
}

test("a hang under load: rings, waiting frames and held packets outlive the worker", async () => {
  const stranger = "203.0.113.77";
  const waits = lab.a.spawn("ping", ["-n", "-c", "1", "-W", "170", stranger]);
  let told = "";
  waits.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
  let own!: Probe;
  let through!: Running;
  // It is not given up after three seconds.
  await withoutTicks(lab.router, async () => {
    await until("a packet is held", () => lab.router.balance().held > 0);

    // Packets to the router itself and past the node come in the same vectors.
    own = await Probe.start(lab.a, A.gateway);
    through = lab.a.spawn("ping", ["-n", "-q", "-f", B.address]);
    through.stdout.resume();
    await lab.router.loadNode(lab.module(HANGS["an endless loop"]!)(), "bad");
    await lab.router.insertNode("bad", { before: "ip4-rewrite", interface: `host-${B.device}` });
    await until("it is set aside", () => lab.bad.state === "set-aside");
    await until("the new worker works", () => lab.count("frame lost to a trap") === 1);
    await lab.b.address("eth0", `${stranger}/32`);
  });
  await lab.router.unloadNode("bad");
  await until("the held packet's reply", () => told.includes("1 received") || told.includes("0 received"));
  assert.match(told, "1 received", "it was held while its neighbour was asked for, by two workers");
  through.kill("SIGKILL");
  assert.equal(await own.stop(), [], "what the router itself was asked meanwhile");
  await lab.b.ip("address", "delete", `${stranger}/32`, "dev", "eth0");
  await lab.whole();
});

test.after(() => lab.close());
test.run();
