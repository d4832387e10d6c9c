// Packets that the router itself makes: ARP requests and echo requests.

import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_NEXT, ADJ_TX_IF, B_DATA, B_L2, B_LENGTH, B_NEXT, B_TOTAL, B_TX_IF, BUFFER_SHIFT, BUFFER_START, IF_IP4,
  IF_MAC, INTERFACES, INTERFACE_SIZE, LOOKUP_NEXT_DROP, LOOKUP_NEXT_UNREACHABLE,
} from "../../assembly/abi.js";
import { fibLookup } from "../memory/fib-lookup.js";
import type { PacketMemory } from "../memory/memory.js";

/** Where an echo request carries the time it left, from its ICMP header on: a float64 of performance.now(). */
export const PING_TIME = 8;
export interface EchoRequest {
  id: number;
  sequence: number;
  target: number;
  /** payload bytes */
  size: number;
}

const BROADCAST = new Uint8Array(6).fill(0xff);

/** Writes an ARP request (RFC 826) into a fresh buffer; `to`: the one MAC address that is asked, default everyone. */
export function writeArpRequest(
  packets: PacketMemory, index: number, txInterface: number, target: number, source: number, to: Uint8Array = BROADCAST,
): void {
  const { u8, u16, u32, view } = packets;
  const buffer = (index << BUFFER_SHIFT) >>> 0;
  const own = INTERFACES + txInterface * INTERFACE_SIZE;
  const mac = u8.slice(own + IF_MAC, own + IF_MAC + 6);
  const frame = buffer + BUFFER_START;
  u8.set(to, frame);
  u8.set(mac, frame + 6);
  view.setUint16(frame + 12, 0x0806);
  view.setUint16(frame + 14, 1); // hardware: Ethernet
  view.setUint16(frame + 16, 0x0800); // protocol: IPv4
  view.setUint16(frame + 18, 0x0604); // address lengths
  view.setUint16(frame + 20, 1); // request
  u8.set(mac, frame + 22);
  view.setUint32(frame + 28, source, true);
  u8.fill(0, frame + 32, frame + 38);
  view.setUint32(frame + 38, target, true);
  setLength(u16, u32, buffer, 42);
  u16[(buffer + B_L2) >> 1] = BUFFER_START;
  u16[(buffer + B_TX_IF) >> 1] = txInterface;
}

/** Writes an ICMP echo request (RFC 792) with `size` payload bytes into a fresh packet, which is long enough for it. */
export function writeEchoRequest(packets: PacketMemory, index: number, ping: EchoRequest, source: number): void {
  const total = echoLength(ping);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x4500);
  view.setUint16(2, total);
  view.setUint16(4, ping.sequence);
  view.setUint16(6, 0);
  view.setUint16(8, (64 << 8) | 1);
  view.setUint32(12, source, true);
  view.setUint32(16, ping.target, true);
  view.setUint16(10, checksum(view, 0, 20));

  const icmp = 20;
  view.setUint16(icmp, 0x0800);
  view.setUint16(icmp + 4, ping.id);
  view.setUint16(icmp + 6, ping.sequence);
  for (let at = 8; at < 8 + ping.size; at++) bytes[icmp + at] = at & 0xff;
  view.setFloat64(icmp + PING_TIME, performance.timeOrigin + performance.now(), true); // as every worker knows it
  view.setUint16(icmp + 2, checksum(view, icmp, 8 + ping.size));
  writeOver(packets, (index << BUFFER_SHIFT) >>> 0, bytes);
}

/** Bytes of an echo request's packet. */
export function echoLength({ size }: EchoRequest): number {
  return 28 + size;
}

/** Writes a packet's bytes over its chain. */
function writeOver({ u8, u16, u32 }: PacketMemory, buffer: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; buffer = (u32[(buffer + B_NEXT) >> 2]! << BUFFER_SHIFT) >>> 0) {
    const here = u16[(buffer + B_LENGTH) >> 1]!;
    u8.set(bytes.subarray(done, done + here), buffer + u16[(buffer + B_DATA) >> 1]!);
    done += here;
  }
}

/** The address to send from: the primary one of the interface that the route names; 0: no route, or no address. */
export function sourceFor({ u32, u16 }: PacketMemory, target: number): number {
  const adjacency = ADJACENCIES + fibLookup(u32, target) * ADJACENCY_SIZE;
  const next = u16[(adjacency + ADJ_NEXT) >> 1];
  if (next === LOOKUP_NEXT_DROP || next === LOOKUP_NEXT_UNREACHABLE) return 0;
  const port = INTERFACES + u16[(adjacency + ADJ_TX_IF) >> 1]! * INTERFACE_SIZE;
  return u32[(port + IF_IP4) >> 2]!;
}

/** RFC 1071. */
export function checksum(view: DataView, from: number, length: number): number {
  let sum = 0;
  for (let at = 0; at + 1 < length; at += 2) sum += view.getUint16(from + at);
  if (length & 1) sum += view.getUint8(from + length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function setLength(u16: Uint16Array, u32: Uint32Array, buffer: number, length: number): void {
  u16[(buffer + B_DATA) >> 1] = BUFFER_START;
  u16[(buffer + B_LENGTH) >> 1] = length;
  u32[(buffer + B_TOTAL) >> 2] = length;
}
