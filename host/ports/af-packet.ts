// Opens a port on any Linux netdev, through a memory-mapped AF_PACKET socket: packet(7).

import { randomBytes } from "node:crypto";
import { addon } from "../addon.js";
import type { WeftError } from "../errors.js";
import { failure, type ShimFailure } from "./failure.js";
import type { OpenedPort } from "./port.js";

/** Slots of the receive ring: a burst of 4096 packets of up to 2 KiB waits without loss. */
const RING_SLOTS = 4096;

/** Opens a netdev of this network namespace. Throws NOT_FOUND, NO_PERMISSION, or SYSTEM with the failed call. */
export function openAfPacket(name: string): OpenedPort {
  try {
    const { handle, mtu, up } = addon.openAfPacket(name, { ringSlots: RING_SLOTS });
    return { kind: "af_packet", handle, hostInterface: name, mac: randomMac(), mtu, up };
  } catch (cause) {
    throw explain(name, cause as ShimFailure);
  }
}

/** A locally administered address of weft's own: the kernel keeps the netdev's, so each takes only what is meant for it. */
export function randomMac(): Uint8Array {
  return Uint8Array.from([0x02, 0xfe, ...randomBytes(4)]);
}

function explain(name: string, cause: ShimFailure): WeftError {
  switch (cause.code) {
    case "ENODEV":
    case "ENXIO":
      return failure("NOT_FOUND", `no network interface "${name}" in this network namespace: "ip link" lists those there are`, cause);
    case "EPERM":
    case "EACCES": {
      const mend = `run as root or inside "unshare --user --map-root-user --net"`;
      return failure("NO_PERMISSION", `interface ${name}: packet sockets need CAP_NET_RAW and CAP_NET_ADMIN: ${mend}`, cause);
    }
    case "ENOMEM":
      return failure("NO_MEMORY", `interface ${name}: no memory for its receive ring: free some, or raise "ulimit -l"`, cause);
    default:
      return failure("SYSTEM", `interface ${name}: ${cause.syscall ?? "open"} failed with ${cause.code ?? cause.message}`, cause);
  }
}
