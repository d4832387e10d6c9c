// The laboratory: hosts that reach each other, and nothing left when a process is killed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WeftError } from "../host/errors.js";
import { must } from "../host/lab/command.js";
import { lastCpu } from "../host/lab/cpu.js";
import { Host, connect } from "../host/lab/host.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

if (process.argv[2] === "victim") {
  // Started by the last test, to be killed: tells which namespaces it holds.
  const host = await Host.create();
  await host.link("weft0", "eth0");
  host.spawn("sleep", ["1000"]);
  process.stdout.write(`${readlinkSync("/proc/self/ns/net")} ${readlinkSync(host.namespace)}\n`);
  await sleep(1_000_000);
}

/** pids whose network namespace is one of these. */
function inside(namespaces: string[]): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return namespaces.includes(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      return false; // ended meanwhile, or another user's
    }
  });
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) if (await condition()) return;
  assert.unreachable(`not within 30 s: ${what}`);
}

test("two hosts ping each other through a third that routes", async () => {
  const [a, router, b] = [await Host.create(), await Host.create(), await Host.create()];
  await connect({ host: a, name: "eth0" }, { host: router, name: "left" });
  await connect({ host: b, name: "eth0" }, { host: router, name: "right" });
  await a.address("eth0", "192.0.2.2/25");
  await router.address("left", "192.0.2.1/25");
  await router.address("right", "192.0.2.129/25");
  await b.address("eth0", "192.0.2.130/25");
  await a.route("default", "192.0.2.1");
  await b.route("default", "192.0.2.129");
  await router.forward();

  const there = await a.run("ping", ["-c", "1", "-W", "30", "192.0.2.130"]);
  const back = await b.run("ping", ["-c", "1", "-W", "30", "192.0.2.2"]);
  assert.match(there.stdout, / 0% packet loss/);
  assert.match(back.stdout, /ttl=63/);
  assert.is(back.status, 0);

  const namespaces = [a, router, b].map((host) => readlinkSync(host.namespace));
  for (const host of [a, router, b]) await host.close();
  assert.equal(inside(namespaces), []);
});

test("the kernel is silent on our end of a link", async () => {
  const host = await Host.create();
  await host.link("weft0", "eth0");
  await host.address("eth0", "192.0.2.2/24");
  const result = await host.run("ping", ["-c", "1", "-W", "1", "192.0.2.1"]);
  assert.is(result.status, 1);
  const [ours] = JSON.parse((await host.run("ip", ["-j", "-s", "link", "show", "eth0"])).stdout);
  assert.is(ours.stats64.rx.packets, 0);
  assert.ok(ours.stats64.tx.packets > 0);
  await host.close();
});

test("a program that fails, hangs or is missing is told plainly", async () => {
  const host = await Host.create();
  assert.is((await host.run("sh", ["-c", "echo out; echo err >&2; exit 3"])).status, 3);
  const fails = async (promise: Promise<unknown>, message: RegExp): Promise<void> => {
    const error = await promise.then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, WeftError);
    assert.match((error as WeftError).message, message);
  };
  await fails(host.run("sleep", ["60"], 50), /did not end within 50 ms/);
  await fails(host.run("no-such-program", []), /"no-such-program" cannot be started/);
  await fails(host.address("eth7", "192.0.2.1/24"), /eth7.* failed: .*Cannot find device/);
  await host.close();
});

test("a program is stopped through the handle that started it", async () => {
  const host = await Host.create();
  const sleeper = host.spawn("sleep", ["1000"]);
  sleeper.kill("SIGTERM");
  const [, signal] = await once(sleeper, "exit");
  assert.is(signal, "SIGTERM");
  await host.close();
});

for (const [name, environment] of [
  ["in our network", process.env],
  ["in a private network of its own", { ...process.env, WEFT_OUTER_NETWORK: undefined }],
] as const) {
  test(`nothing is left of a process killed ${name}`, async () => {
    const victim = spawn(process.execPath, [fileURLToPath(import.meta.url), "victim"], { stdio: ["ignore", "pipe", "inherit"], env: environment });
    const [line] = await once(createInterface(victim.stdout), "line");
    const [own, made] = (line as string).split(" ") as [string, string];
    const namespaces = own === readlinkSync("/proc/self/ns/net") ? [made] : [own, made];
    assert.is(namespaces.length, name === "in our network" ? 1 : 2);
    // the namespace's holder and the sleeping program, each past the setpriv that it began as
    const programs = (): string[] => inside([made]).map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim()).sort();
    await until("both programs in the host", () => programs().join() === "cat,sleep");
    victim.kill("SIGKILL");
    await until("no process in the namespaces", () => inside(namespaces).length === 0);
  });
}

test("the last CPU is one that the process may use", async () => {
  const allowed = (await must(null, "taskset", ["-cp", String(process.pid)])).trim(); // "pid 1's current affinity list: 0,1"
  const cpus = allowed.split(": ")[1]!.split(/[,-]/).map(Number);
  assert.is(lastCpu(), cpus.at(-1));
  const program = `import { lastCpu } from ${JSON.stringify(new URL("../host/lab/cpu.js", import.meta.url).href)}; console.log(lastCpu());`;
  const words = ["-c", String(cpus[0]), process.execPath, "--input-type=module", "-e", program];
  assert.is((await must(null, "taskset", words)).trim(), String(cpus[0]));
});

test.run();
