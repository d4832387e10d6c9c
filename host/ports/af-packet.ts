// A port on any Linux netdev, through a memory-mapped AF_PACKET socket: packet(7).

import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import type { Port, PortSpec } from "./port.js";

/** Slots of the receive ring: a burst of 4096 packets of up to 2 KiB waits without loss. */
const RING_SLOTS = 4096;

/** What the netdev said when it was opened. */
export interface OpenedHostInterface {
  handle: number;
  mtu: number;
  up: boolean;
}

/** Opens a netdev of this network namespace. Throws NOT_FOUND, NO_PERMISSION, or SYSTEM with the failed call. */
export function openHostInterface(name: string): OpenedHostInterface {
  try {
    const { handle, mtu, up } = addon.openAfPacket(name, { ringSlots: RING_SLOTS });
    return { handle, mtu, up };
  } catch (cause) {
    throw explain(name, cause as { code?: string; syscall?: string; message: string });
  }
}

function explain(name: string, cause: { code?: string; syscall?: string; message: string }): WeftError {
  const system = { cause, ...(cause.code && { errno: cause.code }), ...(cause.syscall && { syscall: cause.syscall }) };
  switch (cause.code) {
    case "ENODEV":
    case "ENXIO":
      return new WeftError("NOT_FOUND", `no network interface "${name}" in this network namespace: "ip link" lists those there are`, system);
    case "EPERM":
    case "EACCES":
      return new WeftError("NO_PERMISSION", `interface ${name}: packet sockets need CAP_NET_RAW and CAP_NET_ADMIN: run as root or inside "unshare --user --map-root-user --net"`, system);
    case "ENOMEM":
      return new WeftError("NO_MEMORY", `interface ${name}: no memory for its receive ring: free some, or raise "ulimit -l"`, system);
    default:
      return new WeftError("SYSTEM", `interface ${name}: ${cause.syscall ?? "open"} failed with ${cause.code ?? cause.message}`, system);
  }
}

/** The port as its worker drives it. */
export class AfPacketPort implements Port {
  readonly index: number;
  readonly handle: number;

  constructor(spec: PortSpec) {
    this.index = spec.index;
    this.handle = spec.handle;
  }

  receive(frame: number, max: number): number {
    return addon.receive(this.handle, frame, max, this.index);
  }

  transmit(frame: number, n: number): void {
    addon.transmit(this.handle, frame, n, this.index);
  }
}
