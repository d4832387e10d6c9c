// When packets go several nodes at once, and when not: what stands between the nodes, who looks on, what a packet must not overtake.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Router } from "../../host/control/router.js";
import { counting, moduleOf } from "./custom-modules.js";
import { NEIGHBOURS, startHalves, toBoth } from "./fused-bed.js";
import { LEFT_MAC } from "./inline.js";
import { ethernet, icmp, ip4, udp } from "./packets.js";

const { fused, plain } = await startHalves();
const both = [fused, plain];
const packet = (fields: Partial<Parameters<typeof ip4>[0]> & { payload: number[] }): Uint8Array =>
  ethernet(LEFT_MAC, "02:00:00:00:00:02", 0x0800, ip4({ from: NEIGHBOURS.left, to: "203.0.113.9", protocol: 17, ...fields }));
const datagram = (port: number, options: number[] = []): Uint8Array => packet({ payload: udp(port, 2, [1, 2, 3]), options });
const FORWARD = datagram(1);
const ECHO = packet({ to: "192.0.2.1", protocol: 1, payload: icmp(8, 0, [0, 7, 0, 1], [1, 2, 3]) });
const BURST = [FORWARD, ECHO, FORWARD];

/** Sends frames to both, from the left; gives how many of them went several nodes at once, and what left, the same in both. */
function pass(frames: Uint8Array[]): { passed: number[]; sent: string[] } {
  for (const { inline } of both) inline.send(0, frames);
  const sent = fused.take();
  assert.equal(plain.take().sort(), [...sent].sort());
  assert.equal(plain.passed(), [0, 0]);
  return { passed: fused.passed(), sent };
}

test("forwarded packets and echo requests go at once, on bursts of every length", () => {
  assert.equal(pass(BURST).passed, [2, 1]);
  assert.equal(pass([ECHO]).passed, [0, 1]);
  assert.equal(pass(Array.from({ length: 256 }, () => FORWARD)).passed, [256, 0]);
});

const PASSING = moduleOf(counting("pass", 1), { name: "pass" });
const PLACES: [place: Parameters<Router["insertNode"]>[1], passed: number[]][] = [
  [{ before: "ethernet-input" }, [0, 0]], [{ after: "ip4-input" }, [0, 0]], [{ after: "ip4-lookup" }, [0, 0]], [{ before: "interface-output" }, [0, 0]],
  [{ after: "ip4-input", interface: "host-third" }, [0, 0]], [{ after: "ip4-local" }, [2, 0]], [{ before: "icmp4-input" }, [2, 0]],
  [{ after: "icmp4-input" }, [2, 0]], [{ before: "ip4-icmp-error" }, [2, 1]],
];
for (const [place, passed] of PLACES) {
  test(`with a node ${JSON.stringify(place)}`, async () => {
    await toBoth(both, async (router) => {
      await router.loadNode(PASSING, "own");
      await router.insertNode("own", place);
    });
    assert.equal(pass(BURST).passed, passed);
    await toBoth(both, (router) => router.unloadNode("own"));
    assert.equal(pass(BURST).passed, [2, 1]);
  });
}

test("not while somebody traces", async () => {
  await toBoth(both, (router) => router.addTrace("ip4-rewrite", 10));
  assert.equal(pass(BURST).passed, [0, 0]);
  assert.is(fused.inline.router.trace().packets.length, 3);
  await toBoth(both, (router) => router.clearTrace());
  assert.equal(pass(BURST).passed, [2, 1]);
});

test("a packet with options is not overtaken by those behind it in its flow", () => {
  const { passed, sent } = pass([datagram(1), datagram(2, [1, 1, 1, 0]), datagram(3), datagram(4)]);
  assert.equal(passed, [1, 0]);
  assert.equal(sent.map((one) => one.split(" ")[2]!.match(/000([1-9])0002/)![1]), ["1", "2", "3", "4"]);
});

test("super-packets and chains go too, with what is behind them; one whose segments are too long stops those behind it", () => {
  const header = [0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 16, 0, 0, 0, 0, 0, 0];
  const tcp = (length: number): Uint8Array => packet({ protocol: 6, payload: [...header, ...new Uint8Array(length)] });
  const cut = (segmentSize: number): void => both.forEach(({ inline }) => Object.assign(inline.ports[0]!, { segmentSize }));
  try {
    cut(1460);
    const { passed, sent } = pass([tcp(5000), tcp(1000), tcp(5000)]);
    assert.equal(passed, [3, 0]);
    assert.equal(sent.map((one) => one.split(" ")[2]!.length / 2), [5054, 1054, 5054]);
    cut(1461);
    assert.equal(pass([tcp(5000), tcp(1000)]).passed, [0, 0]);
    cut(0);
    assert.equal(pass([FORWARD, tcp(5000), FORWARD]).passed, [1, 0]); // as one packet it is to be fragmented
  } finally {
    cut(0);
  }
});

test("where nothing is ordinary for long, only one burst in 64 is looked at", () => {
  const several = packet({ to: "203.0.115.1", payload: udp(1, 2, [3]) }); // over one of two paths
  for (let bursts = 0; bursts < 20; bursts++) assert.equal(pass([several]).passed, [0, 0]);
  let unseen = 0;
  while (pass([FORWARD]).passed[0] === 0) assert.ok(++unseen < 64);
  assert.is(unseen, 64 - 20 - 1);
  assert.equal(pass([FORWARD]).passed, [1, 0]);
});

test("calls, packets and what is left of both are counted as by the nodes themselves", () => {
  const counted = ({ inline }: (typeof both)[number]): unknown => inline.router.runtime().workers[0]!.nodes.map(({ name, calls, vectors }) => [name, calls, vectors]);
  for (const { inline } of both) inline.router.clearRuntime();
  pass([FORWARD, FORWARD]);
  pass([ECHO, ECHO, ECHO]);
  assert.equal(counted(fused), counted(plain));
  assert.equal(fused.inline.router.balance(), plain.inline.router.balance());
});

test.after(async () => {
  for (const { inline } of both) await inline.router.stop();
});
test.run();
