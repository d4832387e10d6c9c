// Nodes that trap, hang, break the contract or write over the graph's own memory, on a router with its worker thread: each stands in the
// way of one interface's packets, while the kernel's ping goes on through the other one. That ping loses nothing, the process lives, what
// happened has a name, and when the node is gone nothing is missing.
//
//   a  198.51.100.2 ── weft0   weft   weft1 ── 203.0.113.2  b        the hostile node: before ip4-lookup on host-weft1

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MODULE_SIZE, MODULES } from "../../assembly/abi.js";
import { addon } from "../../host/addon.js";
import { ping } from "../../host/cli/peers.js";
import type { CustomNodeInfo, NodePlace } from "../../host/control/api.js";
import { Router } from "../../host/control/router.js";
import type { Running } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";
import { BREACHES, HANGS, type Hostile, LOG, moduleOf, pass, scribbler, scribbles, TRAPS } from "./hostile-modules.js";
import { A, B, hostAt } from "./network.js";
import { scratch, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const IN_THE_WAY: NodePlace = { before: "ip4-lookup", interface: `host-${B.device}` };
const [a, b] = [await hostAt(A), await hostAt(B)];
const folder = scratch();
let notices: string[] = [];
let router = await start();

async function start(): Promise<Router> {
  notices = [];
  const failed = (error: Error): void => assert.unreachable(`the router failed: ${error.message}`);
  const fresh = await Router.start({ buffers: 2048, notice: (line) => notices.push(line), failed });
  for (const { device, gateway } of [A, B]) {
    await fresh.createHostInterface(device);
    fresh.setInterfaceState(`host-${device}`, true);
    fresh.addAddress(`host-${device}`, `${gateway}/24`);
  }
  for (const host of [a, b]) await host.ip("neighbor", "flush", "dev", "eth0");
  for (const [host, { gateway }] of [[a, A], [b, B]] as const) assert.is((await ping(host, gateway, ["-c", "2", "-i", "0.05", "-W", "5"])).received, 2);
  return fresh;
}

/** A ping that goes on and on. */
class Probe {
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
    await this.more(5);
    this.process.kill("SIGKILL");
    return Array.from({ length: this.last }, (_, i) => i + 1).filter((sequence) => !this.received.has(sequence));
  }

  private get last(): number {
    return Math.max(0, ...this.received);
  }
}

let files = 0;
function fileOf(content: Uint8Array | string, ending = "wasm"): string {
  const file = join(folder, `${files++}.${ending}`);
  writeFileSync(file, content);
  return file;
}

/** Sends packets into the node; gives how many of them were answered. */
const knock = async (count = 5): Promise<number> => (await ping(b, B.gateway, ["-c", String(count), "-i", "0.02", "-W", "0.3"])).received;
const reason = (text: string): number => router.errors().filter((error) => error.reason === text && error.node === "bad").reduce((sum, { count }) => sum + count, 0);
const bad = (): CustomNodeInfo => router.customNodes().find(({ name }) => name === "bad")!;

/** Every packet has come to its end, every buffer is back. */
async function whole(balanced = true): Promise<void> {
  const rested = (): boolean => {
    const { free, total } = router.buffers();
    return free === total && (!balanced || router.balance().difference === 0);
  };
  await until("rest", rested).catch(() => assert.unreachable(`not whole: ${JSON.stringify([router.buffers(), router.balance(), router.errors(), notices])}`));
}

/** Something happens while a ping goes on through the other interface, which loses nothing by it. */
async function beside(action: () => Promise<void>): Promise<void> {
  const probe = await Probe.start(a, A.gateway);
  await action();
  assert.equal(await probe.stop(), [], "what the other interface's ping lost");
}

/** A node is loaded and inserted, does what it does, and is unloaded. */
function hostile(name: string, file: () => string, judge: () => Promise<void>, place: NodePlace = IN_THE_WAY): void {
  test(name, async () => {
    const memory = router.memory();
    await beside(async () => {
      await router.loadNode(file(), "bad");
      await router.insertNode("bad", place);
      await judge();
      await router.unloadNode("bad");
    });
    assert.is(await knock(3), 3, "the way is free again");
    await whole();
    assert.equal(router.memory(), memory);
  });
}

const moduleFile = (node: Hostile) => (): string => fileOf(moduleOf(node));

for (const [name, [cause, node]] of Object.entries(TRAPS)) {
  hostile(`trap: ${name}`, moduleFile(node), async () => {
    assert.is(await knock(), 0);
    assert.equal([bad().traps > 0, bad().state, reason("frame lost to a trap")], [true, "running", 5]);
    assert.match(bad().cause!, cause);
  });
}

for (const [name, [why, node]] of Object.entries(BREACHES)) {
  hostile(`breach: ${name}`, moduleFile(node), async () => {
    await knock();
    assert.ok(reason(why) >= 5, `${why}: ${reason(why)}; ${JSON.stringify(router.errors())}`);
    assert.is(bad().traps, 0);
  });
}
