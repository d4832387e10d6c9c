// What scanners and diagnosis tools do to a router and to hosts behind it: nmap, hping3, fping, mtr, tracepath.

import * as assert from "uvu/assert";
import type { CommandResult } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { A, B } from "../e2e/network.js";
import { until } from "../e2e/weft.js";
import type { Lab } from "./lab.js";
import type { Expected, Scenario } from "./scenario.js";

/** ms until a tool is given up */
const PATIENCE = 300_000;
/** where a peer answers: test/e2e/peer-program.ts */
const OPEN_TCP = 7778;
const OPEN_UDP = 7777;
/** networks for fping: on host b's link, and behind it */
const LINK_NET = "10.30";
const FAR_NET = "10.20";

/** What the router does with what is sent to itself, and tells about what it cannot deliver. */
export const LOCAL: Expected[] = [
  [/^ip4-local: no (TCP|UDP) listener/, "nothing listens on the router"],
  [/^ip4-local: unknown protocol/, "the router speaks ICMP alone"],
  [/^ip4-tcp-reset: /, "no TCP port is open"],
  [/^ip4-reassembly: /, "fragments to the router"],
  [/^ip4-fragment: (packets|fragments)/, "replies and datagrams that are too long for a frame"],
  [/^icmp4-input: unknown type/, "address mask requests go unanswered"],
  [/^punt: /, "ICMP errors and replies that come to the router itself"],
];
export const ABSENT: Expected[] = [
  [/^ip4-glean: /, "addresses on a link are asked for"],
  [/^ip4-icmp-error: about an ICMP error/, "hosts answer scans with errors that cannot be delivered"],
];
export const ARP_SEEN: Expected[] = [
  [/^arp-input: reply taken/, "the router asked"],
  [/^arp-input: not for an own address/, "hosts ask for each other"],
];

async function tool(host: Host, command: string, args: string[]): Promise<CommandResult> {
  const result = await host.run(command, args, PATIENCE);
  assert.not.match(result.stderr, /usage:|invalid option|unrecognized/i, `${command} ${args.join(" ")}`);
  return result;
}

const FAST = ["-n", "-T5", "--max-retries", "1", "--min-rate", "2000", "--host-timeout", "60s"];

/** Runs nmap until it finds what it must: this fast it takes an answer that comes after 0.3 s for none. */
async function finds(host: Host, words: string[], expected: (RegExp | string)[]): Promise<void> {
  let text = "";
  const found = async (): Promise<boolean> => {
    const { stdout, stderr, status } = await tool(host, "nmap", [...FAST, ...words]);
    assert.is(status, 0, stderr);
    text = stdout;
    return expected.every((one) => (typeof one === "string" ? text.includes(one) : one.test(text)));
  };
  await until("nmap finds it", found, 120_000).catch((error: Error) => assert.unreachable(`${error.message}: ${words.join(" ")}\n${text}`));
}

function nmap(name: string, options: (ports: number) => string[], found: { through?: RegExp; local?: RegExp }): Scenario {
  return {
    name: `nmap: ${name}`,
    expects: [...LOCAL, ...ARP_SEEN, [/^ip4-local: /, "odd segments and fragments to the router"], [/^ip4-input: /, "odd headers"]],
    run: async ({ a }, { ports }) => {
      for (const [target, expected] of [[B.address, found.through], [A.gateway, found.local]] as const) {
        await finds(a, ["-Pn", ...options(ports), target], expected ? [expected] : []);
      }
    },
  };
}

const portsTo = (ports: number, open: number): string[] => ["-p", `${open},1-${ports}`];

const NMAP: Scenario[] = [
  {
    name: "nmap: who is there",
    expects: [...LOCAL, ...ABSENT, ...ARP_SEEN, [/^ip4-local: broadcast/, "the networks' own addresses"]],
    run: async ({ a, b }, { ports }) => {
      const prefix = ports > 100 ? 24 : 28;
      const up = [B.address, B.gateway].map((address) => new RegExp(`report for ${address}\\nHost is up`));
      await finds(a, ["-sn", "-PE", "-PP", "-PM", "-PS22,80", "-PA443", `203.0.113.0/${prefix}`], [...up, "(2 hosts up)"]);
      await finds(b, ["-sn", "198.51.100.1"], ["(1 host up)"]);
    },
  },
  nmap("TCP SYN", (ports) => ["-sS", ...portsTo(ports, OPEN_TCP)], { through: new RegExp(`${OPEN_TCP}/tcp +open`) }),
  nmap("TCP FIN, no flags, all of them", (ports) => ["-sX", ...portsTo(Math.ceil(ports / 4), OPEN_TCP)], { through: /open\|filtered/ }),
  nmap("UDP", (ports) => ["-sU", "--max-retries", "0", ...portsTo(Math.ceil(ports / 4), OPEN_UDP)], { through: new RegExp(`${OPEN_UDP}/udp +open`) }),
  nmap("IP protocols", () => ["-sO", "--max-retries", "0"], { through: /^1 +open +icmp/m, local: /^1 +open +icmp/m }),
  nmap("in fragments of 8 bytes", (ports) => ["-sS", "-f", ...portsTo(Math.ceil(ports / 4), OPEN_TCP)], { through: new RegExp(`${OPEN_TCP}/tcp +open`) }),
  nmap("which system", (ports) => ["-O", "--max-os-tries", "1", ...portsTo(Math.ceil(ports / 4), OPEN_TCP)], { through: /Linux/ }),
];

/** Forms of hping3, without the target. */
const HPING: string[][] = [
  ["-S", "-p", "++1"], ["-F", "-P", "-U"], ["-S", "-A", "-F", "-R", "-P", "-U", "-X", "-Y"], ["-S", "-O", "2"], ["-S", "-O", "15", "-d", "20"],
  ["-2", "-p", "++1"], ["-2", "-p", "53", "-d", "1400", "-y"], ["-2", "-b"], ["-0", "-H", "255", "-d", "40"], ["-0", "-H", "47", "-d", "3"],
  ["-1"], ["-1", "-C", "13"], ["-1", "-C", "17"], ["-1", "-C", "3", "-K", "1"], ["-1", "-C", "11"], ["-1", "-C", "5", "-K", "1"], ["-1", "-d", "3000"],
  ["-1", "-f", "-d", "120"], ["-S", "-x"], ["-S", "-g", "64"], ["-S", "-x", "-g", "8184"], ["-2", "-f", "-d", "500"], ["-2", "-m", "24", "-d", "400"],
  ["-1", "-t", "0"], ["-1", "-t", "1"], ["-1", "-t", "2"], ["-1", "-G"], ["-1", "-o", "ff"], ["-S", "--tcp-timestamp", "--tcp-mss", "1"],
  ["-1", "-b"], ["-1", "-N", "0"],
];
/** Sources that are not the host's. */
const SPOOFED: string[][] = [
  ["--rand-source"], ["-a", A.gateway], ["-a", B.gateway], ["-a", B.address], ["-a", "127.0.0.1"], ["-a", "224.0.0.1"], ["-a", "255.255.255.255"],
  ["-a", "203.0.113.255"], ["-a", "198.51.100.255"], ["-a", "198.51.100.0"], ["-a", "0.0.0.0"],
];
/** the router and who is behind it; who is not there */
const TARGETS = [[A.gateway, B.gateway, B.address], ["203.0.113.77", "192.0.2.1"]];

async function hping(host: Host, count: number, options: string[], target: string): Promise<void> {
  await tool(host, "hping3", ["-n", "-q", "-I", "eth0", "-c", String(count), "-i", "u100", ...options, target]);
}

const HPING_EXPECTS: Expected[] = [
  ...LOCAL, ...ABSENT, ...ARP_SEEN,
  [/^ip4-local: (broadcast|bad UDP)/, "broadcasts, broken sums"],
  [/^ip4-input: (source|destination|bad header checksum|shorter|total|bad|malformed)/, "sources that cannot be; broken headers"],
  [/^icmp4-input: (bad checksum|message too short)/, "first fragments and broken sums"],
  [/^ip4-lookup: (no route|route says)/, "there is no route to 192.0.2.1, nor back to invented sources"],
  [/^ip4-rewrite: (TTL expired|too long|fragmentation)/, "TTL 1"],
  [/: rx missed$/, "a hundred senders at once"],
  [/^ip4-icmp-error: /, "errors that RFC 1812 4.3.2.7 forbids: about fragments, errors, invented sources, the router's own packets"],
];

/** Every form to every target, many at once: each waits a second for answers at its end. */
async function everywhere(lab: Lab, count: number, forms: string[][]): Promise<void> {
  for (const targets of TARGETS) await Promise.all(targets.flatMap((target) => forms.map((options) => hping(lab.a, count, options, target))));
}

const HPINGS: Scenario[] = [
  { name: "hping3: odd flags, sizes, options, fragments", expects: HPING_EXPECTS, run: (lab, { packets }) => everywhere(lab, packets, HPING) },
  {
    name: "hping3: spoofed sources",
    expects: HPING_EXPECTS,
    run: (lab, { packets }) => everywhere(lab, packets, SPOOFED.flatMap((source) => [["-S", ...source], ["-2", ...source], ["-1", ...source]])),
    neighbours: 8, // hosts ask for sources on the link, the router too
  },
];

/** fping over a range of addresses; gives those that answered. */
async function fping(host: Host, net: string, count: number, ...options: string[]): Promise<number> {
  const last = `${net}.${(count + 1) >> 8}.${(count + 1) & 255}`;
  const { stdout } = await tool(host, "fping", ["-q", "-a", "-r", "3", "-i", "1", ...options, "-g", `${net}.0.2`, last]);
  return stdout.split("\n").filter((line) => line !== "").length;
}

const FPING: Scenario = {
  name: "fping: addresses that are there and that are not",
  expects: [...LOCAL, ...ABSENT, ...ARP_SEEN, [/^ip4-lookup: (no route|route says)/, "a network is taken away again"]],
  neighbours: 2,
  run: async (lab, { addresses }) => {
    const name = lab.nameOf(B);
    await lab.weft.ctl(`set interface ip address ${name} ${LINK_NET}.128.2/16`);
    await lab.weft.ctl(`ip route add ${FAR_NET}.0.0/16 via ${B.address}`);
    await lab.b.address("eth0", `${LINK_NET}.128.1/16`);
    await lab.b.ip("route", "add", "local", `${FAR_NET}.0.0/16`, "dev", "lo");
    assert.is(await fping(lab.a, FAR_NET, addresses), addresses, "behind host b all are there");
    assert.is(await fping(lab.a, LINK_NET, addresses, "-r", "0"), 0, "on its link none is");
    await until("the router has given them up", async () => (await lab.neighbours()).length <= 2, 30_000);
    // b answers ARP for what is its own
    await lab.b.ip("route", "add", "local", `${LINK_NET}.0.0/17`, "dev", "lo");
    assert.is(await fping(lab.a, LINK_NET, addresses), addresses, "now all are");
    await lab.b.ip("address", "del", `${LINK_NET}.128.1/16`, "dev", "eth0");
    await lab.b.ip("route", "del", "local", `${LINK_NET}.0.0/17`, "dev", "lo");
    await lab.b.ip("route", "del", "local", `${FAR_NET}.0.0/16`, "dev", "lo");
    await lab.weft.ctl(`set interface ip address del ${name} ${LINK_NET}.128.2/16`);
    await lab.weft.ctl(`ip route del ${FAR_NET}.0.0/16`);
  },
};

const TRACES: Scenario = {
  name: "mtr, tracepath",
  expects: [...LOCAL, ...ABSENT, ...ARP_SEEN, [/^ip4-rewrite: TTL expired/, "each probe's first one"], [/^ip4-lookup: no route/, "a trace to nowhere"]],
  run: async ({ a, b }) => {
    await Promise.all([[], ["--udp"], ["--tcp", "-P", String(OPEN_TCP)]].map(async (protocol) => {
      let text = "";
      const whole = async (): Promise<boolean> => {
        ({ stdout: text } = await tool(a, "mtr", ["-n", "-r", "-c", "5", "-i", "0.1", "-G", "1", ...protocol, B.address]));
        const hops = [...text.matchAll(/^ *\d+\.\|-- (\S+) +([\d.]+)%/gm)].map(([, address, loss]) => `${address} ${loss}`);
        return hops.join() === `${A.gateway} 0.0,${B.address} 0.0`;
      };
      // It takes an answer that comes a second late for none.
      await until("mtr sees both hops", whole, 120_000).catch(() => assert.unreachable(`mtr ${protocol.join(" ")}: ${text}`));
    }));
    assert.match((await tool(b, "tracepath", ["-n", "-m", "5", A.address])).stdout, new RegExp(`1: +${B.gateway.replaceAll(".", "\\.")}[\\s\\S]*reached`));
    await tool(a, "mtr", ["-n", "-r", "-c", "2", "-i", "0.1", "-G", "1", "-m", "2", "192.0.2.1"]);
  },
};

export const SCANS: Scenario[] = [...NMAP, ...HPINGS, FPING, TRACES];
