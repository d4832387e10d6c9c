// Where an rdma interface cannot be: each time one clear line, cause and remedy, and an exit status; "weft doctor" tells it beforehand.

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CommandResult, run } from "../../host/lab/command.js";
import { EMULATOR } from "../../host/lab/emulator.js";
import { connect, Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { LAUNCH, scratch } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const PORT = "host-if weft0";

const peer = await Host.create();
await connect({ host: null, name: "weft0" }, { host: peer, name: "eth0" });

/** A program on a modelled port; more of its options follow a comma. */
function emulated(options = ""): string[] {
  return ["env", `LD_PRELOAD=${EMULATOR}`, `WEFT_EMULATOR=wire=netdev:weft0${options}`];
}

/** Runs `weft ARGV…` behind other programs. */
function weft(prefix: string[], ...argv: string[]): Promise<CommandResult> {
  const [command, ...rest] = [...prefix, process.execPath, LAUNCH, ...argv] as [string, ...string[]];
  return run(null, command, rest);
}

/** Runs a router whose script makes an rdma interface, which must be refused: in one line, which it gives. */
async function refused(prefix: string[], port: string): Promise<string> {
  const folder = scratch();
  const script = join(folder, "script");
  writeFileSync(script, `create interface rdma ${port} name rdma-0\n`);
  const { status, stdout, stderr } = await weft(prefix, "run", script, "--socket", join(folder, "weft.sock"), "--buffers", "1024");
  const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("weft: no huge pages"));
  assert.equal([status, stdout, lines.length], [1, "", 1], stderr);
  const start = `weft: ${script}:1: `;
  assert.ok(lines[0]!.startsWith(start), lines[0]);
  return lines[0]!.slice(start.length);
}

/** What the doctor says there. */
async function doctor(prefix: string[]): Promise<string> {
  const { stdout } = await weft(prefix, "doctor");
  return stdout;
}

/** Without this library: the loader finds an empty file first, which is none. */
function hidden(library: string): string[] {
  const folder = scratch();
  writeFileSync(join(folder, library), "");
  return ["env", `LD_LIBRARY_PATH=${folder}`];
}

/** A sysfs with an Intel card in it, and no rdma device. */
function intelSysfs(): string {
  const root = mkdtempSync(join(scratch(), "sys-"));
  const card = join(root, "devices/pci0000:00/0000:18:00.0");
  const driver = join(root, "bus/pci/drivers/i40e");
  for (const folder of [card, driver, join(root, "class/net/eth7")]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(card, "vendor"), "0x8086\n");
  writeFileSync(join(card, "device"), "0x1572\n");
  symlinkSync(driver, join(card, "driver"));
  symlinkSync(card, join(root, "class/net/eth7/device"));
  return root;
}

test("no device", async () => {
  const line = await refused([], "device mlx5_0");
  assert.match(line, /^no rdma device here: .*"modprobe mlx5_ib".*"--device \/dev\/infiniband"; without a card "weft emulate" models one$/);
  assert.match(await doctor([]), /rdma devices +ok +none/);
});

test("a netdev that is no adapter's", async () => {
  assert.match(await refused([], PORT), /^weft0 \(a virtual interface\) has no verbs device: .*"create host-interface" takes any netdev$/);
  assert.match(await refused(emulated(), "host-if lo"), /^lo \(a virtual interface\) has no verbs device: .* takes any netdev$/);
});

test("a wrong name", async () => {
  assert.match(await refused(emulated(), "host-if nosuch0"), /^no netdev or verbs device "nosuch0" with an rdma port: there are mlx5_0 \(weft0\)$/);
  assert.match(await refused(emulated(), "device mlx5_7"), /^no netdev or verbs device "mlx5_7" with an rdma port: there are mlx5_0 \(weft0\)$/);
});

test("an Intel card", async () => {
  const line = await refused(["env", `SYSFS_PATH=${intelSysfs()}`], "host-if eth7");
  assert.match(line, /^eth7 \(driver i40e\) has no verbs device: weft drives ConnectX-4, .* by rdma; "create host-interface" takes any netdev$/);
});

test("no right to open the device", async () => {
  const line = await refused(emulated(",access=none"), PORT);
  assert.match(line, /^weft0: \/dev\/infiniband\/uverbs0 may not be opened: run as root, .*"--device \/dev\/infiniband\/uverbs0"; under SELinux /);
  assert.match(await doctor(emulated(",access=none")), /\/dev\/infiniband\/uverbs0: EACCES/);
});

test("no right to send raw packets", async () => {
  const prefix = ["env", `LD_PRELOAD=${EMULATOR}`, "WEFT_EMULATOR=wire=sink", "setpriv", "--bounding-set", "-net_raw"];
  const line = await refused(prefix, "device mlx5_0");
  assert.match(line, /^mlx5_0: ibv_create_qp failed with EPERM: raw packets need CAP_NET_RAW: run as root, or in a container with "--cap-add /);
  assert.match(await doctor(prefix), /network rights +warning +no CAP_NET_RAW/);
});

test("too little memory may be locked", async () => {
  const prefix = [...emulated(), "prlimit", "--memlock=1048576", "setpriv", "--bounding-set", "-ipc_lock"];
  const line = await refused(prefix, PORT);
  assert.match(line, /^weft0: the packet pool must stay in memory, more than is allowed \([\d.]+ MiB, the limit is 1 MiB\): "ulimit -l /);
  assert.match(await doctor(prefix), /locked memory +warning +1024 KiB/);
});

for (const library of ["libibverbs.so.1", "libmlx5.so.1"]) {
  test(`without ${library}`, async () => {
    const without = hidden(library);
    const line = await refused(without, PORT);
    assert.match(line, new RegExp(`^${library} is not installed: "apt-get install libibverbs1 ibverbs-providers", elsewhere rdma-core$`));
    assert.match(await doctor(without), /rdma-core +warning +not installed .*"apt-get install libibverbs1 ibverbs-providers"/);
  });
}

test("sizes that the adapter cannot have", async () => {
  assert.match(await refused(emulated(), `${PORT} max-pktlen 65535`), /^weft0: more than the adapter can: max-pktlen 65535$/);
  assert.match(await refused(emulated(), `${PORT} rx-queue-size 300`), /^bad rx-queue-size "300" .*: expected a power of two from 256 to 32768/);
});

test("the host is closed", () => peer.close());

test.run();
