// A whole router in one thread: control plane, graph and all nodes as shipped, but for the wire, which
// is two arrays of frames. Everything happens in turns, so that a test sees each step's end.

import * as assert from "uvu/assert";
import {
  B_CSUM_FLAGS, B_DATA, B_FLAGS, B_GSO_SIZE, B_LENGTH, B_NEXT, B_RX_IF, B_STATE, B_TOTAL, BUFFER_DATA, BUFFER_FREE, BUFFER_SHIFT, BUFFER_START,
  BUFFER_USED, FREE_LIST_ENTRIES, GRAPH_CHAINED, IFC_RX_BYTES, IFC_RX_PACKETS, IFC_SIZE, IFC_TX_BYTES, IFC_TX_PACKETS, WORKER_FREE_LIST,
  WORKER_INTERFACES,
} from "../../assembly/abi.js";
import type { Connect, EngineLink } from "../../host/control/engine-link.js";
import { Router } from "../../host/control/router.js";
import { must } from "../../host/lab/command.js";
import { Engine } from "../../host/graph/engine.js";
import type { HostNodeModule } from "../../host/graph/host-node.js";
import type { FromEngine, ToEngine } from "../../host/graph/messages.js";
import { type PacketMemory, workerAt } from "../../host/memory/memory.js";
import type { Port } from "../../host/ports/port.js";

const GRAPH = workerAt(0);
const HEADER = 64;
/** MAC addresses of a pair's interfaces. */
export const LEFT_MAC = "02:fe:00:00:00:01";
export const RIGHT_MAC = "02:fe:00:00:00:02";

/** A port whose wire is two arrays. */
export class ArrayPort implements Port {
  readonly handle = null;
  readonly kind = "af_packet";
  /** frames to receive */
  readonly incoming: Uint8Array[] = [];
  /** frames that were sent */
  outgoing: Uint8Array[] = [];
  /** payload of one segment of the super-packets that come; 0: frames are what they are */
  segmentSize = 0;
  /** B_FLAGS and B_CSUM_FLAGS of what comes: what the device says of it */
  flags = 0;
  checksumFlags = 0;
  /** segment sizes of the frames that were sent */
  readonly sentSegmentSizes: number[] = [];

  constructor(readonly index: number, private readonly packets: PacketMemory) {}

  receive(frame: number, max: number): number {
    const burst = this.incoming.splice(0, max);
    for (const [i, bytes] of burst.entries()) this.packets.u32[(frame >> 2) + i] = this.store(bytes);
    return burst.length;
  }

  transmit(frame: number, n: number): void {
    for (let i = 0; i < n; i++) {
      const index = this.packets.u32[(frame >> 2) + i]!;
      const bytes = this.load(index);
      this.count(IFC_TX_PACKETS, 1);
      this.count(IFC_TX_BYTES, bytes.length);
      this.outgoing.push(bytes);
      this.sentSegmentSizes.push(this.packets.u16[(((index << BUFFER_SHIFT) >>> 0) + B_GSO_SIZE) >> 1]!);
      this.free(index);
    }
  }

  drain(): void {}

  private store(bytes: Uint8Array): number {
    const { u8, u16, u32 } = this.packets;
    let first = 0;
    let last = 0;
    for (let from = 0; first === 0 || from < bytes.length; from += BUFFER_DATA) {
      const part = bytes.subarray(from, from + BUFFER_DATA);
      const index = this.take();
      const buffer = (index << BUFFER_SHIFT) >>> 0;
      u8.fill(0, buffer, buffer + HEADER);
      u8.set(part, buffer + BUFFER_START);
      u16[(buffer + B_DATA) >> 1] = BUFFER_START;
      u16[(buffer + B_LENGTH) >> 1] = part.length;
      u16[(buffer + B_STATE) >> 1] = BUFFER_USED;
      if (first === 0) {
        first = index;
        u32[(buffer + B_TOTAL) >> 2] = bytes.length;
        u16[(buffer + B_RX_IF) >> 1] = this.index;
        u16[(buffer + B_FLAGS) >> 1] = this.flags;
        u8[buffer + B_CSUM_FLAGS] = this.checksumFlags;
        u16[(buffer + B_GSO_SIZE) >> 1] = this.segmentSize;
      } else {
        u32[(last + B_NEXT) >> 2] = index;
        u32[(GRAPH + GRAPH_CHAINED) >> 2] = 1;
      }
      last = buffer;
    }
    this.count(IFC_RX_PACKETS, 1);
    this.count(IFC_RX_BYTES, bytes.length);
    return first;
  }

  /** The bytes of a packet, over its chain. */
  private load(index: number): Uint8Array {
    const { u8, u16, u32 } = this.packets;
    let buffer = (index << BUFFER_SHIFT) >>> 0;
    const bytes = new Uint8Array(u32[(buffer + B_TOTAL) >> 2]!);
    for (let at = 0; ; ) {
      const data = buffer + u16[(buffer + B_DATA) >> 1]!;
      const part = u8.subarray(data, data + Math.min(u16[(buffer + B_LENGTH) >> 1]!, bytes.length - at));
      bytes.set(part, at);
      at += part.length;
      if (at === bytes.length) return bytes;
      const next = u32[(buffer + B_NEXT) >> 2]!;
      if (next === 0) throw new Error(`a packet of ${bytes.length} bytes has ${at} in its buffers`);
      buffer = (next << BUFFER_SHIFT) >>> 0;
    }
  }

  private take(): number {
    const { u32 } = this.packets;
    const list = (GRAPH + WORKER_FREE_LIST) >> 2;
    if (u32[list] === 0) throw new Error("the pool is empty");
    return u32[list + (FREE_LIST_ENTRIES >> 2) + --u32[list]!]!;
  }

  private free(index: number): void {
    const { u16, u32 } = this.packets;
    const list = (GRAPH + WORKER_FREE_LIST) >> 2;
    for (let next = index; next !== 0; ) {
      const buffer = (next << BUFFER_SHIFT) >>> 0;
      if (u16[(buffer + B_STATE) >> 1] !== BUFFER_USED) throw new Error("a buffer was sent that is not in use");
      u16[(buffer + B_STATE) >> 1] = BUFFER_FREE;
      u32[list + (FREE_LIST_ENTRIES >> 2) + u32[list]!++] = next;
      next = u32[(buffer + B_NEXT) >> 2]!;
    }
  }

  private count(offset: number, by: number): void {
    this.packets.u64[(GRAPH + WORKER_INTERFACES + this.index * IFC_SIZE + offset) >> 3]! += BigInt(by);
  }
}

export class InlineRouter {
  readonly ports: ArrayPort[] = [];
  readonly traps: string[] = [];
  packets!: PacketMemory;
  router!: Router;
  private engine!: Engine;
  private readonly toEngine: ToEngine[] = [];
  private readonly fromEngine: FromEngine[] = [];
  private deliver!: (message: FromEngine) => void;

  /** The interfaces need netdevs of these names in the network namespace; nothing is sent there. */
  static async start(hostInterfaces: string[], buffers = 4096, isolate = false, fuse = true): Promise<InlineRouter> {
    const inline = new InlineRouter();
    inline.router = await Router.start({ buffers, clocks: false, isolate, fuse }, inline.connect);
    for (const name of hostInterfaces) {
      await inline.router.createHostInterface(name);
      inline.router.setInterfaceState(`host-${name}`, true);
    }
    inline.settle();
    return inline;
  }

  /** Two interfaces, their netdevs a veth pair made for them, with addresses: 192.0.2.1/24 on port 0, 198.51.100.1/24 on port 1. */
  static async startPair(fuse = true): Promise<InlineRouter> {
    await must(null, "ip", ["link", "add", "name", "left", "type", "veth", "peer", "name", "right"]);
    for (const name of ["left", "right"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);
    const inline = await InlineRouter.start(["left", "right"], undefined, undefined, fuse);
    inline.router.setInterfaceMac("host-left", LEFT_MAC);
    inline.router.setInterfaceMac("host-right", RIGHT_MAC);
    inline.router.addAddress("host-left", "192.0.2.1/24");
    inline.router.addAddress("host-right", "198.51.100.1/24");
    inline.endAnnouncements();
    return inline;
  }

  /** Takes what the router says of its addresses off the wires. */
  endAnnouncements(): void {
    this.settle();
    for (const port of this.ports) port.outgoing = [];
  }

  private readonly connect: Connect = async (options, memory, receive): Promise<EngineLink> => {
    this.packets = memory.packets;
    this.deliver = receive;
    this.engine = new Engine(options, (message) => this.fromEngine.push(message));
    const post = (message: ToEngine): void => {
      this.toEngine.push(message);
      // The router awaits the answer to these.
      if (message.type === "add-port" || message.type === "remove-port" || "request" in message) queueMicrotask(() => this.settle());
    };
    return { post, clock: () => -1, replace: async () => {}, close: async () => {} };
  };

  /** Puts frames on a port's wire and takes turns until nothing moves any more. */
  send(port: number, frames: Uint8Array[]): void {
    this.ports[port]!.incoming.push(...frames);
    this.settle();
  }

  /** What was sent from a port since the last call. */
  sent(port: number): Uint8Array[] {
    return this.ports[port]!.outgoing.splice(0);
  }

  /** Fails unless every packet has come to a counted end, every buffer is free, and no node has trapped. */
  assertAtRest(): void {
    const { difference, held } = this.router.balance();
    const { free, total } = this.router.buffers();
    assert.equal([difference, held, free, this.traps], [0, 0, total, []]);
  }

  settle(): void {
    let moved = true;
    while (moved) {
      moved = this.engine !== undefined && this.engine.turn() > 0;
      for (const message of this.fromEngine.splice(0)) {
        moved = true;
        if (message.type === "trap") this.traps.push(`${message.node}: ${message.message}`);
        this.deliver(message);
      }
      for (const message of this.toEngine.splice(0)) {
        moved = true;
        this.handle(message);
      }
    }
  }

  /** Host nodes are there once their file is read. */
  private async addHostNodes(message: Extract<ToEngine, { type: "add-custom" }>): Promise<void> {
    this.engine.handle(message, (await import(message.custom.url)) as HostNodeModule);
    this.settle();
  }

  private handle(message: ToEngine): void {
    if (message.type === "stop") return;
    if (message.type === "add-custom" && message.custom.module === null) return void this.addHostNodes(message);
    if (message.type !== "add-port") return this.engine.handle(message);
    const port = new ArrayPort(message.port.index, this.packets);
    this.ports.push(port);
    this.engine.addPort(port, message.txNode);
  }
}
