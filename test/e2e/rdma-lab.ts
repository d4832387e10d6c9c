// Two hosts and between them a router in this process, on two modelled ConnectX ports:
//
//   a                                        Router                                        b
//   eth0 198.51.100.2 ── weft0 ═ mlx5_0 rdma-0 · rdma-1 mlx5_1 ═ weft1 ── eth0 203.0.113.2, .3
//
// All neighbours are fixed, so that every packet is one that a test has sent. Host a believes in a second router, 198.51.100.9, of
// another MAC address, and sends there what is for 203.0.113.3.

import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { HardwareInfo, InterfaceInfo, RdmaOptions, RouterOptions } from "../../host/control/api.js";
import { inThread } from "../../host/control/engine-link.js";
import { Router } from "../../host/control/router.js";
import { enterEmulator } from "../../host/lab/emulator.js";
import { must } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import type { PacketMemory } from "../../host/memory/memory.js";
import { A, B, hostAt } from "./network.js";
import { Peer } from "./peer.js";
import type { ExchangeOptions } from "./peer-program.js";
import { until, withoutTicks } from "./weft.js";

export const MTU = 9000;
/** the router's MAC addresses: on its ports, and the one that only host a knows of */
export const MACS = ["02:fe:00:00:01:00", "02:fe:00:00:01:01"] as const;
export const OTHER_MAC = "02:fe:00:00:01:99";
/** of host b too, which host a reaches by the other MAC address */
export const OTHER_B = "203.0.113.3";
const OTHER_GATEWAY = "198.51.100.9";
export const SIDES = [A, B] as const;
export const NAMES = ["rdma-0", "rdma-1"] as const;
export type Place = 0 | 1;

/** What the emulator's control socket tells of a device; more of it in native/emulator/control.cc. */
export interface DeviceStatistics {
  linkUp: boolean;
  rxPackets: number;
  txPackets: number;
  rxNoWqe: number;
  cqOverruns: number;
  regions: number;
  flows: number;
  violations: number;
  lastViolation: string;
}

/** Enters a network of this program's own, with two modelled ports; ends the first runs of the program. */
export async function enterRdmaLab(): Promise<void> {
  const wires = SIDES.map(({ device }) => `wire=netdev:${device}`).join(";");
  const status = (await enterPrivateNetwork()) ?? (await enterEmulator(wires));
  if (status !== null) process.exit(status);
}

/** Says a line to the modelled NICs of this process, "link 0 down"; gives their answer. */
export async function control(line: string): Promise<string> {
  const socket = createConnection(join(process.env["TMPDIR"] ?? tmpdir(), `weft-emulator-${process.pid}`, "control"));
  socket.write(`${line}\n`);
  for await (const answer of socket.setEncoding("utf8")) {
    socket.destroy();
    assert.not.match(answer as string, /^error/, line);
    return (answer as string).trim();
  }
  return assert.unreachable(`no answer to ${line}`) as never;
}

export async function deviceStatistics(place: Place): Promise<DeviceStatistics> {
  return JSON.parse(await control(`stats ${place}`)) as DeviceStatistics;
}

/** The two hosts with a program in each; they stay while routers come and go. */
export class Hosts {
  private constructor(readonly hosts: [Host, Host], readonly peers: [Peer, Peer]) {}

  static async create(): Promise<Hosts> {
    const hosts: [Host, Host] = [await hostAt(A), await hostAt(B)];
    for (const { device } of SIDES) await must(null, "ip", ["link", "set", "dev", device, "mtu", String(MTU)]);
    const [a, b] = hosts;
    await b.address("eth0", `${OTHER_B}/32`);
    await a.ip("neighbor", "add", OTHER_GATEWAY, "lladdr", OTHER_MAC, "dev", "eth0");
    await a.route(OTHER_B, OTHER_GATEWAY);
    const all = new Hosts(hosts, [await Peer.start(a), await Peer.start(b)]);
    await all.fixNeighbours();
    return all;
  }

  async fixNeighbours(): Promise<void> {
    for (const [place, host] of this.hosts.entries()) {
      await host.ip("neighbor", "replace", SIDES[place]!.gateway, "lladdr", MACS[place]!, "dev", "eth0");
    }
  }

  async forgetNeighbours(): Promise<void> {
    for (const [place, host] of this.hosts.entries()) await host.ip("neighbor", "delete", SIDES[place]!.gateway, "dev", "eth0");
  }

  /** Of the hosts' own ends; the router's are 9000 all the time. */
  async setMtu(mtu: number): Promise<void> {
    for (const host of this.hosts) await host.ip("link", "set", "dev", "eth0", "mtu", String(mtu));
  }

  async mac(place: Place): Promise<string> {
    const [link] = JSON.parse(await this.hosts[place].ip("-j", "link", "show", "dev", "eth0")) as [{ address: string }];
    return link.address;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.close();
    for (const host of this.hosts) await host.close();
  }
}

/** A router between the hosts, and what a test wants to know of it. */
export class RdmaLab {
  readonly a: Peer;
  readonly b: Peer;
  readonly router: Router;
  readonly memory: PacketMemory;
  /** what the operator was told */
  readonly notices: string[];
  private before: DeviceStatistics[] = [];

  private constructor(readonly hosts: Hosts, started: Pick<RdmaLab, "router" | "memory" | "notices">, private readonly options: RdmaOptions) {
    [this.a, this.b] = hosts.peers;
    ({ router: this.router, memory: this.memory, notices: this.notices } = started);
  }

  /** Starts a router with an interface for each host. `options` are those of both, less the name. */
  static async start(hosts: Hosts, options: RdmaOptions, routerOptions: RouterOptions = {}): Promise<RdmaLab> {
    const notices: string[] = [];
    let memory: PacketMemory | undefined;
    const notice = (line: string): void => void notices.push(line);
    const failed = (error: Error): void => void notices.push(error.message);
    const router = await Router.start({ ...routerOptions, notice, failed }, (engine, owned, receive, ended) => {
      memory = owned.packets;
      return inThread([])(engine, owned, receive, ended);
    });
    const lab = new RdmaLab(hosts, { router, memory: memory!, notices }, options);
    try {
      for (const place of [0, 1] as const) await lab.create(place);
    } catch (error) {
      await router.stop();
      throw error;
    }
    await lab.forgiveViolations();
    return lab;
  }

  /** What the NICs have complained of until now is as it should be. */
  async forgiveViolations(): Promise<void> {
    this.before = [await deviceStatistics(0), await deviceStatistics(1)];
  }

  /** Makes the interface for a host, with its addresses. */
  async create(place: Place, more: RdmaOptions = {}): Promise<HardwareInfo> {
    const { device, gateway, address } = SIDES[place];
    const name = NAMES[place];
    const info = await this.router.createRdmaInterface({ hostInterface: device, name, rxQueueSize: 256, ...this.options, ...more });
    this.router.setInterfaceMac(name, MACS[place]);
    this.router.addAddress(name, `${gateway}/24`);
    const mac = await this.hosts.mac(place);
    for (const neighbour of place === 0 ? [address] : [address, OTHER_B]) this.router.setNeighbor(name, neighbour, mac);
    this.router.setInterfaceState(name, true);
    await this.filled(place);
    return info;
  }

  /** Waits until the worker has posted buffers to every receive queue; before that a packet finds none. */
  async filled(place: Place): Promise<void> {
    await until("receive queues have buffers", () => this.hardware(place).rxQueues.every(({ posted }) => posted > 0));
  }

  interface(place: Place): InterfaceInfo {
    return this.router.interfaces().find(({ name }) => name === NAMES[place])!;
  }

  hardware(place: Place): NonNullable<HardwareInfo["rdma"]> {
    return this.router.hardwareInterfaces().find(({ name }) => name === NAMES[place])!.rdma!;
  }

  /** Something happens to a device and shows, without the router's look at its devices every second: an event has told it. */
  told(what: string, happen: () => Promise<unknown>, shows: () => boolean): Promise<void> {
    return withoutTicks(this.router, async () => {
      await happen();
      await until(what, shows);
    });
  }

  /** How often a node counted a reason. */
  errors(node: string, reason: RegExp): number {
    return this.router.errors().filter((one) => one.node === node && reason.test(one.reason)).reduce((sum, { count }) => sum + count, 0);
  }

  /** Waits until every packet has come to its end and every buffer is where it belongs; the NICs then have nothing to complain of. */
  async atRest(): Promise<void> {
    let seen: unknown;
    const rested = (): boolean => {
      const [balance, buffers] = [this.router.balance(), this.router.buffers()];
      seen = { balance, buffers, interfaces: this.router.interfaces().map(({ counters }) => counters), errors: this.router.errors() };
      return balance.difference === 0 && buffers.free + buffers.held + buffers.posted + buffers.pending === buffers.total;
    };
    await until("rest", rested).catch((error: Error) => assert.unreachable(`${error.message} ${JSON.stringify(seen)}`));
    for (const { node, reason, count } of this.router.errors()) assert.not.match(reason, /trap|does not exist/, `${node}: ${count} × ${reason}`);
    for (const place of [0, 1] as const) {
      const { violations, lastViolation, cqOverruns } = await deviceStatistics(place);
      const before = this.before[place]!;
      assert.equal([violations - before.violations, cqOverruns - before.cqOverruns], [0, 0], `mlx5_${place}: ${lastViolation}`);
    }
  }

  /** Every datagram gets from host a to host b and back, and is what was sent. */
  async exchanged(count: number, size: number, more: Pick<ExchangeOptions, "window" | "flows" | "port"> = {}): Promise<void> {
    const result = await this.a.call("exchange", { target: B.address, count, size, ...more });
    const whole = result.echoed === count && result.wrong === 0;
    if (!whole) assert.unreachable(`${count} datagrams of ${size} bytes: ${JSON.stringify([result, await this.losses()])}`);
  }

  /** Where packets may have been lost, for people. */
  private async losses(): Promise<unknown> {
    const devices = [await deviceStatistics(0), await deviceStatistics(1)];
    return { devices, interfaces: this.router.interfaces().map(({ counters }) => counters), errors: this.router.errors(), notices: this.notices };
  }

  /** Ends the router; with its interfaces deleted the whole pool must be free. */
  async stop(): Promise<void> {
    try {
      for (const name of NAMES) await this.router.deleteRdmaInterface(name);
      const { free, total } = this.router.buffers();
      assert.is(free, total, "buffers free after all interfaces were deleted");
    } finally {
      await this.router.stop();
    }
  }

  /** A whole test: at its end nothing is missing, and whatever its end the router stops. */
  async run(test: (lab: RdmaLab) => Promise<void>): Promise<void> {
    try {
      await test(this);
      await this.atRest();
    } catch (error) {
      await this.router.stop();
      throw error;
    }
    await this.stop();
  }
}
