import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VECTOR } from "../../assembly/abi.js";
import { type Packet, clock, fromHex, loadExample, resetTables } from "./harness.js";

const { policer } = loadExample("policer");

const SECOND = 1e9;

test.before.each(() => {
  resetTables();
  clock.now = 5 * SECOND;
  policer.clear();
  policer.configure({});
});

function hex(value: number, bytes: number): string { return value.toString(16).padStart(bytes * 2, "0"); }

/** One's complement sum over hex text, as RFC 1071 describes it: 0xffff over a header that is intact. */
function sum(header: string): number {
  const words = header.match(/.{4}/g)!.map((word) => parseInt(word, 16));
  return words.reduce((all, word) => (all + word > 0xffff ? all + word - 0xffff : all + word), 0);
}

/** An IPv4 packet of so many bytes with this second byte of its header. */
function packet(length: number, tos = 0, identification = 0): Packet {
  const header = `45${hex(tos, 1)}${hex(length, 2)}${hex(identification, 2)}000040110000c00002020a010203`;
  const checksum = hex(0xffff - sum(header), 2);
  return { hex: header.slice(0, 20) + checksum + header.slice(24) + "ab".repeat(length - 20), l2: 0 };
}

const colours = (): Record<string, number> => Object.fromEntries(Object.entries(policer.counters()).filter(([name]) => name.endsWith("packets")));

test("without a configuration every packet is green and goes on as it came", () => {
  const one = packet(1500, 0xff);
  assert.equal(policer.send(one, one), [{ next: "continue", copy: null, hex: one.hex }, { next: "continue", copy: null, hex: one.hex }]);
  assert.equal(policer.counters(), { "green packets": 2, "green bytes": 3000 });
});

test("green as long as both buckets have tokens, yellow while the peak one has, then red", () => {
  policer.configure({ cir: 8, cbs: 250, pir: 16, pbs: 600, yellow: "mark", yellowDscp: 10 });
  const outcomes = policer.send(...Array.from({ length: 7 }, () => packet(100)));
  assert.equal(outcomes.map(({ next }) => next), [...Array<string>(6).fill("continue"), "error-drop"]);
  const expected = { "green packets": 2, "green bytes": 200, "yellow packets": 4, "yellow bytes": 400, "red packets": 1, "red bytes": 100 };
  assert.equal(policer.counters(), expected);
  assert.equal(policer.gauges(), { "committed tokens": 50, "peak tokens": 0 });
  assert.equal(outcomes.map((outcome) => outcome.hex.slice(2, 4)), ["00", "00", "28", "28", "28", "28", "00"]);
});

test("a red packet takes no tokens, a yellow one only those of the peak bucket", () => {
  policer.configure({ cir: 8, cbs: 100, pir: 8, pbs: 300 });
  policer.send(packet(301), packet(101), packet(100), packet(100));
  assert.equal(colours(), { "green packets": 1, "yellow packets": 1, "red packets": 2 });
  assert.equal(policer.gauges(), { "committed tokens": 0, "peak tokens": 99 });
});

test("the buckets gain their rates, to the nanosecond, and no more than they hold", () => {
  policer.configure({ cir: 8, cbs: 100, pir: 80, pbs: 1000 }); // 1000 and 10,000 bytes a second
  policer.send(...Array.from({ length: 10 }, () => packet(100))); // both are empty now
  clock.now += 0.1 * SECOND - 1;
  policer.send(packet(100)); // peak has 999.99999
  assert.equal(colours(), { "green packets": 1, "yellow packets": 10 });
  clock.now += 1;
  policer.send(packet(100));
  assert.equal(colours(), { "green packets": 2, "yellow packets": 10 });
  clock.now += 3600 * SECOND;
  policer.send(packet(20));
  assert.equal(policer.gauges(), { "committed tokens": 80, "peak tokens": 980 });
});

test("a bucket is full when the last part of a byte has come, not before", () => {
  policer.configure({ cir: 7, cbs: 20, pir: 7, pbs: 20 }); // 20 bytes in 22,857,142.86 ns
  policer.send(packet(20));
  for (const wait of [22_857_142, 1]) {
    clock.now += wait;
    policer.send(packet(20));
  }
  assert.equal(colours(), { "green packets": 2, "red packets": 1 });
});

test("a clock that goes back or stands still brings nothing", () => {
  policer.configure({ cir: 8, cbs: 100, pir: 8, pbs: 100 });
  policer.send(packet(100));
  for (const now of [4.9 * SECOND, 5 * SECOND, 0]) {
    clock.now = now;
    policer.send(packet(20));
  }
  assert.equal(colours(), { "green packets": 1, "red packets": 3 });
  clock.now = 5.02 * SECOND;
  policer.send(packet(20));
  assert.equal(colours(), { "green packets": 2, "red packets": 3 });
});

test("the largest bursts, after so long that the rate times the time overflows", () => {
  const most = 2 ** 32 - 1;
  const rates = [2 ** 31, 1e9, most];
  for (const rate of rates) {
    clock.now = 0;
    policer.configure({ cir: rate, cbs: most, pir: rate, pbs: most });
    for (const now of [2 ** 33, 2 ** 53, 2 ** 63, 1.8e19]) {
      policer.send(packet(1500));
      clock.now = now;
      policer.send(packet(20));
      assert.equal(policer.gauges(), { "committed tokens": most - 20, "peak tokens": most - 20 }, `${rate} ${now}`);
    }
  }
});

test("without a committed rate nothing is green again once the burst is used up", () => {
  policer.configure({ cir: 0, cbs: 50, pir: 8, pbs: 100 });
  policer.send(packet(50));
  clock.now += 100 * SECOND;
  policer.send(packet(20));
  assert.equal(colours(), { "green packets": 1, "yellow packets": 1 });
});

test("marking keeps the ECN bits and mends the checksum, whatever they were", () => {
  policer.configure({ green: "mark", greenDscp: 46 });
  for (let identification = 0; identification < 65536; identification += 1021) {
    for (const tos of [0, 1, 2, 3, 0xb8, 0xff, 0x28]) {
      const before = packet(20, tos, identification).hex;
      const { hex: after } = policer.pass({ hex: before, l2: 0 });
      assert.is(after.slice(2, 4), hex(0xb8 | (tos & 3), 1));
      assert.is(sum(after), 0xffff);
      assert.is(after.slice(0, 2) + after.slice(4, 20) + after.slice(24), before.slice(0, 2) + before.slice(4, 20) + before.slice(24));
    }
  }
});

test("precedence is set in the packet's own class; what is of none passes as it is", () => {
  const expected: Record<string, number> = { 10: 12, 12: 12, 14: 12, 18: 20, 20: 20, 22: 20, 26: 28, 28: 28, 30: 28, 34: 36, 36: 36, 38: 36 };
  policer.configure({ cir: 0, cbs: 1, pir: 1, pbs: 65535, yellow: "precedence" });
  for (let dscp = 0; dscp < 64; dscp++) {
    assert.is(parseInt(policer.pass(packet(20, dscp << 2)).hex.slice(2, 4), 16) >> 2, expected[dscp] ?? dscp, `DSCP ${dscp}`);
  }
});

test("any colour can be dropped, marked or passed", () => {
  policer.configure({ cir: 8, cbs: 100, pir: 8, pbs: 200, green: "drop", yellow: "pass", red: "mark", redDscp: 8 });
  const outcomes = policer.send(packet(100), packet(100, 4), packet(100, 4));
  assert.equal(outcomes.map(({ next, hex: bytes }) => [next, bytes.slice(2, 4)]), [["error-drop", "00"], ["continue", "04"], ["continue", "20"]]);
});

test("what is not an IPv4 header is dropped and takes no tokens", () => {
  policer.configure({ cir: 8, cbs: 100, pir: 8, pbs: 100 });
  const whole = packet(40).hex;
  const cases: Packet[] = [
    { hex: whole.slice(0, 38) }, { hex: `65${whole.slice(2)}` }, { hex: `44${whole.slice(2)}` }, { hex: "" }, { hex: whole, pieces: [19, 21] },
  ];
  for (const one of cases) assert.is(policer.pass({ ...one, l2: 0 }).next, "error-drop");
  assert.equal(policer.counters(), { "malformed IPv4 header": cases.length });
  assert.equal(policer.gauges(), { "committed tokens": 100, "peak tokens": 100 });
});

test("a chained packet counts with all its buffers", () => {
  policer.send({ ...packet(3000), pieces: [20, 1480, 1500] });
  assert.equal(policer.counters(), { "green packets": 1, "green bytes": 3000 });
});

test("rates that cannot be meant are refused", () => {
  assert.is(policer.configure({ cir: 2, pir: 1 }), 1);
  assert.is(policer.configure({ cir: 2 }), 1);
  assert.is(policer.configure({ cir: 1, pir: 1, cbs: 0 }), 2);
  assert.is(policer.configure({ cir: 1, pir: 1, pbs: 0 }), 2);
  assert.is(policer.configure({ cir: 1, pir: 1 }), 0);
});

// The oracle: RFC 2698, section 3, with exact fractions: tokens in parts of a billionth of a byte.

interface Meter { cir: number; cbs: number; pir: number; pbs: number; colorAware: boolean }
interface Arrival { wait: number; packets: { length: number; dscp: number }[] }

/** RFC 2597, section 6: the code points of each drop precedence. */
const PRECEDENCES = [[0b001010, 0b010010, 0b011010, 0b100010], [0b001100, 0b010100, 0b011100, 0b100100], [0b001110, 0b010110, 0b011110, 0b100110]];

function oracle({ cir, cbs, pir, pbs, colorAware }: Meter, arrivals: Arrival[]): string[] {
  const unit = 1_000_000_000n;
  const gained = (kilobits: number, ns: number): bigint => (BigInt(kilobits) * 1000n * unit * BigInt(ns)) / 8n / unit; // exact: 125 a kbit/s and ns
  const atMost = (tokens: bigint, burst: number): bigint => (tokens > BigInt(burst) * unit ? BigInt(burst) * unit : tokens);
  let committed = BigInt(cbs) * unit;
  let peak = BigInt(pbs) * unit;
  return arrivals.flatMap(({ wait, packets }) => {
    committed = atMost(committed + gained(cir, wait), cbs);
    peak = atMost(peak + gained(pir, wait), pbs);
    return packets.map(({ length, dscp }) => {
      const size = BigInt(length) * unit;
      const came = colorAware ? Math.max(0, PRECEDENCES.findIndex((points) => points.includes(dscp))) : 0;
      if (came === 2 || peak - size < 0n) return "red";
      peak -= size;
      if (came === 1 || committed - size < 0n) return "yellow";
      committed -= size;
      return "green";
    });
  });
}

const dscp = fc.oneof(fc.constantFrom(...PRECEDENCES.flat()), fc.integer({ min: 0, max: 63 }));
const one = fc.record({ length: fc.oneof(fc.integer({ min: 20, max: 1500 }), fc.constantFrom(20, 100, 1000)), dscp });
const wait = fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 125, 1_000_000, 8_000_000, 3.6e12));
const arrival = fc.record({ wait, packets: fc.array(one, { minLength: 1, maxLength: 6, size: "max" }) });
const arrivals = fc.array(arrival, { minLength: 1, maxLength: VECTOR, size: "max" });
const rate = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.constantFrom(1, 7, 1_000_000));
const burst = fc.integer({ min: 1, max: 10_000 });
const meter = fc.record({ low: rate, more: rate, cbs: burst, pbs: burst, colorAware: fc.boolean() })
  .map(({ low, more, ...rest }): Meter => ({ cir: low, pir: Math.max(1, low + more), ...rest }));

test("every colour as exact arithmetic has it, over random arrivals", () => {
  const seen: Record<string, number> = { green: 0, yellow: 0, red: 0 };
  const dscps = { green: "mark", greenDscp: 1, yellow: "mark", yellowDscp: 2, red: "mark", redDscp: 3 };
  fc.assert(fc.property(meter, arrivals, fc.integer({ min: 0, max: 2 ** 50 }), (rates, all, start) => {
    clock.now = start;
    policer.clear();
    assert.is(policer.configure({ ...rates, ...dscps }), 0);
    const got = all.flatMap(({ wait: ns, packets }) => {
      clock.now += ns;
      return policer.send(...packets.map(({ length, dscp: point }) => packet(length, point << 2)));
    });
    const wanted = oracle(rates, all);
    assert.equal(got.map(({ hex: after }) => ["", "green", "yellow", "red"][fromHex(after)[1]! >> 2]), wanted);
    for (const colour of wanted) seen[colour]!++;
  }), { numRuns: 60, endOnFailure: true });
  // Some five thousand of the rarer ones, give or take a thousand: nothing is said of how many, only that each is met often.
  for (const [colour, times] of Object.entries(seen)) assert.ok(times > 500, `${colour}: only ${times} times`);
});

test.run();
