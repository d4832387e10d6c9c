import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VECTOR } from "../../assembly/abi.js";
import { type Packet, clock, loadExample, resetTables, view } from "./harness.js";

const { "flow-meter": meter } = loadExample("flow-meter");

const MS = 1e6;
const SECOND = 1e9;
const WAYS = 8;

test.before.each(() => {
  resetTables();
  clock.now = 1000 * SECOND;
  meter.clear();
  meter.configure({});
});

const UDP = "4500001c 00004000 40110000 c0000202 0a010203  00350400 00080000";
const TCP = "45000028 00004000 40060000 c0000202 0a010203  9c400050 00000001 00000000 50020400 00000000";

type Row = { source: string; destination: string } & Record<string, number>;
const rows = (): Row[] => meter.rows("flows") as Row[];

test("each flow has a row, the largest first", () => {
  const back = "45000030 00004000 40110000 0a010203 c0000202  04000035 001c0000" + "00".repeat(20);
  meter.send({ hex: UDP, l2: 0 }, { hex: TCP, l2: 0 });
  clock.now += 7 * MS;
  meter.send({ hex: UDP, l2: 0 }, { hex: back, l2: 0 });
  const there = { source: "192.0.2.2", destination: "10.1.2.3" };
  const first = 1_000_000;
  assert.equal(rows(), [
    { ...there, protocol: 17, "source-port": 53, "destination-port": 1024, packets: 2, bytes: 56, missed: 0, first, last: first + 7 },
    {
      source: "10.1.2.3", destination: "192.0.2.2", protocol: 17, "source-port": 1024, "destination-port": 53,
      packets: 1, bytes: 48, missed: 0, first: first + 7, last: first + 7,
    },
    { ...there, protocol: 6, "source-port": 40000, "destination-port": 80, packets: 1, bytes: 40, missed: 0, first, last: first },
  ]);
  assert.equal(meter.gauges(), { flows: 3 });
  assert.equal(meter.counters(), { "flows begun": 3 });
});

test("every packet goes on as it came", () => {
  for (const hex of [UDP, TCP, "", "60", `75${UDP.slice(2)}`]) {
    const outcome = meter.pass({ hex, l2: 0 });
    assert.equal(outcome, { next: "continue", copy: null, hex: hex.replace(/ /g, "") });
  }
});

test("ports count where they can be read, else 0", () => {
  const cases: [packet: Omit<Packet, "l2">, protocol: number, ports: [number, number]][] = [
    [{ hex: UDP }, 17, [53, 1024]],
    [{ hex: UDP.replace("40110000", "40840000") }, 132, [53, 1024]],
    [{ hex: UDP.replace("40110000", "40010000") }, 1, [0, 0]], // ICMP has none
    [{ hex: UDP.replace("40110000", "40000000") }, 0, [0, 0]],
    [{ hex: UDP.replace("00004000", "00002000") }, 17, [53, 1024]], // the first fragment
    [{ hex: UDP.replace("00004000", "00000001") }, 17, [0, 0]], // a later one
    [{ hex: UDP, pieces: [23, 5] }, 17, [0, 0]],
    [{ hex: UDP, pieces: [24, 4] }, 17, [53, 1024]],
    [{ hex: UDP.replace("4500001c", "45000017") }, 17, [0, 0]], // IP says that it ends in the ports
    [{ hex: UDP.replace("4500001c", "46000020").replace("0a010203", "0a010203 01010100") }, 17, [53, 1024]], // options
    [{ hex: UDP.replace("4500001c", "4f00001c") }, 17, [0, 0]], // a header longer than the packet
  ];
  for (const [packet, protocol, ports] of cases) {
    meter.clear();
    meter.pass({ ...packet, l2: 0 });
    const [row] = rows();
    assert.equal([row?.protocol, row?.["source-port"], row?.["destination-port"]], [protocol, ...ports], JSON.stringify(packet));
  }
});

test("what is not IPv4 counts as unreadable, with all its buffers", () => {
  meter.send({ hex: UDP.slice(0, 40), l2: 0 }, { hex: `65${UDP.slice(2)}`, l2: 0 }, { hex: `44${UDP.slice(2)}`, l2: 0 });
  meter.pass({ hex: TCP, l2: 0, pieces: [19, 21] });
  assert.equal(meter.counters(), { "unreadable packets": 4, "unreadable bytes": 18 + 28 + 28 + 40 });
  meter.pass({ hex: TCP, l2: 0, pieces: [24, 16] });
  assert.is(rows()[0]!.bytes, 40);
});

test("protocol and every bit of addresses and ports make a flow of its own", () => {
  const bytes = UDP.replace(/ /g, "");
  const changed = [9, ...Array.from({ length: 12 }, (_, i) => 12 + i)].flatMap((at) => [1, 0x80].map((bit) => {
    const byte = (parseInt(bytes.slice(at * 2, at * 2 + 2), 16) ^ (at === 9 ? bit * 149 : bit)) & 0xff; // 17 ^ 149 is 132: SCTP
    return bytes.slice(0, at * 2) + byte.toString(16).padStart(2, "0") + bytes.slice(at * 2 + 2);
  }));
  meter.send({ hex: UDP, l2: 0 }, ...changed.map((hex) => ({ hex, l2: 0 })));
  assert.is(rows().length, changed.length + 1);
});

test("a flow that is quiet for longer than idle gives up its row, and what it counted goes to the others", () => {
  meter.configure({ idle: 2 });
  meter.send({ hex: UDP, l2: 0 }, { hex: UDP, l2: 0 }, { hex: TCP, l2: 0 });
  clock.now += 2 * SECOND;
  for (let vector = 0; vector < 128; vector++) meter.pass({ hex: TCP, l2: 0 });
  assert.equal(meter.gauges(), { flows: 2 }); // 2 s: not longer
  clock.now += MS;
  for (let vector = 0; vector < 128; vector++) meter.pass({ hex: TCP, l2: 0 });
  assert.equal(rows().map(({ protocol }) => protocol), [6]);
  assert.equal(meter.gauges(), { flows: 1 });
  assert.equal(meter.counters(), { "other packets": 2, "other bytes": 56, "flows begun": 2 });
  meter.pass({ hex: UDP, l2: 0 });
  assert.equal(rows().map(({ protocol, packets, missed }) => [protocol, packets, missed]), [[6, 257, 0], [17, 1, 0]]);
});

// The guarantee, against a map that forgets nothing. A flow's set is where an empty meter puts it.

function packetOf(flow: number, length: number): Packet {
  const hex = (value: number, bytes: number): string => value.toString(16).padStart(bytes * 2, "0");
  const header = `4500${hex(length, 2)}0000400040110000c0000202${hex(0x0a000000 + flow % 2, 4)}${hex(1024 + flow, 2)}0035`;
  return { hex: header + "00".repeat(length - 24), l2: 0 };
}

const flowOf = (row: Row): number => row["source-port"]! - 1024;

function setOf(flow: number): number {
  meter.clear();
  meter.pass(packetOf(flow, 24));
  const { at, size, used, rows: count } = meter.declared.tables![0]!;
  const row = Array.from({ length: count }, (_, k) => k).find((k) => view.getUint32(meter.state + at + k * size + used, true) !== 0);
  return Math.floor(row! / WAYS);
}

/** The sets of 2048 flows, by flow. */
const sets = Array.from({ length: 2048 }, (_, flow) => setOf(flow));

test("flows spread over all sets", () => {
  const load = Array.from({ length: 128 }, (_, set) => sets.filter((one) => one === set).length);
  assert.ok(Math.min(...load) >= 4 && Math.max(...load) <= 36, `${Math.min(...load)} to ${Math.max(...load)} of 16`);
});

/** Sixteen flows each of three sets, twice as many as these have rows. */
const crowd = [...new Set(sets)]
  .map((set) => [...sets.keys()].filter((flow) => sets[flow] === set))
  .filter((flows) => flows.length >= 16)
  .slice(0, 3)
  .flatMap((flows) => flows.slice(0, 16));

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);

function checkGuarantee(carried: Map<number, number>, packets: number): void {
  const listed = new Map(rows().map((row) => [flowOf(row), row]));
  const other = { packets: 0, bytes: 0 };
  for (const [name, value] of Object.entries(meter.counters())) {
    if (name === "other packets") other.packets = value;
    if (name === "other bytes") other.bytes = value;
  }
  const all = [...listed.values()];
  assert.is(sum(all.map((row) => row.packets!)) + other.packets, packets);
  assert.is(sum(all.map((row) => row.bytes!)) + other.bytes, sum([...carried.values()]));
  assert.equal(meter.gauges(), { flows: all.length });
  for (const [flow, truth] of carried) {
    const ofSet = sum([...carried].filter(([one]) => sets[one] === sets[flow]).map(([, bytes]) => bytes));
    const row = listed.get(flow);
    const [bytes, missed] = [row?.bytes ?? 0, row?.missed ?? 0];
    assert.ok(bytes <= truth && missed <= ofSet / WAYS, `flow ${flow} has ${bytes} and ${missed} of ${truth} in ${ofSet}`);
    assert.ok(truth <= (row ? bytes + missed : ofSet / WAYS), `flow ${flow} with ${truth} of ${ofSet} has ${row ? JSON.stringify(row) : "no row"}`);
  }
}

test("no talker is lost, and nothing of the total, over random flows", () => {
  assert.is(crowd.length, 48);
  // a few flows are larger than the rest by much
  const flow = fc.oneof(fc.integer({ min: 0, max: 47 }), fc.nat({ max: 47 }).map((k) => k % 6), fc.constantFrom(3, 20, 40));
  const packet = fc.record({ flow, length: fc.oneof(fc.integer({ min: 24, max: 200 }), fc.constant(1500)) });
  let full = 0;
  fc.assert(fc.property(fc.array(packet, { minLength: 1, maxLength: 3 * VECTOR, size: "max" }), (packets) => {
    meter.clear();
    const carried = new Map<number, number>();
    for (const { flow: k, length } of packets) carried.set(crowd[k]!, (carried.get(crowd[k]!) ?? 0) + length);
    meter.send(...packets.map(({ flow: k, length }) => packetOf(crowd[k]!, length)));
    checkGuarantee(carried, packets.length);
    if (Object.hasOwn(meter.counters(), "other bytes")) full++;
  }), { numRuns: 60, endOnFailure: true });
  assert.ok(full > 30, `rows were given up in ${full} runs only`);
});

test("a new flow takes the row of one that has ended before that of a smaller one", () => {
  meter.configure({ idle: 1 });
  const [large, late, ...small] = crowd.slice(0, 9) as [number, number, ...number[]];
  meter.send(packetOf(large, 1500));
  clock.now += 2 * SECOND;
  meter.send(...small.map((flow) => packetOf(flow, 100)));
  meter.send(packetOf(late, 100));
  assert.equal(rows().map(flowOf).sort(), [late, ...small].sort());
  assert.is(Math.max(...rows().map((row) => row.missed!)), 0); // nobody who wanted a row has been without
});

test("in the first seconds nothing is idle", () => {
  clock.now = SECOND;
  meter.configure({ idle: 2 });
  for (let vector = 0; vector < 128; vector++) meter.pass({ hex: UDP, l2: 0 });
  assert.is(rows()[0]!.packets, 128);
});

test("the total holds while flows end", () => {
  meter.clear();
  meter.configure({ idle: 1 });
  let packets = 0;
  let bytes = 0;
  for (let k = 0; k < 2000; k++) {
    clock.now += 40 * MS;
    const length = 24 + ((k * 7919) % 400);
    meter.pass(packetOf(crowd[(k * k) % (k % 500 < 250 ? 48 : 5)]!, length));
    packets++;
    bytes += length;
  }
  const { "other packets": otherPackets = 0, "other bytes": otherBytes = 0 } = meter.counters();
  assert.is(sum(rows().map((row) => row.packets!)) + otherPackets, packets);
  assert.is(sum(rows().map((row) => row.bytes!)) + otherBytes, bytes);
  assert.equal(meter.gauges(), { flows: rows().length });
  assert.ok(rows().length <= 25 && otherPackets > 0);
});

test.run();
