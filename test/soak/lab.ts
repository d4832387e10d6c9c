// The router that is abused, between two hosts (test/e2e/network.ts draws them), and what it is judged by after each abuse.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import type { Balance, BufferInfo, ErrorCounter, InterfaceCounters, InterfaceInfo, NeighborInfo } from "../../host/control/api.js";
import { echoReplies, ping } from "../../host/cli/peers.js";
import { must } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { A, B, type Side, hostAt } from "../e2e/network.js";
import { Peer } from "../e2e/peer.js";
import { Weft, until } from "../e2e/weft.js";

export type PortKind = "af_packet" | "rdma";
export const SIDES = [A, B] as const;

/** Counters of an interface that tell of a loss, as `show interface` names them. */
const LOSSES = {
  rxMissed: "rx missed", rxTruncated: "rx truncated", rxErrors: "rx errors", rxNoBuffer: "rx no buffer", rxBadChecksum: "rx bad checksum",
  txNoRoom: "tx no room", txDown: "tx down", txTooLong: "tx too long", txErrors: "tx errors",
} satisfies Partial<Record<keyof InterfaceCounters, string>>;

/** Each probe gets its error, and what is not whole is given up before the verdict. */
const SETTINGS = ["set ip icmp rate-limit interval 0 rate 0", "set ip reassembly timeout 1000"];

/** How often each thing went wrong, by "node: reason" or "interface: counter". */
export type Counts = Map<string, number>;

export class Lab {
  private constructor(readonly a: Host, readonly b: Host, readonly peers: readonly [Peer, Peer], readonly weft: Weft, readonly kind: PortKind) {}

  /** Two hosts with servers in them, the router between them. `program` is what Node runs in place of weft's own start. */
  static async start(kind: PortKind, program?: string[]): Promise<Lab> {
    const hosts = [await hostAt(A), await hostAt(B)] as const;
    for (const { namespace } of hosts) await must(namespace, "sh", ["-c", "echo 2 > /proc/sys/net/ipv4/ipfrag_time"]);
    const peers = [await Peer.start(hosts[0]), await Peer.start(hosts[1])] as const;
    const wires = SIDES.map(({ device }) => `netdev:${device}`).join();
    const options = kind === "rdma" ? ["--emulated", wires] : [];
    const script = [...SIDES.flatMap((side) => interfaceScript(kind, side)), ...SETTINGS];
    const weft = program ? await Weft.startWith(program, script, ...options) : await Weft.start(script, ...options);
    return new Lab(...hosts, peers, weft, kind);
  }

  /** Name of the router's interface on a side. */
  nameOf(side: Side): string {
    return interfaceName(this.kind, side);
  }

  hostOf(side: Side): Host {
    return side === A ? this.a : this.b;
  }

  async create(side: Side): Promise<void> {
    for (const command of interfaceScript(this.kind, side)) await this.weft.ctl(command);
  }

  async remove(side: Side): Promise<void> {
    await this.weft.ctl(this.kind === "rdma" ? `delete interface rdma ${this.nameOf(side)}` : `delete host-interface name ${side.device}`);
  }

  /** Whether neither host waits for fragments to complete a packet. */
  async fragmentsGone(): Promise<boolean> {
    const states = await Promise.all([this.a, this.b].map((host) => must(host.namespace, "cat", ["/proc/net/sockstat"])));
    return states.every((state) => state.includes("FRAG: inuse 0 "));
  }

  /** What has gone wrong so far, under every name there is. */
  async counts(): Promise<Counts> {
    const errors = await this.weft.show<ErrorCounter[]>("errors");
    const interfaces = await this.weft.show<InterfaceInfo[]>("interface");
    const losses = interfaces.flatMap(({ name, counters }) =>
      Object.entries(LOSSES).map(([key, what]): [string, number] => [`${name}: ${what}`, counters[key as keyof InterfaceCounters]]));
    return new Map([...errors.map(({ node, reason, count }): [string, number] => [`${node}: ${reason}`, count]), ...losses]);
  }

  /** Waits until every packet has come to its end and every buffer is back. */
  async atRest(): Promise<Balance> {
    return this.weft.atRest();
  }

  /** Both hosts reach the router and each other, every time. Their kernels count the replies: ping itself gives late ones up. */
  async reachable(count = 20): Promise<void> {
    const ways = [[this.a, A.gateway, B.address], [this.b, B.gateway, A.address]] as const;
    const before = await this.counts();
    await Promise.all(ways.map(async ([host, ...targets]) => {
      const had = await echoReplies(host);
      const sent = await Promise.all(targets.map(async (target) => (await ping(host, target, ["-c", String(count), "-i", "0.01", "-W", "5"])).sent));
      const wanted = sent.reduce((sum, one) => sum + one);
      await until("all pings are answered", async () => (await echoReplies(host)) - had >= wanted).catch(async () => {
        const known = [await host.ip("neighbor", "show"), await this.weft.ctl("show ip neighbors")].join("");
        const came = (await echoReplies(host)) - had;
        assert.unreachable(`${came} of ${wanted} pings to ${targets.join(" and ")} answered: ${JSON.stringify([...moved(before, await this.counts())])}\n${known}`);
      });
    }));
  }

  /** Has the router and the hosts forget whom frames with false senders made them believe in. */
  async forgetNeighbours(): Promise<void> {
    await this.weft.ctl("clear ip neighbors");
    for (const host of [this.a, this.b]) await host.ip("neighbor", "flush", "dev", "eth0");
  }

  async neighbours(): Promise<NeighborInfo[]> {
    return this.weft.show("ip neighbors");
  }

  async macOf(host: Host): Promise<string> {
    const [link] = JSON.parse(await host.ip("-j", "link", "show", "dev", "eth0")) as [{ address: string }];
    return link.address;
  }

  /** Waits until the router sees both links. */
  async linksUp(): Promise<void> {
    await until("both links up", async () => {
      const all = await this.weft.show<InterfaceInfo[]>("interface");
      return SIDES.every((side) => all.find(({ name }) => name === this.nameOf(side))?.linkUp);
    });
  }

  async buffers(): Promise<BufferInfo> {
    return this.weft.show("buffers");
  }

  /** pid of the router's process */
  get pid(): number {
    return this.weft.pid;
  }

  /** Ends the programs in the hosts. */
  dismissPeers(): void {
    for (const peer of this.peers) peer.close();
  }

  close(): Promise<unknown> {
    this.dismissPeers();
    this.weft.kill();
    return Promise.all([this.a.close(), this.b.close()]);
  }
}

function interfaceName(kind: PortKind, { device }: Side): string {
  return kind === "rdma" ? `rdma-${device}` : `host-${device}`;
}

function interfaceScript(kind: PortKind, side: Side): string[] {
  const name = interfaceName(kind, side);
  return [
    kind === "rdma" ? `create interface rdma host-if ${side.device} name ${name}` : `create host-interface name ${side.device}`,
    `set interface state ${name} up`,
    `set interface ip address ${name} ${side.gateway}/24`,
  ];
}

/** Throws for a kind that there is not. */
export function portKind(word: string): PortKind {
  if (word === "af_packet" || word === "rdma") return word;
  throw new Error(`--port ${word}: af_packet or rdma`);
}

/** What has been counted between two moments. */
export function moved(before: Counts, after: Counts): Counts {
  const grown = [...after].map(([name, count]): [string, number] => [name, count - (before.get(name) ?? 0)]);
  return new Map(grown.filter(([, count]) => count > 0));
}

/** Resident memory of a process in KiB. */
export function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

/** Takes one of our netdevs down and up again. */
export async function flap(device: string): Promise<void> {
  for (const state of ["down", "up"]) await must(null, "ip", ["link", "set", "dev", device, state]);
}
