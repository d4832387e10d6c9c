// Streams and captures through a whole router, faults on the way, and what is refused.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PacketStreamOptions } from "../../host/control/api.js";
import { WeftError } from "../../host/errors.js";
import { must } from "../../host/lab/command.js";
import { ethernet, ip4, toHex, udp } from "../graph/packets.js";
import { TrafficRouter } from "../graph/traffic-router.js";
import { readPcapng } from "../pcapng.js";

const folder = mkdtempSync(join(tmpdir(), "weft-traffic-"));
const traffic = await TrafficRouter.start();
const { router } = traffic;
traffic.tap("pg1");

const UDP = "UDP: 192.0.2.2 -> 10.0.0.1-10.0.0.250 UDP: 1234 -> 2345";

async function run(options: Partial<PacketStreamOptions>): Promise<string[]> {
  await router.newPacketStream({ name: "s", interface: "pg0", ...options });
  router.enablePacketStream("s");
  traffic.settle();
  router.deletePacketStream("s");
  return traffic.sent("pg1").map(toHex);
}

/** A test after which every packet has an end and every buffer is free. */
function balanced(name: string, body: () => void | Promise<void>): void {
  test(name, async () => {
    await body();
    assert.is(router.balance().difference, 0);
    const { free, total } = router.buffers();
    assert.is(free, total);
  });
}

const packet = (i: number, size: number): number[] => udp(1000 + i, 9, Array.from({ length: size }, (_, at) => (at * 7 + i) & 255));
const frame = (i: number, size: number, ttl = 64, to = "02:fe:00:00:00:01", from = "02:00:00:00:00:02"): Uint8Array =>
  ethernet(to, from, 0x0800, ip4({ from: "192.0.2.2", to: `10.0.0.${i % 256}`, protocol: 17, ttl, payload: packet(i, size) }));

/** A capture of 300 packets of many sizes, as editcap writes it in this format; and what of it leaves the router by pg1. */
async function capture(format: string): Promise<{ file: string; forwarded: string[] }> {
  const size = (i: number): number => 18 + ((i * 37) % 3000);
  const raw = Array.from({ length: 300 }, (_, i) => frame(i, size(i)));
  const [plain, file] = [join(folder, "raw.pcap"), join(folder, `a.${format}`)];
  writeFileSync(plain, pcap(raw));
  await must(null, "editcap", ["-F", format, plain, file]);
  return { file, forwarded: raw.map((_, i) => toHex(frame(i, size(i), 63, "02:00:00:00:00:03", "02:fe:00:00:00:02"))) };
}

/** Microseconds, little-endian, Ethernet. */
function pcap(frames: Uint8Array[]): Buffer {
  const words = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  const records = frames.flatMap((bytes, i) => [words(i, i, bytes.length, bytes.length), bytes]);
  return Buffer.concat([words(0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1), ...records]);
}

balanced("a stream through the router: its packets leave with another header, each once", async () => {
  const out = await run({ data: UDP, size: "60", limit: 500 });
  assert.is(out.length, 500);
  const payload = Array<number>(18).fill(0);
  const segment = udp(1234, 2345, payload);
  // the checksum of 192.0.2.2 > 10.0.0.n, 17, 26, 1234, 2345, 26
  const header = (n: number): number[] => segment.slice(0, 6).concat(sumOf([192, 0, 2, 2, 10, 0, 0, n, 0, 17, 0, 26, ...segment]));
  const expected = (n: number): string => toHex(ethernet("02:00:00:00:00:03", "02:fe:00:00:00:02", 0x0800,
    forwardedIp(n, [...header(n), ...payload])));
  assert.equal(out, Array.from({ length: 500 }, (_, i) => expected((i % 250) + 1)));
});

function sumOf(bytes: number[]): number[] {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return [(~sum >> 8) & 255, ~sum & 255];
}

/** As the router leaves it, with an identification of 0. */
function forwardedIp(n: number, payload: number[]): number[] {
  const header = [0x45, 0, 0, 46, 0, 0, 0, 0, 63, 17, 0, 0, 192, 0, 2, 2, 10, 0, 0, n];
  header.splice(10, 2, ...sumOf(header));
  return [...header, ...payload];
}

for (const format of ["pcap", "nsecpcap", "pcapng"]) {
  balanced(`a capture that editcap wrote as ${format}: byte for byte, once, or as often as the limit says`, async () => {
    const { file, forwarded } = await capture(format);
    assert.equal(await run({ pcap: file }), forwarded);
    assert.equal(await run({ pcap: file, limit: 700 }), [...forwarded, ...forwarded, ...forwarded.slice(0, 100)]);
  });
}

balanced("a million packets from a file, a piece of it in memory at a time", async () => {
  const file = join(folder, "million.pcap");
  const out = openSync(file, "w");
  const records = pcap(Array.from({ length: 10_000 }, (_, i) => frame(i, 200)));
  writeSync(out, records);
  for (let i = 1; i < 100; i++) writeSync(out, records, 24);
  closeSync(out);
  const before = process.memoryUsage().rss;
  await router.newPacketStream({ name: "million", interface: "pg0", pcap: file });
  router.enablePacketStream("million");
  // Nobody takes what leaves: a wire that is full counts it.
  const { dropped, transmitted } = router.balance();
  assert.is(traffic.settle(), 1_000_000);
  const after = router.balance();
  assert.is(after.transmitted + after.dropped - transmitted - dropped, 1_000_000);
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grown < 150, `${grown} MiB more for a file of 260`);
  router.deletePacketStream("million");
  traffic.sent("pg1");
});

balanced("a file that is cut short while it is replayed: the stream stops and says why", async () => {
  const file = join(folder, "shrinks.pcap");
  writeFileSync(file, pcap(Array.from({ length: 3000 }, (_, i) => frame(i, 1000))));
  await router.newPacketStream({ name: "s", interface: "pg0", pcap: file });
  truncateSync(file, 1_500_000);
  router.enablePacketStream();
  traffic.settle();
  const { enabled, packets, failure } = router.packetGenerator().streams[0]!;
  assert.equal([enabled, failure], [false, "the file has become shorter"]);
  assert.ok(packets > 1000 && packets < 1500, `${packets} packets`);
  router.deletePacketStream("s");
  traffic.sent("pg1");
});

balanced("packets from one interface to another and back through the router", async () => {
  router.connectPacketGenerator("pg1", "pg0"); // what is forwarded comes in again, for another station
  assert.equal(router.packetGenerator().interfaces, [{ name: "pg0", output: null }, { name: "pg1", output: "pg0" }]);
  const before = router.errors().find(({ reason }) => reason === "destination not this interface")?.count ?? 0;
  assert.equal(await run({ data: UDP, limit: 300 }), []);
  assert.is(router.errors().find(({ reason }) => reason === "destination not this interface")!.count - before, 300);
  router.connectPacketGenerator("pg1", null);
  traffic.tap("pg1");
});

balanced("faults: counted, balanced at any moment, and gone again", async () => {
  await router.setInterfaceFault("pg0", { rx: { loss: 0.1, duplicate: 0.1, delay: 1000 }, seed: 7 });
  await router.setInterfaceFault("pg1", { tx: { loss: 0.1, reorder: 0.05 } });
  assert.not.ok(traffic.engine["poolIsOurs"](), "buffers wait in the port: nothing may be swept");
  assert.equal(router.interfaceFaults().map(({ interface: name, seed, rx, tx }) => [name, seed, rx.loss, rx.delay, tx.loss]),
    [["pg0", 7, 0.1, 1000, 0], ["pg1", 0, 0, 0, 0.1]]);
  await router.newPacketStream({ name: "s", interface: "pg0", data: UDP, limit: 1000 });
  router.enablePacketStream("s");
  while (router.packetGenerator().streams[0]!.enabled) traffic.engine.turn();
  const { rx } = router.interfaceFaults()[0]!;
  const { received, originated, dropped, held, difference } = router.balance();
  assert.is(difference, 0);
  assert.ok(held > 0 && held === rx.held + router.interfaceFaults()[1]!.tx.held, `${held} held, ${received} ${originated} ${dropped}`);
  assert.is(router.buffers().pending, held);
  assert.is(router.interfaces().find(({ name }) => name === "pg0")!.counters.faultRxLost, rx.lost);
  await router.setInterfaceFault("pg0", { tx: { corrupt: 0.5 } });
  assert.equal(router.interfaceFaults()[0]!.rx.loss, 0.1, "the other direction stays as it is");
  await router.setInterfaceFault("pg0", null);
  assert.equal(router.interfaceFaults().map(({ interface: name }) => name), ["pg1"]);
  await router.setInterfaceFault("pg1", null);
  await router.setInterfaceFault("pg1", null);
  assert.equal(router.interfaceFaults(), []);
  assert.ok(traffic.engine["poolIsOurs"]());
  assert.is(router.balance().held, 0);
  router.deletePacketStream("s");
  traffic.sent("pg1");
});

async function refusal(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    assert.instance(error, WeftError);
    return `${(error as WeftError).code} ${(error as WeftError).message}`;
  }
  return "none";
}

test("refused, in one line, and nothing changed", async () => {
  assert.equal(router.packetGenerator().streams, []);
  assert.throws(() => router.enablePacketStream("s0"), /no stream "s0", nor any other$/);
  writeFileSync(join(folder, "raw-ip.pcap"), (() => {
    const bytes = pcap([frame(1, 20)]);
    bytes.writeUInt32LE(101, 20);
    return bytes;
  })());
  writeFileSync(join(folder, "cut.pcap"), pcap([frame(1, 20)]).subarray(0, 90));
  writeFileSync(join(folder, "runt.pcap"), pcap([frame(1, 20), new Uint8Array(13)]));
  writeFileSync(join(folder, "long.pcap"), pcap([new Uint8Array(81921)]));
  writeFileSync(join(folder, "empty.pcap"), pcap([]));
  await router.newPacketStream({ name: "taken", interface: "pg0", data: UDP });
  const before = JSON.stringify([router.packetGenerator(), router.interfaces(), router.interfaceFaults()]);
  const stream = (options: Partial<PacketStreamOptions>) => () => router.newPacketStream({ name: "x", interface: "pg0", ...options });
  const inFolder = (name: string) => stream({ pcap: join(folder, name) });
  const cases: [() => unknown, RegExp][] = [
    [stream({}), /^BAD_ARGUMENT stream x wants packets: either data or pcap$/],
    [stream({ data: UDP, pcap: "a" }), /either data or pcap/],
    [stream({ name: "taken", data: UDP }), /^CONFLICT there is a stream taken already/],
    [stream({ name: "a b", data: UDP }), /no name of a stream/],
    [stream({ interface: "pg9", data: UDP }), /^NOT_FOUND no interface "pg9"/],
    [stream({ interface: "local0", data: UDP }), /^BAD_ARGUMENT interface local0 has no port/],
    [stream({ data: UDP, limit: -1 }), /limit -1 is not/], [stream({ data: UDP, limit: 0.5 }), /limit 0.5 is not/],
    [stream({ data: UDP, rate: NaN }), /rate NaN is not/], [stream({ data: UDP, rate: 2e9 }), /rate 2000000000 is not/],
    [stream({ data: UDP, seed: 2 ** 53 }), /seed 9007199254740992 is not/],
    [stream({ data: UDP, size: "9" }), /size: "9" is not a number of bytes from 14 to 65549/],
    [stream({ pcap: "/nonexistent/a.pcap" }), /^NOT_FOUND \/nonexistent\/a.pcap: cannot be read: ENOENT$/],
    [stream({ pcap: folder }), /^BAD_ARGUMENT .*: not a regular file$/],
    [stream({ pcap: join(folder, "raw-ip.pcap"), size: "60" }), /size is for data/],
    [inFolder("raw-ip.pcap"), /packet 1: link type 101, not Ethernet \(1\)$/],
    [inFolder("cut.pcap"), /packet 1: the file ends 12 bytes before it does$/],
    [inFolder("runt.pcap"), /packet 2: 13 bytes, not 14 to 81920$/],
    [inFolder("long.pcap"), /packet 1: 81921 bytes, not 14 to 81920$/],
    [inFolder("empty.pcap"), /no packet in it$/],
    [() => router.enablePacketStream("taked"), /^NOT_FOUND there is no stream "taked": did you mean "taken"\?/],
    [() => router.deletePacketStream("other"), /^NOT_FOUND/],
    [() => router.connectPacketGenerator("pg0", "local0"), /^BAD_ARGUMENT/],
    [() => router.createPacketGenerator("pg0"), /^CONFLICT interface pg0 exists already/],
    [() => router.createPacketGenerator("generator"), /^BAD_ARGUMENT "generator" is no name of an interface/],
    [() => router.deleteHostInterface("pg0"), /^NOT_FOUND/],
    [() => router.deleteRdmaInterface("pg0"), /^BAD_ARGUMENT interface pg0 is of kind pg, not rdma/],
    [() => router.rdmaDump("pg0"), /^BAD_ARGUMENT/],
    [() => router.setInterfaceFault("pg0", { rx: { loss: 1.1 } }), /^BAD_ARGUMENT loss 1.1 is not a probability from 0 to 1$/],
    [() => router.setInterfaceFault("pg0", { tx: { delay: 1, jitter: 2 } }), /^BAD_ARGUMENT jitter 2 ms is more than the delay of 1 ms$/],
    [() => router.setInterfaceFault("pg0", { tx: { delay: 60_001 } }), /delay 60001 is not a time from 0 to 60000 ms/],
    [() => router.setInterfaceFault("pg0", { seed: -1 }), /seed -1/],
    [() => router.setInterfaceFault("local0", { rx: {} }), /has no port/],
  ];
  for (const [what, message] of cases) assert.match(await refusal(what), message);
  assert.is(JSON.stringify([router.packetGenerator(), router.interfaces(), router.interfaceFaults()]), before);
  router.deletePacketStream("taken");
});

balanced("an interface that is deleted takes its streams, its connections and its faults along", async () => {
  await router.createPacketGenerator("pg2");
  router.connectPacketGenerator("pg2", "pg2");
  router.connectPacketGenerator("pg0", "pg2");
  await router.newPacketStream({ name: "gone", interface: "pg2", data: UDP, rate: 10 });
  router.enablePacketStream("gone");
  await router.setInterfaceFault("pg2", { rx: { delay: 60_000 } });
  traffic.engine.turn();
  assert.is(router.balance().held, 1);
  assert.is((await router.deletePacketGenerator("pg2"), router.balance().held), 0);
  assert.equal(router.packetGenerator(), { interfaces: [{ name: "pg0", output: null }, { name: "pg1", output: null }], streams: [] });
  assert.equal(router.interfaceFaults(), []);
  await router.newPacketStream({ name: "gone", interface: "pg0", data: UDP });
  router.deletePacketStream("gone");
});

balanced("a capture of an interface does not go on with another one that takes its place", async () => {
  const file = join(folder, "one.pcapng");
  const create = async (name: string): Promise<void> => {
    await router.createPacketGenerator(name);
    router.setInterfaceState(name, true);
    await router.newPacketStream({ name: "s", interface: name, data: UDP, limit: 3 });
    router.enablePacketStream("s");
    traffic.settle();
    await router.deletePacketGenerator(name);
  };
  await router.createPacketGenerator("pg2");
  await router.startPcapTrace({ file, rx: true, interface: "pg2" });
  await router.deletePacketGenerator("pg2");
  await create("pg3");
  await create("pg2");
  await create("pg2");
  await router.stopPcapTrace();
  assert.equal(readPcapng(file).map((packet) => packet.interface), Array<string>(6).fill("pg2"));
});

test("capture files that cannot be looked at: one line", async () => {
  const circle = join(folder, "circle");
  symlinkSync(circle, circle);
  const wrong: [file: string, message: RegExp][] = [
    [join(circle, "a"), /^SYSTEM .*ELOOP/], [join(folder, "a".repeat(300)), /^SYSTEM .*ENAMETOOLONG/], ["a\0b", /^BAD_ARGUMENT/],
  ];
  for (const [file, message] of wrong) assert.match(await refusal(() => router.startPcapTrace({ file, rx: true })), message);
  assert.is(router.pcapTrace()?.running ?? false, false);
});

test("the README's lines are commands", async () => {
  const { grammar } = await import("../../host/cli/commands.js");
  const text = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => /^(packet-generator|create packet-generator|set interface fault|set packet-generator) /.test(line));
  assert.ok(lines.length > 3);
  for (const line of lines) grammar.parse(line);
});

test.after(async () => {
  await router.stop();
  rmSync(folder, { recursive: true });
});
test.run();
