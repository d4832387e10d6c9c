// System packages: which commands are missing, and how to install their Debian packages. A command
// on the PATH is what counts, so other distributions are served as well once they have it.

import { accessSync, constants } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { SetupError, step } from "./step.mjs";

/** command → Debian package; `needed`: nothing works without it */
const RUNNING = [
  { command: "ip", package: "iproute2", needed: true },
  { command: "ping", package: "iputils-ping", needed: true },
  { command: "unshare", package: "util-linux", needed: true },
  { command: "nsenter", package: "util-linux", needed: true },
  { command: "setpriv", package: "util-linux", needed: true },
  { command: "iperf3", package: "iperf3", needed: false },
  { command: "traceroute", package: "traceroute", needed: false },
  { command: "arping", package: "iputils-arping", needed: false },
];
const TESTING = [
  { command: "tshark", package: "tshark", needed: true },
  { command: "ethtool", package: "ethtool", needed: true },
];
const BUILDING = [
  { command: "python3", package: "python3", needed: true },
  { command: "make", package: "make", needed: true },
  { command: "g++", package: "g++", needed: true },
];

/** Folders of the PATH, and those where Debian keeps administrators' commands, which are not on everybody's. */
const FOLDERS = [...(process.env.PATH ?? "").split(":").filter((folder) => folder !== ""), "/usr/sbin", "/sbin"];

function installed(command) {
  return FOLDERS.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What is missing of the tools to run, to test (`test`: all of them are needed then), to compile the shim (`build`). */
export function missingTools({ test, build }) {
  const wanted = [...RUNNING, ...(test ? TESTING : []), ...(build ? BUILDING : [])];
  return wanted.filter(({ command }) => !installed(command)).map((tool) => ({ ...tool, needed: tool.needed || test }));
}

/** Installs what is missing. What cannot be installed is an error, or a notice where weft runs without it. */
export function installTools(missing) {
  const packages = [...new Set(missing.map((tool) => tool.package))];
  try {
    aptGet(packages);
    const still = missing.filter((tool) => !installed(tool.command)).map((tool) => tool.command);
    if (still.length > 0) throw new SetupError(`still missing after the installation: ${still.join(", ")}`);
  } catch (error) {
    if (!(error instanceof SetupError) || missing.some((tool) => tool.needed)) throw error;
    process.stderr.write(`weft: ${error.message}\nweft: going on without ${missing.map((tool) => tool.command).join(", ")}, which some demos need\n`);
  }
}

function aptGet(packages) {
  const prefix = process.getuid() === 0 ? [] : ["sudo", "-n"];
  // tshark's package asks who may capture: a question nobody would see
  const words = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"];
  if (!installed("apt-get")) throw new SetupError(`missing programs: install what Debian's packages ${packages.join(", ")} hold, and start again`);
  if (prefix.length > 0 && spawnSync("sudo", ["-n", "true"]).status !== 0) {
    throw new SetupError(`missing system packages. Run as root: apt-get install -y --no-install-recommends ${packages.join(" ")}`);
  }
  step("refresh the package lists", [...words, "update"]);
  step(`install ${packages.join(", ")}`, [...words, "install", "--no-install-recommends", ...packages]);
}
