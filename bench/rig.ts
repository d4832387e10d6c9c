// What benchmarks stand on: a router in this thread with all its checks and counters, and a port that hands out
// the same packets again and again, so that only what the nodes do is timed.

import { B_CSUM_FLAGS, B_DATA, B_FLAGS, B_GSO_SIZE, B_LENGTH, B_RX_IF, B_TOTAL, BUFFER_SHIFT, BUFFER_START } from "../assembly/abi.js";
import type { Connect } from "../host/control/engine-link.js";
import { Router } from "../host/control/router.js";
import { Engine } from "../host/graph/engine.js";
import type { FromEngine, ToEngine } from "../host/graph/messages.js";
import { must } from "../host/lab/command.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";
import type { PacketMemory } from "../host/memory/memory.js";
import type { Port } from "../host/ports/port.js";
import { ethernet, ip4, udp } from "../test/graph/packets.js";

/** Receives the same packets in every burst, as they were at first; sending costs nothing. */
class EndlessPort implements Port {
  readonly handle = null;
  readonly kind = "rdma";
  readonly keepsBuffers = true;
  buffers: number[] = [];

  constructor(readonly index: number, private readonly packets: PacketMemory, private readonly bytes: () => Uint8Array) {}

  receive(frame: number): number {
    const { u8, u16, u32 } = this.packets;
    const bytes = this.buffers.length > 0 ? this.bytes() : new Uint8Array(0);
    for (const [i, index] of this.buffers.entries()) {
      const buffer = (index << BUFFER_SHIFT) >>> 0;
      u16[(buffer + B_DATA) >> 1] = BUFFER_START;
      u16[(buffer + B_LENGTH) >> 1] = bytes.length;
      u32[(buffer + B_TOTAL) >> 2] = bytes.length;
      u16[(buffer + B_FLAGS) >> 1] = 0;
      u16[(buffer + B_RX_IF) >> 1] = this.index;
      u16[(buffer + B_GSO_SIZE) >> 1] = 0;
      u8[buffer + B_CSUM_FLAGS] = 0;
      u8.set(bytes, buffer + BUFFER_START);
      u32[(frame >> 2) + i] = index;
    }
    return this.buffers.length;
  }

  transmit(): void {}
  drain(): void {}
}

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
await must(null, "ip", ["link", "add", "name", "left", "type", "veth", "peer", "name", "right"]);
for (const name of ["left", "right"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);

export let engine!: Engine;
let port: EndlessPort | undefined;
let frame: Uint8Array = new Uint8Array(0);
const connect: Connect = async (options, memory, receive) => {
  const mail: FromEngine[] = [];
  engine = new Engine(options, (message) => mail.push(message));
  const post = (message: ToEngine): void => {
    if (message.type === "add-port") {
      const added = new EndlessPort(message.port.index, memory.packets, () => frame);
      port ??= added;
      engine.addPort(added, message.txNode);
    } else if (message.type !== "stop") engine.handle(message);
    queueMicrotask(() => mail.splice(0).forEach(receive));
  };
  return { post, clock: () => -1, replace: async () => {}, close: async () => {} };
};

export const router = await Router.start({}, connect);
for (const [name, address] of [["left", "192.0.2.1/24"], ["right", "198.51.100.1/24"]] as const) {
  await router.createHostInterface(name);
  router.setInterfaceState(`host-${name}`, true);
  router.addAddress(`host-${name}`, address);
}
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
router.addRoute("10.0.0.0/8", { via: "198.51.100.2" });
const mac = router.interfaces().find((entry) => entry.name === "host-left")!.mac;
const payload = Array<number>(18).fill(0);
frame = ethernet(mac, "02:00:00:00:00:02", 0x0800, ip4({ from: "192.0.2.2", to: "10.1.2.3", protocol: 17, payload: udp(1, 2, payload) }));

/** From now on each turn of the engine takes a vector of this many packets through the graph. */
export function setVector(size: number): void {
  port!.buffers = Array.from({ length: size }, () => engine.graph.allocate());
}
