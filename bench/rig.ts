// What benchmarks stand on: a router in this thread, as it ships, with all its checks and counters, between two ports that cost nothing.

import type { Connect } from "../host/control/engine-link.js";
import { Router } from "../host/control/router.js";
import { Engine } from "../host/graph/engine.js";
import type { FromEngine, ToEngine } from "../host/graph/messages.js";
import { must } from "../host/lab/command.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";
import { type Frames, Source } from "./source.js";

export const LEFT = { name: "host-left", address: "192.0.2.1", host: "192.0.2.2", mac: "02:00:00:00:00:02" };
export const RIGHT = { name: "host-right", address: "198.51.100.1", host: "198.51.100.2", mac: "02:00:00:00:00:03" };

export interface Rig {
  router: Router;
  engine: Engine;
  /** MAC address of the router on the left, from where the packets come */
  mac: string;
  /** From now on each turn takes `size` packets through the graph; `cold`: packets that no near cache holds. */
  play(frames: Frames, size: number, cold: boolean): void;
  /** Packets that left the router on either side. */
  transmitted(): number;
}

/** Buffers that are filled at a time: a vector, or as many as L2 cannot hold. */
const COLD = 16384;
const BUFFERS = COLD * 2;

/** Call it once in a process: it makes a network namespace for its two interfaces. `fuse`: as in RouterOptions. */
export async function makeRig(fuse = true): Promise<Rig> {
  const status = await enterPrivateNetwork();
  if (status !== null) process.exit(status);
  await must(null, "ip", ["link", "add", "name", "left", "type", "veth", "peer", "name", "right"]);
  for (const name of ["left", "right"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);

  let engine!: Engine;
  const sources: Source[] = [];
  const connect: Connect = async (options, memory, receive) => {
    const mail: FromEngine[] = [];
    engine = new Engine(options, (message) => mail.push(message));
    const post = (message: ToEngine): void => {
      if (message.type === "add-port") {
        const source = new Source(message.port.index, memory.packets);
        sources.push(source);
        engine.addPort(source, message.txNode);
      } else if (message.type !== "stop") engine.handle(message);
      queueMicrotask(() => mail.splice(0).forEach(receive));
    };
    return { post, clock: () => -1, replace: async () => {}, close: async () => {} };
  };
  const router = await Router.start({ buffers: BUFFERS, fuse }, connect);
  for (const { name, address, host, mac } of [LEFT, RIGHT]) {
    await router.createHostInterface(name.slice("host-".length));
    router.setInterfaceState(name, true);
    router.addAddress(name, `${address}/24`);
    router.setNeighbor(name, host, mac);
  }
  const buffers = Array.from({ length: COLD }, () => engine.graph.allocate());
  return {
    router,
    engine,
    mac: router.interfaces().find((entry) => entry.name === LEFT.name)!.mac,
    play: (frames, size, cold) => sources[0]!.play(frames, size, buffers.slice(0, cold ? COLD : size)),
    transmitted: () => sources.reduce((sum, source) => sum + source.transmitted, 0),
  };
}
