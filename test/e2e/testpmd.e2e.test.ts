// DPDK's testpmd with its mlx5 driver, as Debian ships both, on two modelled ConnectX ports: it passes what comes in at one port out at the
// other, so it is the cable between two hosts. Every datagram comes back as it was sent, or the test fails.
//
//   host a ── weft0 ═ mlx5_0   testpmd   mlx5_1 ═ weft1 ── host b

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { environment, plainEnvironment } from "../../host/lab/command.js";
import { Host } from "../../host/lab/host.js";
import { Peer } from "./peer.js";

const WEFT = fileURLToPath(new URL("../../../host/setup/weft.mjs", import.meta.url));
const ADAPTERS = ["0000:41:00.0", "0000:42:00.0"]; // as the model numbers them
const DATAGRAMS = 1500; // of each size: all rings go round
const PATIENCE = 90_000;

/** Device options of DPDK's mlx5 driver; dv_flow_en=0: flows by ibv_create_flow, which needs no ioctl. */
const MODES: Record<string, string> = {
  plain: "rxq_cqe_comp_en=0",
  "compressed completions": "rxq_cqe_comp_en=1",
  "multi-packet receive": "rxq_cqe_comp_en=0,mprq_en=1,rxqs_min_mprq=1",
  "multi-packet receive, compressed": "rxq_cqe_comp_en=1,mprq_en=1,rxqs_min_mprq=1",
};

let [a, b]: Host[] = [];
let [sender, echo]: Peer[] = [];

test.before(async () => {
  [a, b] = [await Host.create(), await Host.create()];
  for (const [host, device, address] of [[a, "weft0", "192.0.2.1/24"], [b, "weft1", "192.0.2.2/24"]] as const) {
    await host.link(device, "eth0");
    await host.address("eth0", address);
  }
  [sender, echo] = [await Peer.start(a), await Peer.start(b)];
});

test.after(async () => {
  for (const peer of [sender, echo]) peer?.close();
  for (const host of [a, b]) await host?.close();
});

/** Waits for testpmd's n-th prompt; what it prints beside prompts comes when its buffer is full. */
function prompted(testpmd: ChildProcessWithoutNullStreams, output: () => string, n: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`testpmd ${why}\n${output()}`));
    const timer = setTimeout(() => fail("does not ask for a command"), PATIENCE);
    const look = (): void => {
      if (output().split("testpmd> ").length <= n) return;
      clearTimeout(timer);
      testpmd.stdout.off("data", look);
      resolve();
    };
    testpmd.stdout.on("data", look);
    testpmd.once("exit", () => fail("ended"));
    look();
  });
}

/** Runs testpmd with these device options while `meanwhile` runs; gives all it printed. */
async function withTestpmd(options: string, meanwhile: () => Promise<void>): Promise<string> {
  const devices = ADAPTERS.flatMap((adapter) => ["-a", `${adapter},dv_flow_en=0,${options}`]);
  const eal = ["-l", "0,1", "--no-huge", "-m", "512", "--iova-mode=va", "--no-telemetry", "--no-shconf", "--log-level=pmd.net.mlx5:info", ...devices];
  const own = ["-i", "--forward-mode=io", "--total-num-mbufs=16384", "--rxd=1024", "--txd=1024"];
  const words = [WEFT, "emulate", "--wire", "netdev:weft0,netdev:weft1", "--", "dpdk-testpmd", ...eal, "--", ...own];
  const testpmd = spawn(process.execPath, words, { env: { ...plainEnvironment(), PATH: environment()["PATH"] } });
  let text = "";
  for (const stream of [testpmd.stdout, testpmd.stderr]) stream.setEncoding("utf8").on("data", (more: string) => (text += more));
  const exit = once(testpmd, "exit");
  try {
    await prompted(testpmd, () => text, 1);
    testpmd.stdin.write("start\n");
    await prompted(testpmd, () => text, 2);
    await meanwhile();
    testpmd.stdin.write("stop\nquit\n");
    const [status] = (await exit) as [number | null];
    assert.is(status, 0, text);
  } finally {
    testpmd.removeAllListeners("exit");
    testpmd.kill("SIGKILL");
  }
  return text;
}

for (const [name, options] of Object.entries(MODES)) {
  test(`testpmd forwards between two ports: ${name}`, async () => {
    const text = await withTestpmd(options, async () => {
      for (const size of [8, 64, 500, 1472]) {
        const result = await sender!.call("exchange", { target: "192.0.2.2", count: DATAGRAMS, size, flows: 4 });
        assert.equal(result, { sent: DATAGRAMS, echoed: DATAGRAMS, wrong: 0 }, `${size} bytes`);
      }
    });
    assert.is(/Multi-Packet RQ is configured/.test(text), options.includes("mprq_en=1"), text);
    const [, dropped] = /Accumulated forward statistics[^]*RX-dropped: (\d+)/.exec(text) ?? [];
    assert.is(dropped, "0", text);
  });
}

test.run();
