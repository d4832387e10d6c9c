import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_CSUM_FLAGS, B_DATA, B_FLAGS, B_FLAG_LOCAL, B_PUNT, PUNT_ECHO_REPLY, PUNT_ICMP_ERROR } from "../../assembly/abi.js";
import { sum } from "../conformance/packet.js";
import { clock, expectDrop, fromHex, reset, run, setControl, toHex, u16 } from "./harness.js";

const NODE = "icmp4-input";
const REQUEST = "45000020123440004001a4a5c0000202c0000201 080007f11234000177656674";
const REPLY = "45000020123400004001e4a5c0000201c0000202 00000ff11234000177656674";
const plain = (text: string) => text.replace(/ /g, "");

test.before.each(reset);

test("an echo request becomes its reply, which may be cut up", () => {
  const { next, hex, counted } = run(NODE, { hex: REQUEST, l2: 0, fields: [[B_CSUM_FLAGS, 1, 2]] });
  assert.equal([next, hex, counted], ["ip4-lookup", plain(REPLY), {}]);
  assert.equal([u16(0, B_FLAGS), u16(0, B_CSUM_FLAGS) & 0xff], [B_FLAG_LOCAL, 0]);
});

test("the type of service stays, options that say nothing about the reply do not, the TTL starts anew", () => {
  const { next, hex } = run(NODE, { hex: "46b80024123440000301dde8c0000202c000020101010100 080007f11234000177656674", l2: 0 });
  assert.equal([next, hex], ["ip4-lookup", "45b80020123400004001e3edc0000201c0000202" + "00000ff11234000177656674"]);
});

test("a header that a node between has made too short moves nothing to before it", () => {
  const buffer = run(NODE, { hex: "41" + REQUEST.slice(2, 8) + "0800f7ff00000000" + "00".repeat(20), l2: 0, start: 64 });
  assert.equal([buffer.next, buffer.counted, u16(0, B_DATA)], ["error-drop", { "message too short": 1 }, 64]);
});

test("a chained request with odd pieces", () => {
  const outcome = run(NODE, { hex: `${REQUEST}0000`, l2: 0, pieces: [29, 1, 1, 3], total: 32 });
  assert.equal([outcome.next, outcome.hex], ["ip4-lookup", plain(REPLY)]);
});

test("a request of any length, bytes and header is answered the same in one piece as in two, which are not answered the quick way", () => {
  const words = fc.record({
    tos: fc.nat(255), id: fc.nat(0xffff), df: fc.boolean(), ttl: fc.nat(255), data: fc.uint8Array({ maxLength: 150 }), wrong: fc.nat(40),
  });
  fc.assert(fc.property(words, ({ tos, id, df, ttl, data, wrong }) => {
    const message = [8, 0, 0, 0, ...data, 0, 0, 0, 0];
    const checksum = sum(Buffer.from(message)) ^ (wrong === 0 ? 0xfffe : 0xffff);
    message.splice(2, 2, checksum >> 8, checksum & 255);
    const length = 20 + message.length;
    const header = [0x45, tos, 0, length, id >> 8, id & 255, df ? 0x40 : 0, 0, ttl, 1, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1];
    const headerSum = sum(Buffer.from(header)) ^ 0xffff;
    header.splice(10, 2, headerSum >> 8, headerSum & 255);
    const hex = toHex(Uint8Array.from([...header, ...message]));
    const whole = run(NODE, { hex, l2: 0 }, [1]);
    assert.is(whole.next, wrong === 0 ? "error-drop" : "ip4-lookup");
    assert.equal(whole, run(NODE, { hex, l2: 0, pieces: [28, length - 28] }));
    const [before, behind] = [whole.hex.slice(0, 40), whole.hex.slice(40)].map((part) => sum(Buffer.from(fromHex(part))));
    if (wrong !== 0) assert.equal([before, behind], [0xffff, 0xffff]);
  }), { numRuns: 300 });
});

test("a reply of zeros carries 0xffff: no receiver takes 0 there", () => {
  const { hex } = run(NODE, { hex: "4500001c123440004001a4a9c0000202c0000201 0800f7ff00000000", l2: 0 });
  assert.is(hex.slice(40), "0000ffff00000000");
});

test("an odd last byte", () => {
  const odd = "4500001d123440004001a4a8c0000202c0000201 08006eca1234000177";
  const { next, hex } = run(NODE, { hex: odd, l2: 0 });
  assert.equal([next, hex.slice(40)], ["ip4-lookup", "000076ca1234000177"]);
});

test("a timestamp request is answered with the time of day, ms since midnight UT", () => {
  const request = "45000028123440004001a49dc0000202c0000201 0d00419d0001000100a0b0c00000000000000000";
  setControl({ utc: 20_000 * 86_400_000 + 0x039c0000 });
  clock.now = 0x0c81 * 1e6 + 990_000;
  const answered = run(NODE, { hex: request, l2: 0 });
  assert.is(answered.next, "ip4-lookup");
  assert.is(answered.hex, plain("45000028123400004001e49dc0000201c0000202 0e0020630001000100a0b0c0039c0c81039c0c81"));
  // Longer than the message: the rest is no part of it.
  const longer = run(NODE, { hex: plain(request).replace("45000028", "4500002a").replace("a49d", "a49b").replace("419d", "3fa1") + "01fc", l2: 0 });
  assert.is(longer.hex, answered.hex);
  clock.now = 0;
  for (const time of [-1, 0, 86_399_999]) {
    setControl({ utc: 20_000 * 86_400_000 + time });
    assert.is(parseInt(run(NODE, { hex: request, l2: 0 }).hex.slice(-8), 16), (time + 86_400_000) % 86_400_000);
  }
  expectDrop(NODE, { hex: "4500001c123440004001a4a9c0000202c0000201 0d00f2fd00010001", l2: 0 }, "message too short");
});

test("replies and errors go to the host", () => {
  const punted = (hex: string, reason: number) => {
    const outcome = run(NODE, { hex, l2: 0 });
    assert.equal([outcome.next, outcome.hex, u16(0, B_PUNT)], ["punt", plain(hex), reason]);
  };
  punted(REPLY, PUNT_ECHO_REPLY);
  for (const message of ["0303fcfc00000000", "0b00f4ff00000000", "0c00f3ff00000000"]) {
    punted(`4500001c123440004001a4a9c0000202c0000201 ${message}`, PUNT_ICMP_ERROR);
  }
});

test("dropped", () => {
  const refused = (hex: string, reason: string) => expectDrop(NODE, { hex, l2: 0 }, reason);
  refused(REQUEST.slice(0, -10), "message too short");
  refused("46b80024123440000301dde8c0000202c000020101010100", "message too short");
  expectDrop(NODE, { hex: REQUEST, l2: 0, pieces: [27, 5] }, "message too short"); // its header in two buffers
  refused(REQUEST.replace("77656674", "77656675"), "bad checksum");
  refused(REQUEST.replace("07f1", "f107"), "bad checksum");
  expectDrop(NODE, { hex: `${REQUEST}0102`, l2: 0, pieces: [32], total: 34 }, "bad checksum"); // beyond the chain's end
  for (const message of ["0400fbff00000000", "0500faff00000000", "0e00f1ff00000000", "1100eeff00000000"]) {
    refused(`4500001c123440004001a4a9c0000202c0000201 ${message}`, "unknown type");
  }
});

test.run();
