// What the hosts of a soak do all the while. Any of it may fail, for the wires are bad: the tools that were lost are counted, no more.

import { join } from "node:path";
import type { Host } from "../../host/lab/host.js";
import { A, B } from "../e2e/network.js";
import { scratch } from "../e2e/weft.js";
import { Dice, mixedFrames, writePcap } from "./frames.js";
import type { Lab } from "./lab.js";

/** ms that a tool may take */
const PATIENCE = 40_000;
const FRAMES = 4000;

export interface Actor {
  name: string;
  turn: (lab: Lab, dice: Dice) => Promise<void>;
}

const ways = ({ a, b }: Lab): [from: Host, to: Host, target: string, gateway: string][] => [[a, b, B.address, A.gateway], [b, a, A.address, B.gateway]];

async function tool(host: Host, command: string, ...args: string[]): Promise<void> {
  const { status, stderr } = await host.run(command, args, PATIENCE);
  if (status !== 0) throw new Error(`${command}: ${stderr.trim()}`);
}

const IPERF: string[][] = [
  ["-P", "2"], ["-b", "20M"], ["-M", "500"], ["-u", "-b", "40M", "-l", "1400"], ["-u", "-b", "10M", "-l", "5000"], ["-u", "-b", "5M", "-l", "64"],
];
const PING_SIZES = ["0", "56", "1472", "4000", "20000", "65507"];

const STREAMS: Actor = {
  name: "iperf3",
  turn: async (lab, dice) => {
    const [from, to, target] = dice.of(ways(lab));
    const server = to.spawn("iperf3", ["-s", "-1", "-p", "5202"]);
    for (const stream of [server.stdout, server.stderr]) stream.resume();
    try {
      await tool(from, "iperf3", "-c", target, "-p", "5202", "-t", "3", "--connect-timeout", "3000", ...dice.of(IPERF));
    } finally {
      server.kill("SIGKILL");
    }
  },
};

const PINGS: Actor = {
  name: "ping",
  turn: async (lab, dice) => {
    const [from, , target, gateway] = dice.of(ways(lab));
    await tool(from, "ping", "-n", "-q", "-c", "20", "-i", "0.02", "-W", "1", "-s", dice.of(PING_SIZES), dice.of([target, gateway]));
  },
};

const QUESTIONS: Actor = {
  name: "ARP, traceroute, mtr, fping, nmap",
  turn: async (lab, dice) => {
    const [from, , target, gateway] = dice.of(ways(lab));
    const deeds: (() => Promise<unknown>)[] = [
      () => tool(from, "arping", "-q", "-I", "eth0", "-c", "3", gateway),
      () => from.ip("neighbor", "flush", "dev", "eth0"),
      () => tool(from, "traceroute", "-n", "-q", "1", "-w", "1", "-m", "4", target),
      () => tool(from, "mtr", "-n", "-r", "-c", "3", "-i", "0.1", "-G", "1", target),
      () => tool(from, "fping", "-q", "-r", "0", "-i", "1", "-g", target.replace(/\d+$/, "1"), target.replace(/\d+$/, "40")),
      () => tool(from, "nmap", "-n", "-Pn", "-T5", "--max-retries", "0", "-sS", "-p", "1-200", dice.of([target, gateway])),
    ];
    await dice.of(deeds)();
  },
};

const GARBAGE: Actor = {
  name: "tcpreplay of broken frames",
  turn: async (lab, dice) => {
    const file = join(scratch(), "mixed.pcap");
    const router = await lab.weft.interface(lab.nameOf(A));
    const endpoints = {
      router: { mac: router.mac, address: A.gateway }, host: { mac: await lab.macOf(lab.a), address: A.address },
      far: B.address, absent: "198.51.100.77", unrouted: "192.0.2.9",
    };
    await writePcap(file, mixedFrames(FRAMES, endpoints, dice.below(2 ** 31)));
    await tool(lab.a, "tcpreplay", "-q", "-i", "eth0", "--pps", "1000", file);
    await lab.forgetNeighbours();
  },
};

export const TRAFFIC: Actor[] = [STREAMS, PINGS, QUESTIONS, GARBAGE];
