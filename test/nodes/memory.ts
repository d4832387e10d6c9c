// A plain shared memory, without graph or shim: the tables, and a few buffers that packets are put into and read from as hex text.

import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_ICMP_CODE, ADJ_MTU, ADJ_NEXT, ADJ_NEXT_HOP, ADJ_NO_ROUTE, ADJ_REWRITE, ADJ_REWRITE_LENGTH, ADJ_TX_IF, BUFFER_ALIGN,
  BUFFER_DATA, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_DATA, B_L2, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, FIB_DEEP, FIB_PLIES, FIB_PLY_ENTRIES,
  FIB_PLY_PLACES, FIB_PLY_RANKS, FIB_ROOT, IF_FLAGS, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, IF_IP4, IF_MAC, IF_MTU, IF_TX_SLOT, INTERFACES,
  INTERFACE_SIZE,
  LOOKUP_NEXT_UNREACHABLE, PAGE, VECTOR, WORKERS, WORKER_SIZE, CONTROL, CONTROL_ICMP_BURST, CONTROL_ICMP_INTERVAL, CONTROL_ICMP_RATE, CONTROL_UTC,
  OWN_ADDRESSES, OWN_HASH, OWN_SHIFT,
} from "../../assembly/abi.js";

const POOL = WORKERS + WORKER_SIZE;
const BUFFERS = VECTOR + 8;
const pages = Math.ceil((POOL + BUFFERS * BUFFER_SIZE) / PAGE);

export const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
export const view = new DataView(memory.buffer);
export const bytes = new Uint8Array(memory.buffer);

/** An address as tables hold it. */
export function raw(address: string): number {
  return new DataView(Uint8Array.from(address.split("."), Number).buffer).getUint32(0, true);
}

/** Bytes of hex text; blanks and line breaks are for the reader. */
export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));
}

export function toHex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}

/** Entries of the FIB's root that are not as they were at first: the whole is 32 MiB. */
const routed: number[] = [];

/** Clears tables and buffers; every address has no route. */
export function resetTables(): void {
  bytes.fill(0, CONTROL, INTERFACES);
  bytes.fill(0, INTERFACES, INTERFACES + 16 * INTERFACE_SIZE);
  bytes.fill(0, ADJACENCIES, ADJACENCIES + 64 * ADJACENCY_SIZE);
  for (const at of routed.splice(0)) view.setUint16(at, ADJ_NO_ROUTE, true);
  bytes.fill(0, POOL, POOL + BUFFERS * BUFFER_SIZE);
  plies = 0;
  setAdjacency(ADJ_NO_ROUTE, { next: LOOKUP_NEXT_UNREACHABLE });
}

export function setInterface(index: number, entry: { mac?: string; ip4?: string; mtu?: number; slot?: number; flags?: number }): void {
  const at = INTERFACES + index * INTERFACE_SIZE;
  view.setUint32(at + IF_FLAGS, entry.flags ?? IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP, true);
  view.setUint16(at + IF_MTU, entry.mtu ?? 1500, true);
  view.setUint16(at + IF_TX_SLOT, entry.slot ?? 0, true);
  bytes.set(fromHex((entry.mac ?? "020000000001")), at + IF_MAC);
  view.setUint32(at + IF_IP4, entry.ip4 ? raw(entry.ip4) : 0, true);
}

/** `utc`: ms from 1970 to the origin of the clock; limits of ICMP messages as in abi.ts. */
export function setControl({ utc = 0, interval = 0, rate = 0, burst = 0 }: { utc?: number; interval?: number; rate?: number; burst?: number }): void {
  view.setFloat64(CONTROL + CONTROL_UTC, utc, true);
  view.setUint32(CONTROL + CONTROL_ICMP_INTERVAL, interval, true);
  view.setUint32(CONTROL + CONTROL_ICMP_RATE, rate, true);
  view.setUint32(CONTROL + CONTROL_ICMP_BURST, burst, true);
}

/** Marks an address as one that no packet from outside may have as its source. */
export function setOwn(address: string): void {
  view.setUint8(OWN_ADDRESSES + (Math.imul(raw(address), OWN_HASH) >>> OWN_SHIFT), 1);
}

export interface Adjacency { next: number; tx?: number; mtu?: number; rewrite?: string; code?: number; nextHop?: number }

export function setAdjacency(index: number, entry: Adjacency): void {
  const at = ADJACENCIES + index * ADJACENCY_SIZE;
  const rewrite = fromHex(entry.rewrite ?? "");
  view.setUint16(at + ADJ_NEXT, entry.next, true);
  view.setUint16(at + ADJ_TX_IF, entry.tx ?? 0, true);
  view.setUint16(at + ADJ_MTU, entry.mtu ?? 1500, true);
  view.setUint8(at + ADJ_REWRITE_LENGTH, rewrite.length);
  view.setUint8(at + ADJ_ICMP_CODE, entry.code ?? 0);
  view.setUint32(at + ADJ_NEXT_HOP, entry.nextHop ?? 0, true);
  bytes.set(rewrite, at + ADJ_REWRITE);
}

let plies = 0;
/** with 256 entries */
const PLY_SIZE = FIB_PLY_ENTRIES + 512 + 4;

/** Leads a /16, /24 or /32 to an adjacency; longer prefixes after the shorter ones that cover them. */
export function setRoute(prefix: string, adjacency: number): void {
  const [address, length] = prefix.split("/") as [string, string];
  const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number];
  const at = FIB_ROOT + 2 * ((a << 16) | (b << 8) | c);
  for (let i = 0; i < (Number(length) === 16 ? 256 : 1); i++) routed.push(at + 2 * i);
  if (Number(length) === 16) for (let i = 0; i < 256; i++) view.setUint16(at + 2 * i, adjacency, true);
  else view.setUint16(Number(length) === 24 ? at : plyUnder(at) + 2 * d, adjacency, true);
}

/** Address of the 256 entries under an entry; the first time a ply in which each value is a run of its own takes the entry's place. */
function plyUnder(at: number): number {
  const entry = view.getUint16(at, true);
  if (entry >= FIB_DEEP) return FIB_PLIES + (entry - FIB_DEEP) * PLY_SIZE + FIB_PLY_ENTRIES;
  const ply = FIB_PLIES + plies * PLY_SIZE;
  bytes.fill(0xff, ply, ply + FIB_PLY_RANKS);
  bytes.set([0, 64, 128, 192], ply + FIB_PLY_RANKS);
  for (let i = 0; i < 256; i++) view.setUint16(ply + FIB_PLY_ENTRIES + i * 2, entry, true);
  view.setUint32(FIB_PLY_PLACES + 4 * plies, ply, true);
  view.setUint16(at, FIB_DEEP + plies++, true);
  return ply + FIB_PLY_ENTRIES;
}

/** Address of buffer i. */
export function bufferAt(i: number): number { return POOL + i * BUFFER_SIZE; }

export interface Packet {
  /** hex from the Ethernet header on; or from the current layer on with `l2: 0` */
  hex: string;
  /** bytes of Ethernet header already stripped; default 14 */
  l2?: number;
  /** header fields by their offset: [offset, bytes, value] */
  fields?: [at: number, size: 1 | 2 | 4, value: number][];
  /** where its first byte lies in the buffer; default BUFFER_START */
  start?: number;
  /** lengths of the pieces of a chained packet, from the current layer on; default: one piece */
  pieces?: number[];
  /** what the buffer holds beyond the packet is part of it too: B_TOTAL says so */
  total?: number;
}

/** Puts a packet into buffer i (its further pieces into the spare buffers after VECTOR). */
export function putPacket(i: number, packet: Packet): void {
  const data = fromHex(packet.hex);
  const l2 = packet.l2 ?? 14;
  const pieces = packet.pieces ?? [data.length - l2];
  const first = packet.start ?? BUFFER_START;
  let from = l2;
  let buffer = bufferAt(i);
  bytes.fill(0, buffer, buffer + BUFFER_SIZE);
  bytes.set(data.subarray(0, l2), buffer + first);
  pieces.forEach((length, k) => {
    if (length > BUFFER_DATA) throw new Error(`piece ${k} of ${length} bytes does not fit`);
    const start = k === 0 ? first + l2 : BUFFER_START;
    bytes.set(data.subarray(from, from + length), buffer + start);
    view.setUint16(buffer + B_DATA, start, true);
    view.setUint16(buffer + B_LENGTH, length, true);
    view.setUint16(buffer + B_STATE, BUFFER_USED, true);
    from += length;
    if (k + 1 < pieces.length) {
      const next = bufferAt(VECTOR + k);
      view.setUint32(buffer + B_NEXT, next >>> BUFFER_SHIFT, true);
      buffer = next;
    }
  });
  view.setUint32(bufferAt(i) + B_TOTAL, packet.total ?? data.length - l2, true);
  view.setUint16(bufferAt(i) + B_L2, first, true);
  for (const [at, size, value] of packet.fields ?? []) setField(i, at, size, value);
}

function setField(i: number, at: number, size: 1 | 2 | 4, value: number): void {
  if (size === 1) view.setUint8(bufferAt(i) + at, value);
  else if (size === 2) view.setUint16(bufferAt(i) + at, value, true);
  else view.setUint32(bufferAt(i) + at, value, true);
}

/** The packet in buffer i from its current layer on, over its chain, as hex. */
export function packetHex(i: number): string {
  let buffer = bufferAt(i);
  let left = view.getUint32(buffer + B_TOTAL, true);
  let text = "";
  for (;;) {
    const data = buffer + view.getUint16(buffer + B_DATA, true);
    const here = Math.min(left, view.getUint16(buffer + B_LENGTH, true));
    text += toHex(bytes.slice(data, data + here));
    left -= here;
    const next = view.getUint32(buffer + B_NEXT, true);
    if (left === 0 || next === 0) return text;
    buffer = next << BUFFER_SHIFT;
  }
}

/** The header of buffer i as hex. */
export function headerHex(i: number): string { return toHex(bytes.slice(bufferAt(i), bufferAt(i) + BUFFER_ALIGN)); }

export function u16(i: number, at: number): number { return view.getUint16(bufferAt(i) + at, true); }
export function u32(i: number, at: number): number { return view.getUint32(bufferAt(i) + at, true); }
