// Packets for a neighbour whose MAC address is not known: held, asked for, sent or refused. By a clock of the test's own.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { InlineRouter } from "./inline.js";
import { arp, ethernet, fromHex, hex, ip4, toHex, udp } from "./packets.js";

let clock = Math.ceil(performance.now()); // whole: seconds are added to it
performance.now = () => clock;
const inline = await InlineRouter.startPair();
const { router } = inline;
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");

const LEFT = 0;
const RIGHT = 1;
const MAC = "02:00:00:00:00:03";
const ASK = "ffffffffffff 02fe00000002 0806 0001 0800 06 04 0001 02fe00000002 c6336401 000000000000 c6336402";
const ANSWER = "02fe00000002 020000000003 0806 0001 0800 06 04 0002 020000000003 c6336402 02fe00000002 c6336401";
const PACKET = "02fe00000001 020000000002 0800 45000020 12340000 4011 7c61 c0000202 c6336402 10002000000c000077656674";
const SENT = "020000000003 02fe00000002 0800 45000020 12340000 3f11 7d61 c0000202 c6336402 10002000000c000077656674";

const sent = (port: number): string[] => inline.sent(port).map(toHex);
const errors = (): string[] => router.errors().map(({ count, reason }) => `${count} ${reason}`);
const packet = (to: string, tag = 0): Uint8Array =>
  ethernet("02:fe:00:00:00:01", "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to, protocol: 17, payload: udp(tag, 9, []) }));
/** The UDP source ports of what was sent. */
const tags = (): number[] => inline.sent(RIGHT).filter((frame) => frame[12] === 8 && frame[13] === 0).map((frame) => (frame[34]! << 8) | frame[35]!);

function seconds(n: number): void {
  for (let i = 0; i < n; i++) {
    clock += 1000;
    router["tick"]();
    inline.settle();
  }
}

test.before.each(() => router.clearErrors());

/** A test at whose end this holds too. A hook would be the place, but uvu ends the file without a word when one throws. */
function check(name: string, action: () => unknown): void {
  test(name, async () => {
    await action();
    router.clearNeighbors();
    inline.settle();
    for (const port of [LEFT, RIGHT]) inline.sent(port);
    inline.assertAtRest();
  });
}

check("the first packet is not lost: held, the neighbour asked, sent when it answers", () => {
  inline.send(LEFT, [fromHex(PACKET)]);
  assert.equal(sent(RIGHT), [hex(ASK)]);
  assert.equal([router.balance().held, router.buffers().held, errors()], [1, 1, ["1 neighbour asked for"]]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  assert.equal(sent(RIGHT), [hex(SENT)]);
  inline.send(LEFT, [fromHex(PACKET)]);
  assert.equal(sent(RIGHT), [hex(SENT)], "the second one waits no more");
});

check("the neighbour's own question is an answer too", () => {
  inline.send(LEFT, [fromHex(PACKET)]);
  inline.sent(RIGHT);
  const question = arp(1, { mac: MAC, ip: "198.51.100.2" }, { mac: "00:00:00:00:00:00", ip: "198.51.100.1" });
  inline.send(RIGHT, [ethernet("ff:ff:ff:ff:ff:ff", MAC, 0x0806, question)]);
  assert.equal(sent(RIGHT).slice(-1), [hex(SENT)]);
});

check("no answer to three questions: host unreachable, to the source", () => {
  const question = hex(ASK).slice(0, -2) + "07";
  inline.send(LEFT, [fromHex("02fe00000001 020000000002 0800 45000020 12340000 4011 7c5c c0000202 c6336407 10002000000c000077656674")]);
  seconds(2);
  assert.equal([sent(RIGHT), sent(LEFT)], [[question, question, question], []]);
  seconds(1);
  const quote = "45000020 12340000 4011 7c5c c0000202 c6336407 10002000000c000077656674";
  const refusal = `020000000002 02fe00000001 0800 45c0003c 00000000 4001 f5fd c0000201 c0000202 0301 ef18 00000000 ${quote}`;
  assert.equal([sent(RIGHT), sent(LEFT)], [[], [hex(refusal)]]);
});

check("a TTL of 1 ends here: time exceeded, and nobody is asked (RFC 1812 5.3.1)", () => {
  const packets = ["0111 bb61", "0011 bc61"].map((ttl) => PACKET.replace("4011 7c61", ttl));
  inline.send(LEFT, packets.map(fromHex));
  const errors = sent(LEFT);
  assert.equal([sent(RIGHT), errors.length, router.balance().held], [[], 2, 0]);
  for (const [i, error] of errors.entries()) assert.match(error, new RegExp(`^.{68}0b00.{12}${hex(packets[i]!).slice(28)}$`));
});

check("packets to hosts that are not there take a quarter of the pool at most, and a neighbour that is there is found all the same", () => {
  const { total } = router.buffers();
  const absent = Array.from({ length: 200 }, (_, i) => `198.51.100.${i + 10}`);
  for (let round = 0; round * absent.length < total; round++) inline.send(LEFT, absent.map((to) => packet(to)));
  assert.is(router.buffers().held, total / 4);
  inline.sent(RIGHT);
  inline.send(LEFT, [fromHex(PACKET)]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  assert.equal(sent(RIGHT), [hex(ASK), hex(SENT)]);
  assert.is(router.buffers().held, total / 4 - 1);
});

check("a TTL of 2 is enough to ask for", () => {
  inline.send(LEFT, [fromHex(PACKET.replace("4011 7c61", "0211 ba61"))]);
  assert.equal([sent(RIGHT), router.balance().held, sent(LEFT)], [[hex(ASK)], 1, []]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  assert.equal(sent(RIGHT), [hex(SENT.replace("3f11 7d61", "0111 bb61"))]);
});

check("a packet that turned back, of which its sender was told: host unreachable has nothing left of the redirect in it", () => {
  inline.send(LEFT, [packet("192.0.2.77")]);
  assert.match(sent(LEFT).join("\n"), /^.{68}0501.{4}c000024d/m);
  seconds(3);
  const refusals = sent(LEFT).filter((frame) => frame.slice(24, 28) === "0800");
  assert.equal(refusals.map((frame) => [frame.slice(68, 72), frame.slice(76, 84)]), [["0301", "00000000"]]);
});

check("at most 101 packets wait for one neighbour, the newest ones, in their order", () => {
  inline.send(LEFT, Array.from({ length: 60 }, (_, i) => packet("198.51.100.2", i)));
  inline.send(LEFT, Array.from({ length: 60 }, (_, i) => packet("198.51.100.2", 60 + i)));
  assert.equal([router.balance().held, errors()], [101, ["1 neighbour asked for", "19 too many packets wait for this neighbour"]]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  assert.equal(tags(), Array.from({ length: 101 }, (_, i) => 19 + i));
});

check("one burst that is more than may wait", () => {
  inline.send(LEFT, Array.from({ length: 256 }, (_, i) => packet("198.51.100.2", i)));
  assert.is(router.balance().held, 101);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  assert.equal(tags(), Array.from({ length: 101 }, (_, i) => 155 + i));
});

check("at most 256 neighbours are asked for at a time", () => {
  router.addAddress("host-right", "10.9.0.1/16");
  seconds(1);
  inline.sent(RIGHT); // announced
  inline.send(LEFT, Array.from({ length: 300 }, (_, i) => packet(`10.9.${1 + (i >> 8)}.${i & 255}`)));
  assert.equal([sent(RIGHT).length, router.balance().held], [256, 256]);
  assert.equal(errors(), ["256 neighbour asked for", "44 too many neighbours asked for"]);
  seconds(3);
  assert.is(router.balance().held, 0);
  inline.send(LEFT, [packet("10.9.7.7")]);
  assert.is(router.balance().held, 1, "there is room again");
  router.removeAddress("host-right", "10.9.0.1/16");
});

check("what goes through one gateway waits for the gateway", () => {
  router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });
  inline.send(LEFT, [packet("203.0.113.1", 1), packet("203.0.113.2", 2), packet("198.51.100.2", 3)]);
  assert.equal(sent(RIGHT), [hex(ASK)]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  assert.equal(tags(), [1, 2, 3]);
  router.deleteRoute("203.0.113.0/24");
});

check("after a minute the neighbour alone is asked, and packets go on meanwhile", () => {
  inline.send(LEFT, [fromHex(PACKET)]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  inline.sent(RIGHT);
  seconds(60);
  assert.equal(sent(RIGHT), [hex(ASK).replace("ffffffffffff", "020000000003")]);
  inline.send(LEFT, [fromHex(PACKET)]);
  assert.equal(sent(RIGHT), [hex(SENT)]);
  inline.send(RIGHT, [fromHex(ANSWER)]);
  seconds(59);
  assert.equal(sent(RIGHT), []);
});

check("an interface that is removed takes what waits behind it along", async () => {
  inline.send(LEFT, [packet("198.51.100.2"), packet("198.51.100.9")]);
  assert.is(router.balance().held, 2);
  const removed = router.deleteHostInterface("right");
  inline.settle();
  await removed;
  assert.equal([router.balance().held, router.balance().difference, router.neighbors().length], [0, 0, 1]);
});

test.after(() => router.stop());
test.run();
