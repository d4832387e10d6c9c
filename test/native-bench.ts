// What the tests of the shim share: a packet memory whose worker is this thread, a veth pair with a port on each end,
// and frames written and read byte by byte.

import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import {
  BUFFER_DATA, BUFFER_FREE, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_DATA,
  B_GSO_SIZE, B_GSO_TYPE, B_HEADER_LENGTH, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, FRAME_BUFFERS, FREE_LIST_ENTRIES, IFC_SIZE, VECTOR,
  WORKER_FRAMES, WORKER_FREE_LIST, WORKER_INTERFACES,
} from "../assembly/abi.js";
import { addon } from "../host/addon.js";
import { createMemory, workerAt, type PacketMemory } from "../host/memory/memory.js";

/** An offload as it stands in a buffer's header; positions count from the Ethernet header. */
export interface Offload {
  gsoType?: number;
  gsoSize?: number;
  headerLength?: number;
  checksumStart?: number;
  checksumOffset?: number;
}

/** A packet as a test sees it: its bytes over the whole chain, and where it lies. */
export interface Packet {
  bytes: Uint8Array;
  /** addresses of the chain's buffers */
  buffers: number[];
}

export const BUFFERS = 1024;
const WORKER = workerAt(0);
export const FRAME = WORKER + WORKER_FRAMES;
export const FREE_LIST = WORKER + WORKER_FREE_LIST;

export const packets: PacketMemory = createMemory(BUFFERS, 1, () => {}).packets;
addon.attachWorker(packets.u8, WORKER, packets.layout.pool, packets.layout.poolEnd);
const { u8, view } = packets;
const waiter = addon.openWaiter();

/** Runs ip(8); throws with its message. */
export function ip(command: string): string {
  return execFileSync("ip", command.split(" "), { encoding: "utf8", env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` } });
}

/** A veth pair, up, on which the kernel itself says nothing (no IPv6 address, so no neighbour discovery). */
export function makePair(left: string, right: string, mtu = 1500): void {
  ip(`link add ${left} mtu ${mtu} type veth peer name ${right} mtu ${mtu}`);
  for (const name of [left, right]) ip(`link set ${name} addrgenmode none arp off up`);
  // The kernel tells of a carrier a while after it is there.
  const isUp = (name: string): boolean => (JSON.parse(ip(`-j link show ${name}`)) as { operstate: string }[])[0]!.operstate === "UP";
  for (const end = Date.now() + 30_000; ![left, right].every(isUp); ) assert.ok(Date.now() < end, `${left} and ${right} do not come up`);
}

export const free = (): number => packets.free(0);

/** A counter (IFC_*) of an interface. */
export const counter = (swIfIndex: number, which: number): number => packets.counter(WORKER + WORKER_INTERFACES + swIfIndex * IFC_SIZE + which);

/** Puts every buffer into the free list: a test that failed half-way must not take the next one with it. */
export function resetPool(): void {
  for (let buffer = 0; buffer < BUFFERS; buffer++) {
    const address = packets.layout.pool + buffer * BUFFER_SIZE;
    view.setUint16(address + B_STATE, BUFFER_FREE, true);
    view.setUint32(FREE_LIST + FREE_LIST_ENTRIES + 4 * buffer, address >>> BUFFER_SHIFT, true);
  }
  view.setUint32(FREE_LIST, BUFFERS, true);
}

function take(): number {
  const count = free();
  assert.ok(count > 0, "the test's own pool is empty");
  view.setUint32(FREE_LIST, count - 1, true);
  const address = view.getUint32(FREE_LIST + FREE_LIST_ENTRIES + 4 * (count - 1), true) << BUFFER_SHIFT;
  u8.fill(0, address, address + BUFFER_START);
  view.setUint16(address + B_STATE, BUFFER_USED, true);
  return address;
}

function give(address: number): void {
  const count = free();
  view.setUint16(address + B_STATE, BUFFER_FREE, true);
  view.setUint32(FREE_LIST + FREE_LIST_ENTRIES + 4 * count, address >>> BUFFER_SHIFT, true);
  view.setUint32(FREE_LIST, count + 1, true);
}

/** Puts a packet into buffers and its index into the frame's place `at`; gives the first buffer's address. */
export function put(at: number, bytes: Uint8Array, offload: Offload = {}): number {
  const first = take();
  for (let buffer = first, done = 0; ; ) {
    const here = Math.min(BUFFER_DATA, bytes.length - done);
    u8.set(bytes.subarray(done, done + here), buffer + BUFFER_START);
    view.setUint16(buffer + B_DATA, BUFFER_START, true);
    view.setUint16(buffer + B_LENGTH, here, true);
    done += here;
    if (done === bytes.length) break;
    const next = take();
    view.setUint32(buffer + B_NEXT, next >>> BUFFER_SHIFT, true);
    buffer = next;
  }
  view.setUint32(first + B_TOTAL, bytes.length, true);
  view.setUint8(first + B_GSO_TYPE, offload.gsoType ?? 0);
  view.setUint16(first + B_GSO_SIZE, offload.gsoSize ?? 0, true);
  view.setUint16(first + B_HEADER_LENGTH, offload.headerLength ?? 0, true);
  if (offload.checksumStart !== undefined) {
    view.setUint8(first + B_CSUM_FLAGS, 1);
    view.setUint16(first + B_CSUM_START, BUFFER_START + offload.checksumStart, true);
    view.setUint16(first + B_CSUM_OFFSET, offload.checksumOffset!, true);
  }
  view.setUint32(FRAME + FRAME_BUFFERS + 4 * at, first >>> BUFFER_SHIFT, true);
  return first;
}

/** The packets of the frame's first `n` places. */
export function look(n: number): Packet[] {
  return Array.from({ length: n }, (_, at) => {
    const first = view.getUint32(FRAME + FRAME_BUFFERS + 4 * at, true) << BUFFER_SHIFT;
    const bytes = new Uint8Array(view.getUint32(first + B_TOTAL, true));
    const buffers: number[] = [];
    for (let buffer = first, done = 0; buffer !== 0; buffer = view.getUint32(buffer + B_NEXT, true) << BUFFER_SHIFT) {
      const data = buffer + view.getUint16(buffer + B_DATA, true);
      bytes.set(u8.subarray(data, data + view.getUint16(buffer + B_LENGTH, true)), done);
      done += view.getUint16(buffer + B_LENGTH, true);
      buffers.push(buffer);
    }
    return { bytes, buffers };
  });
}

/** Returns the buffers of received packets, as the graph would. */
export function release(received: Packet[]): void {
  for (const { buffers } of received) buffers.forEach(give);
}

/** Sends packets in one burst; gives how many the shim says were sent. */
export function send(handle: number, swIfIndex: number, ...frames: Uint8Array[]): number {
  frames.forEach((bytes, at) => put(at, bytes));
  return addon.transmit(handle, FRAME, frames.length, swIfIndex);
}

/** Receives so many packets: a busy kernel may hand them over in several bursts, and late. The buffers stay the caller's. */
export function receive(handle: number, swIfIndex: number, count = 1, max = VECTOR): Packet[] {
  const got: Packet[] = [];
  for (const end = Date.now() + 30_000; got.length < count && Date.now() < end; ) {
    const n = addon.receive(handle, FRAME, max, swIfIndex);
    got.push(...look(n));
    if (n === 0) addon.wait(waiter, Uint32Array.of(handle), end - Date.now());
  }
  return got;
}

/** Waits until the netdev behind a port is as wanted. */
export function untilLink(handle: number, wanted: { present?: boolean; up?: boolean }): void {
  for (const end = Date.now() + 30_000; Date.now() < end; addon.wait(waiter, Uint32Array.of(), 5)) {
    const state = addon.linkState(handle);
    if ((wanted.present ?? state.present) === state.present && (wanted.up ?? state.up) === state.up) return;
  }
  assert.unreachable(`the link did not become ${JSON.stringify(wanted)}`);
}

/** An Ethernet frame of a private type (IEEE 802 local experimental) whose payload counts up from `seed`. */
export function frameOf(length: number, seed = 0): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);
  bytes.set([0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01, 0x88, 0xb5]);
  return bytes;
}

/** An IPv4 TCP packet with its checksum undone: `payload` bytes after 54 bytes of headers. */
export function tcpPacket(payload: number): Uint8Array {
  const bytes = frameOf(54 + payload);
  const length = bytes.length - 14;
  // Ethernet, IPv4 192.0.2.1 > 192.0.2.2 without header checksum, TCP 1 > 2 with ACK and a data offset of 5
  bytes.set(Buffer.from("0200000000020200000000010800450000000000400040060000c0000201c00002020001000200000000000000005010ffff00000000", "hex"));
  bytes.set([length >> 8, length & 0xff], 16);
  return bytes;
}
/** Offloads of tcpPacket: its checksum; that and segments of 1448 bytes. */
export const CHECKSUM: Offload = { checksumStart: 34, checksumOffset: 16 };
export const SEGMENTS: Offload = { ...CHECKSUM, gsoType: 1, gsoSize: 1448, headerLength: 128 }; // more than the 54: it is a hint
