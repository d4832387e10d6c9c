// The command line as a user meets it: exit statuses, messages, what is left behind.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BufferInfo, InterfaceInfo, RuntimeInfo, VersionInfo } from "../../host/control/api.js";
import { iperf } from "../../host/cli/peers.js";
import { must } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, B, hostAt, script } from "./network.js";
import { Weft, routed, scratch, until, weft } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

/** Longest that a busy router may take to answer: far from what it needs, far below what a blocked main thread would take. */
const PATIENCE = 2000;

const host = await hostAt(A);
const folder = scratch();
test.after(() => host.close());

for (const [what, line, message] of [
  ["does not parse", "set interface stste host-weft0 up", /unknown word "stste".*did you mean "state"\?/],
  ["names no interface there is", "set interface state host-weft9 up", /no interface "?host-weft9/],
  ["overlaps", `set interface ip address host-${A.device} 198.51.100.129/25`, /198\.51\.100\./],
] as const) {
  test(`a start-up script whose line 7 ${what}`, async () => {
    const file = join(folder, "script");
    writeFileSync(file, ["# one", "", ...script(A), "", line, "show version", ""].join("\n"));
    const socket = join(folder, "weft.sock");
    const { status, stdout, stderr } = await weft("run", file, "--socket", socket);
    assert.is(status, 1);
    assert.match(stderr, `weft: ${file}:7: `);
    assert.match(stderr, message);
    assert.is(stderr.trim().split("\n").filter((one) => one.includes(file)).length, 1, "one line");
    assert.not.match(stdout, "contract", "what stands after it is not executed");
    assert.is(existsSync(socket), false);
  });
}

test("wrong calls name the wrong word and the nearest right one, with status 2", async () => {
  for (const [argv, message] of [
    [["rum"], /unknown subcommand "rum": did you mean "run"\?/],
    [["run", "--bufers", "2000"], /unknown option "--bufers".*did you mean "--buffers"\?/],
    [["run", "--buffers", "12"], /"12" of --buffers: expected a number from 1024/],
    [["demo", "pong"], /unknown demo "pong": did you mean "ping"\?/],
  ] as const) {
    const { status, stdout, stderr } = await weft(...argv);
    assert.equal([status, stdout], [2, ""], argv.join(" "));
    assert.match(stderr, message);
  }
  const alone = await weft("ctl", "--socket", join(folder, "nobody.sock"), "show version");
  assert.is(alone.status, 1);
  assert.match(alone.stderr, 'start one with "weft run"');
});

test("a running router: commands through ctl, good ones and bad ones", async () => {
  const router = await Weft.start(script(A));
  await routed([], router, async () => {
    const ctl = (...argv: string[]) => weft("ctl", "--socket", router.socket, ...argv);
    const before = await router.show<InterfaceInfo[]>("interface");
    assert.match((await ctl("sh", "int")).stdout, `host-${A.device}`, "prefixes, and words apart");

    const wrong = await ctl("show itnerface"); // as a program of its own; below in this process, as that program does
    assert.equal([wrong.status, wrong.stdout], [2, ""]);
    for (const [command, message, expected] of [
      ["show itnerface", /unknown word "itnerface".*did you mean "interface"\?/, 2],
      ["set interface mtu 20 host-weft0", /"20".*from 68 to 65535/, 2],
      ["s i", /"s" in "s" is ambiguous/, 2],
      ["set interface state host-weft7 up", /host-weft7/, 1],
      ["create host-interface name nothing0", /no network interface "nothing0"/, 1],
      [`create host-interface name ${A.device}`, /exists already/, 1],
      [`set interface ip address host-${A.device} 198.51.100.1/24`, /198\.51\.100\.1/, 1],
      ["ip route add 192.0.2.0/24 via 10.0.0.1", /10\.0\.0\.1/, 1],
      ["ip route del 192.0.2.0/24", /192\.0\.2\.0\/24/, 1],
    ] as const) {
      const { status, stdout, stderr } = await router.try(command);
      assert.equal([status, stdout], [expected, ""], `${command}: ${stderr}`);
      assert.match(stderr, message, command);
      assert.match(stderr, /^weft: .+\n$/, "one line");
    }
    const after = await router.show<InterfaceInfo[]>("interface");
    assert.equal(after.map(({ counters: _, ...rest }) => rest), before.map(({ counters: _, ...rest }) => rest), "nothing has changed");

    const shows = (await router.ctl("help show")).trim().split("\n").map((line) => line.trim().split(/ {2,}| \[/)[0]!);
    assert.ok(shows.length >= 9, shows.join());
    for (const show of shows.filter((pattern) => !pattern.includes("<"))) {
      const { status, stdout, stderr } = await router.try(show, "--json");
      assert.equal([status, stderr], [0, ""], show);
      assert.is(typeof JSON.parse(stdout), "object", show);
    }
    assert.is((await router.show<BufferInfo>("buffers")).total, 16_384);
    assert.is((await router.show<VersionInfo>("version")).contract, 1);
  });
});

test("a second router on the same socket is refused, and the first goes on", async () => {
  const router = await Weft.start(script(A));
  await routed([], router, async () => {
    const second = await weft("run", "--socket", router.socket);
    assert.is(second.status, 1);
    assert.match(second.stderr, "a router answers on");
    assert.match(await router.ctl("show version"), "node contract 1");
  });
});

test("SIGINT and SIGTERM end a router with status 0, SIGKILL leaves a socket that the next one replaces", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const router = await Weft.start(script(A));
    assert.is(await router.end(signal), 0);
  }
  const socket = join(folder, "stale.sock");
  const file = join(folder, "empty");
  writeFileSync(file, "");
  const killed = await Weft.start([], "--socket", socket);
  killed.kill();
  await until("the process is gone", () => !existsSync(`/proc/${killed.pid}`));
  assert.is(existsSync(socket), true);
  const next = await Weft.start(script(A), "--socket", socket);
  assert.is(await next.end("SIGTERM"), 0);
  assert.is(existsSync(socket), false);
});

test("the main thread answers while the worker is busy", async () => {
  const peer = await hostAt(B);
  const router = await Weft.start(script(A, B));
  await routed([peer], router, async () => {
    const answers: number[] = [];
    let over = false;
    const transfer = iperf(host, peer, B.address, 4, [], () => {}).finally(() => (over = true));
    await until("traffic", async () => (await router.show<RuntimeInfo>("runtime")).workers[0]!.rxRate > 100);
    while (!over) {
      const start = performance.now();
      assert.match(await router.ctl("show version"), "node contract");
      answers.push(performance.now() - start);
    }
    assert.ok((await transfer).mbits > 20);
    assert.ok(answers.length > 10 && Math.max(...answers) < PATIENCE,
      `${answers.length} answers, the slowest in ${Math.max(...answers).toFixed(0)} ms`);
  });
});

test("a router whose notices nobody reads any more runs on", async () => {
  const router = await Weft.start(script(A));
  await routed([], router, async () => {
    router.deafen();
    await must(null, "ip", ["link", "set", A.device, "down"]);
    await until("a notice", async () => /link down/.test(await router.ctl("show logging")));
    await must(null, "ip", ["link", "set", A.device, "up"]);
    await until("another one", async () => /link up/.test(await router.ctl("show logging")));
  });
});

test.run();
