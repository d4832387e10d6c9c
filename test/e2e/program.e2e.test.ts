// The program as it is bundled: what is loaded late is there too.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CustomNodeInfo, PrometheusInfo } from "../../host/control/api.js";
import { must, run } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { Weft, scratch } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
await must(null, "ip", ["link", "set", "lo", "up"]);

const PROGRAM = fileURLToPath(new URL("../../../host/setup/weft.mjs", import.meta.url));
const SCRIPT = ["create packet-generator interface pg0", "set interface state pg0 up"];

test("a node of one's own is made, compiled, tested, and loaded into a router; metrics are served", async () => {
  const folder = scratch();
  const inFolder = async (...argv: string[]): Promise<void> => {
    const words = ["-c", 'cd "$0" && exec "$@"', folder, process.execPath, PROGRAM, ...argv];
    const { status, stderr } = await run(null, "sh", words);
    assert.is(status, 0, `${argv.join(" ")}: ${stderr}`);
  };
  await inFolder("node", "new", "hello");
  await inFolder("node", "build");
  await inFolder("node", "test");
  const router = await Weft.startWith([PROGRAM], SCRIPT);
  try {
    await router.ctl(`node load ${join(folder, "build/hello.wasm")} as hello`);
    const [hello] = await router.show<CustomNodeInfo[]>("node");
    assert.is(hello!.name, "hello");
    await router.ctl("prometheus listen 127.0.0.1:0");
    const { url } = await router.show<PrometheusInfo>("prometheus");
    assert.match(await (await fetch(url)).text(), "weft_worker_up");
  } finally {
    await router.stop();
  }
});

test("what it says of itself", async () => {
  const { status, stdout } = await run(null, process.execPath, [PROGRAM, "--version"]);
  assert.is(status, 0);
  assert.match(stdout, /^weft \d/);
  assert.match((await run(null, process.execPath, [PROGRAM, "man"])).stdout, /^\.TH WEFT 1 /);
});

test.run();
