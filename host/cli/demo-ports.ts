// What the demos' routers stand on: modelled ConnectX ports (the default), real ones, or packet sockets.
//
//   emulated, af_packet   weft's end of a veth pair is the port's wire, or the port itself; the other end is the host's
//   rdma:IF[,IF2]         the Linux half of a port is the host's; the adapter itself passes frames between its two halves

import { WeftError } from "../errors.js";
import type { Host } from "../lab/host.js";
import { quote } from "../nearest.js";

export type PortChoice = { kind: "emulated" | "af_packet" } | { kind: "rdma"; devices: string[] };

/** One port of a demo's router. */
export interface DemoPort {
  kind: PortChoice["kind"];
  /** of the router's interface */
  name: string;
  /** the command that makes it */
  create: string;
  /** our end of the veth pair; null: none, the port is a real one */
  device: string | null;
  /** Gives a host its end of the link; the name of its netdev. */
  join(host: Host): Promise<string>;
}

/** "emulated", "af_packet", "rdma:eth2,eth3". Throws BAD_COMMAND. */
export function portChoice(text: string, ports: number): PortChoice {
  if (text === "emulated" || text === "af_packet") return { kind: text };
  const devices = /^rdma:([^:/\s]+)$/.exec(text)?.[1]!.split(",") ?? [];
  if (devices.length >= ports && devices.length <= 2 && !devices.includes("")) return { kind: "rdma", devices };
  const example = ports === 1 ? "rdma:eth0" : "rdma:eth0,eth1";
  throw new WeftError("BAD_COMMAND", `bad value ${quote(text)} of --port: expected emulated, af_packet or ${example} (weft demo --help)`);
}

/** The wires of the modelled ports. */
export function demoWires(ports: number): string {
  return Array.from({ length: ports }, (_, n) => `netdev:weft${n}`).join(",");
}

/** The demo's n-th port. Throws NOT_FOUND for a netdev that is no rdma port. */
export async function demoPort(choice: PortChoice, n: number): Promise<DemoPort> {
  if (choice.kind === "rdma") return realPort(choice.devices[n]!, n);
  const device = `weft${n}`;
  const join = async (host: Host): Promise<string> => {
    await host.link(device, "eth0");
    return "eth0";
  };
  const { kind } = choice;
  if (kind === "af_packet") return { kind, name: `host-${device}`, create: `create host-interface name ${device}`, device, join };
  return { kind, name: `rdma-${n}`, create: `create interface rdma host-if ${device} name rdma-${n}`, device, join };
}

async function realPort(netdev: string, n: number): Promise<DemoPort> {
  // By its verbs device: the netdev is in another namespace by then.
  const { listRdma } = await import("../ports/rdma.js");
  const found = listRdma().find((one) => one.netdev === netdev);
  if (found === undefined) throw new WeftError("NOT_FOUND", `${netdev} is no rdma port: "weft doctor" lists those there are`);
  const join = async (host: Host): Promise<string> => {
    await host.adopt(netdev);
    return netdev;
  };
  return { kind: "rdma", name: `rdma-${n}`, create: `create interface rdma device ${found.device} name rdma-${n}`, device: null, join };
}
