// mirror in a router: which frames leave by the mirror port, and that copies come to an end.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { must } from "../../host/lab/command.js";
import { InlineRouter, LEFT_MAC, RIGHT_MAC } from "../graph/inline.js";
import { ethernet, ip4, udp } from "../graph/packets.js";
import { compileExample, toHex } from "./harness.js";

const PEERS = ["02:00:00:00:00:02", "02:00:00:00:00:03"] as const;
const MIRROR_PORT = 2;

const folder = mkdtempSync(join(tmpdir(), "weft-"));
const file = join(folder, "mirror.wasm");
writeFileSync(file, compileExample("mirror"));
await must(null, "ip", ["link", "add", "name", "span", "type", "veth", "peer", "name", "span-peer"]);
for (const name of ["span", "span-peer"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);

const inline = await InlineRouter.startPair();
const { router } = inline;
await router.createHostInterface("span");
router.setInterfaceState("host-span", true);
router.setNeighbor("host-left", "192.0.2.2", PEERS[0]);
router.setNeighbor("host-right", "198.51.100.2", PEERS[1]);
inline.settle();

/** A datagram from the left peer to the right one, and as the router sends it on. */
const payload = udp(5000, 6000, Array<number>(64).fill(7));
const frame = ethernet(LEFT_MAC, PEERS[0], 0x0800, ip4({ from: "192.0.2.2", to: "198.51.100.2", protocol: 17, payload }));

/** Sends n of them; what the right port, and what the mirror port sent, each as hex. */
function forward(n: number): { right: string[]; span: string[] } {
  inline.send(0, Array.from({ length: n }, () => frame));
  const sent = (port: number): string[] => inline.sent(port).map((bytes) => toHex(bytes));
  return { right: sent(1), span: sent(MIRROR_PORT) };
}

function checkBalance(): void {
  const { received, originated, transmitted, dropped, held } = router.balance();
  assert.is(received + originated, transmitted + dropped + held);
  assert.equal(inline.traps, []);
}

test.after(async () => {
  await router.stop();
  rmSync(folder, { recursive: true });
});

test("after ip4-input the copies are the frames that came in", async () => {
  await router.loadNode(file, "span", { interface: "host-span", sample: 2 });
  await router.insertNode("span", { after: "ip4-input", interface: "host-left" });
  const { right, span } = forward(300);
  assert.is(right.length, 300);
  assert.equal(span, Array.from({ length: 150 }, () => toHex(frame)));
  await router.unloadNode("span");
  assert.is(forward(10).span.length, 0);
  checkBalance();
});

test("before interface-output they are those that go out, and no copy is copied", async () => {
  await router.loadNode(file, "span-out", { interface: "host-span", layer: "ethernet" });
  await router.insertNode("span-out", { before: "interface-output" });
  const { right, span } = forward(300);
  assert.is(right.length, 300);
  assert.equal(span, right);
  assert.is(span[0]!.slice(0, 24), `${PEERS[1]}${RIGHT_MAC}`.replace(/:/g, ""));
  await router.unloadNode("span-out");
  checkBalance();
});

test("a mirror of what goes out lets the copies of what came in pass", async () => {
  await router.loadNode(file, "in", { interface: "host-span" });
  await router.loadNode(file, "out", { interface: "host-span", layer: "ethernet" });
  await router.insertNode("in", { after: "ip4-input" });
  await router.insertNode("out", { before: "interface-output" });
  const { right, span } = forward(10);
  const came = Array.from({ length: 10 }, () => toHex(frame));
  assert.equal(span.sort(), [...right, ...came].sort());
  assert.is(router.nodeCounters().find(({ node, name }) => node === "out" && name === "copies passed on")?.value, 10);
  checkBalance();
});

test.run();
