// What goes wrong on links: storms of broken frames and of ARP requests, links that flap, neighbours and interfaces that change under traffic.

import { join } from "node:path";
import * as assert from "uvu/assert";
import { ended } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { A, B, type Side } from "../e2e/network.js";
import { scratch, until } from "../e2e/weft.js";
import { arpFlood, mixedFrames, writePcap } from "./frames.js";
import { type Lab, flap } from "./lab.js";
import { ABSENT, ARP_SEEN, LOCAL } from "./scans.js";
import type { Expected, Scenario } from "./scenario.js";

const SEED = 20_240;
const ARP_RATE = 10_000;
/** net of the senders of the ARP storm */
const STORM_NET = "10.64";
/** neighbours that a router learns at most: control/neighbours.ts */
const LEARNED_MAX = 16_384;

/** Sends a capture from a host. */
async function replay(host: Host, file: string, frames: number, options: string[]): Promise<void> {
  const { stdout, stderr, status } = await host.run("tcpreplay", ["-i", "eth0", ...options, file], 600_000);
  assert.is(status, 0, stderr);
  assert.match(stdout, new RegExp(`Successful packets: +${frames}\\b`), stdout);
}

/** Any reason of the nodes that judge what comes from a wire. */
const JUDGED: Expected[] = [
  [/^(ethernet-input|arp-input|ip4-input|ip4-local|icmp4-input|ip4-lookup|ip4-icmp-error|punt|ip4-glean): /, "every way in which a frame can be broken"],
  [/^(ip4-tcp-reset|ip4-reassembly|ip4-fragment): /, "what is to the router, and what is too long"],
  [/^ip4-rewrite: (TTL|fragmentation|too long)/, "TTL 1; changed lengths"],
  [/: rx missed$/, "tcpreplay is faster than a ring of its size can be emptied"],
];

const FRAMES: Scenario = {
  name: "tcpreplay: mixed frames",
  expects: JUDGED,
  poisons: true,
  neighbours: 256,
  run: async (lab, { frames }) => {
    const file = join(scratch(), "mixed.pcap");
    const [router, host] = [await lab.weft.interface(lab.nameOf(A)), await lab.macOf(lab.a)];
    const endpoints = {
      router: { mac: router.mac, address: A.gateway }, host: { mac: host, address: A.address },
      far: B.address, absent: "198.51.100.77", unrouted: "192.0.2.9",
    };
    await writePcap(file, mixedFrames(frames, endpoints, SEED));
    await replay(lab.a, file, frames, ["--topspeed", "-K"]);
  },
};

const ARPS: Scenario = {
  name: "10,000 ARP requests a second",
  expects: [
    ...ARP_SEEN, [/^ip4-icmp-error: about/, "a ping of the router's own that met the storm"],
    [/^arp-input: learn ring full/, "more neighbours at once than the host thread takes up"], [/: rx missed$/, "a burst beyond the ring"],
  ],
  neighbours: LEARNED_MAX,
  run: async (lab, { arps }) => {
    const file = join(scratch(), "arp.pcap");
    const name = lab.nameOf(A);
    await lab.weft.ctl(`set interface ip address ${name} ${STORM_NET}.0.1/16`);
    await writePcap(file, arpFlood(arps, STORM_NET, `${STORM_NET}.0.1`, SEED));
    await replay(lab.a, file, arps, ["--pps", String(ARP_RATE)]);
    await until("neighbours are learned", async () => (await lab.neighbours()).length > 100);
    assert.ok((await lab.neighbours()).length <= LEARNED_MAX, "bounded");
    await lab.weft.ctl(`set interface ip address del ${name} ${STORM_NET}.0.1/16`);
  },
};

/** Pings without end and datagrams both ways, until something has been done. */
async function underTraffic(lab: Lab, run: () => Promise<void>): Promise<void> {
  const ways = [[lab.a, B.address], [lab.b, A.address]] as const;
  const pings = ways.map(([host, target]) => host.spawn("ping", ["-n", "-q", "-i", "0.002", "-W", "1", target]));
  for (const { stdout, stderr } of pings) for (const stream of [stdout, stderr]) stream.resume();
  const over = pings.map(ended);
  const [peer] = lab.peers;
  await peer.call("load", { targets: [B.address], size: 200, rate: 1, flows: 4 });
  try {
    await run();
  } finally {
    for (const one of pings) one.kill("SIGINT");
    await Promise.all(over);
    await peer.call("endLoad");
  }
}

/** An echo request from one host to the other is answered. */
async function flows(lab: Lab): Promise<void> {
  await until("echoes go through", async () => (await lab.a.run("ping", ["-n", "-c", "1", "-W", "1", B.address])).status === 0, 30_000);
}

const LINK_EXPECTS: Expected[] = [
  ...ABSENT, ...ARP_SEEN, ...LOCAL,
  [/^interface-output: /, "the link was down, or the interface on its way"],
  [/^ip4-rewrite: no link header/, "the neighbour was forgotten between lookup and rewrite"],
  [/^ip4-lookup: (no route|route says)/, "the interface's network had gone with it"],
  [/^ip4-icmp-error: /, "pings came back as errors that cannot be delivered either"],
  [/^ethernet-input: destination/, "the hosts still knew the old MAC address"],
  [/^ethernet-input: interface administratively down/, "the interface was on its way"],
  [/: tx (down|errors|no room)$/, "the netdev was down, or gone"], [/: rx errors$/, "reading from a netdev that went down"],
];
const LINK_NOTICES = /^weft: interface \S+: (link (up|down|gone)|\S+ is back)$/;

const FLAPS: Scenario = {
  name: "links that flap under traffic",
  expects: LINK_EXPECTS,
  notices: LINK_NOTICES,
  unsteady: true,
  run: (lab, { flaps }) =>
    underTraffic(lab, async () => {
      for (let i = 0; i < flaps; i++) await flap((i % 2 === 0 ? A : B).device);
      await lab.linksUp();
      await flows(lab);
    }),
};

async function changeMac(host: Host, last: number): Promise<void> {
  await host.ip("link", "set", "dev", "eth0", "address", `02:00:00:00:0b:${last.toString(16).padStart(2, "0")}`);
}

const MOVES: Scenario = {
  name: "a neighbour whose MAC address changes under traffic",
  expects: [...LINK_EXPECTS],
  unsteady: true,
  run: (lab, { moves }) =>
    underTraffic(lab, async () => {
      // told by a gratuitous ARP (RFC 5227, 3), or found out when the host asks
      for (let i = 0; i < moves; i++) {
        await lab.b.run("sh", ["-c", `echo ${i % 2} > /proc/sys/net/ipv4/conf/eth0/arp_notify`]);
        await changeMac(lab.b, i + 1);
        if (i % 2 === 0) await lab.b.ip("neighbor", "flush", "dev", "eth0");
        await flows(lab);
        const mac = await lab.macOf(lab.b);
        await until("the new address is known", async () => (await lab.neighbours()).some((one) => one.address === B.address && one.mac === mac));
      }
    }),
};

/** Deletes the interface of a side and makes it again. */
async function remake(lab: Lab, side: Side): Promise<void> {
  await lab.remove(side);
  await lab.create(side);
}

const REMOVALS: Scenario = {
  name: "interfaces deleted and made again under traffic",
  expects: LINK_EXPECTS,
  notices: LINK_NOTICES,
  unsteady: true,
  run: (lab, { removals }) =>
    underTraffic(lab, async () => {
      for (let i = 0; i < removals; i++) {
        await remake(lab, i % 2 === 0 ? A : B);
        // the interface has another MAC address now
        for (const host of [lab.a, lab.b]) await host.ip("neighbor", "flush", "dev", "eth0");
        await flows(lab);
      }
    }),
};

export const STORMS: Scenario[] = [FRAMES, ARPS, FLAPS, MOVES, REMOVALS];
