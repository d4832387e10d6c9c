// System packages: which commands and libraries are missing, and how to install their Debian packages. A command on
// the PATH or a file in its place is what counts, so other distributions are served as well once they have it.

import { accessSync, constants } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { SetupError, step } from "./step.mjs";

const PYVERBS = "/usr/lib/python3/dist-packages/pyverbs/__init__.py";

/** command, library or file → Debian package; `needed`: nothing works without it */
const RUNNING = [
  { command: "ip", package: "iproute2", needed: true },
  { command: "ping", package: "iputils-ping", needed: true },
  { command: "unshare", package: "util-linux", needed: true },
  { command: "nsenter", package: "util-linux", needed: true },
  { command: "setpriv", package: "util-linux", needed: true },
  { command: "iperf3", package: "iperf3", needed: false },
  { command: "traceroute", package: "traceroute", needed: false },
  { command: "arping", package: "iputils-arping", needed: false },
  { library: "libibverbs.so.1", package: "libibverbs1", needed: false },
  { library: "libmlx5.so.1", package: "ibverbs-providers", needed: false },
];
const TESTING = [
  { command: "tshark", package: "tshark", needed: true },
  { command: "ethtool", package: "ethtool", needed: true },
  { command: "nft", package: "nftables", needed: true },
  { command: "dot", package: "graphviz", needed: true },
  { command: "mandoc", package: "mandoc", needed: true },
  { command: "zsh", package: "zsh", needed: true },
  { command: "fish", package: "fish", needed: true },
  { command: "nmap", package: "nmap", needed: true },
  { command: "hping3", package: "hping3", needed: true },
  { command: "tcpreplay", package: "tcpreplay", needed: true },
  { command: "fping", package: "fping", needed: true },
  { command: "mtr", package: "mtr-tiny", needed: true },
  { command: "tracepath", package: "iputils-tracepath", needed: true },
  { command: "ibv_devinfo", package: "ibverbs-utils", needed: true },
  { command: "dpdk-testpmd", package: "dpdk-dev", needed: true },
  { file: "/usr/include/infiniband/mlx5dv.h", package: "libibverbs-dev", needed: true },
  { file: PYVERBS, package: "python3-pyverbs", needed: true },
];
/** What benchmarks put beside weft. */
const PEERS = [
  { command: "g++", package: "g++", needed: true },
  { command: "taskset", package: "util-linux", needed: true },
  { command: "pkg-config", package: "pkg-config", needed: false },
  { file: "/usr/include/dpdk/rte_graph.h", package: "libdpdk-dev", needed: false },
];
const BUILDING = [
  { command: "python3", package: "python3", needed: true },
  { command: "make", package: "make", needed: true },
  { command: "g++", package: "g++", needed: true },
];

/** Folders of the PATH, and those where Debian keeps administrators' commands, which are not on everybody's. */
const FOLDERS = [...(process.env.PATH ?? "").split(":").filter((folder) => folder !== ""), "/usr/sbin", "/sbin"];

/** Where Debian, Fedora and others keep libraries for x86-64. */
const LIBRARIES = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];

/** What a tool is called in messages. */
const nameOf = (tool) => tool.command ?? tool.library ?? tool.file;

function installed({ command, library, file }) {
  if (command !== undefined) return FOLDERS.some((folder) => allows(join(folder, command), constants.X_OK));
  if (library !== undefined) return LIBRARIES.some((folder) => allows(join(folder, library), constants.R_OK));
  return allows(file, constants.R_OK);
}

function allows(path, mode) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** What is missing of the tools to run, to test (`test`: all of them are needed then), to compile the shim (`build`), to compare (`peers`). */
export function missingTools({ test, build, peers }) {
  const wanted = [...RUNNING, ...(test ? TESTING : []), ...(build ? BUILDING : []), ...(peers ? PEERS : [])];
  return wanted.filter((tool) => !installed(tool)).map((tool) => ({ ...tool, needed: tool.needed || test }));
}

/** Installs what is missing. What cannot be installed is an error, or a notice where weft runs without it. */
export function installTools(missing) {
  const packages = [...new Set(missing.map((tool) => tool.package))];
  try {
    aptGet(packages);
    const still = missing.filter((tool) => !installed(tool)).map(nameOf);
    if (still.length > 0) throw new SetupError(`still missing after the installation: ${still.join(", ")}`);
  } catch (error) {
    if (!(error instanceof SetupError) || missing.some((tool) => tool.needed)) throw error;
    process.stderr.write(`weft: ${error.message}\nweft: going on without ${missing.map(nameOf).join(", ")}, which some demos or benchmarks need\n`);
  }
}

function aptGet(packages) {
  const prefix = process.getuid() === 0 ? [] : ["sudo", "-n"];
  // tshark's package asks who may capture: a question nobody would see
  const words = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"];
  if (!installed({ command: "apt-get" })) {
    throw new SetupError(`missing programs: install what Debian's packages ${packages.join(", ")} hold, and start again`);
  }
  if (prefix.length > 0 && spawnSync("sudo", ["-n", "true"]).status !== 0) {
    throw new SetupError(`missing system packages. Run as root: apt-get install -y --no-install-recommends ${packages.join(" ")}`);
  }
  step("refresh the package lists", [...words, "update"]);
  step(`install ${packages.join(", ")}`, [...words, "install", "--no-install-recommends", ...packages]);
}
