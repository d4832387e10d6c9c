// A host of the laboratory: a network namespace with the kernel's own IP stack in it, held open by a
// `cat` that ends when the pipe to it closes. So it goes when we go, whatever ends us.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { WeftError } from "../errors.js";
import { DIE_WITH_PARENT, must, plainEnvironment, run, start, type CommandResult, type Running } from "./command.js";

/** One end of a link: an interface of a host; null is our own namespace. */
export interface End {
  host: Host | null;
  name: string;
}

export class Host {
  /** path of the namespace, as nsenter takes it */
  readonly namespace: string;
  readonly #holder: ChildProcess;
  readonly #ours: string[] = [];
  readonly #adopted: string[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    this.namespace = `/proc/${holder.pid}/ns/net`;
  }

  /** Makes a host with nothing but a loopback interface. Needs enterPrivateNetwork() first, or root. */
  static async create(): Promise<Host> {
    const holder = spawn("unshare", ["--net", "--", ...DIE_WITH_PARENT, "cat"], { stdio: ["pipe", "pipe", "pipe"], env: plainEnvironment() });
    let reason = "";
    holder.stderr.setEncoding("utf8").on("data", (text: string) => (reason += text));
    holder.on("error", (error) => (reason = error.message));
    holder.stdin.on("error", () => {}); // it is gone: "close" tells
    // cat answers when the namespace stands
    holder.stdin.write("\n");
    await Promise.race([once(holder.stdout, "data"), once(holder, "close")]).catch(() => {});
    if (reason !== "" || holder.exitCode !== null) throw new WeftError("NO_PERMISSION", `cannot make a network namespace: ${reason.trim()}`);
    const host = new Host(holder);
    holder.stdout.destroy();
    holder.stderr.destroy();
    holder.unref();
    (holder.stdin as unknown as { unref(): void }).unref();
    await host.ip("link", "set", "lo", "up");
    return host;
  }

  /** pid of the process that holds the namespace open */
  get pid(): number {
    return this.#holder.pid!;
  }

  /** Makes a veth pair, `name` in our namespace for weft, `peer` in the host. Both are up, the kernel keeps silent on ours. */
  async link(name: string, peer: string): Promise<void> {
    await connect({ host: null, name }, { host: this, name: peer });
    await quiet(name);
    this.#ours.push(name);
  }

  /** Takes one of our netdevs into the host and sets it up; it comes back to us when the host closes, without its addresses. */
  async adopt(name: string): Promise<void> {
    await must(null, "ip", ["link", "set", "dev", name, "netns", String(this.pid)]);
    this.#adopted.push(name);
    await this.up(name);
  }

  /** Runs a program to its end in the host. */
  run(command: string, args: string[], timeout?: number): Promise<CommandResult> {
    return run(this.namespace, command, args, timeout);
  }

  /** Starts a program in the host; it dies with us. */
  spawn(command: string, args: string[]): Running {
    return start(this.namespace, command, args);
  }

  /** Runs ip(8) in the host; gives what it printed. */
  ip(...args: string[]): Promise<string> {
    return must(this.namespace, "ip", args);
  }

  /** Gives an interface an address, "192.0.2.2/24". */
  async address(name: string, address: string): Promise<void> {
    await this.ip("address", "add", address, "dev", name);
  }

  /** Adds a route; prefix may be "default". */
  async route(prefix: string, via: string): Promise<void> {
    await this.ip("route", "add", prefix, "via", via);
  }

  async up(name: string): Promise<void> {
    await this.ip("link", "set", name, "up");
  }

  async down(name: string): Promise<void> {
    await this.ip("link", "set", name, "down");
  }

  /** Switches a device feature: offload("eth0", "tso", false). See ethtool(8), -K. */
  async offload(name: string, feature: string, on: boolean): Promise<void> {
    await must(this.namespace, "ethtool", ["-K", name, feature, on ? "on" : "off"]);
  }

  /** Makes the host a router (RFC 1812): the kernel forwards IPv4 between its interfaces. */
  async forward(): Promise<void> {
    // /proc/sys/net shows the namespace of whoever opens it
    await must(this.namespace, "sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  }

  /** Ends the host: its namespace and its links go with it once the programs in it have ended. */
  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    // The kernel clears a namespace some time after its last process; the names on our side are to be free at once.
    for (const name of this.#ours) await run(null, "ip", ["link", "delete", "dev", name]);
    for (const name of this.#adopted) await this.run("ip", ["link", "set", "dev", name, "netns", String(process.pid)]);
    const gone = once(this.#holder, "exit");
    this.#holder.ref();
    this.#holder.stdin!.end();
    await gone;
  }
}

/** Joins two interfaces by a veth pair and sets both up. */
export async function connect(a: End, b: End): Promise<void> {
  // "name" is said because ip takes a bare "a" for "address"
  await must(null, "ip", ["link", "add", "name", a.name, ...place(a), "type", "veth", "peer", "name", b.name, ...place(b)]);
  for (const { host, name } of [a, b]) {
    // No IPv6 address: neighbour discovery and MLD would mix with what is measured.
    await must(host?.namespace ?? null, "ip", ["link", "set", "dev", name, "addrgenmode", "none", "up"]);
  }
}

/** Makes the kernel ignore ARP on one of our interfaces. With no address there it says nothing at all; AF_PACKET still sees every frame. */
export async function quiet(name: string): Promise<void> {
  await must(null, "ip", ["link", "set", "dev", name, "arp", "off"]);
}

function place({ host }: End): string[] {
  return host === null ? [] : ["netns", String(host.pid)];
}
