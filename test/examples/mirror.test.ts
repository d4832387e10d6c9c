import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_ADJ, B_CSUM_FLAGS, B_DATA, B_GSO_SIZE, B_L2, B_OPAQUE, B_TX_IF, BUFFER_START, VECTOR } from "../../assembly/abi.js";
import { type Outcome, type Packet, loadExample, packetHex, resetTables, u16, u32 } from "./harness.js";

const { mirror, "mirror-output": output } = loadExample("mirror");

const ETHERNET = "020000000001 02000000000a 0800";
const IP = "4500001c 00004000 40110000 c0000202 0a010203  00350400 00080000";
const FRAME = ETHERNET + IP;
const plain = (hex: string): string => hex.replace(/ /g, "");

test.before.each(() => {
  resetTables();
  mirror.clear();
  output.clear();
  mirror.configure({ interface: "host-c" });
});

/** What becomes of a packet's copy: the graph makes it of header and bytes as they are when mirror has returned. */
function mirrored(packet: Packet): Outcome {
  assert.is(mirror.pass(packet).copy, "mirror-output");
  return output.runFrame(1)[0]!;
}

test("without an interface every packet goes on, and nothing is copied", () => {
  mirror.configure({});
  assert.equal(mirror.pass({ hex: FRAME }), { next: "continue", copy: null, hex: plain(IP) });
  assert.equal(mirror.counters(), {});
});

test("a packet goes on as it came, and its copy to mirror-output", () => {
  const fields: Packet["fields"] = [[B_TX_IF, 2, 1], [B_ADJ, 4, 77]];
  assert.equal(mirror.pass({ hex: FRAME, fields }), { next: "continue", copy: "mirror-output", hex: plain(IP) });
  assert.equal([u16(0, B_TX_IF), u32(0, B_ADJ), u16(0, B_DATA), u32(0, B_OPAQUE + 12)], [1, 77, BUFFER_START + 14, 0]);
  assert.equal(mirror.counters(), { mirrored: 1 });
});

test("the copy leaves as the frame that came, by the interface that is configured", () => {
  assert.equal(mirrored({ hex: FRAME, fields: [[B_TX_IF, 2, 1]] }), { next: "interface-output", copy: null, hex: plain(FRAME) });
  assert.is(u16(0, B_TX_IF), 3);
  assert.equal(output.counters(), {});
});

test("VLAN tags belong to the header", () => {
  for (const tags of ["8100 0064", "88a8 0065 8100 0064"]) {
    const frame = `020000000001 02000000000a ${tags} 0800 ${IP}`;
    assert.equal(mirrored({ hex: frame, l2: 14 + plain(tags).length / 2 }).hex, plain(frame));
  }
});

test("a packet without the header it came with is not mirrored, but counted", () => {
  const at = (offset: number): Packet => ({ hex: FRAME, fields: [[B_L2, 2, offset]] });
  const data = BUFFER_START + 14;
  // none, as in a ping of the router; the header overwritten, as before an ICMP error; what is too short or too long for one
  for (const offset of [0, data + 14, data, data - 13, data - 23, 65535]) {
    assert.is(mirrored(at(offset)).next, "error-drop", String(offset));
    assert.is(packetHex(0), plain(IP));
  }
  assert.is(mirrored({ hex: IP, l2: 0, start: 64, fields: [[B_L2, 2, 50]] }).next, "error-drop"); // within the buffer's own header
  assert.equal(output.counters(), { "no Ethernet header": 7 });
});

test("layer ethernet: the frame is what the packet is", () => {
  mirror.configure({ interface: "host-b", layer: "ethernet" });
  for (const offset of [0, 65535, BUFFER_START]) {
    assert.equal(mirrored({ hex: FRAME, l2: 0, fields: [[B_L2, 2, offset]] }).hex, plain(FRAME));
    assert.is(u16(0, B_TX_IF), 2);
  }
  assert.is(mirrored({ hex: "020000000001 02000000000a 08", l2: 0 }).next, "error-drop");
  assert.is(mirrored({ hex: FRAME, l2: 0, pieces: [13, 29] }).next, "error-drop");
  assert.is(mirrored({ hex: FRAME, l2: 0, pieces: [14, 28] }).hex, plain(FRAME));
  assert.equal(output.counters(), { "frame too short": 2 });
});

test("one of n: every n-th packet, over vectors too", () => {
  mirror.configure({ interface: "host-c", sample: 3 });
  const copies = Array.from({ length: 4 }, () => mirror.send(...Array.from({ length: VECTOR - 1 }, () => ({ hex: FRAME })))).flat();
  assert.is(copies.length, 4 * (VECTOR - 1));
  copies.forEach(({ next, copy }, i) => assert.equal([next, copy], ["continue", i % 3 === 2 ? "mirror-output" : null]));
  assert.equal(mirror.counters(), { mirrored: (4 * (VECTOR - 1)) / 3 });
  mirror.pass({ hex: FRAME });
  mirror.configure({ interface: "host-c", sample: 1 });
  assert.is(mirror.pass({ hex: FRAME }).copy, "mirror-output");
});

test("length cuts the frame, over its buffers, and the offloads that it asked for", () => {
  const offloads: Packet["fields"] = [[B_GSO_SIZE, 2, 1448], [B_CSUM_FLAGS, 1, 1]];
  const left = (): number[] => [u16(0, B_GSO_SIZE), u16(0, B_CSUM_FLAGS - 1) >>> 8];
  const cases: [length: number, bytes: number, pieces?: number[]][] = [
    [20, 20], [41, 41], [42, 42], [100, 42], [1, 14], [30, 30, [10, 9, 9]], [24, 24, [10, 18]],
  ];
  for (const [length, bytes, pieces] of cases) {
    mirror.configure({ interface: "host-c", length });
    const { hex } = mirrored({ hex: FRAME, fields: offloads, ...(pieces ? { pieces } : {}) });
    assert.is(hex, plain(FRAME).slice(0, bytes * 2));
    assert.equal(left(), bytes < 42 ? [0, 0] : [1448, 1]);
  }
});

test("a copy is not copied again", () => {
  mirrored({ hex: FRAME });
  assert.equal(mirror.runFrame(1).map(({ next, copy }) => [next, copy]), [["continue", null]]);
  assert.equal(mirror.counters(), { mirrored: 1, "copies passed on": 1 });
});

test.run();
