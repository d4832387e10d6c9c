import { test } from "uvu";
import * as assert from "uvu/assert";
import * as fc from "fast-check";
import type { NodeRuntime } from "../../host/control/api.js";
import { type Rates, type Reading, rates, reading } from "../../host/cli/top-rates.js";
import { type View, amount, bar, printable, screen, sparkline } from "../../host/cli/top-screen.js";

function node(name: string, calls: number, vectors: number, clocks: number, traps = 0): NodeRuntime {
  return { name, kind: "wasm", calls, vectors, clocks, clocksPerPacket: clocks / vectors, vectorsPerCall: vectors / calls, traps };
}

/** Of a router with clocks of 1000 a second. */
function read(seconds: number, received: number, dropped: number, ...workers: NodeRuntime[][]): Reading {
  const named = workers.map((nodes, i) => ({
    name: `worker ${i}`, vectorsPerCall: 0, rxRate: received / seconds / workers.length, txRate: (received - dropped) / seconds / workers.length, nodes,
  }));
  return {
    runtime: { seconds, clockRate: 1000, workers: named },
    balance: { received, originated: 0, transmitted: received - dropped, dropped, held: 0, difference: 0 },
  };
}

test("rates are differences, summed over the workers", () => {
  const before = read(10, 1000, 10, [node("ethernet-input", 10, 100, 500), node("ip4-lookup", 10, 100, 500)], [node("ethernet-input", 0, 0, 0)]);
  const now = read(12, 1200, 50, [node("ethernet-input", 14, 200, 700), node("ip4-lookup", 12, 200, 1100, 1)], [node("ethernet-input", 1, 100, 200)]);
  const found = rates(before, now)!;
  assert.equal(found, {
    seconds: 2, rxRate: found.rxRate, txRate: found.txRate, dropRate: 20, clocksPerPacket: found.clocksPerPacket, vectorsPerCall: 40,
    workers: [{ name: "worker 0", busy: 0.4 }, { name: "worker 1", busy: 0.1 }],
    nodes: [
      { name: "ip4-lookup", share: 0.6, clocksPerPacket: 6, rate: 50, vectorsPerCall: 50, traps: 1 },
      { name: "ethernet-input", share: 0.4, clocksPerPacket: 2, rate: 100, vectorsPerCall: 40, traps: 0 },
    ],
  });
  assert.equal([found.rxRate, found.txRate, found.clocksPerPacket].map((value) => value.toFixed(6)), ["100.000000", "80.000000", "5.000000"]);
});

test("a clear in between gives no rates, a node that began anew none below zero", () => {
  const before = read(10, 1000, 0, [node("ip4-lookup", 100, 1000, 5000)]);
  assert.is(rates(before, read(1, 1100, 0, [node("ip4-lookup", 1, 10, 50)])), undefined);
  assert.equal(rates(before, read(11, 1100, 0, [node("ip4-lookup", 1, 10, 50)]))!.nodes, []);
});

test("a reading that is none is refused", () => {
  const whole = read(1, 1, 0, [node("a", 1, 1, 1)]);
  const [runtime, balance] = [JSON.stringify(whole.runtime), JSON.stringify(whole.balance)];
  assert.equal(reading(runtime, balance), whole);
  for (const bad of ["", "null", "[]", "{}", runtime.replace('"calls":1', '"calls":"1"'), runtime.replace('"a"', "7"), '{"workers":[null]}']) {
    assert.throws(() => reading(bad, balance), /does not understand/);
  }
  for (const bad of ["", "null", balance.replace('"dropped":0', '"dropped":null')]) assert.throws(() => reading(runtime, bad), /does not understand/);
});

const MEASURED: Rates = {
  seconds: 1, rxRate: 1_234_567, txRate: 1_234_000, dropRate: 567, clocksPerPacket: 180.46, vectorsPerCall: 200.04,
  workers: [{ name: "worker 0", busy: 0.857 }, { name: "worker 1", busy: 0.02 }],
  nodes: [
    { name: "ip4-lookup", share: 0.75, clocksPerPacket: 135.3, rate: 1_234_567, vectorsPerCall: 200, traps: 0 },
    { name: "ethernet-input", share: 0.25, clocksPerPacket: 45.1, rate: 1_234_567, vectorsPerCall: 200, traps: 0 },
  ],
};
const HISTORY = new Map([["", [1, 2]], ["ip4-lookup", [0, 1, 8, 4]]]);
const VIEW: View = { rates: MEASURED, history: HISTORY, order: "clocks", paused: false, colours: false };

test("a screen: the bottleneck is the first node", () => {
  assert.equal(screen(VIEW, 120, 24), [
    "in 1.23M packets/s   out 1.23M   dropped 567   ▄█",
    "busy 86 % 2.0 %   180.5 clocks/packet   200.0 vectors/call",
    "",
    "Node            Share                        Clk/pkt  Packets/s  Vec/call  Past",
    "ip4-lookup       75 %  ███████████████         135.3      1.23M     200.0   ▁█▄",
    "ethernet-input   25 %  █████                    45.1      1.23M     200.0",
  ]);
  assert.equal(screen({ ...VIEW, order: "name", paused: true }, 40, 24), [
    "in 1.23M packets/s   out 1.23M",
    "dropped 567",
    "busy 86 % 2.0 %   180.5 clocks/packet",
    "200.0 vectors/call   PAUSED",
    "",
    "Node            Share  Clk/pkt",
    "ethernet-input   25 %     45.1",
    "ip4-lookup       75 %    135.3",
  ]);
});

test("a router at rest, and one that measures no clocks", () => {
  const rest: Rates = { ...MEASURED, nodes: [], clocksPerPacket: 0, workers: [{ name: "worker 0", busy: 0 }] };
  assert.equal(screen({ ...VIEW, rates: rest }, 100, 24).slice(1), ["busy 0 %   0.0 clocks/packet   200.0 vectors/call", "",
    "Node  Share                        Clk/pkt  Packets/s  Vec/call", "no packets"]);
  const blind: Rates = { ...MEASURED, nodes: MEASURED.nodes.map((one) => ({ ...one, share: 0, clocksPerPacket: 0 })), clocksPerPacket: 0 };
  assert.match(screen({ ...VIEW, rates: blind }, 100, 24)[1]!, "busy ?   clocks not measured (--no-clocks)");
});

test("the hottest node, and one that trapped, in colour", () => {
  const trapped = { ...MEASURED, nodes: [MEASURED.nodes[0]!, { ...MEASURED.nodes[1]!, traps: 1 }] };
  const lines = screen({ ...VIEW, rates: trapped, colours: true }, 120, 24);
  assert.match(lines[4]!, /^\x1b\[33mip4-lookup .*\x1b\[m$/);
  assert.match(lines[5]!, /^\x1b\[31methernet-input .*\x1b\[m$/);
});

test("whatever the router says fits the screen, and is no command to the terminal", () => {
  const anyNode = fc.record({
    name: fc.string({ unit: "binary", maxLength: 60 }), share: fc.double({ min: 0, max: 1, noNaN: true }), clocksPerPacket: fc.double({ min: 0, max: 1e12, noNaN: true }),
    rate: fc.double({ min: 0, max: 1e12, noNaN: true }), vectorsPerCall: fc.double({ min: 0, max: 256, noNaN: true }), traps: fc.nat(2),
  });
  fc.assert(fc.property(fc.array(anyNode, { maxLength: 40 }), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 60 }), (nodes, columns, rows) => {
    const lines = screen({ ...VIEW, rates: { ...MEASURED, nodes } }, columns, rows);
    assert.ok(lines.length <= rows);
    for (const line of lines) {
      assert.ok([...line].length <= columns, line);
      assert.not.match(line, /[^\x20-\x7e▁-█▉-▏…]/);
    }
  }));
});

test("bars, sparklines, amounts", () => {
  assert.equal([bar(0, 4), bar(1 / 32, 4), bar(0.5, 4), bar(1, 4), bar(7, 4)], ["", "▏", "██", "████", "████"]);
  assert.equal([sparkline([]), sparkline([0, 0]), sparkline([1]), sparkline([0, 1, 50, 100])], ["", "  ", "█", " ▁▄█"]);
  assert.equal([0, 0.5, 7, 12.3, 999, 999.7, 1000, 12_345, 999_999, 1e6, 12_345_678, 2.5e9].map(amount),
    ["0", "0.5", "7", "12", "999", "1.00k", "1.00k", "12.3k", "1.00M", "1.00M", "12.3M", "2.50G"]);
  assert.is(printable("a\x1b[2Jb\x9bc\u202ed"), "a?[2Jb?c?d");
});

test.run();
