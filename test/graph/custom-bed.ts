// Custom nodes that leave a mark in each packet, on a router of one thread. So where a packet came out says
// which nodes it passed, in which order. Packets can be sent between any two steps of a change.

import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ARC_NONE, GRAPH_EPOCH, NODE_CONFIG, NODE_COUNT, WIRING, WIRING_SIZE } from "../../assembly/abi.js";
import type { Router } from "../../host/control/router.js";
import type { WeftError, WeftErrorCode } from "../../host/errors.js";
import type { ToEngine } from "../../host/graph/messages.js";
import { workerAt } from "../../host/memory/memory.js";
import { TRAIL } from "./custom-modules.js";
import { InlineRouter, LEFT_MAC, RIGHT_MAC } from "./inline.js";
import { ethernet, ip4, udp } from "./packets.js";

/** Place of a packet's own number in its trail. */
const SERIAL = 28;
const [LEFT, RIGHT] = ["192.0.2.2", "198.51.100.2"];
const PEERS = ["02:00:00:00:00:02", "02:00:00:00:00:03"];

export interface Came {
  /** port that sent it */
  port: number;
  serial: number;
  trail: number[];
}

export class Bed {
  /** called before and after the worker handles each message */
  between: (message: ToEngine) => void = () => {};
  /** called with all that comes out */
  observe: (came: Came[]) => void = () => {};
  /** what a worker in the midst of a turn could still have needed */
  readonly early: string[] = [];
  private serial = 0;

  private constructor(readonly inline: InlineRouter) {}

  static async start(): Promise<Bed> {
    const bed = new Bed(await InlineRouter.startPair());
    bed.router.setNeighbor("host-left", LEFT!, PEERS[0]!);
    bed.router.setNeighbor("host-right", RIGHT!, PEERS[1]!);
    const handle = bed.inline["handle"].bind(bed.inline);
    bed.inline["handle"] = (message: ToEngine): void => {
      bed.between(message);
      handle(message);
      bed.between(message);
    };
    bed.watch();
    return bed;
  }

  /**
   * Looks at each step of the control plane as if a worker were in the midst of a turn: what the tables have led to
   * within this turn may hold packets, so it must keep its slots and its memory.
   */
  private watch(): void {
    const { wiring, registry, configs } = this.router["nodes"]["on"];
    const { u32 } = this.inline.packets;
    const turn = (): number => u32[(workerAt(0) + GRAPH_EPOCH) >> 2]!;
    const left = new Map<number, number>();
    const tables = wiring["tables"];
    const wire = tables.wire.bind(tables);
    tables.wire = (node, slot, target) => {
      const before = this.inline["engine"].graph.arc(node, slot);
      if (target === ARC_NONE && left.get(node) === turn()) this.early.push(`slot ${slot} of node ${node} cleared`);
      wire(node, slot, target);
      if (target !== ARC_NONE) left.set(before, turn());
    };
    const remove = registry.remove.bind(registry);
    registry.remove = (node) => {
      if (left.get(node.index) === turn()) this.early.push(`${node.name} removed`);
      remove(node);
    };
    const give = configs.give.bind(configs);
    configs.give = (placed) => {
      const user = registry.list().find(({ runtime }) => placed.at !== 0 && u32[(workerAt(0) + runtime + NODE_CONFIG) >> 2] === placed.at);
      if (user) this.early.push(`configuration of ${user.name} given back`);
      give(placed);
    };
  }

  get router(): Router {
    return this.inline.router;
  }

  /** Sends so many packets to each side, and takes what comes out; no message is handled meanwhile. */
  pass(count = 3): Came[] {
    for (const port of [0, 1]) {
      for (let i = 0; i < count; i++) this.inline.ports[port]!.incoming.push(this.frame(port));
    }
    while (this.inline["engine"].turn() > 0);
    const came = this.came();
    this.observe(came);
    return came;
  }

  /** The trails of packets from port 0 and from port 1; all packets that went one way have the same one. */
  trails(count = 3): [fromLeft: number[], fromRight: number[]] {
    const from = this.serial;
    const came = this.pass(count);
    assert.equal(came.map(({ serial }) => serial).sort((a, b) => a - b), Array.from({ length: 2 * count }, (_, i) => from + i), "each came out once");
    const trails = [1, 0].map((port) => came.filter((one) => one.port === port).map(({ trail }) => trail));
    for (const way of trails) {
      assert.is(way.length, count);
      for (const trail of way) assert.equal(trail, way[0]);
    }
    return [trails[0]![0]!, trails[1]![0]!];
  }

  came(): Came[] {
    return [0, 1].flatMap((port) => this.inline.sent(port).map((frame) => {
      const bytes = frame.subarray(-TRAIL);
      return { port, serial: new DataView(bytes.buffer, bytes.byteOffset).getUint32(SERIAL), trail: [...bytes.subarray(1, 1 + bytes[0]!)] };
    }));
  }

  /** Everything that a change which fails must leave as it was. */
  state() {
    const { router } = this;
    return { memory: router.memory(), nodes: router.customNodes(), counters: router.nodeCounters(), errors: router.errors(), wiring: this.wiring() };
  }

  /** Digest of every slot of every node. */
  wiring(): string {
    return createHash("sha256").update(this.inline.packets.u8.slice(WIRING, WIRING + NODE_COUNT * WIRING_SIZE)).digest("hex");
  }

  /** Nothing is under way and nothing was lost on the way. */
  whole(): void {
    const { balance, free, total, traps } = { ...this.router.buffers(), balance: this.router.balance(), traps: this.inline.traps };
    assert.equal([balance.difference, balance.held, free, traps, this.early.splice(0)], [0, 0, total, [], []]);
  }

  /** A test before which no custom node is loaded, and after which none is and everything is as it was at the start. */
  check(name: string, action: () => Promise<void>): void {
    test(name, async () => {
      this.router.clearErrors();
      this.trails();
      const start = { memory: this.router.memory(), wiring: this.wiring() };
      try {
        await action();
      } finally {
        this.between = () => {};
        for (const node of this.router.customNodes()) await this.router.unloadNode(node.name);
      }
      this.whole();
      assert.equal({ memory: this.router.memory(), wiring: this.wiring() }, start);
      assert.equal(this.trails(), [[], []]);
    });
  }

  /** A change, and before and after each of its steps packets, of which each comes out once, with one of these trails. */
  async meanwhile(trails: number[][], change: () => Promise<unknown>): Promise<void> {
    const seen = new Set<string>();
    this.between = () => {
      try {
        for (const trail of this.trails()) seen.add(trail.join());
      } catch (error) {
        seen.add((error as Error).message);
      }
    };
    await change();
    this.between = () => {};
    const expected = trails.map((trail) => trail.join());
    assert.ok(seen.size > 0);
    for (const trail of seen) assert.ok(expected.includes(trail), `${trail}: not one of ${expected.join(" | ")}`);
  }

  /** A change that must be refused, after which everything is as before. */
  async refused(code: WeftErrorCode, words: string | RegExp, change: () => Promise<unknown>): Promise<void> {
    const before = this.state();
    const error = await change().then(() => assert.unreachable("it was taken"), (reason: WeftError) => reason) as WeftError;
    assert.is(error.code, code, error.stack);
    assert.match(error.message, words);
    assert.equal(this.state(), before);
  }

  private frame(port: number): Uint8Array {
    const trail = new Uint8Array(TRAIL);
    new DataView(trail.buffer).setUint32(SERIAL, this.serial++);
    const [from, to] = port === 0 ? [LEFT!, RIGHT!] : [RIGHT!, LEFT!];
    return ethernet([LEFT_MAC, RIGHT_MAC][port]!, PEERS[port]!, 0x0800, ip4({ from, to, protocol: 17, payload: udp(1, 2, [...trail]) }));
  }
}
