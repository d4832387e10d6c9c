// A network namespace for this process alone, so that demos and tests touch nothing of the machine's
// network and leave nothing behind: the kernel removes the namespace with its last process. It has no
// name and no file. Without root the namespace is made inside a user namespace, where we are root.
//
// /sys/class/net goes on to show the outer namespace (sysfs was mounted there): ask `ip -j` instead.

import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { WeftError } from "../errors.js";
import { DIE_WITH_PARENT, environment, runAgain } from "./command.js";

/** Holds the identity of the namespace that was left. */
const GUARD = "WEFT_OUTER_NETWORK";

/**
 * Runs this program again, with the same arguments, in a private network namespace over which it has
 * root's rights. Gives null in that second run (and at once where we are in one already); in the first
 * one gives the exit status of the second, after its end: the caller exits with it.
 *
 *     const status = await enterPrivateNetwork();
 *     if (status !== null) return status;
 *
 * Throws WeftError NO_PERMISSION where the system allows neither kind of namespace.
 */
export async function enterPrivateNetwork(): Promise<number | null> {
  const outer = process.env[GUARD];
  const current = readlinkSync("/proc/self/ns/net");
  if (outer !== undefined && outer !== current) return null;

  return runAgain(["unshare", ...unshareFlags(), "--", ...DIE_WITH_PARENT], { ...environment(), [GUARD]: current });
}

/** Whether private networks can be had here, and if not why and what would mend it. */
export function privateNetworkProblem(): string | null {
  try {
    unshareFlags();
    return null;
  } catch (error) {
    return (error as WeftError).message;
  }
}

/** The first way of making a namespace that the system allows us: as root, or as root of a user namespace. */
function unshareFlags(): string[] {
  let reason = "";
  for (const flags of [["--net"], ["--user", "--map-root-user", "--net"]]) {
    const probe = spawnSync("unshare", [...flags, "--", "true"], { encoding: "utf8", env: environment() });
    if (probe.status === 0) return flags;
    reason = probe.error?.message ?? probe.stderr.trim();
  }
  throw new WeftError("NO_PERMISSION", `cannot make a private network namespace (${reason}): ${mend()}`);
}

/** The switch that forbids user namespaces: Debian's, Ubuntu's, the kernel's own. */
function mend(): string {
  const switches: [path: string, forbids: string, mend: string][] = [
    ["kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"],
    ["kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"],
    ["user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"],
  ];
  for (const [path, forbids, command] of switches) if (sysctl(path) === forbids) return `run "${command}" as root, or run weft as root`;
  return "run weft as root; in a container, start that with --cap-add SYS_ADMIN --cap-add NET_ADMIN or --privileged";
}

function sysctl(path: string): string | null {
  try {
    return readFileSync(`/proc/sys/${path}`, "utf8").trim();
  } catch {
    return null;
  }
}
