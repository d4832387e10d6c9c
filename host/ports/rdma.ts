// Opens a port of a ConnectX: the NIC writes its packets straight into the linear memory, and shares the port with Linux by MAC address.

import { accessSync, constants } from "node:fs";
import { addon, type RdmaPortOptions } from "../addon.js";
import type { WeftError } from "../errors.js";
import { randomMac } from "./af-packet.js";
import { failure, type ShimFailure } from "./failure.js";
import type { OpenedPort } from "./port.js";
import {
  type Adapter, adapterOfNetdev, deviceCounters, functionFacts, listAdapters, needsInlineHeaders, otherDriver, portFacts, portSpeed,
} from "./rdma-devices.js";
import { RSS_FIELDS, type RdmaSettings } from "./rdma-options.js";

/** The buffer pool, the memory it lies in, and how many workers have part in it. */
export type Pool = Pick<RdmaPortOptions, "memory" | "pool" | "poolEnd" | "workers">;

export interface OpenedRdmaPort extends OpenedPort {
  mode: "ibv" | "dv";
  /** why this mode */
  reason: string;
}

/** All that there is to know of a port. */
export interface RdmaInfo {
  device: string;
  netdev: string | null;
  pci: string;
  model: string;
  virtualFunction: boolean;
  firmware: string;
  mode: string;
  reason: string;
  /** Mbit/s */
  speed: number;
  up: boolean;
  mac: string;
  promiscuous: boolean;
  striding: boolean;
  compression: boolean;
  multiSegment: boolean;
  maxPacketLength: number;
  rss: string[];
  /** one readable line each */
  flows: string[];
  rxQueues: { size: number; posted: number; packets: number; cqeSize: number }[];
  txQueue: { size: number; pending: number };
  offloads: string[];
  /** the registered memory, addresses in hex, and the key by which the device knows it */
  dma: { base: string; end: string; lkey: number };
  /** where the device wrote the last packet that came, in hex */
  lastDma: string;
  /** the device's own counters */
  counters: Record<string, number>;
}

/** Opens a port; `onEvent` is called when it has asynchronous events to tell. Throws a WeftError with the cause and its remedy. */
export function openRdma(settings: RdmaSettings, pool: Pool, onEvent: () => void): OpenedRdmaPort {
  const { name, kind, rss, ...rest } = settings;
  const adapter = findAdapter(name, kind);
  const { folder, netdev, node } = adapter;
  const [rss4, rss6] = rss.map((type) => RSS_FIELDS[type]) as [number, number];
  // A virtual function gets only what is sent to its own address, however many flows it sets up: what else there is, its host decides.
  const mac = adapter.virtualFunction ? null : randomMac();
  const device = { folder, netdev: netdev ?? "", inlineHeaders: needsInlineHeaders(adapter), ...portFacts(adapter) };
  try {
    const opened = addon.openRdma({ ...rest, ...pool, ...device, rss4, rss6, mac }, onEvent);
    const { handle, mtu, up, mode, reason } = opened;
    return { kind: "rdma", handle, hostInterface: netdev, mac: mac ?? macBytes(opened.mac), mtu, up, mode, reason };
  } catch (error) {
    const cause = error as ShimFailure;
    const refused = cause.syscall === "ibv_open_device" && (cause.code === "EPERM" || cause.code === "EACCES" || !mayOpen(node));
    throw explain(name, refused ? { ...cause, message: cause.message, code: "RDMA_NO_PERMISSION", detail: node } : cause);
  }
}

/** libibverbs looks for a refused node elsewhere as well, and its errno is that search's. */
function mayOpen(node: string): boolean {
  try {
    accessSync(node, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EACCES";
  }
}

/** By a netdev or by the verbs device's own name. Throws a WeftError that says why there is none. */
function findAdapter(name: string, kind: RdmaSettings["kind"]): Adapter {
  const adapters = listRdma();
  const found = kind === "netdev" ? adapterOfNetdev(adapters, name) : adapters.find(({ device }) => device === name);
  const refuse = (code: string, detail: string): WeftError => explain(name, { code, detail, message: code, syscall: "ibv_get_device_list" });
  if (found !== undefined && found.model === null) throw refuse("RDMA_UNSUPPORTED", `${found.vendor}:${found.deviceId} ${found.device}`);
  if (found !== undefined) return found;
  const driver = kind === "netdev" ? otherDriver(name) : null;
  if (driver !== null) throw refuse("RDMA_NOT_RDMA", driver);
  if (adapters.length === 0) throw refuse("RDMA_NO_DEVICES", "");
  throw refuse("RDMA_NOT_FOUND", adapters.map(({ device, netdev }) => (netdev === null ? device : `${device} (${netdev})`)).join(", "));
}

export function rdmaInfo(handle: number): RdmaInfo {
  const told = addon.rdmaInfo(handle);
  const { device, folder, firmware, mode, reason, up, mac, promiscuous, flows, striding, compression, multiSegment, maxPacketLength } = told;
  const { netdev, pci, model, virtualFunction } = functionFacts(folder);
  const offloads = { "rx-checksum": told.rxChecksum, "tx-checksum": told.txChecksum, tso: told.segmentation };
  return {
    device, netdev, pci, model: model ?? "", virtualFunction, firmware, mode, reason, up, mac, promiscuous, flows, speed: portSpeed(folder, device),
    rss: Object.entries(RSS_FIELDS).filter(([, fields]) => fields === told.rss4 || fields === told.rss6).map(([name]) => name),
    offloads: Object.entries(offloads).filter(([, on]) => on).map(([name]) => name),
    striding, compression, multiSegment, maxPacketLength, counters: deviceCounters(folder, device),
    rxQueues: told.rxQueues.map(({ posted, packets }) => ({ size: told.rxQueueSize, posted, packets, cqeSize: told.cqeSize })),
    txQueue: { size: told.txQueueSize, pending: told.txPending },
    dma: { base: hex(told.dmaBase), end: hex(told.dmaEnd), lkey: told.lkey }, lastDma: hex(told.lastDma),
  };
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

/** Whose flows are moved. */
export interface RdmaPort {
  name: string;
  handle: number;
  mac: Uint8Array;
  promiscuous: boolean;
}

/** Moves a port to another MAC address; where that is refused the old one stays. */
export function setRdmaMac({ name, handle, promiscuous }: RdmaPort, mac: Uint8Array): void {
  const mend = `a virtual function may only have the one that its host gives it ("ip link set PF vf N mac …", or "trust on" and "spoofchk off")`;
  moveFlows(name, `this MAC address, the old one stays: ${mend}`, () => addon.rdmaSetFlows(handle, mac, promiscuous));
}

export function setRdmaPromiscuous({ name, handle, mac }: RdmaPort, on: boolean): void {
  const mend = `it needs CAP_NET_RAW, and a virtual function "ip link set PF vf N trust on"`;
  moveFlows(name, `promiscuous mode: ${mend}`, () => addon.rdmaSetFlows(handle, mac, on));
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
export function listRdma(): Adapter[] {
  try {
    return listAdapters();
  } catch (cause) {
    throw explain("", cause as ShimFailure);
  }
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
