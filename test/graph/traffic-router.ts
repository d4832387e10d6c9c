// A router in this thread whose ports are generators: streams in, and what leaves it read from a port of the test's own.

import { BUFFER_SHIFT, B_DATA, B_LENGTH, B_NEXT, B_TOTAL, FRAME_SIZE, NODE_COUNT, VECTOR, WORKER_FRAMES } from "../../assembly/abi.js";
import { addon } from "../../host/addon.js";
import type { Connect } from "../../host/control/engine-link.js";
import { Router } from "../../host/control/router.js";
import { Engine } from "../../host/graph/engine.js";
import type { FromEngine, ToEngine } from "../../host/graph/messages.js";
import { type PacketMemory, workerAt } from "../../host/memory/memory.js";
import { NativePort } from "../../host/ports/native-port.js";

/** Of the last node there can be, which no test has. */
const FRAME = workerAt(0) + WORKER_FRAMES + (NODE_COUNT - 1) * FRAME_SIZE;

export class TrafficRouter {
  router!: Router;
  engine!: Engine;
  packets!: PacketMemory;
  private readonly sinks = new Map<string, number>();

  /** Two interfaces: pg0 has 192.0.2.1/24, pg1 198.51.100.1/24 and a neighbour 198.51.100.2 behind which 10.0.0.0/8 is. */
  static async start(): Promise<TrafficRouter> {
    const traffic = new TrafficRouter();
    const { router } = (traffic.router = await Router.start({ buffers: 4096, clocks: false }, traffic.connect), traffic);
    for (const [name, address, mac] of [["pg0", "192.0.2.1/24", "02:fe:00:00:00:01"], ["pg1", "198.51.100.1/24", "02:fe:00:00:00:02"]] as const) {
      await router.createPacketGenerator(name);
      router.setInterfaceMac(name, mac);
      router.setInterfaceState(name, true);
      router.addAddress(name, address);
    }
    router.setNeighbor("pg1", "198.51.100.2", "02:00:00:00:00:03");
    router.addRoute("10.0.0.0/8", { via: "198.51.100.2" });
    return traffic;
  }

  private readonly connect: Connect = async (options, memory, receive) => {
    this.packets = memory.packets;
    const { u8, layout: { pool, poolEnd } } = memory.packets;
    addon.attachWorker(u8, workerAt(0), pool, poolEnd);
    const said: FromEngine[] = [];
    this.engine = new Engine(options, (message) => said.push(message));
    const post = (message: ToEngine): void => {
      if (message.type === "add-port") this.engine.addPort(new NativePort(message.port), message.txNode);
      else if (message.type !== "stop") this.engine.handle(message);
      queueMicrotask(() => said.splice(0).forEach(receive));
    };
    return { post, clock: () => -1, replace: async () => {}, close: async () => {} };
  };

  /** Takes what an interface sends from now on; what it has sent is given by sent(). */
  tap(name: string): void {
    const sink = addon.openPg().handle;
    this.sinks.set(name, sink);
    const entry = this.router["interfaceTable"].find(name);
    addon.pgConnect(entry.handle!, sink);
  }

  /** Turns until no packet comes; gives how many came. */
  settle(): number {
    let all = 0;
    for (let n = 1; n > 0; all += n) n = this.engine.turn();
    return all;
  }

  /** Frames that a tapped interface has sent since the last call. */
  sent(name: string): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (;;) {
      const n = addon.receive(this.sinks.get(name)!, FRAME, VECTOR, 255);
      if (n === 0) return frames;
      for (let i = 0; i < n; i++) frames.push(this.bytesOf(this.packets.u32[(FRAME >> 2) + i]!));
      // Another port of nobody's frees them.
      const bin = addon.openPg().handle;
      addon.transmit(bin, FRAME, n, 255);
      addon.closePort(bin);
    }
  }

  private bytesOf(index: number): Uint8Array {
    const { view, u8 } = this.packets;
    const bytes = new Uint8Array(view.getUint32((index << BUFFER_SHIFT) + B_TOTAL, true));
    for (let at = 0, next = index; next !== 0; ) {
      const buffer = next << BUFFER_SHIFT;
      const data = buffer + view.getUint16(buffer + B_DATA, true);
      const length = view.getUint16(buffer + B_LENGTH, true);
      bytes.set(u8.subarray(data, data + length), at);
      at += length;
      next = view.getUint32(buffer + B_NEXT, true);
    }
    return bytes;
  }
}
