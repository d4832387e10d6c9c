// The kernel's own programs that the demos run in their hosts, and what they print.

import { setTimeout as sleep } from "node:timers/promises";
import { WeftError } from "../errors.js";
import { must } from "../lab/command.js";
import type { Host } from "../lab/host.js";

export interface Echoes {
  sent: number;
  received: number;
  /** round trips, ms */
  times: number[];
}

export interface Transfer {
  /** what the receiver got */
  mbits: number;
  /** UDP datagrams; null for TCP */
  sent: number | null;
  lost: number | null;
  /** TCP segments sent again; null for UDP */
  retransmitted: number | null;
}

/** ms to wait for replies that ping(8) has given up, unless the caller says otherwise. */
const LATE = 5000;

/**
 * ping(8): sent and received, whatever its exit status. It gives up two round trips after its last request, whatever -W says; replies that come
 * later are found in the kernel's counters.
 */
export async function ping(host: Host, target: string, options: string[], late = LATE): Promise<Echoes> {
  const before = await echoReplies(host);
  const { stdout, stderr } = await host.run("ping", ["-n", ...options, target]);
  const totals = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
  if (!totals) throw new WeftError("SYSTEM", `ping ${target} printed no totals: ${(stderr || stdout).trim()}`);
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  const sent = Number(totals[1]);
  let received = Number(totals[2]);
  for (const end = performance.now() + late; received < sent && performance.now() < end; await sleep(20)) {
    received = Math.max(received, Math.min(sent, (await echoReplies(host)) - before));
  }
  return { sent, received, times };
}

/** Echo replies that a host's kernel has received. */
export async function echoReplies(host: Host): Promise<number> {
  const lines = (await must(host.namespace, "cat", ["/proc/net/snmp"])).split("\n").filter((line) => line.startsWith("Icmp:"));
  const [names, values] = lines.map((line) => line.split(" "));
  return Number(values![names!.indexOf("InEchoReps")]);
}

/** arping(8) of iputils. */
export async function arping(host: Host, device: string, target: string, count: number): Promise<Echoes> {
  const { stdout, stderr } = await host.run("arping", ["-I", device, "-c", String(count), target]);
  const totals = /Sent (\d+) probes[\s\S]*Received (\d+) response/.exec(stdout);
  if (!totals) throw new WeftError("SYSTEM", `arping ${target} printed no totals: ${(stderr || stdout).trim()}`);
  const times = [...stdout.matchAll(/([\d.]+)ms/g)].map((match) => Number(match[1]));
  return { sent: Number(totals[1]), received: Number(totals[2]), times };
}

/** traceroute(8): the address at each hop, "*" where none answered. */
export async function traceroute(host: Host, target: string): Promise<string[]> {
  const { stdout } = await host.run("traceroute", ["-n", "-q", "1", "-w", "10", "-m", "5", target]);
  return [...stdout.matchAll(/^\s*\d+\s+(\S+)/gm)].map((match) => match[1]!);
}

/** Called each second with the rate in Mbit/s. */
type Live = (second: number, mbits: number) => void;

/** A line of iperf3 for one second: "[  5]   1.00-2.00   sec  1.10 GBytes  9412 Mbits/sec"; not one of the totals. */
const SECOND = /-([\d.]+)\s+sec.*?([\d.]+) Mbits\/sec(?!.*(?:sender|receiver))/g;

/** iperf3 for a number of seconds. */
export async function iperf(from: Host, to: Host, target: string, seconds: number, options: string[], live: Live): Promise<Transfer> {
  const server = to.spawn("iperf3", ["-s", "-1", "--forceflush"]);
  try {
    await lineOf(server.stdout, /listening/);
    const client = from.spawn("iperf3", ["-c", target, "-t", String(seconds), "-i", "1", "-f", "m", "--forceflush", ...options]);
    let text = "";
    client.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    for await (const chunk of client.stdout.setEncoding("utf8")) {
      text += chunk as string;
      for (const [, end, mbits] of (chunk as string).matchAll(SECOND)) live(Math.round(Number(end)), Number(mbits));
    }
    return transferOf(text);
  } finally {
    server.kill("SIGKILL");
  }
}

function transferOf(text: string): Transfer {
  const received = /([\d.]+) Mbits\/sec.*receiver/.exec(text);
  if (!received) throw new WeftError("SYSTEM", `iperf3 failed: ${text.trim().split("\n").at(-1)}`);
  const datagrams = /(\d+)\/(\d+) \([^)]*\)\s+receiver/.exec(text);
  const again = /Mbits\/sec\s+(\d+)\s+sender/.exec(text);
  return {
    mbits: Number(received[1]),
    sent: datagrams && Number(datagrams[2]),
    lost: datagrams && Number(datagrams[1]),
    retransmitted: again && Number(again[1]),
  };
}

/** Waits until a program prints a line like this; throws when it ends without. */
async function lineOf(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<void> {
  let text = "";
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text += chunk;
      if (!pattern.test(text)) return;
      stream.off("data", onData).off("end", onEnd).resume();
      resolve();
    };
    const onEnd = (): void => reject(new WeftError("SYSTEM", `iperf3 does not listen: ${text.trim()}`));
    stream.on("data", onData).on("end", onEnd);
  });
}
