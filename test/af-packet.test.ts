// The af_packet port: bytes in, bytes out, over a veth pair with a port on each end.

import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  BUFFER_DATA, BUFFER_START, BUFFER_USED, B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_DATA, B_GSO_SIZE, B_GSO_TYPE, B_HEADER_LENGTH, B_LENGTH,
  B_RX_IF, B_STATE, IFC_RX_BYTES, IFC_RX_MISSED, IFC_RX_PACKETS, IFC_TX_BYTES, IFC_TX_PACKETS, IFC_TX_TOO_LONG, VECTOR,
} from "../assembly/abi.js";
import { addon } from "../host/addon.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";
import {
  BUFFERS, CHECKSUM, FRAME, SEGMENTS, counter, frameOf, free, ip, look, makePair, packets, put, receive, release, resetPool, send,
  tcpPacket,
} from "./native-bench.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

makePair("left", "right", 9000);
const options = { ringSlots: 256 };
const left = addon.openAfPacket("left", options);
const right = addon.openAfPacket("right", options);
const [LEFT, RIGHT] = [1, 2];
const { view } = packets;

test.before.each(resetPool);

/** A test after which every buffer is back in the pool. */
function balanced(name: string, run: () => void): void {
  test(name, () => {
    run();
    assert.is(free(), BUFFERS);
  });
}

balanced("what the netdev says of itself", () => {
  const [link] = JSON.parse(ip("-j link show left")) as [{ address: string }];
  assert.is(left.mac, link.address);
  assert.is(left.mtu, 9000);
  assert.is(left.up, true);
  assert.equal(addon.linkState(left.handle), { present: true, up: true, mtu: 9000 });
});

balanced("a literal frame arrives as it was sent", () => {
  const arp = Uint8Array.from(Buffer.from("ffffffffffff02000000000108060001080006040001020000000001c0000202000000000000c0000201", "hex"));
  assert.is(send(left.handle, LEFT, arp), 1);
  const got = receive(right.handle, RIGHT);
  assert.is(got.length, 1);
  assert.equal(got[0]!.bytes, arp);
  const [buffer] = got[0]!.buffers as [number];
  assert.is(view.getUint16(buffer + B_DATA, true), BUFFER_START);
  assert.is(view.getUint16(buffer + B_STATE, true), BUFFER_USED);
  assert.is(view.getUint16(buffer + B_RX_IF, true), RIGHT);
  assert.is(view.getUint16(buffer + B_GSO_SIZE, true), 0);
  release(got);
  assert.is(counter(LEFT, IFC_TX_PACKETS), 1);
  assert.is(counter(LEFT, IFC_TX_BYTES), arp.length);
  assert.is(counter(RIGHT, IFC_RX_PACKETS), 1);
  assert.is(counter(RIGHT, IFC_RX_BYTES), arp.length);
});

balanced("what the netdev sends is not received, whoever sent it", () => {
  const other = addon.openAfPacket("left", options).handle;
  send(other, LEFT, frameOf(60));
  send(left.handle, LEFT, frameOf(61));
  release(receive(right.handle, RIGHT, 2));
  assert.is(addon.receive(left.handle, FRAME, VECTOR, LEFT), 0);
  assert.is(addon.receive(other, FRAME, VECTOR, LEFT), 0);
  addon.closePort(other);
});

for (const length of [14, 60, 1514, 2047, 2048, 2049, 2100, 2101, 4096, 9014]) {
  balanced(`${length} bytes take ${Math.ceil(length / BUFFER_DATA)} buffers`, () => {
    const sent = frameOf(length, length);
    assert.is(send(left.handle, LEFT, sent), 1);
    const got = receive(right.handle, RIGHT);
    assert.equal(got[0]!.bytes, sent);
    assert.is(got[0]!.buffers.length, Math.ceil(length / BUFFER_DATA));
    release(got);
  });
}

balanced("short and long packets of one burst keep their order", () => {
  const sent = [60, 9014, 61, 3000, 2100, 5000, 62].map((length, i) => frameOf(length, i));
  assert.is(send(left.handle, LEFT, ...sent), sent.length);
  const got = receive(right.handle, RIGHT, sent.length);
  assert.equal(got.map(({ bytes }) => bytes), sent);
  release(got);
});

balanced("a burst of 256 goes round the ring many times", () => {
  const sent = Array.from({ length: VECTOR - 1 }, (_, i) => frameOf(60 + i, i));
  for (let round = 0; round < 20; round++) {
    assert.is(send(left.handle, LEFT, ...sent), sent.length);
    const got = receive(right.handle, RIGHT, sent.length);
    assert.equal(got.map(({ bytes }) => bytes), sent);
    release(got);
  }
});

balanced("a super-packet of 64 KiB crosses whole, its offload with it", () => {
  const sent = tcpPacket(65535 - 54); // one byte more and the kernel would cut it up for a veth (gso_max_size)
  put(0, sent, SEGMENTS);
  assert.is(addon.transmit(left.handle, FRAME, 1, LEFT), 1);
  const got = receive(right.handle, RIGHT);
  assert.is(got.length, 1);
  assert.is(got[0]!.buffers.length, 1 + Math.ceil((sent.length - 54) / BUFFER_DATA));
  assert.equal(got[0]!.bytes, sent);
  const [buffer] = got[0]!.buffers as [number];
  assert.is(view.getUint16(buffer + B_LENGTH, true), 54); // the headers have a buffer of their own: their payload is aligned
  assert.is(view.getUint8(buffer + B_GSO_TYPE), 1);
  assert.is(view.getUint16(buffer + B_GSO_SIZE, true), 1448);
  assert.is(view.getUint16(buffer + B_HEADER_LENGTH, true), 54);
  assert.is(view.getUint8(buffer + B_CSUM_FLAGS) & 1, 1);
  assert.is(view.getUint16(buffer + B_CSUM_START, true), BUFFER_START + 34);
  assert.is(view.getUint16(buffer + B_CSUM_OFFSET, true), 16);
  release(got);
});

balanced("an offload follows the packet when its header moves", () => {
  const sent = tcpPacket(100);
  const buffer = put(0, sent, CHECKSUM);
  // as if a node had put the Ethernet header 32 bytes further to the front
  packets.u8.copyWithin(buffer + BUFFER_START - 32, buffer + BUFFER_START, buffer + BUFFER_START + sent.length);
  view.setUint16(buffer + B_DATA, BUFFER_START - 32, true);
  view.setUint16(buffer + B_CSUM_START, BUFFER_START - 32 + 34, true);
  assert.is(addon.transmit(left.handle, FRAME, 1, LEFT), 1);
  const got = receive(right.handle, RIGHT);
  assert.is(view.getUint16(got[0]!.buffers[0]! + B_CSUM_START, true), BUFFER_START + 34);
  assert.equal(got[0]!.bytes.subarray(54), sent.subarray(54));
  release(got);
});

balanced("a VLAN tag that the kernel takes out is put back, short packets and long", () => {
  for (const length of [64, 2052, 5000]) {
    const sent = frameOf(length);
    sent.set([0x81, 0x00, 0x20, 0x64, 0x88, 0xb5], 12); // priority 1, VLAN 100
    assert.is(send(left.handle, LEFT, sent), 1);
    const got = receive(right.handle, RIGHT);
    assert.equal(got[0]!.bytes, sent);
    release(got);
  }
});

balanced("what is too long for the link is counted and the rest of the burst goes on", () => {
  const before = counter(LEFT, IFC_TX_TOO_LONG);
  assert.is(send(left.handle, LEFT, frameOf(60, 1), frameOf(9100, 2), frameOf(60, 3)), 2);
  assert.is(counter(LEFT, IFC_TX_TOO_LONG), before + 1);
  const got = receive(right.handle, RIGHT, 2);
  assert.equal(got.map(({ bytes }) => bytes), [frameOf(60, 1), frameOf(60, 3)]);
  release(got);
});

balanced("what finds the ring full is counted as missed", () => {
  const burst = Array.from({ length: 100 }, (_, i) => frameOf(60, i));
  const [sent, received] = [counter(LEFT, IFC_TX_PACKETS), counter(RIGHT, IFC_RX_PACKETS)];
  for (let i = 0; i < 10; i++) send(left.handle, LEFT, ...burst);
  const known = (): number => counter(RIGHT, IFC_RX_PACKETS) - received + counter(RIGHT, IFC_RX_MISSED);
  const all = (): boolean => known() === counter(LEFT, IFC_TX_PACKETS) - sent;
  for (const end = Date.now() + 30_000; !all() && Date.now() < end; ) {
    let n = VECTOR;
    while (n > 0) release(look((n = addon.receive(right.handle, FRAME, VECTOR, RIGHT))));
    send(left.handle, LEFT, frameOf(60)); // the next packet tells of the loss
    release(receive(right.handle, RIGHT));
  }
  assert.ok(counter(RIGHT, IFC_RX_MISSED) > 0);
  assert.is(known(), counter(LEFT, IFC_TX_PACKETS) - sent);
});

test.run();
