// The router's own pings: what leaves, what counts as a reply.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PingOptions, PingReply, PingResult } from "../../host/control/api.js";
import type { WeftError } from "../../host/errors.js";
import { InlineRouter } from "./inline.js";
import { checksum, ethernet, icmp, ip4, toHex } from "./packets.js";

const inline = await InlineRouter.startPair();
const { router } = inline;
const PEER = "02:00:00:00:00:02";
router.setNeighbor("host-left", "192.0.2.2", PEER);

type Answer = (request: Uint8Array) => Uint8Array[];

/** Pings, and answers each frame that leaves on the left. */
async function ping(address: string, options: PingOptions, answer: Answer = () => [], usual: PingOptions = { timeout: 40 }): Promise<PingResult> {
  const serve = (): void => {
    inline.settle();
    inline.send(0, inline.sent(0).flatMap(answer));
  };
  const timer = setInterval(serve, 1);
  try {
    const result = router.ping(address, { ...usual, interval: 5, ...options });
    serve();
    return await result;
  } finally {
    clearInterval(timer);
    inline.settle();
  }
}

/** What a host answers; `change` sees the ICMP message from its identifier on. */
function reply(request: Uint8Array, change: (rest: number[]) => void = () => {}): Uint8Array {
  const rest = Array.from(request.subarray(38));
  change(rest);
  return ethernet("02:fe:00:00:00:01", PEER, 0x0800, ip4({ from: "192.0.2.2", to: "192.0.2.1", protocol: 1, ttl: 61, payload: icmp(0, 0, rest) }));
}

const errors = (): string[] => router.errors().map(({ count, node, reason }) => `${count} ${node}: ${reason}`);

async function refused(code: string, words: string, result: Promise<unknown>): Promise<void> {
  const error = await result.then(() => assert.unreachable("it was taken"), (reason: WeftError) => reason);
  assert.equal([(error as WeftError).code, (error as WeftError).message.includes(words)], [code, true], (error as WeftError).message);
}

test.before.each(() => router.clearErrors());

/** A test at whose end this holds too. A hook would be the place, but uvu ends the file without a word when one throws. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    inline.assertAtRest();
  });
}

check("an ICMP error to the router is counted: nobody listens for it", () => {
  const error = icmp(3, 1, [0, 0, 0, 0, ...ip4({ from: "192.0.2.1", to: "192.0.2.2", protocol: 1, payload: icmp(8, 0, [0, 1, 0, 1]) })]);
  inline.send(0, [ethernet("02:fe:00:00:00:01", PEER, 0x0800, ip4({ from: "192.0.2.2", to: "192.0.2.1", protocol: 1, payload: error }))]);
  assert.equal([inline.sent(0), errors()], [[], ["1 punt: nobody listens for it"]]);
});

check("an odd number of bytes: a checksum that is right; a reply too short to have the time in it tells none", async () => {
  const frames: Uint8Array[] = [];
  const replies: PingReply[] = [];
  const answer = (frame: Uint8Array): Uint8Array[] => (frames.push(frame), [reply(frame, (rest) => rest.splice(4 + 7 + frames.length))]);
  await ping("192.0.2.2", { count: 2, size: 57, onReply: (one) => replies.push(one) }, answer);
  assert.equal(frames.map((frame) => [frame.length, checksum(frame.subarray(34))]), [[14 + 28 + 57, 0], [14 + 28 + 57, 0]]);
  assert.equal(replies.map(({ bytes }) => bytes), [16, 17]);
  replies.length = 0;
  const old = (frame: Uint8Array): Uint8Array[] => [reply(frame, (rest) => void rest.fill(0, 4, 12).splice(12))];
  await ping("192.0.2.2", { count: 1, size: 57, onReply: (one) => replies.push(one) }, old);
  assert.equal(replies.map(({ bytes, time }) => [bytes, time > 1e12]), [[16, true]], "it says that it left in 1970");
  replies.length = 0;
  await ping("192.0.2.2", { count: 1, size: 57, onReply: (one) => replies.push(one) }, (frame) => [reply(frame, (rest) => rest.splice(4 + 7))]);
  assert.equal(replies.map(({ bytes, time }) => [bytes, time]), [[15, 0]]);
});

check("the request, byte by byte", async () => {
  const frames: Uint8Array[] = [];
  await ping("192.0.2.2", { count: 2, size: 16 }, (frame) => (frames.push(frame), []));
  for (const [i, frame] of frames.entries()) {
    assert.is(checksum(frame.subarray(14, 34)), 0);
    assert.is(checksum(frame.subarray(34)), 0);
    // What differs from ping to ping: the ICMP checksum, the identifier, the time.
    for (const [from, to] of [[36, 40], [42, 50]]) frame.fill(0, from, to);
    const [sequence, sum] = i === 0 ? ["0001", "f6cc"] : ["0002", "f6cb"];
    const header = `020000000002 02fe00000001 0800 4500002c ${sequence}0000 4001 ${sum} c0000201 c0000202`;
    assert.is(toHex(frame), `${header} 0800 0000 0000 ${sequence} 0000000000000000 1011121314151617`.replaceAll(" ", ""));
  }
  assert.is(frames.length, 2);
});

check("replies are matched and measured", async () => {
  const replies: PingReply[] = [];
  const result = await ping("192.0.2.2", { count: 3, onReply: (one) => replies.push(one) }, (frame) => [reply(frame)]);
  assert.equal([result.sent, result.received], [3, 3]);
  assert.equal(replies.map(({ time, ...rest }) => rest), [1, 2, 3].map((sequence) => ({ sequence, from: "192.0.2.2", bytes: 64, ttl: 61 })));
  assert.ok(replies.every(({ time }) => time > 0 && time < 1000));
  assert.ok(result.min <= result.average && result.average <= result.max && result.min > 0);
  assert.equal(errors(), ["3 punt: echo reply delivered"]);
});

check("a wrong identifier, a wrong sequence number, a reply twice: counted, not taken", async () => {
  const flips = [[0, 1], [2, 1], [3, 64]] as const;
  const wrong = (frame: Uint8Array): Uint8Array[] => flips.map(([at, bit]) => reply(frame, (rest) => (rest[at]! ^= bit)));
  const result = await ping("192.0.2.2", { count: 1 }, (frame) => [...wrong(frame), reply(frame), reply(frame)]);
  assert.equal([result.sent, result.received], [1, 1]);
  assert.equal(errors(), ["1 punt: echo reply delivered", "4 punt: echo reply that was not asked for"]);
});

check("no reply: nothing received, after the time-out", async () => {
  assert.equal(await ping("192.0.2.2", { count: 2 }), { sent: 2, received: 0, min: 0, average: 0, max: 0 });
});

check("the last reply is waited for by what the others took: a second at least, five where none has come", async () => {
  const { setTimeout: real } = globalThis;
  const now = performance.now.bind(performance);
  const waits: number[] = [];
  let later = 0;
  globalThis.setTimeout = ((run: () => void, ms: number) => (waits.push(ms), real(run, 20))) as typeof setTimeout;
  performance.now = () => now() + later;
  /** Answers the first request after so many ms. */
  const late = (ms: number): Answer => (frame) => {
    if (frame[41] !== 1) return [];
    later += ms;
    return [reply(frame)];
  };
  /** The reply says of itself that it took a day. */
  const lie: Answer = (frame) => (frame[41] === 1 ? [reply(frame, (rest) => rest.splice(4, 8, ...new Uint8Array(new Float64Array([1]).buffer)))] : []);
  try {
    for (const answer of [(): Uint8Array[] => [], late(0), late(10_000), lie]) await ping("192.0.2.2", { count: 2 }, answer, {});
  } finally {
    globalThis.setTimeout = real;
    performance.now = now;
  }
  const [silence, quick, slow, lied] = waits.filter((_, i) => i % 2 === 1);
  assert.equal([silence, quick, lied], [5000, 1000, 1000]);
  assert.ok(slow! >= 20_000 && slow! < 30_000, String(slow));
});

check("a reply after its ping has ended is not asked for", async () => {
  const late: Uint8Array[] = [];
  await ping("192.0.2.2", { count: 1, timeout: 2 }, (frame) => (late.push(frame), []));
  inline.send(0, late.map((frame) => reply(frame)));
  assert.equal(errors(), ["1 punt: echo reply that was not asked for"]);
});

check("the router answers itself, on either address", async () => {
  for (const own of ["192.0.2.1", "198.51.100.1"]) assert.is((await ping(own, { count: 2 })).received, 2);
});

check("no route, or one that refuses: NOT_FOUND, and nothing leaves", async () => {
  router.addRoute("203.0.113.0/24", { kind: "prohibit" });
  const never = (): never => assert.unreachable("a frame left") as never;
  for (const target of ["10.0.0.1", "203.0.113.1"]) await refused("NOT_FOUND", target, ping(target, { count: 1 }, never));
  router.deleteRoute("203.0.113.0/24");
});

check("arguments out of range", async () => {
  router.addRoute("0.0.0.0/0", { via: "192.0.2.2" });
  for (const target of ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"]) await refused("BAD_ARGUMENT", target, ping(target, { count: 1 }));
  router.deleteRoute("0.0.0.0/0");
  await refused("BAD_ARGUMENT", "not an IPv4 address", ping("192.0.2", {}));
  for (const options of [{ count: 0 }, { size: 7 }, { size: 65_508 }, { interval: 0 }, { timeout: 0.5 }]) {
    await refused("BAD_ARGUMENT", Object.entries(options).flat().join(" "), ping("192.0.2.2", options));
  }
});

check("an abort ends it at once, with what came until then", async () => {
  const abort = new AbortController();
  const options = { count: 1000, interval: 10_000, signal: abort.signal, onReply: () => setTimeout(() => abort.abort(), 5) };
  const result = await ping("192.0.2.2", options, (frame) => [reply(frame)]);
  assert.equal([result.sent, result.received], [1, 1]);
});

test.after(() => router.stop());
test.run();
