// A router in a network namespace of its own, its links led to the probe: the Linux kernel's, or weft.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Running, ended, must, run, start } from "../../host/lab/command.js";
import { Host, connect } from "../../host/lab/host.js";
import { ctl } from "../../host/cli/ctl.js";
import { scratch, until } from "../e2e/weft.js";
import { ALL, ROUTES, neighbours } from "./network.js";
import { netdev } from "./wire.js";

const LAUNCH = fileURLToPath(new URL("../e2e/launch.js", import.meta.url));

export interface Router {
  /** what it could not be told, one line each */
  refused: string[];
  /** Whether it limits the rate of its errors (RFC 1812, 4.3.2.8): off, so that each point has all its errors, but where that is the point. */
  limitErrors(on: boolean): Promise<void>;
  stop(): Promise<void>;
}

const port = (name: string): string => `r-${name}`;

async function cables(): Promise<Host> {
  const host = await Host.create();
  for (const { name, mtu, routerMac } of ALL) {
    await connect({ host: null, name: netdev(name) }, { host, name: port(name) });
    await must(null, "ip", ["link", "set", "dev", netdev(name), "arp", "off", "mtu", "9000"]);
    await must(null, "sh", ["-c", `echo 1 > /proc/sys/net/ipv6/conf/${netdev(name)}/disable_ipv6 || true`]);
    await host.ip("link", "set", "dev", port(name), "mtu", String(mtu), "address", routerMac);
    // What one side leaves to the adapter the other would see undone.
    for (const side of [[null, netdev(name)], [host.namespace, port(name)]] as const) {
      await must(side[0], "ethtool", ["-K", side[1], "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off"]);
    }
  }
  return host;
}

/** The kernel as a router, with its defaults but for the limits on errors, and a reassembly time that can be waited for. */
export async function startLinux(): Promise<Router> {
  const host = await cables();
  const lines = [
    "cd /proc/sys/net/ipv4", "echo 1 > ip_forward", "echo 0 > icmp_ratelimit", "echo 3 > ipfrag_time",
    "[ ! -e icmp_msgs_per_sec ] || { echo 100000 > icmp_msgs_per_sec; echo 100000 > icmp_msgs_burst; }",
  ];
  for (const link of ALL) {
    const { name, router, prefix } = link;
    lines.push(`ip address add ${router}/${prefix} dev ${port(name)}`);
    for (const [address, mac] of neighbours(link)) lines.push(`ip neighbor replace ${address} lladdr ${mac} nud permanent dev ${port(name)}`);
  }
  for (const [prefix, target] of ROUTES) {
    lines.push("via" in target ? `ip route add ${prefix} ${target.via.map((via) => `nexthop via ${via}`).join(" ")}` : `ip route add ${target.kind} ${prefix}`);
  }
  await must(host.namespace, "sh", ["-ec", lines.join("\n")]);
  return {
    refused: [],
    limitErrors: async (on) => void (await must(host.namespace, "sh", ["-c", `echo ${on ? 1000 : 0} > /proc/sys/net/ipv4/icmp_ratelimit`])),
    stop: () => close(host),
  };
}

async function close(host: Host): Promise<void> {
  for (const { name } of ALL) await run(null, "ip", ["link", "delete", "dev", netdev(name)]);
  await host.close();
}

/** The same for weft; `extra` are further commands. */
function script(): string[] {
  return ["set ip reassembly timeout 3000", ...ALL.flatMap((link) => [
    `create host-interface name ${port(link.name)}`,
    `set interface mac address host-${port(link.name)} ${link.routerMac}`,
    `set interface state host-${port(link.name)} up`,
    `set interface ip address host-${port(link.name)} ${link.router}/${link.prefix}`,
    ...neighbours(link).map(([address, mac]) => `set ip neighbor host-${port(link.name)} ${address} ${mac}`),
  ])];
}

const WORDS = { unreachable: "unreachable", prohibit: "prohibit", blackhole: "drop" } as const;

function routes(): string[] {
  return ROUTES.map(([prefix, target]) => `ip route add ${prefix} via ${"via" in target ? target.via.join(" via ") : WORDS[target.kind]}`);
}

export async function startWeft(extra: string[] = []): Promise<Router> {
  const host = await cables();
  // The kernel in weft's namespace has no addresses and keeps silent.
  for (const { name } of ALL) await host.ip("link", "set", "dev", port(name), "arp", "off");
  const folder = scratch();
  const [file, socket] = [join(folder, "router.weft"), join(folder, "weft.sock")];
  writeFileSync(file, script().join("\n"));
  const weft: Running = start(host.namespace, process.execPath, [LAUNCH, "run", file, "--socket", socket]);
  let notices = "";
  weft.stdout.resume();
  weft.stderr.setEncoding("utf8").on("data", (text: string) => (notices += text));
  const end = ended(weft);
  await until("weft: ready", () => {
    if (weft.exitCode !== null) throw new Error(`weft ended: ${notices}`);
    return notices.includes("weft: ready");
  }, 20_000).catch((error: Error) => {
    throw new Error(`${error.message}: ${notices}`);
  });
  const refused: string[] = [];
  const tell = async (line: string): Promise<void> => {
    let said = "";
    const status = await ctl(["--socket", socket, line], { out: () => {}, error: (text) => void (said += text) });
    if (status !== 0) refused.push(`${line}: ${said.trim()}`);
  };
  for (const line of [...routes(), "set ip icmp rate-limit interval 0 rate 100000 burst 100000", ...extra]) await tell(line);
  return {
    refused,
    limitErrors: (on) => tell(`set ip icmp rate-limit interval ${on ? 1000 : 0}`),
    stop: async () => {
      weft.kill("SIGTERM");
      await end;
      await close(host);
    },
  };
}
