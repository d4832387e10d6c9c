// What there is for rdma ports: rdma-core, adapters, the right to use them. Nothing of it is needed without a ConnectX.

import { closeSync, existsSync, openSync } from "node:fs";
import { WeftError } from "../errors.js";
import { EMULATOR } from "../lab/emulator.js";
import type { RdmaDevice } from "../ports/rdma-devices.js";
import type { DoctorCheck } from "./doctor-check.js";

/** A row for rdma-core, one for each verbs device, one for the modelled ones. */
export async function rdmaChecks(): Promise<DoctorCheck[]> {
  return [...(await devices()), emulator()];
}

async function devices(): Promise<DoctorCheck[]> {
  try {
    const { listRdma } = await import("../ports/rdma.js");
    const found = listRdma();
    return deviceChecks(found, (name) => nodeOf(found.find(({ device }) => device === name)!.node));
  } catch (error) {
    if (!(error instanceof WeftError) || error.code === "ADDON_MISSING") return []; // the row of the shim tells
    const found = error.code === "NOT_FOUND" ? "not installed" : "not usable";
    return [{ name: "rdma-core", ok: "warn", found, hint: `for rdma ports, and "demo" without --port af_packet: ${error.message}` }];
  }
}

/** `node` gives a device's character device, and why it may not be opened. */
export function deviceChecks(found: RdmaDevice[], node: (device: string) => { path: string; problem: string | null }): DoctorCheck[] {
  const library: DoctorCheck = { name: "rdma-core", ok: true, found: "libibverbs.so.1", hint: "" };
  if (found.length > 0) return [library, ...found.map((one) => deviceCheck(one, node(one.device)))];
  const hint = `with a ConnectX: "lspci -d 15b3:" shows it, "modprobe mlx5_ib" loads its driver, a container needs "--device /dev/infiniband"`;
  return [library, { name: "rdma devices", ok: true, found: "none", hint }];
}

function deviceCheck({ device, netdev, pci, model, vendor, deviceId }: RdmaDevice, node: { path: string; problem: string | null }): DoctorCheck {
  const found = `${model ?? `${vendor}:${deviceId}`} at ${pci}, ${netdev === null ? "no netdev" : `netdev ${netdev}`}`;
  const others = "weft drives ConnectX-4 and newer and BlueField by rdma; any netdev by create host-interface";
  if (model === null) return { name: device, ok: "warn", found, hint: others };
  if (node.problem === null) return { name: device, ok: true, found, hint: "" };
  const hint = `${node.path}: ${node.problem}: run as root, or as a user who may read and write it; in a container "--device ${node.path}"`;
  return { name: device, ok: "warn", found, hint };
}

/** A uverbs node, and whether it can be opened. */
function nodeOf(path: string): { path: string; problem: string | null } {
  try {
    closeSync(openSync(path, "r+"));
    return { path, problem: null };
  } catch (error) {
    return { path, problem: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function emulator(): DoctorCheck {
  const built = existsSync(EMULATOR);
  const hint = built ? "" : `for demos: run "npm run setup"`;
  return { name: "modelled ConnectX", ok: built ? true : "warn", found: built ? "built" : "not built", hint };
}
