// The verbs devices of this machine: those that libibverbs lists, and what sysfs tells of them.

import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { addon } from "../addon.js";

export interface RdmaDevice {
  /** "mlx5_0" */
  device: string;
  netdev: string | null;
  /** "0000:5e:00.0" */
  pci: string;
  /** "ConnectX-5"; null: none that weft knows */
  model: string | null;
  vendor: string;
  deviceId: string;
}

/** A device, and what its opening needs. */
export interface Adapter extends RdmaDevice {
  /** "/dev/infiniband/uverbs0" */
  node: string;
  /** of its PCI function in sysfs */
  folder: string;
  virtualFunction: boolean;
}

const MELLANOX = "15b3";

/** The devices whose rings are those of ConnectX-4 (PCI ids of drivers/net/ethernet/mellanox/mlx5/core/main.c in Linux). */
const MODELS: Record<string, string> = {
  "1013": "ConnectX-4", "1014": "ConnectX-4 VF", "1015": "ConnectX-4 Lx", "1016": "ConnectX-4 Lx VF", "1017": "ConnectX-5",
  "1018": "ConnectX-5 VF", "1019": "ConnectX-5 Ex", "101a": "ConnectX-5 Ex VF", "101b": "ConnectX-6", "101c": "ConnectX-6 VF",
  "101d": "ConnectX-6 Dx", "101e": "ConnectX VF", "101f": "ConnectX-6 Lx", "1021": "ConnectX-7", a2d2: "BlueField",
  a2d3: "BlueField VF", a2d6: "BlueField-2", a2dc: "BlueField-3",
};
/** Those whose send WQEs must carry the Ethernet header: ConnectX-4 and 4 Lx. */
const INLINE_HEADERS = /^101[3-6]$/;

export function listAdapters(): Adapter[] {
  return addon.listRdma().map(({ device, node, folder }) => ({ device, node, folder, ...functionFacts(folder) }));
}

/** What sysfs tells of a device's PCI function; of one that is gone, nothing. */
export function functionFacts(folder: string): Omit<Adapter, "device" | "node" | "folder"> {
  const [vendor, deviceId] = [hex(join(folder, "vendor")), hex(join(folder, "device"))];
  const model = (vendor === MELLANOX && MODELS[deviceId]) || null;
  return { netdev: netdevOf(folder), pci: basename(folder), model, vendor, deviceId, virtualFunction: existsSync(join(folder, "physfn")) };
}

/** A switch's representors are there too: the port's own netdev is dev_port 0. */
function netdevOf(folder: string): string | null {
  const netdevs = entries(join(folder, "net"));
  return netdevs.find((netdev) => line(join(folder, "net", netdev, "dev_port")) === "0") ?? netdevs[0] ?? null;
}

export function needsInlineHeaders({ deviceId }: Adapter): boolean {
  return INLINE_HEADERS.test(deviceId);
}

/** The device whose port a netdev shares. */
export function adapterOfNetdev(adapters: Adapter[], netdev: string): Adapter | undefined {
  const folder = target(join(sysfs(), "class/net", netdev, "device"));
  return adapters.find((one) => one.folder === folder);
}

/** What drives a netdev that no adapter has, in words; null: there is no such netdev, or it is an adapter's after all. */
export function otherDriver(netdev: string): string | null {
  const folder = join(sysfs(), "class/net", netdev);
  // sysfs shows the network namespace that it was mounted in, /proc ours.
  const exists = existsSync(folder) || readFileSync("/proc/net/dev", "utf8").split("\n").some((row) => row.trim().startsWith(`${netdev}:`));
  if (!exists || hex(join(folder, "device/vendor")) === MELLANOX) return null;
  const driver = target(join(folder, "device/driver"));
  return driver === "" ? "a virtual interface" : `driver ${basename(driver)}`;
}

/** The port's MAC address and MTU where its netdev is in another network namespace than ours. */
export function portFacts({ folder, device, netdev }: Adapter): { portMac: Uint8Array; portMtu: number } {
  const [address, mtu] = netdev === null ? ["", ""] : ["address", "mtu"].map((file) => line(join(folder, "net", netdev, file)));
  const mac = address!.split(":").map((part) => parseInt(part, 16));
  return { portMac: Uint8Array.from(mac.length === 6 ? mac : macOfGid(folder, device)), portMtu: Number(mtu) || 1500 };
}

/** The first GID is the link-local address that the MAC makes (RFC 4291 A): fe80:: and the MAC with ff:fe in its middle, one bit turned. */
function macOfGid(folder: string, device: string): number[] {
  const gid = Buffer.from(line(join(folder, "infiniband", device, "ports/1/gids/0")).replaceAll(":", ""), "hex");
  if (gid[0] !== 0xfe || gid[11] !== 0xff || gid[12] !== 0xfe) return [0, 0, 0, 0, 0, 0];
  return [gid[8]! ^ 2, gid[9]!, gid[10]!, gid[13]!, gid[14]!, gid[15]!];
}

/** Mbit/s, of "100 Gb/sec (4X EDR)"; 0: unknown. */
export function portSpeed(folder: string, device: string): number {
  return (parseFloat(line(join(folder, "infiniband", device, "ports/1/rate"))) || 0) * 1000;
}

/** The device's own counters. */
export function deviceCounters(folder: string, device: string): Record<string, number> {
  const folders = ["counters", "hw_counters"].map((kind) => join(folder, "infiniband", device, "ports/1", kind));
  const files = folders.flatMap((at) => entries(at).map((name) => [name, line(join(at, name))] as const));
  return Object.fromEntries(files.filter(([, value]) => value !== "").map(([name, value]) => [name, Number(value)]));
}

/** As libibverbs has it. */
function sysfs(): string {
  return process.env["SYSFS_PATH"] ?? "/sys";
}

function entries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function line(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // not every device has every file, and some may not be read
  }
}

function hex(path: string): string {
  return line(path).replace(/^0x/, "");
}

/** Where a symbolic link ends, "" if nowhere. */
function target(link: string): string {
  return existsSync(link) ? realpathSync(link) : "";
}
