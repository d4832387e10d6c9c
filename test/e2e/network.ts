// The networks of these tests, and what their kernels count.
//
//   a                                    the router                                    b
//   eth0 198.51.100.2/24 ── weft0  198.51.100.1  203.0.113.1  weft1 ── eth0 203.0.113.2/24

import * as assert from "uvu/assert";
import type { InterfaceInfo } from "../../host/control/api.js";
import { type Echoes, echoReplies, ping as kernelPing } from "../../host/cli/peers.js";
import { must } from "../../host/lab/command.js";
import { Host } from "../../host/lab/host.js";
import { Weft, until } from "./weft.js";

export const A = { device: "weft0", gateway: "198.51.100.1", address: "198.51.100.2" };
export const B = { device: "weft1", gateway: "203.0.113.1", address: "203.0.113.2" };
export type Side = typeof A;

export async function hostAt(side: Side): Promise<Host> {
  const host = await Host.create();
  await host.link(side.device, "eth0");
  await host.address("eth0", `${side.address}/24`);
  await host.route("default", side.gateway);
  return host;
}

/** Start-up commands of a router with an interface for each side. */
export function script(...sides: Side[]): string[] {
  return sides.flatMap(({ device, gateway }) => [
    `create host-interface name ${device}`,
    `set interface state host-${device} up`,
    `set interface ip address host-${device} ${gateway}/24`,
  ]);
}

export interface LinkCounters {
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
  txDropped: number;
}

/** What a kernel counts on an interface: `ip -s link`; null is our own namespace. */
export async function linkCounters(host: Host | null, name: string): Promise<LinkCounters> {
  const [link] = JSON.parse(await must(host?.namespace ?? null, "ip", ["-j", "-s", "link", "show", "dev", name])) as [{
    stats64: Record<"rx" | "tx", { packets: number; bytes: number; dropped: number }>;
  }];
  const { rx, tx } = link!.stats64;
  return { rxPackets: rx.packets, rxBytes: rx.bytes, txPackets: tx.packets, txBytes: tx.bytes, txDropped: tx.dropped };
}

/** Runs `send`, which sends echo requests from a host, and waits until `count` of them are answered; gives how many were. */
export async function allAnswered(host: Host, count: number, send: () => Promise<unknown>): Promise<number> {
  const before = await echoReplies(host);
  await send();
  let answered = 0;
  const all = async (): Promise<boolean> => (answered = (await echoReplies(host)) - before) >= count;
  await until("all are answered", all).catch(() => assert.unreachable(`${answered} of ${count} echo requests were answered`));
  return answered;
}

/** ping(8), whose replies are waited for as long as a busy machine may take; `late` is to be given, in ms, where not all can come. */
export function ping(host: Host, target: string, options: string[], late = 30_000): Promise<Echoes> {
  return kernelPing(host, target, options, late);
}

/**
 * Waits until both ends of a link count the same: each packet that the host sent was received, or lost under a name; each that
 * weft sent arrived, or was dropped in between (the queue of the peer's CPU was full), which the kernel counts on weft's netdev.
 */
export async function countersAgree(weft: Weft, host: Host, { device }: Side, name = `host-${device}`): Promise<void> {
  let seen: unknown;
  const agree = async (): Promise<boolean> => {
    const { counters }: InterfaceInfo = await weft.interface(name);
    const [peer, between] = [await linkCounters(host, "eth0"), await linkCounters(null, device)];
    seen = { counters, peer, between };
    const lost = counters.rxMissed + counters.rxTruncated + counters.rxErrors;
    if (peer.txPackets !== counters.rxPackets + lost) return false;
    if (peer.rxPackets + between.txDropped !== counters.txPackets) return false;
    return (lost > 0 || peer.txBytes === counters.rxBytes) && (between.txDropped > 0 || peer.rxBytes === counters.txBytes);
  };
  await until("counters", agree).catch(() => assert.unreachable(`the counters of ${device} differ: ${JSON.stringify(seen)}`));
}
