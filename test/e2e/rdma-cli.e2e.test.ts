// An rdma interface as an operator meets it: `weft run --emulated`, its commands, what is refused; and `weft emulate`.

import { chownSync, existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BufferInfo, HardwareInfo, NeighborInfo } from "../../host/control/api.js";
import { ctl } from "../../host/cli/ctl.js";
import { ended, must, run, start } from "../../host/lab/command.js";
import { EMULATOR } from "../../host/lab/emulator.js";
import { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, hostAt, ping } from "./network.js";
import { LAUNCH, Weft, routed, scratch, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const SCRIPT = [
  `create interface rdma host-if ${A.device} name rdma-0 rx-queue-size 512`,
  "set interface state rdma-0 up",
  `set interface ip address rdma-0 ${A.gateway}/24`,
];

/** A test with a host and a router on a modelled port between whose wire and the host there is nothing; at its end nothing is missing. */
function between(name: string, run: (host: Host, weft: Weft) => Promise<void>): void {
  test(name, async () => {
    const host = await hostAt(A);
    const weft = await Weft.start(SCRIPT, "--emulated", `netdev:${A.device}`);
    await routed([host], weft, () => run(host, weft));
  });
}

async function answered(host: Host, count = 5): Promise<void> {
  const { sent, received } = await ping(host, A.gateway, ["-c", String(count), "-i", "0.05", "-W", "2"]);
  assert.equal([sent, received], [count, count]);
}

async function hardware(weft: Weft): Promise<HardwareInfo> {
  return (await weft.show<HardwareInfo[]>("hardware-interfaces rdma-0"))[0]!;
}

between("the kernel and the router ping each other", async (host, weft) => {
  await answered(host);
  assert.match(await weft.ctl(`ping ${A.address} repeat 5 interval 0.05 size 1472`), "5 sent, 5 received, 0% packet loss");
  assert.ok((await weft.vectors("rdma-input")) >= 10);
  assert.is(await weft.vectors("af-packet-input"), 0);
  const { rdma, kind, hostInterface } = await hardware(weft);
  assert.equal([kind, hostInterface, rdma!.netdev, rdma!.device, rdma!.rxQueues.length], ["rdma", A.device, A.device, "mlx5_0", 1]);
  assert.is(rdma!.rxQueues[0]!.size, 512);
  const text = await weft.ctl("show hardware-interfaces");
  for (const part of ["rdma-0 (index 1): link up", "pci-addr 0000:", "product name: ConnectX-5", `mode: ${rdma!.mode} (`]) assert.match(text, part);
  assert.match(await weft.ctl("test rdma dump rdma-0"), /[0-9a-f]{2}( [0-9a-f]{2}){15}/);
});

between("where the packets lie: the last one's address is in the registered pool", async (host, weft) => {
  await answered(host);
  const { dma, lastDma } = (await hardware(weft)).rdma!;
  assert.ok(BigInt(dma.base) < BigInt(lastDma) && BigInt(lastDma) < BigInt(dma.end), JSON.stringify({ dma, lastDma }));
});

between("another MAC address, with its flows", async (host, weft) => {
  await answered(host);
  await weft.ctl("set interface mac address rdma-0 02:fe:00:00:00:77");
  await host.ip("neighbor", "flush", "all");
  await answered(host);
  assert.match(await host.ip("neighbor", "show", A.gateway), "02:fe:00:00:00:77");
  const { mac, rdma } = await hardware(weft);
  assert.is(mac, "02:fe:00:00:00:77");
  assert.ok(rdma!.flows.some((flow) => flow.includes("02:fe:00:00:00:77")), rdma!.flows.join());
});

between("promiscuous, and no more", async (host, weft) => {
  const flows = async (): Promise<number> => (await hardware(weft)).rdma!.flows.length;
  const before = await flows();
  const others = async (): Promise<number> => weft.errors("ethernet-input", /not this interface/);
  await host.ip("neighbor", "replace", "198.51.100.9", "lladdr", "02:00:00:00:00:99", "dev", "eth0");
  const shout = (): Promise<unknown> => ping(host, "198.51.100.9", ["-c", "3", "-i", "0.05", "-W", "0.2"], 0);
  await shout();
  assert.is(await others(), 0, "the adapter leaves to Linux what is for others");
  await weft.ctl("set interface promiscuous on rdma-0");
  assert.is((await hardware(weft)).promiscuous, true);
  await shout();
  await until("all are seen", async () => (await others()) === 3);
  await weft.ctl("set interface promiscuous off rdma-0");
  await shout();
  assert.equal([await others(), await flows()], [3, before]);
  await answered(host);
});

const asRoot = process.getuid!() === 0 && readFileSync("/proc/self/uid_map", "utf8").includes("4294967295") ? test : test.skip;
asRoot("weft run --user: traffic goes on without any right, a new port needs one", async () => {
  const host = await hostAt(A);
  const folder = scratch();
  const [script, socket] = [join(folder, "start-up"), join(folder, "weft.sock")];
  writeFileSync(script, SCRIPT.join("\n"));
  chownSync(folder, 65534, 65534);
  const router = start(null, process.execPath, [LAUNCH, "run", script, "--socket", socket, "--emulated", `netdev:${A.device}`, "--user", "nobody"]);
  let notices = "";
  router.stderr.setEncoding("utf8").on("data", (text: string) => (notices += text));
  const end = ended(router);
  try {
    await until("weft: ready", () => notices.includes("weft: ready"));
    const children = readFileSync(`/proc/${router.pid}/task/${router.pid}/children`, "utf8").trim().split(" ");
    const rights = children.map((pid) => readFileSync(`/proc/${pid}/status`, "utf8")).map((text) => /^CapEff:\t(.*)$/m.exec(text)![1]);
    assert.equal(rights, ["0000000000000000"]);
    await answered(host, 20);
    const refused = { text: "" };
    const output = { out: () => {}, error: (text: string) => void (refused.text += text) };
    assert.is(await ctl(["--socket", socket, "create interface rdma device mlx5_0"], output), 1);
    assert.match(refused.text, /CAP_NET_RAW|must stay in memory/);
    await answered(host);
  } finally {
    router.kill("SIGTERM");
    assert.is(await end, 0, notices);
    await host.close();
  }
});

for (const mode of ["polling", "interrupt", "adaptive"]) {
  between(`rx-mode ${mode}`, async (host, weft) => {
    await weft.ctl(`set interface rx-mode rdma-0 ${mode}`);
    assert.is((await hardware(weft)).rxMode, mode);
    await answered(host, 20);
  });
}

between("a second interface on the same port, deleted again: every buffer is back", async (host, weft) => {
  // A WQE gets new buffers when all of it is used, so how many are posted varies by some.
  const ours = async (): Promise<number> => {
    const { free, posted, pending } = await weft.show<BufferInfo>("buffers");
    return free + posted + pending;
  };
  const before = await ours();
  assert.match(await weft.ctl(`create interface rdma device mlx5_0 mode ibv`), "rdma-1 (mode ibv");
  await weft.ctl("set interface state rdma-1 up");
  await answered(host);
  await weft.ctl("delete interface rdma rdma-1");
  assert.is(await ours(), before);
  await answered(host);
  await weft.ctl("delete interface rdma rdma-0");
  const buffers = await weft.show<BufferInfo>("buffers");
  assert.equal([buffers.free, buffers.posted], [buffers.total, 0]);
  assert.equal(await weft.show<NeighborInfo[]>("ip neighbors"), []);
});

between("the link goes down and comes back", async (host, weft) => {
  await answered(host);
  const state = async (): Promise<boolean> => (await weft.interface("rdma-0")).linkUp;
  await host.down("eth0");
  await until("link down", async () => !(await state()));
  await until("it is told", () => weft.notices.includes("interface rdma-0: link down"));
  await host.up("eth0");
  await until("link up", state);
  await host.route("default", A.gateway);
  await answered(host);
});

between("what is refused, each in one line", async (_host, weft) => {
  for (const [command, message] of [
    ["create interface rdma host-if nothing0", /^weft: no netdev or verbs device "nothing0".*there are mlx5_0/],
    ["create interface rdma host-if lo", /^weft: lo.* has no verbs device: weft drives ConnectX-4/],
    ["create interface rdma device mlx5_7", /^weft: no netdev or verbs device "mlx5_7"/],
    [`create interface rdma host-if ${A.device} name rdma-0`, /^weft: interface rdma-0 exists already/],
    ["delete interface rdma rdma-3", /^weft: no interface "rdma-3"/],
    ["delete host-interface name weft0", /^weft: no interface "host-weft0"/],
    ["show hardware-interfaces rdma-3", /^weft: no interface "rdma-3": did you mean "rdma-0"\?/],
    ["set interface mac address rdma-0 01:00:00:00:00:01", /group address/],
  ] as const) {
    const { status, stdout, stderr } = await weft.try(command);
    assert.equal([status, stdout, stderr.trim().split("\n").length], [1, "", 1], command);
    assert.match(stderr, message);
  }
  assert.equal((await weft.show<HardwareInfo[]>("hardware-interfaces")).map(({ name }) => name), ["rdma-0"]);
});

test("a virtual function has its own address, and no other", async () => {
  const host = await hostAt(A);
  const file = join(scratch(), "script");
  await must(null, "sh", ["-c", `echo '${SCRIPT[0]}\nset interface mac address rdma-0 02:fe:00:00:00:77' > ${file}`]);
  const env = [`LD_PRELOAD=${EMULATOR}`, `WEFT_EMULATOR=wire=netdev:${A.device},vf=1`];
  const { status, stderr } = await run(null, "env", [...env, process.execPath, LAUNCH, "run", file, "--socket", join(scratch(), "weft.sock")]);
  await host.close();
  assert.is(status, 1);
  assert.match(stderr, `weft: ${file}:2: interface rdma-0: the adapter refuses this MAC address, the old one stays`);
});

test("weft emulate: the command's ports, output and exit status", async () => {
  const emulate = (...argv: string[]) => run(null, process.execPath, [LAUNCH, "emulate", ...argv]);
  const { status, stdout } = await emulate("--ports", "2", "--wire", "sink", "--model", "cx6dx", "--", "sh", "-c", "ls $SYSFS_PATH/class/infiniband; exit 7");
  assert.equal([status, stdout], [7, "mlx5_0\nmlx5_1\n"]);
  assert.is((await emulate("--wire", "pair", "--", "ls", "/nonexistent")).status, 2);
});

test("weft emulate passes signals on, and cleans up after a command that was killed", async () => {
  for (const [signal, expected] of [["TERM", 143], ["KILL", 137]] as const) {
    const child = start(null, process.execPath, [LAUNCH, "emulate", "--wire", "sink", "--", "sh", "-c", "echo $SYSFS_PATH; exec sleep 100"]);
    let folder = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (folder += text));
    await until("the command runs", () => folder.includes("\n") && existsSync(folder.trim())); // execve(2) makes it anew
    const places = [folder.trim(), realpathSync(folder.trim())];
    const over = ended(child);
    if (signal === "TERM") child.kill("SIGTERM");
    else process.kill(Number(/weft-emulator-(\d+)/.exec(folder)![1]), "SIGKILL");
    assert.is(await over, expected);
    assert.equal(places.filter(existsSync), []);
  }
});

test.run();
