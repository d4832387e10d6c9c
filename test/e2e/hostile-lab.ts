// A router with its worker thread, and a node that means ill in the way of one interface's packets, while the kernel's ping goes on
// through the other one. That ping loses nothing, the process lives, what happened has a name, and when the node is gone nothing is missing.
//
//   a  198.51.100.2 ── weft0   weft   weft1 ── 203.0.113.2  b        the hostile node: before ip4-lookup on host-weft1

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { echoReplies } from "../../host/cli/peers.js";
import type { CustomNodeInfo, NodePlace } from "../../host/control/api.js";
import { Router } from "../../host/control/router.js";
import type { Running } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { type Hostile, moduleOf } from "./hostile-modules.js";
import { A, B, allAnswered, hostAt, linkCounters, ping } from "./network.js";
import { scratch, until } from "./weft.js";

/** A ping that goes on and on. */
export class Probe {
  private readonly received = new Set<number>();

  private constructor(private readonly process: Running) {
    let rest = "";
    process.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.received.add(Number(/icmp_seq=(\d+).*time=/.exec(line)?.[1] ?? 0));
    });
  }

  static async start(from: Host, target: string): Promise<Probe> {
    const probe = new Probe(from.spawn("ping", ["-n", "-i", "0.02", target]));
    await probe.more(5);
    return probe;
  }

  /** Waits for replies to requests that are still to be sent. */
  async more(count: number): Promise<void> {
    const before = this.last;
    await until("echo replies", () => this.last >= before + count);
  }

  /** Ends it; gives the sequence numbers to which no reply came, but for those that may be under way. */
  async stop(): Promise<number[]> {
    await this.more(5).finally(() => this.kill());
    return Array.from({ length: this.last }, (_, i) => i + 1).filter((sequence) => !this.received.has(sequence));
  }

  kill(): void {
    this.process.kill("SIGKILL");
  }

  private get last(): number {
    return Math.max(0, ...this.received);
  }
}

export class HostileLab {
  static readonly place: NodePlace = { before: "ip4-lookup", interface: `host-${B.device}` };
  notices: string[] = [];
  router!: Router;
  private readonly folder = scratch();
  private files = 0;

  private constructor(readonly a: Host, readonly b: Host) {}

  static async create(): Promise<HostileLab> {
    const lab = new HostileLab(await hostAt(A), await hostAt(B));
    await lab.start();
    return lab;
  }

  /** Starts a router, and makes it and the hosts known to each other. */
  async start(): Promise<void> {
    this.notices = [];
    const failed = (error: Error): void => void this.notices.push(`the router failed: ${error.message}`);
    this.router = await Router.start({ buffers: 2048, notice: (line) => this.notices.push(line), failed });
    for (const { device, gateway } of [A, B]) {
      await this.router.createHostInterface(device);
      this.router.setInterfaceState(`host-${device}`, true);
      this.router.addAddress(`host-${device}`, `${gateway}/24`);
    }
    for (const [host, { gateway }] of [[this.a, A], [this.b, B]] as const) {
      await host.ip("neighbor", "flush", "dev", "eth0");
      assert.is((await ping(host, gateway, ["-c", "2", "-i", "0.05", "-W", "5"])).received, 2);
    }
  }

  /** With a new router, in whose counters nothing was written. */
  private async again(): Promise<void> {
    await this.router.stop();
    await this.start();
  }

  async close(): Promise<void> {
    await this.router.stop();
    for (const host of [this.a, this.b]) await host.close();
  }

  /** The node in question. */
  get bad(): CustomNodeInfo {
    return this.router.customNodes().find(({ name }) => name === "bad")!;
  }

  /** Writes a file; gives its path. */
  file(content: Uint8Array | string, ending = "wasm"): string {
    const file = join(this.folder, `${this.files++}.${ending}`);
    writeFileSync(file, content);
    return file;
  }

  module(node: Hostile): () => string {
    return () => this.file(moduleOf(node));
  }

  /** Sends packets into the node, the first `atOnce` of them without waiting; gives how many were answered. */
  async knock(count = 5, atOnce = 1): Promise<number> {
    const before = await echoReplies(this.b);
    await this.b.run("ping", ["-n", "-q", "-c", String(count), "-l", String(atOnce), "-i", "0.02", "-W", "0.3", B.gateway]);
    return (await echoReplies(this.b)) - before;
  }

  /** Sends packets into the node as knock() does; each is answered. */
  async answered(count = 5, atOnce = 1): Promise<void> {
    await allAnswered(this.b, count, () => this.knock(count, atOnce));
  }

  /** Waits until the router has taken all that came for the node off its wire. */
  async taken(): Promise<void> {
    const received = (): number => this.router.interfaces().find(({ name }) => name === `host-${B.device}`)!.counters.rxPackets;
    await until("all is received", async () => received() >= (await linkCounters(this.b, "eth0")).txPackets);
  }

  /** How often a node counted a reason. */
  count(reason: string, node = "bad"): number {
    return this.router.errors().filter((error) => error.reason === reason && error.node === node).reduce((sum, { count }) => sum + count, 0);
  }

  /** Waits until every packet has come to its end and every buffer is back. */
  async whole(balanced = true): Promise<void> {
    const { router } = this;
    const rested = (): boolean => router.buffers().free === router.buffers().total && (!balanced || router.balance().difference === 0);
    await until("rest", rested).catch(() => assert.unreachable(`not whole: ${JSON.stringify([router.buffers(), router.balance(), this.notices])}`));
  }

  /** Something happens while a ping goes on through the other interface, which loses nothing by it. */
  async beside(action: () => Promise<void>): Promise<void> {
    const probe = await Probe.start(this.a, A.gateway);
    await action().catch((error: unknown) => {
      probe.kill();
      throw error;
    });
    assert.equal(await probe.stop(), [], `what the other interface's ping lost; ${this.notices.join("\n")}`);
  }

  /** A test: a node is loaded and inserted, does what it does, is judged and unloaded. `balanced`: it leaves the interfaces' counters alone. */
  hostile(name: string, file: () => string, judge: () => Promise<void>, balanced = true): void {
    test(name, async () => {
      const memory = this.router.memory();
      await this.beside(async () => {
        await this.router.loadNode(file(), "bad");
        await this.router.insertNode("bad", HostileLab.place);
        await judge().finally(() => this.router.unloadNode("bad"));
      });
      await this.answered(3); // the way is free again
      await this.whole(balanced);
      assert.equal(this.router.memory(), memory);
      if (!balanced) await this.again();
    });
  }
}
