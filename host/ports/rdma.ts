// Opens a port of a ConnectX: the NIC writes its packets straight into the linear memory, and shares the port with Linux by MAC address.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { addon, type RdmaDevice, type RdmaPortOptions } from "../addon.js";
import type { WeftError } from "../errors.js";
import { randomMac } from "./af-packet.js";
import { failure, type ShimFailure } from "./failure.js";
import type { OpenedPort } from "./port.js";
import type { RdmaSettings } from "./rdma-options.js";

/** The buffer pool, and the memory it lies in. */
export type Pool = Pick<RdmaPortOptions, "memory" | "pool" | "poolEnd">;

export interface OpenedRdmaPort extends OpenedPort {
  mode: "ibv" | "dv";
  /** why this mode */
  reason: string;
}

/** Opens a port; `onEvent` is called when it has asynchronous events to tell. Throws a WeftError with the cause and its remedy. */
export function openRdma(settings: RdmaSettings, pool: Pool, onEvent: () => void): OpenedRdmaPort {
  // A virtual function gets only what is sent to its own address, however many flows it sets up: what else there is, its host decides.
  const mac = isVirtualFunction(settings) ? null : randomMac();
  try {
    const opened = addon.openRdma({ ...settings, ...pool, mac }, onEvent);
    const { handle, mtu, up, mode, reason } = opened;
    return { kind: "rdma", handle, hostInterface: addon.rdmaInfo(handle).netdev, mac: mac ?? macBytes(opened.mac), mtu, up, mode, reason };
  } catch (cause) {
    throw explain(settings.name, cause as ShimFailure);
  }
}

/** Moves a port to another MAC address; where that is refused the old one stays. */
export function setRdmaMac(name: string, handle: number, mac: Uint8Array): void {
  const mend = `a virtual function may only have the one that its host gives it ("ip link set PF vf N mac …", or "trust on" and "spoofchk off")`;
  moveFlows(name, `this MAC address, the old one stays: ${mend}`, () => addon.rdmaSetMac(handle, mac));
}

export function setRdmaPromiscuous(name: string, handle: number, on: boolean): void {
  const mend = `it needs CAP_NET_RAW, and a virtual function "ip link set PF vf N trust on"`;
  moveFlows(name, `promiscuous mode: ${mend}`, () => addon.rdmaSetPromiscuous(handle, on));
}

function moveFlows(name: string, what: string, move: () => void): void {
  try {
    move();
  } catch (error) {
    const cause = error as ShimFailure;
    if (cause.code !== "EPERM" && cause.code !== "EACCES") throw explain(name, cause);
    throw failure("NO_PERMISSION", `interface ${name}: the adapter refuses ${what}`, cause);
  }
}

/** The verbs devices of the machine. Throws NOT_FOUND where rdma-core is not installed. */
export function listRdma(): RdmaDevice[] {
  try {
    return addon.listRdma();
  } catch (cause) {
    throw explain("", cause as ShimFailure);
  }
}

function isVirtualFunction({ kind, name }: RdmaSettings): boolean {
  const sysfs = process.env["SYSFS_PATH"] ?? "/sys";
  return existsSync(join(sysfs, "class", kind === "netdev" ? "net" : "infiniband", name, "device/physfn"));
}

function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(":"), (part) => parseInt(part, 16));
}

const SUPPORTED = "weft drives ConnectX-4, 4 Lx, 5, 6, 6 Dx, 7 and BlueField by rdma";
const ANY_NETDEV = `"create host-interface" takes any netdev`;

/** The shim's codes and errnos as cause and remedy, in one line. */
export function explain(name: string, cause: ShimFailure): WeftError {
  const { detail = "" } = cause;
  switch (cause.code) {
    case "RDMA_NO_LIBRARY": {
      const mend = `"apt-get install libibverbs1 ibverbs-providers", elsewhere rdma-core`;
      return failure("NOT_FOUND", `${detail || "libibverbs"} is not installed: ${mend}`, cause);
    }
    case "RDMA_NO_DEVICES": {
      const mend = `"lspci -d 15b3:" lists the cards, "modprobe mlx5_ib" loads their driver, a container needs "--device /dev/infiniband"`;
      return failure("NOT_FOUND", `no rdma device here: ${mend}; without a card "weft emulate" models one`, cause);
    }
    case "RDMA_NOT_FOUND":
      return failure("NOT_FOUND", `no netdev or verbs device "${name}" with an rdma port${detail && `: there are ${detail}`}`, cause);
    case "RDMA_NOT_RDMA":
      return failure("BAD_ARGUMENT", `${name}${detail && ` (${detail})`} has no verbs device: ${SUPPORTED}; ${ANY_NETDEV}`, cause);
    case "RDMA_UNSUPPORTED":
      return failure("BAD_ARGUMENT", `${name}${detail && ` (${detail})`} is no adapter that weft knows: ${SUPPORTED}; ${ANY_NETDEV}`, cause);
    case "RDMA_NO_PERMISSION": {
      const mend = `run as root, or as a user who may read and write it ("ls -l ${detail}"); in a container "--device ${detail}"`;
      return failure("NO_PERMISSION", `${name}: ${detail} may not be opened: ${mend}; under SELinux look at "ausearch -m avc"`, cause);
    }
    case "RDMA_MEMLOCK": {
      const mend = `"ulimit -l unlimited" as root; in a container "--ulimit memlock=-1", under systemd LimitMEMLOCK=infinity; or fewer --buffers`;
      return failure("NO_MEMORY", `${name}: the packet pool must stay in memory, more than is allowed${figures(detail)}: ${mend}`, cause);
    }
    case "RDMA_MODE":
      return failure("BAD_ARGUMENT", `${name}: mode dv is not possible${detail && `: ${detail}`}: take mode auto or ibv`, cause);
    case "RDMA_SIZE":
      return failure("BAD_ARGUMENT", `${name}: more than the adapter can${detail && `: ${detail}`}`, cause);
    default:
      return explainVerb(name, cause);
  }
}

/** A verb failed with an errno. */
function explainVerb(name: string, cause: ShimFailure): WeftError {
  const what = `${name}: ${cause.syscall ?? "opening"} failed with ${cause.code ?? cause.message}`;
  switch (cause.code) {
    case "EPERM":
    case "EACCES":
      return failure("NO_PERMISSION", `${what}: raw packets need CAP_NET_RAW: run as root, or in a container with "--cap-add NET_RAW"`, cause);
    case "ENOMEM":
      return failure("NO_MEMORY", `${what}: free some memory, raise "ulimit -l", or ask for fewer or shorter queues`, cause);
    case "EBUSY":
    case "EEXIST":
      return failure("CONFLICT", `${what}: another program has what it asks for`, cause);
    case "EIO":
    case "ENODEV":
      return failure("SYSTEM", `${what}: the device is in a fatal state or gone: "dmesg" tells more`, cause);
    default:
      return failure("SYSTEM", `${what}${cause.detail ? ` (${cause.detail})` : ""}`, cause);
  }
}

/** "need N, limit M" of bytes, in MiB. */
function figures(detail: string): string {
  const [, need, limit] = /need (\d+), limit (\d+)/.exec(detail) ?? [];
  return need === undefined ? "" : ` (${mebibytes(need)} MiB, the limit is ${mebibytes(limit!)} MiB)`;
}

function mebibytes(bytes: string): string {
  return String(Math.ceil((Number(bytes) / 2 ** 20) * 10) / 10);
}
