// One node in a packet memory as the router makes it: page zero inaccessible, the tables read-only. Packets are put
// in and read back; what calls the node is elsewhere.

import {
  BUFFER_ALIGN, BUFFER_DATA, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_START, BUFFER_USED, B_ADJ, B_DATA, B_FLAGS, B_L2, B_LENGTH, B_NEXT,
  B_RX_IF, B_STATE, B_TOTAL, B_TX_IF, CONFIGURATIONS, CONFIGURATIONS_SIZE, COPY_SHIFT, FRAME_BUFFERS, FRAME_NEXT, IF_FLAG_ADMIN_UP,
  IF_FLAG_LINK_UP, INTERFACE_COUNT, MODULES, MODULE_COUNT, MODULE_SIZE, NODE_CONFIG, NODE_CONFIG_SIZE, NODE_COUNTERS, NODE_STATE, TABLES, VECTOR,
  WORKER_FRAMES, WORKER_NODES,
} from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { EncodedConfig } from "../graph/node-config.js";
import { type PacketMemory, createMemory, workerAt } from "../memory/memory.js";
import { Tables } from "../memory/tables.js";
import type { FieldName, Fields, PacketIn } from "./test-file.js";

/** a vector, and what longer packets need besides */
const BUFFERS = 1024;
const NODE = workerAt(0) + WORKER_NODES;
const FRAME = workerAt(0) + WORKER_FRAMES;
/** in place of next slots that no node has written */
const UNWRITTEN = 0xeeee;
const SLOT_MASK = (1 << COPY_SHIFT) - 1;

interface Field {
  at: number;
  bytes: 2 | 4;
}

const FIELDS: Record<FieldName, Field> = {
  rx: { at: B_RX_IF, bytes: 2 },
  tx: { at: B_TX_IF, bytes: 2 },
  flags: { at: B_FLAGS, bytes: 2 },
  adjacency: { at: B_ADJ, bytes: 2 },
};

export interface InterfaceState {
  mac: string | null;
  ip4: string | null;
  mtu: number;
  up: boolean;
}

/** A packet as a node left it. */
export interface PacketLeft {
  slot: number;
  /** slot of the copy; 0: none */
  copy: number;
  /** from the current layer on; null where the header makes no sense */
  bytes: Uint8Array | null;
  fields: Required<Fields>;
  /** what the node may not do to a packet, and did */
  broken: string | null;
}

export class Bed {
  /** addresses of its runtime block and of its frame: the node's arguments */
  readonly node = NODE;
  readonly frame = FRAME;
  readonly packets: PacketMemory;
  private readonly tables: Tables;
  private readonly writable: Uint8Array;
  /** what the graph knows of the frame's packets, whatever the node does to them */
  private given: { buffer: number; chain: number }[] = [];
  private spare = VECTOR;

  constructor() {
    const owned = createMemory(BUFFERS, 1, () => {});
    this.packets = owned.packets;
    this.tables = new Tables(owned.tables);
    this.writable = new Uint8Array(owned.tables);
  }

  /** As a node finds it that was just loaded: counters, state and static data zero, interface 1 up. */
  reset(stateSize: number): void {
    const { u8 } = this.packets;
    u8.fill(0, NODE, NODE + NODE_STATE + stateSize);
    u8.fill(0, MODULES, MODULES + MODULE_COUNT * MODULE_SIZE);
    const none = { mac: null, ip4: null, mtu: 0, up: false };
    for (let index = 0; index < INTERFACE_COUNT; index++) this.setInterface(index, none);
    this.setInterface(1, { mac: "02:00:00:00:00:01", ip4: null, mtu: 1500, up: true });
  }

  setInterface(index: number, { mac, ip4, mtu, up }: InterfaceState): void {
    this.tables.writeInterface(index, {
      flags: up ? IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP : 0,
      mtu,
      txSlot: 0,
      mac: Uint8Array.from((mac ?? "0:0:0:0:0:0").split(":"), (byte) => parseInt(byte, 16)),
      ip4: ip4 === null ? 0 : new DataView(Uint8Array.from(ip4.split("."), Number).buffer).getUint32(0, true),
    });
  }

  /** Gives the node a configuration. Throws NO_MEMORY for one that is too large. */
  setConfig({ size, write }: EncodedConfig): void {
    if (size > CONFIGURATIONS_SIZE) throw new WeftError("NO_MEMORY", `a configuration of ${size} bytes: there is room for ${CONFIGURATIONS_SIZE}`);
    this.writable.set(write(CONFIGURATIONS), CONFIGURATIONS - TABLES);
    this.packets.u32[(NODE + NODE_CONFIG) >> 2] = CONFIGURATIONS;
    this.packets.u32[(NODE + NODE_CONFIG_SIZE) >> 2] = size;
  }

  counter(index: number): bigint {
    return this.packets.u64[(NODE + NODE_COUNTERS + index * 8) >> 3]!;
  }

  /** Fills the frame with as many of the packets as there is room for; gives how many, 0 for a first one that is too long. */
  fill(packets: PacketIn[]): number {
    const { u32, u16 } = this.packets;
    this.given = [];
    this.spare = VECTOR;
    for (const packet of packets.slice(0, VECTOR)) {
      const pieces = buffersOf(packet);
      if (this.spare + pieces.length - 1 > BUFFERS) break;
      this.put(packet, pieces);
    }
    u16.fill(UNWRITTEN, (FRAME + FRAME_NEXT) >> 1, ((FRAME + FRAME_NEXT) >> 1) + VECTOR);
    this.given.forEach(({ buffer }, i) => { u32[((FRAME + FRAME_BUFFERS) >> 2) + i] = buffer >>> BUFFER_SHIFT; });
    return this.given.length;
  }

  /** The packets of the frame as the node left them. */
  left(): PacketLeft[] {
    return this.given.map((_, i) => this.leftAt(i));
  }

  /** What the node did wrong with the frame as a whole. */
  brokenFrame(): string | null {
    const slots = (FRAME + FRAME_NEXT) >> 1;
    const beyond = this.packets.u16.subarray(slots + this.given.length, slots + VECTOR).findIndex((slot) => slot !== UNWRITTEN);
    return beyond < 0 ? null : `the node wrote next slot ${this.given.length + beyond} of a frame of ${this.given.length}`;
  }

  private put(packet: PacketIn, pieces: Uint8Array[]): void {
    const { u8, view } = this.packets;
    const head = this.bufferAt(this.given.length);
    const start = BUFFER_START + packet.stripped.length;
    const chain = pieces.map((_, k) => (k === 0 ? head : this.bufferAt(this.spare++)));
    for (const [k, buffer] of chain.entries()) {
      const data = k === 0 ? start : BUFFER_START;
      u8.fill(0, buffer, buffer + BUFFER_SIZE);
      u8.set(pieces[k]!, buffer + data);
      view.setUint16(buffer + B_DATA, data, true);
      view.setUint16(buffer + B_LENGTH, pieces[k]!.length, true);
      view.setUint32(buffer + B_NEXT, (chain[k + 1] ?? 0) >>> BUFFER_SHIFT, true);
      view.setUint16(buffer + B_STATE, BUFFER_USED, true);
    }
    u8.set(packet.stripped, head + BUFFER_START);
    view.setUint32(head + B_TOTAL, pieces.reduce((sum, piece) => sum + piece.length, 0), true);
    view.setUint16(head + B_L2, BUFFER_START, true);
    for (const [name, value] of Object.entries({ rx: 1, ...packet.fields })) this.setField(head, FIELDS[name as FieldName], value);
    this.given.push({ buffer: head, chain: chain.length > 1 ? chain[1]! >>> BUFFER_SHIFT : 0 });
  }

  private leftAt(i: number): PacketLeft {
    const { u16 } = this.packets;
    const { buffer } = this.given[i]!;
    const next = u16[((FRAME + FRAME_NEXT) >> 1) + i]!;
    const broken = this.broken(i, next);
    const fields = Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, this.field(buffer, field)])) as Required<Fields>;
    return { slot: next & SLOT_MASK, copy: next >>> COPY_SHIFT, bytes: broken === null ? this.read(buffer) : null, fields, broken };
  }

  /** What the graph would drop the packet for, judging its header as assembly/graph does. */
  private broken(i: number, next: number): string | null {
    const { u16, u32 } = this.packets;
    const { buffer, chain } = this.given[i]!;
    const [data, length, total] = [u16[(buffer + B_DATA) >> 1]!, u16[(buffer + B_LENGTH) >> 1]!, u32[(buffer + B_TOTAL) >> 2]!];
    if (next === UNWRITTEN) return "the node wrote no next slot for it";
    if (u32[((FRAME + FRAME_BUFFERS) >> 2) + i] !== buffer >>> BUFFER_SHIFT) return "the node changed the buffer's index in its frame";
    if (data < BUFFER_ALIGN || data > BUFFER_SIZE) return `B_DATA is ${data}: not from ${BUFFER_ALIGN} to ${BUFFER_SIZE}`;
    if (data + length > BUFFER_SIZE) return `B_LENGTH is ${length}: ${data + length - BUFFER_SIZE} bytes beyond the buffer's end`;
    if (chain === 0 && total !== length) return `B_TOTAL is ${total}, but B_LENGTH ${length} in a packet of one buffer`;
    if (chain !== 0 && total < length) return `B_TOTAL is ${total}, less than the ${length} bytes of its first buffer`;
    if (u32[(buffer + B_NEXT) >> 2] !== chain) return "the node changed B_NEXT: the chain is the graph's";
    if (u16[(buffer + B_STATE) >> 1] !== BUFFER_USED) return "the node changed B_STATE: whether a buffer is in use is the graph's to say";
    return null;
  }

  /** The packet from its current layer on, over its chain, the first buffer of which was judged. */
  private read(head: number): Uint8Array {
    const { u8, u16, u32 } = this.packets;
    const pieces: Uint8Array[] = [];
    for (let buffer = head, left = u32[(head + B_TOTAL) >> 2]!; buffer !== 0 && left > 0 && pieces.length < BUFFERS;) {
      const data = buffer + u16[(buffer + B_DATA) >> 1]!;
      const piece = u8.slice(data, data + Math.min(left, u16[(buffer + B_LENGTH) >> 1]!));
      pieces.push(piece);
      left -= piece.length;
      buffer = (u32[(buffer + B_NEXT) >> 2]! << BUFFER_SHIFT) >>> 0;
    }
    return Buffer.concat(pieces);
  }

  /** Address of buffer i of the pool. */
  bufferAt(i: number): number {
    return this.packets.layout.pool + i * BUFFER_SIZE;
  }

  private setField(buffer: number, { at, bytes }: Field, value: number): void {
    if (bytes === 2) this.packets.view.setUint16(buffer + at, value, true);
    else this.packets.view.setUint32(buffer + at, value, true);
  }

  private field(buffer: number, { at, bytes }: Field): number {
    return bytes === 2 ? this.packets.view.getUint16(buffer + at, true) : this.packets.view.getUint32(buffer + at, true);
  }
}

/** A packet's pieces, those that one buffer cannot hold cut. */
function buffersOf({ stripped, pieces }: PacketIn): Uint8Array[] {
  return pieces.flatMap((piece, k) => {
    const first = k === 0 ? BUFFER_DATA - stripped.length : BUFFER_DATA;
    const cut = [piece.subarray(0, first)];
    for (let from = first; from < piece.length; from += BUFFER_DATA) cut.push(piece.subarray(from, from + BUFFER_DATA));
    return cut;
  });
}
