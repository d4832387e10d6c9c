// A router on which whatever the manual and the README show can be tried: host-eth0 between it and a host, a modelled ConnectX
// port on eth1, build/ with nodes, in a folder of its own that is the current one.
//
//   the host                              the router
//   eth0 192.0.2.2, 192.0.2.254/24 ────── eth0 (host-eth0) 192.0.2.1/24
//   eth1                           ────── eth1 (mlx5_0)

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Host } from "../../host/lab/host.js";
import { exampleFile } from "./example-file.js";
import { Weft, scratch } from "./weft.js";

export const ETH0 = [
  "set interface state host-eth0 up", "set interface mac address host-eth0 02:fe:00:00:00:01", "set interface ip address host-eth0 192.0.2.1/24",
];
const SCRIPT = ["create host-interface name eth0", ...ETH0, "node load build/acl.wasm as filter", "node insert filter after ip4-input"];

/** A pcap file (any name will do) with one packet: magic number, version 2.4, snaplen 65,535, Ethernet; then seconds, µs, lengths and 14 bytes. */
const CAPTURE = "d4c3b2a1020004000000000000000000ffff0000010000000000000000000000" + "0e0000000e000000" + "02fe0000000102000000000288b5";

/** What an example needs that names it, and what takes that away again. */
const NEEDED: [name: RegExp, make: string, unmake: string][] = [
  [/\brdma-0\b/, "create interface rdma host-if eth1 name rdma-0", "delete interface rdma rdma-0"],
  [/\bacl\b(?!\.)/, "node load build/acl.wasm as acl", "node unload acl"],
  [/\bhello\b(?!\.)/, "node load build/hello.wasm as hello", "node unload hello"],
];

/** What stands around an example beside that: commands before it, and after it so that everything is as it was. */
const AROUND: [example: RegExp, before: string[], after: string[]][] = [
  [/^create host-interface/, ["delete host-interface name eth0"], ETH0],
  [/^delete host-interface/, [], ["create host-interface name eth0", ...ETH0]],
  [/^create interface rdma (host-if eth1|device mlx5_0)/, [], ["delete interface rdma rdma-0"]],
  [/^set interface state \S+ down/, [], ["set interface state host-eth0 up"]],
  [/^set interface mtu/, [], ["set interface mtu 1500 host-eth0"]],
  [/^set interface ip address host-eth0 192\.0\.2\.1/, ["set interface ip address del host-eth0 192.0.2.1/24"], []],
  [/^set interface ip address del/, [], ["set interface ip address host-eth0 192.0.2.1/24"]],
  [/^ip route add (?<prefix>\S+)/, [], ["ip route del $<prefix>"]],
  [/^ip route del (?<prefix>\S+)$/, ["ip route add $<prefix> via 192.0.2.2"], []],
  [/^ip route del (?<prefix>\S+ count \d+)$/, ["ip route add $<prefix> via 192.0.2.2"], []],
  [/^ip route del (?<prefix>\S+) via (?<gateway>\S+)/, ["ip route add $<prefix> via 192.0.2.2 via $<gateway>"], ["ip route del $<prefix>"]],
  [/^(set )?ip neighbor del/, ["ip neighbor host-eth0 192.0.2.2 02:00:00:00:00:02"], []],
  [/^(set )?ip neighbor host-eth0 (?<address>\S+)/, [], ["ip neighbor del host-eth0 $<address>"]],
  [/^ip route replace (?<prefix>\S+)/, [], ["ip route del $<prefix>"]],
  [/^create packet-generator/, [], ["delete packet-generator interface pg0"]],
  [/^delete packet-generator/, ["create packet-generator interface pg0"], []],
  [/^(set packet-generator|packet-generator|show packet-generator)/, ["create packet-generator interface pg0", "create packet-generator interface pg1"],
    ["delete packet-generator interface pg0", "delete packet-generator interface pg1"]],
  [/^set interface state pg0/, ["create packet-generator interface pg0"], ["delete packet-generator interface pg0"]],
  [/^(packet-generator (enable|disable|delete)|show packet-generator)/, ['packet-generator new name s0 interface pg0 data "UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1 -> 2"'], []],
  [/^set interface fault \S+ (rx|tx)/, [], ["set interface fault host-eth0 off"]],
  [/^show interface fault/, ["set interface fault host-eth0 rx loss 0.000001%"], ["set interface fault host-eth0 off"]],
  [/^prometheus listen/, [], ["prometheus off"]],
  [/^prometheus off/, ["prometheus listen 127.0.0.1:0"], []],
  [/^show prometheus/, ["prometheus listen 127.0.0.1:0"], ["prometheus off"]],
  [/^trace (add|filter)/, [], ["clear trace", "trace filter none"]],
  [/^pcap trace rx/, [], ["pcap trace off"]],
  [/^pcap trace (off|status)/, ["pcap trace rx file other.pcapng"], []],
  [/^pcap trace status/, [], ["pcap trace off"]],
  [/^node bypass acl/, ["node insert acl after ip4-input"], []],
];

export class DocumentedLab {
  private constructor(readonly host: Host, readonly router: Weft, readonly folder: string) {}

  /** Needs enterPrivateNetwork() first. */
  static async start(): Promise<DocumentedLab> {
    const host = await Host.create();
    for (const name of ["eth0", "eth1"]) await host.link(name, name);
    for (const address of ["192.0.2.2/24", "192.0.2.254/24"]) await host.address("eth0", address);
    await host.route("default", "192.0.2.1");
    const folder = scratch();
    mkdirSync(join(folder, "build"));
    cpSync(await exampleFile("acl"), join(folder, "build/acl.wasm"));
    cpSync(join(folder, "build/acl.wasm"), join(folder, "build/acl-2.wasm"));
    cpSync(join(folder, "build/acl.wasm"), join(folder, "build/hello.wasm"));
    writeFileSync(join(folder, "acl.json"), '{"rules": [{"action": "deny", "source": "198.51.100.0/24"}]}\n');
    for (const name of ["web.pcapng", "traffic.pcapng"]) writeFileSync(join(folder, name), Buffer.from(CAPTURE, "hex"));
    process.chdir(folder);
    const lab = new DocumentedLab(host, await Weft.start(SCRIPT, "--emulated", "netdev:eth1"), folder);
    await lab.traffic();
    return lab;
  }

  /** So that there is something to show: neighbours, and packets without a route. */
  async traffic(): Promise<void> {
    await this.router.ctl("ping 192.0.2.2 repeat 2 interval 0.1");
    await this.host.run("ping", ["-c", "1", "-W", "5", "192.0.2.1"]);
    await this.host.run("ping", ["-c", "1", "-W", "5", "203.0.113.9"]);
  }

  /** Runs a line with what it needs around it; gives its output. With --json also that. */
  async try(line: string, json = false): Promise<{ text: string; json: unknown }> {
    const needed = NEEDED.filter(([name]) => name.test(line));
    const around = AROUND.flatMap(([example, before, after]) => {
      const found = example.exec(line);
      const fill = (one: string): string => one.replace(/\$<(\w+)>/g, (_, name: string) => found!.groups![name]!);
      return found ? [{ before: before.map(fill), after: after.map(fill) }] : [];
    });
    for (const [name, make] of needed) if (!makes(line, name)) await this.router.ctl(make);
    for (const { before } of around) for (const one of before) await this.router.ctl(one);
    const text = await this.run(line);
    const shown: unknown = json ? JSON.parse(await this.run(`${line} --json`)) : undefined;
    for (const { after } of around) for (const one of after) await this.router.ctl(one);
    for (const [, , unmake] of needed) await this.router.try(unmake); // unless the line has done it
    return { text, json: shown };
  }

  /** As a user of weft ctl does: files are found from the current folder. */
  private async run(line: string): Promise<string> {
    const { status, stdout, stderr } = await this.router.try(line);
    assert.equal([status, stderr], [0, ""], `"${line}"`);
    return stdout;
  }

  async close(): Promise<void> {
    process.chdir("/");
    await this.router.stop().finally(() => this.host.close());
  }
}

/** Whether a line makes what it names. */
function makes(line: string, name: RegExp): boolean {
  const [, made] = /^(?:create .* name|node load .* as) (\S+)/.exec(line) ?? [];
  return made !== undefined && name.test(made);
}
